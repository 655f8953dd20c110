package redshift_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/url"
	"testing"

	"github.com/spoorhq/spoor/internal/pgtest"
	"github.com/spoorhq/spoor/internal/redshiftfake"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/redshift"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

// standin starts a stand-in before a database of its own, and gives the warehouse's URL.
func standin(t testing.TB) (*redshiftfake.Server, string) {
	t.Helper()
	return pgtest.StandIn(t, "timezone = 'Asia/Tokyo'")
}

const bucket = pgtest.StagingBucket

// with adds a parameter to a URL.
func with(location, name, value string) string {
	return location + "&" + url.Values{name: {value}}.Encode()
}

func TestSuite(t *testing.T) {
	t.Parallel()
	_, location := standin(t)
	warehousetest.Run(t, harness(location))
}

// harness opens schemas of one database.
func harness(location string) warehousetest.Harness {
	return warehousetest.Harness{
		Open: func(ctx context.Context, name string, fault func(string) error) (warehouse.Warehouse, error) {
			h := fnv.New64a()
			h.Write([]byte(name))
			return redshift.Open(ctx, redshift.Options{URL: with(location, "schema", fmt.Sprintf("case_%x", h.Sum64())), Fault: fault})
		},
		Reachable: redshift.Reachable,
	}
}

// BenchmarkLoad loads batches of several sizes into growing tables.
func BenchmarkLoad(b *testing.B) {
	_, location := standin(b)
	warehousetest.Bench(b, harness(location), 20, 1000, 20_000, 100_000)
}
