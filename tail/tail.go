// Package tail watches the stream: what has been accepted and is not in the warehouse yet, and the newest events as
// they pass, for whoever wants to look.
//
// It reads only the headers of records while nobody looks, and never holds up the line: a viewer that cannot keep up
// is told how much it missed.
package tail

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/stream"
)

// Options are a Watcher's parts.
type Options struct {
	Log    stream.Log
	Stream string // its name
	// Positions gives how far the warehouse has loaded each shard. It is asked about twice a second.
	Positions     func(ctx context.Context) (map[string]string, error)
	ForeignSource string // the source of other producers' records; the loader's
	Logger        *slog.Logger
}

// Watcher watches one stream. Use New, then Run.
type Watcher struct {
	options Options

	mu       sync.Mutex
	flying   map[stream.ShardID][]flight // in the order of the shard
	asOf     time.Time                   // when the warehouse was last asked
	current  bool                        // every shard has been read up to its newest record at asOf
	viewers  map[*Viewer]struct{}
	received int64
}

// flight is a record on its way to the warehouse.
type flight struct {
	position stream.Position
	time     time.Time
	accepted []event.Accepted
	records  int
	bytes    int
}

// New makes a watcher.
func New(options Options) *Watcher {
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	return &Watcher{options: options, flying: map[stream.ShardID][]flight{}, viewers: map[*Viewer]struct{}{}}
}

// InFlight is what has been accepted and is not in the warehouse.
type InFlight struct {
	Records  int
	Bytes    int // of the records, as they stand in the stream
	Events   int64
	Accepted []event.Accepted // by source and minute
	// Oldest is when the stream took the oldest of them; zero when there is none.
	Oldest time.Time
	// CompleteTo: everything accepted before it is in the warehouse. Zero until that is known.
	CompleteTo time.Time
	// Seen counts the events that have passed since the watcher began: the slope is the rate at the door.
	Seen int64
}

// InFlight tells what is between the door and the warehouse now.
func (w *Watcher) InFlight() InFlight {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := InFlight{Seen: w.received}
	for _, flights := range w.flying {
		for _, f := range flights {
			out.Records += f.records
			out.Bytes += f.bytes
			if out.Oldest.IsZero() || f.time.Before(out.Oldest) {
				out.Oldest = f.time
			}
			for _, a := range f.accepted {
				out.Events += int64(a.Events)
			}
			out.Accepted = event.AddAccepted(out.Accepted, f.accepted...)
		}
	}
	switch {
	case !out.Oldest.IsZero():
		out.CompleteTo = out.Oldest
	case w.current:
		out.CompleteTo = w.asOf
	}
	return out
}

const (
	askEvery  = 500 * time.Millisecond
	lookAgain = 10 * time.Second
)

// Run watches until ctx ends. Faults are tried again: watching never ends the line.
func (w *Watcher) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := w.session(ctx); err != nil && ctx.Err() == nil {
			w.options.Logger.Warn("watching the stream was interrupted", "err", err)
			pause(ctx, time.Second)
		}
	}
	return nil
}

func (w *Watcher) session(ctx context.Context) error {
	positions, err := w.options.Positions(ctx)
	if err != nil {
		return fmt.Errorf("reading positions: %w", err)
	}
	w.mu.Lock()
	clear(w.flying)
	w.mu.Unlock()

	ctx, cancel := context.WithCancel(ctx)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	failed := make(chan error, 1)
	reading := map[stream.ShardID]bool{}
	listed := time.Time{}
	for {
		if time.Since(listed) > lookAgain {
			shards, err := w.options.Log.Shards(ctx)
			if err != nil {
				return fmt.Errorf("listing shards: %w", err)
			}
			listed = time.Now()
			for _, s := range shards {
				if reading[s.ID] {
					continue
				}
				reading[s.ID] = true
				readers.Go(func() {
					if err := w.read(ctx, s.ID, stream.Position(positions[string(s.ID)])); err != nil {
						select {
						case failed <- err:
						default:
						}
					}
				})
			}
		}
		select {
		case err := <-failed:
			return err
		case <-time.After(askEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
		asked := time.Now()
		if positions, err = w.options.Positions(ctx); err != nil {
			return fmt.Errorf("reading positions: %w", err)
		}
		w.land(positions, asked)
	}
}

// land takes out what the warehouse has.
func (w *Watcher) land(positions map[string]string, asked time.Time) {
	order, ok := w.options.Log.(stream.Orderer)
	w.mu.Lock()
	defer w.mu.Unlock()
	for shard, flights := range w.flying {
		loaded := stream.Position(positions[string(shard)])
		n := 0
		for n < len(flights) && ok && order.Compare(flights[n].position, loaded) <= 0 {
			n++
		}
		w.flying[shard] = append(flights[:0], flights[n:]...)
	}
	// A record that was taken before the question has reached this watcher by the next one.
	w.current, w.asOf = true, asked.Add(-askEvery)
}

// read follows one shard.
func (w *Watcher) read(ctx context.Context, shard stream.ShardID, after stream.Position) error {
	reader, err := w.options.Log.Read(ctx, shard, after)
	if err != nil {
		return fmt.Errorf("reading shard %s: %w", shard, err)
	}
	defer reader.Close()
	decoder := event.NewRecordReader()
	for {
		records, err := reader.Next(ctx)
		if err == io.EOF || ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading shard %s: %w", shard, err)
		}
		for _, r := range records {
			w.pass(shard, r, decoder)
		}
	}
}

// pass takes note of a record and shows its events to the viewers.
func (w *Watcher) pass(shard stream.ShardID, r stream.Record, decoder *event.RecordReader) {
	f := flight{position: r.Position, time: r.Time, records: 1, bytes: len(r.Data)}
	w.mu.Lock()
	viewers := make([]*Viewer, 0, len(w.viewers))
	for v := range w.viewers {
		viewers = append(viewers, v)
	}
	w.mu.Unlock()

	if event.IsRecord(r.Data) {
		if h, _, err := event.ReadHeader(r.Data); err == nil {
			f.accepted = h.Accepted
		}
	}
	if len(viewers) > 0 || f.accepted == nil {
		origin := event.Origin{
			Stream: w.options.Stream, Shard: string(shard), Position: string(r.Position),
			Source: w.options.ForeignSource, Time: event.TimeOf(r.Time),
		}
		n := show(r.Data, origin, decoder, viewers)
		if f.accepted == nil {
			f.accepted = []event.Accepted{{Source: origin.Source, Minute: event.Minute(origin.Time), Events: max(n, 1)}}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flying[shard] = thin(append(w.flying[shard], f))
	for _, a := range f.accepted {
		w.received += int64(a.Events)
	}
}

// maxFlights bounds what is remembered of a shard's backlog record by record.
const maxFlights = 8192

// thin joins neighbours where there are too many: they land together then.
func thin(flights []flight) []flight {
	if len(flights) <= maxFlights {
		return flights
	}
	kept := flights[:0]
	for i := 0; i+1 < len(flights); i += 2 {
		a, b := flights[i], flights[i+1]
		a.position = b.position
		a.bytes += b.bytes
		a.records += b.records
		a.accepted = event.AddAccepted(slices.Clone(a.accepted), b.accepted...)
		kept = append(kept, a)
	}
	if len(flights)%2 == 1 {
		kept = append(kept, flights[len(flights)-1])
	}
	return kept
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
