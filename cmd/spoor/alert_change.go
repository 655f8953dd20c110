package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spoorhq/spoor/alert"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/saved"
)

// ruleFlags say what an alert watches, when it fires and whom it tells. What is not given stays as it is.
type ruleFlags struct {
	Report  *string  `help:"Watch a number of the saved report with this id: a trend, a funnel or a retention." placeholder:"ID" group:"What is watched"`
	Series  *int     `help:"Of a trend: the series, from 0." placeholder:"N" group:"What is watched"`
	Formula *int     `help:"Of a trend: the formula, from 0." placeholder:"N" group:"What is watched"`
	Step    *int     `help:"Of a funnel: the step, from 0; by default the last." placeholder:"N" group:"What is watched"`
	Period  *int     `help:"Of a retention: the period after the start; by default 1." placeholder:"N" group:"What is watched"`
	Of      *string  `help:"Of a trend: total or last (the last interval that is over); of a funnel: of_first, of_previous or people; of a retention: share or people." placeholder:"NUMBER" group:"What is watched"`
	Group   []string `help:"Of a report with a breakdown: only this group, by its value; once for each of the breakdown's fields, or once as a JSON array, in which null is the missing value." placeholder:"VALUE" sep:"none" xor:"group" group:"What is watched"`
	Other   bool     `help:"Of a report with a breakdown: all groups together that it does not show." xor:"group" group:"What is watched"`
	All     bool     `name:"all-groups" help:"Of a report with a breakdown: all people again." xor:"group" group:"What is watched"`
	Event   *string  `help:"Watch how many events of this name were received; an empty name is all events." placeholder:"NAME" group:"What is watched"`
	Type    *string  `help:"Of an event: only of this type." placeholder:"TYPE" group:"What is watched"`
	Source  *string  `help:"Of an event: only from this source." placeholder:"SOURCE" group:"What is watched"`
	Minutes *int     `help:"Of an event: in the last so many minutes; by default 60." placeholder:"N" group:"What is watched"`

	Above *float64 `help:"Fire over this; of a share 0 to 1." placeholder:"X" group:"When it fires"`
	Below *float64 `help:"Fire under this; of a share 0 to 1. Thresholds that are given stand for all." placeholder:"X" group:"When it fires"`
	Usual bool     `help:"Fire outside of what is usual at this hour." group:"When it fires"`
	Side  *string  `help:"Of what is usual, fire only: above or below." placeholder:"SIDE" group:"When it fires"`
	K     *float64 `help:"So many deviations are still usual; by default 4." placeholder:"X" group:"When it fires"`
	For   *int     `help:"So many evaluations in a row must agree; by default 2." placeholder:"N" group:"When it fires"`

	Webhook []string `help:"Tell this URL by a signed POST. Receivers that are given stand for all." placeholder:"URL" sep:"none" group:"Who is told"`
	Email   []string `help:"Tell this mailbox." placeholder:"ADDRESS" sep:"none" group:"Who is told"`
	Nobody  bool     `help:"Tell nobody: it is shown and logged." group:"Who is told"`
}

// apply changes a rule as the flags say. Whether the rule means anything is the server's to say.
func (f *ruleFlags) apply(r *alert.Rule) {
	if f.Report != nil {
		if *f.Report != r.Report {
			r.Number = query.Number{}
		}
		r.Report, r.Event = *f.Report, nil
	}
	event := f.Event != nil || f.Type != nil || f.Source != nil || f.Minutes != nil
	if event && f.Report == nil {
		r.Report, r.Number = "", query.Number{}
	}
	if f.Series != nil || f.Formula != nil {
		r.Number.Series, r.Number.Formula = f.Series, f.Formula
	}
	set(&r.Number.Step, f.Step)
	set(&r.Number.Period, f.Period)
	if f.Of != nil {
		r.Number.Of = query.NumberOf(*f.Of)
	}
	if len(f.Group) > 0 || f.Other || f.All {
		r.Number.Group, r.Number.Other = groupOf(f.Group), f.Other
	}
	if event {
		if r.Event == nil {
			r.Event = &alert.Volume{}
		}
		put(&r.Event.Event, f.Event)
		put(&r.Event.Type, f.Type)
		put(&r.Event.Source, f.Source)
		put(&r.Event.Minutes, f.Minutes)
	}
	threshold, usual := f.Above != nil || f.Below != nil, f.Usual || f.Side != nil || f.K != nil
	if threshold {
		r.Above, r.Below = f.Above, f.Below
		if !usual {
			r.Usual = nil
		}
	}
	if usual {
		if r.Usual == nil {
			r.Usual = &alert.Usual{}
		}
		if !threshold {
			r.Above, r.Below = nil, nil
		}
		put(&r.Usual.Side, f.Side)
		put(&r.Usual.K, f.K)
	}
	put(&r.For, f.For)
	if f.Nobody || len(f.Webhook)+len(f.Email) > 0 {
		r.Notify = nil
	}
	for _, to := range f.Webhook {
		r.Notify = append(r.Notify, alert.Receiver{Webhook: to})
	}
	for _, to := range f.Email {
		r.Notify = append(r.Notify, alert.Receiver{Email: to})
	}
}

