package duckdb_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

// TestFileAlone: the file that is left can be opened by any DuckDB and under any name, views and all, although it was
// written attached as "spoor"; and a batch as large as a row group lies in it compressed, in groups of that size.
func TestFileAlone(t *testing.T) {
	t.Parallel()
	const rows, rowGroup = 61_440 + 100, 61_440
	path := filepath.Join(t.TempDir(), "it's.duckdb")
	w, err := duckdb.Open(t.Context(), duckdb.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := warehousetest.Realistic(1, rows)
	defer b.Events.Release()
	b.Views = []warehouse.View{{Name: "event_bought", Type: event.TypeTrack, Event: "Event 7", Columns: []warehouse.ViewColumn{{Name: "currency", Property: "currency", Kind: event.KindString}}}}
	if _, err := w.Load(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() < rows*20 {
		t.Errorf("want the rows in the file itself before any checkpoint; have %v, %v", info.Size(), err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "elsewhere.duckdb")
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	connector, err := duck.NewConnector(moved, nil)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	ask := func(query string) string {
		var text string
		if err := db.QueryRowContext(t.Context(), query).Scan(&text); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return text
	}
	if want, have := "EUR", ask("select min(currency) || '' from event_bought"); have != want {
		t.Errorf("view: want %s; have %s", want, have)
	}
	if want, have := fmt.Sprint(rowGroup), ask("select cast(sum(count) as varchar) from pragma_storage_info('events') where row_group_id = 0 and column_name = 'message_id' and segment_type <> 'VALIDITY'"); have != want {
		t.Errorf("row group: want %s rows; have %s", want, have)
	}
}
