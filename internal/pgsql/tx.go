package pgsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// Tx is a transaction, for one goroutine.
type Tx struct {
	Conn   *pgx.Conn
	Syntax Syntax
}

// ErrCommit says that a transaction may have been committed or not: the connection was lost meanwhile.
var ErrCommit = errors.New("the connection was lost while committing")

// Transact runs do in a transaction of a connection of the pool. Once do has succeeded ctx no longer counts: a commit is
// not interrupted. ErrCommit: it may have happened or not; any other error: nothing was changed.
func Transact(ctx context.Context, db *sql.DB, syntax Syntax, do func(*Tx) error) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	var failed error
	err = conn.Raw(func(c any) error {
		tx := &Tx{Conn: c.(*stdlib.Conn).Conn(), Syntax: syntax}
		failed = tx.run(ctx, do)
		return nil // the pool looks itself whether the connection is of use
	})
	err = errors.Join(failed, err)
	if closed := conn.Close(); err == nil && !errors.Is(closed, sql.ErrConnDone) {
		return closed
	}
	return err
}

func (t *Tx) run(ctx context.Context, do func(*Tx) error) error {
	if _, err := t.Conn.Exec(ctx, "begin"); err != nil {
		return err
	}
	lasting := context.WithoutCancel(ctx)
	if err := do(t); err != nil {
		if t.Conn.IsClosed() {
			return err
		}
		if _, rollback := t.Conn.Exec(lasting, "rollback"); rollback != nil {
			return errors.Join(err, rollback, t.Conn.Close(lasting))
		}
		return err
	}
	tag, err := t.Conn.Exec(lasting, "commit")
	switch {
	case err == nil && tag.String() == "COMMIT":
		return nil
	case err == nil:
		return fmt.Errorf("the server answered %s to a commit", tag)
	case t.Conn.IsClosed() || Code(err) == "" || isFatal(err):
		return fmt.Errorf("%w: %w", ErrCommit, errors.Join(err, t.Conn.Close(lasting)))
	}
	// The server refused: the transaction is over.
	return err
}

// isFatal tells of an error that ends the connection: by then the commit may have been done.
func isFatal(err error) bool {
	said, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (said.Severity == "FATAL" || said.Severity == "PANIC")
}

// Exec runs a statement and gives the number of rows that it changed. ? stands for an argument.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	query, args, err := t.Syntax.Bind(query, args)
	if err != nil {
		return 0, err
	}
	tag, err := t.Conn.Exec(ctx, query, args...)
	return tag.RowsAffected(), err
}

// Each runs a query and calls do for each row. Texts come as Decode gives them.
func (t *Tx) Each(ctx context.Context, do func(scan func(dest ...any) error) error, query string, args ...any) error {
	query, args, err := t.Syntax.Bind(query, args)
	if err != nil {
		return err
	}
	rows, err := t.Conn.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	scan := func(dest ...any) error {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		for i, d := range dest {
			if bytes, ok := d.(*[]byte); ok && rows.FieldDescriptions()[i].DataTypeOID == VarbyteOID {
				*bytes = fromHex(*bytes)
			}
			decode(d)
		}
		return nil
	}
	for rows.Next() {
		if err := do(scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
