package load

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/load/dedup"
	"github.com/spoorhq/spoor/warehouse"
)

// remember takes from the warehouse all that the builder must know.
func (b *builder) remember(ctx context.Context) error {
	w := b.loader.options.Warehouse
	if err := b.tally.remember(ctx, w); err != nil {
		return err
	}
	if err := b.sequences.remember(ctx, w, b.loader.options.Stream); err != nil {
		return err
	}
	b.sure = whole(time.Now())
	if !b.loader.options.Shared {
		if err := b.rememberIDs(ctx, b.sure, event.NoTime); err != nil {
			return err
		}
	}
	return b.rememberSessions(ctx, w)
}

// reachBack makes sure that seen knows the ids that an event received at the time given could be a duplicate of. Where
// the loader has been away for long, the events that wait for it are retries of some that were loaded before its window.
func (b *builder) reachBack(ctx context.Context, oldest event.Time) error {
	if oldest >= b.sure || b.loader.options.Shared { // then the warehouse is asked about all
		return nil
	}
	from := max(whole(event.GoTime(oldest).Add(-late)), b.forgotten)
	if from >= b.sure {
		return nil
	}
	if err := b.rememberIDs(ctx, from, b.sure); err != nil {
		return err
	}
	b.sure = from
	return nil
}

// whole cuts a time to the second: the resolution of the set of ids.
func whole(t time.Time) event.Time { return event.TimeOf(t.Truncate(time.Second)) }

// rememberIDs tells seen the ids that events received from one time on, and, where it is given, before another, could be
// duplicates of.
func (b *builder) rememberIDs(ctx context.Context, from, until event.Time) error {
	began, n := time.Now(), 0
	const many = 4096
	keys, at := make([]dedup.Key, 0, many), make([]time.Time, 0, many)
	add := func() error {
		n += len(keys)
		err := b.seen.Add(keys, at)
		keys, at = keys[:0], at[:0]
		return err
	}
	window := b.loader.options.Window
	query, args := "select source, message_id, received_at from events where received_at >= ?", []any{event.GoTime(from).Add(-window)}
	if until != event.NoTime {
		query, args = query+" and received_at < ?", append(args, event.GoTime(until).Add(-window))
	}
	err := each(ctx, b.loader.options.Warehouse, func(rows warehouse.Rows) error {
		var source, id string
		var received time.Time
		if err := rows.Scan(&source, &id, &received); err != nil {
			return err
		}
		keys, at = append(keys, b.seen.Fingerprint(source, id)), append(at, received)
		if len(keys) < many {
			return nil
		}
		return add()
	}, query, args...)
	if err == nil {
		err = add()
	}
	if err != nil {
		return fmt.Errorf("reading the ids received since %v: %w", args[0], err)
	}
	if took := time.Since(began); took > time.Second {
		b.loader.log.Info("deduplication window read from the warehouse", "ids", n, "since", args[0], "took", took.Round(time.Millisecond))
	}
	return nil
}

// rememberSessions tells the session step who is in a session.
func (b *builder) rememberSessions(ctx context.Context, w warehouse.Warehouse) error {
	err := each(ctx, w, func(rows warehouse.Rows) error {
		var source, person, session string
		var first, last time.Time
		if err := rows.Scan(&source, &person, &session, &first, &last); err != nil {
			return err
		}
		b.pipeline.Seed(source, person, session, event.TimeOf(first), event.TimeOf(last))
		return nil
	}, `select source, coalesce(anonymous_id, user_id), session_id, min("timestamp"), max("timestamp") from events
		where "timestamp" >= (select max("timestamp") from events) - cast(? as bigint) * interval '1 second'
		and session_id is not null group by 1, 2, 3`, int64(b.pipeline.SeedWindow()/time.Second))
	if err != nil {
		return fmt.Errorf("reading the open sessions: %w", err)
	}
	return nil
}

// each runs a query and calls do for each of its rows.
func each(ctx context.Context, w warehouse.Warehouse, do func(warehouse.Rows) error, query string, args ...any) error {
	rows, err := w.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func timestamp(t event.Time) arrow.Timestamp { return arrow.Timestamp(t) }
