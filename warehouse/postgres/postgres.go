// Package postgres is a warehouse in a PostgreSQL database, 13 or newer. The loader's Arrow columns go in by binary
// COPY; events lie in partitions by month of arrival. docs/adr/0010-postgres.md tells why it is laid out as it is.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/pgsql"
	"github.com/spoorhq/spoor/warehouse"
)

// Options say which database.
type Options struct {
	// URL is as libpq reads it, with one parameter more: schema, the schema of Spoor's tables, which is made where it is
	// missing. Default: the user's search path.
	URL string
	// Fault, if given, is called before each step of a Load or an Erase; an error ends it there. For tests.
	Fault func(step string) error
}

// maxConnections is the most that one process may have open.
const maxConnections = 16

// Warehouse is a warehouse.Warehouse.
type Warehouse struct {
	options Options
	name    string // of the server and database, for errors
	schema  string
	db      *sql.DB
	reader  pgsql.Reader

	mu     sync.Mutex
	months map[time.Time]bool // whose partitions are there, or cannot be made
}

func syntax() pgsql.Syntax { return pgsql.Syntax{Text: "text"} }

// Open connects. It refuses a connection that is not encrypted but to this machine, and a database that is not UTF-8.
func Open(ctx context.Context, options Options) (*Warehouse, error) {
	location, schema, err := takeSchema(options.URL)
	if err != nil {
		return nil, err
	}
	config, err := pgsql.Config(location)
	if err != nil {
		return nil, err
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "spoor"
	}
	w := &Warehouse{
		options: options, schema: schema, months: map[time.Time]bool{},
		name: fmt.Sprintf("database %s on %s", config.Database, config.Host),
		// Compiling a report's many expressions takes seconds, and saves none on tables of a size that PostgreSQL is for.
		db: pgsql.Open(config, "set standard_conforming_strings to on; set jit to off", schema, nil),
	}
	w.db.SetMaxOpenConns(maxConnections)
	w.db.SetMaxIdleConns(4)
	w.reader = pgsql.Reader{DB: w.db, Syntax: syntax(), NotReadOnly: warehouse.ErrNotReadOnly}
	var encoding string
	if err := w.db.QueryRowContext(ctx, "show server_encoding").Scan(&encoding); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", w.name, err), w.db.Close())
	}
	if encoding != "UTF8" {
		return nil, errors.Join(fmt.Errorf("%s must be in UTF8; it is in %s", w.name, encoding), w.db.Close())
	}
	return w, nil
}

// takeSchema takes the parameter schema out of a URL.
func takeSchema(location string) (rest, schema string, err error) {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" && u.Query().Get("host") == "" {
		return "", "", errors.New("a PostgreSQL URL must be postgres://user:password@host:port/database")
	}
	query := u.Query()
	schema = query.Get("schema")
	query.Del("schema")
	u.RawQuery = query.Encode()
	return u.String(), schema, nil
}

// Close ends the connections.
func (w *Warehouse) Close() error { return w.db.Close() }

// Dialect is PostgreSQL's.
func (w *Warehouse) Dialect() warehouse.Dialect { return dialect{} }

// migrating is the key of the advisory lock that keeps two processes from making the tables at once.
const migrating = 0x73706f6f72 // "spoor"

// Migrate makes the tables.
func (w *Warehouse) Migrate(ctx context.Context) error {
	return pgsql.Transact(ctx, w.db, syntax(), func(tx *pgsql.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(?)", int64(migrating)); err != nil {
			return err
		}
		if w.schema != "" {
			if _, err := tx.Exec(ctx, "create schema if not exists "+pgsql.Quote(w.schema)); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, numberFunction); err != nil {
			return err
		}
		return warehouse.MigrateSQL(ctx, newSession(tx), w.name, createTable)
	})
}

// Schema gives the statements that Migrate makes the tables by.
func Schema() []string {
	statements := []string{numberFunction}
	for _, t := range warehouse.Tables() {
		statements = append(statements, createTable(t)...)
	}
	return statements
}

// createTable gives the statements that make a table. Keys are not declared unique, for one row of a btree index holds
// 2.7 kB and names may be longer; there is one writer at a time, which looks itself. A hash index takes any length.
func createTable(t warehouse.Table) []string {
	columns := t.ColumnsSQL(dialect{}, func(c event.Column) string {
		if c.Kind == event.Text {
			return ` collate "C"` // texts are ordered and compared by their bytes, in every warehouse alike
		}
		return ""
	})
	statement := fmt.Sprintf("create table %s (%s)", t.Name, columns)
	index := func(using string) string { return fmt.Sprintf("create index on %s using %s", t.Name, using) }
	switch t.Name {
	case "events":
		return []string{
			statement + " partition by range (received_at)", "create table events_default partition of events default",
			index("brin (received_at)"), index("brin (timestamp)"), index("hash (message_id)"),
		}
	case "dead_letters":
		return []string{statement, index("brin (received_at)")}
	case "identities":
		return []string{statement, index("hash (anonymous_id)")}
	case "users":
		return []string{statement, index("hash (user_id)")}
	case "ledger", "volumes":
		return []string{statement, index("btree (minute)")}
	case "sequences":
		return []string{statement, index("hash (boot)")}
	case "catalog":
		return []string{statement, index("hash (event)")}
	case "loads":
		return []string{statement, index("btree (load_id)")}
	}
	return []string{statement}
}

// Positions reads how far each shard has been loaded.
func (w *Warehouse) Positions(ctx context.Context, stream string) (map[string]string, error) {
	return w.reader.Pairs(ctx, "select shard, position from positions where stream = ?", stream)
}

// Query runs one statement in a transaction that can only read. Rows come as they are read. See pgsql.Rows for what a
// value scanned into an any is.
func (w *Warehouse) Query(ctx context.Context, query string, args ...any) (warehouse.Rows, error) {
	rows, err := w.reader.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// Erase removes a person.
func (w *Warehouse) Erase(ctx context.Context, subject warehouse.Subject) (erased warehouse.Erasure, err error) {
	err = w.write(ctx, func(s *session) (err error) {
		erased, err = warehouse.EraseSQL(ctx, s, dialect{}, w.options.Fault, subject, "''::bytea")
		return err
	})
	if err != nil {
		return nil, err
	}
	return erased, nil
}

// write runs do as the only writer.
func (w *Warehouse) write(ctx context.Context, do func(*session) error) error {
	err := pgsql.Transact(ctx, w.db, syntax(), func(tx *pgsql.Tx) error {
		if _, err := tx.Exec(ctx, "lock table positions in share row exclusive mode"); err != nil {
			return err
		}
		return do(newSession(tx))
	})
	if errors.Is(err, pgsql.ErrCommit) {
		return fmt.Errorf("%w: %w", warehouse.ErrUnknownOutcome, err)
	}
	return err
}

// loaded tells whether the line of a load is in the ledger: how a commit ended whose answer was lost. It waits for a
// transaction that is still under way.
func (w *Warehouse) loaded(ctx context.Context, id string) (loaded bool, err error) {
	n := 0
	err = w.write(ctx, func(s *session) error {
		return s.Each(ctx, func(scan func(...any) error) error { return scan(&n) }, "select count(*) from loads where load_id = ?", id)
	})
	return n > 0, err
}
