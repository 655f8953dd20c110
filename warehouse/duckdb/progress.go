package duckdb

import (
	"context"
	"sync"
	"time"

	bindings "github.com/duckdb/duckdb-go-bindings"

	"github.com/spoorhq/spoor/warehouse"
)

// QueryTelling is Query. While its rows are waited for, tell hears now and then which part of the statement is done: above
// 0 and at most 1, never less than before. It hears nothing of a statement that DuckDB cannot count, such as one that reads
// from range(), and it is not called any more once the wait for a row is over.
func (w *Warehouse) QueryTelling(ctx context.Context, tell func(done float64), query string, args ...any) (warehouse.Rows, error) {
	return w.Query(context.WithValue(ctx, tellKey{}, tell), query, args...)
}

// tellKey is where a query's ctx has who hears how far it is: database/sql hands on nothing else.
type tellKey struct{}

// askEvery is how often DuckDB is asked how far it is.
const askEvery = 100 * time.Millisecond

// follow tells how far the query is until end is called, and end waits for that.
func (a *answer) follow() (end func()) {
	done := make(chan struct{})
	var following sync.WaitGroup
	following.Go(func() {
		tick := time.NewTicker(askEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				at := bindings.QueryProgress(a.conn)
				if percent, _, _ := bindings.QueryProgressTypeMembers(&at); percent > a.told {
					a.told = percent
					a.tell(min(percent/100, 1))
				}
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		following.Wait()
	}
}
