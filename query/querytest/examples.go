package querytest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
)

// Documented is a report that docs/queries.md has examples of: how the warehouse and the oracle answer a question's JSON,
// which may name cohorts.
type Documented struct {
	Ask    func(ctx context.Context, in query.Source, question []byte, cohorts query.Cohorts, now time.Time) (any, error)
	Oracle func(w *World, question []byte, cohorts query.Cohorts) (any, error)
}

// DocumentedReports are they, by name.
func DocumentedReports() map[string]Documented {
	return map[string]Documented{
		"trend":      documented(query.AskTrend, (*World).Trend),
		"funnel":     documented(query.AskFunnel, (*World).Funnel),
		"retention":  documented(query.AskRetention, (*World).Retention),
		"paths":      documented(query.AskPaths, (*World).Paths),
		"people":     documented(query.AskPeople, (*World).PeopleOf),
		"catalog":    documented(query.AskCatalog, (*World).catalog),
		"properties": documented(query.AskProperties, (*World).properties),
	}
}

func documented[Q query.Question, A any](ask func(context.Context, query.Source, Q, time.Time) (A, error), oracle func(*World, Q) A) Documented {
	read := func(question []byte, cohorts query.Cohorts) (Q, error) {
		q, err := query.Read[Q](question)
		if err != nil {
			return q, err
		}
		return query.Resolve(q, cohorts)
	}
	return Documented{
		Ask: func(ctx context.Context, in query.Source, question []byte, cohorts query.Cohorts, now time.Time) (any, error) {
			q, err := read(question, cohorts)
			if err != nil {
				return nil, err
			}
			return ask(ctx, in, q, now)
		},
		Oracle: func(w *World, question []byte, cohorts query.Cohorts) (any, error) {
			q, err := read(question, cohorts)
			if err != nil {
				return nil, err
			}
			return oracle(w, q), nil
		},
	}
}

// block is a fenced block of a page: its info string and its text.
type block struct {
	info, text string
	line       int
}

func blocks(page []byte) []block {
	var list []block
	var open *block
	for i, line := range strings.Split(string(page), "\n") {
		switch {
		case open == nil && strings.HasPrefix(line, "```") && len(line) > 3:
			open = &block{info: line[3:], line: i + 1}
		case open != nil && line == "```":
			list = append(list, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	return list
}

// writtenWorld is a world as a page has it: "json world NAME".
type writtenWorld struct {
	Now     time.Time
	Traits  map[string]map[string]json.RawMessage
	Cohorts map[string]query.Cohort // saved ones, by id
	Events  []struct {
		At, Received              time.Time
		Type, Event, User, Device string
		Session, Country, Source  string
		Bot                       bool
		Properties                json.RawMessage
	}
}

// example is a question as a page has it: "json example". Answer is a part of the whole answer: members that it does not
// have are not compared.
type example struct {
	World, Report string
	Question      json.RawMessage
	Answer        any
}

func strictly(text string, into any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func (x writtenWorld) world() *World {
	w := &World{Identities: map[string]string{}, Traits: map[string]map[string]string{}, Now: x.Now}
	for user, traits := range x.Traits {
		w.Traits[user] = map[string]string{}
		for name, value := range traits {
			w.Traits[user][name] = string(value)
		}
	}
	seen := map[string]time.Time{}
	for i, h := range x.Events {
		e := event.Event{
			Request: &event.Request{Source: "web", Protocol: "segment"}, MessageID: fmt.Sprintf("m%03d", i), Type: event.TypeTrack, Name: h.Event,
			UserID: h.User, AnonymousID: h.Device, SessionID: h.Session, IsBot: h.Bot,
			Timestamp: event.TimeOf(h.At), ReceivedAt: event.TimeOf(h.At), OriginalTimestamp: event.NoTime, SentAt: event.NoTime,
		}
		if h.Source != "" {
			e.Request.Source = h.Source
		}
		if h.Type != "" {
			e.Type = h.Type
		}
		if !h.Received.IsZero() {
			e.ReceivedAt = event.TimeOf(h.Received)
		}
		e.Geo.Country = h.Country
		if h.Properties != nil {
			var compact bytes.Buffer
			if err := json.Compact(&compact, h.Properties); err == nil {
				e.Properties = compact.Bytes()
			}
		}
		if h.User != "" && h.Device != "" && !h.At.Before(seen[h.Device]) {
			seen[h.Device], w.Identities[h.Device] = h.At, h.User
		}
		w.Events = append(w.Events, e)
	}
	return w
}

// cohort implements query.Cohorts.
func (x writtenWorld) cohort(id string) (query.Cohort, error) {
	c, ok := x.Cohorts[id]
	if !ok {
		return c, query.ErrNoCohort
	}
	return c, nil
}

// Examples runs the examples of a page, on a warehouse for each of its worlds, and on the oracle. It gives their number.
func Examples(t *testing.T, page []byte, open func(t *testing.T, name string) warehouse.Warehouse) (count int) {
	t.Helper()
	worlds, warehouses, cohorts := map[string]*World{}, map[string]warehouse.Warehouse{}, map[string]query.Cohorts{}
	for _, b := range blocks(page) {
		if name, is := strings.CutPrefix(b.info, "json world "); is {
			var x writtenWorld
			if err := strictly(b.text, &x); err != nil {
				t.Fatalf("line %d: the world %s: %v", b.line, name, err)
			}
			worlds[name], warehouses[name], cohorts[name] = x.world(), open(t, "docs_"+name), x.cohort
			if err := worlds[name].Load(t.Context(), warehouses[name]); err != nil {
				t.Fatalf("line %d: loading the world %s: %v", b.line, name, err)
			}
		}
		if b.info != "json example" {
			continue
		}
		count++
		var x example
		if err := strictly(b.text, &x); err != nil {
			t.Errorf("line %d: %v", b.line, err)
			continue
		}
		report, world := DocumentedReports()[x.Report], worlds[x.World]
		if report.Ask == nil || world == nil || x.Answer == nil {
			t.Errorf("line %d: want a known world, a known report and an answer; have %q and %q", b.line, x.World, x.Report)
			continue
		}
		told, err := report.Oracle(world, x.Question, cohorts[x.World])
		if err == nil {
			err = contains(x.Answer, told)
		}
		if err != nil {
			t.Errorf("line %d: the oracle: %v", b.line, err)
		}
		have, err := report.Ask(t.Context(), warehouses[x.World], x.Question, cohorts[x.World], world.Now)
		if err == nil {
			err = contains(x.Answer, have)
		}
		if err != nil {
			t.Errorf("line %d: the warehouse: %v", b.line, err)
		}
	}
	return count
}

// contains tells where an answer does not have what a part of one says.
func contains(want, answer any) error {
	var have any
	if err := json.Unmarshal([]byte(text(answer)), &have); err != nil {
		return err
	}
	if where := lacks("answer", want, have); where != "" {
		return fmt.Errorf("%s\nof %s", where, text(answer))
	}
	return nil
}

func lacks(path string, want, have any) string {
	switch w := want.(type) {
	case map[string]any:
		h, ok := have.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s: want an object; have %v", path, have)
		}
		for k := range w {
			if where := lacks(path+"."+k, w[k], h[k]); where != "" {
				return where
			}
		}
		return ""
	case []any:
		h, ok := have.([]any)
		if !ok || len(h) != len(w) {
			return fmt.Sprintf("%s: want %d; have %s", path, len(w), text(have))
		}
		for i := range w {
			if where := lacks(fmt.Sprintf("%s[%d]", path, i), w[i], h[i]); where != "" {
				return where
			}
		}
		return ""
	}
	return difference(path, want, have)
}
