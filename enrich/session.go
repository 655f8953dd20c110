package enrich

import (
	"encoding/binary"
	"math/bits"
	"strconv"

	"github.com/zeebo/xxh3"

	"github.com/spoorhq/spoor/event"
)

// session cuts what a person does into sessions, where the SDK has not: a session ends with a gap. It is the one step
// with a memory, for whether an event begins a session depends on the person's events before it; so it needs all events
// of a person to come to one pipeline, in about their order.
type session struct {
	sessions *sessions
	memory   *arena
}

func (s session) apply(e *event.Event) error {
	person := e.AnonymousID
	if person == "" {
		person = e.UserID
	}
	if e.SessionID != "" || person == "" {
		return nil
	}
	at := e.Timestamp
	if at == event.NoTime {
		at = e.ReceivedAt
	}
	id := s.sessions.of(personKey(e.Request.Source, person), at, e.ReceivedAt)
	start := len(s.memory.b)
	s.memory.b = appendSessionID(s.memory.b, id)
	e.SessionID = s.memory.since(start)
	return nil
}

// personKey stands for a person in a source. It is never 0.
func personKey(source, person string) uint64 {
	return max(1, xxh3.HashStringSeed(person, xxh3.HashString(source)))
}

// sessionID makes the id of a session from its person and the time of its first event: reading the same events again
// gives the same. It is never 0.
func sessionID(person uint64, start event.Time) uint64 {
	var seed [16]byte
	binary.LittleEndian.PutUint64(seed[:8], person)
	binary.LittleEndian.PutUint64(seed[8:], uint64(start))
	return max(1, xxh3.Hash(seed[:]))
}

// Session ids are written as an s, which tells them from those of SDKs, and 16 hexadecimal digits.
func appendSessionID(dst []byte, id uint64) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, 's')
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, hex[id>>shift&15])
	}
	return dst
}

func parseSessionID(s string) (uint64, bool) {
	if len(s) != 17 || s[0] != 's' {
		return 0, false
	}
	id, err := strconv.ParseUint(s[1:], 16, 64)
	return id, err == nil && id != 0 && string(appendSessionID(nil, id)) == s
}

// sessions is the latest session of each person: a hash table with linear probing, whose slots stand in the order of
// their keys' hash, so that one can be taken out by moving up those behind it.
type sessions struct {
	gap    event.Time
	most   int // people
	slots  []latest
	people int
	// now is the latest time of the door's clock that was seen. Idleness is measured by it, not by events' own times,
	// for a phone may bring last week's events at once.
	now     event.Time
	hand    int // the slot that is looked at next, for eviction or expiry
	evicted uint64
}

// latest is a person's latest session.
type latest struct {
	person      uint64 // 0: the slot is empty
	id          uint64
	first, last event.Time // of its events
	seen        event.Time // sessions.now when an event of the person was last seen
}

const (
	// lateness is how long, by the door's clock, a session is remembered beyond its gap: shards that are read at the
	// same time may be that far apart.
	lateness = 6 * 3600 * 1e6
	minSlots = 64
	// sweepSlots are looked at for expiry at each sweep.
	sweepSlots = 1024
	// evictAmong is how many people the longest idle is chosen from, when room is needed.
	evictAmong = 16
)

func newSessions(gap event.Time, most int) *sessions {
	return &sessions{gap: gap, most: most, now: event.NoTime}
}

// of gives the session of a person's event that happened at and was received at arrived. An event that comes late
// belongs to the session that it is within, or within the gap of, and ends no other. One that is older than that is
// from a session that is no longer remembered: events of one gap's length, counted from 1970, share its id.
func (s *sessions) of(person uint64, at, arrived event.Time) uint64 {
	s.now = max(s.now, arrived)
	l := s.slot(person)
	switch {
	case l.id == 0 || at > l.last+s.gap || l.seen < s.expired():
		l.id, l.first, l.last = sessionID(person, at), at, at
	case at < l.first-s.gap:
		l.seen = s.now
		return sessionID(person, at-at%s.gap)
	default:
		l.first, l.last = min(l.first, at), max(l.last, at)
	}
	l.seen = s.now
	return l.id
}

