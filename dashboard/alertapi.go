package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/spoorhq/spoor/alert"
	"github.com/spoorhq/spoor/saved"
)

// Tester tells an alert's receivers that this is a test.
type Tester interface {
	Test(ctx context.Context, id string) ([]alert.TestResult, error)
	// CanMail tells whether mails can be sent.
	CanMail() bool
}

type (
	// AlertStanding is an alert and how it stands, without what may be a secret in its receivers.
	AlertStanding struct {
		ID      string `json:"id" required:"true"`
		Name    string `json:"name" required:"true"`
		Version int64  `json:"version" required:"true" description:"of the rule; 0: it is the one about tracking that nobody has made"`
		Watches string `json:"watches" required:"true" description:"what it watches, in words"`
		alert.Phase
		Evaluated   *time.Time     `json:"evaluated,omitempty" description:"up to when what has happened was looked at"`
		Value       *float64       `json:"value,omitempty"`
		Low         *float64       `json:"low,omitempty" description:"the least that does not fire"`
		High        *float64       `json:"high,omitempty" description:"the most that does not fire"`
		Silent      []alert.Silent `json:"silent,omitempty" description:"of tracking: events that have stopped coming, status firing, or may have"`
		Fault       string         `json:"fault,omitempty" description:"why it could not be evaluated"`
		Notify      []string       `json:"notify" required:"true" nullable:"false"`
		Waiting     int            `json:"waiting,omitempty" description:"notifications yet to be delivered"`
		Undelivered string         `json:"undelivered,omitempty" description:"what could not be delivered last, and why"`
	}
	alertList struct {
		Alerts []AlertStanding `json:"alerts" required:"true" nullable:"false"`
	}
	testList struct {
		Results []alert.TestResult `json:"results" required:"true" nullable:"false"`
	}
	alertKey struct {
		Key string `json:"key" required:"true" description:"whsec_ and base64, as standardwebhooks.com has it"`
	}
)

func (d *Dashboard) alertOperations() []operation {
	return []operation{
		{
			route: "GET /api/alerts", id: "alerts", group: groupRun, title: "How the alerts stand", scope: scopeRead,
			about: "All saved alerts and, where nobody has made one, the one about tracking that there always is.",
			gives: alertList{}, handle: d.alerts,
		},
		{
			route: "POST /api/alerts/{id}/test", id: "testAlert", group: groupRun, title: "Tell an alert's receivers that this is a test", scope: scopeAdmin,
			about:  "Each is tried once, and the answer says which could be told.",
			params: savedParams{}, gives: testList{}, refuse: []int{404}, handle: d.testAlert,
		},
		{
			route: "GET /api/alerts/key", id: "alertKey", group: groupRun, title: "The key that webhooks are signed with", scope: scopeAdmin,
			gives: alertKey{}, handle: d.alertKey,
		},
	}
}

func (d *Dashboard) alerts(w http.ResponseWriter, r *http.Request) {
	all, err := alert.Alerts(d.options.Saved)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	list := alertList{Alerts: []AlertStanding{}}
	for i := range all {
		a := &all[i]
		s := AlertStanding{
			ID: a.ID, Name: a.Name, Version: a.Version, Watches: d.watches(&a.Rule), Phase: a.State.Phase, Evaluated: known(a.State.Evaluated),
			Value: a.State.Value, Low: a.State.Low, High: a.State.High, Silent: a.State.Silent, Fault: a.State.Fault,
			Notify: []string{}, Waiting: len(a.State.Outbox), Undelivered: a.State.Undelivered,
		}
		if s.Status == "" {
			s.Phase = alert.Phase{Status: alert.Learning, Since: d.options.Now().UTC()}
		}
		if a.Rule.Paused {
			s.Status = alert.Paused
		}
		for _, to := range a.Rule.Notify {
			s.Notify = append(s.Notify, to.String())
		}
		list.Alerts = append(list.Alerts, s)
	}
	answer(w, list)
}

// watches says in words what a rule watches. A report is called by its name.
func (d *Dashboard) watches(rule *alert.Rule) string {
	report := ""
	if rule.Report != "" {
		report = "the report " + rule.Report
		if document, err := d.options.Saved.Get(saved.Reports, rule.Report); err == nil {
			report = document.Name
		}
	}
	return rule.Words(report)
}

func (d *Dashboard) testAlert(w http.ResponseWriter, r *http.Request) {
	results, err := d.options.Alerts.Test(r.Context(), r.PathValue("id"))
	if err != nil {
		d.notSaved(w, r, err)
		return
	}
	answer(w, testList{results})
}

func (d *Dashboard) alertKey(w http.ResponseWriter, r *http.Request) {
	key, err := alert.Key(r.Context(), d.options.Saved)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	answer(w, alertKey{key})
}

// checkAlert wants a rule that can be evaluated and whose receivers can be told.
func (d *Dashboard) checkAlert(_ context.Context, _ string, body json.RawMessage) error {
	rule, err := alert.ReadRule(body)
	if err != nil {
		return err
	}
	for i, to := range rule.Notify {
		if to.Email != "" && !d.options.Alerts.CanMail() {
			return &saved.FieldError{Field: fmt.Sprintf("body.notify[%d].email", i), Value: strconv.Quote(to.Email), Why: "needs a server that sends mails, which --smtp names"}
		}
	}
	if rule.Report == "" {
		return nil
	}
	document, err := d.options.Saved.Get(saved.Reports, rule.Report)
	if errors.Is(err, saved.ErrNotFound) {
		return &saved.FieldError{Field: "body.report", Value: strconv.Quote(rule.Report), Why: "must be the id of a saved report"}
	}
	if err != nil {
		return err
	}
	report, err := saved.ReadReport(document.Body)
	if err != nil {
		return err
	}
	q, err := d.questionOfReport(report)
	if err == nil && q.number == nil {
		err = &saved.FieldError{Field: "body.report", Value: strconv.Quote(rule.Report), Why: "must be a report that comes down to a number, as a trend does"}
	}
	return err
}
