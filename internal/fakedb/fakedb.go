// Package fakedb is a database behind database/sql whose answers a test writes down. It gives real *sql.Rows, column
// types included, without a database.
package fakedb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
)

// Answer is what a query gives.
type Answer struct {
	Columns []string
	Types   []string // the database's names of the columns' types
	Rows    [][]any
	Err     error // comes after the rows
}

// Ask answers a query. It may wait for ctx.
type Ask func(ctx context.Context, query string, args []any) (*Answer, error)

// Open gives a database that answers by ask.
func Open(ask Ask) *sql.DB { return sql.OpenDB(connector{ask}) }

type connector struct{ ask Ask }

func (c connector) Connect(context.Context) (driver.Conn, error) { return conn(c), nil }
func (c connector) Driver() driver.Driver                        { return nil }

type conn struct{ ask Ask }

func (conn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }
func (conn) Begin() (driver.Tx, error)           { return nil, errors.ErrUnsupported }
func (conn) Close() error                        { return nil }

func (c conn) QueryContext(ctx context.Context, query string, named []driver.NamedValue) (driver.Rows, error) {
	args := make([]any, len(named))
	for i, n := range named {
		args[i] = n.Value
	}
	answer, err := c.ask(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return &rows{answer: answer}, nil
}

type rows struct {
	answer *Answer
	next   int
}

func (r *rows) Columns() []string { return r.answer.Columns }
func (r *rows) Close() error      { return nil }

func (r *rows) ColumnTypeDatabaseTypeName(i int) string {
	if i < len(r.answer.Types) {
		return r.answer.Types[i]
	}
	return ""
}

func (r *rows) Next(dest []driver.Value) error {
	if r.next == len(r.answer.Rows) {
		if r.answer.Err != nil {
			return r.answer.Err
		}
		return io.EOF
	}
	for i, v := range r.answer.Rows[r.next] {
		dest[i] = v
	}
	r.next++
	return nil
}
