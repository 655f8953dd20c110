package query_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
)

// teller is a warehouse that says of each statement that half of it is done, and goes on when it is told to.
type teller struct {
	query.Source
	half chan struct{}
	on   chan struct{}
}

func (w *teller) QueryTelling(ctx context.Context, tell func(done float64), text string, args ...any) (warehouse.Rows, error) {
	if strings.Contains(text, "facts") || strings.Contains(text, "people as") {
		tell(0.5)
		w.half <- struct{}{}
		select {
		case <-w.on:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return w.Query(ctx, text, args...)
}

// Everybody who asks the same question sees how far it is, over all of its statements; who waits for a turn sees that.
func TestProgress(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, w, _ := engine(t, query.EngineOptions{})
	slow := &teller{Source: w, half: make(chan struct{}), on: make(chan struct{})}
	e := query.NewEngine(slow, query.EngineOptions{Deadline: time.Minute, AtOnce: 1, Now: func() time.Time { return noon.Add(time.Hour) }})
	two := trendOf(query.Count, "2026-11-23", "2026-11-23")
	two.Series = append(two.Series, query.Series{Measure: query.Measure{Of: query.People}})
	var ada, bob, late query.Follower
	if _, known := ada.Progress(); known {
		t.Error("want nothing to follow before something is asked")
	}
	ended := make(chan error)
	ask := func(f *query.Follower, q query.Trend) {
		go func() {
			_, err := e.Trend(f.Following(ctx), q)
			ended <- err
		}()
	}
	until := func(what string, f *query.Follower, is func(query.Progress) bool) {
		t.Helper()
		for tick := time.NewTicker(time.Millisecond); ; {
			p, known := f.Progress()
			if known && is(p) {
				if p.Deadline != 60 || p.Seconds < 0 || p.Seconds > 60 {
					t.Errorf("%s: want its time within the deadline; have %+v", what, p)
				}
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				t.Fatalf("want %s; have %+v, %v", what, p, known)
			}
		}
	}
	done := func(part float64) func(query.Progress) bool {
		return func(p query.Progress) bool { return p.Done != nil && *p.Done == part && !p.Waiting }
	}
	ask(&ada, two)
	<-slow.half
	ask(&bob, two)
	ask(&late, trendOf(query.Sessions, "2026-11-22", "2026-11-22"))
	until("a quarter, for Ada", &ada, done(0.25))
	until("a quarter, for Bob", &bob, done(0.25))
	until("waiting for a turn", &late, func(p query.Progress) bool { return p.Waiting && p.Done == nil })
	slow.on <- struct{}{}
	<-slow.half
	until("three quarters, for Ada", &ada, done(0.75))
	until("three quarters, for Bob", &bob, done(0.75))
	slow.on <- struct{}{}
	<-slow.half
	until("half of the other question", &late, done(0.5))
	slow.on <- struct{}{}
	for range 3 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// Of a warehouse that does not tell how far a statement is, only the time is known.
func TestProgressUnknown(t *testing.T) {
	t.Parallel()
	_, w, e := engine(t, query.EngineOptions{Deadline: time.Minute})
	var f query.Follower
	seen := make(chan query.Progress, 1)
	w.hold = func(context.Context) error {
		if p, known := f.Progress(); known {
			seen <- p
		}
		return nil
	}
	if _, err := e.Trend(f.Following(t.Context()), trendOf(query.Count, "2026-11-23", "2026-11-23")); err != nil {
		t.Fatal(err)
	}
	if p := <-seen; p.Done != nil || p.Waiting || p.Deadline != 60 {
		t.Errorf("want the time alone; have %+v", p)
	}
}
