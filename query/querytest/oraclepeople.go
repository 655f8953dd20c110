package querytest

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
)

// lines lists the people of some events, those seen last first.
func (w *World) lines(events []*event.Event) []query.PersonLine {
	people := map[string]*query.PersonLine{}
	for _, e := range events {
		at, who := event.GoTime(e.Timestamp), w.Person(e)
		l := people[who]
		if l == nil {
			l = &query.PersonLine{Person: who, First: at, Last: at}
			people[who] = l
		}
		l.Events++
		if at.Before(l.First) {
			l.First = at
		}
		if at.After(l.Last) {
			l.Last = at
		}
	}
	var list []query.PersonLine
	for _, who := range slices.Sorted(maps.Keys(people)) {
		list = append(list, *people[who])
	}
	slices.SortStableFunc(list, func(a, b query.PersonLine) int { return b.Last.Compare(a.Last) })
	return list
}

// people answers a list of people, of the events behind a number. Traits are left to those who compare.
func (w *World) people(p query.PeopleList, events []*event.Event) query.PeopleAnswer {
	a := query.PeopleAnswer{List: []query.PersonLine{}}
	search := regexp.MustCompile("(?i)" + regexp.QuoteMeta(p.Search))
	passed := 0
	for _, l := range w.lines(events) {
		a.People++
		a.Events += l.Events
		hit := search.MatchString(l.Person)
		for name, trait := range w.Traits[l.Person] {
			hit = hit || (name == "email" || name == "name") && search.MatchString(trait)
		}
		for device, user := range w.Identities {
			hit = hit || user == l.Person && search.MatchString(device)
		}
		if !hit {
			continue
		}
		a.Found++
		if passed++; passed > p.Skip && (p.Limit == 0 || len(a.List) < p.Limit) {
			a.List = append(a.List, l)
		}
	}
	return a
}

// PeopleOf answers a list of people.
func (w *World) PeopleOf(p query.PeopleList) query.PeopleAnswer {
	if p.Events != nil {
		t := query.Trend{Where: p.Events.Where, Bots: p.Events.Bots}
		from, to := time.Time{}, time.Unix(1<<40, 0)
		if p.Events.Range != nil {
			period, err := p.Events.Range.Resolve(w.Now)
			if err != nil {
				panic(err)
			}
			from, to = period.From, period.To
		}
		return w.people(p, w.hits(&t, &query.Series{Event: p.Events.Event}, from, to))
	}
	t := &p.Trend.Trend
	period, err := t.Range.Resolve(w.Now)
	if err != nil {
		panic(err)
	}
	groups := w.shown(t, period)
	if p.Trend.Previous {
		period = period.Previous()
	}
	from, to := period.From, period.To
	if p.Trend.Bucket != nil {
		from, to = period.Buckets[*p.Trend.Bucket].From, period.Buckets[*p.Trend.Bucket].To
	}
	m := t.Series[p.Trend.Series].Measure
	events := slices.DeleteFunc(w.facts(t, p.Trend.Series, query.Period{From: from, To: to}), func(e *event.Event) bool {
		if m.OfField() {
			if _, ok := numberOf(w.raw(e, w.Person(e), m.Field)); !ok {
				return true
			}
		}
		g := w.groupOf(e, t.Breakdown)
		return p.Trend.Other && among(groups, g) || !p.Trend.Other && key(g) != key(p.Trend.Group)
	})
	return w.people(p, events)
}

// people makes a question: of a trend's point, or of events.
func (a asker) people() query.PeopleList {
	p := query.PeopleList{Limit: a.IntN(8), Skip: pick(a.Rand, []int{0, 0, 0, 2, 50})}
	if a.chance(30) {
		p.Search = pick(a.Rand, []string{"u", "A7", "pro", "red", "2", "ü", "EXAMPLE"})
	}
	if a.chance(30) {
		p.Events = &query.Doers{Event: a.selection(), Where: a.filter(0), Bots: a.chance(50)}
		if a.chance(50) {
			r := a.span()
			p.Events.Range = &r
		}
		return p
	}
	t := a.trend()
	p.Trend = &query.TrendPoint{Trend: t, Series: a.IntN(len(t.Series)), Previous: t.Compare && a.chance(50)}
	period, err := t.Range.Resolve(a.world.Now)
	if err != nil {
		panic(err)
	}
	shown := period
	if p.Trend.Previous {
		shown = period.Previous()
	}
	if a.chance(50) {
		p.Trend.Bucket = new(a.IntN(len(shown.Buckets)))
	}
	if t.Breakdown == nil {
		return p
	}
	groups := a.world.shown(&t, period)
	if len(groups) == 0 || a.chance(30) {
		p.Trend.Other = true
		return p
	}
	p.Trend.Group = pick(a.Rand, groups)
	return p
}

// askPeople compares lists, and a list's length with the number that it is behind.
func askPeople(ctx context.Context, r *rand.Rand, w *World, in warehouse.Warehouse) (question, want, have any, err error) {
	p := asker{r, w}.people()
	list, err := query.AskPeople(ctx, in, p, w.Now)
	if err != nil {
		return p, nil, nil, err
	}
	for i := range list.List {
		l := &list.List[i]
		if trait := w.Traits[l.Person]; (len(trait) > 0) != (l.Traits != nil) || !strings.Contains(string(l.Traits), trait["plan"]) {
			return p, nil, nil, fmt.Errorf("%s: want the traits %v; have %s", l.Person, trait, l.Traits)
		}
		l.Traits = nil
	}
	list.Complete = query.Completeness{}
	if n, err := exported(ctx, p, w, in); err != nil || n != list.Found {
		return p, nil, nil, fmt.Errorf("want the %d people found in a file; have %d (%w)", list.Found, n, err)
	}
	if p.Trend == nil {
		return p, w.PeopleOf(p), list, nil
	}
	return p, w.PeopleOf(p), list, behind(ctx, p.Trend, list, w, in)
}

// exported counts the people that a file of the list would have.
func exported(ctx context.Context, p query.PeopleList, w *World, in warehouse.Warehouse) (int64, error) {
	p.Limit, p.Skip = 0, 0
	rows, err := query.ExportPeople(ctx, in, p, w.Now)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	if err := rows.WriteNDJSON(io.Discard); err != nil {
		return 0, err
	}
	return rows.Read(), nil
}

// behind asks the trend for the number itself.
func behind(ctx context.Context, p *query.TrendPoint, list query.PeopleAnswer, w *World, in warehouse.Warehouse) error {
	answer, err := query.AskTrend(ctx, in, p.Trend, w.Now)
	if err != nil {
		return err
	}
	for _, l := range answer.Lines {
		if l.Series != p.Series || l.Other != p.Other || key(l.Group) != key(p.Group) {
			continue
		}
		values, total := l.Values, l.Total
		if p.Previous {
			values, total = l.Previous, l.PreviousTotal
		}
		if p.Bucket != nil {
			total = values[*p.Bucket]
		}
		length := map[query.Aggregate]int64{query.People: list.People, query.Count: list.Events}
		of := p.Trend.Series[p.Series].Measure.Aggregate()
		if n, is := length[of]; is && float64(n) != *total {
			return fmt.Errorf("%s is %v, and the list behind it says %d", of, *total, n)
		}
	}
	return nil
}
