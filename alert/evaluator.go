package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/saved"
)

// TrackingID is the id of the rule about tracking that there is without anybody having made it. A saved alert under this
// id stands in its place.
const TrackingID = "tracking"

// Options are the parts of an evaluator.
type Options struct {
	Saved     *saved.Store
	Warehouse query.Asker
	// CompleteTo tells up to when the warehouse has everything that was accepted; zero: it is not known.
	CompleteTo func() time.Time
	// Number gives a number of a saved report as it stood at a moment.
	Number func(ctx context.Context, report string, number query.Number, at time.Time) (Reading, error)
	// Mail sends mails; nil: none can be.
	Mail Mailer
	// Pages is the address of the pages, for links; empty: nothing is linked.
	Pages  string
	Client *http.Client // of webhooks; default: one that follows no redirects and waits for 10 s
	Now    func() time.Time
	Logger *slog.Logger
}

// Evaluator evaluates the alerts of a folder, while no other process does.
type Evaluator struct {
	options Options
	leave   func()               // gives the lead back; nil: somebody else has it
	failed  map[string]time.Time // when an alert about a report could not be evaluated
}

// New makes an evaluator.
func New(o Options) *Evaluator {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Client == nil {
		o.Client = &http.Client{
			Timeout:       webhookFor,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return &Evaluator{options: o, failed: map[string]time.Time{}}
}

// How often Run looks, and how often each kind of rule is evaluated.
const (
	stepEvery   = 15 * time.Second
	eventEvery  = time.Minute
	reportEvery = 5 * time.Minute
	usualEvery  = time.Hour       // of a report: it is asked some twenty times
	failedWait  = 5 * time.Minute // before an evaluation that failed is tried again
	askFor      = 2 * time.Minute // the longest that one rule's questions may take
)

// every is how often the rule is evaluated.
func (r *Rule) every() time.Duration {
	switch {
	case r.Tracking:
		return trackingEvery
	case r.Event != nil:
		return eventEvery
	case r.Usual != nil:
		return usualEvery
	}
	return reportEvery
}

// Run evaluates and tells until ctx ends.
func (e *Evaluator) Run(ctx context.Context) error {
	tick := time.NewTicker(stepEvery)
	defer tick.Stop()
	defer func() {
		if e.leave != nil {
			e.leave()
		}
	}()
	for {
		if err := e.Step(ctx); err != nil && ctx.Err() == nil {
			e.options.Logger.Error("the alerts could not be evaluated", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Step evaluates what is due and tells what is to be told. It does nothing while another process has the lead.
func (e *Evaluator) Step(ctx context.Context) error {
	if e.leave == nil {
		leave, err := e.options.Saved.Lead("alerts")
		if err != nil || leave == nil {
			return err
		}
		e.leave = leave
	}
	alerts, err := Alerts(e.options.Saved)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for i := range alerts {
		known[alerts[i].ID] = true
		if err := e.one(ctx, &alerts[i]); err != nil {
			return err
		}
	}
	return e.forget(ctx, known)
}

// Alert is a rule and how it stands.
type Alert struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version int64  `json:"version" description:"of the rule; 0: nobody has made it"`
	Rule    Rule   `json:"rule"`
	State   State  `json:"state"`

	stateVersion int64
}

// Alerts gives all alerts and how they stand. A saved one that cannot be read has the status and the fault that say so.
func Alerts(store *saved.Store) ([]Alert, error) {
	rules, err := store.List(saved.Alerts)
	if err != nil {
		return nil, err
	}
	alerts := []Alert{}
	tracked := false
	for _, document := range rules {
		a := Alert{ID: document.ID, Name: document.Name, Version: document.Version}
		a.Rule, err = ReadRule(document.Body)
		if err != nil {
			a.Rule.Paused, a.State.Fault = true, err.Error()
		}
		tracked = tracked || document.ID == TrackingID
		alerts = append(alerts, a)
	}
	if !tracked {
		alerts = append([]Alert{{ID: TrackingID, Name: "Tracking broke", Rule: Rule{Tracking: true}}}, alerts...)
	}
	for i := range alerts {
		if err := alerts[i].recall(store); err != nil {
			return nil, err
		}
	}
	return alerts, nil
}

// recall reads what became of the alert. Of a state of another version of the rule only the history is left.
func (a *Alert) recall(store *saved.Store) error {
	document, err := store.Get(saved.States, a.ID)
	if errors.Is(err, saved.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	a.stateVersion = document.Version
	var state State
	if err := json.Unmarshal(document.Body, &state); err != nil {
		return fmt.Errorf("reading the state of the alert %q: %w", a.Name, err)
	}
	switch {
	case a.State.Fault != "": // the rule cannot be read
		a.State.History = state.History
	case state.RuleVersion == a.Version:
		a.State = state
	default:
		a.State.History = state.History
		a.State.end(state.Evaluated, none)
	}
	return nil
}

// one evaluates an alert where that is due, tells what is to be told, and keeps what became of it.
func (e *Evaluator) one(ctx context.Context, a *Alert) error {
	before, err := json.Marshal(a.State)
	if err != nil {
		return err
	}
	a.State.RuleVersion = a.Version
	e.evaluate(ctx, a)
	e.deliver(ctx, a)
	body, err := json.Marshal(a.State)
	if err != nil || bytes.Equal(before, body) || ctx.Err() != nil {
		return err
	}
	_, err = e.options.Saved.Put(ctx, saved.States, a.ID, a.stateVersion, saved.Draft{Name: a.Name, Body: body})
	return err
}

// forget removes the states of rules that are gone.
func (e *Evaluator) forget(ctx context.Context, known map[string]bool) error {
	states, err := e.options.Saved.List(saved.States)
	if err != nil {
		return err
	}
	for _, s := range states {
		if known[s.ID] {
			continue
		}
		delete(e.failed, s.ID)
		if err := e.options.Saved.Remove(ctx, saved.States, s.ID, 0); err != nil && !errors.Is(err, saved.ErrNotFound) {
			return err
		}
	}
	return nil
}

// evaluate looks at what has happened since the last time.
func (e *Evaluator) evaluate(ctx context.Context, a *Alert) {
	now := e.options.Now().UTC()
	if a.Rule.Paused {
		if a.State.Status != Paused {
			a.State.Phase = Phase{Status: Paused, Since: now}
		}
		return
	}
	// What the warehouse does not have yet must not be taken for what has not happened.
	complete := e.options.CompleteTo()
	end := complete.UTC().Truncate(a.Rule.every())
	if complete.IsZero() || !end.After(a.State.Evaluated) {
		return
	}
	if a.State.Fault != "" && now.Sub(e.failed[a.ID]) < failedWait {
		return
	}
	outer := ctx
	ctx, cancel := context.WithTimeout(outer, askFor)
	defer cancel()
	var err error
	if a.Rule.Tracking {
		err = e.tracking(ctx, a, end)
	} else {
		err = e.number(ctx, a, end)
	}
	switch {
	case err == nil:
		a.State.Evaluated, a.State.Fault = end, ""
	case outer.Err() == nil:
		if e.failed[a.ID] = now; a.State.Fault != err.Error() {
			e.options.Logger.Error("an alert could not be evaluated", "alert", a.Name, "err", err)
			a.State.Fault = err.Error()
		}
	}
}

// tracking evaluates the rule about events that stopped coming.
func (e *Evaluator) tracking(ctx context.Context, a *Alert, end time.Time) error {
	verdicts, err := judge(func(windows []window) (map[Name][]sample, error) {
		return allVolumes(ctx, e.options.Warehouse, windows)
	}, end)
	if err != nil {
		return err
	}
	for name := range verdicts {
		for _, ignored := range a.Rule.Ignore {
			if name.Event == ignored {
				delete(verdicts, name)
			}
		}
	}
	var stopped, back []Silent
	a.State.Silent, stopped, back = track(a.State.keepable(a.Rule.Ignore, end), verdicts, a.Rule.inARow(), end)
	status := OK
	for _, s := range a.State.Silent {
		if s.Status == Firing {
			status = Firing
		}
	}
	if a.State.Status != status {
		a.State.Phase = Phase{Status: status, Since: end}
	}
	fires := map[Name]bool{}
	for _, s := range a.State.Silent {
		fires[s.Name] = s.Status == Firing
	}
	a.State.end(end, func(n Name) bool { return fires[n] })
	for _, s := range stopped {
		a.State.begin(Episode{Since: end, Event: &s.Name, Value: new(0.0), Low: &s.Usual})
	}
	if len(stopped) > 0 {
		e.tell(a, notification{State: Firing, Summary: listed(stopped, "stopped coming"), Events: stopped}, end)
	}
	if len(back) > 0 {
		e.tell(a, notification{State: OK, Summary: listed(back, "came again"), Events: back}, end)
	}
	return nil
}

// keepable leaves out what is ignored by now, and what has been silent for so long that it is no longer usual.
func (s *State) keepable(ignored []string, end time.Time) []Silent {
	var kept []Silent
	for _, silent := range s.Silent {
		if end.Sub(silent.Since) > lookBack*24*time.Hour {
			continue
		}
		skip := false
		for _, name := range ignored {
			skip = skip || silent.Event == name
		}
		if !skip {
			kept = append(kept, silent)
		}
	}
	return kept
}
