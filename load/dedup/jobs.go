package dedup

import (
	"cmp"
	"errors"
	"io"
	"math"
	"slices"
	"unsafe"
)

// limits is what a bound on memory comes down to; the package comment has the arithmetic.
type limits struct {
	table   int   // entries of a full table
	staged  int   // entries of all batches together, above which tables grow
	chunk   int   // ids looked up together
	filters int64 // bytes of all filters and indexes together
	buffer  int   // bytes that a run is read or written through
	fanout  int   // runs that are merged to one
	merges  int   // at the same time
	runs    int   // files, above which a freeze waits for a merge
}

const firstTable = 768 // entries: 25 KB, for a start

func limitsFor(memory int64) limits {
	tableBytes := min(memory/8, 64<<20)
	l := limits{
		table:  int(tableBytes/slotSize-spill-1) * 3 / 4,
		buffer: int(min(max(memory/512, 4<<10), 256<<10)),
		fanout: 3,
		merges: 2,
		runs:   64,
	}
	l.staged = l.table * 3 / 4
	l.chunk = min(chunkSize, l.table/4)
	l.filters = memory - 3*tableBytes - int64(l.buffer*(1+l.merges*(l.fanout+1))) -
		int64(unsafe.Sizeof(scratch{})) - int64(l.chunk*scratchBytes) - readers*readBytes
	return l
}

// buffers returns the bytes that the jobs at work read and write through.
func (s *Set) buffers() int64 {
	n := s.merges * (s.limits.fanout + 1)
	if s.flushing {
		n++
	}
	return int64(n * s.limits.buffer)
}

// kept returns the entries in all runs.
func (s *Set) kept() int64 {
	var n int64
	for _, r := range s.runs {
		n += r.n
	}
	return n
}

// filters returns the bytes of all filters and indexes.
func (s *Set) filters() int64 {
	sum := s.building
	for _, r := range s.runs {
		sum += r.bytes()
	}
	return sum
}

// full is how many entries the active table takes, so that n ids more are staged in at most 3/4 of it: one table's, but
// where open batches hold more.
func (s *Set) full(n int) int {
	full := s.limits.table
	for s.staged+n > full/4*3 {
		full *= 2
	}
	return full
}

// room makes sure that the active table takes n entries more. It rids the table of what is too old, grows it, or freezes
// it, and waits where the table frozen before is still being written, or too many runs are yet to be merged. The error
// is what has kept the disk from that; it is tried again by then.
func (s *Set) room(n int) error {
	for full := s.full(n); !s.closed; {
		capacity := min(s.active.capacity, full)
		if s.active.n+n <= capacity {
			return nil
		}
		if s.swept < s.cutoff {
			s.sweep()
			if s.active.n+n <= capacity*3/4 {
				return nil
			}
		}
		if s.active.capacity < full {
			s.active = s.active.grown(min(max(s.active.n+n, 2*s.active.capacity), full))
			continue
		}
		if s.frozen == nil && (len(s.runs) < s.limits.runs || s.merges == 0 && s.failed == nil) {
			s.freeze(full)
			continue
		}
		if err := s.failed; err != nil {
			s.failed = nil
			s.work()
			return err
		}
		s.ended.Wait()
	}
	return ErrClosed
}

// sweep rids the active table of what is too old, but for what open batches have staged.
func (s *Set) sweep() {
	s.swept = s.cutoff
	s.active.drop(s.cutoff)
	for _, b := range s.batches {
		for i := range b.ids {
			if e := &b.ids[i]; e.at < s.cutoff {
				s.active.admit(e.Key, e.at, e.at, e.at)
			}
		}
	}
}

// freeze puts a new table, for so many entries, in the place of the active one and has that written. Staged entries, which may yet be taken
// back, move to the new one: a frozen table does not change any more.
func (s *Set) freeze(capacity int) {
	s.frozen = s.active
	if s.active, s.spare = s.spare, nil; s.active == nil || s.active.capacity != capacity {
		s.active = newTable(capacity)
	} else {
		s.active.empty()
	}
	for _, b := range s.batches {
		for i := range b.ids {
			e := &b.ids[i]
			s.frozen.remove(e)
			s.active.admit(e.Key, e.at, e.at, e.at)
		}
	}
	s.work()
}

// work starts the jobs that there is cause for.
func (s *Set) work() {
	if s.closed {
		return
	}
	s.expire()
	if s.frozen != nil && !s.flushing {
		s.flushing = true
		t := s.frozen
		s.write(s.plan(int64(t.n), s.kept()+int64(t.n)), t.walk, func(err error) {
			s.flushing = false
			if err == nil {
				if s.frozen = nil; t.capacity == s.limits.table {
					s.spare = t
				}
			}
		})
	}
	for s.merges < s.limits.merges {
		inputs := s.pick()
		if inputs == nil {
			break
		}
		s.merges++
		var n int64
		for _, r := range inputs {
			r.merging = true
			n += r.n
		}
		s.write(s.plan(n, s.kept()), merged(inputs, s.limits.buffer), func(err error) {
			s.merges--
			for _, r := range inputs {
				r.merging = false
			}
			if err == nil {
				s.runs = slices.DeleteFunc(s.runs, func(r *run) bool { return slices.Contains(inputs, r) })
				for _, r := range inputs {
					s.start(r.discard)
				}
			}
		})
	}
}

