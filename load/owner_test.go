package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/spoorhq/spoor/lease"
	"github.com/spoorhq/spoor/lease/memory"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/warehouse"
)

// fakeOwner is an Owner that a test speaks for.
type fakeOwner struct {
	mu          sync.Mutex
	read, leave []stream.ShardID
	changed     chan struct{}
	said        []string
	release     func(stream.ShardID) // asked at each Release
}

func newFakeOwner(read ...stream.ShardID) *fakeOwner {
	return &fakeOwner{read: read, changed: make(chan struct{})}
}

func (o *fakeOwner) set(read, leave []stream.ShardID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.read, o.leave = read, leave
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *fakeOwner) Share() (read, leave []stream.ShardID, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.read, o.leave, o.changed
}

func (o *fakeOwner) say(what string, shard stream.ShardID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.said = append(o.said, what+" "+string(shard))
}

func (o *fakeOwner) Loaded(shard stream.ShardID, position stream.Position) {
	o.say("loaded", shard+"@"+stream.ShardID(position))
}

func (o *fakeOwner) Ended(shard stream.ShardID) {
	o.say("ended", shard)
	o.drop(shard, true)
}

func (o *fakeOwner) Release(shard stream.ShardID) {
	if o.release != nil {
		o.release(shard)
	}
	o.say("released", shard)
	o.drop(shard, false)
}

// drop takes a shard out of those to leave, and, where it has ended, out of those to read.
func (o *fakeOwner) drop(shard stream.ShardID, ended bool) {
	is := func(s stream.ShardID) bool { return s == shard }
	o.mu.Lock()
	read, leave := slices.Clone(o.read), slices.DeleteFunc(slices.Clone(o.leave), is)
	if ended {
		read = slices.DeleteFunc(read, is)
	}
	o.mu.Unlock()
	o.set(read, leave)
}

func shards(ids ...stream.ShardID) []stream.ShardID { return ids }

// spread sends so many events, one in a record, over all shards.
func (p *pipe) spread(prefix string, n int) {
	p.t.Helper()
	for i := range n {
		p.send("web", track(prefix+strconv.Itoa(i), "X"))
	}
}

func owned(o Owner) func(*Options) { return func(options *Options) { options.Owner = o } }

func TestOnlyTheShareIsRead(t *testing.T) {
	along(t, 3, func(p *pipe) {
		owner := newFakeOwner()
		stop := p.start(owned(owner))
		p.spread("a", 9)
		p.quiet()
		want(t, "rows without a share", 0, len(p.ids()))
		owner.set(shards("1"), nil)
		p.quiet()
		want(t, "rows of one shard", 3, len(p.ids()))
		owner.set(shards("1", "2"), nil)
		p.spread("b", 9)
		p.quiet()
		want(t, "rows of two shards", 12, len(p.ids()))
		wantSame(t, "said", words("loaded 1@3 loaded 1@6 loaded 2@6"), splitAll(owner.said))
		want(t, "fenced", 0, testutil.ToFloat64(p.loader.metrics.fenced))
		owner.set(shards("0"), shards("1", "2"))
		p.quiet()
		stop()
		want(t, "rows of all", 18, len(p.ids()))
	})
}

func splitAll(said []string) []string {
	var out []string
	slices.Sort(said)
	for _, s := range said {
		out = append(out, words(s)...)
	}
	return out
}

