package tail

import (
	"slices"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/stream"
)

// InFlight is what has been accepted and is not in the warehouse.
type InFlight struct {
	Records  int
	Bytes    int // of the records, as they stand in the stream
	Events   int64
	Accepted []event.Accepted // by source and minute
	// Oldest is when the stream took the oldest of them; zero when there is none.
	Oldest time.Time
	// CompleteTo: everything that the stream took before it is in the warehouse. Zero until that is known.
	CompleteTo time.Time
	// Seen counts the events that have passed since the watcher began, those that it found in flight included.
	Seen int64
	// Seconds counts the events by the second in which the stream took them: the last 60 whole seconds, the newest last.
	Seconds []int64
}

// shard is what is known of one shard in a session. The watcher's mutex guards it.
type shard struct {
	id      stream.ShardID
	flights []flight // in the shard's order
	// read: all that the stream took before it has been read.
	read    time.Time
	waiting time.Time // since when the reader waits for more; zero: it does not
	ended   bool      // there will be no more
}

// flight is a record on its way to the warehouse, or neighbours that are taken for one.
type flight struct {
	position stream.Position // the last one's
	time     time.Time       // when the stream took the first
	accepted []event.Accepted
	records  int
	bytes    int
}

// settled is how long a reader must have waited in vain to be held for up to date.
const settled = 500 * time.Millisecond

// readTo gives the time up to which the shard has been read.
func (s *shard) readTo(now time.Time) time.Time {
	if !s.waiting.IsZero() && now.Sub(s.waiting) >= settled {
		return now.Add(-settled)
	}
	return s.read
}

func (w *Watcher) wait(s *shard, since time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if since.IsZero() {
		s.read = s.readTo(time.Now())
	}
	s.waiting = since
}

func (w *Watcher) end(s *shard) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.ended = true
}

// note keeps a record that has passed.
func (w *Watcher) note(s *shard, f flight, fresh bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f.time.After(s.read) {
		s.read = f.time
	}
	if fresh {
		w.counted[s.id] = f.position
		n := int64(0)
		for _, a := range f.accepted {
			n += int64(a.Events)
		}
		w.seen += n
		w.pulse.add(f.time, n, time.Now())
	}
	if w.order != nil {
		s.flights = thin(append(s.flights, f))
	}
}

// land takes out what the warehouse has.
func (w *Watcher) land(positions map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, s := range w.shards {
		n := landed(w.order, s.flights, positions[string(id)])
		s.flights = slices.Delete(s.flights, 0, n)
	}
}

// landed counts the flights up to a position.
func landed(order stream.Orderer, flights []flight, position string) int {
	n := 0
	for n < len(flights) && order.Compare(flights[n].position, stream.Position(position)) <= 0 {
		n++
	}
	return n
}

// Look is what a watcher knew at one moment.
type Look struct {
	order  stream.Orderer
	now    time.Time
	shards []shard
	rest   InFlight // what does not depend on positions
}

// Look keeps what is known now, to be set against the positions that a later question to the warehouse gives: then
// no event is counted as both in flight and loaded, or as neither.
func (w *Watcher) Look() *Look {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := &Look{order: w.order, now: time.Now()}
	l.rest = InFlight{Seen: w.seen, Seconds: w.pulse.last(l.now)}
	for _, s := range w.shards {
		kept := *s
		kept.flights = slices.Clone(s.flights)
		l.shards = append(l.shards, kept)
	}
	return l
}

// InFlight tells what is between the door and the warehouse now, by the positions that were asked for last.
func (w *Watcher) InFlight() InFlight { return w.Look().Beyond(nil) }

// Beyond tells what is in flight when the warehouse stands at the positions.
func (l *Look) Beyond(positions map[string]string) InFlight {
	out := l.rest
	complete, known := l.now, l.order != nil && len(l.shards) > 0
	for _, s := range l.shards {
		flights := s.flights[landed(l.order, s.flights, positions[string(s.id)]):]
		for _, f := range flights {
			out.Records += f.records
			out.Bytes += f.bytes
			for _, a := range f.accepted {
				out.Events += int64(a.Events)
			}
			out.Accepted = event.AddAccepted(out.Accepted, f.accepted...)
		}
		to := s.readTo(l.now)
		switch {
		case len(flights) > 0:
			to = flights[0].time
			if out.Oldest.IsZero() || to.Before(out.Oldest) {
				out.Oldest = to
			}
		case s.ended:
			continue
		}
		known = known && !to.IsZero()
		if to.Before(complete) {
			complete = to
		}
	}
	if known {
		out.CompleteTo = complete
	}
	return out
}

// maxFlights bounds what is remembered of a shard's backlog record by record.
const maxFlights = 8192

// thin joins neighbours where there are too many: they land together then.
func thin(flights []flight) []flight {
	if len(flights) <= maxFlights {
		return flights
	}
	kept := flights[:0]
	for i := 0; i+1 < len(flights); i += 2 {
		a, b := flights[i], flights[i+1]
		a.position = b.position
		a.bytes += b.bytes
		a.records += b.records
		a.accepted = event.AddAccepted(slices.Clone(a.accepted), b.accepted...)
		kept = append(kept, a)
	}
	if len(flights)%2 == 1 {
		kept = append(kept, flights[len(flights)-1])
	}
	return kept
}

// pulse counts events by second.
type pulse struct {
	counts [pulseSeconds]int64
	newest int64 // Unix seconds; what is older by pulseSeconds or more is forgotten
}

const (
	pulseSeconds = 64 // kept
	pulseShown   = 60
)

// add counts n events at a time; a time ahead of now, by the stream's clock, is now.
func (p *pulse) add(at time.Time, n int64, now time.Time) {
	second := min(at.Unix(), now.Unix())
	p.turn(second)
	if second > p.newest-pulseSeconds {
		p.counts[second%pulseSeconds] += n
	}
}

// turn makes room for seconds up to the one given.
func (p *pulse) turn(second int64) {
	if second-p.newest >= pulseSeconds {
		p.newest = second - pulseSeconds
	}
	for p.newest < second {
		p.newest++
		p.counts[p.newest%pulseSeconds] = 0
	}
}

// last gives the whole seconds before now.
func (p *pulse) last(now time.Time) []int64 {
	p.turn(now.Unix())
	out := make([]int64, pulseShown)
	for i := range out {
		second := now.Unix() - pulseShown + int64(i)
		if second > p.newest-pulseSeconds {
			out[i] = p.counts[second%pulseSeconds]
		}
	}
	return out
}
