package query_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spoorhq/spoor/query/querytest"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

// TestDocs runs the examples of docs/queries.md.
func TestDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/queries.md")
	if err != nil {
		t.Fatal(err)
	}
	have := querytest.Examples(t, page, func(t *testing.T, _ string) warehouse.Warehouse {
		t.Helper()
		w, err := duckdb.Open(t.Context(), duckdb.Options{Path: filepath.Join(t.TempDir(), "spoor.duckdb")})
		return warehousetest.Ready(t, w, err)
	})
	if have < 10 {
		t.Errorf("want the page's examples run; have %d", have)
	}
}
