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

// starter is one person of a cohort.
type starter struct {
	person  string
	at      time.Time
	returns []time.Time
	group   query.Group
}

// starters gives who starts in a range, and when they return in it.
func (w *World) starters(q *query.Retention, period query.Period) []starter {
	first, returns := map[string]starter{}, map[string][]time.Time{}
	var order []string
	for i := range w.Events {
		e := &w.Events[i]
		at, who := event.GoTime(e.Timestamp), w.Person(e)
		fits := func(s query.Step) bool {
			return (q.Bots || !e.IsBot) && at.Before(period.To) && selected(e, s.Event) && w.matches(e, who, s.Where, q.Bots) && w.matches(e, who, q.Where, q.Bots)
		}
		if fits(q.Return) && !at.Before(period.From) {
			returns[who] = append(returns[who], at)
		}
		if !fits(q.Start) || !q.Ever && at.Before(period.From) {
			continue
		}
		old, known := first[who]
		if !known {
			order = append(order, who)
		}
		g := w.groupOf(e, q.Breakdown)
		if !known || at.Before(old.at) || at.Equal(old.at) && key(g) < key(old.group) {
			first[who] = starter{person: who, at: at, group: g}
		}
	}
	var list []starter
	slices.Sort(order)
	for _, who := range order {
		if s := first[who]; !s.at.Before(period.From) {
			s.returns = returns[who]
			list = append(list, s)
		}
	}
	return list
}

// cameBack tells whether somebody of a row returned in a period.
func cameBack(q *query.Retention, period query.Period, s starter, row, cell int) bool {
	for _, at := range s.returns {
		var from, to time.Time
		if q.Rolling {
			days := map[query.Interval]int{"": 1, query.ByDay: 1, query.ByWeek: 7, query.ByMonth: 30}[q.Range.Interval]
			length := time.Duration(days) * 24 * time.Hour
			from, to = s.at.Add(time.Duration(cell)*length), s.at.Add(time.Duration(cell+1)*length)
		} else {
			from, to = period.Buckets[row+cell].From, period.Buckets[row+cell].To
		}
		if !at.Before(from) && (q.OrAfter || at.Before(to)) {
			return true
		}
	}
	return false
}

func rowOf(period query.Period, s starter) int {
	return slices.IndexFunc(period.Buckets, func(b query.Bucket) bool { return s.at.Before(b.To) })
}

// Retention answers a retention.
func (w *World) Retention(q query.Retention) query.RetentionAnswer {
	period, err := q.Range.Resolve(w.Now)
	if err != nil {
		panic(err)
	}
	a := query.RetentionAnswer{Period: period}
	people := w.starters(&q, period)
	var shown []query.Group
	table := func(g query.Group, other bool) query.RetentionTable {
		t := query.RetentionTable{Group: g, Other: other}
		n := len(period.Buckets)
		for row, b := range period.Buckets {
			r := query.RetentionRow{Bucket: b}
			for cell := range n - row {
				var c query.RetentionCell
				for _, s := range people {
					if rowOf(period, s) != row || !inPoint(s.group, g, other, shown) {
						continue
					}
					if c.Of++; cameBack(&q, period, s, row, cell) {
						c.People++
					}
				}
				if r.Size = c.Of; c.Of > 0 {
					c.Share = new(float64(c.People) / float64(c.Of))
				}
				// What the last one of the row did in it is known when it is over.
				c.Incomplete = period.Buckets[row+cell].Incomplete
				if q.Rolling {
					days := map[query.Interval]int{"": 1, query.ByDay: 1, query.ByWeek: 7, query.ByMonth: 30}[q.Range.Interval]
					c.Incomplete = b.To.Add(time.Duration((cell+1)*days) * 24 * time.Hour).After(period.To)
				}
				r.Cells = append(r.Cells, c)
			}
			t.Rows = append(t.Rows, r)
		}
		for cell := range n {
			var all, complete query.RetentionCell
			some := false
			for _, r := range t.Rows[:n-cell] {
				all.People, all.Of = all.People+r.Cells[cell].People, all.Of+r.Cells[cell].Of
				if !r.Cells[cell].Incomplete {
					some = true
					complete.People, complete.Of = complete.People+r.Cells[cell].People, complete.Of+r.Cells[cell].Of
				}
			}
			if !some {
				complete, complete.Incomplete = all, true
			}
			if complete.Of > 0 {
				complete.Share = new(float64(complete.People) / float64(complete.Of))
			}
			t.Curve = append(t.Curve, complete)
		}
		return t
	}
	a.All = table(nil, false)
	if q.Breakdown == nil {
		return a
	}
	var members []query.Group
	for _, s := range people {
		members = append(members, s.group)
	}
	var others bool
	shown, others = top(q.Breakdown, members)
	for _, g := range shown {
		a.Groups = append(a.Groups, table(g, false))
	}
	if others {
		a.Groups = append(a.Groups, table(nil, true))
	}
	return a
}

