package load

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/memory"
)

// reshard sends three generations of records, each to the children of the shards before.
func reshard(p *pipe, between func()) {
	p.t.Helper()
	generation := func(name string) {
		for i := range 20 {
			p.seq++
			p.put(strconv.Itoa(i), []byte(track(fmt.Sprint(name, i), "X")))
		}
		between()
	}
	generation("a")
	if err := p.stream.Split("0"); err != nil {
		p.t.Fatal(err)
	}
	generation("b")
	if err := p.stream.Merge("1", "2"); err != nil {
		p.t.Fatal(err)
	}
	generation("c")
}

func (p *pipe) wantGenerations() {
	p.t.Helper()
	ids := p.ids()
	want(p.t, "rows", 60, len(ids))
	if !slices.IsSortedFunc(ids, func(a, b string) int { return int(a[0]) - int(b[0]) }) {
		p.t.Errorf("want children only after their parents, have %v", ids)
	}
}

func TestReshardedBefore(t *testing.T) {
	along(t, 1, func(p *pipe) {
		reshard(p, func() {})
		p.load(func(o *Options) { o.MaxRows = 7 })
		p.wantGenerations()
		p.load() // closed shards are passed over
		want(t, "rows after a restart", 60, len(p.warehouse.rows))
	})
}

func TestReshardedUnderway(t *testing.T) {
	along(t, 1, func(p *pipe) {
		stop := p.start(func(o *Options) { o.MaxRows = 7 })
		reshard(p, func() { time.Sleep(100 * time.Millisecond) })
		p.quiet()
		stop()
		p.wantGenerations()
	})
}

func TestTrimmedPosition(t *testing.T) {
	along(t, 1, func(p *pipe) {
		p.send("web", track("a", "X"))
		p.load()
		for _, id := range words("b c d") {
			p.send("web", track(id, "X"))
		}
		if err := p.log.(*memory.Log).Trim(t.Context(), "0", "3", time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		p.load()
		wantSame(t, "ids", words("a d"), p.ids())
		want(t, "trimmed", 1, testutil.ToFloat64(p.loader.metrics.trimmed))
		want(t, "seen", "1-1,4-4", p.warehouse.sequences[sequenceKey{"0", "door", "boot"}].Seen)
	})
}

// trimmed is a Log that takes note of what it was told to forget.
type trimmed struct {
	stream.Log
	warehouse *fakeWarehouse

	mu    sync.Mutex
	calls int
	wrong []string // positions that the warehouse does not have
}

func (l *trimmed) Trim(_ context.Context, shard stream.ShardID, through stream.Position, _ time.Time) error {
	l.warehouse.mu.Lock()
	defer l.warehouse.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if l.warehouse.positions[string(shard)] != string(through) {
		l.wrong = append(l.wrong, fmt.Sprint(shard, " ", through))
	}
	return nil
}

func TestTrimOnlyWhatIsLoaded(t *testing.T) {
	along(t, 2, func(p *pipe) {
		log := &trimmed{Log: p.log, warehouse: p.warehouse}
		p.log = log
		stop := p.start()
		p.quiet()
		want(t, "calls before anything was loaded", 0, log.calls)
		for i := range 30 {
			p.send("web", track(fmt.Sprint(i), "X"))
			time.Sleep(time.Second)
		}
		p.quiet()
		stop()
		if log.calls == 0 || log.wrong != nil {
			t.Errorf("want trims of loaded positions alone; have %d, of which wrong %v", log.calls, log.wrong)
		}
	})
}
