package alert

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/saved"
)

// notification is what receivers are told.
type notification struct {
	ID      string           `json:"id"` // of this telling: the same when it is sent again
	Alert   string           `json:"alert"`
	Name    string           `json:"name"`
	State   Status           `json:"state"` // firing, ok again, or test
	At      time.Time        `json:"at"`    // the end of what was looked at
	Summary string           `json:"summary"`
	Text    string           `json:"text"`           // one line that says all, which chats show
	Kind    query.NumberKind `json:"kind,omitempty"` // of the number: a share is 0 to 1
	Value   *float64         `json:"value,omitempty"`
	Low     *float64         `json:"low,omitempty"`
	High    *float64         `json:"high,omitempty"`
	Events  []Silent         `json:"events,omitempty"`
	URL     string           `json:"url,omitempty"`
}

// tested is the state of a notification that only tries the way.
const tested Status = "test"

// Letter is a notification on its way to one receiver.
type Letter struct {
	To       Receiver     `json:"to"`
	What     notification `json:"what"`
	Attempts int          `json:"attempts"`
	Next     time.Time    `json:"next"` // when it is tried again
}

// maxOutbox bounds what waits for one alert's receivers.
const maxOutbox = 100

// waits are how long a letter waits after each attempt. After the last one it is given up.
func waits() []time.Duration {
	return []time.Duration{15 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour}
}

// complete adds what all notifications have.
func (e *Evaluator) complete(a *Alert, n notification, at time.Time) notification {
	n.ID, n.Alert, n.Name, n.At = saved.NewID(), a.ID, a.Name, at
	mark := map[Status]string{Firing: "FIRING", OK: "ok again", tested: "test"}[n.State]
	n.Text = fmt.Sprintf("[%s] %s: %s", mark, a.Name, n.Summary)
	if e.options.Pages != "" && a.ID != "" {
		n.URL = strings.TrimSuffix(e.options.Pages, "/") + "/alerts?id=" + a.ID
	}
	return n
}

// tell logs a change and puts it into the outbox of every receiver.
func (e *Evaluator) tell(a *Alert, n notification, at time.Time) {
	n = e.complete(a, n, at)
	e.options.Logger.Warn("alert", "alert", a.Name, "state", string(n.State), "summary", n.Summary)
	for _, to := range a.Rule.Notify {
		a.State.Outbox = append(a.State.Outbox, Letter{To: to, What: n, Next: e.options.Now().UTC()})
	}
	if over := len(a.State.Outbox) - maxOutbox; over > 0 {
		e.options.Logger.Error("an alert's oldest notifications are given up: too many wait", "alert", a.Name, "notifications", over)
		a.State.Outbox = a.State.Outbox[over:]
	}
}

// deliver tries what is due. A receiver gets its letters in their order: behind one that waits, the others do.
func (e *Evaluator) deliver(ctx context.Context, a *Alert) {
	var left []Letter
	waiting := map[Receiver]bool{}
	for _, letter := range a.State.Outbox {
		if waiting[letter.To] || e.options.Now().Before(letter.Next) {
			waiting[letter.To] = true
			left = append(left, letter)
			continue
		}
		err := e.send(ctx, letter.To, letter.What)
		if err == nil {
			a.State.Undelivered = ""
			continue
		}
		if ctx.Err() != nil {
			left = append(left, letter)
			continue
		}
		letter.Attempts++
		a.State.Undelivered = fmt.Sprintf("%s: %v", letter.To, err)
		if letter.Attempts > len(waits()) {
			e.options.Logger.Error("a notification is given up", "alert", a.Name, "to", letter.To.String(), "attempts", letter.Attempts, "err", err)
			continue
		}
		letter.Next = e.options.Now().UTC().Add(waits()[letter.Attempts-1])
		e.options.Logger.Warn("a notification could not be delivered", "alert", a.Name, "to", letter.To.String(), "again", letter.Next, "err", err)
		waiting[letter.To] = true
		left = append(left, letter)
	}
	a.State.Outbox = left
}

// TestResult says whether a receiver could be told.
type TestResult struct {
	To    string `json:"to" required:"true"`
	OK    bool   `json:"ok" required:"true"`
	Error string `json:"error,omitempty"`
}

