package tail_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/memory"
	"github.com/spoorhq/spoor/tail"
)

// line is a stream with a warehouse behind it that has loaded as far as a test says.
type line struct {
	t      *testing.T
	stream *memory.Stream
	log    stream.Log
	writer *event.RecordWriter
	seq    uint64

	mu        sync.Mutex
	positions map[string]string
	down      error // what the warehouse says instead of its positions
}

func newLine(t *testing.T, options memory.Options) *line {
	s := memory.New(options)
	return &line{t: t, stream: s, log: s.Open(), writer: event.NewRecordWriter(), positions: map[string]string{}}
}

// watch runs a watcher until the test ends.
func (l *line) watch() *tail.Watcher {
	l.t.Helper()
	w := tail.New(tail.Options{
		Log: l.log, Stream: "main", ForeignSource: "stream", Logger: slog.New(slog.DiscardHandler),
		Positions: func(context.Context) (map[string]string, error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.down != nil {
				return nil, l.down
			}
			return maps.Clone(l.positions), nil
		},
	})
	ctx, cancel := context.WithCancel(l.t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	l.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			l.t.Errorf("Run: want nil when its context ends; have %v", err)
		}
	})
	synctest.Wait()
	return w
}

// accept appends one record with the events of one source.
func (l *line) accept(source string, raw ...string) {
	l.t.Helper()
	l.seq++
	events := make([][]byte, len(raw))
	for i, text := range raw {
		events[i] = []byte(text)
	}
	l.writer.Add(&event.Request{Source: source, Protocol: "segment", ReceivedAt: event.TimeOf(time.Now())}, events)
	l.append(l.writer.Seal(nil, event.Header{Collector: "a", Boot: "b", Seq: l.seq}))
}

func (l *line) append(data []byte) {
	l.t.Helper()
	if err := l.log.Append(l.t.Context(), []stream.Record{{Key: "k", Data: data}}); err != nil {
		l.t.Fatal(err)
	}
	synctest.Wait()
}

func (l *line) load(shard, position string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.positions[shard] = position
}

func (l *line) breakDown(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = err
}

func track(name string) string {
	return fmt.Sprintf(`{"type":"track","event":%q,"userId":"ada","messageId":"m-%s","properties":{"n":1}}`, name, name)
}

func tracks(n int) []string {
	raw := make([]string, n)
	for i := range raw {
		raw[i] = track(fmt.Sprint(i))
	}
	return raw
}

// sleep lets time pass in the test's bubble, and all that happens in it happen.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memory.Options{})
		w := l.watch()
		began := time.Now()
		l.accept("web", tracks(3)...)
		sleep(time.Minute)
		l.accept("web", tracks(2)...)
		l.accept("app", track("x"))

		have := w.InFlight()
		if have.Records != 3 || have.Events != 6 || have.Seen != 6 || have.Bytes == 0 {
			t.Errorf("want 3 records, 6 events in flight, 6 seen; have %+v", have)
		}
		if !have.Oldest.Equal(began) || !have.CompleteTo.Equal(began) {
			t.Errorf("want the oldest and complete to %v; have %v and %v", began, have.Oldest, have.CompleteTo)
		}
		minute := event.Minute(event.TimeOf(began))
		for _, want := range []event.Accepted{{Source: "web", Minute: minute, Events: 3}, {Source: "web", Minute: minute + 1, Events: 2}, {Source: "app", Minute: minute + 1, Events: 1}} {
			found := false
			for _, a := range have.Accepted {
				found = found || a == want
			}
			if !found {
				t.Errorf("want %+v in flight; have %+v", want, have.Accepted)
			}
		}

		l.load("0", "1")
		sleep(time.Second)
		have = w.InFlight()
		if have.Records != 2 || have.Events != 3 || have.Seen != 6 {
			t.Errorf("after one record was loaded: want 2 records, 3 events, 6 seen; have %+v", have)
		}
		if want := began.Add(time.Minute); !have.CompleteTo.Equal(want) {
			t.Errorf("want complete to the oldest in flight, %v; have %v", want, have.CompleteTo)
		}

		l.load("0", "3")
		sleep(time.Second)
		have = w.InFlight()
		if have.Records != 0 || have.Events != 0 || have.Bytes != 0 || len(have.Accepted) != 0 || !have.Oldest.IsZero() {
			t.Errorf("want nothing in flight; have %+v", have)
		}
		if age := time.Since(have.CompleteTo); age < 0 || age > time.Second {
			t.Errorf("with nothing in flight: want complete to within the last second; have %v ago", age)
		}
	})
}

