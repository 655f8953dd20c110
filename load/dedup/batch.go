package dedup

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Batch is a row of ids that become seen together, or not at all. It ends with Commit or Rollback.
type Batch struct {
	set *Set
	ids []entry // staged: they stand in the active table, and are taken out of it again by Rollback
	err error   // why nothing more can be done with it
}

var (
	errCommitted  = errors.New("batch was committed")
	errRolledBack = errors.New("batch was rolled back, itself or with one before it")
	errOrder      = errors.New("batch cannot be committed before those begun before it")
)

// Begin opens a batch. Batches are committed in the order in which they were begun.
func (s *Set) Begin() *Batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &Batch{set: s}
	if s.closed {
		b.err = ErrClosed
	} else {
		s.batches = append(s.batches, b)
	}
	return b
}

// Check sets duplicate[i] if keys[i] was seen within Window of at[i], by an earlier one of the same keys, too; if not,
// it stages keys[i] as seen at at[i]. What counts as seen is what was not a duplicate itself, as each such is a row: a
// key that comes again outside the window is seen at both times.
//
// Where ids are in runs, many in one call cost far less each than few: up to 8192 are looked up together, in the runs'
// own order (see BenchmarkCheck).
//
// More ids may be staged than Staged says: one record can hold so many, and must not be cut. Memory is passed by what
// they take, until their batches have ended and the table is full next.
//
// An error is of the disk, or says that the batch or the Set has ended. After it duplicate means nothing and the batch can only be rolled back; the same ids may be checked again in a
// new one.
func (b *Batch) Check(keys []Key, at []time.Time, duplicate []bool) error {
	if len(at) != len(keys) || len(duplicate) != len(keys) {
		return fmt.Errorf("every id needs a time and an answer; got %d ids, %d times and %d answers",
			len(keys), len(at), len(duplicate))
	}
	for len(keys) > 0 {
		n := min(len(keys), b.set.limits.chunk)
		if err := b.check(keys[:n], at[:n], duplicate[:n]); err != nil {
			return err
		}
		keys, at, duplicate = keys[n:], at[n:], duplicate[n:]
	}
	return nil
}

func (b *Batch) check(keys []Key, at []time.Time, duplicate []bool) error {
	s := b.set
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	err := s.stage(b, keys, at, duplicate)
	if err != nil && b.err == nil {
		b.err = err
	}
	return err
}

// stage answers for a chunk and stages what is new.
func (s *Set) stage(b *Batch, keys []Key, at []time.Time, duplicate []bool) error {
	if err := s.room(len(keys)); err != nil {
		return err
	}
	if b.err != nil { // it has ended while room waited
		return b.err
	}
	c := &s.scratch
	c.fill(keys, at, s.limits.chunk)
	if err := s.find(c); err != nil {
		return err
	}
	b.ids = slices.Grow(b.ids, len(c.keys))
	for i, key := range c.keys {
		if !c.duplicate[i] {
			// It was not seen before, but it may be twice in this chunk.
			from, to := around(c.at[i], s.window)
			if c.duplicate[i] = s.active.admit(key, from, c.at[i], to); !c.duplicate[i] {
				b.ids = append(b.ids, entry{key, c.at[i]})
				s.staged++
			}
		}
		duplicate[c.origin[i]] = c.duplicate[i]
	}
	return nil
}

// Commit makes the batch's ids seen for good. Its transaction has been committed, so there is nothing here that could
// fail: an error says that the batch was not open, or not the oldest, and that the Set therefore no longer knows what
// the warehouse does. Close it then, and open and feed a new one.
func (b *Batch) Commit() error {
	s := b.set
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	if s.batches[0] != b {
		return errOrder
	}
	s.batches = slices.Delete(s.batches, 0, 1)
	s.staged -= len(b.ids)
	b.ids, b.err = nil, errCommitted
	return nil
}

// Rollback makes the ids of the batch, and of all batches begun after it, as if they had not been checked. Batches
// that have ended are left as they are.
func (b *Batch) Rollback() {
	s := b.set
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.batches, b)
	if i < 0 {
		return
	}
	for _, o := range s.batches[i:] {
		for k := range o.ids {
			s.active.remove(&o.ids[k])
		}
		s.staged -= len(o.ids)
		o.ids, o.err = nil, errRolledBack
	}
	s.batches = slices.Delete(s.batches, i, len(s.batches))
}
