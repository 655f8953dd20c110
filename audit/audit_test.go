package audit_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/spoorhq/spoor/audit"
	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/stream"
	streams "github.com/spoorhq/spoor/stream/memory"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// line is a whole line in small: what is accepted goes onto a stream, and is loaded as a test says, right or wrong.
type line struct {
	t         *testing.T
	stream    *streams.Stream
	log       stream.Log
	warehouse warehouse.Warehouse
	writer    *event.RecordWriter
	seq       uint64
	loads     int
	at        stream.Position
}

func newLine(t *testing.T) *line {
	t.Helper()
	opened, err := duckdb.Open(t.Context(), duckdb.Options{Path: filepath.Join(t.TempDir(), "spoor.duckdb")})
	w := warehousetest.Ready(t, opened, err)
	s := streams.New(streams.Options{})
	return &line{t: t, stream: s, log: s.Open(), warehouse: w, writer: event.NewRecordWriter()}
}

// accept appends a record of one source's events with these ids, received so long after noon.
func (l *line) accept(after time.Duration, source string, ids ...string) {
	l.t.Helper()
	l.seq++
	var raw [][]byte
	for _, id := range ids {
		raw = append(raw, fmt.Appendf(nil, `{"type":"track","event":"Buy","userId":"ada","messageId":%q}`, id))
	}
	l.writer.Add(&event.Request{Source: source, ReceivedAt: event.TimeOf(noon.Add(after))}, raw)
	data := l.writer.Seal(nil, event.Header{Collector: "a", Boot: "b", Seq: l.seq})
	if err := l.log.Append(l.t.Context(), []stream.Record{{Data: data}}); err != nil {
		l.t.Fatal(err)
	}
}

