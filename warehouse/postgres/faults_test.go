package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/pgtest"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/postgres"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

func open(t *testing.T, location string) *postgres.Warehouse {
	t.Helper()
	w, err := postgres.Open(t.Context(), postgres.Options{URL: location})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func load(t *testing.T, w *postgres.Warehouse, b *warehouse.Batch) {
	t.Helper()
	if _, err := w.Load(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// expect asks for one column.
func expect(t *testing.T, w *postgres.Warehouse, query string, want ...string) {
	t.Helper()
	rows, err := w.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var have []string
	for rows.Next() {
		var value any
		if err := rows.Scan(&value); err != nil {
			t.Fatal(err)
		}
		have = append(have, fmt.Sprint(value))
	}
	if err := rows.Err(); err != nil || strings.Join(have, "|") != strings.Join(want, "|") {
		t.Errorf("%s: want %q; have %q (%v)", query, want, have, err)
	}
}

// batch is the nth, of rows that are received 30 days apart from January 2020 on.
func batch(n, months int) *warehouse.Batch {
	b := warehousetest.Realistic(n, months)
	b.Users, b.Identities = nil, nil
	rows := event.NewRows(memory.DefaultAllocator, months)
	defer rows.Release()
	b.Events.Release()
	for i := range months {
		at := event.Time(1577836800e6) + int64(i)*30*86400e6 // 1 January 2020
		rows.Append(&event.Event{
			Request: &event.Request{Source: "web", Protocol: "segment"}, Type: event.TypeTrack, MessageID: fmt.Sprintf("%d-%d", n, i), Name: "Buy",
			Timestamp: at, ReceivedAt: at, OriginalTimestamp: event.NoTime, SentAt: event.NoTime, Properties: fmt.Appendf(nil, `{"price":%d}`, i),
		})
	}
	b.Events = rows.Take()
	return b
}

// TestPartitions: a month has a partition of its own, and what finds none is kept all the same.
func TestPartitions(t *testing.T) {
	t.Parallel()
	w := open(t, pgtest.Database(t)+"?sslmode=disable&schema=it's")
	if err := w.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, second := batch(1, 30), batch(2, 30)
	defer first.Events.Release()
	defer second.Events.Release()
	load(t, w, first)
	expect(t, w, "select count(*) from events_2020_01", "2") // the 1st and the 31st
	expect(t, w, "select count(*) from events_2020_04", "1")
	expect(t, w, "select count(*) > 0 from events_default", "true")
	load(t, w, second) // whose last months are in the default partition by now
	expect(t, w, "select count(*) from events", "60")
	expect(t, w, "select count(*) from events_2020_01", "4")
}

// TestLostCommit: when the connection breaks while committing, the ledger tells how it ended.
func TestLostCommit(t *testing.T) {
	t.Parallel()
	proxy := pgtest.NewProxy(t, pgtest.Database(t)+"?sslmode=disable")
	w := open(t, proxy.URL)
	if err := w.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var batches []*warehouse.Batch
	for i := range 3 {
		batches = append(batches, batch(i+1, 3))
		t.Cleanup(batches[i].Events.Release)
	}
	load(t, w, batches[0]) // and makes the partitions
	proxy.CutNext(pgtest.Before)
	if _, err := w.Load(t.Context(), batches[1]); err == nil || errors.Is(err, warehouse.ErrUnknownOutcome) || errors.Is(err, warehouse.ErrFenced) {
		t.Errorf("a commit that is lost: want an error that says that nothing changed; have %v", err)
	}
	expect(t, w, "select count(*) from events", "3")
	load(t, w, batches[1])
	proxy.CutNext(pgtest.After)
	receipt, err := w.Load(t.Context(), batches[2])
	if err != nil || receipt.Loaded != 3 {
		t.Errorf("a commit whose answer is lost: want 3 rows loaded; have %+v (%v)", receipt, err)
	}
	expect(t, w, "select count(*) from events", "9")
	if _, err := w.Load(t.Context(), batches[2]); !errors.Is(err, warehouse.ErrFenced) {
		t.Errorf("loading it again: want %v; have %v", warehouse.ErrFenced, err)
	}
}

// TestKeptViews: a view that somebody's own view is built on stays, and no batch is refused for its sake; nor for a
// table's that stands in its place.
func TestKeptViews(t *testing.T) {
	t.Parallel()
	location := pgtest.Database(t) + "?sslmode=disable"
	w := open(t, location)
	if err := w.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	kinds := map[string][]event.PropertyKind{"price": {event.KindInteger}}
	view := func() []warehouse.View {
		return []warehouse.View{warehouse.NewView("event_buy", event.TypeTrack, "Buy", kinds), warehouse.NewView("pages", event.TypePage, "", kinds)}
	}
	var batches []*warehouse.Batch
	for i := range 3 {
		batches = append(batches, batch(i+1, 2))
		t.Cleanup(batches[i].Events.Release)
	}
	if err := pgtest.Exec(t.Context(), location, "create table pages (mine integer)"); err != nil {
		t.Fatal(err)
	}
	batches[0].Views = view()
	load(t, w, batches[0])
	if err := pgtest.Exec(t.Context(), location, "create view dear as select sum(price) as total from event_buy"); err != nil {
		t.Fatal(err)
	}
	kinds["colour"] = []event.PropertyKind{event.KindString}
	batches[1].Views = view()
	load(t, w, batches[1])
	expect(t, w, "select total from dear", "2")
	expect(t, w, "select count(*) from pages", "0")
	if err := pgtest.Exec(t.Context(), location, "drop view dear"); err != nil {
		t.Fatal(err)
	}
	batches[2].Views = view()
	load(t, w, batches[2])
	expect(t, w, "select count(*) from event_buy where colour is null", "6")
}

// TestNewer: tables of a newer Spoor are left alone.
func TestNewer(t *testing.T) {
	t.Parallel()
	location := pgtest.Database(t) + "?sslmode=disable"
	if err := pgtest.Exec(t.Context(), location, fmt.Sprintf("create table schema_version as select %d as version", warehouse.SchemaVersion+1)); err != nil {
		t.Fatal(err)
	}
	w := open(t, location)
	want := fmt.Sprintf("schema version %d, of a newer Spoor", warehouse.SchemaVersion+1)
	if err := w.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("want %q; have %v", want, err)
	}
	expect(t, w, "select count(*) from pg_tables where schemaname = 'public'", "1")
}

// TestTwoMigrate: processes that start at once make the tables once.
func TestTwoMigrate(t *testing.T) {
	t.Parallel()
	location := pgtest.Database(t) + "?sslmode=disable&schema=spoor"
	errs := make(chan error)
	for range 4 {
		w := open(t, location)
		go func() { errs <- w.Migrate(t.Context()) }()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// TestEncoding: a database that cannot hold every text is refused.
func TestEncoding(t *testing.T) {
	t.Parallel()
	location := pgtest.Database(t)
	name := location[strings.LastIndex(location, "/")+1:] + "_latin1"
	if err := pgtest.Exec(t.Context(), location, "create database "+name+" template template0 encoding 'LATIN1' locale 'C'"); err != nil {
		t.Fatal(err)
	}
	w, err := postgres.Open(t.Context(), postgres.Options{URL: location[:strings.LastIndex(location, "/")+1] + name + "?sslmode=disable"})
	if err == nil || !strings.Contains(err.Error(), "must be in UTF8; it is in LATIN1") {
		t.Errorf("want a refusal; have %v (%v)", err, w)
	}
	if err := pgtest.Exec(t.Context(), location, "drop database "+name); err != nil {
		t.Error(err)
	}
}
