// Package warehouse is where events rest: the contract of a warehouse, its tables, and what the drivers share.
//
// A driver is one folder below this one. It takes Arrow columns and whole batches, and commits each batch in one
// transaction: rows, dead letters, positions and ledger, or nothing. Drivers do not retry and do not log; every
// driver passes warehouse/warehousetest.
package warehouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// ErrFenced says that another loader has moved a position that the batch starts from: nothing was loaded, and the
// loader must begin again from Positions.
var ErrFenced = errors.New("position was moved by another loader")

// ErrNotReadOnly says that a query would do more than read.
var ErrNotReadOnly = errors.New("only one SELECT (or EXPLAIN) is allowed")

// ErrUnknownOutcome says that a transaction may have been committed or not. The loader settles it by Positions.
var ErrUnknownOutcome = errors.New("it is not known whether the batch was committed")

// NewerError says that a warehouse's tables are of a newer Spoor, which only that one may touch.
type NewerError struct {
	Warehouse string
	Version   int
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s has schema version %d, of a newer Spoor; this one knows %d", e.Warehouse, e.Version, SchemaVersion)
}

// Warehouse stores batches and answers queries. It is safe for concurrent use.
type Warehouse interface {
	// Migrate makes the tables and views, or brings those of an older Spoor up to date. It refuses a schema that is
	// newer than it knows: *NewerError. Running it twice changes nothing.
	Migrate(ctx context.Context) error
	// Positions gives how far each shard of a stream has been loaded; a shard that never was is absent.
	Positions(ctx context.Context, stream string) (map[string]string, error)
	// Load commits a batch atomically and durably. ErrFenced: a move's From is not where the shard stands; nothing
	// was changed. ErrUnknownOutcome: the connection was lost while committing. Any other error: nothing was changed.
	// The batch still belongs to the caller.
	Load(ctx context.Context, batch *Batch) (Receipt, error)
	// Query runs one read-only statement, ErrNotReadOnly otherwise; ? stands for an argument. It ends when ctx does.
	Query(ctx context.Context, query string, args ...any) (Rows, error)
	// Erase removes what is kept of a person, everywhere, in one transaction, and says how much that was. The ledger
	// counts the rows removed as erased.
	Erase(ctx context.Context, subject Subject) (Erasure, error)
	Dialect() Dialect
	Close() error
}

// Limits are what a warehouse can hold, in bytes; 0: anything.
type Limits struct {
	Text int // a text, and a string or a name within a JSON value
	JSON int // a JSON value
	Row  int // all values of a row
	// Stored, if given, is a text as it is stored, where that may be longer.
	Stored func(text string) string
}

// Limited is a warehouse that cannot hold every value. What it gets is within its limits: the loader keeps a value that is
// not as a dead letter with the reason event.OversizeValue, beside its event's row.
type Limited interface{ Limits() Limits }

// Patient is a warehouse to which each commit is dear. Patience is how long an event waits for company, unless the
// operator says otherwise.
type Patient interface{ Patience() time.Duration }

// Checker is a Warehouse that can try whether a load would be taken, without leaving anything.
type Checker interface {
	Check(ctx context.Context) error
}

// Rows is a query's answer; *sql.Rows is one.
type Rows interface {
	ColumnTypes() ([]*sql.ColumnType, error)
	Columns() ([]string, error)
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// Batch is the unit of loading: whole stream records, and all that follows from them.
type Batch struct {
	// ID names this attempt's line in loads: unique for ever.
	ID     string
	Stream string
	// Moves are the positions that this batch takes the shards from and to.
	Moves []Move

	// Events has the columns of event.Columns. nil: none.
	Events arrow.RecordBatch
	// Suspects are rows of Events, ascending, of which the loader cannot tell alone whether their (source, message_id)
	// is in the warehouse already: the driver leaves out those that are, with received_at within Window of the row's.
	// A loader that is alone on its stream has none; one among several makes all of its rows suspect. Within the
	// batch itself the loader has left no two rows with the same (source, message_id).
	Suspects []int32
	Window   time.Duration
	// DeadLetters has the columns of DeadLetterColumns. nil: none.
	DeadLetters arrow.RecordBatch

	Identities []Identity
	Users      []User
	// Counts and Volumes assume that no suspect is a duplicate; Settle corrects them.
	Counts    []Count
	Volumes   []Volume
	Sequences []Sequence
	// Properties are those seen for the first time; Views those that must be made or made anew because of them.
	Properties []Property
	Views      []View
}

// Move takes one shard's position on, if it is still at From. An empty From: the shard was never loaded.
type Move struct{ Shard, From, To string }

// Identity says that an anonymous id belongs to a user. Of several for one anonymous id the one seen last holds;
// seen at the same time, the greater user id.
type Identity struct {
	AnonymousID, UserID string
	SeenAt              int64 // event.Time
}

// User carries traits to merge into a user's latest ones (see MergeTraits). A batch has each user once.
type User struct {
	UserID string
	Traits []byte // JSON object
	// FirstSeen and SeenAt are the times of the earliest and the latest identify in this batch: event.Time.
	FirstSeen, SeenAt int64
}

// Count is what became of the events that one source brought in one minute, as far as this batch goes.
type Count struct {
	Source                            string
	Minute                            int64 // since the Unix epoch, of received_at
	Accepted, Loaded, Duplicate, Dead int64
}

// Volume counts the rows of one name in one minute.
type Volume struct {
	Source, Type, Event string
	Minute              int64 // since the Unix epoch, of received_at
	Loaded              int64
}

// Sequence is which records of one collector's boot this loader has seen on one shard. It replaces the one kept
// under (stream, shard, collector, boot).
type Sequence struct {
	Shard, Collector, Boot string
	// Seen holds closed ranges of sequence numbers, such as 1-41,43-90; Void the numbers whose record was never
	// known to be durable, in the same way.
	Seen, Void string
	Settled    int64 // the collector knew the outcome of each number up to this one
	Records    int64
	Doubled    int64 // records that came twice and were left out the second time
	SeenAt     int64 // event.Time of the last record
}

// Property is a property of an event name seen with a kind for the first time. With an empty Name and Kind it is the
// event name itself that was seen for the first time.
type Property struct {
	Type, Event, Name string
	Kind              string // an event.PropertyKind as text
	View              string // the view that shows the event name
	SeenAt            int64  // event.Time
}

// Receipt says what a Load did.
type Receipt struct {
	Loaded, Duplicate, Dead int64
	Committed               time.Time
}

// Subject is a person to erase: every event, identity and trait of any of these ids. At least one is needed.
type Subject struct{ UserIDs, AnonymousIDs []string }

// Erasure counts what was removed by table.
type Erasure map[string]int64