// load takes all that is accepted and not loaded to the warehouse, as one batch, which mend may change.
func (l *line) load(mend func(*warehouse.Batch, *rows)) {
	l.t.Helper()
	l.loads++
	reader, err := l.log.Read(l.t.Context(), "0", l.at)
	if err != nil {
		l.t.Fatal(err)
	}
	defer reader.Close()
	records, err := reader.Next(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	loading := &rows{builder: event.NewRows(memory.DefaultAllocator, 8), seen: map[string]bool{}}
	batch := &warehouse.Batch{ID: fmt.Sprint("load-", l.loads), Stream: "main"}
	decoder := event.NewRecordReader()
	for _, r := range records {
		if err := decoder.Open(r.Data, event.Origin{Stream: "main", Shard: "0", Position: string(r.Position)}); err != nil {
			l.t.Fatal(err)
		}
		for {
			var e event.Event
			if _, ok := decoder.Next(&e); !ok {
				break
			}
			loading.add(batch, &e)
		}
	}
	last := records[len(records)-1].Position
	batch.Moves = []warehouse.Move{{Shard: "0", From: string(l.at), To: string(last)}}
	batch.Sequences = []warehouse.Sequence{{Shard: "0", Collector: "a", Boot: "b", Seen: fmt.Sprintf("1-%d", l.seq), Records: int64(l.seq)}}
	if mend != nil {
		mend(batch, loading)
	}
	if loading.builder.Len() > 0 {
		batch.Events = loading.builder.Take()
		defer batch.Events.Release()
	}
	if _, err := l.warehouse.Load(l.t.Context(), batch); err != nil {
		l.t.Fatal(err)
	}
	l.at = last
}

// rows makes a batch's rows; it leaves out an id that it has seen.
type rows struct {
	builder *event.Rows
	seen    map[string]bool
}

func (r *rows) add(batch *warehouse.Batch, e *event.Event) {
	count := warehouse.Count{Source: strings.Clone(e.Request.Source), Minute: event.Minute(e.ReceivedAt), Accepted: 1}
	if key := e.Request.Source + " " + e.MessageID; r.seen[key] {
		count.Duplicate = 1
	} else {
		r.seen[key] = true
		e.Timestamp = e.ReceivedAt
		r.builder.Append(e)
		count.Loaded = 1
	}
	for i := range batch.Counts {
		if c := &batch.Counts[i]; c.Source == count.Source && c.Minute == count.Minute {
			c.Accepted, c.Loaded, c.Duplicate = c.Accepted+1, c.Loaded+count.Loaded, c.Duplicate+count.Duplicate
			return
		}
	}
	batch.Counts = append(batch.Counts, count)
}

func (l *line) audit(change func(*audit.Options)) *audit.Report {
	l.t.Helper()
	options := audit.Options{Warehouse: l.warehouse, Log: l.log, Stream: "main", Source: "stream", From: noon, To: noon.Add(time.Hour)}
	if change != nil {
		change(&options)
	}
	report, err := audit.Run(l.t.Context(), options)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, line := range report.Lines {
		if want, have := line.Accepted, line.Loaded+line.Duplicate+line.Dead+line.InFlight; want != have && line.Missing+line.Doubled == 0 {
			l.t.Errorf("%v %s: %d accepted, %d ended, and nothing is said of it", line.Minute, line.Source, want, have)
		}
	}
	return report
}

// failing names the checks that do not hold.
func failing(r *audit.Report) string {
	var names []string
	for _, c := range r.Checks {
		if !c.OK {
			names = append(names, c.Name)
		}
	}
	return strings.Join(names, " ")
}

func TestEqual(t *testing.T) {
	t.Parallel()
	l := newLine(t)
	l.accept(0, "web", "a", "b", "a")
	l.accept(90*time.Second, "app", "a")
	l.load(nil)
	l.accept(2*time.Minute, "web", "c")
	l.load(nil)
	have := l.audit(nil)
	if !have.Equal || failing(have) != "" {
		t.Errorf("want all equal; have %+v", have)
	}
	want := []audit.Line{
		{Minute: noon, Source: "web", Accepted: 3, Loaded: 2, Duplicate: 1, Rows: 2},
		{Minute: noon.Add(time.Minute), Source: "app", Accepted: 1, Loaded: 1, Rows: 1},
		{Minute: noon.Add(2 * time.Minute), Source: "web", Accepted: 1, Loaded: 1, Rows: 1},
	}
	if !reflect.DeepEqual(have.Lines, want) {
		t.Errorf("want the lines %+v\nhave %+v", want, have.Lines)
	}
	if have.Accepted != 5 || have.Loaded != 4 || have.Duplicate != 1 || have.Dead != 0 {
		t.Errorf("want 5 accepted, 4 loaded, 1 duplicate; have %+v", have)
	}
	if len(have.Checks) != 5 {
		t.Errorf("want five checks; have %+v", have.Checks)
	}
}

func TestRange(t *testing.T) {
	t.Parallel()
	l := newLine(t)
	l.accept(0, "web", "a")
	l.accept(time.Minute, "web", "b", "c")
	l.accept(2*time.Minute, "web", "d", "e", "f", "g")
	l.load(nil)
	for _, c := range []struct {
		from, to time.Duration
		want     int64
	}{
		{0, time.Hour, 7},
		{time.Minute, time.Hour, 6},
		{time.Minute, 2 * time.Minute, 2},
		{time.Minute + 59*time.Second, 2*time.Minute + time.Second, 6}, // whole minutes
		{3 * time.Minute, time.Hour, 0},
	} {
		have := l.audit(func(o *audit.Options) { o.From, o.To = noon.Add(c.from), noon.Add(c.to) })
		if !have.Equal || have.Accepted != c.want {
			t.Errorf("from %v to %v: want %d accepted, all equal; have %+v", c.from, c.to, c.want, have)
		}
	}
}

func TestInFlight(t *testing.T) {
	t.Parallel()
	l := newLine(t)
	l.accept(0, "web", "a")
	l.load(nil)
	asked := 0
	flying := func() []event.Accepted {
		asked++
		return []event.Accepted{
			{Source: "web", Minute: noon.Unix() / 60, Events: 2},
			{Source: "web", Minute: noon.Unix()/60 - 1, Events: 5}, // before the range
			{Source: "web", Minute: noon.Unix()/60 + 60, Events: 5},
		}
	}
	never := func() ([]event.Accepted, time.Time) { return flying(), time.Time{} }
	have := l.audit(func(o *audit.Options) { o.InFlight = never })
	if !have.Equal || have.Accepted != 3 || have.InFlight != 2 || have.Loaded != 1 {
		t.Errorf("want 3 accepted, 2 of them in flight, all equal; have %+v", have)
	}
	asked = 0
	have = l.audit(func(o *audit.Options) {
		o.Wait = time.Hour
		o.InFlight = func() ([]event.Accepted, time.Time) {
			if in := flying(); asked < 3 {
				return in, time.Now()
			}
			return nil, time.Now()
		}
	})
	if asked != 3 || have.InFlight != 0 || !have.Equal {
		t.Errorf("want to wait until nothing is in flight; have %d in flight after asking %d times", have.InFlight, asked)
	}
}

// An event that was accepted just now, and that nobody has seen in the stream, is waited for.
func TestNotSeenYet(t *testing.T) {
	t.Parallel()
	l := newLine(t)
	l.accept(0, "web", "a")
	begun, asked := time.Now(), 0
	have := l.audit(func(o *audit.Options) {
		o.Wait = time.Hour
		o.InFlight = func() ([]event.Accepted, time.Time) {
			switch asked++; asked {
			case 1: // the stream was read to before the event
				return nil, begun.Add(-time.Second)
			case 2:
				return []event.Accepted{{Source: "web", Minute: noon.Unix() / 60, Events: 1}}, begun.Add(-time.Second)
			case 3:
				l.load(nil)
			}
			return nil, time.Now()
		}
	})
	if asked != 3 || have.Loaded != 1 || have.InFlight != 0 || !have.Equal {
		t.Errorf("want the event waited for; have %+v after asking %d times", have, asked)
	}
}

func TestErased(t *testing.T) {
	t.Parallel()
	l := newLine(t)
	l.accept(0, "web", "a", "b")
	l.load(nil)
	if _, err := l.warehouse.Erase(t.Context(), warehouse.Subject{UserIDs: []string{"ada"}}); err != nil {
		t.Fatal(err)
	}
	have := l.audit(nil)
	if !have.Equal || have.Erased != 2 || have.Loaded != 2 || have.Lines[0].Rows != 0 {
		t.Errorf("want the erased rows accounted for; have %+v", have)
	}
}

// Each fault is put into a line that is otherwise in order, and must be named by the check that is there for it.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		mend     func(*warehouse.Batch, *rows)
		then     func(*line)
		failing  string
		missing  int64
		doubled  int64
		named    []audit.ID // missing
		twice    []audit.ID
		gaps     []audit.Gap
		accepted int64
	}{
		{name: "the ledger says more was accepted than ended", failing: "ledger", missing: 3, accepted: 5, mend: func(b *warehouse.Batch, _ *rows) {
			b.Counts[0].Accepted += 3
		}},
		{name: "the ledger says more ended than was accepted", failing: "ledger", doubled: 1, accepted: 1, mend: func(b *warehouse.Batch, _ *rows) {
			b.Counts[0].Accepted--
		}},
		{name: "rows are not there", failing: "rows stream", missing: 2, accepted: 2, mend: func(_ *warehouse.Batch, r *rows) {
			r.builder.Take().Release()
		}, named: []audit.ID{{Source: "web", MessageID: "a"}, {Source: "web", MessageID: "b"}}},
		{name: "a row is there twice, and the ledger says so", failing: "ids", doubled: 1, accepted: 3, then: func(l *line) {
			l.accept(0, "web", "a")
			l.load(nil)
		}, twice: []audit.ID{{Source: "web", MessageID: "a", Times: 2}}},
		{name: "a row is there twice, and the ledger knows nothing of it", failing: "rows ids", doubled: 1, accepted: 2, then: func(l *line) {
			l.accept(0, "web", "a")
			l.load(func(b *warehouse.Batch, _ *rows) { b.Counts = nil })
		}, twice: []audit.ID{{Source: "web", MessageID: "a", Times: 2}}},
		{name: "a record was passed over", failing: "stream", missing: 1, accepted: 2, then: func(l *line) {
			l.accept(0, "web", "lost")
			l.load(func(b *warehouse.Batch, r *rows) {
				b.Counts = nil
				r.builder.Take().Release()
			})
		}, named: []audit.ID{{Source: "web", MessageID: "lost"}}},
		{name: "the stream lost records", failing: "sequences", missing: 4, accepted: 2, mend: func(b *warehouse.Batch, _ *rows) {
			// 13 was under way when the collector was killed.
			b.Sequences[0].Seen, b.Sequences[0].Void, b.Sequences[0].Settled = "2-3,7-9,11-12,14-14", "10-10", 12
		}, gaps: []audit.Gap{{Collector: "a", Boot: "b", From: 1, To: 1}, {Collector: "a", Boot: "b", From: 4, To: 6}}},
		{name: "dead letters are not there", failing: "rows", missing: 1, accepted: 3, mend: func(b *warehouse.Batch, _ *rows) {
			b.Counts[0].Accepted++
			b.Counts[0].Dead++
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLine(t)
			l.accept(0, "web", "a", "b")
			l.load(c.mend)
			if c.then != nil {
				c.then(l)
			}
			have := l.audit(nil)
			if have.Equal || failing(have) != c.failing {
				t.Errorf("want the checks %q to fail; have %q: %+v", c.failing, failing(have), have.Checks)
			}
			if have.Missing != c.missing || have.Doubled != c.doubled || have.Accepted != c.accepted {
				t.Errorf("want %d accepted, %d missing, %d doubled; have %d, %d, %d",
					c.accepted, c.missing, c.doubled, have.Accepted, have.Missing, have.Doubled)
			}
			sameIDs(t, "missing", have.MissingIDs, c.named)
			sameIDs(t, "doubled", have.DoubledIDs, c.twice)
			if len(have.LostRecords)+len(c.gaps) > 0 && !reflect.DeepEqual(have.LostRecords, c.gaps) {
				t.Errorf("want the gaps %+v; have %+v", c.gaps, have.LostRecords)
			}
		})
	}
}

