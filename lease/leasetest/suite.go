// Package leasetest is the suite that every table of leases passes.
package leasetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spoorhq/spoor/lease"
	"github.com/spoorhq/spoor/stream"
)

// Deadline is the longest that one case may take.
const Deadline = 30 * time.Second

// Run runs the suite. open gives a new handle on the table of that name, which is made if it is not there.
func Run(t *testing.T, open func(ctx context.Context, name string) (lease.Table, error)) {
	t.Helper()
	for name, do := range map[string]func(*testing.T, context.Context, lease.Table){
		"a lease comes back as it was written":   comesBack,
		"a lease that is there stays":            stays,
		"a swap of what was changed is refused":  refused,
		"a lease can be removed while unchanged": removed,
		"many leases are all listed":             many,
		"of many takers one wins":                oneWins,
		"what ended is not done":                 ended,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), Deadline)
			defer cancel()
			table, err := open(ctx, "suite-"+strings.ReplaceAll(name, " ", "-"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := table.Close(); err != nil {
					t.Error(err)
				}
			}()
			do(t, ctx, table)
		})
	}
	t.Run("two handles are on one table", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), Deadline)
		defer cancel()
		// Both may find that it has to be made.
		tables := make([]lease.Table, 2)
		var group sync.WaitGroup
		for i := range tables {
			group.Go(func() {
				var err error
				if tables[i], err = open(ctx, "suite-shared"); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if t.Failed() {
			return
		}
		must(t, tables[0].Add(ctx, lease.Lease{Shard: "a", Checkpoint: lease.Begin}))
		wantLeases(t, ctx, tables[1], lease.Lease{Shard: "a", Checkpoint: lease.Begin})
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantChanged(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, lease.ErrChanged) {
		t.Errorf("%s: want %v; have %v", what, lease.ErrChanged, err)
	}
}

func wantLeases(t *testing.T, ctx context.Context, table lease.Table, want ...lease.Lease) { //nolint:revive // t first, as everywhere
	t.Helper()
	have, err := table.List(ctx)
	must(t, err)
	slices.SortFunc(have, func(a, b lease.Lease) int { return strings.Compare(string(a.Shard), string(b.Shard)) })
	for i := range have {
		slices.Sort(have[i].Parents)
	}
	if len(have) != len(want) || len(want) > 0 && !reflect.DeepEqual(have, want) {
		t.Errorf("want %+v; have %+v", want, have)
	}
}

func comesBack(t *testing.T, ctx context.Context, table lease.Table) { //nolint:revive // t first, as everywhere
	wantLeases(t, ctx, table)
	first := lease.Lease{Shard: "shardId-000000000000", Checkpoint: lease.Begin}
	second := lease.Lease{
		Shard: "shardId-000000000001", Parents: []stream.ShardID{"a", "b"}, Owner: "one", Holder: "two", Counter: 1 << 40,
		Checkpoint: "49543463076548007577105092703039560359975228518395019266", Switches: 3,
	}
	must(t, table.Add(ctx, first))
	must(t, table.Add(ctx, second))
	wantLeases(t, ctx, table, first, second)
	next := second
	next.Owner, next.Holder, next.Counter, next.Checkpoint, next.Switches, next.Parents = "two", "", 1<<40+1, lease.End, 0, nil
	must(t, table.Swap(ctx, second, next))
	wantLeases(t, ctx, table, first, next)
	nobody := next
	nobody.Owner = ""
	must(t, table.Swap(ctx, next, nobody))
	wantLeases(t, ctx, table, first, nobody)
	must(t, table.Swap(ctx, nobody, next))
	wantLeases(t, ctx, table, first, next)
}

func stays(t *testing.T, ctx context.Context, table lease.Table) { //nolint:revive // t first, as everywhere
	first := lease.Lease{Shard: "s", Owner: "one", Counter: 7, Checkpoint: "5"}
	must(t, table.Add(ctx, first))
	must(t, table.Add(ctx, lease.Lease{Shard: "s", Checkpoint: lease.Begin}))
	wantLeases(t, ctx, table, first)
}

func refused(t *testing.T, ctx context.Context, table lease.Table) { //nolint:revive // t first, as everywhere
	is := lease.Lease{Shard: "s", Owner: "one", Holder: "two", Counter: 7, Checkpoint: "5"}
	must(t, table.Add(ctx, is))
	for what, change := range map[string]func(*lease.Lease){
		"another owner":   func(l *lease.Lease) { l.Owner = "three" },
		"no owner":        func(l *lease.Lease) { l.Owner = "" },
		"another holder":  func(l *lease.Lease) { l.Holder = "three" },
		"no holder":       func(l *lease.Lease) { l.Holder = "" },
		"another counter": func(l *lease.Lease) { l.Counter++ },
		"another shard":   func(l *lease.Lease) { l.Shard = "t" },
	} {
		old := is
		change(&old)
		next := old
		next.Owner, next.Counter = "thief", 8
		wantChanged(t, what, table.Swap(ctx, old, next))
		wantChanged(t, what, table.Remove(ctx, old))
	}
	wantLeases(t, ctx, table, is)
	same := is // the checkpoint and the switches do not matter
	same.Checkpoint, same.Switches = "4", 9
	next := is
	next.Counter++
	must(t, table.Swap(ctx, same, next))
	wantLeases(t, ctx, table, next)
}

func removed(t *testing.T, ctx context.Context, table lease.Table) { //nolint:revive // t first, as everywhere
	is := lease.Lease{Shard: "s", Checkpoint: lease.Begin}
	must(t, table.Add(ctx, is))
	must(t, table.Remove(ctx, is))
	wantLeases(t, ctx, table)
	wantChanged(t, "removed twice", table.Remove(ctx, is))
	wantChanged(t, "swapped when removed", table.Swap(ctx, is, is))
	must(t, table.Add(ctx, is))
	wantLeases(t, ctx, table, is)
}

func many(t *testing.T, ctx context.Context, table lease.Table) { //nolint:revive // t first, as everywhere
	var want []lease.Lease
	for i := range 60 {
		parent := stream.ShardID(fmt.Sprintf("parent-%03d", i))
		want = append(want, lease.Lease{Shard: stream.ShardID(fmt.Sprintf("shard-%03d", i)), Parents: []stream.ShardID{parent}, Checkpoint: lease.Begin})
		must(t, table.Add(ctx, want[i]))
	}
	wantLeases(t, ctx, table, want...)
}

func oneWins(t *testing.T, ctx context.Context, table lease.Table) { //nolint:revive // t first, as everywhere
	is := lease.Lease{Shard: "s", Checkpoint: lease.Begin}
	must(t, table.Add(ctx, is))
	for round := range 5 {
		const takers = 16
		outcomes := make([]error, takers)
		var group sync.WaitGroup
		for i := range takers {
			group.Go(func() {
				next := is
				next.Owner, next.Counter = fmt.Sprintf("worker-%d-%d", round, i), is.Counter+1
				outcomes[i] = table.Swap(ctx, is, next)
			})
		}
		group.Wait()
		var winner string
		for i, err := range outcomes {
			switch {
			case err != nil && !errors.Is(err, lease.ErrChanged):
				t.Fatal(err)
			case err == nil && winner != "":
				t.Fatalf("want one winner of %d; have %s and worker-%d-%d", takers, winner, round, i)
			case err == nil:
				winner = fmt.Sprintf("worker-%d-%d", round, i)
			}
		}
		leases, err := table.List(ctx)
		must(t, err)
		if winner == "" || len(leases) != 1 || leases[0].Owner != winner {
			t.Fatalf("want the lease to be the winner's, %q; have %+v", winner, leases)
		}
		is = leases[0]
	}
}

func ended(t *testing.T, ctx context.Context, table lease.Table) { //nolint:revive // t first, as everywhere
	over, cancel := context.WithCancel(ctx)
	cancel()
	is := lease.Lease{Shard: "s", Checkpoint: lease.Begin}
	if err := table.Add(over, is); err == nil {
		t.Error("want Add to fail when its context has ended; it did not")
	}
	wantLeases(t, ctx, table)
	if _, err := table.List(over); err == nil {
		t.Error("want List to fail when its context has ended; it did not")
	}
}
