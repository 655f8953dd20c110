package query

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
)

// PropertiesQuestion asks what the events of a selection carry.
type PropertiesQuestion struct {
	Event Selection `json:"event"`
	// Sample is how many of the newest events are looked into; default 1000, at most 10,000.
	Sample int `json:"sample,omitempty"`
}

const (
	defaultSample = 1000
	maxSample     = 10_000
	maxSamples    = 5   // values of a property
	maxSampleText = 200 // bytes of one
)

// Validate refuses what means nothing, with an *Invalid.
func (q PropertiesQuestion) Validate() error {
	if q.Sample < 0 || q.Sample > maxSample {
		return invalid("sample", q.Sample, "must be 1 to %d", maxSample)
	}
	return q.Event.validate("event")
}

// PropertiesAnswer is the properties seen, those that most events have first.
type PropertiesAnswer struct {
	// Sampled is how many events were looked into, From and To when the oldest and the newest of them happened.
	Sampled    int          `json:"sampled"`
	From       *time.Time   `json:"from,omitempty"`
	To         *time.Time   `json:"to,omitempty"`
	Properties []Property   `json:"properties"`
	Complete   Completeness `json:"complete"`
}

// Property is a property as the sample has it, and the kinds that it was ever seen with.
type Property struct {
	Field Field `json:"field"` // to ask with
	// Kinds are string, integer, number, boolean, object and array; the catalog's, of all time.
	Kinds     []string   `json:"kinds"`
	FirstSeen *time.Time `json:"first_seen,omitempty"`
	// NullRate is the share of the sample without it, 0 to 1.
	NullRate float64 `json:"null_rate"`
	// Samples are its most frequent values, as JSON.
	Samples []SampleValue `json:"samples"`
}

// SampleValue is a value, and how many of the sampled events have it.
type SampleValue struct {
	Value  json.RawMessage `json:"value"`
	Events int             `json:"events"`
}

// completed implements answer.
func (a PropertiesAnswer) completed(c Completeness) PropertiesAnswer {
	a.Complete = c
	return a
}

// Properties answers what events carry.
func (e *Engine) Properties(ctx context.Context, q PropertiesQuestion) (PropertiesAnswer, error) {
	return ask(ctx, e, "properties", q, AskProperties)
}

// AskProperties answers what events carry, by looking into the newest.
func AskProperties(ctx context.Context, w Source, q PropertiesQuestion, now time.Time) (PropertiesAnswer, error) {
	a := PropertiesAnswer{Properties: []Property{}, Complete: Completeness{AskedAt: now}}
	if err := q.Validate(); err != nil {
		return a, err
	}
	s := sampling{found: map[Field]*Property{}, values: map[Field]map[string]int{}, set: "properties"}
	if q.Event.Type == event.TypeIdentify || q.Event.Type == event.TypeGroup {
		s.set = "traits"
	}
	if err := s.kinds(ctx, w, q.Event); err != nil {
		return a, fmt.Errorf("reading the catalog: %w", err)
	}
	if err := s.look(ctx, w, q, &a, now); err != nil {
		return a, fmt.Errorf("looking into events: %w", err)
	}
	for _, field := range slices.Sorted(maps.Keys(s.found)) {
		p := s.found[field]
		p.NullRate = 1
		if a.Sampled > 0 {
			have := 0
			for _, n := range s.values[field] {
				have += n
			}
			p.NullRate = 1 - float64(have)/float64(a.Sampled)
		}
		p.Samples = top(s.values[field])
		a.Properties = append(a.Properties, *p)
	}
	slices.SortStableFunc(a.Properties, func(a, b Property) int { return cmp.Compare(a.NullRate, b.NullRate) })
	return a, nil
}

type sampling struct {
	set    string // the column
	found  map[Field]*Property
	values map[Field]map[string]int // by their JSON, shortened
}

func (s *sampling) property(name string) *Property {
	field := FieldOf(s.set, name)
	if s.found[field] == nil {
		s.found[field] = &Property{Field: field, Kinds: []string{}, Samples: []SampleValue{}}
		s.values[field] = map[string]int{}
	}
	return s.found[field]
}

func (s *sampling) kinds(ctx context.Context, w Source, of Selection) error {
	typ := of.Type
	if of.Event != "" && typ == "" {
		typ = event.TypeTrack
	}
	rows, err := w.Query(ctx, `select property, kind, min(first_seen) from catalog where property <> '' and (? = '' or type = ?) and (? = '' or event = ?)
		group by 1, 2 order by 1, 2`, typ, typ, of.Event, of.Event)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name, kind string
		var first time.Time
		if err := rows.Scan(&name, &kind, &first); err != nil {
			return err
		}
		p := s.property(name)
		p.Kinds = append(p.Kinds, kind)
		if first = first.UTC(); p.FirstSeen == nil || first.Before(*p.FirstSeen) {
			p.FirstSeen = &first
		}
	}
	return rows.Err()
}

// look reads the newest events, those of the last days where there are enough of them.
func (s *sampling) look(ctx context.Context, w Source, q PropertiesQuestion, a *PropertiesAnswer, now time.Time) error {
	want := cmp.Or(q.Sample, defaultSample)
	for _, back := range lookback() {
		r := reading{dialect: w.Dialect(), now: now, bots: true}
		condition := r.selected(q.Event)
		if back > 0 {
			condition = all(say(`e."timestamp" >= $`, value(now.Add(-back).UTC())), condition)
		}
		statement := say(`select e."timestamp", e.$$$ order by 1 desc, $ limit $`, s.set, r.from(), clause(" where", condition), r.dialect.Bytewise("e.message_id"), value(int64(want)))
		for field := range s.values {
			clear(s.values[field])
		}
		a.Sampled, a.From, a.To = 0, nil, nil
		if err := s.read(ctx, w, statement, a); err != nil {
			return err
		}
		if a.Sampled >= want {
			break
		}
	}
	return nil
}

func (s *sampling) read(ctx context.Context, w Source, statement part, a *PropertiesAnswer) error {
	rows, err := w.Query(ctx, statement.text, statement.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var at time.Time
		var column any
		if err := rows.Scan(&at, &column); err != nil {
			return err
		}
		if at = at.UTC(); a.To == nil {
			a.To = &at
		}
		a.From = &at
		a.Sampled++
		set := object(column)
		if set == nil {
			continue
		}
		scanned, _, err := jsonscan.Scan(set, event.MaxDepth)
		if err != nil || scanned.Kind != jsonscan.Object {
			continue
		}
		m := jsonscan.ValidMembers(set)
		for m.Next() {
			if v := m.Value(); v.Kind != jsonscan.Null {
				s.property(string(m.Key()))
				s.values[FieldOf(s.set, string(m.Key()))][string(v.Raw)]++
			}
		}
	}
	return rows.Err()
}

// top gives the most frequent values. One that is too long for a sample is cut, as a text.
func top(values map[string]int) []SampleValue {
	order := slices.SortedFunc(maps.Keys(values), func(a, b string) int {
		return cmp.Or(cmp.Compare(values[b], values[a]), cmp.Compare(a, b))
	})
	samples := []SampleValue{}
	for _, v := range order[:min(len(order), maxSamples)] {
		value := json.RawMessage(v)
		if len(v) > maxSampleText {
			cut, err := json.Marshal(strings.ToValidUTF8(v[:maxSampleText], "") + "…")
			if err != nil {
				continue
			}
			value = cut
		}
		samples = append(samples, SampleValue{value, values[v]})
	}
	return samples
}
