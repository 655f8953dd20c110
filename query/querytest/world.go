// Package querytest holds every warehouse to the same answers: it makes small random worlds of people and events, asks
// random questions about them, and compares what the warehouse says with an oracle, which computes the answer in the
// slowest and plainest way that there is.
package querytest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// World is what happened: events, and what is known of people.
type World struct {
	Events     []event.Event
	Identities map[string]string            // anonymous id → user id
	Traits     map[string]map[string]string // user id → trait → its JSON
	Now        time.Time

	loads int
}

// The world's vocabulary is small, so that what questions ask for is there.
func eventNames() []string { return []string{"Search", "Buy", "Sign Up", "it's \"odd\"", "Ü"} }
func users() []string      { return []string{"u1", "u2", "u3", "u4", "u5", "a7"} }
func devices() []string {
	return []string{"a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "u3"}
}
func countries() []string { return []string{"", "DE", "FR", "US", "de"} }

// zones have changes of clocks around the world's time, at midnight too, by half an hour too, and none.
func zones() []string {
	return []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana", "Africa/Cairo", "America/Santiago", "Atlantic/Azores"}
}

// values are what a property may be, as JSON: numbers, texts, and what does not belong.
func values() []string {
	return []string{
		`1`, `2`, `3`, `10`, `-4`, `2.5`, `0.25`, `0`, `"1"`, `"10"`, `"red"`, `"Red"`, `"green"`, `"dark green"`, `""`, `"ÜBER"`, `"a.b*c"`, `"line\nbreak"`,
		`true`, `false`, `null`, `[1,2]`, `["red"]`, `{"red":1}`, `{}`, `4294967297`,
	}
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// begin is some day before which no world's events lie by much; clocks change around it in all of zones.
func begins() []time.Time {
	return []time.Time{
		time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 23, 0, 0, 0, 0, time.UTC), time.Date(2026, 4, 3, 0, 0, 0, 0, time.UTC),
		time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 26, 0, 0, 0, 0, time.UTC), time.Date(2027, 12, 30, 0, 0, 0, 0, time.UTC),
	}
}

// NewWorld makes a world of n events over some days or hours.
func NewWorld(r *rand.Rand, n int) *World {
	w := &World{Identities: map[string]string{}, Traits: map[string]map[string]string{}}
	begin := pick(r, begins())
	span := pick(r, []time.Duration{4 * time.Hour, 50 * time.Hour, 9 * 24 * time.Hour, 70 * 24 * time.Hour})
	w.Now = begin.Add(span).Add(time.Duration(r.IntN(3600)) * time.Second)
	seen := map[string]time.Time{}
	for i := range n {
		e := w.event(r, fmt.Sprintf("m%04d", i), begin, span)
		w.Events = append(w.Events, e)
		if identifies(&e) {
			// The last user of a device is whose it is; of two at the same moment, the greater name.
			when, who := event.GoTime(e.Timestamp), w.Identities[e.AnonymousID]
			if last, ok := seen[e.AnonymousID]; !ok || when.After(last) || when.Equal(last) && e.UserID > who {
				seen[e.AnonymousID], w.Identities[e.AnonymousID] = when, e.UserID
			}
		}
	}
	for _, u := range users() {
		if r.IntN(4) > 0 {
			w.Traits[u] = map[string]string{"plan": pick(r, []string{`"free"`, `"pro"`, `"pro"`, `7`}), "seats": pick(r, values())}
			if r.IntN(2) == 0 {
				w.Traits[u]["email"] = `"` + u + `@example.com"`
			} else {
				w.Traits[u]["name"] = pick(r, []string{`"Ümit"`, `"Ada"`, `12`})
			}
		}
	}
	return w
}

