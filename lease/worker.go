package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/spoorhq/spoor/stream"
)

// Options are a worker's parts. Zero values take the defaults named.
type Options struct {
	Table  Table
	Shards func(context.Context) ([]stream.Shard, error) // lists the stream's
	// Worker is this worker's name. No two that run at a time may have the same: leases in this name that this worker did
	// not take itself are somebody else's to it.
	Worker string
	// Failover is how long a lease's counter must stand still for the lease to be free; default 10 s. All workers on a
	// table have the same.
	Failover time.Duration

	Metrics prometheus.Registerer
	Logger  *slog.Logger
}

// The worker's rhythm, in parts of the failover: a death is found out within the failover and two looks.
const (
	looksPerFailover  = 8
	renewsPerFailover = 4
	callsPerFailover  = 3 // what a round of calls may take
	listsPerFailover  = 1 // of the stream's shards
)

const atOnce = 16 // leases written at a time

// Worker holds leases on its share of the shards. Use New.
type Worker struct {
	o       Options
	metrics *metrics
	wake    chan struct{}
	random  *rand.Rand

	mu      sync.Mutex
	held    map[stream.ShardID]*holding
	changed chan struct{} // closed, and replaced, when Share gives something new

	// what Run's goroutine knows
	seen    map[stream.ShardID]sighting
	asked   map[stream.ShardID]bool // leases that their holders were asked for
	listed  map[stream.ShardID]bool // the stream's shards; nil: not known yet
	listAt  time.Time               // when to list them again
	failing bool
}

// holding is a lease that this worker renews.
type holding struct {
	lease           Lease     // as it stands in the table
	renewed         time.Time // when the last write that went in began
	unsure          time.Time // when the last write began, if it may have gone in or not
	checkpoint      string
	ended, released bool
}

// sighting is when a lease was first seen as it is.
type sighting struct {
	owner, holder string
	counter       int64
	since         time.Time
}

// New makes a worker; Run sets it to work.
func New(o Options) (*Worker, error) {
	if o.Table == nil || o.Shards == nil || o.Worker == "" {
		return nil, errors.New("a worker needs a table of leases, a list of shards and a name")
	}
	if o.Failover == 0 {
		o.Failover = 10 * time.Second
	}
	if o.Failover < time.Second {
		return nil, fmt.Errorf("a failover cannot be under 1s; got %v", o.Failover)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	o.Logger = o.Logger.With("worker", o.Worker)
	return &Worker{
		o: o, metrics: newMetrics(o.Metrics), wake: make(chan struct{}, 1), changed: make(chan struct{}),
		random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), //nolint:gosec // it spreads choices, and hides nothing
		held:   map[stream.ShardID]*holding{}, seen: map[stream.ShardID]sighting{}, asked: map[stream.ShardID]bool{},
	}, nil
}

// Run takes, renews and hands over leases until ctx ends, and then gives up those it has, so that others need not wait
// for the failover. Whoever reads the shards must have stopped by then.
func (w *Worker) Run(ctx context.Context) error {
	look := time.NewTicker(w.o.Failover / looksPerFailover)
	defer look.Stop()
	for {
		w.round(ctx)
		select {
		case <-look.C:
		case <-w.wake:
		case <-ctx.Done():
			w.giveUp(context.WithoutCancel(ctx))
			return nil
		}
	}
}

// Share gives the shards to read now; and those to leave: to be read no more, and released when what was read of them
// is loaded or abandoned. A shard in neither that was in read before is lost: others may be reading it. changed is
// closed when there is a new answer. All parents of a shard in read are loaded to their ends.
func (w *Worker) Share() (read, leave []stream.ShardID, changed <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lapse(time.Now())
	for shard, h := range w.held {
		switch {
		case h.ended, h.released:
		case h.lease.Owner == w.o.Worker:
			read = append(read, shard)
		default:
			leave = append(leave, shard)
		}
	}
	slices.Sort(read)
	slices.Sort(leave)
	return read, leave, w.changed
}

// Loaded says how far a shard is loaded, for those who look at the table.
func (w *Worker) Loaded(shard stream.ShardID, position stream.Position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h := w.held[shard]; h != nil {
		h.checkpoint = string(position)
	}
}

// Ended says that a shard is closed and all of it is loaded, so that its children may begin.
func (w *Worker) Ended(shard stream.ShardID) {
	w.mark(shard, func(h *holding) bool { h.ended = true; return true })
}

