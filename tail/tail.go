// Package tail watches the stream: what has been accepted and is not in the warehouse yet, and the newest events as
// they pass, for whoever wants to look.
//
// It reads only the headers of records while nobody looks, and never holds up the line: a viewer that cannot keep up
// is told how much it missed.
package tail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/stream"
)

// Options are a Watcher's parts.
type Options struct {
	// Log must be a stream.Orderer for what is in flight to be known; without, events can be viewed and no more.
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
	order   stream.Orderer // nil: positions cannot be compared

	mu      sync.Mutex
	shards  map[stream.ShardID]*shard // of the session under way
	counted map[stream.ShardID]stream.Position
	viewers map[*Viewer]struct{}
	seen    int64
	pulse   pulse
}

// New makes a watcher.
func New(options Options) *Watcher {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	order, _ := stream.As[stream.Orderer](options.Log)
	return &Watcher{
		options: options, order: order,
		shards: map[stream.ShardID]*shard{}, counted: map[stream.ShardID]stream.Position{}, viewers: map[*Viewer]struct{}{},
	}
}

// Stream gives the name of the stream that is watched.
func (w *Watcher) Stream() string { return w.options.Stream }

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

// session reads every shard from where the warehouse stands, until a reader fails.
func (w *Watcher) session(ctx context.Context) error {
	positions, err := w.options.Positions(ctx)
	if err != nil {
		return fmt.Errorf("reading positions: %w", err)
	}
	w.mu.Lock()
	clear(w.shards)
	w.mu.Unlock()

	ctx, cancel := context.WithCancel(ctx)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	ended := make(chan error)
	begin := func(id stream.ShardID) {
		s, after := &shard{id: id}, stream.Position(positions[string(id)])
		w.mu.Lock()
		w.shards[id] = s
		w.mu.Unlock()
		readers.Go(func() {
			err := w.follow(ctx, s, after)
			select {
			case ended <- err:
			case <-ctx.Done():
			}
		})
	}
	ask := time.NewTicker(askEvery)
	defer ask.Stop()
	asked := true
	for listed := (time.Time{}); ; {
		if time.Since(listed) > lookAgain {
			shards, err := w.options.Log.Shards(ctx)
			if err != nil {
				return fmt.Errorf("listing shards: %w", err)
			}
			listed = time.Now()
			for _, s := range shards {
				if w.shards[s.ID] == nil {
					begin(s.ID)
				}
			}
		}
		select {
		case err := <-ended:
			if err != nil {
				return err
			}
			listed = time.Time{} // a shard that ends has children
		case <-ask.C:
			// The events pass whether or not the warehouse answers.
			now, err := w.options.Positions(ctx)
			if err == nil {
				positions = now
				w.land(positions)
			} else if asked && ctx.Err() == nil {
				w.options.Logger.Warn("the warehouse does not tell its positions; what is in flight is counted on", "err", err)
			}
			asked = err == nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// follow reads one shard to its end.
func (w *Watcher) follow(ctx context.Context, s *shard, after stream.Position) error {
	reader, err := w.options.Log.Read(ctx, s.id, after)
	if err != nil {
		return fmt.Errorf("reading shard %s: %w", s.id, err)
	}
	defer reader.Close()
	decoder := event.NewRecordReader()
	for {
		w.wait(s, time.Now())
		records, err := reader.Next(ctx)
		w.wait(s, time.Time{})
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, io.EOF):
			w.end(s)
			return nil
		case err != nil:
			return fmt.Errorf("reading shard %s: %w", s.id, err)
		}
		for _, r := range records {
			w.pass(s, r, decoder)
		}
	}
}

// pass takes note of a record and shows its events to the viewers.
func (w *Watcher) pass(s *shard, r stream.Record, decoder *event.RecordReader) {
	f := flight{position: r.Position, time: r.Time, records: 1, bytes: len(r.Data)}
	if event.IsRecord(r.Data) {
		if h, _, err := event.ReadHeader(r.Data); err == nil {
			f.accepted = h.Accepted
		}
	}
	fresh := w.fresh(s, r.Position)
	var viewers []*Viewer
	if fresh {
		viewers = w.looking(time.Now())
	}
	if len(viewers) > 0 || f.accepted == nil {
		origin := event.Origin{
			Stream: w.options.Stream, Shard: string(s.id), Position: string(r.Position),
			Source: w.options.ForeignSource, Time: event.TimeOf(r.Time),
		}
		n := show(r.Data, origin, decoder, viewers, f.accepted == nil)
		if f.accepted == nil {
			f.accepted = []event.Accepted{{Source: origin.Source, Minute: event.Minute(origin.Time), Events: max(n, 1)}}
		}
	}
	w.note(s, f, fresh)
}

// fresh tells whether a record has not passed before: a session after a fault reads again what is in flight.
func (w *Watcher) fresh(s *shard, p stream.Position) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.order == nil || w.order.Compare(p, w.counted[s.id]) > 0
}

// looking gives the viewers who would take an event now.
func (w *Watcher) looking(now time.Time) []*Viewer {
	w.mu.Lock()
	defer w.mu.Unlock()
	var viewers []*Viewer
	for v := range w.viewers {
		if v.hungry(now) {
			viewers = append(viewers, v)
		}
	}
	return viewers
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
