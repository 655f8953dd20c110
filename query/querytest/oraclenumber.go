package querytest

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
)

// pointed is a number of a question at a moment.
type pointed struct {
	Question any          `json:"question"`
	Number   query.Number `json:"number"`
	Moment   time.Time    `json:"moment"`
}

// by gives the world as it was when nothing had happened from a moment on. Who is who, and the traits, are of today.
func (w *World) by(moment time.Time) *World {
	known := *w
	known.Now, known.Events = moment, nil
	for i := range w.Events {
		if event.GoTime(w.Events[i].Timestamp).Before(moment) {
			known.Events = append(known.Events, w.Events[i])
		}
	}
	return &known
}

// askNumber compares a number as it stood at a moment with the one that the full answer has in a world in which nothing has
// happened since.
func askNumber(ctx context.Context, r *rand.Rand, w *World, in warehouse.Warehouse) (question, want, have any, err error) {
	moment := w.Now
	if n := len(w.Events); n > 0 && r.IntN(2) == 0 {
		moment = event.GoTime(w.Events[r.IntN(n)].Timestamp).Add(time.Duration(r.IntN(2)) * time.Microsecond)
	}
	known := w.by(moment)
	a := asker{r, known}
	p := pointed{Moment: moment}
	var expected query.NumberAnswer
	var q query.Question
	switch r.IntN(3) {
	case 0:
		t := a.trend()
		expected.Value = a.ofTrend(&t, &p.Number)
		q = t
	case 1:
		f := a.funnel()
		expected.Value, expected.Of = a.ofFunnel(&f, &p.Number)
		q = f
	default:
		t := a.retention()
		expected.Value, expected.Of = a.ofRetention(&t, &p.Number)
		q = t
	}
	p.Question = q
	if err := p.Number.Validate("number", q); err != nil {
		return p, nil, nil, err
	}
	answer, err := query.AskNumber(ctx, in, q, p.Number, moment)
	answer.Kind = ""
	return p, expected, answer, err
}

// group points a number at a group: often one of an event's, which may be shown or not, or the others, or one that there is not.
func (a asker) group(b *query.Breakdown, n *query.Number) {
	switch {
	case b == nil || a.chance(20):
	case a.chance(25):
		n.Other = true
	case a.chance(90) && len(a.world.Events) > 0:
		n.Group = a.world.groupOf(&a.world.Events[a.IntN(len(a.world.Events))], b)
	default:
		for range b.By {
			n.Group = append(n.Group, new("nowhere"))
		}
	}
}

// all is a breakdown that shows every group, where a number is one group's; of the others it must show what the report does.
func all(b *query.Breakdown, n *query.Number) *query.Breakdown {
	if n.Group == nil {
		return b
	}
	return &query.Breakdown{By: b.By, Top: 100}
}

// is tells whether a line, or a table, is of the number's group.
func is(n *query.Number, g query.Group, other bool) bool {
	return other == n.Other && key(g) == key(n.Group)
}

// ofTrend points a number at a trend, and gives it.
func (a asker) ofTrend(t *query.Trend, n *query.Number) *float64 {
	if len(t.Formulas) > 0 && a.chance(50) {
		n.Formula = new(0)
	} else if a.chance(70) {
		n.Series = new(a.IntN(len(t.Series)))
	}
	n.Of = pick(a.Rand, []query.NumberOf{"", query.Total, query.LastInterval})
	a.group(t.Breakdown, n)
	full := *t
	full.Breakdown, full.Compare = all(t.Breakdown, n), false
	if !n.Other && n.Group == nil {
		full.Breakdown = nil
	}
	answer := a.world.Trend(full)
	bucket := -1
	for i, b := range answer.Period.Buckets {
		if !b.Incomplete && !b.To.After(a.world.Now) {
			bucket = i
		}
	}
	if n.Of == query.LastInterval && bucket < 0 {
		switch {
		case t.Range.Last == 0:
			return nil
		case n.Other: // of an interval that the report does not have
			n.Of = query.Total
		default: // the one before the current one
			full.Range = query.Range{Last: 2, Unit: t.Range.Interval, Interval: t.Range.Interval, Zone: t.Range.Zone}
			answer, bucket = a.world.Trend(full), 0
		}
	}
	if !answer.Period.From.Before(a.world.Now) {
		return nil
	}
	for _, l := range answer.Lines {
		if (n.Formula == nil) == (l.Formula == nil) && (n.Formula != nil || n.Series == nil && l.Series == 0 || n.Series != nil && l.Series == *n.Series) && is(n, l.Group, l.Other) {
			if n.Of == query.LastInterval {
				return l.Values[bucket]
			}
			return l.Total
		}
	}
	return a.world.unshown(&full, answer.Period, n, bucket)
}

