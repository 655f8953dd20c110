// Package loaders has several loaders at work on one stream and one real warehouse.
package loaders_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/lease"
	table "github.com/spoorhq/spoor/lease/memory"
	"github.com/spoorhq/spoor/load"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/memory"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
)

const streamName = "shared"

// properties is how many the event has, one in each record.
const properties = 60

// yard is a stream with many shards, and a DuckDB.
type yard struct {
	t         *testing.T
	ctx       context.Context
	log       *memory.Log
	warehouse warehouse.Warehouse
	table     *table.Table
	writer    *event.RecordWriter
	metrics   *prometheus.Registry
	seq       uint64
	sent      int
	name      string // of the events
}

func newYard(t *testing.T, shards int) *yard {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	w, err := duckdb.Open(ctx, duckdb.Options{Path: filepath.Join(t.TempDir(), "spoor.duckdb"), MemoryLimit: 256 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := w.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	return &yard{
		t: t, ctx: ctx, log: memory.New(memory.Options{Shards: shards}).Open(), warehouse: w, table: table.New(),
		writer: event.NewRecordWriter(), metrics: prometheus.NewRegistry(),
		name: "Ping",
	}
}

// send appends records of ten events each. Every fifth event comes a second time, on another shard.
func (y *yard) send(records int) {
	y.t.Helper()
	for range records {
		var events [][]byte
		for i := range 10 {
			events = append(events, fmt.Appendf(nil, `{"type":"track","event":%q,"userId":"u%d","messageId":"m%d","properties":{"n%d":1}}`,
				y.name, y.sent%7, y.sent, y.sent/10%properties))
			y.sent++
			if i%5 == 0 && y.sent > 100 {
				events = append(events, fmt.Appendf(nil, `{"type":"track","event":"Ping","userId":"u","messageId":"m%d"}`, y.sent-95))
			}
		}
		y.writer.Add(&event.Request{Source: "web", Protocol: "segment", ReceivedAt: event.TimeOf(time.Now())}, events)
		y.seq++
		record := y.writer.Seal(nil, event.Header{Collector: "door", Boot: "boot", Seq: y.seq})
		if err := y.log.Append(y.ctx, []stream.Record{{Data: record}}); err != nil {
			y.t.Fatal(err)
		}
	}
}

// mortal is a loader's view of the table and the warehouse. When it is killed, nothing that it does is seen any more; and
// what it was doing at that moment may have been done or not.
type mortal struct {
	*table.Table
	warehouse.Warehouse
	dead atomic.Bool
}

// errDead ends a session at once, as the loader's end would: any other error is tried again for a while.
var errDead = fmt.Errorf("killed: %w", warehouse.ErrFenced)

func (m *mortal) List(ctx context.Context) ([]lease.Lease, error) {
	if m.dead.Load() {
		return nil, errDead
	}
	return m.Table.List(ctx)
}

func (m *mortal) Swap(ctx context.Context, old, next lease.Lease) error {
	if m.dead.Load() {
		return errDead
	}
	return m.Table.Swap(ctx, old, next)
}

func (m *mortal) Load(ctx context.Context, b *warehouse.Batch) (warehouse.Receipt, error) {
	if m.dead.Load() {
		return warehouse.Receipt{}, errDead
	}
	return m.Warehouse.Load(ctx, b)
}

func (*mortal) Close() error { return nil }

// begin sets a loader to work, with leases or without.
func (y *yard) begin(name string, leases bool) (_ *lease.Worker, kill, stop func()) {
	y.t.Helper()
	var worker *lease.Worker
	m := &mortal{Table: y.table, Warehouse: y.warehouse}
	options := load.Options{
		Log: y.log, Stream: streamName, Warehouse: m, SeenDir: y.t.TempDir(), SeenBytes: 8 << 20, MaxRows: 2_000,
		Interval: 20 * time.Millisecond, Backoff: time.Second, Shared: true,
		Metrics: prometheus.WrapRegistererWith(prometheus.Labels{"loader": name}, y.metrics),
	}
	ctx, cancel := context.WithCancel(y.ctx)
	leasing, stopLeasing := context.WithCancel(y.ctx)
	done := make(chan error, 1)
	if leases {
		var err error
		worker, err = lease.New(lease.Options{Table: m, Shards: y.log.Shards, Worker: name, Failover: time.Second})
		if err != nil {
			y.t.Fatal(err)
		}
		options.Owner = worker
		go func() { done <- worker.Run(leasing) }()
	} else {
		done <- nil
	}
	loader, err := load.New(options)
	if err != nil {
		y.t.Fatal(err)
	}
	loaded := make(chan error, 1)
	go func() { loaded <- loader.Run(ctx) }()
	return worker, func() { m.dead.Store(true) }, func() {
		cancel()
		err := <-loaded
		stopLeasing()
		if err := errors.Join(err, <-done); err != nil {
			y.t.Error(err)
		}
	}
}

func (y *yard) number(query string) (n int) {
	y.t.Helper()
	rows, err := y.warehouse.Query(y.ctx, query)
	if err != nil {
		y.t.Fatal(err)
	}
	defer rows.Close()
	if rows.Next() {
		err = rows.Scan(&n)
	}
	if err := errors.Join(err, rows.Err()); err != nil {
		y.t.Fatal(err)
	}
	return n
}

// until waits for something to become true.
func (y *yard) until(what string, holds func() bool) {
	y.t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-y.ctx.Done():
			y.t.Fatalf("%s: it did not come to that in time", what)
		}
	}
}