func sameIDs(t *testing.T, what string, have, want []audit.ID) {
	t.Helper()
	left := map[audit.ID]bool{}
	for _, id := range want {
		left[id] = true
	}
	for _, id := range have {
		if !left[id] {
			t.Errorf("%s: %+v is named, and should not be", what, id)
		}
		delete(left, id)
	}
	for id := range left {
		t.Errorf("%s: %+v is not named", what, id)
	}
}

// What the stream has forgotten is not compared, and not waited for.
func TestTrimmed(t *testing.T) {
	t.Parallel()
	l := newLine(t)
	l.accept(0, "web", "a")
	l.load(nil)
	trim, _ := stream.As[stream.Trimmer](l.log)
	if err := trim.Trim(t.Context(), "0", l.at, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if have := l.audit(nil); !have.Equal || have.Accepted != 1 {
		t.Errorf("want all equal; have %+v", have)
	}
}

// A stream behind a wrapper is compared all the same; one that is not there is not.
func TestWhichStream(t *testing.T) {
	t.Parallel()
	l := newLine(t)
	l.accept(0, "web", "a")
	l.load(nil)
	l.accept(0, "web", "lost")
	l.load(func(b *warehouse.Batch, r *rows) {
		b.Counts = nil
		r.builder.Take().Release()
	})
	if have := l.audit(func(o *audit.Options) { o.Log = stream.Retry(l.log, stream.Patience{}) }); have.Missing != 1 {
		t.Errorf("behind a wrapper: want the lost event missed; have %+v", have)
	}
	if have := l.audit(func(o *audit.Options) { o.Log = nil }); !have.Equal || len(have.Checks) != 4 {
		t.Errorf("without a stream: want the four other checks to hold; have %+v", have)
	}
}

// A batch that is committed between two of the audit's questions is no fault.
func TestWhileLoading(t *testing.T) {
	t.Parallel()
	l := newLine(t)
	l.accept(0, "web", "a")
	l.load(nil)
	asker := &busyWarehouse{Warehouse: l.warehouse, before: func(n int) {
		l.accept(0, "web", fmt.Sprint("more-", n))
		l.load(nil)
	}}
	if have := l.audit(func(o *audit.Options) { o.Warehouse = asker }); !have.Equal {
		t.Errorf("want all equal; have %+v", have)
	}
	if asker.asked < 4 {
		t.Errorf("want batches between the questions; have %d questions", asker.asked)
	}
}

// busyWarehouse loads before every question.
type busyWarehouse struct {
	warehouse.Warehouse
	before func(n int)
	asked  int
}

func (b *busyWarehouse) Query(ctx context.Context, query string, args ...any) (warehouse.Rows, error) {
	b.asked++
	b.before(b.asked)
	return b.Warehouse.Query(ctx, query, args...)
}

func TestErrors(t *testing.T) {
	t.Parallel()
	l := newLine(t)
	l.accept(0, "web", "a")
	l.load(nil)
	broken := errors.New("the warehouse is on fire")
	for n := range 5 {
		asker := &failingWarehouse{Warehouse: l.warehouse, left: n, err: broken}
		_, err := audit.Run(t.Context(), audit.Options{Warehouse: asker, Log: l.log, Stream: "main", From: noon, To: noon.Add(time.Hour)})
		if n < 4 && !errors.Is(err, broken) {
			t.Errorf("question %d fails: want its error; have %v", n+1, err)
		}
		if n == 4 && err != nil {
			t.Errorf("want four questions; the fifth was asked and failed: %v", err)
		}
	}
	l.loadSequence("not a range")
	if _, err := audit.Run(t.Context(), audit.Options{Warehouse: l.warehouse, Stream: "main", From: noon, To: noon.Add(time.Hour)}); err == nil || !strings.Contains(err.Error(), "not a range") {
		t.Errorf("want an error that shows what cannot be read; have %v", err)
	}
}

// loadSequence loads a batch that says nothing but this of its collector's sequence.
func (l *line) loadSequence(seen string) {
	l.t.Helper()
	l.accept(0, "web", "b")
	l.load(func(b *warehouse.Batch, _ *rows) { b.Sequences[0].Seen = seen })
}

type failingWarehouse struct {
	warehouse.Warehouse
	left int
	err  error
}

func (f *failingWarehouse) Query(ctx context.Context, query string, args ...any) (warehouse.Rows, error) {
	if f.left--; f.left < 0 {
		return nil, f.err
	}
	return f.Warehouse.Query(ctx, query, args...)
}
