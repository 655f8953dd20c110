package querytest

import (
	"cmp"
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
)

// timeline is a person's events as far as they are compared: by the message ids of one page, and where the next begins.
type timeline struct {
	Messages []string
	Next     string
	Devices  []string
	Traits   map[string]any
}

func (w *World) timeline(q query.PersonQuestion) timeline {
	var events []*event.Event
	for i := range w.Events {
		e := &w.Events[i]
		if w.Person(e) != q.Person || !selected(e, q.Event) || !w.matches(e, q.Person, q.Where, true) {
			continue
		}
		if before, err := time.Parse(time.RFC3339Nano, q.Before); err == nil && !event.GoTime(e.Timestamp).Before(before) {
			continue
		}
		events = append(events, e)
	}
	slices.SortFunc(events, func(a, b *event.Event) int {
		return cmp.Or(cmp.Compare(b.Timestamp, a.Timestamp), cmp.Compare(a.Request.Source, b.Request.Source), cmp.Compare(a.MessageID, b.MessageID))
	})
	t := timeline{Messages: []string{}, Devices: []string{}, Traits: map[string]any{}}
	for i, e := range events {
		if i >= q.Limit && e.Timestamp != events[i-1].Timestamp {
			t.Next = event.GoTime(events[i-1].Timestamp).Format(time.RFC3339Nano)
			break
		}
		t.Messages = append(t.Messages, e.MessageID)
	}
	for device, user := range w.Identities {
		if user == q.Person {
			t.Devices = append(t.Devices, device)
		}
	}
	slices.Sort(t.Devices)
	for name, value := range w.Traits[q.Person] {
		var v any
		if err := json.Unmarshal([]byte(value), &v); err == nil && v != nil {
			t.Traits[name] = v
		}
	}
	return t
}

// askPerson asks for a person's first pages.
func askPerson(ctx context.Context, r *rand.Rand, w *World, in warehouse.Warehouse) (question, want, have any, err error) {
	a := asker{r, w}
	q := query.PersonQuestion{Person: pick(r, append(users(), devices()...)), Limit: 1 + r.IntN(20), Event: a.selection()}
	if a.chance(30) {
		q.Where = a.filter(0)
	}
	var wanted, had []timeline
	for range 3 {
		answer, err := query.AskPerson(ctx, in, q, w.Now)
		if err != nil {
			return q, nil, nil, err
		}
		t := timeline{Messages: []string{}, Next: answer.Next, Devices: []string{}, Traits: map[string]any{}}
		for _, e := range answer.Events {
			t.Messages = append(t.Messages, e.MessageID)
		}
		for _, d := range answer.Devices {
			t.Devices = append(t.Devices, d.AnonymousID)
		}
		slices.Sort(t.Devices)
		if answer.Traits != nil {
			if err := json.Unmarshal(answer.Traits, &t.Traits); err != nil {
				return q, nil, nil, err
			}
		}
		wanted, had = append(wanted, w.timeline(q)), append(had, t)
		if q.Before = answer.Next; q.Before == "" {
			break
		}
	}
	return q, wanted, had, nil
}
