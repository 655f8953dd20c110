// Package lease shares out a stream's shards among loaders, so that each shard is read by one of them at a time.
//
// A table holds one lease for each shard. Who has a lease counts it up, again and again; a lease whose counter has not
// moved for the time of a failover, as somebody else's clock measures between two looks at the table, is free. No two
// machines' clocks are ever compared. A worker takes free leases up to its fair share, and asks whoever has most for
// what it still lacks: that one ends its reading in order, commits, and hands over.
//
// All this is for efficiency and order only. Nothing is lost or loaded twice when a lease is wrong, for the warehouse
// moves a shard's position by compare-and-set, and the position that counts is the warehouse's.
package lease

import (
	"context"
	"errors"

	"github.com/spoorhq/spoor/stream"
)

// Lease is one shard's row in the table.
type Lease struct {
	Shard   stream.ShardID
	Parents []stream.ShardID // to be loaded to their ends first
	// Owner is who is to load the shard; empty: nobody. While Holder is set, that worker still loads it, and Owner waits
	// to be handed it.
	Owner, Holder string
	Counter       int64 // is counted up by whoever loads the shard, to show that it lives
	// Checkpoint is how far the shard is loaded, for those who look at the table; Begin, a position, or End. Only End
	// means something to workers: the shard's children may begin.
	Checkpoint string
	Switches   int64 // of the owner, since the checkpoint moved
}

// Checkpoints that are no positions.
const (
	Begin = "TRIM_HORIZON"
	End   = "SHARD_END"
)

// Keeper is who loads the shard now.
func (l Lease) Keeper() string {
	if l.Holder != "" {
		return l.Holder
	}
	return l.Owner
}

// Ended tells whether all of a closed shard is loaded.
func (l Lease) Ended() bool { return l.Checkpoint == End }

// ErrChanged says that the lease in the table is not the one that was to be replaced.
var ErrChanged = errors.New("lease was changed by another worker")

// Table keeps leases. It is safe for concurrent use, by any number of workers in any number of processes. Drivers do
// not retry and do not log; every driver passes leasetest.
type Table interface {
	// List gives all leases. What was written before the call is seen.
	List(ctx context.Context) ([]Lease, error)
	// Add puts in the lease of a shard that has none. One that is there stays as it is, and is no error.
	Add(ctx context.Context, l Lease) error
	// Swap puts next in the place of the lease that has old's owner, holder and counter. ErrChanged: the shard's lease
	// has others, or there is none; nothing was changed. After any other error it may have been changed or not.
	Swap(ctx context.Context, old, next Lease) error
	// Remove takes out the lease that has old's owner, holder and counter; ErrChanged as in Swap.
	Remove(ctx context.Context, old Lease) error
	Close() error
}
