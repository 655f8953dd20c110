// Package duckdb is the embedded warehouse: one DuckDB file. It takes the loader's Arrow columns where they lie in
// memory, and commits each batch in one transaction. docs/adr/0002-duckdb.md tells why the settings are what they are.
package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/spoorhq/spoor/warehouse"
)

// Options say which file, and its bounds.
type Options struct {
	Path string
	// MemoryLimit is for DuckDB's buffers, in bytes; default 1 GiB. What does not fit goes to a folder beside the file.
	MemoryLimit int64
	Threads     int // of one query; default 1. See docs/adr/0015-fast-questions.md for what more of them cost a load
	// ClusterRows is how many rows are clustered at once; default 983,040, or as many as a memory limit under a GiB has room for.
	ClusterRows int
	Warn        func(text string) // hears of what fails behind the loads, and is tried again
	// Fault, if given, is called before each step of a Load or an Erase, and around a clustering; an error ends it there. For tests.
	Fault func(step string) error
}

// The most that one process may have open and may put on disk, so that no query can take what the door needs.
const (
	maxConnections = 32
	maxSpill       = "16GiB"
)

// rowGroup is how many rows DuckDB keeps together. A transaction that brings at least as many to a table has its row
// groups compressed and written to the file once, where they stay; a smaller one's rows are copied into the table,
// logged, and compressed by a later checkpoint.
const rowGroup = 61_440

// Warehouse is a warehouse.Warehouse.
type Warehouse struct {
	options Options
	db      *sql.DB
	writing sync.Mutex // DuckDB's transactions conflict rather than wait; there is one writer anyway
	writer  *sql.Conn
	// replaced counts the rows that were deleted and inserted anew since the last look at how many are dead. It begins
	// high, so that the first Load looks.
	replaced  int
	clusterer clusterer
}

// Open opens or makes the file. Only one process at a time can.
func Open(ctx context.Context, options Options) (*Warehouse, error) {
	path, err := filepath.Abs(options.Path)
	if err != nil {
		return nil, err
	}
	if options.Path == "" || strings.ContainsAny(path, "?#%") {
		return nil, fmt.Errorf("the path of a DuckDB file must have a name, and none of ?, # and %%; got %q", options.Path)
	}
	if options.MemoryLimit == 0 {
		options.MemoryLimit = 1 << 30
	}
	if options.Threads == 0 {
		options.Threads = 1
	}
	settings := url.Values{
		"memory_limit":            {strconv.FormatInt(options.MemoryLimit>>20, 10) + "MiB"},
		"max_temp_directory_size": {maxSpill},
		// One setting for questions and loads. Queries on several connections run side by side all the same.
		"threads": {strconv.Itoa(options.Threads)},
		// A checkpoint compresses what the write-ahead log gathered into row groups, of a good size when the log is large.
		// DuckDB's "vacuum" would merge small ones at the next checkpoint, and rewrites three full groups to save one,
		// again and again. See compact for the rows that are dead.
		"checkpoint_threshold": {"128MiB"},
		"max_vacuum_tasks":     {"0"},
		// Past this many rows DuckDB would write no log and block all commits while it compresses.
		"auto_checkpoint_skip_wal_threshold": {"1000000000"},
		"temp_directory":                     {path + ".tmp"},
		// The allocator gives back what is freed: it would keep as much again as the memory limit.
		"allocator_background_threads":                {"true"},
		"allocator_flush_threshold":                   {"16MiB"},
		"allocator_bulk_deallocation_flush_threshold": {"64MiB"},
		"autoinstall_known_extensions":                {"false"},
		"autoload_known_extensions":                   {"false"},
		"allow_community_extensions":                  {"false"},
	}
	// The size of row groups can be said of a file that is attached only. What is attached stays readable when the
	// first connection then closes all other files to everybody.
	var first sync.Once
	opened, err := duck.NewConnector("?"+settings.Encode(), func(c driver.ExecerContext) error {
		// DuckDB counts how far a query is only for a progress bar, which nobody draws here: see Warehouse.QueryTelling.
		prepare := "use spoor; set timezone = 'UTC'; set enable_progress_bar = true; set enable_progress_bar_print = false"
		first.Do(func() {
			prepare = fmt.Sprintf("attach %s as spoor (row_group_size %d, storage_version 'v1.5.0'); set enable_external_access = false; ",
				dialect{}.Literal(path), rowGroup) + prepare
		})
		_, err := c.ExecContext(context.Background(), prepare, nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", options.Path, err)
	}
	w := &Warehouse{options: options, db: sql.OpenDB(connector{opened}), replaced: compactEvery}
	w.db.SetMaxOpenConns(maxConnections)
	if w.writer, err = w.db.Conn(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", options.Path, err), w.db.Close())
	}
	if err := w.writer.Raw(func(c any) error { _, err := native(c); return err }); err != nil {
		return nil, errors.Join(err, w.writer.Close(), w.db.Close())
	}
	w.startClustering()
	return w, nil
}

// Close checkpoints and closes the file.
func (w *Warehouse) Close() error {
	w.clusterer.end()
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
			return &warehouse.NewerError{Warehouse: w.options.Path, Version: int(version.Int64)}
		}
		if version.Valid {
			return w.makeOwn(ctx)
		}
		for _, t := range warehouse.Tables() {
			if err := w.exec(ctx, createTable(t, t.Name)); err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
		}
		if err := w.makeOwn(ctx); err != nil {
			return err
		}
		return w.exec(ctx, "insert into schema_version values (?)", warehouse.SchemaVersion)
	})
}

