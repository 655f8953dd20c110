// Package duckdb is the embedded warehouse: one DuckDB file, written in batches that are scanned from Arrow in place.
package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/spoorhq/spoor/warehouse"
)

// Options say which file, and its bounds.
type Options struct {
	Path        string
	MemoryLimit int64 // bytes; default 1 GiB
	Threads     int   // of one query; default 1
	// Fault, if given, is called between the statements of Load; an error ends it there. For tests.
	Fault func(step string) error
}

// Warehouse is a warehouse.Warehouse.
type Warehouse struct {
	options Options
	db      *sql.DB
	writing sync.Mutex // DuckDB's transactions conflict rather than wait; there is one writer anyway
	writer  *sql.Conn
}

// Open opens or makes the file. Only one process at a time can.
func Open(ctx context.Context, options Options) (*Warehouse, error) {
	if options.MemoryLimit == 0 {
		options.MemoryLimit = 1 << 30
	}
	if options.Threads == 0 {
		options.Threads = 1
	}
	settings := url.Values{
		"memory_limit": {strconv.FormatInt(options.MemoryLimit>>20, 10) + "MiB"},
		// One thread a query: two cost a load half as much processor again. Queries of several connections still run
		// side by side.
		"threads": {strconv.Itoa(options.Threads)},
		// A checkpoint rewrites what it touches: seldom is cheap.
		"checkpoint_threshold":               {"128MiB"},
		"max_vacuum_tasks":                   {"0"},
		"auto_checkpoint_skip_wal_threshold": {"1000000000"},
		"preserve_insertion_order":           {"false"},
		"storage_compatibility_version":      {"v1.5.0"},
		"autoinstall_known_extensions":       {"false"},
		"autoload_known_extensions":          {"false"},
		"enable_external_access":             {"false"},
		"allow_community_extensions":         {"false"},
	}
	connector, err := duck.NewConnector(options.Path+"?"+settings.Encode(), func(c driver.ExecerContext) error {
		_, err := c.ExecContext(context.Background(), "set timezone = 'UTC'", nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", options.Path, err)
	}
	w := &Warehouse{options: options, db: sql.OpenDB(connector)}
	if w.writer, err = w.db.Conn(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", options.Path, err), w.db.Close())
	}
	if err := w.writer.Raw(func(c any) error { _, err := native(c); return err }); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// Close checkpoints and closes the file.
func (w *Warehouse) Close() error {
	return errors.Join(w.writer.Close(), w.db.Close())
}

// Dialect is DuckDB's.
func (w *Warehouse) Dialect() warehouse.Dialect { return dialect{} }

// Migrate makes the tables.
func (w *Warehouse) Migrate(ctx context.Context) error {
	w.writing.Lock()
	defer w.writing.Unlock()
	return w.transact(ctx, func() error {
		if err := w.exec(ctx, "create table if not exists schema_version (version integer not null)"); err != nil {
			return err
		}
		var version sql.NullInt64
		if err := w.writer.QueryRowContext(ctx, "select max(version) from schema_version").Scan(&version); err != nil {
			return err
		}
		if version.Int64 > warehouse.SchemaVersion {
			return fmt.Errorf("%s has schema version %d, of a newer Spoor; this one knows %d", w.options.Path, version.Int64, warehouse.SchemaVersion)
		}
		if version.Valid {
			return nil
		}
		for _, t := range warehouse.Tables() {
			if err := w.exec(ctx, createTable(t)); err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
		}
		return w.exec(ctx, "insert into schema_version values (?)", warehouse.SchemaVersion)
	})
}

func createTable(t warehouse.Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "create table %s (", t.Name)
	d := dialect{}
	for _, c := range t.Columns {
		fmt.Fprintf(&b, "%s %s", d.Quote(c.Name), d.Type(c.Kind))
		if c.Required {
			b.WriteString(" not null")
		}
		b.WriteString(", ")
	}
	if len(t.Key) > 0 {
		fmt.Fprintf(&b, "primary key (%s), ", strings.Join(t.Key, ", "))
	}
	return strings.TrimSuffix(b.String(), ", ") + ")"
}

func (w *Warehouse) exec(ctx context.Context, query string, args ...any) error {
	_, err := w.writer.ExecContext(ctx, query, args...)
	return err
}

func (w *Warehouse) transact(ctx context.Context, do func() error) error {
	if err := w.exec(ctx, "begin transaction"); err != nil {
		return err
	}
	err := do()
	if err == nil {
		if err = w.exec(ctx, "commit"); err == nil {
			return nil
		}
	}
	if rollback := w.exec(context.WithoutCancel(ctx), "rollback"); rollback != nil && !strings.Contains(rollback.Error(), "no transaction is active") {
		return errors.Join(err, rollback)
	}
	return err
}

// Positions reads how far each shard has been loaded.
func (w *Warehouse) Positions(ctx context.Context, stream string) (map[string]string, error) {
	rows, err := w.db.QueryContext(ctx, "select shard, position from positions where stream = ?", stream)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	positions := map[string]string{}
	for rows.Next() {
		var shard, position string
		if err := rows.Scan(&shard, &position); err != nil {
			return nil, err
		}
		positions[shard] = position
	}
	return positions, rows.Err()
}

// Query runs one SELECT or EXPLAIN.
func (w *Warehouse) Query(ctx context.Context, query string, args ...any) (warehouse.Rows, error) {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	err = conn.Raw(func(c any) error {
		statement, err := c.(*duck.Conn).PrepareContext(ctx, query)
		if err != nil {
			return err
		}
		defer statement.Close()
		kind, err := statement.(*duck.Stmt).StatementType()
		if err != nil {
			return err
		}
		if kind != duck.STATEMENT_TYPE_SELECT && kind != duck.STATEMENT_TYPE_EXPLAIN {
			return warehouse.ErrNotReadOnly
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &result{rows, conn}, nil
}

// result is a query's rows with the connection that they come on.
type result struct {
	*sql.Rows
	conn *sql.Conn
}

func (r *result) Close() error { return errors.Join(r.Rows.Close(), r.conn.Close()) }
