package memory_test

import (
	"context"
	"sync"
	"testing"

	"github.com/spoorhq/spoor/lease"
	"github.com/spoorhq/spoor/lease/leasetest"
	"github.com/spoorhq/spoor/lease/memory"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	tables := map[string]*memory.Table{}
	leasetest.Run(t, func(_ context.Context, name string) (lease.Table, error) {
		mu.Lock()
		defer mu.Unlock()
		if tables[name] == nil {
			tables[name] = memory.New()
		}
		return tables[name], nil
	})
}
