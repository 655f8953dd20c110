package lease_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spoorhq/spoor/lease"
	"github.com/spoorhq/spoor/lease/memory"
	"github.com/spoorhq/spoor/stream"
)

// look is how often a worker with the default failover looks at the table.
const look = 10 * time.Second / 8

// crew is some workers on one table, who do their rounds when the test says so, in a bubble whose clock jumps.
type crew struct {
	t       *testing.T
	table   *shaky
	shards  []stream.Shard
	members []*member
	hired   int
	drained bool // closed shards have nothing left to read
}

// member is a worker and the loader that it is for.
type member struct {
	*lease.Worker
	name   string
	paused bool
	slow   int // rounds that the loader takes to leave a shard
	leaves map[stream.ShardID]int
	closed func(stream.ShardID) bool
}

// shaky is a table whose answers get lost.
type shaky struct {
	*memory.Table
	mu    sync.Mutex
	fails func(call string) (before, after bool)
}

var errLost = errors.New("the connection was lost")

func (s *shaky) call(name string, do func() error) error {
	s.mu.Lock()
	before, after := s.fails(name)
	s.mu.Unlock()
	if before {
		return errLost
	}
	if err := do(); err != nil {
		return err
	}
	if after {
		return errLost
	}
	return nil
}

func (s *shaky) List(ctx context.Context) (leases []lease.Lease, err error) {
	err = s.call("list", func() error { leases, err = s.Table.List(ctx); return err })
	return leases, err
}

func (s *shaky) Add(ctx context.Context, l lease.Lease) error {
	return s.call("add", func() error { return s.Table.Add(ctx, l) })
}

func (s *shaky) Swap(ctx context.Context, old, next lease.Lease) error {
	return s.call("swap", func() error { return s.Table.Swap(ctx, old, next) })
}

func newCrew(t *testing.T, shards int) *crew {
	c := &crew{t: t, table: &shaky{Table: memory.New(), fails: func(string) (bool, bool) { return false, false }}}
	for i := range shards {
		c.shards = append(c.shards, stream.Shard{ID: stream.ShardID(strconv.Itoa(i))})
	}
	return c
}

func (c *crew) hire() *member {
	c.t.Helper()
	name := fmt.Sprintf("worker-%d", c.hired)
	w, err := lease.New(lease.Options{
		Table: c.table, Worker: name, Metrics: prometheus.NewRegistry(),
		Shards: func(context.Context) ([]stream.Shard, error) { return slices.Clone(c.shards), nil },
	})
	if err != nil {
		c.t.Fatal(err)
	}
	w.Seed(uint64(c.hired))
	c.hired++
	m := &member{Worker: w, name: name, leaves: map[stream.ShardID]int{}, closed: func(shard stream.ShardID) bool {
		return c.drained && slices.ContainsFunc(c.shards, func(s stream.Shard) bool { return s.ID == shard && s.Closed })
	}}
	c.members = append(c.members, m)
	return m
}

func (c *crew) kill(m *member) {
	c.members = slices.DeleteFunc(c.members, func(x *member) bool { return x == m })
}

// round has a member do what it does at each look.
func (m *member) round(ctx context.Context) {
	if m.paused {
		return
	}
	m.Round(ctx)
	read, leave, _ := m.Share()
	for _, shard := range read {
		if m.closed(shard) {
			m.Ended(shard)
		}
	}
	for _, shard := range leave {
		if m.leaves[shard]++; m.leaves[shard] > m.slow {
			delete(m.leaves, shard)
			m.Release(shard)
		}
	}
}

func (m *member) reads() []stream.ShardID {
	read, _, _ := m.Share()
	return read
}

// pass lets so many looks pass, and checks after each member's round that no shard is read by two.
func (c *crew) pass(looks int) {
	c.t.Helper()
	for range looks {
		for _, m := range c.members {
			m.round(c.t.Context())
			c.readers()
		}
		time.Sleep(look)
		c.readers()
	}
}

// readers gives who reads each shard, and fails when two do.
func (c *crew) readers() map[stream.ShardID]string {
	c.t.Helper()
	by := map[stream.ShardID]string{}
	for _, m := range c.members {
		for _, shard := range m.reads() {
			if other := by[shard]; other != "" {
				c.t.Fatalf("shard %s is read by %s and %s", shard, other, m.name)
			}
			by[shard] = m.name
		}
	}
	return by
}

// wantLoads wants all of so many shards read, and each member to have as many as it can see from the others.
func (c *crew) wantLoads(shards int) {
	c.t.Helper()
	loads, sum := []int{}, 0
	for _, m := range c.members {
		loads = append(loads, len(m.reads()))
		sum += len(m.reads())
	}
	if sum != shards || len(loads) > 0 && slices.Max(loads)-slices.Min(loads) > 1 {
		c.t.Fatalf("want %d shards shared out evenly; have %v", shards, loads)
	}
}

func (c *crew) lease(shard stream.ShardID) lease.Lease {
	c.t.Helper()
	leases, err := c.table.Table.List(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	for _, l := range leases {
		if l.Shard == shard {
			return l
		}
	}
	c.t.Fatalf("shard %s has no lease", shard)
	return lease.Lease{}
}
