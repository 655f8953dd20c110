// Package dedup remembers which message ids the loader has seen, exactly, for a window of time, in bounded memory.
//
// A Set is what stands between a client's retry and a second row: an id is a duplicate if, and only if, it was seen
// within Window before or behind. Sightings are 128-bit fingerprints with their second, and nothing probabilistic
// decides. The newest are in a table in memory; when that is full it is frozen and written, in order, as a run on disk,
// and a new one begins. A filter in memory keeps ids that a run does not hold from being looked up in it; those that it
// lets through are read. Three runs of a size are merged to one, so that there are few however many ids there are.
//
// The runs are a cache of what the warehouse knows and of no use to the next process: that empties the directory and
// feeds the ids of the last window to Add. In a running process nothing is forgotten but by Forget.
//
// # Batches
//
// The loader stages the ids of one warehouse transaction in a Batch, and ends it as the transaction ended:
//
//	b := set.Begin()
//	err := b.Check(keys, received, duplicate)
//	… load what is not a duplicate …
//	err = b.Commit() // or b.Rollback()
//	set.Forget(the oldest received time that any shard may still bring)
//
// A staged id counts as seen for all later Checks, so batch two may be staged while batch one is in its transaction.
//
// # Memory
//
// One table takes an eighth of Memory, and 64 MiB at most: 24 bytes a slot and 3/4 full, that is 524,000 ids with
// 128 MiB. It begins with 20 KB. There may be one table in use and one that is being written (or kept for use), and the staged ids of
// open batches once more, which may be 3/4 as many as a table holds: three tables together. Buffers take a fiftieth.
// The rest, 77 MiB of 128 MiB, is for the filters (two bits a plane and id, seven planes at most) and the runs' indexes
// (four bytes per 1024 ids). Where the filters would pass that, they get coarser:
//
//	ids in runs          30 M    60 M     100 M    300 M    1 G      8.6 G (100,000/s for 24 h)
//	for seven planes     67 MiB  134 MiB  223 MiB  668 MiB  2.2 GiB  19 GiB
//	planes in 128 MiB    7       4        2        1        0        0
//	new ids let through  0.1%    2.4%     15%      39%      all      all, by each run
//
// That is with a quarter for what a merge needs meanwhile. A new id that is let through costs a read of 4 KiB. So too
// little memory costs speed, never exactness: full speed is two and a half bytes for each id in the runs, and those hold
// the window's ids and, on average, a quarter more that wait for the rest of their run to get too old. On disk an id
// takes 20 bytes, and twice that while it is being merged. Memory bounds what the Set holds; Go's collector needs its
// usual share on top.
package dedup

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Options say where a Set lives and what it may take. The zero value of each but Dir has a default.
type Options struct {
	// Dir is for the runs, and for one Set at a time. It is made if it is not there; an earlier Set's runs in it are
	// removed, and nothing else.
	Dir string
	// Window is how far apart two events with one id may be received and still count as one. 24 hours by
	// default. Whole seconds count, of it and of all times.
	Window time.Duration
	// Memory bounds the tables, filters, indexes and buffers, in bytes. 128 MiB by default.
	Memory int64
}

const (
	defaultWindow = 24 * time.Hour
	defaultMemory = 128 << 20
	minMemory     = 1 << 20
)

// ErrClosed says that the Set was closed.
var ErrClosed = errors.New("set of seen ids is closed")

// Set is the memory of ids seen. All methods, its batches' too, are safe for concurrent use.
type Set struct {
	seed   uint64
	dir    string
	window uint64 // seconds
	limits limits
	stop   atomic.Bool // jobs are to end early

	mu      sync.Mutex // guards what follows, and which planes the runs' filters have
	active  *table
	frozen  *table   // full, and to be written; or nil
	spare   *table   // the last one that was written, to be used again: it would be so much work for Go's collector; or nil
	runs    []*run   // by their newest entry, oldest first
	batches []*Batch // open, oldest first
	staged  int      // entries in batches
	cutoff  uint32   // entries from before this second are of no use
	swept   uint32   // the cutoff when the active table was last rid of such
	scratch scratch
	closed  bool

	ended    sync.Cond // of mu: a job in the background has ended, well or not
	jobs     int
	flushing bool
	merges   int
	building int64 // bytes of index and filter of runs that are being written
	coming   int64 // entries of the same, at the most
	failed   error // what a job died of, until somebody has been told
}

