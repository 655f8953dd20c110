package lease

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spoorhq/spoor/stream"
)

// free tells whether a lease can be taken: nobody has it, or whoever has it has been silent for too long.
func (w *Worker) free(l Lease, now time.Time) bool {
	return l.Keeper() == "" || now.Sub(w.seen[l.Shard].since) >= w.o.Failover
}

// ripe gives the leases of shards that can be read: not ended, and with all parents ended or gone from the stream.
func (w *Worker) ripe(leases []Lease) []Lease {
	ended := map[stream.ShardID]bool{}
	for _, l := range leases {
		ended[l.Shard] = l.Ended()
	}
	waits := func(parent stream.ShardID) bool {
		done, leased := ended[parent]
		return leased && !done || !leased && w.listed[parent]
	}
	var out []Lease
	for _, l := range leases {
		if !l.Ended() && w.listed[l.Shard] && !slices.ContainsFunc(l.Parents, waits) {
			out = append(out, l)
		}
	}
	return out
}

// balance takes what is free, up to this worker's fair share. When there is nothing to take, and somebody has at least
// two more than this worker, it asks that one for some.
func (w *Worker) balance(ctx context.Context, leases []Lease) error {
	now := time.Now()
	me := w.o.Worker
	loads := map[string]int{me: 0} // by who has a lease, or is to have it
	var given, free []Lease
	ripe := w.ripe(leases)
	w.mu.Lock()
	for _, l := range ripe {
		switch h := w.held[l.Shard]; {
		case h != nil:
			loads[h.lease.Owner]++
		case l.Owner == me && l.Holder == "" && w.asked[l.Shard]:
			given = append(given, l)
			loads[me]++
		case w.free(l, now):
			free = append(free, l)
		default:
			loads[l.Owner]++
		}
	}
	w.mu.Unlock()
	least, most := len(ripe)/len(loads), (len(ripe)+len(loads)-1)/len(loads)

	w.random.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	take := append(given, free[:min(len(free), max(most-loads[me], 0))]...)
	if len(take) > 0 || len(free) > 0 {
		return inParallel(take, func(l Lease) error { return w.take(ctx, l) })
	}
	if len(w.asked) > 0 {
		return nil // one round of asking at a time: each hand-over costs a commit
	}
	rich := slices.MaxFunc(slices.Sorted(maps.Keys(loads)), func(a, b string) int { return loads[a] - loads[b] })
	if loads[rich]-loads[me] < 2 {
		return nil
	}
	theirs := slices.DeleteFunc(ripe, func(l Lease) bool { return l.Owner != rich || l.Holder != "" })
	w.random.Shuffle(len(theirs), func(i, j int) { theirs[i], theirs[j] = theirs[j], theirs[i] })
	want := max(min(loads[rich]-most, least-loads[me]), 1)
	for _, l := range theirs[:min(want, len(theirs))] {
		if err := w.ask(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// take makes a lease this worker's, if it still is as it was.
func (w *Worker) take(ctx context.Context, l Lease) error {
	began := time.Now()
	next := l
	next.Owner, next.Holder = w.o.Worker, ""
	next.Counter++
	if l.Owner != w.o.Worker {
		next.Switches++
	}
	err := w.o.Table.Swap(ctx, l, next)
	if errors.Is(err, ErrChanged) {
		return nil // somebody else was faster
	}
	if err != nil {
		return fmt.Errorf("taking the lease of shard %s: %w", l.Shard, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.asked, l.Shard)
	w.held[l.Shard] = &holding{lease: next, renewed: began}
	w.metrics.takes.Inc()
	w.o.Logger.Info("took the lease of a shard", "shard", l.Shard, "from", l.Keeper())
	w.tell()
	return nil
}

// ask says in the table that this worker is to have a lease next. The counter stays: it is the holder's sign of life.
func (w *Worker) ask(ctx context.Context, l Lease) error {
	next := l
	next.Owner, next.Holder = w.o.Worker, l.Owner
	next.Switches++
	err := w.o.Table.Swap(ctx, l, next)
	if errors.Is(err, ErrChanged) {
		return nil // it was renewed just now, or asked for: the next round tells
	}
	// What may have been written is looked for as well.
	w.asked[l.Shard] = true
	if err != nil {
		return fmt.Errorf("asking %s for the lease of shard %s: %w", l.Owner, l.Shard, err)
	}
	w.metrics.asked.Inc()
	w.o.Logger.Info("asked for a shard", "shard", l.Shard, "of", l.Owner)
	return nil
}
