package fakedb_test

import (
	"context"
	"errors"
	"testing"

	"github.com/spoorhq/spoor/internal/fakedb"
)

func TestAnswers(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	db := fakedb.Open(func(_ context.Context, query string, args []any) (*fakedb.Answer, error) {
		if query == "refused" {
			return nil, broken
		}
		return &fakedb.Answer{Columns: []string{"n", "what"}, Types: []string{"BIGINT"}, Rows: [][]any{{int64(1), args[0]}}, Err: broken}, nil
	})
	defer db.Close()
	if _, err := db.QueryContext(t.Context(), "refused"); !errors.Is(err, broken) { //nolint:gocritic // it is the query that is refused
		t.Errorf("want the error of the question; have %v", err)
	}
	rows, err := db.QueryContext(t.Context(), "anything", "x")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil || len(types) != 2 || types[0].DatabaseTypeName() != "BIGINT" || types[1].Name() != "what" {
		t.Errorf("want the columns n BIGINT and what; have %v, %v", types, err)
	}
	var n int64
	var what string
	if !rows.Next() || rows.Scan(&n, &what) != nil || n != 1 || what != "x" {
		t.Errorf("want the row 1, x; have %d, %q", n, what)
	}
	if rows.Next() || !errors.Is(rows.Err(), broken) {
		t.Errorf("want the error after the rows; have %v", rows.Err())
	}
}