// unshown is the number of a group that a trend's answer does not have: nothing of the first series is in it.
func (w *World) unshown(t *query.Trend, p query.Period, n *query.Number, bucket int) *float64 {
	from, to := p.From, p.To
	if n.Of == query.LastInterval {
		from, to = p.Buckets[bucket].From, p.Buckets[bucket].To
	}
	var of []query.Line
	for i := range t.Series {
		var list []*event.Event // the others have none in any series
		if !n.Other {
			list = slices.DeleteFunc(w.hits(t, &t.Series[i], from, to), func(e *event.Event) bool { return key(w.groupOf(e, t.Breakdown)) != key(n.Group) })
		}
		of = append(of, query.Line{Total: w.number(t.Series[i].Measure, list)})
	}
	switch {
	case n.Formula != nil:
		_, total := formula(t.Formulas[0], of, func(query.Line) []*float64 { return nil }, func(l query.Line) *float64 { return l.Total })
		return total
	case n.Series != nil:
		return of[*n.Series].Total
	}
	return of[0].Total
}

// ofFunnel points a number at a funnel, and gives it.
func (a asker) ofFunnel(f *query.Funnel, n *query.Number) (value *float64, of float64) {
	step := len(f.Steps) - 1
	if a.chance(60) {
		step = a.IntN(len(f.Steps))
		n.Step = &step
	}
	n.Of = query.OfPeople
	if step > 0 {
		n.Of = pick(a.Rand, []query.NumberOf{"", query.OfFirst, query.OfPrevious, query.OfPeople})
	}
	a.group(f.Breakdown, n)
	full := *f
	full.Breakdown = all(f.Breakdown, n)
	answer := a.world.Funnel(full)
	if !answer.Period.From.Before(a.world.Now) {
		return nil, 0
	}
	steps := answer.Steps
	if n.Other || n.Group != nil {
		steps = make([]query.FunnelStep, len(f.Steps))
		for _, g := range answer.Groups {
			if is(n, g.Group, g.Other) {
				steps = g.Steps
			}
		}
	}
	switch n.Of {
	case query.OfPeople:
		return new(float64(steps[step].People)), 0
	case query.OfPrevious:
		return steps[step].OfPrevious, float64(steps[step-1].People)
	}
	return steps[step].OfFirst, float64(steps[0].People)
}

// ofRetention points a number at a retention, and gives it. What the full answer does not know yet is told by its range's end.
func (a asker) ofRetention(q *query.Retention, n *query.Number) (value *float64, of float64) {
	period := 1
	if a.chance(70) {
		period = a.IntN(5)
		n.Period = &period
	}
	n.Of = pick(a.Rand, []query.NumberOf{"", query.OfStarted, query.OfPeople})
	a.group(q.Breakdown, n)
	full := *q
	full.Breakdown = all(q.Breakdown, n)
	p, err := q.Range.Resolve(a.world.Now)
	if err != nil {
		panic(err)
	}
	if !p.From.Before(a.world.Now) {
		return nil, 0
	}
	if p.To.After(a.world.Now) {
		p.To = a.world.Now
	}
	full.Range = query.Range{From: p.From.Format(time.RFC3339Nano), To: p.To.Format(time.RFC3339Nano), Zone: q.Range.Zone, Interval: q.Range.Interval}
	answer := a.world.Retention(full)
	if period >= len(answer.All.Curve) || answer.All.Curve[period].Incomplete {
		return nil, 0
	}
	cell := answer.All.Curve[period]
	if n.Other || n.Group != nil {
		cell = query.RetentionCell{}
		for _, g := range answer.Groups {
			if is(n, g.Group, g.Other) {
				cell = g.Curve[period]
			}
		}
	}
	if n.Of == query.OfPeople {
		return new(float64(cell.People)), 0
	}
	return cell.Share, float64(cell.Of)
}
