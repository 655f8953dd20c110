// Package load carries events from the stream to the warehouse: read → decode → check for duplicates → enrich →
// columns → commit. One goroutine builds a batch while another commits the one before it.
//
// Exactly once: a batch holds whole records and moves the shard's position in the same transaction as its rows. The
// loader keeps nothing of its own: at start, and whenever it was fenced, it takes its positions, the ids of the
// deduplication window, the sequences and the catalog from the warehouse.
package load

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spoorhq/spoor/enrich"
	"github.com/spoorhq/spoor/load/dedup"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/warehouse"
)

// Options are a loader's parts and bounds. Zero values of the bounds take the defaults named.
type Options struct {
	Log       stream.Log
	Stream    string // the stream's name, under which the warehouse keeps its positions
	Warehouse warehouse.Warehouse
	Enrich    enrich.Options

	// ForeignSource is the source that records of other producers are counted under; default "stream".
	ForeignSource string
	// Shared: other loaders may load other shards of this stream, so that the warehouse must look for duplicates.
	Shared bool
	// Owner, where it is set, says which shards are read. The loader is Shared then.
	Owner Owner

	MaxRows  int // of a batch, dead letters included; default 100,000
	MaxBytes int // of JSON in a batch; default 128 MiB
	// Interval is at most between an event's arrival and its commit, while the warehouse keeps up; default 500 ms, or what
	// a warehouse.Patient says. A batch of events that have waited longer than that in the stream gathers for up to four
	// times as long, but no longer than 2 s for that reason: it is late already, and a large batch costs the warehouse less
	// for each row.
	Interval  time.Duration
	Window    time.Duration // of deduplication; default 24 h
	SeenDir   string        // where ids that do not fit into SeenBytes go; emptied at start
	SeenBytes int64         // default 128 MiB; at least what two batches' ids take, see dedup.Staged
	Retain    time.Duration // how long loaded records stay in the stream; default 24 h
	Backoff   time.Duration // the longest pause between tries; default 30 s

	Metrics prometheus.Registerer
	Logger  *slog.Logger
}

