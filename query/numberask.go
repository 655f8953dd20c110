package query

import (
	"context"
	"slices"
	"time"
)

// AskNumber gives a number as it stood at a moment, when only what had happened by then was known: of a range that goes on
// after it, the part before it. The number is valid.
func AskNumber(ctx context.Context, w Source, q Question, n Number, moment time.Time) (NumberAnswer, error) {
	a := NumberAnswer{Kind: n.Kind(q)}
	var err error
	switch q := q.(type) {
	case Trend:
		a.Value, err = n.askTrend(ctx, w, q.knownBy(moment), moment)
	case Funnel:
		err = n.askFunnel(ctx, w, q.knownBy(moment), moment, &a)
	case Retention:
		err = n.askRetention(ctx, w, q.knownBy(moment), moment, &a)
	}
	return a, err
}

// ofGroup is the breakdown that the number needs; nil: none. A group is told from the others by the report's own words, whether
// it is among the greatest or not.
func (n Number) ofGroup(b *Breakdown) *Breakdown {
	switch {
	case n.Group != nil:
		return &Breakdown{By: b.By, only: []Group{n.Group}}
	case n.Other:
		return b
	}
	return nil
}

func (n Number) askTrend(ctx context.Context, w Source, t Trend, moment time.Time) (*float64, error) {
	var one Range
	var ok bool
	var err error
	if n.Of == LastInterval {
		one, ok, err = t.Range.lastInterval(moment)
	} else {
		one, ok, err = t.Range.until(moment)
	}
	if err != nil || !ok {
		return nil, err
	}
	t.Breakdown, t.Compare = n.ofGroup(t.Breakdown), false
	if n.Other {
		if t.Breakdown, err = t.shown(ctx, w, one, moment); err != nil {
			return nil, err
		}
	}
	t.Range = one
	if n.Formula == nil {
		t.Series, t.Formulas = t.Series[n.series():n.series()+1], nil
	} else {
		t.Formulas = t.Formulas[*n.Formula : *n.Formula+1]
	}
	answer, err := AskTrend(ctx, w, t, moment)
	if err != nil {
		return nil, err
	}
	// A formula's lines stand behind those of its series.
	for _, l := range slices.Backward(answer.Lines) {
		if l.Other == n.Other {
			return l.Total, nil
		}
	}
	return nil, nil
}

// shown is the trend's breakdown by the groups that it shows: those of its first series in its whole range as far as it had come,
// and in one of its intervals, which may be that before it.
func (t Trend) shown(ctx context.Context, w Source, one Range, moment time.Time) (*Breakdown, error) {
	p, err := t.Range.resolve("range", moment, false)
	if err != nil {
		return nil, err
	}
	interval, err := one.resolve("range", moment, false)
	if err != nil {
		return nil, err
	}
	if interval.From.Before(p.From) {
		p.From = interval.From
	}
	if p.To.After(moment) {
		p.To = moment
	}
	t.Range.Interval = ByMonth // what is found does not depend on it, and these are the fewest buckets
	if p, err = t.Range.between(p.From, p.To).Resolve(moment); err != nil {
		return nil, err
	}
	asking := trendAsking{ctx: ctx, w: w, trend: &t, now: moment}
	_, err = asking.series(&t.Series[0], p)
	return &Breakdown{By: t.Breakdown.By, only: asking.groups}, err
}

func (n Number) askFunnel(ctx context.Context, w Source, f Funnel, moment time.Time, a *NumberAnswer) error {
	if f.Breakdown = n.ofGroup(f.Breakdown); f.Breakdown == nil {
		f.BreakdownStep = 0
	}
	var ok bool
	var err error
	if f.Range, ok, err = f.Range.until(moment); err != nil || !ok {
		return err
	}
	f.Range.Interval = ""
	answer, err := AskFunnel(ctx, w, f, moment)
	if err != nil {
		return err
	}
	steps := answer.Steps
	if f.Breakdown != nil {
		steps = make([]FunnelStep, len(f.Steps)) // where nobody is of the group
		for _, g := range answer.Groups {
			if g.Other == n.Other {
				steps = g.Steps
			}
		}
	}
	i := n.step(f)
	step := steps[i]
	switch n.Of {
	case OfPeople:
		a.Value = new(float64(step.People))
	case OfPrevious:
		a.Value, a.Of = step.OfPrevious, float64(steps[i-1].People)
	default:
		a.Value, a.Of = step.OfFirst, float64(steps[0].People)
	}
	return nil
}

func (n Number) askRetention(ctx context.Context, w Source, r Retention, moment time.Time, a *NumberAnswer) error {
	r.Breakdown = n.ofGroup(r.Breakdown)
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
	if r.Breakdown != nil {
		cell = RetentionCell{Incomplete: cell.Incomplete} // where nobody is of the group
		for _, g := range answer.Groups {
			if g.Other == n.Other {
				cell = g.Curve[n.period()]
			}
		}
	}
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
