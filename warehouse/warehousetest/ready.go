package warehousetest

import (
	"testing"

	"github.com/spoorhq/spoor/warehouse"
)

// Ready takes what a driver's Open gave, and gives the warehouse with its tables and the batches in it. It is closed when the
// test ends.
func Ready(t testing.TB, w warehouse.Warehouse, err error, batches ...*warehouse.Batch) warehouse.Warehouse {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := w.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if _, err := w.Load(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	return w
}