func (w *World) event(r *rand.Rand, id string, begin time.Time, span time.Duration) event.Event {
	happened := begin.Add(time.Duration(r.Int64N(int64(span))))
	var twin *event.Event // the same of the same person, but for what else is known of it
	switch r.IntN(9) {    // many things happen on the hour, or at midnight somewhere
	case 6, 7, 8:
		// Or as something else did: at its moment, or as much later as funnels, paths and rolling periods wait.
		if n := len(w.Events); n > 0 {
			later := pick(r, []time.Duration{0, 0, time.Minute, 30 * time.Minute, time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}) * time.Duration(1+r.IntN(3))
			other := w.Events[r.IntN(n)]
			if happened = event.GoTime(other.Timestamp).Add(later); later == 0 && r.IntN(2) == 0 {
				twin = &other
			}
		}
	case 0:
		happened = happened.Truncate(time.Hour)
	case 1, 2:
		zone, err := time.LoadLocation(pick(r, zones()))
		if err != nil {
			panic(err)
		}
		y, m, d := happened.In(zone).Date()
		happened = time.Date(y, m, d, 0, 0, 0, 0, zone).Add(time.Duration(r.IntN(3)-1) * time.Microsecond)
	case 4: // or within an hour of where clocks change
		zone, err := time.LoadLocation(pick(r, zones()))
		if err != nil {
			panic(err)
		}
		if changed, _ := begin.Add(span).In(zone).ZoneBounds(); changed.After(begin) {
			happened = changed.Add(time.Duration(r.IntN(120)-60) * time.Minute)
		}
	case 3:
		happened = happened.Truncate(30 * time.Minute).Add(time.Duration(r.IntN(3)-1) * time.Microsecond)
	}
	received := happened.Add(time.Duration(r.IntN(2000)) * time.Millisecond)
	if r.IntN(10) == 0 { // late
		received = happened.Add(time.Duration(r.IntN(72)) * time.Hour)
	}
	e := event.Event{
		Request: &event.Request{Source: pick(r, []string{"web", "app"}), Protocol: "segment"}, MessageID: id, Type: event.TypeTrack, Name: pick(r, eventNames()),
		Timestamp: event.TimeOf(happened), ReceivedAt: event.TimeOf(received), OriginalTimestamp: event.NoTime, SentAt: event.NoTime,
	}
	switch r.IntN(8) {
	case 0:
		e.Type, e.Name = event.TypePage, pick(r, []string{"", "Home", "Search"})
	case 1:
		e.Type, e.Name = event.TypeIdentify, ""
	}
	switch r.IntN(10) {
	case 0, 1, 2, 3, 4:
		e.AnonymousID = pick(r, devices())
	case 5, 6, 7:
		e.UserID = pick(r, users())
	default:
		e.AnonymousID, e.UserID = pick(r, devices()), pick(r, users())
	}
	if r.IntN(5) > 0 {
		e.SessionID = pick(r, []string{"s1", "s2", "s3"})
	}
	e.Geo.Country = pick(r, countries())
	e.Screen.Width = int32(pick(r, []int{0, 390, 1440, 1440}))
	e.IsBot = r.IntN(10) == 0
	if twin != nil {
		e.Request, e.Type, e.Name, e.UserID, e.AnonymousID, e.SessionID = twin.Request, twin.Type, twin.Name, twin.UserID, twin.AnonymousID, twin.SessionID
	}
	e.Properties = properties(r)
	if r.IntN(4) == 0 {
		e.Context = []byte(`{"os":{"name":` + pick(r, []string{`"iOS"`, `"Android"`}) + `}}`)
	}
	return e
}

// identifies tells whether an event makes a device a user's. Of one device no identity is known, as of one that was erased.
func identifies(e *event.Event) bool {
	return e.UserID != "" && e.AnonymousID != "" && e.AnonymousID != unknownDevice
}

const unknownDevice = "a8"

// properties gives an object, or none.
func properties(r *rand.Rand) []byte {
	if r.IntN(8) == 0 {
		return nil
	}
	var members []string
	for _, name := range []string{"x", "y", "a.b", "0"} {
		if r.IntN(3) > 0 {
			members = append(members, `"`+name+`":`+pick(r, values()))
		}
	}
	if r.IntN(2) == 0 {
		inner := pick(r, []string{`{"total":` + pick(r, values()) + `}`, pick(r, values()), `{"0":` + pick(r, values()) + `}`})
		members = append(members, `"cart":`+inner)
	}
	return []byte("{" + strings.Join(members, ",") + "}")
}

