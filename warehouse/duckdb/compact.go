package duckdb

import (
	"context"
	"fmt"

	"github.com/spoorhq/spoor/warehouse"
)

const (
	// compactEvery is how many rows are replaced between two looks at how many are dead.
	compactEvery = 50_000
	// mostDead is how many dead rows a table may have, however few live; as many as a row group holds.
	mostDead = 122_880
)

// compact writes the tables anew whose dead rows outnumber the live: the rows that a replacement deletes stay in the
// file, and every scan reads over them. Each replaced row so costs one row written, at most.
func (w *Warehouse) compact(ctx context.Context) error {
	if w.replaced < compactEvery {
		return nil
	}
	for _, t := range warehouse.Tables() {
		if !replaces(t) {
			continue
		}
		var live, all int64
		if err := w.writer.QueryRowContext(ctx, "select count(*), coalesce(max(rowid) + 1, 0) from "+t.Name).Scan(&live, &all); err != nil {
			return err
		}
		if dead := all - live; dead <= max(live, mostDead) {
			continue
		}
		err := w.transact(ctx, func() error {
			for _, statement := range []string{
				createTable(t, t.Name+"_compact"),
				fmt.Sprintf("insert into %s_compact select * from %s", t.Name, t.Name),
				"drop table " + t.Name,
				fmt.Sprintf("alter table %s_compact rename to %s", t.Name, t.Name),
			} {
				if err := w.exec(ctx, statement); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	w.replaced = 0
	return nil
}