// What is known before the warehouse is asked, set against the positions of its answer, counts every event once.
func TestLookBeyond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memory.Options{})
		w := l.watch()
		for range 4 {
			l.accept("web", tracks(10)...)
		}
		look := w.Look()
		l.load("0", "4")
		sleep(time.Second) // the watcher itself has let go of all four
		for loaded, want := range []int64{40, 30, 20, 10, 0} {
			positions := map[string]string{"0": fmt.Sprint(loaded)}
			if loaded == 0 {
				positions = nil
			}
			if have := look.Beyond(positions).Events; have != want {
				t.Errorf("with %d records loaded: want %d events in flight; have %d", loaded, want, have)
			}
		}
		if have := w.InFlight().Events; have != 0 {
			t.Errorf("want the watcher to have let go; have %d events", have)
		}
	})
}

// Nothing is claimed to be complete before the stream has been read so far.
func TestCompleteToIsNotGuessed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memory.Options{})
		held := &heldLog{Log: l.log, hold: make(chan struct{})}
		l.log = held
		l.accept("web", track("x"))
		w := l.watch()
		sleep(time.Minute)
		if have := w.InFlight(); !have.CompleteTo.IsZero() {
			t.Errorf("while the stream cannot be opened: want complete to be unknown; have %v", have.CompleteTo)
		}
		close(held.hold)
		synctest.Wait()
		if have, want := w.InFlight().CompleteTo, time.Now().Add(-time.Minute); !have.Equal(want) {
			t.Errorf("want complete to what is in flight since %v; have %v", want, have)
		}
	})
}

// heldLog does not open a reader before it is let.
type heldLog struct {
	stream.Log
	hold chan struct{}
}

func (h *heldLog) Unwrap() stream.Log { return h.Log }

func (h *heldLog) Read(ctx context.Context, shard stream.ShardID, after stream.Position) (stream.Reader, error) {
	select {
	case <-h.hold:
		return h.Log.Read(ctx, shard, after)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestForeignRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memory.Options{})
		w := l.watch()
		v := w.View(tail.Filter{}, 0, 10)
		defer v.Close()
		l.append([]byte(track("one") + "\n" + track("two")))
		l.append([]byte("what is this"))
		damaged := event.NewRecordWriter()
		damaged.Add(&event.Request{Source: "web", ReceivedAt: event.TimeOf(time.Now())}, [][]byte{[]byte(track("lost")), []byte(track("lost"))})
		sealed := damaged.Seal(nil, event.Header{Seq: 1})
		l.append(append(sealed[:len(sealed)-8], "damaged!"...))

		for i, want := range []struct{ source, event, refused string }{
			{"stream", "one", ""}, {"stream", "two", ""}, {"stream", "", "unreadable_record"}, {"stream", "", "unreadable_record"},
		} {
			have := take(t, v)
			if have.Source != want.source || have.Event != want.event || string(have.Refused) != want.refused {
				t.Errorf("event %d: want %+v; have %+v", i, want, have)
			}
			if have.Timestamp != nil {
				t.Errorf("event %d: want no timestamp, it was not sent; have %v", i, have.Timestamp)
			}
		}
		// The damaged record's header tells how many it held.
		if have := w.InFlight(); have.Events != 2+1+2 || have.Seen != 5 {
			t.Errorf("want 5 events in flight; have %+v", have)
		}
	})
}

// A fault of the stream neither ends the watching nor counts or shows anything twice.
func TestStreamFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memory.Options{})
		broken := &breakingLog{Log: l.log, broken: make(chan struct{})}
		l.log = broken
		w := l.watch()
		v := w.View(tail.Filter{}, 0, 10)
		defer v.Close()
		l.accept("web", track("before"))
		close(broken.broken)
		sleep(5 * time.Second)
		l.accept("web", track("after"))
		sleep(time.Second)
		if a, b := take(t, v), take(t, v); a.Event != "before" || b.Event != "after" {
			t.Errorf("want each event shown once; have %q and %q", a.Event, b.Event)
		}
		nothing(t, v)
		if have := w.InFlight(); have.Seen != 2 || have.Events != 2 {
			t.Errorf("want 2 events seen and in flight; have %+v", have)
		}
	})
}

// breakingLog's first reader fails when broken is closed.
type breakingLog struct {
	stream.Log
	broken chan struct{}
	opened int
}

func (b *breakingLog) Unwrap() stream.Log { return b.Log }

func (b *breakingLog) Read(ctx context.Context, shard stream.ShardID, after stream.Position) (stream.Reader, error) {
	reader, err := b.Log.Read(ctx, shard, after)
	if b.opened++; b.opened > 1 || err != nil {
		return reader, err
	}
	return &breakingReader{Reader: reader, broken: b.broken}, nil
}

type breakingReader struct {
	stream.Reader
	broken chan struct{}
}