// Load puts the world into a warehouse, in several batches.
func (w *World) Load(ctx context.Context, into warehouse.Warehouse) error {
	const batches = 3
	// In the order in which they came, late ones late.
	order := make([]int, len(w.Events))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(w.Events[a].ReceivedAt - w.Events[b].ReceivedAt) })
	per := (len(order) + batches - 1) / batches
	var users []warehouse.User
	for user, traits := range w.Traits {
		raw := map[string]json.RawMessage{}
		for name, value := range traits {
			raw[name] = json.RawMessage(value)
		}
		text, err := json.Marshal(raw)
		if err != nil {
			return err
		}
		users = append(users, warehouse.User{UserID: user, Traits: text, FirstSeen: 0, SeenAt: 1})
	}
	for n := range batches {
		if err := w.load(ctx, into, order[min(n*per, len(order)):min((n+1)*per, len(order))], users); err != nil {
			return err
		}
		users = nil
	}
	return nil
}

// Add has more happen in a world that is loaded, and loads it as one batch.
func (w *World) Add(ctx context.Context, into warehouse.Warehouse, events ...event.Event) error {
	var part []int
	for _, e := range events {
		part = append(part, len(w.Events))
		w.Events = append(w.Events, e)
	}
	return w.load(ctx, into, part, nil)
}

func (w *World) load(ctx context.Context, into warehouse.Warehouse, part []int, users []warehouse.User) error {
	b := w.batch(w.loads, part)
	b.Users = users
	_, err := into.Load(ctx, b)
	if b.Events != nil {
		b.Events.Release()
	}
	w.loads++
	return err
}

func (w *World) batch(n int, part []int) *warehouse.Batch {
	from := ""
	if n > 0 {
		from = fmt.Sprint(n)
	}
	b := &warehouse.Batch{ID: fmt.Sprintf("load-%d", n), Stream: "main", Moves: []warehouse.Move{{Shard: "0", From: from, To: fmt.Sprint(n + 1)}}, Window: 24 * time.Hour}
	if len(part) == 0 {
		return b
	}
	rows := event.NewRows(memory.DefaultAllocator, len(part))
	defer rows.Release()
	counts, volumes := map[warehouse.Count]int64{}, map[warehouse.Volume]int64{}
	for _, i := range part {
		e := &w.Events[i]
		rows.Append(e)
		minute := event.Minute(e.ReceivedAt)
		counts[warehouse.Count{Source: e.Request.Source, Minute: minute}]++
		volumes[warehouse.Volume{Source: e.Request.Source, Type: e.Type, Event: warehouse.VolumeName(e.Type, e.Name), Minute: minute}]++
		if identifies(e) {
			b.Identities = append(b.Identities, warehouse.Identity{AnonymousID: e.AnonymousID, UserID: e.UserID, SeenAt: e.Timestamp})
		}
	}
	for c, n := range counts {
		c.Accepted, c.Loaded = n, n
		b.Counts = append(b.Counts, c)
	}
	for v, n := range volumes {
		v.Loaded = n
		b.Volumes = append(b.Volumes, v)
	}
	b.Properties = w.seen(part)
	b.Events = rows.Take()
	return b
}

// seen gives the event names and the properties of some events, as a loader that has never seen any does.
func (w *World) seen(part []int) []warehouse.Property {
	first := map[warehouse.Property]event.Time{}
	see := func(p warehouse.Property, at event.Time) {
		if old, ok := first[p]; !ok || at < old {
			first[p] = at
		}
	}
	for _, i := range part {
		e := &w.Events[i]
		name := warehouse.Property{Type: e.Type, Event: warehouse.VolumeName(e.Type, e.Name), View: warehouse.ViewName(e.Type, e.Name)}
		see(name, e.ReceivedAt)
		for property, kind := range kinds(e.PropertySet()) {
			p := name
			p.Name, p.Kind = property, kind
			see(p, e.ReceivedAt)
		}
	}
	var list []warehouse.Property
	for p, at := range first {
		p.SeenAt = at
		list = append(list, p)
	}
	return list
}

// kinds gives the kind of each of an object's members that is not null.
func kinds(object []byte) map[string]string {
	var members map[string]any
	if json.Unmarshal(object, &members) != nil {
		return nil
	}
	kinds := map[string]string{}
	for name, value := range members {
		switch value := value.(type) {
		case string:
			kinds[name] = "string"
		case bool:
			kinds[name] = "boolean"
		case map[string]any:
			kinds[name] = "object"
		case []any:
			kinds[name] = "array"
		case float64:
			kinds[name] = "number"
			if value == float64(int64(value)) {
				kinds[name] = "integer"
			}
		}
	}
	return kinds
}