// Release says that nothing of a shard is being read or loaded here any more. It does nothing unless the shard is to be
// left.
func (w *Worker) Release(shard stream.ShardID) {
	w.mark(shard, func(h *holding) bool {
		h.released = h.lease.Owner != w.o.Worker
		return h.released
	})
}

func (w *Worker) mark(shard stream.ShardID, do func(*holding) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h := w.held[shard]; h == nil || !do(h) {
		return
	}
	w.tell()
	select {
	case w.wake <- struct{}{}:
	default: // a round is due already
	}
}

// tell says that Share has something new. The lock is held.
func (w *Worker) tell() {
	close(w.changed)
	w.changed = make(chan struct{})
	n := 0
	for _, h := range w.held {
		if h.lease.Owner == w.o.Worker && !h.ended {
			n++
		}
	}
	w.metrics.owned.Set(float64(n))
}

// lapse lets go of leases that could not be renewed for so long that others may have taken them. The lock is held.
func (w *Worker) lapse(now time.Time) {
	for shard, h := range w.held {
		if now.Sub(h.renewed) >= w.o.Failover {
			w.lose(shard, "it could not be renewed in time")
		}
	}
}

// lose lets go of a lease. The lock is held.
func (w *Worker) lose(shard stream.ShardID, why string) {
	delete(w.held, shard)
	w.metrics.losses.Inc()
	w.o.Logger.Warn("lost the lease of a shard", "shard", shard, "why", why)
	w.tell()
}

// round is one look at the table and what follows from it.
func (w *Worker) round(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, w.o.Failover/callsPerFailover)
	defer cancel()
	leases, err := w.o.Table.List(ctx)
	now := time.Now()
	w.mu.Lock()
	w.lapse(now)
	if err == nil {
		w.look(leases, now)
	}
	w.mu.Unlock()
	// What is held is renewed even when the table cannot be listed.
	err = errors.Join(err, w.write(ctx))
	if err == nil {
		leases, err = w.list(ctx, leases)
	}
	if err == nil {
		err = w.balance(ctx, leases)
	}
	w.report(ctx, err)
}

// report logs the first of several failures in a row, and the end of them.
func (w *Worker) report(ctx context.Context, err error) {
	switch {
	case err != nil && errors.Is(context.Cause(ctx), context.Canceled): // the worker is being ended
	case err != nil:
		w.metrics.errors.Inc()
		if !w.failing {
			w.o.Logger.Error("the leases could not be seen to; trying again", "err", err)
		}
		w.failing = true
	case w.failing:
		w.failing = false
		w.o.Logger.Info("the leases can be seen to again")
	}
}

// look compares the table with what was seen before and with what is held. The lock is held.
func (w *Worker) look(leases []Lease, now time.Time) {
	there := make(map[stream.ShardID]Lease, len(leases))
	for _, l := range leases {
		there[l.Shard] = l
		if s, ok := w.seen[l.Shard]; !ok || s.owner != l.Owner || s.holder != l.Holder || s.counter != l.Counter {
			w.seen[l.Shard] = sighting{l.Owner, l.Holder, l.Counter, now}
		}
	}
	for shard := range w.seen {
		if _, ok := there[shard]; !ok {
			delete(w.seen, shard)
		}
	}
	for shard := range w.asked {
		if there[shard].Owner != w.o.Worker {
			delete(w.asked, shard)
		}
	}
	for shard, h := range w.held {
		l := there[shard]
		ours := l.Counter == h.lease.Counter
		if !h.unsure.IsZero() && l.Counter == h.lease.Counter+1 {
			ours, h.renewed = true, h.unsure
		}
		if l.Keeper() != w.o.Worker || !ours {
			w.lose(shard, fmt.Sprintf("%q has it", l.Keeper()))
			continue
		}
		if l.Owner != h.lease.Owner {
			w.o.Logger.Info("asked to hand over a shard", "shard", shard, "to", l.Owner)
			h.lease = l
			w.tell()
		}
		h.lease, h.unsure = l, time.Time{}
	}
}

