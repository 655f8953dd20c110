package duckdb_test

import (
	"context"
	"path/filepath"
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
