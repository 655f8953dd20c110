package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/spoorhq/spoor/query"
)

// liveMinutes is how far back the live chart reaches; liveNames how many names it lists.
const (
	liveMinutes = 60
	liveNames   = 30
)

// Snapshot is the state of the line, for the live page.
type Snapshot struct {
	Now  time.Time `json:"now"`
	From time.Time `json:"from"` // the first minute
	// CompleteTo: every event accepted before it is in the warehouse. Null until that is known.
	CompleteTo *time.Time       `json:"complete_to"`
	Newest     *time.Time       `json:"newest"` // the newest minute that the warehouse knows; null: there is none
	Minutes    []SnapshotMinute `json:"minutes"`
	Names      []query.LiveName `json:"names"`      // the most frequent
	NameCount  int64            `json:"name_count"` // of all names
	InFlight   SnapshotInFlight `json:"in_flight"`
	Stream     SnapshotStream   `json:"stream"`
	// Seconds counts the events of the last 60 whole seconds, by the second in which the stream took them, newest last.
	Seconds  []int64 `json:"seconds"`
	Seen     int64   `json:"seen"`   // events that have passed on the stream since the server began
	Loaded   int64   `json:"loaded"` // rows of the minutes
	Ready    bool    `json:"ready"`
	NotReady string  `json:"not_ready,omitempty"` // why
}

// SnapshotMinute is one source's minute: what is in the warehouse and what is on its way.
type SnapshotMinute struct {
	query.LiveMinute
	InFlight int64 `json:"in_flight"`
}

// SnapshotInFlight is what is between the door and the warehouse.
type SnapshotInFlight struct {
	Events  int64      `json:"events"`
	Records int        `json:"records"`
	Bytes   int        `json:"bytes"`
	Oldest  *time.Time `json:"oldest"`
}

// SnapshotStream is the stream's size in bytes.
type SnapshotStream struct {
	Used  int64 `json:"used"`
	Limit int64 `json:"limit"`
}

// snapshot draws the minutes from the ledger and from what is in flight, so that a minute's number is the warehouse's
// once it is settled. What is in flight is set against the positions that came with the ledger: no event is in both.
func (d *Dashboard) snapshot(ctx context.Context) (Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	now := time.Now().UTC()
	look := d.options.Watcher.Look()
	live, err := query.AskLive(ctx, d.options.Warehouse, now.Add(-(liveMinutes-1)*time.Minute), liveNames)
	if err != nil {
		return Snapshot{}, err
	}
	flying := look.Beyond(live.Positions[d.options.Watcher.Stream()])
	s := Snapshot{
		Now: now, From: live.From, CompleteTo: known(flying.CompleteTo), Newest: live.Newest,
		Names: live.Names, NameCount: live.NameCount, Minutes: make([]SnapshotMinute, 0, len(live.Minutes)),
		InFlight: SnapshotInFlight{Events: flying.Events, Records: flying.Records, Bytes: flying.Bytes, Oldest: known(flying.Oldest)},
		Seconds:  flying.Seconds, Seen: flying.Seen, Ready: true,
	}
	for _, m := range live.Minutes {
		s.Minutes = append(s.Minutes, SnapshotMinute{LiveMinute: m})
		s.Loaded += m.Loaded
	}
	for _, a := range flying.Accepted {
		s.fly(time.Unix(a.Minute*60, 0).UTC(), a.Source, int64(a.Events))
	}
	if s.Stream.Used, s.Stream.Limit, err = d.options.Pressure(ctx); err != nil {
		return Snapshot{}, fmt.Errorf("asking the stream for its size: %w", err)
	}
	if err := d.options.Ready(); err != nil {
		s.Ready, s.NotReady = false, err.Error()
	}
	return s, nil
}

// fly adds what is in flight to its minute.
func (s *Snapshot) fly(minute time.Time, source string, events int64) {
	if minute.Before(s.From) {
		return
	}
	for i := range s.Minutes {
		if m := &s.Minutes[i]; m.Minute.Equal(minute) && m.Source == source {
			m.InFlight += events
			m.Accepted += events
			return
		}
	}
	s.Minutes = append(s.Minutes, SnapshotMinute{
		LiveMinute: query.LiveMinute{Minute: minute, Source: source, Accepted: events}, InFlight: events,
	})
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (d *Dashboard) live(w http.ResponseWriter, r *http.Request) {
	snapshot, err := d.snapshot(r.Context())
	if err != nil {
		d.failed(w, r, err)
		return
	}
	answer(w, snapshot)
}

// newestMost bounds what newest answers; newestSince is how far back it looks.
const (
	newestMost  = 200
	newestSince = time.Hour
)

// newest answers ?limit=&source=&event= with the rows of the last hour that were received last.
func (d *Dashboard) newest(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit, err := strconv.Atoi(cmp.Or(q.Get("limit"), "50"))
	if err != nil || limit < 1 || limit > newestMost {
		refuse(w, http.StatusBadRequest, codeBadRequest, fmt.Errorf("limit must be a number from 1 to %d; got %q", newestMost, q.Get("limit")))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), d.options.QueryFor)
	defer cancel()
	events, err := query.AskNewest(ctx, d.options.Warehouse, time.Now().UTC().Add(-newestSince), q.Get("source"), q.Get("event"), limit)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	answer(w, events)
}

// liveStream sends a snapshot a second as server-sent events; where one cannot be made, a fault.
func (d *Dashboard) liveStream(w http.ResponseWriter, r *http.Request) {
	snapshots, leave := d.hub.watch()
	defer leave()
	out := newSSE(w)
	for {
		select {
		case m := <-snapshots:
			if out.send(m.name, m.text) != nil || out.flush() != nil {
				return
			}
		case <-d.hub.done:
			return
		case <-r.Context().Done():
			return
		}
	}
}