// groupOf reads a group: its values, or a JSON array of them.
func groupOf(values []string) query.Group {
	var group query.Group
	if len(values) == 1 && json.Unmarshal([]byte(values[0]), &group) == nil && len(group) > 0 {
		return group
	}
	group = nil
	for _, v := range values {
		group = append(group, &v)
	}
	return group
}

// set takes over what is given.
func set[T any](into **T, given *T) {
	if given != nil {
		*into = given
	}
}

// put takes over the value of what is given.
func put[T any](into, given *T) {
	if given != nil {
		*into = *given
	}
}

type alertCreateCommand struct {
	clientFlags
	Name string `arg:"" help:"What it is called."`
	ruleFlags
	JSON bool `help:"Print one JSON object."`
}

func (alertCreateCommand) Help() string {
	return `The alert's id is printed on standard output. docs/alerts.md says what can be watched, and how what is usual is found.

Examples:
  spoor alert create "Few orders" --event "Order Completed" --usual --side below --webhook https://chat.example/hook
  spoor alert create "Checkout breaks" --report k3jq5x2m7pnv4wtd --step 3 --of of_previous --below 0.4 --email ops@example.com --email shop@example.com
  spoor alert create "Austria is quiet" --report xk2m7pnv4wtdq5j3 --of last --group AT --usual --side below
  spoor alert create "They stay away" --report xk2m7pnv4wtdq5j3 --period 1 --below 0.2`
}

func (c *alertCreateCommand) Run(ctx context.Context, p *process) error {
	var rule alert.Rule
	c.apply(&rule)
	var made saved.Document
	if err := c.ask(ctx, http.MethodPost, "/api/saved/alerts", nil, map[string]any{"name": c.Name, "body": rule}, &made); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(p.stdout).Encode(made)
	}
	fmt.Fprintln(p.stdout, made.ID)
	return nil
}

// change changes a saved alert. The one about tracking that there always is becomes a saved one by it.
func (c *clientFlags) change(ctx context.Context, id string, act func(name *string, rule *alert.Rule)) (saved.Document, error) {
	path := "/api/saved/alerts/" + url.PathEscape(id)
	name, rule, condition := "Tracking broke", alert.Rule{Tracking: true}, "If-None-Match: *"
	var list struct{ Documents []saved.Document }
	if err := c.ask(ctx, http.MethodGet, "/api/saved/alerts", nil, nil, &list); err != nil {
		return saved.Document{}, err
	}
	found := id == alert.TrackingID
	for _, d := range list.Documents {
		if d.ID != id {
			continue
		}
		found, name, rule, condition = true, d.Name, alert.Rule{}, fmt.Sprintf("If-Match: %q", fmt.Sprint(d.Version))
		if err := json.Unmarshal(d.Body, &rule); err != nil {
			return saved.Document{}, err
		}
	}
	if !found {
		return saved.Document{}, fmt.Errorf("there is no alert %q; spoor alert list shows those that there are", id)
	}
	act(&name, &rule)
	var changed saved.Document
	err := c.ask(ctx, http.MethodPut, path, nil, map[string]any{"name": name, "body": rule}, &changed, condition)
	return changed, err
}

type alertChangeCommand struct {
	clientFlags
	alertID
	Name *string `help:"Call it this." placeholder:"NAME"`
	ruleFlags
	JSON bool `help:"Print one JSON object."`
}

func (alertChangeCommand) Help() string {
	return `What is not given stays as it is. A changed alert begins anew: whether it fires is found out again.

Examples:
  spoor alert change k3jq5x2m7pnv4wtd --below 30
  spoor alert change tracking --webhook https://chat.example/hook --email ops@example.com`
}

func (c *alertChangeCommand) Run(ctx context.Context, p *process) error {
	changed, err := c.change(ctx, c.ID, func(name *string, rule *alert.Rule) {
		put(name, c.Name)
		c.apply(rule)
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(p.stdout).Encode(changed)
	}
	fmt.Fprintf(p.stdout, "changed %s\n", c.ID)
	return nil
}

type alertPauseCommand struct {
	clientFlags
	alertID
}

func (c *alertPauseCommand) Run(ctx context.Context, p *process) error {
	return c.rest(ctx, p, c.ID, true)
}

type alertResumeCommand struct {
	clientFlags
	alertID
}

func (c *alertResumeCommand) Run(ctx context.Context, p *process) error {
	return c.rest(ctx, p, c.ID, false)
}

func (c *clientFlags) rest(ctx context.Context, p *process, id string, paused bool) error {
	if _, err := c.change(ctx, id, func(_ *string, rule *alert.Rule) { rule.Paused = paused }); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s %s\n", map[bool]string{true: "paused", false: "resumed"}[paused], id)
	return nil
}

type alertRemoveCommand struct {
	clientFlags
	alertID
}

func (alertRemoveCommand) Help() string {
	return `The one about tracking is always there: what is removed is what was said about it. To silence it, pause it.`
}

func (c *alertRemoveCommand) Run(ctx context.Context, p *process) error {
	if err := c.ask(ctx, http.MethodDelete, "/api/saved/alerts/"+url.PathEscape(c.ID), nil, nil, nil); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "removed %s\n", c.ID)
	return nil
}
