package dedup

import (
	"math/bits"
	"unsafe"
)

// table holds entries in memory: a sorted array with gaps. An entry's home is its place by proportion (as far into the
// homes as its key is into all keys), and it stands at its home or, where that was taken, in the unbroken row of entries
// behind it, all in order. So a lookup stops at the first entry that is not smaller, a freeze is a walk from left to
// right with nothing to sort, and growing writes the new array from left to right, too. This is linear probing in key
// order (Amble and Knuth, Ordered hash tables, 1974) with a hash that keeps the order.
//
// One key may stand there several times, with times further apart than the window.
type table struct {
	slots    []entry // homes, and behind them room for those pushed off the end
	homes    uint64
	capacity int // entries with which it is 3/4 full; more go in, slower
	n        int
}

const (
	slotSize = int64(unsafe.Sizeof(entry{}))
	spill    = 64
)

func newTable(capacity int) *table {
	homes := capacity*4/3 + 1
	return &table{slots: make([]entry, homes+spill), homes: uint64(homes), capacity: capacity}
}

func (t *table) bytes() int64 { return int64(cap(t.slots)) * slotSize }

func (t *table) home(key Key) uint64 {
	home, _ := bits.Mul64(key.hi, t.homes)
	return home
}

// seek returns the slot of the first entry that is not before e, or the empty slot where e belongs.
func (t *table) seek(e *entry) int {
	i := int(t.home(e.Key))
	for i < len(t.slots) && t.slots[i].at != 0 && t.slots[i].before(e) {
		i++
	}
	return i
}

// has says if key was seen between the seconds from and to.
func (t *table) has(key Key, from, to uint32) bool {
	i := t.seek(&entry{key, from})
	return i < len(t.slots) && t.slots[i].matches(key, to) && t.slots[i].at != 0
}

// maybe puts into out, and returns, those of the candidates (indexes into keys) that the table may hold. One look at each
// one's home is enough to rule out most of what is not there, and as the looks don't wait for each other, their cache
// misses overlap. out is as long as candidates or longer.
func (t *table) maybe(keys []Key, candidates, out []uint16) []uint16 {
	out = out[:len(candidates)]
	n := 0
	for _, c := range candidates {
		key := keys[c]
		slot := &t.slots[t.home(key)]
		taken, reached := 0, 0
		if slot.at != 0 {
			taken = 1
		}
		if slot.hi <= key.hi {
			reached = 1
		}
		out[n] = c
		n += taken & reached
	}
	return out[:n]
}

// admit adds the sighting {key, at}, unless key was seen between the seconds from and to, between which at lies. It says
// if it was.
func (t *table) admit(key Key, from, at, to uint32) (seen bool) {
	e := entry{key, from}
	i := t.seek(&e)
	if i < len(t.slots) && t.slots[i].at != 0 && t.slots[i].matches(key, to) {
		return true
	}
	e.at = at
	gap := i
	for gap < len(t.slots) && t.slots[gap].at != 0 {
		gap++
	}
	if gap == len(t.slots) {
		t.slots = append(t.slots, entry{})
	}
	copy(t.slots[i+1:gap+1], t.slots[i:gap])
	t.slots[i] = e
	t.n++
	return false
}

// remove takes e away, if it is there, and moves those behind it that it had pushed off their homes back by one.
func (t *table) remove(e *entry) {
	i := t.seek(e)
	if i == len(t.slots) || t.slots[i] != *e {
		return
	}
	end := i + 1
	for end < len(t.slots) && t.slots[end].at != 0 && int(t.home(t.slots[end].Key)) < end {
		end++
	}
	copy(t.slots[i:end-1], t.slots[i+1:end])
	t.slots[end-1] = entry{}
	t.n--
}

// grown returns a table for capacity entries with those of t in it.
func (t *table) grown(capacity int) *table {
	g := newTable(capacity)
	next := 0
	for i := range t.slots {
		if t.slots[i].at != 0 {
			next = g.place(&t.slots[i], next)
		}
	}
	g.n = t.n
	return g
}

// drop forgets the entries from before the second cutoff. In place: what remains only ever moves to the left.
func (t *table) drop(cutoff uint32) {
	next, kept := 0, 0
	for i := range t.slots {
		e := t.slots[i]
		t.slots[i] = entry{}
		if e.at >= cutoff && e.at != 0 {
			next = t.place(&e, next)
			kept++
		}
	}
	t.n = kept
}

// empty forgets all.
func (t *table) empty() {
	clear(t.slots)
	t.n = 0
}

// place puts e, bigger than all placed before, at its home or at next, whichever is further right, and returns the slot
// behind it.
func (t *table) place(e *entry, next int) int {
	i := max(int(t.home(e.Key)), next)
	if i == len(t.slots) {
		t.slots = append(t.slots, entry{})
	}
	t.slots[i] = *e
	return i + 1
}
