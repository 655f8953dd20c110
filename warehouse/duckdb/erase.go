package duckdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
	"github.com/spoorhq/spoor/warehouse"
)

// Erase removes a person. Dead letters keep their line, so that the ledger still adds up, and lose what they held.
func (w *Warehouse) Erase(ctx context.Context, subject warehouse.Subject) (warehouse.Erasure, error) {
	if len(subject.UserIDs)+len(subject.AnonymousIDs) == 0 {
		return nil, errors.New("a subject needs at least one user id or anonymous id")
	}
	w.writing.Lock()
	defer w.writing.Unlock()
	erased := warehouse.Erasure{}
	err := w.transact(ctx, func() error {
		const person = "(list_contains(cast(? as varchar[]), user_id) or list_contains(cast(? as varchar[]), anonymous_id))"
		users, devices := list(subject.UserIDs), list(subject.AnonymousIDs)
		if err := w.exec(ctx, `insert into ledger (minute, source, accepted, loaded, duplicate, dead, erased)
			select date_trunc('minute', received_at), source, 0, 0, 0, 0, count(*) from events where `+person+` group by 1, 2
			on conflict (minute, source) do update set erased = erased + excluded.erased`, users, devices); err != nil {
			return err
		}
		for table, where := range map[string]string{
			"events": person, "identities": person, "users": "list_contains(cast(? as varchar[]), user_id)",
		} {
			args := []any{users, devices}
			if table == "users" {
				args = args[:1]
			}
			result, err := w.writer.ExecContext(ctx, "delete from "+table+" where "+where, args...)
			if err != nil {
				return fmt.Errorf("erasing from %s: %w", table, err)
			}
			if erased[table], err = result.RowsAffected(); err != nil {
				return err
			}
		}
		n, err := w.blank(ctx, subject)
		erased["dead_letters"] = n
		return err
	})
	if err != nil {
		return nil, err
	}
	return erased, nil
}

func list(ids []string) []string {
	if ids == nil {
		return []string{}
	}
	return ids
}

// blank empties the dead letters that hold one of the ids.
func (w *Warehouse) blank(ctx context.Context, subject warehouse.Subject) (int64, error) {
	var needles [][]byte
	for _, id := range append(append([]string{}, subject.UserIDs...), subject.AnonymousIDs...) {
		needles = append(needles, jsonscan.AppendQuoted(nil, id))
	}
	rows, err := w.writer.QueryContext(ctx, "select rowid, raw from dead_letters")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var hits []int64
	var parser event.Parser
	var e event.Event
	for rows.Next() {
		var row int64
		var raw []byte
		if err := rows.Scan(&row, &raw); err != nil {
			return 0, err
		}
		if holds(raw, needles, subject, &parser, &e) {
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

// holds tells whether a dead letter is about the subject: by its fields where it can be read, by its text otherwise.
func holds(raw []byte, needles [][]byte, subject warehouse.Subject, parser *event.Parser, e *event.Event) bool {
	for _, needle := range needles {
		if bytes.Contains(raw, needle) {
			return true
		}
	}
	parser.Reset()
	v, _, err := jsonscan.Scan(raw, event.MaxDepth)
	if err != nil {
		return false
	}
	parser.Inspect(v, "", e)
	for _, id := range subject.UserIDs {
		if e.UserID == id {
			return true
		}
	}
	for _, id := range subject.AnonymousIDs {
		if e.AnonymousID == id {
			return true
		}
	}
	return false
}
