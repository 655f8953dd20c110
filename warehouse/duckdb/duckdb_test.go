package duckdb_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	warehousetest.Run(t, warehousetest.Harness{
		Open: func(ctx context.Context, name string, fault func(string) error) (warehouse.Warehouse, error) {
			return duckdb.Open(ctx, duckdb.Options{Path: filepath.Join(dir, name+".duckdb"), Fault: fault})
		},
	})
}

// one gives a query's only row as text.
func one(t *testing.T, w warehouse.Warehouse, query string, args ...any) string {
	t.Helper()
	rows, err := w.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, dest := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		dest[i] = &values[i]
	}
	n := 0
	for ; rows.Next(); n++ {
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil || n != 1 {
		t.Fatalf("want one row; have %d (%v)", n, err)
	}
	for i, v := range values {
		if text, ok := v.(json.RawMessage); ok {
			values[i] = string(text)
		}
	}
	return fmt.Sprint(values)
}

func open(t *testing.T, options duckdb.Options) *duckdb.Warehouse {
	t.Helper()
	if options.Path == "" {
		options.Path = filepath.Join(t.TempDir(), "spoor.duckdb")
	}
	w, err := duckdb.Open(t.Context(), options)
	warehousetest.Ready(t, w, err)
	return w
}

// TestNewer: a file of a newer Spoor is left alone.
func TestNewer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spoor.duckdb")
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "create table schema_version as select ?::integer as version", warehouse.SchemaVersion+1); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	w, err := duckdb.Open(t.Context(), duckdb.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	want := fmt.Sprintf("schema version %d, of a newer Spoor", warehouse.SchemaVersion+1)
	if err := w.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("want %q; have %v", want, err)
	}
	if have := one(t, w, "select count(*) from duckdb_tables() where not internal"); have != "[1]" {
		t.Errorf("want no table made; have %s", have)
	}
}

// TestPaths: what DuckDB would take for settings, or cut off, is no path.
func TestPaths(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "a?threads=4.duckdb", "a#b.duckdb", "100%.duckdb", "no/such/folder/x.duckdb"} {
		if path != "" {
			path = filepath.Join(t.TempDir(), path)
		}
		if w, err := duckdb.Open(t.Context(), duckdb.Options{Path: path}); err == nil {
			t.Errorf("path %q: want an error; have none (%v)", path, w.Close())
		}
	}
	open(t, duckdb.Options{Path: filepath.Join(t.TempDir(), "it's: a 'file' & more.duckdb")})
}

// TestClosedDoors: a query reaches nothing but the tables.
func TestClosedDoors(t *testing.T) {
	t.Parallel()
	w := open(t, duckdb.Options{})
	file := filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(file, []byte("a,b\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{
		"select * from read_text('" + file + "')", "select * from read_csv('" + file + "')", "select * from '" + file + "'", "select * from glob('/*')",
		"select * from sniff_csv('" + file + "')", "select * from read_parquet('https://example.com/x.parquet')", "select getenv('HOME')",
		"attach '" + file + "' as x", "copy events to '" + file + "'", "load httpfs", "install httpfs", "export database '" + t.TempDir() + "'",
		"set enable_external_access = true", "set memory_limit = '100GB'", "pragma threads = 8", "create secret (type s3)", "select * from duckdb_secrets()",
		"explain analyze insert into loads select * from loads", "explain analyze drop table events",
		"select * from query('drop table events')", "explain copy events to '" + file + "'", "explain analyze copy (select 1) to '" + file + "'",
	} {
		rows, err := w.Query(t.Context(), query)
		if err == nil {
			for rows.Next() {
			}
			err = errors.Join(rows.Err(), rows.Close())
		}
		if err == nil {
			t.Errorf("%s: want a refusal; have none", query)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "a,b\n1,2\n" {
		t.Errorf("the file has changed: %q (%v)", text, err)
	}
	if have := one(t, w, "select count(*) from events"); have != "[0]" {
		t.Errorf("want the table left alone; have %s", have)
	}
}

// TestJSON: a JSON column comes to the digit, whatever it is asked with.
func TestJSON(t *testing.T) {
	t.Parallel()
	w := open(t, duckdb.Options{})
	const text = `{"n":9223372036854775808,"d":0.10,"x":null}`
	for _, query := range []string{
		"select 1 as a, cast('" + text + "' as json) as j, cast(null as json) as n, 'x' as \"a\"\"b\"",
		"select 1, cast('" + text + "' as json), cast(null as json), 'x' ; ",
		"with one as (select 1 as a, cast('" + text + "' as json) as j) select a, j, json(null), 'x' from one order by a limit 1 -- end",
	} {
		if want, have := "[1 "+text+" <nil> x]", one(t, w, query); have != want {
			t.Errorf("%s: want %s; have %s", query, want, have)
		}
	}
	rows, err := w.Query(t.Context(), "select i as n, cast('[' || i || ']' as json) as j from range(5000) r(i) order by i desc")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil || !slices.Equal(columns, []string{"n", "j"}) {
		t.Errorf("want the columns n and j; have %v (%v)", columns, err)
	}
	for i := 4999; rows.Next(); i-- {
		var n int
		var text string
		if err := rows.Scan(&n, &text); err != nil || n != i || text != fmt.Sprintf("[%d]", i) {
			t.Fatalf("want %d in its place; have %d, %s (%v)", i, n, text, err)
		}
	}
}
