package duckdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/spoorhq/spoor/warehouse"
)

// Erase removes a person. Dead letters keep their line, so that the ledger still adds up, and lose what they held.
func (w *Warehouse) Erase(ctx context.Context, subject warehouse.Subject) (warehouse.Erasure, error) {
	subject, err := subject.Named()
	if err != nil {
		return nil, err
	}
	w.clusterer.alone.Lock()
	defer w.clusterer.alone.Unlock()
	w.writing.Lock()
	defer w.writing.Unlock()
	users, devices := subject.UserIDs, subject.AnonymousIDs
	const (
		user     = "list_contains(cast($1 as varchar[]), user_id)"
		person   = "(" + user + " or list_contains(cast($2 as varchar[]), anonymous_id))"
		anywhere = "(" + person + " or list_contains(list_concat(cast($1 as varchar[]), cast($2 as varchar[])), previous_id))"
	)
	erased := warehouse.Erasure{}
	err = w.transact(ctx, func() error {
		if err := w.fault("ledger"); err != nil {
			return err
		}
		if err := w.exec(ctx, "create temporary table erased_days as "+someDays+" where "+anywhere, users, devices); err != nil {
			return fmt.Errorf("finding the days: %w", err)
		}
		if err := w.exec(ctx, `insert into ledger (minute, source, accepted, loaded, duplicate, dead, erased)
			select date_trunc('minute', received_at), source, 0, 0, 0, 0, count(*) from events where `+anywhere+` group by 1, 2
			on conflict (minute, source) do update set erased = erased + excluded.erased`, users, devices); err != nil {
			return fmt.Errorf("erasing in the ledger: %w", err)
		}
		for _, from := range []struct {
			table, where string
			args         []any
		}{
			{"events", anywhere, []any{users, devices}},
			{"identities", person, []any{users, devices}},
			{"users", user, []any{users}},
		} {
			if err := w.fault(from.table); err != nil {
				return err
			}
			result, err := w.writer.ExecContext(ctx, "delete from "+from.table+" where "+from.where, from.args...)
			if err != nil {
				return fmt.Errorf("erasing from %s: %w", from.table, err)
			}
			if erased[from.table], err = result.RowsAffected(); err != nil {
				return err
			}
		}
		if err := w.eraseDays(ctx); err != nil {
			return fmt.Errorf("erasing from id_days: %w", err)
		}
		if err := w.fault("dead_letters"); err != nil {
			return err
		}
		n, err := w.blank(ctx, subject)
		if err != nil {
			return fmt.Errorf("erasing from dead_letters: %w", err)
		}
		erased["dead_letters"] = n
		return w.fault("commit")
	})
	if err != nil {
		return nil, err
	}
	return erased, nil
}

// eraseDays takes the lines of erased_days out of id_days, but those that events which are left tell of too.
func (w *Warehouse) eraseDays(ctx context.Context) error {
	const same = "i.day = e.day and i.user_id = e.user_id and i.anonymous_id = e.anonymous_id and i.is_bot = e.is_bot"
	for _, statement := range []string{
		"delete from id_days i using erased_days e where " + same,
		"insert into id_days select i.* from (" + someDays + " where " + dayOf + " in (select day from erased_days)) i semi join erased_days e on " + same,
		"drop table erased_days",
	} {
		if err := w.exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// blank empties the dead letters that hold one of the ids.
func (w *Warehouse) blank(ctx context.Context, subject warehouse.Subject) (int64, error) {
	search := warehouse.NewSearch(subject)
	rows, err := w.writer.QueryContext(ctx, "select rowid, raw from dead_letters")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var hits []int64
	for rows.Next() {
		var row int64
		var raw []byte
		if err := rows.Scan(&row, &raw); err != nil {
			return 0, err
		}
		if search.Hit(raw) {
			hits = append(hits, row)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, err
	}
	for _, row := range hits {
		if err := w.exec(ctx, "update dead_letters set raw = ''::blob, detail = 'erased', request = null, message_id = null where rowid = ?", row); err != nil {
			return 0, err
		}
	}
	return int64(len(hits)), nil
}
