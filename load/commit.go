package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spoorhq/spoor/load/dedup"
	"github.com/spoorhq/spoor/warehouse"
)

// pending is a batch on its way into the warehouse, with the ids that become known when it is there.
type pending struct {
	*warehouse.Batch
	seen   *dedup.Batch
	oldest time.Time // when the door took its oldest event
	// partings are the shards whose last records are in this batch or one before.
	partings []parting
}

func (p *pending) release() {
	if p.Events != nil {
		p.Events.Release()
	}
	if p.DeadLetters != nil {
		p.DeadLetters.Release()
	}
}

const trimEvery = 10 * time.Second

// commitAll commits batch after batch until there are no more. It says on idle when it can take the next, and lets
// the stream forget what is in.
func (l *Loader) commitAll(ctx context.Context, share *share, batches <-chan *pending, idle chan<- struct{}) error {
	loaded := map[string]string{}
	trim := time.NewTicker(trimEvery)
	defer trim.Stop()
	free := func() {
		select {
		case idle <- struct{}{}:
		default: // it was said, and nobody listens any more
		}
	}
	free()
	for {
		select {
		case batch, ok := <-batches:
			if !ok {
				return nil
			}
			err := l.commit(ctx, batch)
			batch.release()
			if err != nil {
				return err
			}
			for _, m := range batch.Moves {
				loaded[m.Shard] = m.To
			}
			share.committed(batch)
			if l.options.Shared && len(batch.Views) > 0 {
				share.views.Store(true)
			}
			for _, p := range batch.partings {
				delete(loaded, string(p.shard)) // whoever has it next trims it
			}
			free()
		case <-trim.C:
			l.trim(ctx, loaded)
		}
	}
}

// commit loads one batch, trying until it is in or cannot go in any more.
func (l *Loader) commit(ctx context.Context, batch *pending) error {
	if len(batch.Moves) == 0 && len(batch.Views) == 0 {
		return batch.seen.Commit() // a shard parts, and all its records are in already
	}
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, l.options.Backoff) {
		began := time.Now()
		receipt, err := l.options.Warehouse.Load(ctx, batch.Batch)
		if errors.Is(err, warehouse.ErrUnknownOutcome) {
			receipt, err = l.settle(ctx, batch, err)
		}
		switch {
		case err == nil:
			if err := batch.seen.Commit(); err != nil {
				return fmt.Errorf("remembering the ids of a batch: %w", err)
			}
			l.metrics.loaded(receipt, time.Since(began), batch)
			return nil
		case errors.Is(err, warehouse.ErrFenced), ctx.Err() != nil:
			return err
		}
		l.metrics.retries.Inc()
		l.log.Error("the warehouse did not take a batch; trying again", "rows", rowsOf(batch.Events), "pause", pause, "err", err)
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
	}
}

// settle finds out whether a batch whose commit was cut off is in.
func (l *Loader) settle(ctx context.Context, batch *pending, cause error) (warehouse.Receipt, error) {
	positions, err := l.options.Warehouse.Positions(ctx, l.options.Stream)
	if err != nil {
		return warehouse.Receipt{}, errors.Join(cause, err)
	}
	moved := 0
	for _, m := range batch.Moves {
		switch positions[m.Shard] {
		case m.To:
			moved++
		case m.From:
		default:
			return warehouse.Receipt{}, fmt.Errorf("%w: shard %s stands at %s", warehouse.ErrFenced, m.Shard, positions[m.Shard])
		}
	}
	switch moved {
	case len(batch.Moves):
		_, loaded, duplicate, dead := warehouse.Totals(batch.Counts)
		return warehouse.Receipt{Loaded: loaded, Duplicate: duplicate, Dead: dead, Committed: time.Now()}, nil
	case 0:
		return warehouse.Receipt{}, fmt.Errorf("the batch was not committed (%s); it is loaded again", cause)
	default:
		return warehouse.Receipt{}, fmt.Errorf("%w: only some shards of a batch have moved", warehouse.ErrFenced)
	}
}
