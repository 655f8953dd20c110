package querytest

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/query"
)

// groupOf gives a breakdown's values of an event.
func (w *World) groupOf(e *event.Event, b *query.Breakdown) query.Group {
	if b == nil {
		return nil
	}
	var g query.Group
	for _, f := range b.By {
		raw := w.raw(e, w.Person(e), f)
		if raw == "" {
			g = append(g, nil)
			continue
		}
		text, _ := unquote(raw)
		g = append(g, &text)
	}
	return g
}

// key is a group's name in a map, in the order of groups: a missing value comes last.
func key(g query.Group) string {
	var b strings.Builder
	for _, v := range g {
		if v == nil {
			b.WriteString("\x02\x00")
			continue
		}
		b.WriteString("\x01" + *v + "\x00")
	}
	return b.String()
}

// number makes a series' number of some events.
func (w *World) number(m query.Measure, events []*event.Event) *float64 {
	distinct := map[string]bool{}
	var numbers []float64
	for _, e := range events {
		switch m.Aggregate() {
		case query.Count:
			numbers = append(numbers, 1)
		case query.People:
			distinct[w.Person(e)] = true
		case query.Sessions:
			if e.SessionID != "" {
				distinct[fmt.Sprintf("%q %q %q", e.Request.Source, cmp.Or(e.AnonymousID, e.UserID), e.SessionID)] = true
			}
		default:
			if n, ok := numberOf(w.raw(e, w.Person(e), m.Field)); ok {
				numbers = append(numbers, n)
			}
		}
	}
	slices.Sort(numbers)
	sum := 0.0
	for _, n := range numbers {
		sum += n
	}
	switch m.Aggregate() {
	case query.People, query.Sessions:
		return new(float64(len(distinct)))
	case query.Count, query.Sum:
		return &sum
	}
	if len(numbers) == 0 {
		return nil
	}
	switch m.Aggregate() {
	case query.Average:
		return new(sum / float64(len(numbers)))
	case query.Minimum:
		return &numbers[0]
	case query.Maximum:
		return &numbers[len(numbers)-1]
	}
	at := m.Percentile / 100 * float64(len(numbers)-1)
	low, high := numbers[int(math.Floor(at))], numbers[int(math.Ceil(at))]
	return new(low + (high-low)*(at-math.Floor(at)))
}

// hits gives the events of a series in a period.
func (w *World) hits(t *query.Trend, s *query.Series, from, to time.Time) []*event.Event {
	var list []*event.Event
	for i := range w.Events {
		e := &w.Events[i]
		at, who := event.GoTime(e.Timestamp), w.Person(e)
		if !at.Before(from) && at.Before(to) && (t.Bots || !e.IsBot) && selected(e, s.Event) && w.matches(e, who, t.Where, t.Bots) && w.matches(e, who, s.Where, t.Bots) {
			list = append(list, e)
		}
	}
	return list
}

// Trend answers a trend.
func (w *World) Trend(t query.Trend) query.TrendAnswer {
	period, err := t.Range.Resolve(w.Now)
	if err != nil {
		panic(err)
	}
	checkRange(t.Range, period, w.Now)
	a := query.TrendAnswer{Period: period, Lines: []query.Line{}}
	if t.Compare {
		before := period.Previous()
		checkPrevious(period, before)
		a.Previous = &before
	}
	groups := w.shown(&t, period)
	lineOf := func(i int, l query.Line) query.Line {
		l.Series = i
		l.Values, l.Total = w.values(&t, i, period, groups, l)
		if t.Compare {
			l.Previous, l.PreviousTotal = w.values(&t, i, *a.Previous, groups, l)
		}
		return l
	}
	blanks := []query.Line{{}}
	if t.Breakdown != nil {
		blanks = nil
		for _, g := range groups {
			blanks = append(blanks, query.Line{Group: g})
		}
		if w.others(&t, period, groups) || a.Previous != nil && w.others(&t, *a.Previous, groups) {
			blanks = append(blanks, query.Line{Other: true})
		}
	}
	for i := range t.Series {
		for _, l := range blanks {
			a.Lines = append(a.Lines, lineOf(i, l))
		}
	}
	for i, f := range t.Formulas {
		for _, l := range blanks {
			var of []query.Line
			for s := range t.Series {
				of = append(of, lineOf(s, l))
			}
			l.Series, l.Formula = -1, &i
			l.Values, l.Total = formula(f, of, func(l query.Line) []*float64 { return l.Values }, func(l query.Line) *float64 { return l.Total })
			if t.Compare {
				l.Previous, l.PreviousTotal = formula(f, of, func(l query.Line) []*float64 { return l.Previous }, func(l query.Line) *float64 { return l.PreviousTotal })
			}
			a.Lines = append(a.Lines, l)
		}
	}
	return a
}

