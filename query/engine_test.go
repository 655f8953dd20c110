package query_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/query/querytest"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

// watched is a warehouse that counts the questions about events, and lets a test hold them up.
type watched struct {
	warehouse.Warehouse
	asked atomic.Int64
	hold  func(ctx context.Context) error
}

func (w *watched) Query(ctx context.Context, query string, args ...any) (warehouse.Rows, error) {
	if strings.Contains(query, "facts") || strings.Contains(query, "people as") || strings.Contains(query, "page as") {
		w.asked.Add(1)
		if w.hold != nil {
			if err := w.hold(ctx); err != nil {
				return nil, err
			}
		}
	}
	return w.Warehouse.Query(ctx, query, args...)
}

func happened(id, user, device string, at time.Time) event.Event {
	return event.Event{
		Request: &event.Request{Source: "web", Protocol: "segment"}, MessageID: id, Type: event.TypeTrack, Name: "Buy", UserID: user, AnonymousID: device,
		Timestamp: event.TimeOf(at), ReceivedAt: event.TimeOf(at), OriginalTimestamp: event.NoTime, SentAt: event.NoTime,
	}
}

// engine gives a warehouse with one event, at noon, and an engine that asks it an hour later.
func engine(t *testing.T, options query.EngineOptions) (*querytest.World, *watched, *query.Engine) {
	t.Helper()
	opened, err := duckdb.Open(t.Context(), duckdb.Options{Path: filepath.Join(t.TempDir(), "spoor.duckdb")})
	w := &watched{Warehouse: warehousetest.Ready(t, opened, err)}
	world := &querytest.World{}
	if err := world.Add(t.Context(), w, happened("1", "", "a1", noon)); err != nil {
		t.Fatal(err)
	}
	if options.Now == nil {
		options.Now = func() time.Time { return noon.Add(time.Hour) }
	}
	return world, w, query.NewEngine(w, options)
}

func trendOf(of query.Aggregate, from, to string) query.Trend {
	return query.Trend{Range: query.Range{From: from, To: to}, Series: []query.Series{{Measure: query.Measure{Of: of}}}}
}

// TestCache: an answer is given again until something touches what it is about.
func TestCache(t *testing.T) {
	t.Parallel()
	world, w, e := engine(t, query.EngineOptions{})
	count, people := trendOf(query.Count, "2026-11-20", "2026-11-22"), trendOf(query.People, "2026-11-20", "2026-11-22")
	today := trendOf(query.Count, "2026-11-20", "2026-11-23")
	before := count
	before.Range.From, before.Range.To, before.Compare = "2026-11-22", "2026-11-22", true
	cohort := count
	cohort.Where = &query.Filter{Did: &query.Did{Event: query.Selection{Event: "Buy"}}}
	earlier := noon.Add(-48 * time.Hour)
	for _, step := range []struct {
		name string
		add  []event.Event
		q    query.Trend
		want float64
		runs int64
	}{
		{"at first", nil, count, 0, 1},
		{"again", nil, count, 0, 0},
		{"people at first", nil, people, 0, 1},
		{"today at first", nil, today, 1, 1},
		{"a cohort at first", nil, cohort, 0, 1},
		{"the period before at first", nil, before, 0, 2},
		{"something new, of another day", []event.Event{happened("2", "", "a2", noon)}, count, 0, 0},
		{"people, after that", nil, people, 0, 0},
		{"today, after that", nil, today, 2, 1},
		{"today, again", nil, today, 2, 0},
		{"a cohort, which the new one may be in", nil, cohort, 0, 1},
		{"the period before, after that", nil, before, 0, 0},
		{"a late one", []event.Event{happened("3", "", "a1", earlier)}, count, 1, 1},
		{"people, after that", nil, people, 1, 1},
		{"the period before, after that", nil, before, 0, 2},
		{"another one", []event.Event{happened("4", "", "a2", earlier)}, people, 2, 1},
		{"count, after that", nil, count, 2, 1},
		{"the two are one: somebody logs in", []event.Event{happened("5", "u", "a1", noon), happened("6", "u", "a2", noon)}, people, 1, 1},
	} {
		if len(step.add) > 0 {
			if err := world.Add(t.Context(), w, step.add...); err != nil {
				t.Fatal(err)
			}
		}
		asked := w.asked.Load()
		a, err := e.Trend(t.Context(), step.q)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if have := *a.Lines[0].Total; have != step.want || w.asked.Load()-asked != step.runs {
			t.Errorf("%s: want %v of %d statements; have %v of %d", step.name, step.want, step.runs, have, w.asked.Load()-asked)
		}
	}
	if _, err := w.Erase(t.Context(), warehouse.Subject{UserIDs: []string{"u"}, AnonymousIDs: []string{"a1", "a2"}}); err != nil {
		t.Fatal(err)
	}
	if a, err := e.Trend(t.Context(), count); err != nil || *a.Lines[0].Total != 0 {
		t.Errorf("want nothing of who was erased; have %v (%v)", a.Lines, err)
	}
}

