package query

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Number is one number of a trend, a funnel or a retention, as somebody points at it: what an alert watches. Without a group it
// is that of all people, whatever the breakdown. Its zero value is the number that the report's page says first.
type Number struct {
	Series  *int `json:"series,omitempty" description:"of a trend: the index of the series; by default the first"`
	Formula *int `json:"formula,omitempty" description:"of a trend: the index of the formula, instead of a series"`
	Step    *int `json:"step,omitempty" description:"of a funnel: the index of the step, from 0; by default the last"`
	Period  *int `json:"period,omitempty" description:"of a retention: the period after the start; by default 1"`

	Group Group `json:"group,omitempty" description:"of a report with a breakdown: one group, by its value for each of the fields, null where it is missing; it need not be among those that are shown"`
	Other bool  `json:"other,omitempty" description:"of a report with a breakdown: all groups together that it does not show at the time"`

	Of NumberOf `json:"of,omitempty" enum:"total,last,of_first,of_previous,people,share" description:"of a trend: total (the whole range, the default) or last (the last interval that is over); of a funnel: of_first (the default), of_previous or people; of a retention: share (the default) or people"`
}

// NumberOf says which of the numbers at a place is meant.
type NumberOf string

// The first of each report is its default.
const (
	Total        NumberOf = "total"       // of a trend's line, over the whole range
	LastInterval NumberOf = "last"        // of a trend's line, in the last interval that is over
	OfFirst      NumberOf = "of_first"    // the part of those at a funnel's first step
	OfPrevious   NumberOf = "of_previous" // the part of those at the step before
	OfPeople     NumberOf = "people"      // how many people
	OfStarted    NumberOf = "share"       // the part of those who started
)

// NumberKind says how a number behaves.
type NumberKind string

// The kinds.
const (
	Counted NumberKind = "count" // of events, people or sessions
	Part    NumberKind = "share" // 0 to 1
	Other   NumberKind = "other" // of a property, or a formula's
)

// NumberAnswer is a number at a moment.
type NumberAnswer struct {
	Value *float64   `json:"value,omitempty"` // nil: there is none, as the average of nothing
	Of    float64    `json:"of,omitempty"`    // of a share: how many it is a part of
	Kind  NumberKind `json:"kind"`
}

// Validate refuses a number that the question does not have, with an *Invalid.
func (n Number) Validate(path string, q Question) error {
	of := func(list ...NumberOf) error {
		for _, known := range list {
			if n.Of == "" || n.Of == known {
				return nil
			}
		}
		return invalid(at(path, "of"), n.Of, "must be one of %s", join(list))
	}
	var foreign map[string]*int
	var err error
	switch q := q.(type) {
	case Trend:
		foreign = map[string]*int{"step": n.Step, "period": n.Period}
		err = n.ofTrend(path, q, of)
	case Funnel:
		foreign = map[string]*int{"series": n.Series, "formula": n.Formula, "period": n.Period}
		err = n.ofFunnel(path, q, of)
	case Retention:
		foreign = map[string]*int{"series": n.Series, "formula": n.Formula, "step": n.Step}
		if err = of(OfStarted, OfPeople); err == nil && n.Period != nil && (*n.Period < 0 || *n.Period >= MaxCohorts) {
			err = invalid(at(path, "period"), *n.Period, "must be 0 to %d", MaxCohorts-1)
		}
	default:
		return invalid(path, nil, "must be of a trend, a funnel or a retention")
	}
	for _, name := range []string{"series", "formula", "step", "period"} {
		if foreign[name] != nil {
			return invalid(at(path, name), *foreign[name], "does not go with a %s", questionName(q))
		}
	}
	if err != nil {
		return err
	}
	return n.hasGroup(path, breakdownOf(q))
}

// breakdownOf is what a question is broken down by; nil: by nothing.
func breakdownOf(q Question) *Breakdown {
	switch q := q.(type) {
	case Trend:
		return q.Breakdown
	case Funnel:
		return q.Breakdown
	case Retention:
		return q.Breakdown
	}
	return nil
}