// write renews what is held and due, and hands over what is released or ended.
func (w *Worker) write(ctx context.Context) error {
	type job struct {
		h    *holding
		next Lease
		last bool
	}
	var jobs []job
	w.mu.Lock()
	for _, h := range w.held {
		next := h.lease
		next.Counter++
		if h.checkpoint != "" && h.checkpoint != next.Checkpoint {
			next.Checkpoint, next.Switches = h.checkpoint, 0
		}
		switch {
		case !h.unsure.IsZero(): // the next look tells
		case h.ended:
			next.Owner, next.Holder, next.Checkpoint = "", "", End
			jobs = append(jobs, job{h, next, true})
		case h.released:
			next.Holder = ""
			jobs = append(jobs, job{h, next, true})
		case time.Since(h.renewed) >= w.o.Failover/renewsPerFailover:
			jobs = append(jobs, job{h, next, false})
		}
	}
	w.mu.Unlock()
	return inParallel(jobs, func(j job) error {
		began := time.Now()
		err := w.o.Table.Swap(ctx, j.h.lease, j.next)
		w.mu.Lock()
		defer w.mu.Unlock()
		switch {
		case errors.Is(err, ErrChanged): // the next look tells by whom
			return nil
		case err != nil:
			j.h.unsure = began
			return fmt.Errorf("writing the lease of shard %s: %w", j.next.Shard, err)
		case !j.last:
			j.h.lease, j.h.renewed = j.next, began
			return nil
		}
		delete(w.held, j.next.Shard)
		if j.h.ended {
			w.listAt = time.Time{} // its children may be new
			w.o.Logger.Info("a shard is loaded to its end", "shard", j.next.Shard)
		} else {
			w.metrics.handed.Inc()
			w.o.Logger.Info("handed over a shard", "shard", j.next.Shard, "to", j.next.Owner)
		}
		w.tell()
		return nil
	})
}

// list sees to it that all shards of the stream have a lease, and that shards that are gone have none. It gives the
// leases as they are then.
func (w *Worker) list(ctx context.Context, leases []Lease) ([]Lease, error) {
	now := time.Now()
	if now.Before(w.listAt) {
		return leases, nil
	}
	shards, err := w.o.Shards(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing shards: %w", err)
	}
	w.listed = make(map[stream.ShardID]bool, len(shards))
	for _, s := range shards {
		w.listed[s.ID] = true
		if slices.ContainsFunc(leases, func(l Lease) bool { return l.Shard == s.ID }) {
			continue
		}
		l := Lease{Shard: s.ID, Parents: s.Parents, Checkpoint: Begin}
		if err := w.o.Table.Add(ctx, l); err != nil {
			return nil, fmt.Errorf("adding the lease of shard %s: %w", s.ID, err)
		}
		leases = append(leases, l)
		w.seen[l.Shard] = sighting{since: now}
	}
	var kept []Lease
	for _, l := range leases {
		// A list without any shard is more likely to be wrong than right.
		if w.listed[l.Shard] || len(shards) == 0 || !l.Ended() && !w.free(l, now) {
			kept = append(kept, l)
			continue
		}
		if err := w.o.Table.Remove(ctx, l); err != nil && !errors.Is(err, ErrChanged) {
			return nil, fmt.Errorf("removing the lease of shard %s, which the stream has no more: %w", l.Shard, err)
		}
		w.o.Logger.Info("the stream has a shard no more", "shard", l.Shard, "checkpoint", l.Checkpoint)
	}
	w.listAt = now.Add(w.o.Failover / listsPerFailover)
	return kept, nil
}

// giveUp leaves all leases to whoever comes.
func (w *Worker) giveUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, w.o.Failover/callsPerFailover)
	defer cancel()
	w.mu.Lock()
	defer w.mu.Unlock()
	var held []*holding
	for _, h := range w.held {
		held = append(held, h)
	}
	err := inParallel(held, func(h *holding) error {
		next := h.lease
		if next.Owner == w.o.Worker || h.ended {
			next.Owner = ""
		}
		next.Holder = ""
		next.Counter++
		if h.checkpoint != "" {
			next.Checkpoint = h.checkpoint
		}
		if h.ended {
			next.Checkpoint = End
		}
		return w.o.Table.Swap(ctx, h.lease, next)
	})
	if err != nil {
		w.o.Logger.Warn("a lease could not be given up; others will wait for the failover", "err", err)
	}
	clear(w.held)
	w.tell()
}

// inParallel does all of the work, some at a time, and gives the errors together.
func inParallel[T any](work []T, do func(T) error) error {
	var group errgroup.Group
	group.SetLimit(atOnce)
	errs := make([]error, len(work))
	for i, x := range work {
		group.Go(func() error {
			errs[i] = do(x)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	return errors.Join(errs...)
}
