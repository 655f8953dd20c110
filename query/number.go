package query

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Number is one number of a trend, a funnel or a retention, as somebody points at it: what an alert watches. It is that of all
// people: a breakdown is left out, since the groups that are shown change by themselves. Its zero value is the number that the
// report's page says first.
type Number struct {
	Series  *int `json:"series,omitempty" description:"of a trend: the index of the series; by default the first"`
	Formula *int `json:"formula,omitempty" description:"of a trend: the index of the formula, instead of a series"`
	Step    *int `json:"step,omitempty" description:"of a funnel: the index of the step, from 0; by default the last"`
	Period  *int `json:"period,omitempty" description:"of a retention: the period after the start; by default 1"`

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
	return err
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
func (n Number) Words(q Question) string {
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

// AskNumber gives a number as it stood at a moment, when only what had happened by then was known: of a range that goes on
// after it, the part before it. The number is valid.
func AskNumber(ctx context.Context, w Source, q Question, n Number, moment time.Time) (NumberAnswer, error) {
	a := NumberAnswer{Kind: n.Kind(q)}
	var err error
	switch q := q.(type) {
	case Trend:
		a.Value, err = n.askTrend(ctx, w, q, moment)
	case Funnel:
		err = n.askFunnel(ctx, w, q, moment, &a)
	case Retention:
		err = n.askRetention(ctx, w, q, moment, &a)
	}
	return a, err
}

func (n Number) askTrend(ctx context.Context, w Source, t Trend, moment time.Time) (*float64, error) {
	t.Breakdown, t.Compare = nil, false
	if n.Formula == nil {
		t.Series, t.Formulas = t.Series[n.series():n.series()+1], nil
	} else {
		t.Formulas = t.Formulas[*n.Formula : *n.Formula+1]
	}
	var ok bool
	var err error
	if n.Of == LastInterval {
		t.Range, ok, err = t.Range.lastInterval(moment)
	} else {
		t.Range, ok, err = t.Range.until(moment)
	}
	if err != nil || !ok {
		return nil, err
	}
	answer, err := AskTrend(ctx, w, t, moment)
	if err != nil {
		return nil, err
	}
	return answer.Lines[len(answer.Lines)-1].Total, nil // a formula's stands behind those of its series
}

func (n Number) askFunnel(ctx context.Context, w Source, f Funnel, moment time.Time, a *NumberAnswer) error {
	f.Breakdown, f.BreakdownStep = nil, 0
	var ok bool
	var err error
	if f.Range, ok, err = f.Range.until(moment); err != nil || !ok {
		return err
	}
	f.Range.Interval = ""
	// The later steps may come after the range. What came after the moment was not known at it.
	known := Filter{Field: "timestamp", Op: Less, Values: []any{moment.UTC().Format(time.RFC3339Nano)}}
	if f.Where != nil && !f.Where.IsZero() {
		known = Filter{All: []Filter{*f.Where, known}}
	}
	f.Where = &known
	answer, err := AskFunnel(ctx, w, f, moment)
	if err != nil {
		return err
	}
	i := n.step(f)
	step := answer.Steps[i]
	switch n.Of {
	case OfPeople:
		a.Value = new(float64(step.People))
	case OfPrevious:
		a.Value, a.Of = step.OfPrevious, float64(answer.Steps[i-1].People)
	default:
		a.Value, a.Of = step.OfFirst, float64(answer.Steps[0].People)
	}
	return nil
}

func (n Number) askRetention(ctx context.Context, w Source, r Retention, moment time.Time, a *NumberAnswer) error {
	r.Breakdown = nil
	var ok bool
	var err error
	if r.Range, ok, err = r.Range.until(moment); err != nil || !ok {
		return err
	}
	answer, err := AskRetention(ctx, w, r, moment)
	if err != nil || n.period() >= len(answer.All.Curve) {
		return err // there is no such period yet
	}
	cell := answer.All.Curve[n.period()]
	switch {
	case cell.Incomplete: // it is over for nobody
	case n.Of == OfPeople:
		a.Value = new(float64(cell.People))
	default:
		a.Value, a.Of = cell.Share, float64(cell.Of)
	}
	return nil
}

// until is the range as far as it had come at a moment; ok is false where it had not begun.
func (r Range) until(moment time.Time) (before Range, ok bool, err error) {
	p, err := r.resolve("range", moment, false)
	if err != nil || !p.From.Before(moment) {
		return r, false, err
	}
	if p.To.After(moment) {
		p.To = moment
	}
	return r.between(p.From, p.To), true, nil
}

// lastInterval is the last of the range's intervals that was over at a moment, and for a range that ends with the current one
// also that before it. ok is false where none was.
func (r Range) lastInterval(moment time.Time) (one Range, ok bool, err error) {
	if r.Last > 0 {
		zone, err := r.zone("range")
		if err != nil {
			return r, false, err
		}
		to := start(moment.In(zone), r.interval())
		return r.between(shift(to, r.interval(), -1), to), true, nil
	}
	p, err := r.Resolve(moment)
	if err != nil {
		return r, false, err
	}
	for _, b := range slices.Backward(p.Buckets) {
		if !b.Incomplete && !b.To.After(moment) {
			return r.between(b.From, b.To), true, nil
		}
	}
	return r, false, nil
}

func (r Range) between(from, to time.Time) Range {
	return Range{From: from.Format(time.RFC3339Nano), To: to.Format(time.RFC3339Nano), Zone: r.Zone, Interval: r.Interval}
}