// wantOnce waits for all events to be loaded, and wants each there once.
func (y *yard) wantOnce() {
	y.t.Helper()
	y.until("all records read", func() bool { return y.number("select coalesce(sum(records), 0)::integer from sequences") >= int(y.seq) })
	if rows, ids := y.number("select count(*)::integer from events"), y.number("select count(distinct message_id)::integer from events"); rows != y.sent || ids != y.sent {
		y.t.Errorf("want %d events, each once; have %d rows and %d ids", y.sent, rows, ids)
	}
	accepted, ended := y.number("select sum(accepted)::integer from ledger"), y.number("select sum(loaded + duplicate + dead)::integer from ledger")
	if accepted != ended || y.number("select sum(loaded)::integer from ledger") != y.sent {
		y.t.Errorf("want a ledger that adds up to %d loaded; have %d accepted and %d ended", y.sent, accepted, ended)
	}
	if records, doubled := y.number("select sum(records)::integer from sequences"), y.number("select sum(doubled)::integer from sequences"); records != int(y.seq) || doubled != 0 {
		y.t.Errorf("want %d records, each once; have %d, and %d doubled", y.seq, records, doubled)
	}
}

func TestOneOfTwoLoadersIsKilled(t *testing.T) {
	t.Parallel()
	y := newYard(t, 12)
	first, _, stopFirst := y.begin("first", true)
	second, killSecond, stopSecond := y.begin("second", true)
	shards := func(w *lease.Worker) int {
		read, _, _ := w.Share()
		return len(read)
	}
	y.until("an even share", func() bool {
		y.send(1)
		return shards(first) == 6 && shards(second) == 6
	})
	y.name = "Pong"
	y.send(200)
	// Each learns those of its own shards, and makes the view of what it knows; in the end the view has all.
	y.until("a view of all properties", func() bool {
		return y.number("select count(*)::integer from information_schema.columns where table_name = 'event_pong' and column_name similar to 'n[0-9]+'") == properties
	})
	y.send(200)
	killSecond()
	y.send(200)
	y.until("a take-over", func() bool {
		y.send(1)
		return shards(first) == 12
	})
	y.send(100)
	y.wantOnce()
	stopFirst()
	stopSecond()
}

// TestTwoLoadersOnEveryShard has no leases: both loaders load everything, and the warehouse alone sees to it that nothing
// is loaded twice.
func TestTwoLoadersOnEveryShard(t *testing.T) {
	t.Parallel()
	y := newYard(t, 3)
	_, _, stopFirst := y.begin("first", false)
	_, _, stopSecond := y.begin("second", false)
	for n := 10; n <= 200; n += 10 {
		y.send(10)
		y.until("part of the rows", func() bool { return y.number("select count(*)::integer from events") >= y.sent/2 })
	}
	y.wantOnce()
	stopFirst()
	stopSecond()
	if y.fenced() == 0 {
		y.t.Error("want the loaders to have met at some shard; none was ever fenced")
	}
}

// fenced counts how often a loader found that another had moved a position.
func (y *yard) fenced() (times float64) {
	y.t.Helper()
	families, err := y.metrics.Gather()
	if err != nil {
		y.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "spoor_load_fenced_total" {
			for _, m := range f.GetMetric() {
				times += m.GetCounter().GetValue()
			}
		}
	}
	return times
}