// TestLeftInOrder: what was read of a shard is committed before it is released, and nothing is read of it afterwards.
func TestLeftInOrder(t *testing.T) {
	along(t, 2, func(p *pipe) {
		owner := newFakeOwner("0", "1")
		var at []string
		owner.release = func(shard stream.ShardID) {
			p.warehouse.mu.Lock()
			defer p.warehouse.mu.Unlock()
			at = append(at, string(shard)+" at "+p.warehouse.positions[string(shard)])
		}
		stop := p.start(owned(owner), func(o *Options) { o.Interval = time.Hour })
		p.spread("a", 6)
		synctest.Wait()
		want(t, "rows before", 0, len(p.ids()))
		owner.set(shards("0"), shards("1"))
		synctest.Wait()
		wantSame(t, "released", []string{"1 at 3"}, at)
		p.spread("b", 6)
		synctest.Wait()
		stop()
		want(t, "rows after", 9, len(p.ids()))
		want(t, "position of the shard that was left", "3", p.warehouse.positions["1"])
		_, leave, _ := owner.Share()
		want(t, "left to leave", 0, len(leave))
		want(t, "sessions that failed", 0, testutil.ToFloat64(p.loader.metrics.fenced))
		p.load()
		want(t, "rows in the end", 12, len(p.ids()))
	})
}

// TestMoreShardsEndTheSessionInOrder: what was read until then is committed, and not read again.
func TestMoreShardsEndTheSessionInOrder(t *testing.T) {
	along(t, 2, func(p *pipe) {
		owner := newFakeOwner("0")
		stop := p.start(owned(owner), func(o *Options) { o.Interval = time.Hour })
		p.spread("a", 4)
		synctest.Wait()
		want(t, "rows before", 0, len(p.ids()))
		owner.set(shards("0", "1"), nil)
		synctest.Wait()
		want(t, "rows when there is more to read", 2, len(p.ids()))
		stop()
		want(t, "rows in the end", 4, len(p.ids()))
	})
}

// TestLeftWhileTheWarehouseIsDown: a shard is not released before its last batch is in.
func TestLeftWhileTheWarehouseIsDown(t *testing.T) {
	along(t, 2, func(p *pipe) {
		down := atomic.Bool{}
		p.warehouse.fault = func(int, *warehouse.Batch) fault {
			if down.Load() {
				return refused
			}
			return none
		}
		owner := newFakeOwner("0", "1")
		stop := p.start(owned(owner))
		down.Store(true)
		p.spread("a", 6)
		p.quiet()
		owner.set(shards("0"), shards("1"))
		p.quiet()
		want(t, "said while the warehouse is down", 0, len(owner.said))
		down.Store(false)
		p.quiet()
		stop()
		wantSame(t, "said", words("loaded 0@3 loaded 1@3 released 1"), splitAll(owner.said))
	})
}

// TestLostAndTakenAgain: a shard is lost while its batch is on its way, another loader loads it, and it comes back. Nothing
// is lost or doubled, whether the batch went in before the other's or was fenced.
func TestLostAndTakenAgain(t *testing.T) {
	for name, fenced := range map[string]bool{"the batch is in first": false, "the other was faster": true} {
		t.Run(name, func(t *testing.T) {
			along(t, 2, func(p *pipe) {
				var slow atomic.Bool
				p.warehouse.fault = func(_ int, b *warehouse.Batch) fault {
					if slow.CompareAndSwap(true, false) {
						if fenced {
							if _, err := p.warehouse.commit(b); err != nil {
								t.Error(err)
							}
						}
						p.warehouse.mu.Unlock()
						time.Sleep(5 * time.Second)
						p.warehouse.mu.Lock()
					}
					return none
				}
				owner := newFakeOwner("0", "1")
				stop := p.start(owned(owner))
				p.quiet()
				slow.Store(true)
				p.spread("a", 6)
				time.Sleep(time.Second) // the batch is on its way
				p.spread("b", 6)
				owner.set(shards("0"), nil)
				time.Sleep(time.Second)
				owner.set(shards("0", "1"), nil)
				p.spread("c", 6)
				p.quiet()
				stop()
				want(t, "rows", 18, len(p.ids()))
				want(t, "web", [4]int64{18, 18, 0, 0}, p.totals("web"))
				if have := testutil.ToFloat64(p.loader.metrics.fenced); (have > 0) != fenced {
					t.Errorf("want the loader fenced: %v; have it %v times", fenced, have)
				}
			})
		})
	}
}