// expire removes the runs that nothing can be a duplicate of any more.
func (s *Set) expire() {
	s.runs = slices.DeleteFunc(s.runs, func(r *run) bool {
		old := r.newest < s.cutoff && !r.merging
		if old {
			s.start(r.discard)
		}
		return old
	})
	if len(s.runs) == 0 {
		s.spare = nil // it may be long before there are so many ids again
	}
}

// start does a job in the background. If it fails, nobody starts it again before somebody has been told.
func (s *Set) start(job func() error) {
	s.jobs++
	go func() {
		err := job()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.jobs--
		if err == nil {
			s.work()
		} else if !errors.Is(err, errStopped) {
			s.failed = err
		}
		s.ended.Broadcast()
	}()
}

// feed gives entries in order, until it or whoever takes them fails.
type feed func(take func(*entry) error) error

// write starts the job that writes a new run, less what is too old, and puts it in the place of what done takes away, at
// the same moment.
func (s *Set) write(p plan, from feed, done func(error)) {
	cutoff := s.cutoff
	s.building += p.bytes()
	s.coming += p.most
	s.start(func() error {
		r, err := s.build(p, cutoff, from)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.building -= p.bytes()
		s.coming -= p.most
		done(err)
		if err != nil {
			return err
		}
		if r.n == 0 {
			s.start(r.discard)
			return nil
		}
		s.runs = append(s.runs, r)
		slices.SortStableFunc(s.runs, func(a, b *run) int { return cmp.Compare(a.newest, b.newest) })
		return nil
	})
}

// plan shares out memory for a new run of n entries, when all runs there are then hold total. It gives the new one as
// many planes as all could have in three quarters of the memory: the last quarter is for the runs that a merge has not
// replaced yet. What that takes is taken from the finest.
func (s *Set) plan(n, total int64) plan {
	p := plan{most: n, slices: int(min(n/perSlice, s.limits.filters/256)) + 1}
	p.planes = int(min(max(s.limits.filters*3/4/planeBytes(total), 1), maxPlanes))
	for p.planes > 0 && s.filters()+p.bytes() > s.limits.filters {
		var finest *run
		for _, r := range s.runs {
			if finest == nil || len(r.filter.planes) > len(finest.filter.planes) ||
				len(r.filter.planes) == len(finest.filter.planes) && r.n > finest.n {
				finest = r
			}
		}
		if finest != nil && len(finest.filter.planes) >= p.planes {
			finest.filter.coarsen()
		} else {
			p.planes--
		}
	}
	return p
}

// build writes a run.
func (s *Set) build(p plan, cutoff uint32, from feed) (*run, error) {
	w, err := newWriter(s.dir, p, s.limits.buffer, &s.stop)
	if err != nil {
		return nil, err
	}
	err = from(func(e *entry) error {
		if e.at < cutoff {
			return nil
		}
		return w.add(e)
	})
	if err == nil {
		err = w.finish()
	}
	if err != nil {
		return nil, errors.Join(err, w.run.discard())
	}
	return w.run, nil
}

// pick chooses the runs to merge: the oldest of the lowest tier that has fanout runs. Runs of a tier are about the same
// size, fanout times that of the tier below, so an entry is written once a tier: nine times in 8.6 G, and ten runs are
// there then, seventeen at the most. A merge of more than half of all entries is put off: it would double the disk, and
// what is old would stay until the newest of it is old as well.
func (s *Set) pick() []*run {
	var tiers [64][]*run
	for _, r := range s.runs {
		if !r.merging {
			t := s.tier(r.n)
			tiers[t] = append(tiers[t], r)
		}
	}
	for _, tier := range tiers {
		if len(tier) < s.limits.fanout {
			continue
		}
		inputs := tier[:s.limits.fanout]
		var n int64
		for _, r := range inputs {
			n += r.n
		}
		if n <= maxEntries && (n <= s.kept()/2 || len(s.runs) >= s.limits.runs) {
			return inputs
		}
	}
	return nil
}

// tier returns how often fanout tables were multiplied by fanout, to the nearest, to make n.
func (s *Set) tier(n int64) int {
	limit := float64(s.limits.table) * math.Sqrt(float64(s.limits.fanout))
	t := 0
	for ; float64(n) > limit; limit *= float64(s.limits.fanout) {
		t++
	}
	return t
}

// walk feeds the table's entries.
func (t *table) walk(take func(*entry) error) error {
	for i := range t.slots {
		if t.slots[i].at != 0 {
			if err := take(&t.slots[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// merged feeds the runs' entries, each once.
func merged(runs []*run, buffer int) feed {
	return func(take func(*entry) error) error {
		cursors := make([]*cursor, 0, len(runs))
		for _, r := range runs {
			c := newCursor(r, buffer)
			if err := c.step(); err != nil {
				return err
			}
			cursors = append(cursors, c)
		}
		var last entry
		for len(cursors) > 0 {
			first := 0
			for i := 1; i < len(cursors); i++ {
				if cursors[i].e.before(&cursors[first].e) {
					first = i
				}
			}
			c := cursors[first]
			if c.e != last {
				last = c.e
				if err := take(&last); err != nil {
					return err
				}
			}
			if err := c.step(); errors.Is(err, io.EOF) {
				cursors = slices.Delete(cursors, first, first+1)
			} else if err != nil {
				return err
			}
		}
		return nil
	}
}