// hasGroup refuses a group that the breakdown cannot have. One that it never had is not refused: it may come.
func (n Number) hasGroup(path string, b *Breakdown) error {
	switch {
	case n.Group != nil && n.Other:
		return invalid(at(path, "other"), true, "goes with no group; one of them is watched")
	case n.Other && b == nil:
		return invalid(at(path, "other"), true, "needs a report with a breakdown")
	case n.Group == nil:
		return nil
	case b == nil:
		return invalid(at(path, "group"), n.Group, "needs a report with a breakdown")
	case len(n.Group) != len(b.By):
		return invalid(at(path, "group"), n.Group, "must have a value for each of the breakdown's fields, %s", join(b.By))
	}
	for i, v := range n.Group {
		switch {
		case v == nil:
		case len(*v) > maxValueBytes:
			return invalid(nth(at(path, "group"), i), len(*v), "cannot be over %d bytes", maxValueBytes)
		case strings.ContainsRune(*v, 0):
			return invalid(nth(at(path, "group"), i), *v, "cannot hold NUL")
		}
	}
	return nil
}

// IsZero tells whether nothing is said about which number it is.
func (n Number) IsZero() bool {
	return n.Series == nil && n.Formula == nil && n.Step == nil && n.Period == nil && n.Group == nil && !n.Other && n.Of == ""
}

func (n Number) ofTrend(path string, t Trend, of func(...NumberOf) error) error {
	switch {
	case n.Series != nil && n.Formula != nil:
		return invalid(at(path, "formula"), *n.Formula, "stands instead of series, not beside it")
	case n.Series != nil && (*n.Series < 0 || *n.Series >= len(t.Series)):
		return invalid(at(path, "series"), *n.Series, "must be the index of one of the %d series", len(t.Series))
	case n.Formula != nil && len(t.Formulas) == 0:
		return invalid(at(path, "formula"), *n.Formula, "needs a trend that has formulas")
	case n.Formula != nil && (*n.Formula < 0 || *n.Formula >= len(t.Formulas)):
		return invalid(at(path, "formula"), *n.Formula, "must be the index of one of the %d formulas", len(t.Formulas))
	}
	return of(Total, LastInterval)
}

func (n Number) ofFunnel(path string, f Funnel, of func(...NumberOf) error) error {
	if n.Step != nil && (*n.Step < 0 || *n.Step >= len(f.Steps)) {
		return invalid(at(path, "step"), *n.Step, "must be the index of one of the %d steps", len(f.Steps))
	}
	if n.step(f) == 0 && n.Of != OfPeople {
		return invalid(at(path, "step"), 0, "must have a step before it: of the first step only people can be watched")
	}
	return of(OfFirst, OfPrevious, OfPeople)
}

func (n Number) step(f Funnel) int {
	if n.Step == nil {
		return len(f.Steps) - 1
	}
	return *n.Step
}

func (n Number) period() int {
	if n.Period == nil {
		return 1
	}
	return *n.Period
}

func (n Number) series() int {
	if n.Series == nil {
		return 0
	}
	return *n.Series
}

// questionName is what people call a question.
func questionName(q Question) string {
	switch q.(type) {
	case Trend:
		return "trend"
	case Funnel:
		return "funnel"
	}
	return "retention"
}

// Kind says how the number behaves. The number is valid.
func (n Number) Kind(q Question) NumberKind {
	switch q := q.(type) {
	case Trend:
		if n.Formula != nil || q.Series[n.series()].Measure.OfField() {
			return Other
		}
		return Counted
	case Funnel, Retention:
		if n.Of != OfPeople {
			return Part
		}
	}
	return Counted
}

// Words says in words which number of the question it is. The number is valid.
func (n Number) Words(q Question) string { return n.place(q) + n.groupWords(breakdownOf(q)) }

