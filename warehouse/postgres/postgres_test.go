package postgres_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"testing"

	"github.com/spoorhq/spoor/internal/pgtest"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/postgres"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

// within gives the URL of a schema in a database.
func within(location, name string) string {
	h := fnv.New64a()
	h.Write([]byte(name))
	return fmt.Sprintf("%s&schema=case_%x", location, h.Sum64())
}

func TestSuite(t *testing.T) {
	t.Parallel()
	location := pgtest.Database(t, "timezone = 'Asia/Tokyo'", "standard_conforming_strings = off") + "?sslmode=disable"
	warehousetest.Run(t, harness(location))
}

// harness opens schemas of one database.
func harness(location string) warehousetest.Harness {
	return warehousetest.Harness{
		Open: func(ctx context.Context, name string, fault func(string) error) (warehouse.Warehouse, error) {
			return postgres.Open(ctx, postgres.Options{URL: within(location, name), Fault: fault})
		},
	}
}

// BenchmarkLoad loads batches of several sizes into growing tables.
func BenchmarkLoad(b *testing.B) {
	warehousetest.Bench(b, harness(pgtest.Database(b)+"?sslmode=disable"), 20, 1000, 20_000, 100_000)
}