// TestCacheRoom: what does not fit is forgotten, the oldest first, and asked anew.
func TestCacheRoom(t *testing.T) {
	t.Parallel()
	_, w, e := engine(t, query.EngineOptions{CacheBytes: 2000})
	for day := range 9 {
		if _, err := e.Trend(t.Context(), trendOf(query.Count, "2026-11-01", fmt.Sprintf("2026-11-0%d", day+1))); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		to   string
		runs int64
	}{{"2026-11-01", 1}, {"2026-11-01", 0}} {
		asked := w.asked.Load()
		if _, err := e.Trend(t.Context(), trendOf(query.Count, "2026-11-01", c.to)); err != nil || w.asked.Load()-asked != c.runs {
			t.Errorf("%s: want %d statements; have %d (%v)", c.to, c.runs, w.asked.Load()-asked, err)
		}
	}
}

// TestNobodyWaits: a question ends when all who asked it have gone.
func TestNobodyWaits(t *testing.T) {
	t.Parallel()
	_, w, e := engine(t, query.EngineOptions{})
	running, ended := make(chan struct{}), make(chan error)
	w.hold = func(ctx context.Context) error {
		running <- struct{}{}
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	}
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := e.Trend(ctx, trendOf(query.Count, "2026-11-23", "2026-11-23"))
		left <- err
	}()
	<-running
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("want who left to hear of it; have %v", err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "nobody waits") {
		t.Errorf("want the statement ended because nobody waits; have %v", err)
	}
}

// TestDeadline: a question that takes too long says so, and so does one that waits too long for its turn.
func TestDeadline(t *testing.T) {
	t.Parallel()
	_, w, e := engine(t, query.EngineOptions{Deadline: 300 * time.Millisecond, AtOnce: 1})
	running := make(chan struct{}, 1)
	w.hold = func(ctx context.Context) error {
		running <- struct{}{}
		<-ctx.Done()
		return errors.New("interrupted")
	}
	slow := make(chan error)
	go func() {
		_, err := e.Trend(t.Context(), trendOf(query.Count, "2026-11-23", "2026-11-23"))
		slow <- err
	}()
	<-running
	_, err := e.Trend(t.Context(), trendOf(query.Count, "2026-11-22", "2026-11-22"))
	for _, err := range []error{<-slow, err} {
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "took over 300ms") {
			t.Errorf("want the deadline named; have %v", err)
		}
	}
}

// TestComplete: buckets that end after what is known are marked, each time anew.
func TestComplete(t *testing.T) {
	t.Parallel()
	upTo := time.Time{}
	_, _, e := engine(t, query.EngineOptions{CompleteTo: func() time.Time { return upTo }})
	q := trendOf(query.Count, "2026-11-23", "2026-11-23")
	q.Range.Interval = query.ByHour
	for _, c := range []struct {
		upTo       time.Time
		incomplete int
	}{{time.Time{}, 24}, {noon, 12}, {noon.Add(59 * time.Minute), 12}, {noon.Add(time.Hour), 11}} {
		upTo = c.upTo
		a, err := e.Trend(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, b := range a.Period.Buckets {
			if b.Incomplete {
				n++
			}
		}
		if n != c.incomplete || c.upTo.IsZero() != (a.Complete.UpTo == nil) {
			t.Errorf("up to %s: want %d incomplete; have %d, up to %v", c.upTo, c.incomplete, n, a.Complete.UpTo)
		}
	}
}

// TestDevicesOfOne: whoever has more devices than are looked for one by one has all of their events all the same.
func TestDevicesOfOne(t *testing.T) {
	t.Parallel()
	world, w, e := engine(t, query.EngineOptions{})
	var events []event.Event
	for i := range 40 {
		device := fmt.Sprint("d", i)
		events = append(events, happened("before "+device, "", device, noon.Add(time.Duration(i)*time.Second)), happened("login "+device, "u", device, noon.Add(time.Hour)))
	}
	events = append(events, happened("somebody else", "", "d", noon), happened("without a device", "u", "", noon))
	if err := world.Add(t.Context(), w, events...); err != nil {
		t.Fatal(err)
	}
	a, err := e.Person(t.Context(), query.PersonQuestion{Person: "u"})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, did := range a.Events {
		seen[did.MessageID]++
	}
	if len(a.Devices) != 40 || len(a.Events) != 81 || len(seen) != 81 || seen["somebody else"] != 0 {
		t.Errorf("there are %d events of %d devices, %d different; want 81 of 40", len(a.Events), len(a.Devices), len(seen))
	}
}