// retention makes a retention.
func (a asker) retention() query.Retention {
	q := query.Retention{Start: a.step(), Return: a.step(), OrAfter: a.chance(40), Ever: a.chance(40), Rolling: a.chance(40), Bots: a.chance(30)}
	if a.chance(30) {
		q.Where = a.filter(0)
	}
	if a.chance(30) {
		q.Breakdown = a.breakdown()
	}
	for {
		q.Range = a.span()
		q.Range.Interval = pick(a.Rand, []query.Interval{"", query.ByDay, query.ByWeek, query.ByMonth})
		if p, err := q.Range.Resolve(a.world.Now); q.Validate() == nil && err == nil && len(p.Buckets) <= 20 {
			return q
		}
	}
}

// askRetention compares a retention's numbers, and one list behind them.
func askRetention(ctx context.Context, r *rand.Rand, w *World, in warehouse.Warehouse) (question, want, have any, err error) {
	return askOfRetention(ctx, asker{r, w}, in, asker{r, w}.retention())
}

func askOfRetention(ctx context.Context, a asker, in warehouse.Warehouse, q query.Retention) (question, want, have any, err error) {
	r, w := a.Rand, a.world
	answer, err := query.AskRetention(ctx, in, q, w.Now)
	if err != nil {
		return q, nil, nil, err
	}
	answer.Complete = query.Completeness{}
	expected := w.Retention(q)
	if err := differ(expected, answer); err != nil {
		return q, expected, answer, nil
	}
	p := &query.RetentionPoint{Retention: q, Row: r.IntN(len(answer.Period.Buckets))}
	table := answer.All
	if len(answer.Groups) > 0 && a.chance(70) {
		table = pick(r, answer.Groups)
		p.Group, p.Other = table.Group, table.Other
	}
	number := table.Rows[p.Row].Size
	if a.chance(80) {
		p.Cell, p.Lost = new(r.IntN(len(table.Rows[p.Row].Cells))), a.chance(40)
		cell := table.Rows[p.Row].Cells[*p.Cell]
		if number = cell.People; p.Lost {
			number = cell.Of - cell.People
		}
	}
	return askBehind(ctx, w, in, query.PeopleList{Retention: p}, w.retentionPeople(*p), number)
}

// retentionPeople gives the people behind a point.
func (w *World) retentionPeople(p query.RetentionPoint) []query.PersonLine {
	period, err := p.Retention.Range.Resolve(w.Now)
	if err != nil {
		panic(err)
	}
	people := w.starters(&p.Retention, period)
	var shown []query.Group
	if p.Retention.Breakdown != nil {
		var members []query.Group
		for _, s := range people {
			members = append(members, s.group)
		}
		shown, _ = top(p.Retention.Breakdown, members)
	}
	lines := []query.PersonLine{}
	for _, s := range people {
		if rowOf(period, s) != p.Row || !inPoint(s.group, p.Group, p.Other, shown) || p.Cell != nil && cameBack(&p.Retention, period, s, p.Row, *p.Cell) == p.Lost {
			continue
		}
		l := query.PersonLine{Person: s.person, First: s.at, Last: s.at}
		for _, at := range s.returns {
			if !p.Retention.Rolling || !at.Before(s.at) {
				l.Events++
			}
			if at.After(l.Last) {
				l.Last = at
			}
		}
		lines = append(lines, l)
	}
	return lines
}
