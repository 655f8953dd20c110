package warehousetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spoorhq/spoor/warehouse"
)

func queryCases() []kase {
	return []kase{
		{"a query can only read", readOnly},
		{"a query ends when its ctx does", queryCancelled},
		{"arguments are values, never text of the query", arguments},
		{"a query that is wrong harms nobody", wrongQueries},
		{"many queries at once", manyQueries},
	}
}

func readOnly(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	if err := load(ctx, w, s.full(warehouse.Move{Shard: "0", To: "1"}, "x")); err != nil {
		return err
	}
	err = unchanged(ctx, w, func() error {
		for _, query := range []string{
			"delete from events", "update events set event = 'x'", "insert into loads select * from loads", "drop table events", "drop view event_song_played",
			"create table t (n integer)", "create view v as select 1", "alter table events add column x integer", "truncate table events",
			"select 1; delete from events", "delete from events; select 1", "; delete from events; select 1;", "select 1; select 2",
			"begin", "commit", "rollback", "begin; delete from events; commit",
		} {
			rows, err := w.Query(ctx, query)
			if err == nil {
				for rows.Next() {
				}
				return errors.Join(fmt.Errorf("want a refusal of %q; have rows", query), rows.Close())
			}
			if !errors.Is(err, warehouse.ErrNotReadOnly) {
				return fmt.Errorf("%q: want %v; have %w", query, warehouse.ErrNotReadOnly, err)
			}
		}
		// Not each of these is known everywhere; none may do anything.
		for _, query := range []string{
			"explain analyze delete from events", "explain delete from events", "with gone as (delete from events returning *) select * from gone",
			"copy events to '/tmp/spoor-events.csv'", "copy loads from '/tmp/spoor-loads.csv'", "select * into stolen from events", "set search_path = 'x'",
			"call delete_all()", "execute x", "vacuum", "checkpoint",
		} {
			if rows, err := w.Query(ctx, query); err == nil {
				for rows.Next() {
				}
				if err := errors.Join(rows.Err(), rows.Close()); err != nil {
					continue
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return errors.Join(
		expect(ctx, w, "select 1", "1"), expect(ctx, w, " \n-- a comment\nselect 1 ; ", "1"), expect(ctx, w, "with one as (select 1) select * from one", "1"),
		expect(ctx, w, "select count(*) from events -- trailing", "5"),
		expect(ctx, w, "select 'delete from events; drop table x', 'a;b'", "delete from events; drop table x | a;b"),
		load(ctx, w, s.full(warehouse.Move{Shard: "0", From: "1", To: "2"}, "y")),
	)
}

func queryCancelled(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	// Hours of work, in words that every warehouse knows.
	const endless = `with recursive digit(n) as (select 0 union all select n + 1 from digit where n < 999)
		select count(*) from digit a, digit b, digit c, digit d where (a.n + b.n * c.n) % 7 = d.n % 5`
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	rows, err := w.Query(short, endless)
	if err == nil {
		for rows.Next() {
		}
		err = errors.Join(rows.Err(), rows.Close())
	}
	if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return fmt.Errorf("want the query to end with its ctx, and to say so; have %v", err)
	}
	for range 40 { // more than a pool holds: connections must come back
		over, cancel := context.WithCancel(ctx)
		rows, err := w.Query(over, "select message_id from events")
		cancel()
		if err == nil {
			err = rows.Close()
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return expect(ctx, w, "select 1", "1")
}

func arguments(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	e := track("web", "it's ? \x00 \\", "Buy")
	e.Screen.Width = 7
	if err := load(ctx, w, s.batch(warehouse.Move{Shard: "0", To: "1"}, e, track("web", "other", "Buy"))); err != nil {
		return err
	}
	for _, c := range []struct {
		where string
		arg   any
	}{
		{"message_id = ?", e.MessageID}, {`"timestamp" = ? and message_id <> 'other'`, noon}, {`"timestamp" = ? and screen_width is not null`, noon.In(time.FixedZone("x", 3600))},
		{"screen_width = ?", 7}, {"screen_width = ?", int64(7)}, {"screen_width < ?", 7.5}, {"(screen_width = 7) = ?", true}, {"'?' <> ? and screen_width = 7", "x"},
	} {
		have, err := ask(ctx, w, "select count(*) from events where "+c.where, c.arg)
		if err != nil {
			return err
		}
		if len(have) != 1 || have[0] != "1" {
			return fmt.Errorf("%s with %#v: want 1; have %q", c.where, c.arg, have)
		}
	}
	return nil
}

func wrongQueries(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	for _, query := range []string{"", " ", ";", "selec 1", "select nothing from nowhere", "select 'x", "select cast('x' as integer)", "select \x00 1", "select \xff"} {
		for range 40 { // more than a pool holds
			rows, err := w.Query(ctx, query)
			if err == nil {
				for rows.Next() {
				}
				err = errors.Join(rows.Err(), rows.Close())
			}
			if err == nil {
				return fmt.Errorf("%q: want an error; have none", query)
			}
		}
	}
	return errors.Join(load(ctx, w, s.full(warehouse.Move{Shard: "0", To: "1"}, "x")), expect(ctx, w, "select count(*) from events", "5"))
}

func manyQueries(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	if err := load(ctx, w, s.full(warehouse.Move{Shard: "0", To: "1"}, "x")); err != nil {
		return err
	}
	errs := make([]error, 100)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = expect(ctx, w, "select count(*) from events", "5") })
	}
	wg.Wait()
	return errors.Join(errs...)
}