// Open returns an empty Set.
func Open(o Options) (*Set, error) {
	if o.Window == 0 {
		o.Window = defaultWindow
	}
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	if o.Dir == "" {
		return nil, errors.New("set of seen ids needs a directory")
	}
	if o.Window < time.Second {
		return nil, fmt.Errorf("window cannot be under 1s; got %v", o.Window)
	}
	if o.Memory < minMemory {
		return nil, fmt.Errorf("memory cannot be under %d bytes; got %d", minMemory, o.Memory)
	}
	return open(o.Dir, o.Window, limitsFor(o.Memory))
}

// Staged returns how many ids open batches may hold together within the bound on memory.
func Staged(memory int64) int { return limitsFor(memory).staged }

func open(dir string, window time.Duration, l limits) (*Set, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if ours, _ := filepath.Match(runName, f.Name()); ours {
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return nil, err
			}
		}
	}
	var seed [8]byte
	rand.Read(seed[:])
	s := &Set{
		seed:   binary.LittleEndian.Uint64(seed[:]),
		dir:    dir,
		window: uint64(window / time.Second),
		limits: l,
		active: newTable(min(firstTable, l.table)),
	}
	s.ended.L = &s.mu
	return s, nil
}

// Add makes ids seen without asking whether they were: what the warehouse holds, before the first batch. Ids may come
// in any order, in slices of any length, and again. After an error some of them may have been added; adding all of them
// again is right. An id that an open batch has staged for the same second stays the batch's: its Rollback takes it away.
func (s *Set) Add(keys []Key, at []time.Time) error {
	if len(at) != len(keys) {
		return fmt.Errorf("every id needs a time; got %d ids and %d times", len(keys), len(at))
	}
	for len(keys) > 0 {
		n := min(len(keys), s.limits.chunk)
		if err := s.add(keys[:n], at[:n]); err != nil {
			return err
		}
		keys, at = keys[n:], at[n:]
	}
	return nil
}

func (s *Set) add(keys []Key, at []time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.room(len(keys)); err != nil {
		return err
	}
	c := &s.scratch
	c.fill(keys, at, s.limits.chunk)
	for i, key := range c.keys {
		s.active.admit(key, c.at[i], c.at[i], c.at[i])
	}
	return nil
}

// Forget lets go of what only an event received before the given time could be a duplicate of: sightings from more than
// Window before it. It is the caller's promise not to Check such events any more; if it does, a duplicate may be taken
// for new, but never the reverse. Where several shards are read, the time is that of the shard that is furthest behind,
// less what collectors' clocks may differ, and never later than the caller's own clock. There is no way back: an
// earlier time than was given before changes nothing. A Set that is never told forgets nothing, and its disk fills.
func (s *Set) Forget(before time.Time) {
	cutoff, _ := around(seconds(before), s.window)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || cutoff <= s.cutoff {
		return
	}
	s.cutoff = cutoff
	s.expire()
}

// Stat is a Set's size.
type Stat struct {
	IDs    int64 // sightings kept, staged ones and those not yet cleared away included
	Memory int64 // bytes, of tables, staged ids, filters, indexes and buffers
	Disk   int64 // bytes, of runs, those that are being written at their full length
	Runs   int   // files
}

// Stat returns the size, for metrics. It may wait while a Check reads from disk.
func (s *Set) Stat() Stat {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return Stat{}
	}
	st := Stat{
		IDs:    int64(s.active.n),
		Memory: s.active.bytes() + s.filters() + s.buffers() + s.scratch.bytes(),
		Disk:   s.coming * entrySize,
		Runs:   len(s.runs),
	}
	if s.frozen != nil {
		st.IDs += int64(s.frozen.n)
		st.Memory += s.frozen.bytes()
	}
	if s.spare != nil {
		st.Memory += s.spare.bytes()
	}
	for _, b := range s.batches {
		st.Memory += int64(cap(b.ids)) * slotSize
	}
	st.IDs += s.kept()
	st.Disk += s.kept() * entrySize
	return st
}

// Close forgets everything and removes the runs; whatever is asked of the Set afterwards gives ErrClosed.
func (s *Set) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	for _, b := range s.batches {
		b.ids, b.err = nil, ErrClosed
	}
	s.batches = nil
	s.stop.Store(true)
	s.ended.Broadcast()
	for s.jobs > 0 {
		s.ended.Wait()
	}
	var errs []error
	for _, r := range s.runs {
		errs = append(errs, r.discard())
	}
	s.active, s.frozen, s.spare, s.runs = nil, nil, nil, nil
	return errors.Join(errs...)
}
