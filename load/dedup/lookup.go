package dedup

import (
	"errors"
	"math/bits"
	"slices"
	"sync"
	"time"
	"unsafe"
)

const (
	chunkSize = 8192 // ids that are looked up together
	readers   = 16   // reads on disk at the same time
	perReader = 8    // reads that are worth one more reader
	readBytes = perRead * entrySize
)

// scratch is a chunk that is looked up, roughly in the order of its keys. Tables, filters and runs are in that order, too,
// so neighbours share cache lines and pages; with four runs that is twice as fast. Equal keys stay in the order in
// which they came.
type scratch struct {
	keys      []Key
	at        []uint32
	duplicate []bool
	origin    []uint16 // index in what the caller gave
	undecided []uint16 // indexes into keys
	passed    []uint16
	read      []byte                // for all readers, made when there is a run to read
	ends      [1 << sortBits]uint16 // of fill
}

const sortBits = 12 // of the key

func (c *scratch) bytes() int64 {
	return int64(cap(c.keys)*scratchBytes+len(c.read)) + int64(unsafe.Sizeof(*c))
}

// scratchBytes is what an id of a chunk takes.
const scratchBytes = 16 + 4 + 1 + 2 + 2 + 2

// fill takes in a chunk of at most size ids.
func (c *scratch) fill(keys []Key, at []time.Time, size int) {
	if c.keys == nil {
		*c = scratch{keys: make([]Key, size), at: make([]uint32, size), duplicate: make([]bool, size),
			origin: make([]uint16, size), undecided: make([]uint16, size), passed: make([]uint16, size)}
	}
	c.keys, c.at, c.duplicate = c.keys[:len(keys)], c.at[:len(keys)], c.duplicate[:len(keys)]
	clear(c.duplicate)
	width := min(bits.Len(uint(len(keys))), sortBits)
	ends, shift := c.ends[:1<<width], 64-width
	clear(ends)
	for i := range keys {
		ends[keys[i].hi>>shift]++
	}
	var sum uint16
	for i, n := range ends {
		ends[i] = sum // the beginning, which moves to the end as the keys go in
		sum += n
	}
	for i := range keys {
		end := &ends[keys[i].hi>>shift]
		c.keys[*end], c.at[*end], c.origin[*end] = keys[i], seconds(at[i]), uint16(i)
		*end++
	}
}

// find sets duplicate for what was seen before. Each table and run is asked for all keys that were not in those before it.
func (s *Set) find(c *scratch) error {
	undecided := c.undecided[:len(c.keys)]
	for i := range undecided {
		undecided[i] = uint16(i)
	}
	decided := func(i uint16) bool { return c.duplicate[i] }
	for _, t := range []*table{s.active, s.frozen} {
		if t == nil {
			continue
		}
		for _, i := range t.maybe(c.keys, undecided, c.passed) {
			from, to := around(c.at[i], s.window)
			c.duplicate[i] = t.has(c.keys[i], from, to)
		}
		undecided = slices.DeleteFunc(undecided, decided)
	}
	for _, r := range slices.Backward(s.runs) { // the newest is the likeliest
		passed := r.filter.maybe(c.keys, undecided, c.passed)
		if len(passed) == 0 {
			continue
		}
		if err := s.read(r, c, passed); err != nil {
			return err
		}
		if slices.ContainsFunc(passed, decided) {
			undecided = slices.DeleteFunc(undecided, decided)
		}
	}
	return nil
}

// read sets duplicate for the ids that passed a run's filter by what the run holds. Many are read side by side, as a disk
// that is asked for one page at a time does a small part of what it can.
func (s *Set) read(r *run, c *scratch, passed []uint16) error {
	if c.read == nil {
		c.read = make([]byte, readers*readBytes)
	}
	some := func(passed []uint16, buf []byte) error {
		for _, i := range passed {
			from, to := around(c.at[i], s.window)
			has, err := r.has(buf, c.keys[i], from, to)
			if err != nil {
				return err
			}
			c.duplicate[i] = has
		}
		return nil
	}
	n := min(max(len(passed)/perReader, 1), readers)
	if n == 1 {
		return some(passed, c.read)
	}
	var group sync.WaitGroup
	var errs [readers]error
	for k := range n {
		group.Go(func() {
			errs[k] = some(passed[len(passed)*k/n:len(passed)*(k+1)/n], c.read[k*readBytes:(k+1)*readBytes])
		})
	}
	group.Wait()
	return errors.Join(errs[:]...)
}
