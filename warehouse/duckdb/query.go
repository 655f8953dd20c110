package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"strings"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/spoorhq/spoor/warehouse"
)

// Query runs one SELECT or EXPLAIN, in a transaction that can only read: an EXPLAIN ANALYZE would run what it
// explains, and functions may do more than their name says. Files and extensions are closed to it by Open's settings.
// A JSON column scanned into an any is a json.RawMessage, to the digit. Rows are made as they are read, so that an answer
// of any length takes little memory.
func (w *Warehouse) Query(ctx context.Context, query string, args ...any) (warehouse.Rows, error) {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	r := &result{conn: conn}
	if err := r.run(ctx, query, args); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// result is a query's rows, with the connection and the transaction that they come in.
type result struct {
	*sql.Rows
	conn *sql.Conn
	json []bool // by column
}

func (r *result) run(ctx context.Context, query string, args []any) error {
	if _, err := r.conn.ExecContext(ctx, "begin transaction read only"); err != nil {
		return err
	}
	if err := r.check(query); err != nil {
		return err
	}
	rows, err := r.conn.QueryContext(ctx, query, args...) //nolint:rowserrcheck // the caller reads them, and asks for Err //nolint:gocritic // whoever asked closes them
	if err != nil {
		return err
	}
	r.Rows = rows
	types, err := rows.ColumnTypes()
	for _, t := range types {
		r.json = append(r.json, t.DatabaseTypeName() == jsonType)
	}
	return err
}

// check refuses what is more than one statement, or does more than read.
func (r *result) check(query string) error {
	return r.conn.Raw(func(c any) (err error) {
		// Prepare refuses several statements at once. PrepareContext would run all but the last.
		prepared, err := c.(*connection).Prepare(query)
		if err != nil {
			if strings.Contains(err.Error(), "multi-statement") {
				return warehouse.ErrNotReadOnly
			}
			return err
		}
		statement := prepared.(*duck.Stmt)
		defer func() { err = errors.Join(err, statement.Close()) }()
		kind, err := statement.StatementType()
		if err == nil && kind != duck.STATEMENT_TYPE_SELECT && kind != duck.STATEMENT_TYPE_EXPLAIN {
			err = warehouse.ErrNotReadOnly
		}
		return err
	})
}

// Scan is that of sql.Rows; see Query for JSON.
func (r *result) Scan(dest ...any) error {
	if err := r.Rows.Scan(dest...); err != nil {
		return err
	}
	for i, d := range dest {
		if value, ok := d.(*any); ok && i < len(r.json) && r.json[i] {
			if text, ok := (*value).(string); ok {
				*value = json.RawMessage(text)
			}
		}
	}
	return nil
}

// Close ends the transaction and gives the connection back.
func (r *result) Close() error {
	var errs []error
	if r.Rows != nil {
		errs = append(errs, r.Rows.Close())
	}
	// The query's ctx may be over; the transaction must end all the same, or its connection with it.
	if _, err := r.conn.ExecContext(context.Background(), "rollback"); err != nil && !errors.Is(err, sql.ErrConnDone) {
		if err := r.conn.Raw(func(any) error { return driver.ErrBadConn }); err != nil && !errors.Is(err, driver.ErrBadConn) {
			errs = append(errs, err)
		}
	}
	if err := r.conn.Close(); err != nil && !errors.Is(err, sql.ErrConnDone) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
