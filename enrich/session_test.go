package enrich

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/zeebo/xxh3"

	"github.com/spoorhq/spoor/event"
)

const minute = 60 * 1e6

// call is one event of the session tests.
type call struct {
	source, anonymous, user string
	at                      event.Time // minutes after noon
	arrived                 event.Time // the same; 0: at
}

func (c call) event(t testing.TB) *event.Event {
	start := instant(t, noon)
	if c.arrived == 0 {
		c.arrived = c.at
	}
	return &event.Event{Request: &event.Request{Source: c.source}, AnonymousID: c.anonymous, UserID: c.user,
		Timestamp: start + c.at*minute, ReceivedAt: start + c.arrived*minute}
}

func TestSession(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		calls []call
		want  string // equal letters, equal sessions
	}{
		{"a gap ends it", []call{{at: 0}, {at: 30}, {at: 60}, {at: 91}, {at: 92}}, "AAABB"},
		{"late, within it", []call{{at: 0}, {at: 20}, {at: 40}, {at: 5, arrived: 41}, {at: 70, arrived: 70}}, "AAAAA"},
		{"late does not move it back", []call{{at: 40}, {at: 15, arrived: 41}, {at: 70}}, "AAA"},
		{"late after late", []call{{at: 60}, {at: 40, arrived: 61}, {at: 15, arrived: 61}}, "AAA"},
		{"late ends no other", []call{{at: 1}, {at: 100}, {at: 10, arrived: 101}, {at: 11, arrived: 101}, {at: 102}}, "ABCCB"},
		{"an old batch has its own", []call{{at: 0}, {at: -5000, arrived: 1}, {at: -4999, arrived: 1}, {at: -4000, arrived: 1}, {at: 5}}, "ABBCA"},
		{"an old batch first", []call{{at: -5000, arrived: 1}, {at: -4990, arrived: 1}, {at: 1}}, "AAB"},
		{"sources are apart", []call{{source: "web", at: 0}, {source: "app", at: 1}, {source: "web", at: 2}}, "ABA"},
		{"people are apart", []call{{anonymous: "x", at: 0}, {anonymous: "y", at: 1}, {anonymous: "x", at: 2}}, "ABA"},
		{"a login goes on", []call{{anonymous: "x", at: 0}, {anonymous: "x", user: "u", at: 1}}, "AA"},
		{"server alone", []call{{user: "u", at: 0}, {user: "u", at: 1}, {user: "u", at: 60}}, "AAB"},
		{"forgotten by the door's clock", []call{{anonymous: "x", at: 0}, {anonymous: "y", at: 10000}, {anonymous: "x", at: 20, arrived: 10001}}, "ABC"},
	} {
		s := session{newSessions(30*minute, 1000), &arena{}}
		ids := map[string]byte{}
		have := ""
		for _, c := range test.calls {
			if c.anonymous == "" && c.user == "" {
				c.anonymous = "a"
			}
			e := c.event(t)
			if err := s.apply(e); err != nil {
				t.Error(err)
			}
			if ids[e.SessionID] == 0 {
				ids[e.SessionID] = byte('A' + len(ids))
			}
			have += string(ids[e.SessionID])
		}
		if have != test.want {
			t.Errorf("%s: want %s; have %s", test.name, test.want, have)
		}
	}

	given := call{anonymous: "a"}.event(t)
	given.SessionID = "1795394457896"
	s := session{newSessions(30*minute, 1000), &arena{}}
	if err := s.apply(given); err != nil || given.SessionID != "1795394457896" || s.sessions.people != 0 {
		t.Errorf("want the SDK's session left alone; have %s, %d people, %v", given.SessionID, s.sessions.people, err)
	}
	untimed := call{anonymous: "a"}.event(t)
	timed := *untimed
	untimed.Timestamp = event.NoTime
	for _, e := range []*event.Event{untimed, &timed} {
		if err := s.apply(e); err != nil {
			t.Error(err)
		}
	}
	if untimed.SessionID != timed.SessionID {
		t.Errorf("want an event without a time to count as when it came; have %s and %s", untimed.SessionID, timed.SessionID)
	}
}

// TestSessionIDsStay: ids are in the warehouse; another way to make them would cut every session that is open.
func TestSessionIDsStay(t *testing.T) {
	t.Parallel()
	e := call{source: "web", anonymous: "a1"}.event(t)
	s := session{newSessions(30*minute, 1), &arena{}}
	if err := s.apply(e); err != nil {
		t.Fatal(err)
	}
	if want := "sb40e3595c8ce33f6"; e.SessionID != want {
		t.Errorf("want %s; have %s", want, e.SessionID)
	}
	for _, id := range []string{"", "s", "s00112233445566zz", "s00112233445566AA", "x0011223344556677", "s0000000000000000", "1795394457896", "s+011223344556677"} {
		if _, ok := parseSessionID(id); ok {
			t.Errorf("%q cannot be one of ours", id)
		}
	}
}

// randomCalls are the events of some people over some days, mostly in order, some late, some forgotten meanwhile.
func randomCalls(seed uint64, n int) []call {
	r := rand.New(rand.NewPCG(seed, 1))
	calls := make([]call, n)
	arrived := event.Time(1)
	for i := range calls {
		arrived += event.Time(r.IntN(3))
		if r.IntN(50) == 0 {
			arrived += event.Time(r.IntN(100))
		}
		c := call{source: []string{"web", "app"}[r.IntN(2)], anonymous: fmt.Sprint("a", r.IntN(20)), at: arrived, arrived: arrived}
		if r.IntN(5) == 0 {
			c.at -= event.Time(r.IntN(90))
		}
		calls[i] = c
	}
	return calls
}