func TestLeftWhileIdle(t *testing.T) {
	along(t, 2, func(p *pipe) {
		owner := newFakeOwner("0", "1")
		stop := p.start(owned(owner))
		p.quiet()
		owner.set(shards("0"), shards("1", "unheard of"))
		p.quiet()
		stop()
		wantSame(t, "said", words("released 1 released unheard of"), splitAll(owner.said))
	})
}

func TestEndIsSaidWhenItIsCommitted(t *testing.T) {
	along(t, 1, func(p *pipe) {
		down := atomic.Bool{}
		p.warehouse.fault = func(int, *warehouse.Batch) fault {
			if down.Load() {
				return refused
			}
			return none
		}
		down.Store(true)
		owner := newFakeOwner("0")
		stop := p.start(owned(owner))
		p.spread("a", 3)
		if err := p.stream.Split("0"); err != nil {
			t.Fatal(err)
		}
		p.quiet()
		want(t, "said before the commit", 0, len(owner.said))
		down.Store(false)
		p.quiet()
		stop()
		wantSame(t, "said", words("ended 0 loaded 0@3"), splitAll(owner.said))
	})
}

// crew is some loaders that share the stream by leases.
type crew struct {
	*pipe
	table *memory.Table
}

// severable is a table or warehouse that one loader can be cut off from: to the others it is as if it were killed.
type severable struct {
	*memory.Table
	warehouse.Warehouse
	cut atomic.Bool
}

var errCut = errors.New("killed")

func (s *severable) List(ctx context.Context) ([]lease.Lease, error) {
	if s.cut.Load() {
		return nil, errCut
	}
	return s.Table.List(ctx)
}

func (s *severable) Swap(ctx context.Context, old, next lease.Lease) error {
	if s.cut.Load() {
		return errCut
	}
	return s.Table.Swap(ctx, old, next)
}

func (s *severable) Load(ctx context.Context, b *warehouse.Batch) (warehouse.Receipt, error) {
	if s.cut.Load() {
		return warehouse.Receipt{}, errCut
	}
	return s.Warehouse.Load(ctx, b)
}

func (s *severable) Close() error { return nil }

// hire starts a loader and its worker. stop ends both in order; kill lets nothing that they do be seen any more.
func (c *crew) hire(name string) (_ *Loader, _ *lease.Worker, stop, kill func()) {
	c.t.Helper()
	s := &severable{Table: c.table, Warehouse: c.warehouse}
	worker, err := lease.New(lease.Options{Table: s, Shards: c.log.Shards, Worker: name})
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(c.t.Context())
	done := make(chan error, 1)
	go func() { done <- worker.Run(ctx) }()
	stopLoader := c.start(owned(worker), func(o *Options) { o.Warehouse = s })
	loader := c.loader
	stop = func() {
		stopLoader()
		cancel()
		if err := <-done; err != nil {
			c.t.Error(err)
		}
	}
	return loader, worker, stop, func() { s.cut.Store(true) }
}

// shared runs a test of several loaders.
func shared(t *testing.T, shards int, do func(c *crew)) {
	t.Helper()
	along(t, shards, func(p *pipe) { do(&crew{p, memory.New()}) })
}

// wantSequences wants every record that was sent seen once, whoever loaded it.
func (c *crew) wantSequences() {
	c.t.Helper()
	var all ranges
	records := int64(0)
	for key, s := range c.warehouse.sequences {
		seen, err := parseRanges(s.Seen)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, r := range seen {
			for n := r.from; n <= r.to; n++ {
				if !all.add(n) {
					c.t.Errorf("record %d is seen on two shards, one of them %s", n, key.shard)
				}
			}
		}
		records += s.Records
		want(c.t, "doubled", 0, s.Doubled)
	}
	want(c.t, "records seen", fmt.Sprintf("1-%d", c.seq), all.String())
	want(c.t, "records counted", int64(c.seq), records)
}

