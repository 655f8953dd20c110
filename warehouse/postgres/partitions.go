package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/pgsql"
)

// maxMonths bounds the partitions that one batch can call for. The rest of its rows are in the default partition, as is
// all that came before a partition could be made: nothing is refused.
const maxMonths = 24

// patience is how long the making of a partition waits for those who use the table.
const patience = "2s"

// partitions makes those for the months of the batch's rows that are missing. It is a transaction of its own, for it
// locks the table against readers.
func (w *Warehouse) partitions(ctx context.Context, events arrow.RecordBatch) error {
	if events == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	received := events.Column(events.Schema().FieldIndices("received_at")[0]).(*array.Timestamp)
	var missing []time.Time
	var from, to event.Time // of the month that was looked at last
	for i := range received.Len() {
		at := event.Time(received.Value(i))
		if at >= from && at < to {
			continue
		}
		year, month, _ := event.GoTime(at).Date()
		first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
		from, to = event.TimeOf(first), event.TimeOf(first.AddDate(0, 1, 0))
		if !w.months[first] && !slices.Contains(missing, first) && len(missing) < maxMonths {
			missing = append(missing, first)
		}
	}
	for _, month := range missing {
		if err := w.partition(ctx, month); err != nil {
			return fmt.Errorf("making the partition of %s: %w", month.Format("2006-01"), err)
		}
	}
	return nil
}

func (w *Warehouse) partition(ctx context.Context, month time.Time) error {
	name := month.Format("events_2006_01")
	err := pgsql.Transact(ctx, w.db, syntax(), func(tx *pgsql.Tx) error {
		there := 0
		err := tx.Each(ctx, func(scan func(...any) error) error { return scan(&there) },
			"select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = current_schema() and c.relname = ?", name)
		if err != nil || there > 0 {
			return err
		}
		bound := func(t time.Time) string { return "'" + pgsql.Time(t) + "'" }
		_, err = tx.Exec(ctx, fmt.Sprintf("set local lock_timeout = '%s'; create table %s partition of events for values from (%s) to (%s)",
			patience, name, bound(month), bound(month.AddDate(0, 1, 0))))
		return err
	})
	switch pgsql.Code(err) {
	case "": // it is there, or the server cannot be reached
		w.months[month] = err == nil
		return err
	case "42P07", "23514": // another process has made it; or rows of the month are in the default partition for good
		w.months[month] = true
	}
	// Somebody holds the table: these rows go to the default partition.
	return ctx.Err()
}
