package duckdb

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// Who asks hears which part of a statement is done, ever more of it; a statement that takes no time tells nothing.
func TestQueryTelling(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w, err := Open(ctx, Options{Path: filepath.Join(t.TempDir(), "spoor.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, statement := range []string{"create table numbers as select range as n from range(5000000)", "create table few as select n from numbers limit 1000"} {
		if err := w.exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	// A statement that would take minutes is ended once it has been heard of.
	slow, stop := context.WithCancel(ctx)
	defer stop()
	var heard []float64
	err = func() error {
		rows, err := w.QueryTelling(slow, func(done float64) {
			if heard = append(heard, done); len(heard) == 3 {
				stop()
			}
		}, `select count(*) from few a, numbers b where hash(a.n) % 100 < hash(b.n) % 50`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
		}
		return rows.Err()
	}()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("want the statement to run until it is ended; have %v", err)
	}
	if len(heard) < 3 {
		t.Fatalf("want to hear of it 3 times; have %v", heard)
	}
	for i, done := range heard {
		if done <= 0 || done > 1 || i > 0 && done <= heard[i-1] {
			t.Errorf("want ever greater parts of 1; have %v", heard)
		}
	}
	rows, err := w.QueryTelling(ctx, func(done float64) { t.Errorf("want nothing of a statement that is done at once; have %v", done) }, "select count(*) from numbers")
	if err != nil {
		t.Fatal(err)
	}
	rows.Close()
}
