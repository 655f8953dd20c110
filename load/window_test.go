package load

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/stream"
)

// TestRetryAcrossADowntime: the loader was away for longer than its window, and what waits for it are retries of events
// that it had loaded before.
func TestRetryAcrossADowntime(t *testing.T) {
	along(t, 1, func(p *pipe) {
		p.send("web", tracks("a", 5)...)
		p.load()
		time.Sleep(20 * time.Hour)
		p.send("web", tracks("a", 5)...)
		p.put("", []byte(track("foreign", "X")))
		time.Sleep(30 * time.Hour)
		p.send("web", track("b", "X"))
		p.load()
		want(t, "web", [4]int64{11, 6, 5, 0}, p.totals("web"))
		want(t, "suspects", 0, p.suspects())
	})
}

// suspects counts those of all batches: events that the loader could not tell alone.
func (p *pipe) suspects() int {
	n := 0
	for _, b := range p.warehouse.batches {
		n += len(b.Suspects)
	}
	return n
}

// TestRetryThatComesTooLate: an event that was received long before all that came with it, past what is remembered. The
// warehouse tells.
func TestRetryThatComesTooLate(t *testing.T) {
	along(t, 1, func(p *pipe) {
		stop := p.start(func(o *Options) { o.SeenBytes, o.MaxRows = 1<<20, 1_000 })
		old := p.seal(event.Header{Seq: 1}, "web", track("x", "X"))
		p.put("", old)
		time.Sleep(time.Hour)
		again := p.seal(event.Header{Seq: 2}, "web", track("x", "X"), track("y", "X"))
		p.seq = 2
		for i := range 30 { // hours, in which the ids of the first are forgotten
			p.send("web", tracks(fmt.Sprint(i, "-"), 1_000)...)
			time.Sleep(time.Hour)
		}
		p.put("", again)
		p.quiet()
		stop()
		want(t, "web", [4]int64{30_003, 30_002, 1, 0}, p.totals("web"))
		want(t, "suspects", 2, p.suspects())
	})
}

// held is a Log one of whose shards can be read only when it is let go.
type held struct {
	stream.Log
	shard stream.ShardID
	free  chan struct{}
}

func (l *held) Read(ctx context.Context, shard stream.ShardID, after stream.Position) (stream.Reader, error) {
	if shard == l.shard {
		select {
		case <-l.free:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return l.Log.Read(ctx, shard, after)
}

// TestAShardThatIsBehindHoldsBackForgetting: one shard is read on for days while another has not been read yet.
func TestAShardThatIsBehindHoldsBackForgetting(t *testing.T) {
	along(t, 2, func(p *pipe) {
		keys := p.keys()
		log := &held{Log: p.log, shard: "1", free: make(chan struct{})}
		stop := p.start(func(o *Options) { o.Log, o.SeenBytes, o.MaxRows = log, 1<<20, 1_000 })
		p.put(keys["0"], p.seal(event.Header{Seq: 1}, "web", track("x", "X")))
		time.Sleep(time.Hour)
		p.put(keys["1"], p.seal(event.Header{Seq: 1}, "web", track("x", "X")))
		for i := range 30 {
			p.put(keys["0"], p.seal(event.Header{Seq: uint64(i) + 2}, "web", tracks(fmt.Sprint(i, "-"), 1_000)...))
			time.Sleep(time.Hour)
		}
		close(log.free)
		p.quiet()
		stop()
		want(t, "web", [4]int64{30_002, 30_001, 1, 0}, p.totals("web"))
		want(t, "suspects", 0, p.suspects())
	})
}

// keys gives for each shard a key that leads to it.
func (p *pipe) keys() map[string]string {
	p.t.Helper()
	keys := map[string]string{}
	for i := 0; len(keys) < 2; i++ {
		key := fmt.Sprint("key", i)
		p.put(key, []byte("{}"))
		for _, shard := range []string{"0", "1"} {
			reader, err := p.log.Read(p.t.Context(), stream.ShardID(shard), "")
			if err != nil {
				p.t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(p.t.Context(), time.Millisecond)
			if _, err := reader.Next(ctx); err == nil && keys[shard] == "" {
				keys[shard] = key
			}
			cancel()
			reader.Close()
		}
	}
	return keys
}

func TestForgettingFollowsTheShardsThatAreRead(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	for _, c := range []struct {
		what   string
		shards map[stream.ShardID]*reach
		behind time.Time
		ok     bool
	}{
		{"nothing is known of the stream", nil, now, false},
		{"a shard waits for its parents", map[stream.ShardID]*reach{"a": {taken: now}, "b": {}}, now, false},
		{"the one furthest behind", map[stream.ShardID]*reach{"a": {taken: now.Add(-time.Minute)}, "b": {taken: now.Add(-time.Hour)}}, now.Add(-time.Hour), true},
		{"one has ended", map[stream.ShardID]*reach{"a": {taken: now}, "b": {taken: now.Add(-time.Hour), ended: true}}, now, true},
		{"one has ended, and its last record is in no batch", map[stream.ShardID]*reach{"a": {taken: now}, "b": {taken: now.Add(-time.Hour), given: 1, ended: true}}, now.Add(-time.Hour), true},
		{"one is quiet for long", map[stream.ShardID]*reach{"a": {taken: now}, "b": {quiet: now.Add(-late)}}, now, true},
		{"one is quiet, not for long", map[stream.ShardID]*reach{"a": {taken: now}, "b": {quiet: now.Add(-late / 2)}}, now, false},
		{"one was quiet for long, and its record is in no batch", map[stream.ShardID]*reach{"a": {taken: now}, "b": {given: 1, quiet: now.Add(-late)}}, now, false},
	} {
		r := &reaches{shards: c.shards}
		if behind, ok := r.behind(now); ok != c.ok || (ok && !behind.Equal(c.behind)) {
			t.Errorf("%s: want %v %v, have %v %v", c.what, c.behind, c.ok, behind, ok)
		}
	}
	r := newReaches()
	r.gave("gone", 1)
	r.list([]stream.Shard{{ID: "here"}})
	want(t, "shards, one of which owes a record", 2, len(r.shards))
	r.took("gone", now)
	r.list([]stream.Shard{{ID: "here"}})
	want(t, "shards", 1, len(r.shards))
}

// TestARecordOfManyEvents: it is loaded whole, though it holds more ids than may be staged.
func TestARecordOfManyEvents(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	const many = 50_000
	for i := range many {
		if _, err := fmt.Fprintf(w, `{"type":"page","userId":"u","messageId":"%d"}`, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	along(t, 1, func(p *pipe) {
		p.put("", zipped.Bytes())
		p.put("", zipped.Bytes())
		p.load()
		want(t, "stream", [4]int64{2 * many, many, many, 0}, p.totals("stream"))
	})
}

func TestBatchesThatTheMemoryOfIDsCannotHold(t *testing.T) {
	t.Parallel()
	_, err := New(Options{Log: &held{}, Warehouse: newWarehouse(), MaxRows: 100_000, SeenBytes: 8 << 20})
	if err == nil || !strings.Contains(err.Error(), "a deduplication memory of 8388608 bytes is enough for batches of 12") {
		t.Errorf("want a refusal that says how many rows, have %v", err)
	}
}
