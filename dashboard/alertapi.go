package dashboard

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/spoorhq/spoor/alert"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/saved"
)

// Tester tells an alert's receivers that this is a test, and tries what a rule would see.
type Tester interface {
	Test(ctx context.Context, id string, receiver *int) ([]alert.TestResult, error)
	Try(ctx context.Context, name string, to alert.Receiver) (alert.TestResult, error)
	Measure(ctx context.Context, rule *alert.Rule) (alert.Measured, error)
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
		Paused      bool             `json:"paused" required:"true"`
		Report      string           `json:"report,omitempty" description:"the id of the report whose number it watches"`
		Kind        query.NumberKind `json:"kind" required:"true" enum:"count,share,other" description:"of the number: a share is 0 to 1"`
		Evaluated   *time.Time       `json:"evaluated,omitempty" description:"up to when what has happened was looked at"`
		Value       *float64         `json:"value,omitempty"`
		Low         *float64         `json:"low,omitempty" description:"the least that does not fire"`
		High        *float64         `json:"high,omitempty" description:"the most that does not fire"`
		History     []alert.Episode  `json:"history" required:"true" nullable:"false" description:"when it fired, the newest first, 50 at most"`
		Silent      []alert.Silent   `json:"silent,omitempty" description:"of tracking: events that have stopped coming, status firing, or may have"`
		Fault       string           `json:"fault,omitempty" description:"why it could not be evaluated"`
		Notify      []string         `json:"notify" required:"true" nullable:"false"`
		Waiting     int              `json:"waiting,omitempty" description:"notifications yet to be delivered"`
		Undelivered string           `json:"undelivered,omitempty" description:"what could not be delivered last, and why"`
	}
	// alertList is all alerts.
	alertList struct {
		Alerts []AlertStanding `json:"alerts" required:"true" nullable:"false"`
	}
	testParams struct {
		savedParams
		Receiver *int `query:"receiver" minimum:"0" description:"Only the one of this index; by default all."`
	}
	// tryAsk says what is tried.
	tryAsk struct {
		Name string         `json:"name,omitempty" description:"of the alert, for the message; it need not be saved"`
		To   alert.Receiver `json:"to" required:"true"`
	}
	// testList says for each receiver whether it could be told.
	testList struct {
		Results []alert.TestResult `json:"results" required:"true" nullable:"false"`
	}
	// alertKey is what webhooks are signed with.
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
			params: testParams{}, gives: testList{}, refuse: []int{400, 404}, handle: d.testAlert,
		},
		{
			route: "POST /api/alerts/try", id: "tryReceiver", group: groupRun, title: "Tell one receiver that this is a test", scope: scopeAdmin,
			about: "For a receiver that is not saved yet.", body: tryAsk{}, gives: alert.TestResult{}, refuse: []int{400, 413}, handle: d.tryReceiver,
			sample: map[string]any{"webhook": tryAsk{Name: "Few orders", To: alert.Receiver{Webhook: "https://chat.example/hook"}}},
		},
		{
			route: "POST /api/alerts/measure", id: "measureAlert", group: groupRun, title: "What an alert would see now", scope: scopeRead,
			about: "The body is that of an alert, which need not be saved: its number now, and the range in which it does not fire. Not of tracking.",
			body:  alert.Rule{}, gives: alert.Measured{}, refuse: []int{400, 413, 504}, handle: d.measureAlert,
			sample: map[string]any{"usual": alert.Rule{Event: &alert.Volume{Event: "Order Completed"}, Usual: &alert.Usual{Side: "below"}}},
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
		words, kind := d.watches(&a.Rule)
		s := AlertStanding{
			ID: a.ID, Name: a.Name, Version: a.Version, Watches: words, Kind: kind, Phase: a.State.Phase, Evaluated: known(a.State.Evaluated),
			Paused: a.Rule.Paused, Report: a.Rule.Report, History: append([]alert.Episode{}, a.State.History...), Value: a.State.Value, Low: a.State.Low, High: a.State.High, Silent: a.State.Silent, Fault: a.State.Fault,
			Notify: []string{}, Waiting: len(a.State.Outbox), Undelivered: a.State.Undelivered,
		}
		if s.Status == "" {
			s.Phase = alert.Phase{Status: alert.Learning, Since: d.options.Now().UTC()}
		}
		if s.Status = a.State.Shown(); a.Rule.Paused && s.Status != alert.Faulty {
			s.Status = alert.Paused
		}
		for _, to := range a.Rule.Notify {
			s.Notify = append(s.Notify, to.String())
		}
		list.Alerts = append(list.Alerts, s)
	}
	answer(w, list)
}

// watches says in words what a rule watches, and what kind of number that is. A report is called by its name.
func (d *Dashboard) watches(rule *alert.Rule) (words string, kind query.NumberKind) {
	if rule.Report == "" {
		return rule.Words("", query.Counted), query.Counted
	}
	w, err := d.watchedBy(rule.Report, rule.Number)
	if err != nil {
		return rule.Words("the report "+rule.Report, query.Other), query.Other
	}
	kind = w.number.Kind(w.question)
	return rule.Words(w.name(), kind), kind
}

func (d *Dashboard) testAlert(w http.ResponseWriter, r *http.Request) {
	var receiver *int
	if sent := r.URL.Query().Get("receiver"); sent != "" {
		n, err := strconv.Atoi(sent)
		if err != nil {
			refuseField(w, "receiver", sent, fmt.Errorf("receiver must be the index of a receiver; got %q", sent))
			return
		}
		receiver = &n
	}
	results, err := d.options.Alerts.Test(r.Context(), r.PathValue("id"), receiver)
	if err != nil {
		d.notSaved(w, r, err)
		return
	}
	answer(w, testList{results})
}

func (d *Dashboard) tryReceiver(w http.ResponseWriter, r *http.Request) {
	var ask tryAsk
	if !read(w, r, savedOverhead, &ask) {
		return
	}
	result, err := d.options.Alerts.Try(r.Context(), cmp.Or(ask.Name, "An alert"), ask.To)
	if err != nil {
		d.notSaved(w, r, err)
		return
	}
	answer(w, result)
}

func (d *Dashboard) measureAlert(w http.ResponseWriter, r *http.Request) {
	var body json.RawMessage
	if !read(w, r, saved.MaxBytes, &body) {
		return
	}
	rule, err := alert.ReadRule(body)
	if err == nil && rule.Tracking {
		err = &saved.FieldError{Field: "body.tracking", Value: "true", Why: "is about no one number"}
	}
	if err == nil && rule.Report != "" {
		err = d.checkNumber(&rule)
	}
	var measured alert.Measured
	if err == nil {
		measured, err = d.options.Alerts.Measure(r.Context(), &rule)
	}
	if err != nil {
		d.notSaved(w, r, err)
		return
	}
	answer(w, measured)
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
	return d.checkNumber(&rule)
}
