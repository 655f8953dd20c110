package redshift

import (
	"context"

	"github.com/spoorhq/spoor/warehouse"
)

// Check does what a load does, with a row that nobody sees: it stages a file, lets COPY read it into a temporary table, and
// removes both.
func (w *Warehouse) Check(ctx context.Context) error {
	return w.write(ctx, func(s *session) error {
		rows := warehouse.NewRowSet("positions")
		defer rows.Release()
		rows.Add("spoor doctor", "none", "none", int64(0))
		batch := rows.Take()
		defer batch.Release()
		set := s.staging.newFileSet("doctor", "check")
		err := s.staging.putRows(ctx, set, rows.Table.Columns, nil, batch)
		s.files = append(s.files, set.all()...)
		if err != nil {
			return err
		}
		_, err = s.copyIn(ctx, set, rows.Table.Columns, nil)
		return err
	})
}

// CreateTable gives the statements that make a table.
func CreateTable(t warehouse.Table) []string { return createTable(t) }

// Dialect is Redshift's, without a warehouse.
func Dialect() warehouse.Dialect { return dialect{} }
