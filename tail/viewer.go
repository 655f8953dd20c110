package tail

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spoorhq/spoor/event"
)

// Item is an event as a viewer sees it: as it was accepted, before enrichment.
type Item struct {
	MessageID   string          `json:"message_id"`
	Source      string          `json:"source"`
	Type        string          `json:"type,omitempty"`
	Event       string          `json:"event,omitempty"`
	UserID      string          `json:"user_id,omitempty"`
	AnonymousID string          `json:"anonymous_id,omitempty"`
	ReceivedAt  time.Time       `json:"received_at"`
	Timestamp   *time.Time      `json:"original_timestamp,omitempty"`
	Protocol    string          `json:"protocol,omitempty"`
	Refused     event.Reason    `json:"refused,omitempty"` // why it will be a dead letter
	Detail      string          `json:"detail,omitempty"`
	Properties  json.RawMessage `json:"properties,omitempty"`
	Traits      json.RawMessage `json:"traits,omitempty"`
	Context     json.RawMessage `json:"context,omitempty"`
	Raw         string          `json:"raw,omitempty"` // of a refused event, up to event.MaxEventBytes of it
}

// Filter chooses events; an empty field lets all through.
type Filter struct {
	Sources, Types, Events []string
	Person                 string // a user id or an anonymous id
	Text                   string // anywhere in the event, whatever its case
	Refused                bool   // only events that will be dead letters
}

func (f *Filter) match(e *event.Event, v event.Verdict) bool {
	in := func(want []string, have string) bool { return len(want) == 0 || slices.Contains(want, have) }
	if !in(f.Sources, e.Request.Source) || !in(f.Types, e.Type) || !in(f.Events, e.Name) || (f.Refused && v.OK()) {
		return false
	}
	if f.Person != "" && f.Person != e.UserID && f.Person != e.AnonymousID {
		return false
	}
	return f.Text == "" || strings.Contains(strings.ToLower(string(e.Raw)), f.Text)
}

// Viewer is one who looks. Its channel gives the events that pass the filter, in the order of each shard.
type Viewer struct {
	C       <-chan Item
	c       chan Item
	filter  Filter
	missed  atomic.Int64
	watcher *Watcher

	// A sampling viewer may have as many events a second as it asked for, all of them at once or one by one.
	sample  float64 // 0: all events
	mu      sync.Mutex
	allowed float64 // events, as of at
	at      time.Time
}

// View begins to look. sample > 0 shows at most that many events a second and does not call the rest missed; buffer
// is how many events may wait. Close ends it.
func (w *Watcher) View(filter Filter, sample, buffer int) *Viewer {
	filter.Text = strings.ToLower(filter.Text)
	c := make(chan Item, max(buffer, 1))
	v := &Viewer{C: c, c: c, filter: filter, watcher: w, sample: float64(sample), allowed: float64(sample), at: time.Now()}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.viewers[v] = struct{}{}
	return v
}

// Viewers gives how many look.
func (w *Watcher) Viewers() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.viewers)
}

// Missed gives how many events the viewer was too slow for since it was last asked.
func (v *Viewer) Missed() int64 { return v.missed.Swap(0) }

// Close ends the looking. C stays open, and gives nothing more.
func (v *Viewer) Close() {
	v.watcher.mu.Lock()
	defer v.watcher.mu.Unlock()
	delete(v.watcher.viewers, v)
}

// hungry tells whether the viewer may have an event now.
func (v *Viewer) hungry(now time.Time) bool {
	if v.sample == 0 {
		return true
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if gone := now.Sub(v.at).Seconds(); gone > 0 {
		v.allowed, v.at = min(v.sample, v.allowed+gone*v.sample), now
	}
	return v.allowed >= 1
}

// give hands over an event, or counts it as missed.
func (v *Viewer) give(item Item) {
	select {
	case v.c <- item:
	default:
		if v.sample == 0 {
			v.missed.Add(1)
		}
	}
	if v.sample > 0 {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.allowed--
	}
}

// show decodes a record for those who look. It gives the number of events in it when count is set; else it ends as
// soon as nobody would take another.
func show(data []byte, origin event.Origin, decoder *event.RecordReader, viewers []*Viewer, count bool) int {
	now := time.Now()
	if err := decoder.Open(data, origin); err != nil {
		e := event.Event{
			Raw: data, Request: &event.Request{Source: origin.Source, ReceivedAt: origin.Time},
			ReceivedAt: origin.Time, OriginalTimestamp: event.NoTime,
		}
		offer(viewers, &e, event.Verdict{Reason: event.UnreadableRecord, Detail: err.Error()}, now)
		return 1
	}
	var e event.Event
	hungry := func(v *Viewer) bool { return v.hungry(now) }
	for n := 0; count || slices.ContainsFunc(viewers, hungry); n++ {
		verdict, ok := decoder.Next(&e)
		if !ok {
			return n
		}
		offer(viewers, &e, verdict, now)
	}
	return 0
}

func offer(viewers []*Viewer, e *event.Event, verdict event.Verdict, now time.Time) {
	var item Item
	made := false
	for _, v := range viewers {
		if !v.hungry(now) || !v.filter.match(e, verdict) {
			continue
		}
		if !made {
			item, made = itemOf(e, verdict), true
		}
		v.give(item)
	}
}

// itemOf copies an event, whose memory is the record's.
func itemOf(e *event.Event, v event.Verdict) Item {
	item := Item{
		MessageID: strings.Clone(e.MessageID), Source: strings.Clone(e.Request.Source), Type: strings.Clone(e.Type),
		Event: strings.Clone(e.Name), UserID: strings.Clone(e.UserID), AnonymousID: strings.Clone(e.AnonymousID),
		ReceivedAt: event.GoTime(e.ReceivedAt), Protocol: e.Request.Protocol, Refused: v.Reason, Detail: v.Detail,
		Properties: slices.Clone(json.RawMessage(e.Properties)), Traits: slices.Clone(json.RawMessage(e.Traits)),
		Context: slices.Clone(json.RawMessage(e.Context)),
	}
	if e.OriginalTimestamp != event.NoTime {
		t := event.GoTime(e.OriginalTimestamp)
		item.Timestamp = &t
	}
	if !v.OK() {
		item.Raw = strings.ToValidUTF8(string(e.Raw[:min(len(e.Raw), event.MaxEventBytes)]), "\uFFFD")
	}
	return item
}
