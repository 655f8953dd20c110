package duckdb_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
)

// mixed is the n-th batch, from 1 on, of events with several names, by several people, some of whom have signed in.
func mixed(n, rows int) *warehouse.Batch {
	builder := event.NewRows(memory.DefaultAllocator, rows)
	defer builder.Release()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC).UnixMicro() + int64(n)
	for i := range rows {
		e := &event.Event{
			Request: &event.Request{Source: "web", Protocol: "segment"}, Type: event.TypeTrack, Name: fmt.Sprint("Name ", rand.IntN(6)), MessageID: fmt.Sprintf("%d-%d", n, i),
			Timestamp: now - rand.Int64N(3*86400e6), ReceivedAt: now, OriginalTimestamp: event.NoTime, SentAt: event.NoTime, AnonymousID: fmt.Sprint("d", rand.IntN(50)),
		}
		if rand.IntN(4) == 0 {
			e.Name = fmt.Sprint("Rare ", rand.IntN(30))
		}
		switch rand.IntN(4) {
		case 0:
			e.UserID = fmt.Sprint("u", rand.IntN(20))
		case 1:
			e.Type, e.Name = event.TypeIdentify, ""
		}
		if i%100 == 0 {
			e.Timestamp = -rand.Int64N(2 * 86400e6) // before 1970, as nobody's clock should be
		}
		e.IsBot = rand.IntN(9) == 0
		if rand.IntN(9) == 0 {
			e.PreviousID = fmt.Sprint("u", rand.IntN(20))
		}
		builder.Append(e)
	}
	from := fmt.Sprint(n - 1)
	if n == 1 {
		from = ""
	}
	return &warehouse.Batch{
		ID: fmt.Sprintf("load-%06d", n), Stream: "main", Moves: []warehouse.Move{{Shard: "0", From: from, To: fmt.Sprint(n)}}, Events: builder.Take(),
		Counts: []warehouse.Count{{Source: "web", Minute: event.Minute(now), Accepted: int64(rows), Loaded: int64(rows)}},
	}
}

func loadMixed(ctx context.Context, w *duckdb.Warehouse, n, rows int) error {
	b := mixed(n, rows)
	defer b.Events.Release()
	_, err := w.Load(ctx, b)
	return err
}

// TestCluster: all rows are as they were, those of whole pieces by common name and device, the rest in the order of arrival.
func TestCluster(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spoor.duckdb")
	// What is in the background waits: it looks once, when the first load is in.
	w := open(t, duckdb.Options{Path: path, ClusterRows: 1600})
	const batches, rows = 24, 200 // two pieces of 8 batches; a third one has no tail behind it yet
	for n := range batches {
		if err := loadMixed(t.Context(), w, n+1, rows); err != nil {
			t.Fatal(err)
		}
	}
	const all = "select count(*), cast(sum(hash(events)) as varchar), count(distinct message_id) from events"
	before := one(t, w, all)
	var told []int64
	if err := w.Cluster(t.Context(), func(n int64) { told = append(told, n) }); err != nil {
		t.Fatal(err)
	}
	const sum = "select count(*), max(load_id) from clustered"
	if have, want := one(t, w, sum), "[1 load-000016]"; have != want {
		t.Errorf("want %s clustered; have %s (%v)", want, have, told)
	}
	for _, w := range []*duckdb.Warehouse{w, open(t, duckdb.Options{Path: crashed(t, path)})} {
		if have := one(t, w, all); have != before {
			t.Errorf("want the rows as they were, %s; have %s", before, have)
		}
		// By the rows' numbers: the tail comes first, for the pieces were written behind it.
		// A name is common in a piece of 1600 rows that has it 66 times.
		const disorder = `select count(*) from (select *, lag(load_id) over numbered as load_before, lag(name) over numbered as name_before, lag(who) over numbered as who_before
			from (select rowid as place, load_id, coalesce(anonymous_id, user_id) as who, case when count(*) over (partition by event) >= 66 then event end as name
				from events where load_id %s) window numbered as (order by place)) where %s`
		if have := one(t, w, fmt.Sprintf(disorder, "> 'load-000016'", "load_before > load_id")); have != "[0]" {
			t.Errorf("want the tail in the order of arrival; have %s steps back", have)
		}
		for _, piece := range []string{"between 'load-000001' and 'load-000008'", "between 'load-000009' and 'load-000016'"} {
			if have := one(t, w, fmt.Sprintf(disorder, piece, "who_before is not null and (coalesce(name_before, '~'), who_before) > (coalesce(name, '~'), who)")); have != "[0]" {
				t.Errorf("want load_id %s by name and person; have %s steps back", piece, have)
			}
		}
	}
	told = nil
	if err := w.Cluster(t.Context(), func(n int64) { told = append(told, n) }); err != nil || told != nil {
		t.Errorf("want nothing left to do; have %v (%v)", told, err)
	}
}

