package dedup

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/zeebo/xxh3"
)

// Key is the 128-bit fingerprint of one message id of one source. Keys come from Set.Fingerprint alone: they are spread
// evenly, which the tables, the filters and the runs live on, and they mean nothing to another Set.
type Key struct{ hi, lo uint64 }

// Fingerprint returns the key of a message id within its source: XXH3-128 over the length of source, source and
// messageID, so that ("a", "bc") is not ("ab", "c"). It is seeded with a random number drawn at Open, so that nobody who
// may send events can choose ids that fall on each other and slow the loader down for all. Safe for concurrent use;
// does not allocate, unless source and messageID together pass 240 bytes.
func (s *Set) Fingerprint(source, messageID string) Key {
	var room [256]byte
	b := binary.AppendUvarint(room[:0], uint64(len(source)))
	b = append(b, source...)
	b = append(b, messageID...)
	sum := xxh3.Hash128Seed(b, s.seed)
	return Key{sum.Hi, sum.Lo}
}

// entry is one sighting: which key, and when, in seconds since 1970. The zero time marks an empty slot of a table.
type entry struct {
	Key
	at uint32
}

// before is the order of tables and runs: by key, then by time.
func (e *entry) before(o *entry) bool {
	if e.hi != o.hi {
		return e.hi < o.hi
	}
	if e.lo != o.lo {
		return e.lo < o.lo
	}
	return e.at < o.at
}

// matches says if e, the first entry not before {key, from}, is a sighting of key between from and to.
func (e *entry) matches(key Key, to uint32) bool {
	return e.Key == key && e.at <= to
}

// seconds is the resolution of every time in the Set. Times before 1970 or after 2106 count as the nearest of those.
func seconds(t time.Time) uint32 {
	return uint32(min(max(t.Unix(), 1), math.MaxUint32))
}

// around returns the first and the last second whose sightings make an event of second at a duplicate.
func around(at uint32, window uint64) (from, to uint32) {
	return uint32(uint64(at) - min(uint64(at), window)), uint32(min(uint64(at)+window, math.MaxUint32))
}
