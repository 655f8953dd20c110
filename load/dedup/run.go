package dedup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"sort"
	"sync/atomic"
)

// run is a file of entries in order, written once and never changed: 20 bytes each, little endian (the key's upper and
// lower half, the second), with nothing around them. All that finds an entry in it is in memory: the filter, and an
// index by proportion. The key space is cut into equal slices and index[j] is the number of the first entry of slice j
// or of a later one; within a slice an entry is found by proportion again, as keys are spread evenly: one read of
// perRead entries is nearly always enough.
type run struct {
	file   *os.File
	n      int64
	newest uint32 // the last second in it
	index  []uint32
	filter filter

	merging bool // a merge is reading it
}

const (
	entrySize  = 20
	runName    = "seen-*.run"
	maxEntries = 1<<32 - 1        // of a run, as the index counts in 32 bits
	perSlice   = 1024             // entries, where memory allows an index so fine
	perRead    = 4096 / entrySize // entries; with 1024 a slice, a guess is off by half of that once in 10^9 times
)

var (
	errDamaged = errors.New("not what was written there")
	errStopped = errors.New("set of seen ids is closing")
)

func (r *run) bytes() int64 { return int64(len(r.index))*4 + r.filter.bytes() }

func (r *run) discard() error {
	return errors.Join(r.file.Close(), os.Remove(r.file.Name()))
}

// slice returns which slice of the key space a key is in, and how far into it, in parts of 2^64.
func (r *run) slice(key Key) (slice, rest uint64) {
	return bits.Mul64(key.hi, uint64(len(r.index)-1))
}

// fits says if e can be the entry of that number. A page that the system has lost reads as zeros, which no entry is.
func (r *run) fits(number int64, e *entry) bool {
	slice, _ := r.slice(e.Key)
	return e.at != 0 && int64(r.index[slice]) <= number && number < int64(r.index[slice+1])
}

// has says if the run holds a sighting of key between the seconds from and to. buf has room for perRead entries.
// What was not read as it was written is an error, not an answer.
func (r *run) has(buf []byte, key Key, from, to uint32) (bool, error) {
	want := entry{key, from}
	slice, rest := r.slice(key)
	low, high := int64(r.index[slice]), int64(r.index[slice+1]) // the first entry not before want is in low…high
	guess, _ := bits.Mul64(rest, uint64(high-low))
	at := low + int64(guess)
	var first entry // the entry numbered high, once it was read
	for low < high {
		end := min(max(at-perRead/2, low)+perRead, high)
		start := max(end-perRead, low)
		b := buf[:(end-start)*entrySize]
		if _, err := r.file.ReadAt(b, start*entrySize); err != nil {
			return false, fmt.Errorf("reading entries %d to %d of %s: %w", start, end, r.file.Name(), unexpected(err))
		}
		damaged := false
		i := sort.Search(int(end-start), func(i int) bool {
			e := decode(b[i*entrySize:])
			damaged = damaged || !r.fits(start+int64(i), &e)
			return !e.before(&want)
		})
		if damaged {
			return false, fmt.Errorf("reading entries %d to %d of %s: %w", start, end, r.file.Name(), errDamaged)
		}
		if i == int(end-start) {
			low = end
		} else {
			high, first = start+int64(i), decode(b[i*entrySize:])
			if i > 0 {
				break
			}
		}
		at = (low + high) / 2
	}
	return first.at != 0 && first.matches(key, to), nil
}

// unexpected names the end of a file for what it is in a run, whose length is known.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func encode(b []byte, e *entry) {
	_ = b[entrySize-1]
	binary.LittleEndian.PutUint64(b, e.hi)
	binary.LittleEndian.PutUint64(b[8:], e.lo)
	binary.LittleEndian.PutUint32(b[16:], e.at)
}

func decode(b []byte) entry {
	_ = b[entrySize-1]
	return entry{Key{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}, binary.LittleEndian.Uint32(b[16:])}
}

// plan is what a run may take of memory: how many slices of index, how many planes of filter.
type plan struct {
	most   int64 // entries, at the most
	slices int
	planes int
}

func (p plan) bytes() int64 {
	return int64(p.slices+1)*4 + int64(p.planes)*planeBytes(p.most)
}

// writer writes a run, entry by entry in order.
type writer struct {
	run    *run
	slices int // begun, so that their places in the index are known
	buf    []byte
	end    int          // of buf, in use
	stop   *atomic.Bool // gives errStopped with the next buffer
}

// newWriter creates a file of its own in dir. It must end with finish or with run.discard.
func newWriter(dir string, p plan, buffer int, stop *atomic.Bool) (*writer, error) {
	file, err := os.CreateTemp(dir, runName)
	if err != nil {
		return nil, err
	}
	return &writer{
		run:  &run{file: file, index: make([]uint32, p.slices+1), filter: newFilter(p.most, p.planes)},
		buf:  make([]byte, buffer/entrySize*entrySize),
		stop: stop,
	}, nil
}

func (w *writer) add(e *entry) error {
	r := w.run
	slice, _ := r.slice(e.Key)
	for ; w.slices <= int(slice); w.slices++ {
		r.index[w.slices] = uint32(r.n)
	}
	r.filter.add(e.Key)
	r.newest = max(r.newest, e.at)
	r.n++
	if w.end == len(w.buf) {
		if err := w.flush(); err != nil {
			return err
		}
	}
	encode(w.buf[w.end:], e)
	w.end += entrySize
	return nil
}

func (w *writer) flush() error {
	if w.stop.Load() {
		return errStopped
	}
	_, err := w.run.file.Write(w.buf[:w.end])
	w.end = 0
	return err
}

// finish makes the run readable. It is not synced: no crash has a use for it.
func (w *writer) finish() error {
	r := w.run
	for ; w.slices < len(r.index); w.slices++ {
		r.index[w.slices] = uint32(r.n)
	}
	return w.flush()
}

// cursor walks a run from its beginning.
type cursor struct {
	run  *run
	buf  []byte
	rest []byte // of buf, read and not yet walked
	next int64  // the number of the entry behind rest
	e    entry
}

func newCursor(r *run, buffer int) *cursor {
	return &cursor{run: r, buf: make([]byte, buffer/entrySize*entrySize)}
}

// step moves to the next entry, and to io.EOF behind the last.
func (c *cursor) step() error {
	if len(c.rest) == 0 {
		size := min(int64(len(c.buf)), (c.run.n-c.next)*entrySize)
		if size == 0 {
			return io.EOF
		}
		c.rest = c.buf[:size]
		if _, err := c.run.file.ReadAt(c.rest, c.next*entrySize); err != nil {
			return fmt.Errorf("reading entry %d of %s: %w", c.next, c.run.file.Name(), unexpected(err))
		}
		c.next += size / entrySize
	}
	last := c.e
	c.e, c.rest = decode(c.rest), c.rest[entrySize:]
	if number := c.next - int64(len(c.rest))/entrySize - 1; !c.run.fits(number, &c.e) || c.e.before(&last) {
		return fmt.Errorf("reading entry %d of %s: %w", number, c.run.file.Name(), errDamaged)
	}
	return nil
}
