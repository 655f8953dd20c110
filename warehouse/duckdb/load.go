package duckdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// Load commits a batch. Every value goes in as Arrow or as a bound argument.
func (w *Warehouse) Load(ctx context.Context, b *warehouse.Batch) (warehouse.Receipt, error) {
	w.writing.Lock()
	defer w.writing.Unlock()
	if err := w.compact(ctx); err != nil {
		return warehouse.Receipt{}, fmt.Errorf("compacting: %w", err)
	}
	l := loading{Warehouse: w, ctx: ctx, b: b, now: event.TimeOf(time.Now())}
	defer l.release()
	err := w.transact(ctx, l.run)
	if err != nil {
		return warehouse.Receipt{}, err
	}
	_, loaded, duplicate, dead := warehouse.Totals(l.counts)
	w.clusterer.loaded(int(loaded))
	return warehouse.Receipt{Loaded: loaded, Duplicate: duplicate, Dead: dead, Committed: time.Now()}, nil
}

// loading is one transaction of Load.
type loading struct {
	*Warehouse
	ctx     context.Context
	b       *warehouse.Batch
	now     event.Time
	events  []arrow.RecordBatch // the batch's, without the suspects that are duplicates
	counts  []warehouse.Count
	volumes []warehouse.Volume
}

func (l *loading) run() error {
	return warehouse.RunSteps(l.ctx, l.options.Fault, "loading", []warehouse.Step{
		step("positions", l.move),
		step("suspects", l.weed),
		step("events", l.insertEvents),
		step("dead_letters", l.insertDeadLetters),
		step("days", l.putDays),
		step("identities", l.putIdentities),
		step("users", l.putUsers),
		step("ledger", l.putCounts),
		step("volumes", l.putVolumes),
		step("sequences", l.putSequences),
		step("catalog", l.putProperties),
		step("views", l.makeViews),
		step("loads", l.putLoad),
	})
}

func step(name string, do func() error) warehouse.Step {
	return warehouse.Step{Name: name, Do: func(context.Context) error { return do() }}
}

func (l *loading) release() {
	for _, part := range l.events {
		part.Release()
	}
}

// move takes each shard's position on by compare-and-set.
func (l *loading) move() error {
	for _, m := range l.b.Moves {
		query := "update positions set position = ?, moved_at = ? where stream = ? and shard = ? and position = ?"
		args := []any{m.To, event.GoTime(l.now), l.b.Stream, m.Shard, m.From}
		if m.From == "" {
			query = `insert into positions (position, moved_at, stream, shard) select ?, ?, ?, ?
				where not exists (select 1 from positions where stream = ? and shard = ?)`
			args = []any{m.To, event.GoTime(l.now), l.b.Stream, m.Shard, l.b.Stream, m.Shard}
		}
		result, err := l.writer.ExecContext(l.ctx, query, args...)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil {
			return err
		} else if n != 1 {
			return fmt.Errorf("%w: shard %s of %s is not at %q", warehouse.ErrFenced, m.Shard, l.b.Stream, m.From)
		}
	}
	return nil
}

// weed finds the suspects that are in the table already, and settles the counts without them. What is left of the
// batch is the stretches between them, without a copy.
func (l *loading) weed() error {
	duplicates, err := l.duplicates()
	if err != nil {
		return err
	}
	l.counts, l.volumes = l.b.Settle(duplicates)
	l.events = l.b.Without(duplicates)
	return nil
}

func (l *loading) duplicates() ([]int32, error) {
	if len(l.b.Suspects) == 0 {
		return nil, nil
	}
	column := func(name string) arrow.Array { return l.b.Events.Column(l.b.Events.Schema().FieldIndices(name)[0]) }
	source, id, received := column("source").(*array.String), column("message_id").(*array.String), column("received_at").(*array.Timestamp)
	n := len(l.b.Suspects)
	sources, ids, times := make([]string, n), make([]string, n), make([]int64, n)
	for i, row := range l.b.Suspects {
		sources[i], ids[i], times[i] = source.Value(int(row)), id.Value(int(row)), int64(received.Value(int(row)))
	}
	window := l.b.Window.Microseconds()
	rows, err := l.writer.QueryContext(l.ctx, `select distinct s.row from events e join (select unnest(cast(? as integer[])) as row,
				unnest(cast(? as varchar[])) as source, unnest(cast(? as varchar[])) as message_id, unnest(cast(? as bigint[])) as at) s
			on e.source = s.source and e.message_id = s.message_id
		where e.received_at between ? and ? and abs(epoch_us(e.received_at) - s.at) <= ? order by 1`,
		l.b.Suspects, sources, ids, times, event.GoTime(slices.Min(times)-window), event.GoTime(slices.Max(times)+window), window)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var duplicates []int32
	for rows.Next() {
		var row int32
		if err := rows.Scan(&row); err != nil {
			return nil, err
		}
		duplicates = append(duplicates, row)
	}
	return duplicates, errors.Join(rows.Err(), rows.Close())
}

func (l *loading) insertEvents() error { return l.insert("events", l.events...) }

func (l *loading) insertDeadLetters() error {
	if l.b.DeadLetters == nil {
		return nil
	}
	return l.insert("dead_letters", l.b.DeadLetters)
}

// insert appends record batches to a table whose last column is the load's id.
func (l *loading) insert(table string, batches ...arrow.RecordBatch) error {
	if len(batches) == 0 {
		return nil
	}
	return apply(l.ctx, l.writer, "insert into "+table+" select *, "+dialect{}.Literal(l.b.ID)+" from batch", batches...)
}

func (l *loading) putCounts() error {
	return l.put(warehouse.CountRows(l.counts), `on conflict (minute, source) do update set accepted = accepted + excluded.accepted,
		loaded = loaded + excluded.loaded, duplicate = duplicate + excluded.duplicate, dead = dead + excluded.dead`)
}

func (l *loading) putVolumes() error {
	return l.put(warehouse.VolumeRows(l.volumes), "on conflict (minute, source, type, event) do update set loaded = loaded + excluded.loaded")
}

func (l *loading) putSequences() error {
	return l.put(l.b.SequenceRows(), `on conflict (stream, shard, collector, boot) do update set seen = excluded.seen, void = excluded.void,
		settled = excluded.settled, records = excluded.records, doubled = excluded.doubled, seen_at = excluded.seen_at`)
}

func (l *loading) putProperties() error { return l.put(l.b.PropertyRows(), "on conflict do nothing") }

func (l *loading) makeViews() error {
	for _, v := range l.b.Views {
		if err := l.exec(l.ctx, v.SQL(dialect{})); err != nil {
			return fmt.Errorf("view %s: %w", v.Name, err)
		}
	}
	return nil
}

// putLoad writes the batch's line.
func (l *loading) putLoad() error {
	rows, err := l.b.LoadRows(l.now, l.counts)
	if err != nil {
		return err
	}
	return l.put(rows, "")
}

// put inserts rows into one of the small tables; conflict says what becomes of those whose key is there. The rows are
// released.
func (l *loading) put(rows *warehouse.RowSet, conflict string) error {
	defer rows.Release()
	if rows.Len() == 0 {
		return nil
	}
	batch := rows.Take()
	defer batch.Release()
	return apply(l.ctx, l.writer, fmt.Sprintf("insert into %s select * from batch %s", rows.Table.Name, conflict), batch)
}