func (b *breakingReader) Next(ctx context.Context) ([]stream.Record, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-b.broken:
			cancel(errBroken)
		case <-ctx.Done():
		}
	}()
	records, err := b.Reader.Next(ctx)
	if errors.Is(context.Cause(ctx), errBroken) {
		return nil, errBroken
	}
	return records, err
}

var errBroken = errors.New("the line was cut")

// Events pass the viewers whether or not the warehouse answers.
func TestWarehouseDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memory.Options{})
		w := l.watch()
		v := w.View(tail.Filter{}, 0, 10)
		defer v.Close()
		l.breakDown(errors.New("the warehouse is on fire"))
		sleep(time.Minute)
		l.accept("web", track("x"))
		if have := take(t, v); have.Event != "x" {
			t.Errorf("want the event shown; have %+v", have)
		}
		sleep(time.Minute)
		if have := w.InFlight(); have.Events != 1 || time.Since(have.CompleteTo) != time.Minute {
			t.Errorf("want 1 event in flight for a minute; have %+v", have)
		}
		l.breakDown(nil)
		l.load("0", "1")
		sleep(time.Second)
		if have := w.InFlight(); have.Events != 0 {
			t.Errorf("want nothing in flight once the warehouse tells its positions; have %+v", have)
		}
	})
}

func TestShardsSplit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memory.Options{})
		w := l.watch()
		l.accept("web", track("before"))
		if err := l.stream.Split("0"); err != nil {
			t.Fatal(err)
		}
		l.load("0", "1")
		sleep(time.Second)
		l.accept("web", track("after"))
		if have := w.InFlight(); have.Events != 1 || have.Seen != 2 {
			t.Errorf("want the event in the new shard in flight; have %+v", have)
		}
		l.load("1", "1")
		l.load("2", "1")
		sleep(time.Second)
		have := w.InFlight()
		if have.Events != 0 || time.Since(have.CompleteTo) > time.Second {
			t.Errorf("want all loaded and complete to now; have %+v", have)
		}
	})
}

// A wrapper around the log does not hide that its positions can be compared.
func TestWrappedLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memory.Options{})
		l.log = stream.Retry(l.log, stream.Patience{})
		w := l.watch()
		l.accept("web", track("x"))
		l.load("0", "1")
		sleep(time.Second)
		if have := w.InFlight(); have.Events != 0 {
			t.Errorf("want what is loaded to have landed; have %+v", have)
		}
	})
}

// Without an order of positions nothing is claimed, and events are shown all the same.
func TestLogWithoutOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memory.Options{})
		l.log = struct{ stream.Log }{l.log}
		w := l.watch()
		v := w.View(tail.Filter{}, 0, 1)
		defer v.Close()
		l.accept("web", track("x"))
		if have := take(t, v); have.Event != "x" {
			t.Errorf("want the event shown; have %+v", have)
		}
		sleep(time.Second)
		if have := w.InFlight(); have.Events != 0 || !have.CompleteTo.IsZero() || have.Seen != 1 {
			t.Errorf("want 1 seen and nothing claimed; have %+v", have)
		}
	})
}

func TestSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memory.Options{})
		l.accept("web", tracks(7)...) // found in flight: it belongs to the second in which the stream took it
		sleep(2 * time.Second)
		w := l.watch()
		l.accept("web", tracks(3)...)
		sleep(3 * time.Second)
		if have, want := compact(w.InFlight().Seconds), "7 0 3 0 0"; have != want {
			t.Errorf("want the seconds to end in %q; have %q", want, have)
		}
		sleep(time.Minute)
		l.accept("web", track("x"))
		sleep(time.Second)
		if have, want := compact(w.InFlight().Seconds), "1"; have != want {
			t.Errorf("after a minute: want %q; have %q", want, have)
		}
		if have := len(w.InFlight().Seconds); have != 60 {
			t.Errorf("want 60 seconds; have %d", have)
		}
		sleep(time.Hour)
		if have := compact(w.InFlight().Seconds); have != "" {
			t.Errorf("after an hour: want nothing; have %q", have)
		}
	})
}

// compact writes counts without the zeros before them.
func compact(counts []int64) string {
	text := strings.Trim(fmt.Sprint(counts), "[]")
	return strings.TrimLeft(text, "0 ")
}

func take(t *testing.T, v *tail.Viewer) tail.Item {
	t.Helper()
	synctest.Wait()
	select {
	case item := <-v.C:
		return item
	default:
		t.Fatal("want an event; have none")
		return tail.Item{}
	}
}

func nothing(t *testing.T, v *tail.Viewer) {
	t.Helper()
	synctest.Wait()
	select {
	case item := <-v.C:
		t.Errorf("want no more events; have %+v", item)
	default:
	}
}