func (n Number) groupWords(b *Breakdown) string {
	if n.Other {
		return ", of all other groups by " + strings.ReplaceAll(join(b.By), ", ", " and ")
	}
	var words []string
	for i, v := range n.Group {
		is := "not set"
		if v != nil {
			is = strconv.Quote(*v)
		}
		words = append(words, fmt.Sprintf("%s is %s", b.By[i], is))
	}
	if words == nil {
		return ""
	}
	return ", where " + strings.Join(words, " and ")
}

func (n Number) place(q Question) string {
	switch q := q.(type) {
	case Trend:
		s := q.Series[n.series()]
		name := stepWords(Step{Event: s.Event, Label: s.Label})
		if of := s.Measure.Aggregate(); of != Count && s.Label == "" {
			name += ", " + map[Aggregate]string{People: "people", Sessions: "sessions", Sum: "sum of ", Average: "average of ", Minimum: "lowest ", Maximum: "highest "}[of]
			if of == Percentile {
				name += strconv.FormatFloat(s.Measure.Percentile, 'f', -1, 64) + "th percentile of "
			}
			name += string(s.Measure.Field)
		}
		if n.Formula != nil {
			name = string(q.Formulas[*n.Formula])
		}
		if n.Of == LastInterval {
			return fmt.Sprintf("%s in the last full %s", name, q.Range.interval())
		}
		return name + rangeWords(q.Range)
	case Funnel:
		i := n.step(q)
		name := stepWords(q.Steps[i])
		switch n.Of {
		case OfPeople:
			name = "people who came to " + name
		case OfPrevious:
			name = fmt.Sprintf("conversion from %s to %s", stepWords(q.Steps[i-1]), name)
		default:
			name = fmt.Sprintf("conversion from %s to %s", stepWords(q.Steps[0]), name)
		}
		return name + rangeWords(q.Range)
	case Retention:
		who := "share of people who come back in "
		if n.Of == OfPeople {
			who = "people who come back in "
		}
		return fmt.Sprintf("%s%s %d%s", who, q.Range.interval(), n.period(), rangeWords(q.Range))
	}
	return ""
}

func stepWords(s Step) string {
	return cmp.Or(s.Label, s.Event.Event, s.Event.Type, "any event")
}

func rangeWords(r Range) string {
	switch {
	case r.Last == 1:
		return fmt.Sprintf(" in this %s", r.Unit)
	case r.Last > 1:
		return fmt.Sprintf(" in the last %d %ss", r.Last, r.Unit)
	}
	return fmt.Sprintf(" from %s to %s", r.From, r.To)
}

// HasUsual refuses, with an *Invalid, a number that cannot be compared with what it was at the same hour of other days:
// one that does not move with time, or that does so by the week or the month. path is what is compared.
func (n Number) HasUsual(path string, q Question) error {
	var r Range
	by := ByDay
	switch q := q.(type) {
	case Trend:
		r = q.Range
		if n.Of == LastInterval {
			by = r.interval()
		}
	case Funnel:
		r = q.Range
	case Retention:
		r, by = q.Range, q.Range.interval()
	}
	const rule = "compares with the same hour of the last 4 weeks, which needs "
	switch {
	case r.Last == 0:
		return invalid(path, fmt.Sprintf("%s to %s", r.From, r.To), rule+"a report over the last so many minutes, hours or days: from one date to another the number is the same at each hour")
	case by == ByWeek || by == ByMonth:
		return invalid(path, fmt.Sprintf("an interval of a %s", by), rule+"a number of minutes, hours or days: there is a new one only once a %s; a threshold can be watched", by)
	case n.Of != LastInterval && (r.Unit == ByWeek || r.Unit == ByMonth):
		return invalid(path, fmt.Sprintf("the last %d %s", r.Last, r.Unit), rule+"a report over the last so many minutes, hours or days: the current %s has another length on each day; a threshold can be watched", r.Unit)
	}
	return nil
}