// makeOwn makes the tables that DuckDB alone has.
func (w *Warehouse) makeOwn(ctx context.Context) error {
	if err := w.exec(ctx, createClustered); err != nil {
		return err
	}
	return w.makeDays(ctx)
}

// replaces tells of a table that its rows are replaced by deleting and inserting them, without an index: identities and
// users, which may have millions. An index finds the few rows of a batch no sooner than a scan does, triples the file,
// and lives in memory; and a row updated in place makes the next checkpoint write its whole column again.
func replaces(t warehouse.Table) bool { return t.Name == "identities" || t.Name == "users" }

// Schema gives the statements that Migrate makes the tables by.
func Schema() []string {
	var statements []string
	for _, t := range warehouse.Tables() {
		statements = append(statements, createTable(t, t.Name))
	}
	return append(statements, createDays, createClustered)
}

func createTable(t warehouse.Table, name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "create table %s (", name)
	d := dialect{}
	for _, c := range t.Columns {
		fmt.Fprintf(&b, "%s %s", d.Quote(c.Name), d.Type(c.Kind))
		if c.Required {
			b.WriteString(" not null")
		}
		b.WriteString(", ")
	}
	if len(t.Key) > 0 && !replaces(t) {
		fmt.Fprintf(&b, "primary key (%s), ", strings.Join(t.Key, ", "))
	}
	return strings.TrimSuffix(b.String(), ", ") + ")"
}

func (w *Warehouse) exec(ctx context.Context, query string, args ...any) error {
	_, err := w.writer.ExecContext(ctx, query, args...)
	return err
}

// transact runs do in a transaction of the writer's. Once do has succeeded ctx no longer counts: a commit is not
// interrupted, and when it fails it may yet have happened, for DuckDB may checkpoint behind it.
func (w *Warehouse) transact(ctx context.Context, do func() error) error {
	if err := w.exec(ctx, "begin transaction"); err != nil {
		return err
	}
	err := do()
	lasting := context.WithoutCancel(ctx)
	if err == nil {
		if err = w.exec(lasting, "commit"); err == nil {
			return nil
		}
		err = fmt.Errorf("%w: %w", warehouse.ErrUnknownOutcome, err)
	}
	if rollback := w.exec(lasting, "rollback"); rollback != nil && !strings.Contains(rollback.Error(), "no transaction is active") {
		return errors.Join(err, rollback)
	}
	return err
}

// fault gives a test its chance to end the work before a step.
func (w *Warehouse) fault(step string) error {
	if w.options.Fault == nil {
		return nil
	}
	return w.options.Fault(step)
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
