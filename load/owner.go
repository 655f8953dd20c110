package load

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/spoorhq/spoor/stream"
)

// Owner says which of the stream's shards this loader is to read, where several loaders share them. It is for efficiency
// and order alone: what is loaded once is the warehouse's to say, whoever reads.
type Owner interface {
	// Share gives the shards to read; and those to leave: to be read no more, and released when what was read of them is
	// committed or given up. changed is closed when there is a new answer. A shard is to be read only when all its parents
	// are loaded to their ends, whoever loaded them.
	Share() (read, leave []stream.ShardID, changed <-chan struct{})
	// Loaded says how far a shard is committed.
	Loaded(shard stream.ShardID, position stream.Position)
	// Ended says that a shard is closed, and committed to its end.
	Ended(shard stream.ShardID)
	// Release says that a shard to leave is left. Of any other shard it means nothing.
	Release(shard stream.ShardID)
}

// errGrown ends a session in order: there are more shards to read than it began with. What it knows of collectors,
// sessions and names is the warehouse's knowledge from before somebody else loaded those; so all is read anew.
var errGrown = errors.New("there are more shards to read")

// parting is a shard of which no more is read.
type parting struct {
	shard stream.ShardID
	ended bool // to its end
}

// share is what one session reads of the stream.
type share struct {
	owner Owner       // nil: everything is this loader's
	views atomic.Bool // were made, beside other loaders that may have made the same

	mu   sync.Mutex
	mine map[stream.ShardID]bool // false: it is read no more, and has not parted yet
}

// share waits until there is something to read. Nothing is being read while it waits, so what is to be left can go.
func (l *Loader) share(ctx context.Context) (*share, error) {
	owner := l.options.Owner
	if owner == nil {
		return &share{}, nil
	}
	for {
		read, leave, changed := owner.Share()
		for _, shard := range leave {
			owner.Release(shard)
		}
		if len(read) > 0 {
			s := &share{owner: owner, mine: map[stream.ShardID]bool{}}
			for _, shard := range read {
				s.mine[shard] = true
			}
			return s, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// look asks the owner again. stop is called for each shard that is to be read no more, and tells whether it was being
// read: then it parts, when its records are committed.
func (s *share) look(stop func(stream.ShardID) bool) (changed <-chan struct{}, err error) {
	if s.owner == nil {
		return nil, nil
	}
	read, leave, changed := s.owner.Share()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, shard := range read {
		if !s.mine[shard] {
			return nil, errGrown
		}
	}
	for shard, still := range s.mine {
		switch {
		case !still || slices.Contains(read, shard):
		case stop(shard):
			s.mine[shard] = false
		default:
			delete(s.mine, shard)
		}
	}
	for _, shard := range leave {
		if _, parts := s.mine[shard]; !parts {
			s.owner.Release(shard)
		}
	}
	return changed, nil
}

// committed says that the batch is in the warehouse, and with it the last records of the shards that part.
func (s *share) committed(batch *pending) {
	if s.owner == nil {
		return
	}
	for _, m := range batch.Moves {
		s.owner.Loaded(stream.ShardID(m.Shard), stream.Position(m.To))
	}
	for _, p := range batch.partings {
		if p.ended {
			s.owner.Ended(p.shard)
		} else {
			s.owner.Release(p.shard)
		}
		s.mu.Lock()
		delete(s.mine, p.shard) // only now: the owner gives it no more
		s.mu.Unlock()
	}
}

// of gives those of the shards that are to be read.
func (s *share) of(shards []stream.Shard) []stream.Shard {
	if s.owner == nil {
		return shards
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var mine []stream.Shard
	for _, shard := range shards {
		if s.mine[shard.ID] {
			mine = append(mine, shard)
		}
	}
	return mine
}
