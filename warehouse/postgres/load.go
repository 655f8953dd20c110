package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/pgsql"
	"github.com/spoorhq/spoor/warehouse"
)

// Load commits a batch. Every value goes in by COPY or as an argument. When the connection is lost while committing,
// the ledger is asked whether the batch is in.
func (w *Warehouse) Load(ctx context.Context, b *warehouse.Batch) (warehouse.Receipt, error) {
	if err := w.partitions(ctx, b.Events); err != nil {
		return warehouse.Receipt{}, err
	}
	var l *loading
	err := w.write(ctx, func(s *session) error {
		l = &loading{session: s, SQLLoad: &warehouse.SQLLoad{Session: s, Dialect: dialect{}, Batch: b, Now: event.TimeOf(time.Now())}}
		defer l.release()
		return warehouse.RunSteps(ctx, w.options.Fault, "loading", l.Steps(
			warehouse.Step{Name: "suspects", Do: l.weed},
			warehouse.Step{Name: "events", Do: l.insertEvents},
			warehouse.Step{Name: "dead_letters", Do: l.insertDeadLetters},
		))
	})
	if errors.Is(err, warehouse.ErrUnknownOutcome) {
		switch loaded, asked := w.loaded(ctx, b.ID); {
		case asked != nil:
			return warehouse.Receipt{}, errors.Join(err, asked)
		case !loaded:
			return warehouse.Receipt{}, fmt.Errorf("the batch was not committed (%s)", err)
		}
		err = nil
	}
	if err != nil {
		return warehouse.Receipt{}, err
	}
	_, loaded, duplicate, dead := warehouse.Totals(l.Counts)
	return warehouse.Receipt{Loaded: loaded, Duplicate: duplicate, Dead: dead, Committed: time.Now()}, nil
}

// loading is one transaction of Load.
type loading struct {
	*session
	*warehouse.SQLLoad
	events []arrow.RecordBatch // the batch's, without the suspects that are duplicates
}

func (l *loading) release() {
	for _, part := range l.events {
		part.Release()
	}
}

// weed finds the suspects that are in the table already, and settles the counts without them. What is left of the
// batch is the stretches between them, without a copy.
func (l *loading) weed(ctx context.Context) error {
	duplicates, err := l.duplicates(ctx)
	if err != nil {
		return err
	}
	l.Counts, l.Volumes = l.Batch.Settle(duplicates)
	l.events = l.Batch.Without(duplicates)
	return nil
}

func (l *loading) duplicates(ctx context.Context) ([]int32, error) {
	if len(l.Batch.Suspects) == 0 {
		return nil, nil
	}
	column := func(name string) arrow.Array {
		return l.Batch.Events.Column(l.Batch.Events.Schema().FieldIndices(name)[0])
	}
	source, id, received := column("source").(*array.String), column("message_id").(*array.String), column("received_at").(*array.Timestamp)
	n := len(l.Batch.Suspects)
	sources, ids, times := make([]string, n), make([]string, n), make([]time.Time, n)
	for i, row := range l.Batch.Suspects {
		sources[i], ids[i] = source.Value(int(row)), id.Value(int(row))
		times[i] = event.GoTime(event.Time(received.Value(int(row))))
	}
	window := l.Batch.Window.Microseconds()
	var duplicates []int32
	err := l.Each(ctx, func(scan func(...any) error) error {
		var row int32
		if err := scan(&row); err != nil {
			return err
		}
		duplicates = append(duplicates, row)
		return nil
	}, `select distinct s.row from events e
			join unnest(?, ?, ?, ?) as s(row, source, message_id, at) on e.message_id = s.message_id collate "C" and e.source = s.source collate "C"
		where e.received_at between ? and ? and e.received_at between s.at - ? * interval '1 microsecond' and s.at + ? * interval '1 microsecond'
		order by 1`,
		l.Batch.Suspects, sources, ids, times,
		slices.MinFunc(times, time.Time.Compare).Add(-l.Batch.Window), slices.MaxFunc(times, time.Time.Compare).Add(l.Batch.Window), window, window)
	return duplicates, err
}

func (l *loading) insertEvents(ctx context.Context) error {
	return l.insert(ctx, "events", l.events...)
}

func (l *loading) insertDeadLetters(ctx context.Context) error {
	if l.Batch.DeadLetters == nil {
		return nil
	}
	return l.insert(ctx, "dead_letters", l.Batch.DeadLetters)
}

// insert appends record batches to a table whose last column is the load's id.
func (l *loading) insert(ctx context.Context, table string, batches ...arrow.RecordBatch) error {
	return l.copyIn(ctx, table, warehouse.TableNamed(table).Columns, []string{pgsql.Encode(l.Batch.ID)}, batches...)
}
