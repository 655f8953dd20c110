package duckdb_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

// BenchmarkLoad loads batches of several sizes into one growing file, checkpoints and all. A batch of 20,000 rows brings
// 500 users and 500 identities.
func BenchmarkLoad(b *testing.B) {
	dir := b.TempDir()
	warehousetest.Bench(b, warehousetest.Harness{
		Open: func(ctx context.Context, name string, fault func(string) error) (warehouse.Warehouse, error) {
			path := filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".duckdb")
			return duckdb.Open(ctx, duckdb.Options{Path: path, Fault: fault})
		},
	}, 20, 1000, 20_000, 61_440, 100_000)
}
