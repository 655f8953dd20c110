package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spoorhq/spoor/stream"
)

// Carrier loads a history: a loader, until ctx ends.
type Carrier interface {
	Run(ctx context.Context) error
}

// Filling is a warehouse that a history is loaded into.
type Filling struct {
	History *History
	// Carrier makes a loader for the history's stream.
	Carrier func(stream.Log) (Carrier, error)
	// Position says how far the history has been loaded.
	Position func(ctx context.Context) (stream.Position, error)
	// OnProgress, if given, is told now and then how many events have been read.
	OnProgress func(made, of uint64)
}

// Fill loads the history from where the warehouse stands to its end.
func Fill(ctx context.Context, f Filling) error {
	h := f.History
	h.read = make(chan struct{}, 1)
	for {
		at, err := f.Position(ctx)
		if err != nil {
			return err
		}
		if at == h.End() {
			return nil
		}
		if err := f.session(ctx); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		now, err := f.Position(ctx)
		if err != nil {
			return err
		}
		if now == at {
			return errors.New("nothing of the history was loaded; the log says why")
		}
	}
}

// session runs one loader until all records have been read, or ctx ends. A loader commits what it has read when it is
// told to end; the record that it is about to take then is left to the next session.
func (f Filling) session(ctx context.Context) error {
	carrier, err := f.Carrier(f.History)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- carrier.Run(ctx) }()
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				return fmt.Errorf("loading the history: %w", err)
			}
			return nil
		case <-f.History.read:
			stop()
		case <-look.C:
			if f.OnProgress != nil {
				f.OnProgress(f.History.Made(), f.History.Rows)
			}
		}
	}
}
