package query

import (
	"slices"

	"github.com/spoorhq/spoor/event"
)

// Selection says which events: those of a name, or of a type, or both. The zero Selection is all events.
type Selection struct {
	Event string `json:"event,omitempty"` // the name of a track call, or of a page or screen where Type says so
	// Type is track, page, screen, identify, group or alias. A name without a type is a track call's.
	Type string `json:"type,omitempty"`
}

// EventTypes gives the types that a Selection may have.
func EventTypes() []string {
	return []string{event.TypeTrack, event.TypePage, event.TypeScreen, event.TypeIdentify, event.TypeGroup, event.TypeAlias}
}

func (s Selection) validate(path string) error {
	if s.Type != "" && !slices.Contains(EventTypes(), s.Type) {
		return invalid(at(path, "type"), s.Type, "must be one of %s", join(EventTypes()))
	}
	if len(s.Event) > maxValueBytes {
		return invalid(at(path, "event"), len(s.Event), "cannot be over %d bytes", maxValueBytes)
	}
	return nil
}

// Aggregate is what is made of a bucket's events.
type Aggregate string

// The aggregates. Those from Sum on are of a field's numbers.
const (
	Count      Aggregate = "count"    // events
	People     Aggregate = "people"   // different people
	Sessions   Aggregate = "sessions" // different sessions
	Sum        Aggregate = "sum"
	Average    Aggregate = "avg"
	Minimum    Aggregate = "min"
	Maximum    Aggregate = "max"
	Percentile Aggregate = "percentile"
)

// Aggregates gives them in the order of a menu.
func Aggregates() []Aggregate {
	return []Aggregate{Count, People, Sessions, Sum, Average, Minimum, Maximum, Percentile}
}

// Measure is the number that a series shows. The zero Measure counts events.
type Measure struct {
	Of         Aggregate `json:"of,omitempty"`
	Field      Field     `json:"field,omitempty"`
	Percentile float64   `json:"percentile,omitempty"` // over 0 and under 100; 50 is the median
}

// Aggregate gives Of, or its default.
func (m Measure) Aggregate() Aggregate {
	if m.Of == "" {
		return Count
	}
	return m.Of
}

// OfField tells whether the measure is of a field's numbers.
func (m Measure) OfField() bool {
	switch m.Aggregate() {
	case Count, People, Sessions:
		return false
	}
	return true
}

func (m Measure) validate(path string) error {
	of := m.Aggregate()
	if !slices.Contains(Aggregates(), of) {
		return invalid(at(path, "of"), of, "must be one of %s", join(Aggregates()))
	}
	if !m.OfField() && m.Field != "" {
		return invalid(at(path, "field"), m.Field, "does not go with %s", of)
	}
	if of == Percentile && !(m.Percentile > 0 && m.Percentile < 100) {
		return invalid(at(path, "percentile"), m.Percentile, "must be over 0 and under 100")
	}
	if of != Percentile && m.Percentile != 0 {
		return invalid(at(path, "percentile"), m.Percentile, "does not go with %s", of)
	}
	if !m.OfField() {
		return nil
	}
	p, err := m.Field.place(at(path, "field"))
	if err != nil {
		return err
	}
	if k := p.kind(); k != event.JSON && k != event.Int32 {
		return invalid(at(path, "field"), m.Field, "must hold numbers for %s", of)
	}
	return nil
}

// Breakdown splits a number by the values of one or two fields.
type Breakdown struct {
	By []Field `json:"by"`
	// Top is how many groups are shown; the rest are one group, "other". Default 10, at most 100.
	Top int `json:"top,omitempty"`

	// only are the groups that are shown, where somebody means certain ones; nil: those with the greatest numbers.
	only []Group
}

const (
	defaultTop = 10
	maxTop     = 100
	maxBy      = 2
)

// Groups is the most that are shown: Top, or its default.
func (b Breakdown) Groups() int {
	if b.only != nil {
		return len(b.only)
	}
	if b.Top == 0 {
		return defaultTop
	}
	return b.Top
}

// Validate refuses a breakdown that means nothing, with an *Invalid.
func (b Breakdown) Validate(path string) error {
	if len(b.By) == 0 || len(b.By) > maxBy {
		return invalid(at(path, "by"), b.By, "must be one or two fields")
	}
	if b.Top < 0 || b.Top > maxTop {
		return invalid(at(path, "top"), b.Top, "must be 1 to %d", maxTop)
	}
	for i, f := range b.By {
		p, err := f.place(nth(at(path, "by"), i))
		if err != nil {
			return err
		}
		if p.kind() == event.Timestamp {
			return invalid(nth(at(path, "by"), i), f, "is a time, which cannot be a group; the interval groups by time")
		}
	}
	return nil
}

// Series is one number over time.
type Series struct {
	Event   Selection `json:"event"`
	Measure Measure   `json:"measure,omitzero"`
	Where   *Filter   `json:"where,omitempty"`
	Label   string    `json:"label,omitempty"` // what people call it; it changes nothing
}

// Validate refuses a series that means nothing, with an *Invalid.
func (s Series) Validate(path string) error {
	if err := s.Event.validate(at(path, "event")); err != nil {
		return err
	}
	if err := s.Measure.validate(at(path, "measure")); err != nil {
		return err
	}
	if s.Where == nil {
		return nil
	}
	return s.Where.Validate(at(path, "where"))
}
