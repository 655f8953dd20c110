package lease_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spoorhq/spoor/lease"
	"github.com/spoorhq/spoor/stream"
)

func bubble(t *testing.T, shards int, do func(c *crew)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { do(newCrew(t, shards)) })
}

func TestAloneTakesAll(t *testing.T) {
	bubble(t, 5, func(c *crew) {
		c.hire()
		c.pass(1)
		c.wantLoads(5)
	})
}

func TestNewWorkersGetTheirShare(t *testing.T) {
	bubble(t, 17, func(c *crew) {
		c.hire()
		c.pass(4)
		for range 4 {
			c.hire()
		}
		c.pass(int(time.Minute / look))
		c.wantLoads(17)
		before := c.readers()
		c.pass(40) // and then nobody asks for anything
		for shard, name := range c.readers() {
			if before[shard] != name {
				t.Errorf("shard %s went from %s to %s though all had their share", shard, before[shard], name)
			}
		}
	})
}

func TestDeadWorkersShardsAreTaken(t *testing.T) {
	bubble(t, 8, func(c *crew) {
		dead := c.hire()
		c.hire()
		c.pass(12)
		c.wantLoads(8)
		dead.round(c.t.Context()) // it dies right after it renewed
		c.kill(dead)
		died := time.Now()
		for len(c.readers()) < 8 {
			if time.Since(died) > 15*time.Second {
				t.Fatalf("15 s after a death only %d of 8 shards are read", len(c.readers()))
			}
			c.pass(1)
		}
		if after := time.Since(died); after < 10*time.Second {
			t.Errorf("the dead worker's shards were taken %v after its death, before the failover", after)
		}
	})
}

// A worker that stood still for longer than the failover must know so as soon as it goes on, before any look.
func TestPausedWorkerLetsGo(t *testing.T) {
	bubble(t, 4, func(c *crew) {
		paused := c.hire()
		c.pass(2)
		_, _, changed := paused.Share()
		paused.paused = true
		time.Sleep(10 * time.Second)
		if have := paused.reads(); len(have) != 0 {
			t.Errorf("want nothing to read after a pause; have %v", have)
		}
		select {
		case <-changed:
		default:
			t.Error("want to be told of the change")
		}
		paused.paused = false
		c.pass(10)
		c.wantLoads(4)
	})
}

func TestEndedWorkerGivesUpAtOnce(t *testing.T) {
	bubble(t, 3, func(c *crew) {
		first := c.hire()
		c.pass(1)
		c.hire()
		ctx, cancel := context.WithCancel(c.t.Context())
		done := make(chan error)
		go func() { done <- first.Run(ctx) }()
		synctest.Wait()
		first.Loaded("1", "77")
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		c.kill(first)
		c.pass(1)
		c.wantLoads(3)
		if l := c.lease("1"); l.Checkpoint != "77" {
			t.Errorf("want the checkpoint 77; have %+v", l)
		}
	})
}

func TestHandOverWaitsForTheHolder(t *testing.T) {
	bubble(t, 2, func(c *crew) {
		holder := c.hire()
		c.pass(2)
		holder.slow = 1000 // its warehouse does not answer
		heir := c.hire()
		c.pass(30)
		read, leave, _ := holder.Share()
		if len(read) != 1 || len(leave) != 1 || len(heir.reads()) != 0 {
			t.Fatalf("want a shard left and not yet handed over; have %v, %v and %v", read, leave, heir.reads())
		}
		l := c.lease(leave[0])
		if l.Owner != heir.name || l.Holder != holder.name {
			t.Errorf("want the heir as owner and the holder named; have %+v", l)
		}
		holder.Release(read[0]) // nobody has asked for it
		holder.Release(leave[0])
		c.pass(2)
		c.wantLoads(2)
		if l = c.lease(leave[0]); l.Owner != heir.name || l.Holder != "" || l.Switches != 2 {
			t.Errorf("want the heir alone; have %+v", l)
		}
	})
}

func TestHolderDiesInHandOver(t *testing.T) {
	bubble(t, 2, func(c *crew) {
		holder := c.hire()
		c.pass(2)
		holder.slow = 1000
		c.hire()
		c.pass(3)
		c.kill(holder)
		c.pass(10)
		c.wantLoads(2)
	})
}

func TestHeirDiesInHandOver(t *testing.T) {
	bubble(t, 2, func(c *crew) {
		holder := c.hire()
		c.pass(2)
		heir := c.hire()
		heir.round(c.t.Context()) // it asks, and dies
		c.kill(heir)
		if _, leave, _ := holder.Share(); len(leave) != 0 {
			t.Fatal("the holder knows already")
		}
		c.pass(1)
		if l := c.lease("0"); l.Owner != heir.name {
			if l = c.lease("1"); l.Owner != heir.name {
				t.Fatal("the heir has not asked")
			}
		}
		c.pass(11)
		c.wantLoads(2)
	})
}