// Test tells every receiver of an alert once that this is a test, or, where it is given, the one of an index.
// saved.ErrNotFound: there is no such alert; *saved.FieldError: no such receiver.
func (e *Evaluator) Test(ctx context.Context, id string, receiver *int) ([]TestResult, error) {
	alerts, err := Alerts(e.options.Saved)
	if err != nil {
		return nil, err
	}
	for i := range alerts {
		a := &alerts[i]
		if a.ID != id {
			continue
		}
		to := a.Rule.Notify
		if receiver != nil {
			if *receiver < 0 || *receiver >= len(to) {
				return nil, &saved.FieldError{Field: "receiver", Value: strconv.Itoa(*receiver), Why: fmt.Sprintf("must be the index of one of the %d receivers", len(to))}
			}
			to = to[*receiver : *receiver+1]
		}
		return e.try(ctx, a, to), nil
	}
	return nil, saved.ErrNotFound
}

// Try tells a receiver, of an alert that need not be kept, once that this is a test. *saved.FieldError: it cannot be one.
func (e *Evaluator) Try(ctx context.Context, name string, to Receiver) (TestResult, error) {
	if err := to.check("to"); err != nil {
		if field, ok := errors.AsType[*saved.FieldError](err); ok {
			field.Field = strings.TrimPrefix(field.Field, "body.")
		}
		return TestResult{}, err
	}
	return e.try(ctx, &Alert{Name: name}, []Receiver{to})[0], nil
}

func (e *Evaluator) try(ctx context.Context, a *Alert, receivers []Receiver) []TestResult {
	results := []TestResult{}
	n := e.complete(a, notification{State: tested, Summary: "this is a test; nothing has happened"}, e.options.Now().UTC())
	for _, to := range receivers {
		result := TestResult{To: to.String(), OK: true}
		if err := e.send(ctx, to, n); err != nil {
			result.OK, result.Error = false, err.Error()
		}
		results = append(results, result)
	}
	return results
}

// CanMail tells whether mails can be sent.
func (e *Evaluator) CanMail() bool { return e.options.Mail != nil }

func (e *Evaluator) send(ctx context.Context, to Receiver, n notification) error {
	if to.Email != "" {
		return e.mail(ctx, to.Email, n)
	}
	return e.post(ctx, to.Webhook, n)
}

// Words says what the rule watches. number is what its number is called, where it watches a report's, and kind how that is
// written.
func (r *Rule) Words(number string, kind query.NumberKind) string {
	what := number
	say := func(n *float64) string { return written(*n, kind) }
	switch {
	case r.Tracking:
		return "events that normally come and have stopped coming"
	case r.Event != nil:
		what = fmt.Sprintf("%s in the last %s", r.Event, length(r.Event.window()))
	}
	switch {
	case r.Usual != nil && r.Usual.Side == "above":
		return what + " over what is usual at this hour"
	case r.Usual != nil && r.Usual.Side == "below":
		return what + " under what is usual at this hour"
	case r.Usual != nil:
		return what + " outside of what is usual at this hour"
	case r.Above != nil && r.Below != nil:
		return fmt.Sprintf("%s over %s or under %s", what, say(r.Above), say(r.Below))
	case r.Above != nil:
		return fmt.Sprintf("%s over %s", what, say(r.Above))
	case r.Below != nil:
		return fmt.Sprintf("%s under %s", what, say(r.Below))
	}
	return what
}

// String says which events are counted.
func (v *Volume) String() string {
	what := v.Event
	switch {
	case what == "" && v.Type == "":
		what = "events"
	case what == "":
		what = v.Type + " events"
	}
	if v.Source != "" {
		what += " from " + v.Source
	}
	return what
}

func length(d time.Duration) string {
	switch {
	case d == time.Hour:
		return "hour"
	case d == 24*time.Hour:
		return "day"
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d minutes", d/time.Minute)
}

// written writes a number as people do: a share in percent, with two digits behind the point, and of a small one two in all.
func written(n float64, kind query.NumberKind) string {
	if kind == query.Part {
		return written(100*n, query.Other) + "%"
	}
	text := strconv.FormatFloat(n, 'f', 2, 64)
	if math.Abs(n) < 0.1 {
		text = strconv.FormatFloat(n, 'g', 2, 64)
	}
	short, err := strconv.ParseFloat(text, 64)
	if err != nil {
		short = n
	}
	return strconv.FormatFloat(short, 'f', -1, 64)
}

// mostNamed is how many events are named in one line.
const mostNamed = 5

func listed(silent []Silent, what string) string {
	var names []string
	for _, s := range silent[:min(len(silent), mostNamed)] {
		usual := ""
		if what == "stopped coming" {
			usual = fmt.Sprintf(" (usually %s in %s)", written(s.Usual, query.Counted), map[int]string{shortHours: "this hour", longHours: "a day"}[s.Hours])
		}
		names = append(names, s.Name.String()+usual)
	}
	if more := len(silent) - mostNamed; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ") + " " + what
}
