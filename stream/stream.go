// Package stream is the road between the door and the warehouse: an ordered, durable log of records in shards.
//
// This package is the contract. A driver is one folder below it and is chosen by URL in cmd/spoor; it stores bytes,
// and does not know what an event is. Drivers do not retry, do not log and do not route: Retry and Measure are
// wrappers in this package, written once. Every driver passes stream/streamtest.
package stream

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ShardID names one ordered sequence of records in a stream.
type ShardID string

// Position is a place in one shard, opaque to all but its driver. The empty Position is before the first record.
type Position string

// Record is the unit of the stream. Spoor's own producers put thousands of events into one.
type Record struct {
	// Key chooses the shard where a stream has many; any text of up to 256 bytes. Empty: the driver spreads records
	// as it likes. A driver need not give it back on reading.
	Key string
	// Data is kept and returned to the byte. It is not kept by the driver after Append returns, and a reader's
	// Data belongs to the caller.
	Data []byte
	// Position and Time are set by the driver on reading: where the record stands and when the stream took it.
	Position Position
	Time     time.Time
}

// Shard describes one shard.
type Shard struct {
	ID ShardID
	// Parents are the shards that must be read to their end before this one, so that a key's order holds.
	Parents []ShardID
	// Closed: no more records will come.
	Closed bool
}

// ErrFull says that the stream has no room. Nothing of the record concerned was kept.
var ErrFull = errors.New("stream is full")

// ErrTooLarge says that a record is larger than the stream takes. Nothing of it was kept, and trying again is vain.
var ErrTooLarge = errors.New("record is too large for the stream")

// ErrThrottled says that the stream is asked for more at a time than it takes. Nothing of the record concerned was kept;
// a little later it may be.
var ErrThrottled = errors.New("stream takes no more at the moment")

// ErrTrimmed says that records after the asked position no longer exist: the stream has forgotten them.
var ErrTrimmed = errors.New("position was trimmed from the stream")

// ErrUnknownPosition says that the stream never gave the position: it belongs to another stream, or what held it is
// gone. Reading on from it would pass over records in silence, so it is refused.
var ErrUnknownPosition = errors.New("position is unknown to the stream")

// ErrUnknownShard says that the stream has no such shard, or has it no more.
var ErrUnknownShard = errors.New("shard is unknown to the stream")

// ErrClosed says that the Log or the Reader was closed by its owner.
var ErrClosed = errors.New("stream is closed")

// Log is an append-only stream.
type Log interface {
	// Append makes the records durable, in order within a shard. A nil error: all of them are, and will survive a
	// crash of this process and, where the driver says so, of the machine. A *PartialError: those it does not name
	// are durable, and those it names are not known to be. Any other error: the outcome of all of them is unknown,
	// except that ErrFull, ErrThrottled and ErrTooLarge always mean that the record concerned was not kept. A full stream gives
	// ErrFull (within a PartialError when some went in). Records are not retained. Appending nothing is nil.
	// Safe for concurrent use.
	Append(ctx context.Context, records []Record) error
	// Shards lists the shards that can be read now, closed ones included while they hold records.
	Shards(ctx context.Context) ([]Shard, error)
	// Read starts reading after the position; an empty position is the oldest record kept. A position that has been
	// trimmed away with records behind it gives ErrTrimmed, one that the shard never gave ErrUnknownPosition, a shard
	// that is not there ErrUnknownShard: each from Read or from the first Next. ctx is for the opening only.
	Read(ctx context.Context, shard ShardID, after Position) (Reader, error)
	// Close ends the Log and its readers: what is under way and what comes later gives ErrClosed. A second Close
	// does nothing.
	Close() error
}

// Reader reads one shard in order. It is for one goroutine.
type Reader interface {
	// Next blocks until there are records, ctx ends (ctx.Err()), or the shard is closed and wholly read (io.EOF).
	// It never returns an empty slice with a nil error. When ctx ended, the reader is as good as before; after any
	// other error it may be done for, and reading goes on with a new one after the last position seen. A record that
	// was trimmed before the reader came to it gives ErrTrimmed: a reader never passes over a gap.
	Next(ctx context.Context) ([]Record, error)
	// Close frees what the reader holds; a later Next gives ErrClosed. A second Close does nothing.
	Close() error
}

// As finds an optional power (Trimmer, Statter, Orderer, Sizer, Lagger) of a Log, through the wrappers around it.
func As[Power any](log Log) (Power, bool) {
	for {
		if power, ok := log.(Power); ok {
			return power, true
		}
		wrapper, ok := log.(interface{ Unwrap() Log })
		if !ok {
			var none Power
			return none, false
		}
		log = wrapper.Unwrap()
	}
}

// Trimmer is a Log that can forget. The loader calls it with what is in the warehouse for good.
type Trimmer interface {
	// Trim forgets the records of a shard up to and including through that the stream took before olderThan. It
	// must never forget a record behind through, nor one that is younger. Positions go on where they were, even when
	// nothing is left. The empty position forgets nothing.
	Trim(ctx context.Context, shard ShardID, through Position, olderThan time.Time) error
}

// Stat is a stream's size.
type Stat struct {
	Records int64 // kept now
	Bytes   int64 // kept now, on disk
	Limit   int64 // bytes; 0: none known
	// Oldest is when the stream took its oldest record; zero when it is empty.
	Oldest time.Time
}

// Statter is a Log that knows its size.
type Statter interface {
	Stat(ctx context.Context) (Stat, error)
}

// Orderer is a Log whose positions can be compared.
type Orderer interface {
	// Compare orders two positions of one shard: negative when a stands before b. The empty Position is before all.
	Compare(a, b Position) int
}

// Sizes are what a stream says of the size of records.
type Sizes struct {
	Largest int // bytes of data in a record with no key; more gives ErrTooLarge. 0: no limit is known
	// Unit: what a record costs is counted in so many bytes, the last of them begun; Frame of them are taken by what is
	// not its data. 0: it is not counted so.
	Unit, Frame int
}

// Sizer is a Log to which the size of a record matters.
type Sizer interface {
	Sizes() Sizes
}

// Lagger is a Log that knows how far behind its readers are.
type Lagger interface {
	// Lag gives, for each shard with a reader that has read, how much older what it read last is than the newest record.
	// Of several readers of a shard the one that is furthest behind counts.
	Lag() map[ShardID]time.Duration
}

// PartialError tells which records of an Append did not go in.
type PartialError struct {
	// Failed holds, by index into the records given, why each one failed. It is never empty.
	Failed map[int]error
}

func (e *PartialError) Error() string {
	for i, err := range e.Failed {
		if len(e.Failed) == 1 {
			return fmt.Sprintf("record %d was not appended: %v", i, err)
		}
		return fmt.Sprintf("%d records were not appended, one of them %d: %v", len(e.Failed), i, err)
	}
	return "no record failed"
}

// Unwrap gives the causes, so that errors.Is finds ErrFull.
func (e *PartialError) Unwrap() []error {
	causes := make([]error, 0, len(e.Failed))
	for _, err := range e.Failed {
		causes = append(causes, err)
	}
	return causes
}
