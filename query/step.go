package query

import (
	"time"

	"github.com/spoorhq/spoor/event"
)

// Step is something that people do: an event that is one of a selection and fits a condition.
type Step struct {
	Event Selection `json:"event"`
	Where *Filter   `json:"where,omitempty"`
	Label string    `json:"label,omitempty"` // what people call it; it changes nothing
}

// Validate refuses a step that means nothing, with an *Invalid.
func (s Step) Validate(path string) error {
	if err := s.Event.validate(at(path, "event")); err != nil {
		return err
	}
	if s.Where == nil {
		return nil
	}
	return s.Where.Validate(at(path, "where"))
}

// disjoint tells whether no event can be in both selections.
func (s Selection) disjoint(o Selection) bool {
	typ := func(s Selection) string {
		if s.Type == "" && s.Event != "" {
			return event.TypeTrack
		}
		return s.Type
	}
	differ := func(a, b string) bool { return a != "" && b != "" && a != b }
	return differ(typ(s), typ(o)) || differ(s.Event, o.Event)
}

// Span is a length of time: a number of minutes, hours, days of 24 hours, or weeks of 7 such days. The calendar has no
// part in it.
type Span struct {
	Length int      `json:"length"`
	Unit   Interval `json:"unit"`
}

// maxSpan bounds a Span.
const maxSpan = 366 * 24 * time.Hour

func (s Span) unit() time.Duration {
	return map[Interval]time.Duration{ByMinute: time.Minute, ByHour: time.Hour, ByDay: 24 * time.Hour, ByWeek: 7 * 24 * time.Hour}[s.Unit]
}

// Duration gives its length.
func (s Span) Duration() time.Duration { return time.Duration(s.Length) * s.unit() }

// Validate refuses a span that means nothing, with an *Invalid; the zero Span is a default.
func (s Span) Validate(path string) error {
	if s == (Span{}) {
		return nil
	}
	if s.unit() == 0 {
		return invalid(at(path, "unit"), s.Unit, "must be one of minute, hour, day, week")
	}
	if most := int(maxSpan / s.unit()); s.Length < 1 || s.Length > most {
		return invalid(at(path, "length"), s.Length, "must be 1 to %d of %s", most, s.Unit)
	}
	return nil
}

// or gives the span, or a default where it is the zero one.
func (s Span) or(length int, unit Interval) Span {
	if s == (Span{}) {
		return Span{length, unit}
	}
	return s
}

// validateScope checks what every report about people over time has beside its events.
func validateScope(r Range, cut bool, where *Filter, breakdown *Breakdown) error {
	if err := r.validate("range", cut); err != nil {
		return err
	}
	if where != nil {
		if err := where.Validate("where"); err != nil {
			return err
		}
	}
	if breakdown == nil {
		return nil
	}
	return breakdown.Validate("breakdown")
}

// ofGroup checks that a point names a group of a breakdown, or the others, or neither where there is no breakdown.
func ofGroup(path string, b *Breakdown, g Group, other bool) error {
	if b == nil && (g != nil || other) {
		return invalid(at(path, "group"), g, "goes with a breakdown")
	}
	if other && g != nil {
		return invalid(at(path, "other"), true, "goes with no group")
	}
	if g != nil && len(g) != len(b.By) {
		return invalid(at(path, "group"), g, "must have a value for each of the breakdown's %d fields", len(b.By))
	}
	return nil
}
