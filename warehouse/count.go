package warehouse

import (
	"context"
	"fmt"
	"strings"
)

// Querier is the part of a warehouse that answers.
type Querier interface {
	Query(ctx context.Context, query string, args ...any) (Rows, error)
}

// Count tells what Erase would remove, by the same words, without removing it.
func (s Subject) Count(ctx context.Context, w Querier) (Erasure, error) {
	s, err := s.Named()
	if err != nil {
		return nil, err
	}
	// One of the lists may be empty, and IN () is no SQL.
	among := func(column string, ids []string) (string, []any) {
		if len(ids) == 0 {
			return "1 = 0", nil
		}
		args := make([]any, len(ids))
		for i, id := range ids {
			args[i] = id
		}
		return column + " in (" + strings.TrimSuffix(strings.Repeat("?, ", len(ids)), ", ") + ")", args
	}
	user, users := among("user_id", s.UserIDs)
	device, devices := among("anonymous_id", s.AnonymousIDs)
	before, all := among("previous_id", append(append([]string{}, s.UserIDs...), s.AnonymousIDs...))
	person, personArgs := "("+user+" or "+device+")", append(append([]any{}, users...), devices...)
	erasure := Erasure{}
	for _, from := range []struct {
		table, where string
		args         []any
	}{
		{"events", person + " or " + before, append(append([]any{}, personArgs...), all...)},
		{"identities", person, personArgs},
		{"users", user, users},
	} {
		if erasure[from.table], err = countRows(ctx, w, "select count(*) from "+from.table+" where "+from.where, from.args); err != nil {
			return nil, fmt.Errorf("counting %s: %w", from.table, err)
		}
	}
	rows, err := w.Query(ctx, "select raw from dead_letters")
	if err != nil {
		return nil, fmt.Errorf("counting dead_letters: %w", err)
	}
	defer rows.Close()
	search := NewSearch(s)
	erasure["dead_letters"] = 0
	for rows.Next() {
		var raw []byte
		if err := rows.Scan(&raw); err != nil {
			return nil, fmt.Errorf("counting dead_letters: %w", err)
		}
		if search.Hit(raw) {
			erasure["dead_letters"]++
		}
	}
	return erasure, rows.Err()
}

func countRows(ctx context.Context, w Querier, query string, args []any) (n int64, err error) {
	rows, err := w.Query(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			return 0, err
		}
	}
	return n, rows.Err()
}