// formulas that are asked, and what they are.
func formulas() map[query.Formula]func(a, b float64) float64 {
	return map[query.Formula]func(a, b float64) float64{
		"A / B":               func(a, b float64) float64 { return a / b },
		"100*(A-b)/ A":        func(a, b float64) float64 { return 100 * (a - b) / a },
		"-A + 2 * B - .5 - 1": func(a, b float64) float64 { return -a + 2*b - .5 - 1 },
		"A - (B - 1) * -2":    func(a, b float64) float64 { return a - (b-1)*-2 },
	}
}

func formula(f query.Formula, of []query.Line, values func(query.Line) []*float64, total func(query.Line) *float64) ([]*float64, *float64) {
	compute := func(a, b *float64) *float64 {
		if a == nil || b == nil {
			return nil
		}
		n := formulas()[f](*a, *b)
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return nil
		}
		return &n
	}
	var list []*float64
	for i := range values(of[0]) {
		list = append(list, compute(values(of[0])[i], values(of[1])[i]))
	}
	return list, compute(total(of[0]), total(of[1]))
}

// shown gives the groups with the greatest numbers of the first series.
func (w *World) shown(t *query.Trend, p query.Period) []query.Group {
	if t.Breakdown == nil {
		return nil
	}
	groups, events := map[string]query.Group{}, map[string][]*event.Event{}
	for _, e := range w.facts(t, 0, p) {
		g := w.groupOf(e, t.Breakdown)
		groups[key(g)] = g
		events[key(g)] = append(events[key(g)], e)
	}
	order := slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		x, y := w.number(t.Series[0].Measure, events[a]), w.number(t.Series[0].Measure, events[b])
		switch {
		case x == nil && y == nil:
		case x == nil:
			return 1
		case y == nil:
			return -1
		case *x != *y:
			return cmp.Compare(*y, *x)
		}
		return cmp.Compare(a, b)
	})
	list := []query.Group{}
	for _, k := range order[:min(len(order), t.Breakdown.Groups())] {
		list = append(list, groups[k])
	}
	return list
}

// facts gives the events that a series' number is made of: for sessions those in one, for a percentile those with a
// number, for any other all.
func (w *World) facts(t *query.Trend, series int, p query.Period) []*event.Event {
	s := &t.Series[series]
	return slices.DeleteFunc(w.hits(t, s, p.From, p.To), func(e *event.Event) bool {
		switch s.Measure.Aggregate() {
		case query.Sessions:
			return e.SessionID == ""
		case query.Percentile:
			_, ok := numberOf(w.raw(e, w.Person(e), s.Measure.Field))
			return !ok
		}
		return false
	})
}

// others tells whether any series has events in groups that are not shown.
func (w *World) others(t *query.Trend, p query.Period, groups []query.Group) bool {
	for i := range t.Series {
		for _, e := range w.facts(t, i, p) {
			if !among(groups, w.groupOf(e, t.Breakdown)) {
				return true
			}
		}
	}
	return false
}

func among(groups []query.Group, g query.Group) bool {
	return slices.ContainsFunc(groups, func(h query.Group) bool { return key(g) == key(h) })
}

