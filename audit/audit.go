// Package audit proves the line: every event that the door accepted has one ending, and the warehouse holds exactly
// the rows that the ledger says.
//
// Five checks, each independent of the one before: the ledger's equation, its counts against the rows, no id twice,
// no gap in any collector's records, and every id that the stream still holds against the warehouse.
package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/warehouse"
)

// Asker is the part of a warehouse that an audit asks.
type Asker interface {
	Query(ctx context.Context, query string, args ...any) (warehouse.Rows, error)
	Positions(ctx context.Context, stream string) (map[string]string, error)
}

// Options say what to audit.
type Options struct {
	Warehouse Asker
	Log       stream.Log // nil: what the stream still holds is not compared
	Stream    string
	Source    string // of other producers' records: the loader's
	// From and To bound received_at, by whole minutes; To is not included.
	From, To time.Time
	// InFlight gives what is accepted and not in the warehouse, by source and minute, as far as it is known yet; and the moment
	// before which everything that was accepted is in the warehouse. nil: nothing is in flight.
	InFlight func() (accepted []event.Accepted, completeTo time.Time)
	// Wait is how long to wait for the warehouse to have what is accepted.
	Wait time.Duration
}

// Report is what an audit found.
type Report struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Accepted = Loaded + Duplicate + Dead + InFlight + Missing, in each source and minute.
	Accepted  int64 `json:"accepted"`
	Loaded    int64 `json:"loaded"`
	Duplicate int64 `json:"duplicate"`
	Dead      int64 `json:"dead"`
	Erased    int64 `json:"erased"`
	InFlight  int64 `json:"in_flight"`
	Missing   int64 `json:"missing"`
	Doubled   int64 `json:"doubled"`
	// Equal: nothing is missing, nothing is doubled, every check holds.
	Equal  bool    `json:"equal"`
	Checks []Check `json:"checks"`
	// Lines are the sources' minutes, in order.
	Lines       []Line `json:"lines"`
	MissingIDs  []ID   `json:"missing_ids"` // at most maxNamed
	DoubledIDs  []ID   `json:"doubled_ids"`
	LostRecords []Gap  `json:"lost_records"`
}

// Check is one thing that was looked at.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// Line is one source's minute.
type Line struct {
	Minute    time.Time `json:"minute"`
	Source    string    `json:"source"`
	Accepted  int64     `json:"accepted"`
	Loaded    int64     `json:"loaded"`
	Duplicate int64     `json:"duplicate"`
	Dead      int64     `json:"dead"`
	Erased    int64     `json:"erased,omitempty"`
	InFlight  int64     `json:"in_flight,omitempty"`
	Rows      int64     `json:"rows"`         // counted in events
	DeadRows  int64     `json:"dead_letters"` // counted in dead_letters
	Missing   int64     `json:"missing"`
	Doubled   int64     `json:"doubled"`
}

// ID names an event.
type ID struct {
	Source    string `json:"source"`
	MessageID string `json:"message_id"`
	Times     int64  `json:"times"` // how often it is in the warehouse
}

// Gap is a run of records that a collector wrote and that never came through.
type Gap struct {
	Collector string `json:"collector"`
	Boot      string `json:"boot"`
	From      uint64 `json:"from"`
	To        uint64 `json:"to"`
}

// maxNamed bounds the lists of ids.
const maxNamed = 1000

// Run audits. An error: the audit could not be done; what it finds is in the report.
func Run(ctx context.Context, o Options) (*Report, error) {
	r := &Report{
		From: o.From.UTC().Truncate(time.Minute), To: o.To.UTC(), Lines: []Line{}, Checks: []Check{},
		MissingIDs: []ID{}, DoubledIDs: []ID{}, LostRecords: []Gap{},
	}
	a := &auditor{Options: o, report: r, lines: map[lineKey]*Line{}}
	a.settle(ctx)
	if err := a.count(ctx); err != nil {
		return nil, err
	}
	a.compare()
	for _, step := range []func(context.Context) error{a.twice, a.sequences, a.streamed} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	r.Equal = r.Missing == 0 && r.Doubled == 0
	for _, c := range r.Checks {
		r.Equal = r.Equal && c.OK
	}
	return r, nil
}

type auditor struct {
	Options
	report *Report
	lines  map[lineKey]*Line
}

type lineKey struct {
	minute int64
	source string
}

func (a *auditor) line(minute int64, source string) *Line {
	key := lineKey{minute, source}
	if a.lines[key] == nil {
		a.lines[key] = &Line{Minute: time.Unix(minute*60, 0).UTC(), Source: source}
	}
	return a.lines[key]
}

func (a *auditor) check(name string, ok bool, format string, args ...any) {
	a.report.Checks = append(a.report.Checks, Check{name, ok, fmt.Sprintf(format, args...)})
}

// settle waits until what was accepted before the audit is in the warehouse, and notes what is not. That nothing is known to be in
// flight is not enough: what was accepted a moment ago may not have been seen in the stream yet.
func (a *auditor) settle(ctx context.Context) {
	if a.InFlight == nil {
		return
	}
	begun := time.Now()
	deadline := begun.Add(a.Wait)
	for {
		accepted, completeTo := a.InFlight()
		flying := a.inRange(accepted)
		if len(flying) == 0 && !completeTo.Before(begun) {
			return
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			for _, f := range flying {
				l := a.line(f.Minute, f.Source)
				l.InFlight += int64(f.Events)
				l.Accepted += int64(f.Events)
			}
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (a *auditor) inRange(accepted []event.Accepted) []event.Accepted {
	from, to := a.report.From.Unix()/60, a.report.To.Unix()
	var in []event.Accepted
	for _, f := range accepted {
		if f.Minute >= from && f.Minute*60 < to && f.Events > 0 {
			in = append(in, f)
		}
	}
	return in
}