// TestLoadersTakeOver has three loaders come, one be killed and one end in order, while events come in all the time.
func TestLoadersTakeOver(t *testing.T) {
	shared(t, 8, func(c *crew) {
		sent := 0
		flow := func(seconds int) {
			for range seconds {
				c.spread(fmt.Sprint(sent, "-"), 16)
				sent += 16
				time.Sleep(time.Second)
			}
			synctest.Wait()
		}
		one, _, stopOne, _ := c.hire("one")
		flow(10)
		two, second, stopTwo, killTwo := c.hire("two")
		flow(30)
		read, _, _ := second.Share()
		want(t, "shards of the second loader", 4, len(read))
		three, _, stopThree, _ := c.hire("three")
		flow(60)
		killTwo()
		flow(15) // a failover, and a little more
		killed, _, _ := second.Share()
		want(t, "shards of the killed loader", 0, len(killed))
		flow(3)
		want(t, "rows 18 s after a death", sent, len(c.ids()))
		stopThree()
		flow(4)
		want(t, "rows 4 s after an end in order", sent, len(c.ids()))
		stopOne()
		stopTwo()
		c.wantSequences()
		want(t, "web", [4]int64{int64(sent), int64(sent), 0, 0}, c.totals("web"))
		for name, l := range map[string]*Loader{"one": one, "two": two, "three": three} {
			if n := testutil.ToFloat64(l.metrics.fenced); n > 0 {
				t.Errorf("loader %s was fenced %v times, though all moves were in order", name, n)
			}
			if testutil.ToFloat64(l.metrics.events.WithLabelValues("loaded")) == 0 {
				t.Errorf("loader %s has loaded nothing", name)
			}
		}
	})
}

// TestDuplicatesAcrossLoaders: a client's retry lies on a shard of another loader.
func TestDuplicatesAcrossLoaders(t *testing.T) {
	shared(t, 2, func(c *crew) {
		_, first, stopFirst, _ := c.hire("one")
		_, second, stopSecond, _ := c.hire("two")
		c.quiet()
		for _, w := range []*lease.Worker{first, second} {
			read, _, _ := w.Share()
			want(t, "shards of each", 1, len(read))
		}
		for i := range 20 {
			c.send("web", track(strconv.Itoa(i), "X"))
			c.send("web", track(strconv.Itoa(i), "X"))
			time.Sleep(time.Second)
		}
		c.quiet()
		stopFirst()
		stopSecond()
		want(t, "web", [4]int64{40, 20, 20, 0}, c.totals("web"))
	})
}

// TestLoadersAndChildren: the children of a shard wait for it though another loader has it.
func TestLoadersAndChildren(t *testing.T) {
	shared(t, 1, func(c *crew) {
		var stops []func()
		for _, name := range words("one two three") {
			_, _, stop, _ := c.hire(name)
			stops = append(stops, stop)
		}
		reshard(c.pipe, func() { time.Sleep(50 * time.Millisecond) })
		for range 3 {
			c.quiet()
		}
		for _, stop := range stops {
			stop()
		}
		c.wantGenerations()
		leases, err := c.table.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var ended []string
		for _, l := range leases {
			ended = append(ended, string(l.Shard)+" "+l.Checkpoint)
		}
		slices.Sort(ended)
		wantSame(t, "checkpoints", []string{"0 SHARD_END", "1 SHARD_END", "2 SHARD_END", "3 20"}, ended)
	})
}

// TestIntruder: somebody without leases loads the same shards.
func TestIntruder(t *testing.T) {
	shared(t, 4, func(c *crew) {
		_, _, stop, _ := c.hire("one")
		intruder := c.start()
		for i := range 60 {
			c.spread(fmt.Sprint(i, "-"), 8)
			time.Sleep(time.Second)
		}
		c.quiet()
		c.quiet()
		attempts := c.warehouse.attempts
		stop()
		intruder()
		want(t, "web", [4]int64{480, 480, 0, 0}, c.totals("web"))
		if attempts > 2*60*8 {
			t.Errorf("have %d tries to load in two minutes: the loaders ran hot", attempts)
		}
	})
}