// values gives a line's numbers in a period.
func (w *World) values(t *query.Trend, series int, p query.Period, groups []query.Group, l query.Line) ([]*float64, *float64) {
	s := &t.Series[series]
	of := func(from, to time.Time) *float64 {
		list := slices.DeleteFunc(w.hits(t, s, from, to), func(e *event.Event) bool {
			g := w.groupOf(e, t.Breakdown)
			return l.Other && among(groups, g) || !l.Other && key(g) != key(l.Group)
		})
		return w.number(s.Measure, list)
	}
	var numbers []*float64
	for i, b := range p.Buckets {
		checkCalendar(p, i)
		numbers = append(numbers, of(b.From, b.To))
	}
	return numbers, of(p.From, p.To)
}

// checkCalendar looks at a bucket with a calendar in hand: its first and its last moment are in one unit, and the moments
// around it are in others.
func checkCalendar(p query.Period, i int) {
	zone, err := time.LoadLocation(p.Zone)
	if err != nil {
		panic(err)
	}
	unit := func(t time.Time) string {
		t = t.In(zone)
		switch p.Interval {
		case query.ByMinute:
			return t.Format("2006-01-02 15:04 -0700")
		case query.ByHour:
			return t.Format("2006-01-02 15 -0700")
		case query.ByWeek:
			year, week := t.ISOWeek()
			return fmt.Sprint(year, " ", week)
		case query.ByMonth:
			return t.Format("2006-01")
		}
		return t.Format(time.DateOnly)
	}
	b := p.Buckets[i]
	first, last := unit(b.From), unit(b.To.Add(-time.Microsecond))
	if first != last {
		panic(fmt.Sprintf("the bucket from %s to %s has moments of %s and of %s", b.From, b.To, first, last))
	}
	if i > 0 && unit(p.Buckets[i-1].From) == first {
		panic(fmt.Sprintf("two buckets of %s", first))
	}
	if whole := unit(b.From.Add(-time.Microsecond)) != first && unit(b.To) != first; whole == b.Incomplete {
		panic(fmt.Sprintf("the bucket from %s to %s is whole: %v; it says that it is not: %v", b.From, b.To, whole, b.Incomplete))
	}
}

// checkRange looks at what a range of the last units is: so many of them, of which now is in the last.
func checkRange(r query.Range, p query.Period, now time.Time) {
	if r.Last == 0 {
		return
	}
	r.Interval = r.Unit
	units, err := r.Resolve(now)
	if err != nil {
		panic(err)
	}
	last := units.Buckets[len(units.Buckets)-1]
	if len(units.Buckets) != r.Last || now.Before(last.From) || !now.Before(last.To) || !p.From.Equal(units.From) || !p.To.Equal(units.To) {
		panic(fmt.Sprintf("the last %d of %s are not %s to %s", r.Last, r.Unit, p.From, p.To))
	}
	for i := range units.Buckets {
		checkCalendar(units, i)
	}
}

// checkPrevious looks at the period before one: it ends where that begins, and is as many units where that is whole units, as many
// days where that is whole days, and as long otherwise.
func checkPrevious(p, before query.Period) {
	zone, err := time.LoadLocation(p.Zone)
	if err != nil {
		panic(err)
	}
	// Dates are counted at noon, which no clock leaves out.
	days := func(from, to time.Time) int {
		noon := func(t time.Time) time.Time {
			y, m, d := t.In(zone).Date()
			return time.Date(y, m, d, 12, 0, 0, 0, time.UTC)
		}
		return int(noon(to).Sub(noon(from)) / (24 * time.Hour))
	}
	newDay := func(t time.Time) bool { return t.In(zone).Day() != t.Add(-time.Microsecond).In(zone).Day() }
	right := before.To.Equal(p.From)
	switch last := len(p.Buckets) - 1; {
	case !p.Buckets[0].Incomplete && !p.Buckets[last].Incomplete:
		right = right && len(before.Buckets) == len(p.Buckets) && !before.Buckets[0].Incomplete && !before.Buckets[last].Incomplete
	case newDay(p.From) && newDay(p.To):
		right = right && newDay(before.From) && days(before.From, before.To) == days(p.From, p.To)
	default:
		right = right && before.To.Sub(before.From) == p.To.Sub(p.From)
	}
	if !right {
		panic(fmt.Sprintf("before %s to %s comes %s to %s", p.From, p.To, before.From, before.To))
	}
}