// seed sets a person's session, unless a later one is known.
func (s *sessions) seed(person, id uint64, first, last event.Time) {
	s.now = max(s.now, last)
	if l := s.slot(person); l.id == 0 || last > l.last {
		l.id, l.first, l.last, l.seen = id, first, last, last
	}
}

// slot finds the slot of a person, or makes one, whose id is 0.
func (s *sessions) slot(person uint64) *latest {
	if i, found := s.find(person); found {
		return &s.slots[i]
	}
	if s.people >= s.most {
		s.evict()
	}
	if s.people*5 >= len(s.slots)*4 {
		s.resize(s.capacity(s.people + 1))
	}
	i, _ := s.find(person)
	s.slots[i] = latest{person: person}
	s.people++
	return &s.slots[i]
}

// capacity is how many slots people need: the most there may ever be, halved as often as leaves a third of them empty.
func (s *sessions) capacity(people int) int {
	slots := max(minSlots, s.most+s.most/4+1)
	for slots/2 >= minSlots && slots/2*2 >= people*3 {
		slots /= 2
	}
	return slots
}

// home is the slot where a person is looked for first.
func (s *sessions) home(person uint64) int {
	high, _ := bits.Mul64(person, uint64(len(s.slots)))
	return int(high)
}

// find gives the slot of a person, or the empty one where the person would be.
func (s *sessions) find(person uint64) (int, bool) {
	if len(s.slots) == 0 {
		return 0, false
	}
	for i := s.home(person); ; i++ {
		if i == len(s.slots) {
			i = 0
		}
		switch s.slots[i].person {
		case person:
			return i, true
		case 0:
			return i, false
		}
	}
}

func (s *sessions) resize(slots int) {
	old := s.slots
	s.slots, s.hand = make([]latest, slots), 0
	for _, l := range old {
		if l.person != 0 {
			i, _ := s.find(l.person)
			s.slots[i] = l
		}
	}
}

// remove empties a slot and moves up those behind it that were kept from their home by it.
func (s *sessions) remove(hole int) {
	n := len(s.slots)
	for i := hole; ; {
		i = (i + 1) % n
		l := s.slots[i]
		if l.person == 0 {
			break
		}
		if distance := (i - s.home(l.person) + n) % n; distance >= (i-hole+n)%n {
			s.slots[hole] = l
			hole = i
		}
	}
	s.slots[hole] = latest{}
	s.people--
}

// evict forgets about the longest idle person: the longest idle of the next few.
func (s *sessions) evict() {
	longest := -1
	for seen := 0; seen < min(evictAmong, s.people); s.hand++ {
		s.hand %= len(s.slots)
		l := &s.slots[s.hand]
		if l.person == 0 {
			continue
		}
		seen++
		if longest < 0 || l.seen < s.slots[longest].seen {
			longest = s.hand
		}
	}
	s.remove(longest)
	s.evicted++
}

// expired is the time that whoever was not seen since is forgotten, whether swept yet or not.
func (s *sessions) expired() event.Time { return s.now - s.gap - lateness }

// sweep forgets people whose sessions have ended, some slots further at each call, and gives memory back once most of
// it is unused.
func (s *sessions) sweep() {
	expired := s.expired()
	for range min(sweepSlots, len(s.slots)) {
		s.hand %= len(s.slots)
		if l := &s.slots[s.hand]; l.person != 0 && l.seen < expired {
			s.remove(s.hand) // another may have come to this slot: look at it again
			continue
		}
		s.hand++
	}
	if len(s.slots) > 4*max(minSlots, s.people) {
		if slots := s.capacity(s.people + 1); slots < len(s.slots)/2 {
			s.resize(slots)
		}
	}
}
