// Package enrich adds to each event what follows from the event and its request: whose address and user agent these
// are, when it happened, on what, where, brought by what, in which session; and it takes away what privacy asks for.
//
// It is a list of named steps, each a pure function of the event but one: session remembers when each person was last
// seen. Enrichment comes after the stream, so that it can be run again, better, on the same records.
package enrich

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spoorhq/spoor/event"
)

// Options are the choices that a user has. The zero value is the default of each.
type Options struct {
	// GeoFile is a file in MaxMind's format with countries or cities. Empty: events get no place.
	GeoFile string
	// SessionGap is how long a person must be quiet for the next event to begin a session: 1s or more. 0: 30m.
	SessionGap time.Duration
	// SessionPeople is how many people's sessions are remembered; beyond it the longest idle are forgotten. A
	// million, which 0 stands for, is 50 MB, if that many come.
	SessionPeople int
	// IP is what is kept of addresses. Empty: TruncateIP.
	IP IPPolicy
}

// Pipeline is the list of steps. It is for one goroutine, and reads the stream forwards: a loader that goes back in it
// makes a new pipeline and seeds it, for this one knows sessions that are yet to come.
type Pipeline struct {
	steps    []step
	stats    []StepStats
	applied  uint64
	sampled  uint64
	memory   *arena
	sessions *sessions
	// addresses holds the geo file.
	addresses *addresses
	policy    IPPolicy
}

// step is one named change. An error, or a panic, leaves the event as far as the step has come.
type step struct {
	name  string
	apply func(*event.Event) error
}

// Stats is what the steps have done since New.
type Stats struct {
	Sampled uint64 // events that were timed, one in 1024
	Steps   []StepStats
	People  int    // whose sessions are remembered
	Evicted uint64 // people forgotten for want of room, who may see one session cut in two
}

// StepStats is what one step has done since New.
type StepStats struct {
	Step   string
	Failed uint64        // events that the step failed on
	First  error         // the first of these failures, a panic with its stack; nil: none
	Time   time.Duration // spent on the sampled events
}

// New makes a pipeline, which the caller closes.
func New(o Options) (*Pipeline, error) {
	if o.SessionGap == 0 {
		o.SessionGap = 30 * time.Minute
	}
	if o.SessionGap < time.Second || o.SessionGap > 365*24*time.Hour {
		return nil, fmt.Errorf("session gap must be between 1s and a year; got %v", o.SessionGap)
	}
	if o.SessionPeople == 0 {
		o.SessionPeople = 1_000_000
	}
	if o.SessionPeople < 1 || o.SessionPeople > 1_000_000_000 {
		return nil, fmt.Errorf("session people must be between 1 and 1000000000; got %d", o.SessionPeople)
	}
	if o.IP == "" {
		o.IP = TruncateIP
	}
	if !slices.Contains([]IPPolicy{TruncateIP, DropIP, KeepIP}, o.IP) {
		return nil, fmt.Errorf("ip must be %s, %s or %s; got %q", TruncateIP, DropIP, KeepIP, o.IP)
	}
	addresses, err := openAddresses(o.GeoFile)
	if err != nil {
		return nil, err
	}
	memory := &arena{}
	sessions := newSessions(o.SessionGap.Microseconds(), o.SessionPeople)
	libraries := newCache(256, 128, classify)
	agents := newCache(5_000, 512, parseAgent)
	p := newPipeline(memory, sessions, addresses, []step{
		{"client", client{libraries}.apply},
		{"clock", clock},
		{"useragent", userAgent{agents, libraries}.apply},
		{"bot", bot{agents}.apply},
		{"page", page{memory}.apply},
		{"campaign", campaign{memory}.apply},
		{"referrer", newReferrers(memory).apply},
		{"geo", addresses.geo},
		{"session", session{sessions, memory}.apply},
		{"privacy", privacy{o.IP, addresses, memory}.apply},
	})
	p.policy = o.IP
	return p, nil
}

func newPipeline(memory *arena, sessions *sessions, addresses *addresses, steps []step) *Pipeline {
	p := &Pipeline{steps: steps, stats: make([]StepStats, len(steps)), memory: memory, sessions: sessions, addresses: addresses}
	for i, s := range steps {
		p.stats[i].Step = s.name
	}
	return p
}

// sampleEvery is how many events are applied for one that is timed, step by step.
const sampleEvery = 1024

// Apply takes an event that can be loaded through all steps. A step that fails costs the event nothing but what the
// step would have added: it is marked "<step>:failed", counted, and goes on with the next step. What the event gets
// holds until Reset.
func (p *Pipeline) Apply(e *event.Event) {
	timed := p.applied%sampleEvery == 0
	p.applied++
	if timed {
		p.sampled++
	}
	for next := 0; next < len(p.steps); {
		next = p.run(e, next, timed)
	}
}

// run applies the steps from the given one on, and tells with which one to go on: one recover for all of them, and
// another only behind a step that panicked.
func (p *Pipeline) run(e *event.Event, from int, timed bool) (next int) {
	next = from
	defer func() {
		if r := recover(); r != nil {
			p.fail(e, next, func() error { return fmt.Errorf("panic: %v\n%s", r, debug.Stack()) })
			next++
		}
	}()
	var start time.Time
	for ; next < len(p.steps); next++ {
		if timed {
			start = time.Now()
		}
		if err := p.steps[next].apply(e); err != nil {
			p.fail(e, next, func() error { return err })
		}
		if timed {
			p.stats[next].Time += time.Since(start)
		}
	}
	return next
}

func (p *Pipeline) fail(e *event.Event, at int, reason func() error) {
	s := &p.stats[at]
	s.Failed++
	if s.First == nil {
		s.First = reason()
	}
	mark(e, s.Step+":failed")
}

// Reset ends the life of what Apply gave to earlier events, so that its memory is used again. It is called once a
// record, beside RecordReader.Open, which ends the life of the events' other strings.
func (p *Pipeline) Reset() {
	p.memory.reset()
	p.sessions.sweep()
}

// Seed tells of a session that was cut before this pipeline began: what the warehouse says of one session id of one
// person (anonymous_id, else user_id) in one source, with its first and its last timestamp. Seeded with the sessions
// of the last SeedWindow, a pipeline cuts what follows as the one that loaded those rows would have. Of several
// sessions of a person the last one counts, whatever their order; ids that an SDK gave are passed over.
func (p *Pipeline) Seed(source, person, sessionID string, first, last event.Time) {
	if id, ok := parseSessionID(sessionID); ok {
		p.sessions.seed(personKey(source, person), id, first, last)
	}
}

// SeedWindow is how far back from the latest row a session is still remembered.
func (p *Pipeline) SeedWindow() time.Duration {
	return time.Duration(p.sessions.gap+lateness) * time.Microsecond
}

// Address gives what the policy keeps of a client's address: for what is stored of an event that cannot go through
// Apply.
func (p *Pipeline) Address(ip string) string {
	if p.policy == KeepIP {
		return ip
	}
	return privacy{p.policy, p.addresses, p.memory}.reduce(ip)
}

// Stats tells what became of the events so far. It is called in the goroutine of Apply, once a batch at most.
func (p *Pipeline) Stats() Stats {
	return Stats{Sampled: p.sampled, Steps: slices.Clone(p.stats), People: p.sessions.people, Evicted: p.sessions.evicted}
}

// Close releases the geo file.
func (p *Pipeline) Close() error { return p.addresses.close() }

// mark marks an event once, however often it is enriched.
func mark(e *event.Event, name string) {
	if !strings.Contains(e.Marks(), name) {
		e.Mark(name)
	}
}
