package querytest

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
)

// catalog answers which events there are.
func (w *World) catalog(q query.CatalogQuestion) query.CatalogAnswer {
	period, err := q.Range.Resolve(w.Now)
	if err != nil {
		panic(err)
	}
	a := query.CatalogAnswer{Period: period, Events: []query.CatalogEvent{}}
	type name struct{ typ, event string }
	events, properties := map[name]*query.CatalogEvent{}, map[name]map[string]bool{}
	for i := range w.Events {
		e := &w.Events[i]
		n := name{e.Type, warehouse.VolumeName(e.Type, e.Name)}
		received := event.GoTime(e.ReceivedAt)
		minute := received.Truncate(60e9)
		c := events[n]
		if c == nil {
			c = &query.CatalogEvent{Type: n.typ, Event: n.event, View: warehouse.ViewName(e.Type, e.Name), FirstSeen: &received, LastSeen: &minute, Volumes: make([]int64, len(period.Buckets))}
			events[n], properties[n] = c, map[string]bool{}
		}
		if received.Before(*c.FirstSeen) {
			c.FirstSeen = &received
		}
		if minute.After(*c.LastSeen) {
			c.LastSeen = &minute
		}
		for p := range kinds(e.PropertySet()) {
			properties[n][p] = true
		}
		c.Properties = len(properties[n])
		// Volumes of what was received are kept by the minute: the one that a range begins within is not in it.
		at := minute
		if q.By == query.ByHappened {
			at = event.GoTime(e.Timestamp)
		}
		for b, bucket := range period.Buckets {
			if !at.Before(bucket.From) && at.Before(bucket.To) {
				c.Volume++
				c.Volumes[b]++
			}
		}
	}
	for _, c := range events {
		a.Events = append(a.Events, *c)
	}
	slices.SortFunc(a.Events, func(x, y query.CatalogEvent) int {
		return cmp.Or(cmp.Compare(y.Volume, x.Volume), cmp.Compare(x.Type, y.Type), cmp.Compare(x.Event, y.Event))
	})
	return a
}

func askCatalog(ctx context.Context, r *rand.Rand, w *World, in warehouse.Warehouse) (question, want, have any, err error) {
	q := query.CatalogQuestion{Range: asker{r, w}.cut(), By: pick(r, query.Clocks())}
	a, err := query.AskCatalog(ctx, in, q, w.Now)
	a.Complete = query.Completeness{}
	return q, w.catalog(q), a, err
}

// properties answers what the newest events carry.
func (w *World) properties(q query.PropertiesQuestion) query.PropertiesAnswer {
	var events []*event.Event
	seen := map[string]map[string]bool{}
	first := map[string]event.Time{}
	for i := range w.Events {
		e := &w.Events[i]
		// The catalog knows the pages by their type alone.
		s := q.Event
		if named := s.Event != "" && (e.Name != s.Event || warehouse.VolumeName(e.Type, e.Name) == ""); !named && selected(e, s) {
			for p, kind := range kinds(e.PropertySet()) {
				if seen[p] == nil {
					seen[p], first[p] = map[string]bool{}, e.ReceivedAt
				}
				seen[p][kind] = true
				first[p] = min(first[p], e.ReceivedAt)
			}
		}
		if selected(e, s) {
			events = append(events, e)
		}
	}
	slices.SortFunc(events, func(a, b *event.Event) int {
		return cmp.Or(cmp.Compare(b.Timestamp, a.Timestamp), cmp.Compare(a.MessageID, b.MessageID))
	})
	events = events[:min(len(events), q.Sample)]
	a := query.PropertiesAnswer{Sampled: len(events), Properties: []query.Property{}}
	values := map[string]map[string]int{}
	for p := range seen {
		values[p] = map[string]int{}
	}
	for i, e := range events {
		at := event.GoTime(e.Timestamp)
		if i == 0 {
			a.To = &at
		}
		a.From = &at
		set := e.Properties
		if q.Event.Type == event.TypeIdentify {
			set = e.Traits
		}
		var members map[string]json.RawMessage
		if set != nil {
			if err := json.Unmarshal(set, &members); err != nil {
				panic(err)
			}
		}
		for name, value := range members {
			if string(value) == "null" {
				continue
			}
			if values[name] == nil {
				values[name] = map[string]int{}
			}
			values[name][string(value)]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		p := query.Property{Field: query.FieldOf("properties", name), Kinds: []string{}, Samples: []query.SampleValue{}}
		if q.Event.Type == event.TypeIdentify {
			p.Field = query.FieldOf("traits", name)
		}
		p.Kinds = append(p.Kinds, slices.Sorted(maps.Keys(seen[name]))...)
		if at, ok := first[name]; ok {
			p.FirstSeen = new(event.GoTime(at))
		}
		have := 0
		for _, n := range values[name] {
			have += n
		}
		if p.NullRate = 1; len(events) > 0 {
			p.NullRate = 1 - float64(have)/float64(len(events))
		}
		order := slices.SortedFunc(maps.Keys(values[name]), func(x, y string) int {
			return cmp.Or(cmp.Compare(values[name][y], values[name][x]), cmp.Compare(x, y))
		})
		for _, v := range order[:min(len(order), 5)] {
			p.Samples = append(p.Samples, query.SampleValue{Value: json.RawMessage(v), Events: values[name][v]})
		}
		a.Properties = append(a.Properties, p)
	}
	slices.SortFunc(a.Properties, func(x, y query.Property) int {
		return cmp.Or(cmp.Compare(x.NullRate, y.NullRate), cmp.Compare(x.Field, y.Field))
	})
	return a
}

func askProperties(ctx context.Context, r *rand.Rand, w *World, in warehouse.Warehouse) (question, want, have any, err error) {
	q := query.PropertiesQuestion{Event: asker{r, w}.selection(), Sample: 1 + r.IntN(40)}
	a, err := query.AskProperties(ctx, in, q, w.Now)
	a.Complete = query.Completeness{}
	return q, w.properties(q), a, err
}
