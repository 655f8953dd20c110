package tail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/stream"
)

// Found is an event of the id that was looked for, as it stands in the stream.
type Found struct {
	Item
	Shard    string    `json:"shard"`
	Position string    `json:"position"`
	TakenAt  time.Time `json:"taken_at" description:"when the stream took its record"`
	// InFlight: its record is not in the warehouse yet.
	InFlight bool `json:"in_flight"`
}

// Searched says how much of the stream was looked through.
type Searched struct {
	Records int64      `json:"records"`
	Events  int64      `json:"events"`
	From    *time.Time `json:"from" description:"when the stream took the oldest record that was looked at"`
	To      *time.Time `json:"to"`
	// Done: all that the stream held when the search began has been looked at.
	Done bool `json:"done"`
}

// quietAtEnd is how long a shard that has nothing more to give is waited for.
const quietAtEnd = 2 * time.Second

// Find looks through all that the stream holds for events of a message id, and calls found for each and progress now and
// then; an error of theirs ends it. What was appended after it began need not be found.
func (w *Watcher) Find(ctx context.Context, id string, found func(Found) error, progress func(Searched) error) (Searched, error) {
	s := &search{watcher: w, id: id, found: found, progress: progress, began: time.Now(), decoder: event.NewRecordReader()}
	positions, err := w.options.Positions(ctx)
	if err != nil {
		return s.sum, fmt.Errorf("reading positions: %w", err)
	}
	shards, err := w.options.Log.Shards(ctx)
	if err != nil {
		return s.sum, fmt.Errorf("listing shards: %w", err)
	}
	for _, shard := range shards {
		if err := s.shard(ctx, shard.ID, positions[string(shard.ID)]); err != nil {
			return s.sum, err
		}
	}
	s.sum.Done = true
	return s.sum, nil
}

type search struct {
	watcher  *Watcher
	id       string
	found    func(Found) error
	progress func(Searched) error
	began    time.Time
	told     time.Time
	decoder  *event.RecordReader
	sum      Searched
}

func (s *search) shard(ctx context.Context, id stream.ShardID, loaded string) error {
	reader, err := s.watcher.options.Log.Read(ctx, id, "")
	if errors.Is(err, stream.ErrUnknownShard) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading shard %s: %w", id, err)
	}
	defer reader.Close()
	for {
		waiting, cancel := context.WithTimeout(ctx, quietAtEnd)
		records, err := reader.Next(waiting)
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, io.EOF), errors.Is(err, context.DeadlineExceeded):
			return nil
		case errors.Is(err, stream.ErrTrimmed):
			return nil // it was forgotten meanwhile: the warehouse has it
		case err != nil:
			return fmt.Errorf("reading shard %s: %w", id, err)
		}
		for _, r := range records {
			if r.Time.After(s.began) {
				return nil
			}
			if err := s.record(id, r, loaded); err != nil {
				return err
			}
		}
	}
}

// record looks at one record's events.
func (s *search) record(id stream.ShardID, r stream.Record, loaded string) error {
	s.sum.Records++
	at := r.Time.UTC()
	if s.sum.From == nil || at.Before(*s.sum.From) {
		s.sum.From = &at
	}
	if s.sum.To == nil || at.After(*s.sum.To) {
		s.sum.To = &at
	}
	origin := event.Origin{
		Stream: s.watcher.options.Stream, Shard: string(id), Position: string(r.Position),
		Source: s.watcher.options.ForeignSource, Time: event.TimeOf(r.Time),
	}
	if err := s.decoder.Open(r.Data, origin); err == nil {
		var e event.Event
		for {
			verdict, more := s.decoder.Next(&e)
			if !more {
				break
			}
			s.sum.Events++
			if e.MessageID != s.id {
				continue
			}
			f := Found{Item: itemOf(&e, verdict), Shard: string(id), Position: string(r.Position), TakenAt: at}
			f.MessageID = strings.Clone(f.MessageID)
			f.InFlight = s.watcher.order != nil && s.watcher.order.Compare(r.Position, stream.Position(loaded)) > 0
			if err := s.found(f); err != nil {
				return err
			}
		}
	}
	if s.progress != nil && time.Since(s.told) > 200*time.Millisecond {
		s.told = time.Now()
		return s.progress(s.sum)
	}
	return nil
}