func TestChildrenWaitForTheirParents(t *testing.T) {
	bubble(t, 2, func(c *crew) {
		one, two := c.hire(), c.hire()
		c.pass(8)
		c.wantLoads(2)
		c.shards[0].Closed, c.shards[1].Closed = true, true
		c.shards = append(c.shards,
			stream.Shard{ID: "merged", Parents: []stream.ShardID{"0", "1"}}, stream.Shard{ID: "orphan", Parents: []stream.ShardID{"long gone"}})
		c.pass(10)
		c.wantLoads(3)
		first, second := c.readers()["0"], c.readers()["1"]
		end := func(shard stream.ShardID, by string) {
			for _, m := range []*member{one, two} {
				if m.name == by {
					m.Ended(shard)
					if slices.Contains(m.reads(), shard) {
						t.Errorf("shard %s is read though it has ended", shard)
					}
				}
			}
		}
		end("0", first)
		c.pass(10)
		if have := c.readers(); have["merged"] != "" || have["orphan"] == "" || have["0"] != "" {
			t.Fatalf("want the merged shard to wait for its second parent; have %v", have)
		}
		end("1", second)
		c.pass(4)
		c.wantLoads(2)
		if l := c.lease("1"); l.Checkpoint != lease.End || l.Owner != "" {
			t.Errorf("want a lease that has ended and is nobody's; have %+v", l)
		}
		// What the stream forgets is forgotten here as well.
		c.shards = c.shards[1:]
		c.pass(10)
		leases, err := c.table.Table.List(c.t.Context())
		if err != nil || len(leases) != 3 {
			t.Errorf("want leases of the three shards that are left; have %+v, %v", leases, err)
		}
		c.wantLoads(2)
	})
}

// Leases in this worker's own name that it did not take are somebody else's: another process that was given the same
// name, or the one before this. They are waited for.
func TestSameName(t *testing.T) {
	bubble(t, 2, func(c *crew) {
		first := c.hire()
		c.pass(4)
		c.hired-- // a second of the same name
		second := c.hire()
		for range 20 {
			c.pass(1)
			if len(second.reads()) != 0 {
				t.Fatal("a worker reads what another of its name holds")
			}
		}
		c.kill(first)
		c.pass(10)
		c.wantLoads(2)
	})
}

func TestLostAnswers(t *testing.T) {
	bubble(t, 3, func(c *crew) {
		worker := c.hire()
		c.pass(1)
		calls := 0
		c.table.fails = func(call string) (before, after bool) {
			calls++
			return false, call == "swap" && calls%2 == 0
		}
		for range 40 {
			c.pass(1)
			c.wantLoads(3)
		}
		c.table.fails = func(string) (bool, bool) { return true, false }
		c.pass(8)
		if have := worker.reads(); len(have) != 0 {
			t.Errorf("want nothing to read after a failover without the table; have %v", have)
		}
		c.table.fails = func(string) (bool, bool) { return false, false }
		c.pass(9)
		c.wantLoads(3)
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	table := newCrew(t, 1).table
	shards := func(context.Context) ([]stream.Shard, error) { return nil, nil }
	for want, o := range map[string]lease.Options{
		"a name":   {Table: table, Shards: shards},
		"a table":  {Shards: shards, Worker: "w"},
		"a list":   {Table: table, Worker: "w"},
		"got 10ms": {Table: table, Shards: shards, Worker: "w", Failover: 10 * time.Millisecond},
	} {
		if _, err := lease.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q; have %v", want, err)
		}
	}
}

// TestSimulation has workers join, die, pause and end in order, shards split and end, and the table fail, at random. No
// shard is ever read by two, whatever happens; and when it stops happening all shards are soon read, and evenly.
func TestSimulation(t *testing.T) {
	for seed := range uint64(60) {
		t.Run("", func(t *testing.T) {
			bubble(t, 1+int(seed%12), func(c *crew) { simulate(c, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func simulate(c *crew, random *rand.Rand) {
	c.t.Helper()
	sound := c.table.fails
	chance := func(percent int) bool { return random.IntN(100) < percent }
	fails := func(string) (before, after bool) { return chance(5), chance(5) }
	c.drained = true
	c.hire()
	for range 300 {
		c.table.fails = sound
		one := c.members[random.IntN(len(c.members))]
		reads := one.reads()
		switch chance := random.IntN(100); {
		case chance < 3 && len(c.members) < 6:
			c.hire().slow = random.IntN(4)
		case chance < 5 && len(c.members) > 1:
			c.kill(one)
		case chance < 7 && len(c.members) > 1:
			one.GiveUp(c.t.Context())
			c.kill(one)
		case chance < 11:
			one.paused = !one.paused
		case chance < 15 && len(reads) > 0 && len(c.shards) < 60:
			c.split(one, reads[random.IntN(len(reads))])
		}
		if chance(30) {
			c.table.fails = fails
		}
		random.Shuffle(len(c.members), func(i, j int) { c.members[i], c.members[j] = c.members[j], c.members[i] })
		for _, m := range c.members {
			if chance(80) { // rounds are late at times
				m.round(c.t.Context())
			}
			c.readers()
		}
		time.Sleep(time.Duration(random.Int64N(int64(2 * look))))
		c.readers()
	}
	c.table.fails = sound
	for _, m := range c.members {
		m.paused = false
	}
	c.pass(12) // a failover and some looks
	open := slices.DeleteFunc(slices.Clone(c.shards), func(s stream.Shard) bool { return s.Closed })
	have := map[stream.ShardID]string{}
	for range 8 { // some may be on their way from one to another
		c.pass(1)
		maps.Copy(have, c.readers())
	}
	if len(have) != len(open) {
		for _, s := range open {
			if have[s.ID] == "" {
				c.t.Errorf("nobody reads %+v", c.lease(s.ID))
			}
		}
		c.t.Fatalf("want all %d open shards read again after a failover; have %v", len(open), have)
	}
	c.pass(int(45 * time.Second / look))
	c.wantLoads(len(open))
}

// split closes a shard that is read to its end, and gives it two children.
func (c *crew) split(m *member, shard stream.ShardID) {
	for i := range c.shards {
		if c.shards[i].ID == shard {
			c.shards[i].Closed = true
		}
	}
	for _, half := range []stream.ShardID{"a", "b"} {
		c.shards = append(c.shards, stream.Shard{ID: shard + half, Parents: []stream.ShardID{shard}})
	}
	m.Ended(shard)
}
