// Package redshift is a warehouse in Amazon Redshift, provisioned or Serverless. A batch's rows are staged to S3 and
// copied from there; everything else about it goes the same way, or as arguments where it is little.
// docs/adr/0011-redshift-staging.md tells how rows are staged, docs/adr/0012-redshift-keys.md how tables lie.
package redshift

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/spoorhq/spoor/internal/pgsql"
	"github.com/spoorhq/spoor/warehouse"
)

// Options say which database.
type Options struct {
	// URL is redshift://user@host:5439/database?staging=s3://bucket/prefix&iam_role=…; see docs/warehouses.md.
	URL string
	// Fault, if given, is called before each step of a Load or an Erase; an error ends it there. For tests.
	Fault func(step string) error
}

// maxConnections is the most that one process may have open: a cluster takes 500 from all of them.
const maxConnections = 8

// Warehouse is a warehouse.Warehouse.
type Warehouse struct {
	options Options
	place   location
	name    string // of the server and database, for errors
	db      *sql.DB
	reader  pgsql.Reader
	staging *staging
}

// text is the type of all texts: the longest that Redshift has.
const text = "varchar(65535)"

func syntax() pgsql.Syntax { return pgsql.Syntax{Backslash: true, Text: text} }

// Open connects. It refuses a connection that is not encrypted but to this machine, and a URL without a place for staged
// files.
func Open(ctx context.Context, options Options) (*Warehouse, error) {
	place, err := parseLocation(options.URL)
	if err != nil {
		return nil, err
	}
	config, err := pgsql.Config(place.server)
	if err != nil {
		return nil, err
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "spoor"
	}
	before, err := place.credentials(ctx, config)
	if err != nil {
		return nil, err
	}
	store, err := openStaging(ctx, place)
	if err != nil {
		return nil, err
	}
	w := &Warehouse{
		options: options, place: place, name: fmt.Sprintf("database %s on %s", config.Database, config.Host), staging: store,
		// Names in double quotes keep their case, as those of a SUPER's members must.
		db: pgsql.Open(config, "set enable_case_sensitive_identifier to true", place.schema, before),
	}
	w.db.SetMaxOpenConns(maxConnections)
	w.db.SetMaxIdleConns(4)
	w.reader = pgsql.Reader{DB: w.db, Syntax: syntax(), NotReadOnly: warehouse.ErrNotReadOnly}
	if err := w.db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", w.name, err), w.db.Close())
	}
	return w, nil
}

// Close ends the connections.
func (w *Warehouse) Close() error { return w.db.Close() }

// Dialect is Redshift's.
func (w *Warehouse) Dialect() warehouse.Dialect { return dialect{} }

// Limits are what Redshift's types hold, and COPY takes.
func (w *Warehouse) Limits() warehouse.Limits { return limits() }

// Patience is how long an event may wait for company: each commit costs a cluster about a second, whatever its size.
func (w *Warehouse) Patience() time.Duration { return 10 * time.Second }

// Migrate makes the tables.
func (w *Warehouse) Migrate(ctx context.Context) error {
	if err := w.makeLock(ctx); err != nil {
		return err
	}
	return w.write(ctx, func(s *session) error { return warehouse.MigrateSQL(ctx, s, w.name, createTable) })
}

// lockTable is locked by who writes. Redshift knows one lock, which keeps readers out as well; nobody reads this table.
const lockTable = "spoor_writer"

// makeLock makes the table that writers lock, and the schema. Redshift has nothing to keep two from making them at once;
// so the one that loses looks whether it is there.
func (w *Warehouse) makeLock(ctx context.Context) error {
	err := pgsql.Transact(ctx, w.db, syntax(), func(tx *pgsql.Tx) error {
		if w.place.schema != "" {
			if _, err := tx.Exec(ctx, "create schema if not exists "+pgsql.Quote(w.place.schema)); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "create table if not exists "+lockTable+" (nothing integer) diststyle all")
		return err
	})
	if err == nil || pgsql.Code(err) == "" {
		return err
	}
	if there := w.write(ctx, func(*session) error { return nil }); there != nil {
		return err
	}
	return nil
}

// Positions reads how far each shard has been loaded.
func (w *Warehouse) Positions(ctx context.Context, stream string) (map[string]string, error) {
	// Behind a full stop trailing blanks count.
	return w.reader.Pairs(ctx, "select shard, position from positions where stream || '.' = ?", stream+".")
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
		erased, err = warehouse.EraseSQL(ctx, s, dialect{}, w.options.Fault, subject, noBytes)
		return err
	})
	if err != nil {
		return nil, err
	}
	return erased, nil
}

// write runs do as the only writer. LOCK comes first, since it takes no snapshot: what do reads is what the writer before
// has committed.
func (w *Warehouse) write(ctx context.Context, do func(*session) error) error {
	s := &session{staging: w.staging, place: w.place, tables: map[string]bool{}}
	err := pgsql.Transact(ctx, w.db, syntax(), func(tx *pgsql.Tx) error {
		s.Tx = tx
		if _, err := tx.Exec(ctx, "lock table "+lockTable); err != nil {
			return err
		}
		if err := do(s); err != nil {
			return err
		}
		return s.dropStaged(ctx)
	})
	s.removeFiles(ctx)
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