// TestClusterBehindLoads loads, erases and asks while pieces are clustered: every answer is of whole batches, and nothing is lost.
func TestClusterBehindLoads(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spoor.duckdb")
	w, err := duckdb.Open(t.Context(), duckdb.Options{Path: path, ClusterRows: 2000, Warn: func(text string) { t.Error(text) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	const batches, rows = 120, 400
	failed := make(chan error, 1)
	go func() {
		defer close(failed)
		for n := range batches {
			err := loadMixed(t.Context(), w, n+1, rows)
			if err == nil && n%20 == 10 {
				_, err = w.Erase(t.Context(), warehouse.Subject{AnonymousIDs: []string{fmt.Sprint("d", n)}, UserIDs: []string{fmt.Sprint("u", n/10)}})
			}
			if err != nil {
				failed <- fmt.Errorf("batch %d: %w", n+1, err)
				return
			}
		}
	}()
	const sums = `select (select count(*) from events) - (select cast(coalesce(sum(loaded) - sum(erased), 0) as bigint) from ledger),
		(select count(*) - count(distinct message_id) from events)`
	for loading := true; loading; {
		select {
		case err, ok := <-failed:
			if loading = ok; ok {
				t.Fatal(err)
			}
		default:
		}
		if have := one(t, w, sums); have != "[0 0]" {
			t.Fatalf("want as many rows as the ledger has, each once; have %s more, and %s", have, one(t, w, "select count(*), count(distinct message_id) from events"))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w = open(t, duckdb.Options{Path: path})
	if have := one(t, w, sums); have != "[0 0]" {
		t.Errorf("want the same when it is opened anew; have %s", have)
	}
	if have := one(t, w, "select count(*) from clustered"); have != "[1]" {
		t.Errorf("want something clustered meanwhile; have %s", have)
	}
}

// TestClusterFails: what ends a clustering leaves all as it was, and is told.
func TestClusterFails(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"clustering", "clustered"} {
		broken := errors.New("broken at " + step)
		warned := make(chan string, 9)
		w := open(t, duckdb.Options{Path: filepath.Join(t.TempDir(), "spoor.duckdb"), ClusterRows: 400, Warn: func(text string) { warned <- text }, Fault: func(at string) error {
			if at == step {
				return broken
			}
			return nil
		}})
		for n := range 8 {
			if err := loadMixed(t.Context(), w, n+1, 100); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case text := <-warned:
			if !strings.Contains(text, broken.Error()) {
				t.Errorf("want to be told of %q; have %q", broken, text)
			}
		case <-time.After(time.Minute):
			t.Error("nobody was told")
		}
		if err := w.Cluster(t.Context(), func(int64) {}); !errors.Is(err, broken) {
			t.Errorf("want %v; have %v", broken, err)
		}
		const as = "select count(*), count(distinct message_id), (select count(*) from clustered) from events"
		if have := one(t, w, as); have != "[800 800 0]" {
			t.Errorf("%s: want all as it was; have %s", step, have)
		}
	}
}