func (o *Options) defaults() error {
	if o.Log == nil || o.Warehouse == nil {
		return errors.New("a loader needs a stream and a warehouse")
	}
	pipeline, err := enrich.New(o.Enrich)
	if err != nil {
		return err
	}
	if err := pipeline.Close(); err != nil {
		return err
	}
	fill := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	if patient, ok := o.Warehouse.(warehouse.Patient); ok {
		fill(&o.Interval, patient.Patience())
	}
	fill(&o.Interval, 500*time.Millisecond)
	fill(&o.Window, 24*time.Hour)
	fill(&o.Retain, 24*time.Hour)
	fill(&o.Backoff, 30*time.Second)
	if o.MaxRows == 0 {
		o.MaxRows = 100_000
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 128 << 20
	}
	if o.SeenBytes == 0 {
		o.SeenBytes = 128 << 20
	}
	// Two batches are open at a time: one is built while the other is committed.
	if staged := dedup.Staged(o.SeenBytes); 2*o.MaxRows > staged {
		return fmt.Errorf("a deduplication memory of %d bytes is enough for batches of %d rows; got %d rows", o.SeenBytes, staged/2, o.MaxRows)
	}
	o.Shared = o.Shared || o.Owner != nil
	if o.ForeignSource == "" {
		o.ForeignSource = "stream"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	return nil
}

// Loader loads one stream. Use New.
type Loader struct {
	options Options
	metrics *metrics
	log     *slog.Logger
}

// New makes a loader; Run sets it to work.
func New(options Options) (*Loader, error) {
	if err := options.defaults(); err != nil {
		return nil, err
	}
	return &Loader{options: options, metrics: newMetrics(options.Metrics), log: options.Logger}, nil
}

// Run loads until ctx ends, and then commits what it has read. Faults of the stream and the warehouse do not end it:
// it tries again, with pauses, from where the warehouse stands.
func (l *Loader) Run(ctx context.Context) error {
	for pause := time.Duration(0); ; {
		began := time.Now()
		err := l.session(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil: // it has other shards to read now
			pause = 0
			continue
		case errors.Is(err, warehouse.ErrFenced):
			l.metrics.fenced.Inc()
			l.log.Warn("another loader has moved a position; starting again from the warehouse's", "err", err)
		default:
			l.log.Error("loading stopped; starting again from the warehouse's positions", "err", err)
		}
		if time.Since(began) > l.options.Backoff {
			pause = 0
		}
		pause = min(max(2*pause, 100*time.Millisecond), l.options.Backoff)
		if !sleep(ctx, pause) {
			return nil
		}
	}
}

// session loads from the warehouse's positions until something goes wrong that only a fresh start mends. nil: ctx has
// ended, or there are other shards to read.
func (l *Loader) session(ctx context.Context) error {
	o := &l.options
	share, err := l.share(ctx)
	if err != nil {
		return err
	}
	// What another has loaded of a shard is in the warehouse before the shard is this loader's. So it is read now, and the
	// positions before all else: what is read with an older position than this is fenced.
	positions, err := o.Warehouse.Positions(ctx, o.Stream)
	if err != nil {
		return fmt.Errorf("reading positions: %w", err)
	}
	b, err := l.begin(ctx, positions)
	if err != nil {
		return err
	}
	defer b.close()

	// Reading ends after the loop, so that its end is never taken for a fault when ctx ends.
	reading, stopReading := context.WithCancel(context.WithoutCancel(ctx))
	defer stopReading()
	records := make(chan pulled)
	pulling := make(chan error, 1)
	begin := maps.Clone(positions) // the builder moves its own
	go func() { pulling <- l.pull(reading, share, begin, b.reached, records) }()

	// What was read when ctx ends is still committed: a grace for the warehouse to take it.
	committing, stopCommitting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCommitting()
	defer context.AfterFunc(ctx, func() {
		if sleep(committing, shutdownGrace) {
			stopCommitting()
		}
	})()
	batches := make(chan *pending)
	idle := make(chan struct{}, 1)
	committed := make(chan error, 1)
	go func() { committed <- l.commitAll(committing, share, batches, idle) }()

	err = l.gather(ctx, b, share, records, batches, idle, pulling, committed)
	stopReading()
	close(batches)
	if err != nil && ctx.Err() == nil {
		stopCommitting()
	}
	if last := <-committed; err == nil {
		err = last
	}
	if err != nil && ctx.Err() != nil {
		l.log.Warn("not all that was read is committed; it will be read from the stream again", "err", err)
	}
	drainRecords(records, pulling)
	return err
}

const shutdownGrace = 20 * time.Second

// gather is the loop: it puts records into the batch that is being built, and hands it over when the committer is
// free and the batch is old or large enough.
func (l *Loader) gather(ctx context.Context, b *builder, share *share, records <-chan pulled, batches chan<- *pending,
	idle <-chan struct{}, pulling, committed chan error,
) error {
	free := false
	due := time.NewTimer(time.Hour)
	defer due.Stop()
	hand := func() error {
		batch := b.take()
		free = false
		select {
		case batches <- batch:
			return nil
		case err := <-committed:
			committed <- err
			batch.release()
			return err
		}
	}
	finish := func() error {
		if b.empty() {
			return nil
		}
		return hand()
	}
	var rest pulled // what was pulled and has no room in a batch yet
	for {
		for len(rest.records) > 0 && !b.full() {
			if err := b.add(ctx, rest.shard, rest.records[0]); err != nil {
				return err
			}
			rest.records = rest.records[1:]
		}
		in := records
		if b.full() {
			in = nil // until the committer is free: the stream holds what comes
		}
		var wait <-chan time.Time
		if free && !b.empty() {
			left := b.patience() - time.Since(b.began)
			if left <= 0 || b.full() {
				if err := hand(); err != nil {
					return err
				}
				continue
			}
			due.Reset(left)
			wait = due.C
		}
		select {
		case rest = <-in:
			if rest.parting != nil {
				b.partings = append(b.partings, *rest.parting)
			}
		case <-wait:
		case <-idle:
			free = true
			if share.views.Swap(false) {
				if err := b.tally.compare(ctx, l.options.Warehouse); err != nil {
					return err
				}
			}
		case err := <-pulling:
			pulling <- nil
			if !errors.Is(err, errGrown) {
				return err
			}
			l.log.Info("there are more shards to read; starting again with them")
			return finish()
		case err := <-committed:
			committed <- err
			return err
		case <-ctx.Done():
			return finish()
		}
	}
}

// drainRecords lets the pullers end: they may be waiting to hand records over.
func drainRecords(records <-chan pulled, pulling <-chan error) {
	for {
		select {
		case <-records:
		case <-pulling:
			return
		}
	}
}

// sleep pauses; false: ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
