package load

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/memory"
)

// pipe is a line in small: a door that writes records, a stream, a loader and a warehouse, with a clock that jumps.
type pipe struct {
	t         *testing.T
	stream    *memory.Stream
	log       stream.Log
	warehouse *fakeWarehouse
	writer    *event.RecordWriter
	seq       uint64
	loader    *Loader // that was started last
}

// along runs a test in a bubble of its own, and audits the warehouse behind it.
func along(t *testing.T, shards int, do func(p *pipe)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memory.New(memory.Options{Shards: shards})
		p := &pipe{t: t, stream: s, log: s.Open(), warehouse: newWarehouse(), writer: event.NewRecordWriter()}
		do(p)
		p.audit()
	})
}

// seal writes a record of one request that came now.
func (p *pipe) seal(h event.Header, source string, events ...string) []byte {
	texts := make([][]byte, len(events))
	for i, e := range events {
		texts[i] = []byte(e)
	}
	p.writer.Add(&event.Request{
		Source: source, Protocol: "segment", ReceivedAt: event.TimeOf(time.Now()), IP: "203.0.113.77", UserAgent: "curl/8",
	}, texts)
	h.Collector, h.Boot = "door", "boot"
	return p.writer.Seal(nil, h)
}

// put appends one stream record.
func (p *pipe) put(key string, data []byte) {
	p.t.Helper()
	if err := p.log.Append(p.t.Context(), []stream.Record{{Key: key, Data: data}}); err != nil {
		p.t.Fatal(err)
	}
}

// send is the door: one request in one record.
func (p *pipe) send(source string, events ...string) {
	p.t.Helper()
	p.seq++
	p.put("", p.seal(event.Header{Seq: p.seq}, source, events...))
}

// start sets a loader to work; what it gives ends it and waits for its end.
func (p *pipe) start(change ...func(*Options)) (stop func()) {
	p.t.Helper()
	o := Options{
		Log: p.log, Stream: "test", Warehouse: p.warehouse, SeenDir: p.t.TempDir(), SeenBytes: 8 << 20, MaxRows: 10_000,
		Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	}
	for _, c := range change {
		c(&o)
	}
	loader, err := New(o)
	if err != nil {
		p.t.Fatal(err)
	}
	p.loader = loader
	ctx, cancel := context.WithCancel(p.t.Context())
	done := make(chan error, 1)
	go func() { done <- loader.Run(ctx) }()
	return func() {
		p.t.Helper()
		cancel()
		if err := <-done; err != nil {
			p.t.Errorf("want no error when ctx ends, have %v", err)
		}
	}
}

// quiet lets a minute of the bubble's clock pass, in which all that is under way comes to its end.
func (p *pipe) quiet() {
	time.Sleep(time.Minute)
	synctest.Wait()
}

// load loads what the stream holds, and stops.
func (p *pipe) load(change ...func(*Options)) {
	p.t.Helper()
	stop := p.start(change...)
	p.quiet()
	stop()
}

// audit proves that the ledger, the tables and the volumes say the same.
func (p *pipe) audit() {
	p.t.Helper()
	w := p.warehouse
	rows, dead := map[line]int64{}, map[line]int64{}
	ids := map[string]bool{}
	of := func(r row) line { return line{r.text("source"), event.Minute(r["received_at"].(event.Time))} }
	for _, r := range w.rows {
		rows[of(r)]++
		id := r.text("source") + " " + r.text("message_id")
		if ids[id] {
			p.t.Errorf("%s is in the table twice", id)
		}
		ids[id] = true
	}
	for _, r := range w.dead {
		if r.text("reason") != string(event.OversizeValue) { // beside its event's ending
			dead[of(r)]++
		}
	}
	loaded := int64(0)
	for at, c := range w.counts {
		if c.Accepted != c.Loaded+c.Duplicate+c.Dead {
			p.t.Errorf("%v: accepted is not loaded + duplicate + dead: %+v", at, c)
		}
		if c.Loaded != rows[at] || c.Dead != dead[at] {
			p.t.Errorf("%v: have %d rows and %d dead letters in the tables, in the ledger %+v", at, rows[at], dead[at], c)
		}
		loaded += c.Loaded
	}
	for _, n := range w.volumes {
		loaded -= n
	}
	if loaded != 0 {
		p.t.Errorf("the volumes lack %d of the rows loaded", loaded)
	}
}

// totals gives a source's accepted, loaded, duplicate and dead.
func (p *pipe) totals(source string) [4]int64 {
	var sum [4]int64
	for at, c := range p.warehouse.counts {
		if at.source == source {
			sum = [4]int64{sum[0] + c.Accepted, sum[1] + c.Loaded, sum[2] + c.Duplicate, sum[3] + c.Dead}
		}
	}
	return sum
}

// ids gives the message ids in the table, in the order in which they were loaded.
func (p *pipe) ids() []string {
	var out []string
	for _, r := range p.warehouse.rows {
		out = append(out, r.text("message_id"))
	}
	return out
}

func (p *pipe) reasons() []string {
	var out []string
	for _, r := range p.warehouse.dead {
		out = append(out, r.text("reason"))
	}
	return out
}

func track(id, name string) string {
	return fmt.Sprintf(`{"type":"track","event":%q,"userId":"u","messageId":%q}`, name, id)
}

// tracks gives n events whose ids begin with prefix.
func tracks(prefix string, n int) []string {
	var out []string
	for i := range n {
		out = append(out, track(fmt.Sprintf("%s%d", prefix, i), "Ping"))
	}
	return out
}

func wantSame[T comparable](t *testing.T, what string, want, have []T) {
	t.Helper()
	if !slices.Equal(want, have) {
		t.Errorf("%s: want %v, have %v", what, want, have)
	}
}

func want[T comparable](t *testing.T, what string, want, have T) {
	t.Helper()
	if want != have {
		t.Errorf("%s: want %v, have %v", what, want, have)
	}
}

func words(s string) []string { return strings.Fields(s) }