// TestSeed: a pipeline that is told what the rows so far say goes on as the one that made them.
func TestSeed(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		calls := randomCalls(seed, 2000)
		for crash := range 4 {
			crash = 1 + crash*600
			type key struct{ source, person, session string }
			rows := map[key][2]event.Time{}
			first := open(t, Options{})
			for _, c := range calls[:crash] {
				e := c.event(t)
				first.Apply(e)
				k := key{c.source, c.anonymous, string([]byte(e.SessionID))}
				r, found := rows[k]
				if !found {
					r = [2]event.Time{e.Timestamp, e.Timestamp}
				}
				rows[k] = [2]event.Time{min(r[0], e.Timestamp), max(r[1], e.Timestamp)}
			}
			second := open(t, Options{})
			latest := calls[crash-1].event(t).ReceivedAt
			for k, r := range rows { // in any order
				second.Seed(k.source, k.person, "1795394457896", r[0], r[1]+1) // an SDK's, which is none of ours
				if r[1] >= latest-second.SeedWindow().Microseconds() {
					second.Seed(k.source, k.person, k.session, r[0], r[1])
				}
			}
			for i, c := range calls[crash:] {
				want, have := c.event(t), c.event(t)
				first.Apply(want)
				second.Apply(have)
				if want.SessionID != have.SessionID {
					t.Fatalf("seed %d, crash at %d, event %d: want %s; have %s", seed, crash, i, want.SessionID, have.SessionID)
				}
			}
		}
	}
}

// TestSessionsAgainstMap compares the table, while it grows, shrinks, sweeps and removes, with a map that does nothing of
// the kind.
func TestSessionsAgainstMap(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	table, plain := newSessions(minute, 1_000_000), map[uint64]latest{}
	now := event.Time(0)
	for i := range 120_000 {
		crowd := 20_000
		if i > 80_000 {
			crowd = 30
		}
		now += event.Time(r.IntN(minute))
		// Some of the people are at home in the last slots, so that they stand in each other's way and around the end.
		person := xxh3.HashString(fmt.Sprint(r.IntN(crowd)))
		if person%128 == 0 {
			person |= 0xFFFF << 48
		}
		l, known := plain[person]
		if known && l.seen < now-minute-lateness {
			known = false
		}
		if !known || now > l.last+minute {
			l = latest{person: person, id: sessionID(person, now), first: now}
		}
		l.last, l.seen = now, now
		plain[person] = l
		if have := table.of(person, now, now); have != l.id {
			t.Fatalf("event %d: want %x; have %x", i, l.id, have)
		}
		if i%100 == 0 {
			table.sweep()
		}
	}
	kept := 0
	for person, want := range plain {
		i, found := table.find(person)
		if found {
			kept++
			if table.slots[i] != want {
				t.Errorf("want %+v; have %+v", want, table.slots[i])
			}
		} else if want.seen >= table.expired() {
			t.Errorf("person %x is forgotten", person)
		}
	}
	if kept != table.people {
		t.Errorf("want %d people; have %d", kept, table.people)
	}
	for range 2000 {
		table.sweep()
	}
	if table.people > 30 || len(table.slots) > 4*minSlots {
		t.Errorf("want the crowd forgotten and its memory given back; have %d people in %d slots", table.people, len(table.slots))
	}
}

func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 2, 3, 50, 51, 52, 100, 1000, 4321} {
		s := newSessions(30*minute, most)
		for i := range 5 * most {
			now := event.Time(i) * 1000
			s.of(personKey("web", fmt.Sprint(i)), now, now)
			// One who comes by all the time stays.
			s.of(1, now, now)
			if s.people > most || len(s.slots) > max(minSlots, most+most/4+1) {
				t.Fatalf("want %d people at most; have %d in %d slots", most, s.people, len(s.slots))
			}
		}
		if s.people != most || s.evicted == 0 {
			t.Errorf("want %d people and some evicted; have %d, %d", most, s.people, s.evicted)
		}
		if i, found := s.find(1); most >= 50 && (!found || s.slots[i].first != 0) {
			t.Errorf("of %d, the busiest person was forgotten", most)
		}
	}
	full := newSessions(30*minute, 1_000_000)
	if bytes := full.capacity(1_000_000) * int(unsafe.Sizeof(latest{})); bytes > 64<<20 {
		t.Errorf("want 64 MB at most for a million people; have %d", bytes)
	}
	full.of(1, 0, 0)
	if bytes := len(full.slots) * int(unsafe.Sizeof(latest{})); bytes > 8<<10 {
		t.Errorf("want a few KB for one person; have %d", bytes)
	}
}

func TestResetForgetsWhoIsGone(t *testing.T) {
	t.Parallel()
	p := open(t, Options{})
	p.Apply(call{anonymous: "gone", at: 0}.event(t))
	p.Apply(call{anonymous: "here", at: 24 * 60}.event(t))
	if have := p.Stats().People; have != 2 {
		t.Errorf("want 2 people; have %d", have)
	}
	p.Reset()
	if have := p.Stats().People; have != 1 {
		t.Errorf("want 1 person; have %d", have)
	}
}

func TestSeedWindow(t *testing.T) {
	t.Parallel()
	if want, have := 6*time.Hour+time.Minute, open(t, Options{SessionGap: time.Minute}).SeedWindow(); have != want {
		t.Errorf("want %v; have %v", want, have)
	}
}
