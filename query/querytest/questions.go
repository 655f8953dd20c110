package querytest

import (
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/query"
)

// asker makes random questions about a world.
type asker struct {
	*rand.Rand
	world *World
}

func (a asker) chance(percent int) bool { return a.IntN(100) < percent }

func (a asker) selection() query.Selection {
	switch a.IntN(8) {
	case 0, 1, 2, 3:
		return query.Selection{}
	case 4:
		return query.Selection{Type: pick(a.Rand, []string{"page", "track", "identify"})}
	case 5:
		return query.Selection{Type: "page", Event: "Search"}
	}
	return query.Selection{Event: pick(a.Rand, eventNames())}
}

// propertyFields are of JSON values of any kind.
func propertyFields() []query.Field {
	return []query.Field{"properties.x", "properties.y", `properties.a\.b`, "properties.cart.total", "properties.cart", "properties.0", "properties.cart.0", "properties.nothing"}
}

func (a asker) eventField() query.Field {
	if a.chance(60) {
		return pick(a.Rand, propertyFields())
	}
	return pick(a.Rand, []query.Field{"country", "source", "event", "user_id", "context.os.name", "is_bot", "screen_width"})
}

func (a asker) field() query.Field {
	if a.chance(30) {
		return pick(a.Rand, []query.Field{"person", "person.plan", "person.seats"})
	}
	return a.eventField()
}

func (a asker) text() string {
	return pick(a.Rand, []string{"1", "10", "red", "Red", "green", "ÜBER", "über", "a.b", "true", "DE", "de", "web", "u1", "a7", "pro", "7", "iOS", "[1,2]", "Buy", "n", "2.5"})
}

func (a asker) number() float64 {
	return pick(a.Rand, []float64{1, 2, 2.5, 10, -4, 0, 0.25, 7, 390, 1440, 4294967297})
}

func (a asker) comparison(field func() query.Field) query.Filter {
	f := query.Filter{Field: field(), Op: pick(a.Rand, query.Ops())}
	value := func() any { return a.text() }
	switch {
	case f.Field == "is_bot":
		f.Op = pick(a.Rand, []query.Op{query.Is, query.IsNot, query.Set})
		value = func() any { return a.chance(50) }
	case f.Field == "screen_width":
		f.Op = pick(a.Rand, []query.Op{query.Is, query.NotIn, query.Less, query.AtLeast, query.Between, query.NotSet})
		value = func() any { return a.number() }
	case slices.Contains(propertyFields(), f.Field) || f.Field == "person.seats":
		switch f.Op {
		case query.Is, query.IsNot, query.In, query.NotIn:
			value = func() any {
				switch a.IntN(3) {
				case 0:
					return a.number()
				case 1:
					return a.chance(50)
				}
				return a.text()
			}
		case query.Greater, query.AtLeast, query.Less, query.AtMost, query.Between:
			if a.chance(60) {
				value = func() any { return a.number() }
			}
		}
	}
	switch f.Op {
	case query.Set, query.NotSet:
	case query.In, query.NotIn:
		for range 1 + a.IntN(4) {
			f.Values = append(f.Values, value())
		}
	case query.Between:
		f.Values = []any{value(), value()}
	case query.Regex, query.NotRegex:
		f.Values = []any{pick(a.Rand, []string{"^r", "(?i)RED$", "^[^a-m]+$", "e{2}|1", `^\d+$`, "a.b", `line.break`, `(?s)line.break`, "^$", "", `\[1`, "[[:upper:]]", "^(de|us)$", "n$"})}
	default:
		f.Values = []any{value()}
	}
	return f
}

// filter makes a condition; nil: none.
func (a asker) filter(depth int) *query.Filter {
	switch {
	case depth == 0 && a.chance(70):
		return nil
	case depth < 3 && a.chance(30):
		var list []query.Filter
		for range 1 + a.IntN(3) {
			list = append(list, *a.filter(depth + 1))
		}
		if a.chance(50) {
			return &query.Filter{All: list}
		}
		return &query.Filter{Any: list}
	case a.chance(25):
		return &query.Filter{Did: a.did(), Not: a.chance(30)}
	case a.chance(10):
		people := query.Filter{All: []query.Filter{
			{Did: a.did()}, a.comparison(func() query.Field { return pick(a.Rand, []query.Field{"person", "person.plan", "person.seats"}) }),
		}}
		return &query.Filter{Cohort: &query.Cohort{Name: "some", Filter: people}, Not: a.chance(30)}
	}
	f := a.comparison(a.field)
	return &f
}

func (a asker) did() *query.Did {
	d := &query.Did{Event: a.selection(), AtLeast: max(0, a.IntN(6)-2)}
	if a.chance(30) {
		f := a.comparison(a.eventField)
		d.Where = &f
	}
	if a.chance(40) {
		d.AtMost = new(d.AtLeast + a.IntN(3))
	}
	if a.chance(40) {
		r := a.span()
		d.Range = &r
	}
	return d
}

// zone picks a time zone: often one where clocks change in the world's time, which is then given.
func (a asker) zone() (name string, change time.Time) {
	for range 1 + a.IntN(8) {
		name = pick(a.Rand, zones())
		zone, err := time.LoadLocation(name)
		if err != nil {
			panic(err)
		}
		if began, _ := a.world.Now.In(zone).ZoneBounds(); a.world.Now.Sub(began) < 10*24*time.Hour {
			return name, began
		}
	}
	return name, change
}

// span is a range without an interval.
func (a asker) span() query.Range {
	zone, change := a.zone()
	r := query.Range{Zone: zone}
	if !change.IsZero() && a.chance(40) {
		r.From, r.To = change.Add(-time.Duration(a.IntN(30))*time.Hour).Format(time.RFC3339), change.Add(time.Duration(1+a.IntN(30))*time.Hour).Format(time.RFC3339)
		return r
	}
	if a.chance(50) {
		r.Last, r.Unit = 1+a.IntN(6), pick(a.Rand, append(query.Intervals(), query.ByDay, query.ByDay, query.ByWeek, query.ByMonth))
		return r
	}
	from := a.world.Now.AddDate(0, 0, -a.IntN(12))
	to := from.AddDate(0, 0, a.IntN(8))
	if a.chance(40) {
		r.From, r.To = from.Format(time.DateOnly), to.Format(time.DateOnly)
		return r
	}
	to = to.Add(time.Duration(1+a.IntN(100_000)) * time.Second)
	if n := len(a.world.Events); n > 0 && a.chance(70) {
		// It begins or ends with an event.
		moment := func() time.Time { return event.GoTime(a.world.Events[a.IntN(n)].Timestamp) }
		if one := moment(); a.chance(50) && one.Before(to) {
			from = one
		} else if one.After(from) {
			to = one
		}
		if one, other := moment(), moment(); one.Before(other) && a.chance(30) {
			from, to = one, other
		}
	}
	r.From, r.To = from.Format(time.RFC3339Nano), to.Format(time.RFC3339Nano)
	return r
}

// length is that of a window or a gap: often one that two events are apart.
func (a asker) length() int {
	if a.chance(50) {
		return pick(a.Rand, []int{1, 2, 3, 30, 48})
	}
	return 1 + a.IntN(40)
}

// cut is a range with an interval that does not make too many buckets for an oracle.
func (a asker) cut() query.Range {
	for {
		r := a.span()
		r.Interval = pick(a.Rand, query.Intervals())
		if r.Validate("range") != nil {
			continue
		}
		if p, err := r.Resolve(a.world.Now); err == nil && len(p.Buckets) <= 60 {
			return r
		}
	}
}

func (a asker) measure() query.Measure {
	m := query.Measure{Of: pick(a.Rand, query.Aggregates())}
	if m.OfField() {
		m.Field = pick(a.Rand, append(propertyFields(), "screen_width", "person.seats"))
	}
	if m.Of == query.Percentile {
		m.Percentile = pick(a.Rand, []float64{50, 25, 90, 99.9, 1})
	}
	return m
}

func (a asker) breakdown() *query.Breakdown {
	b := &query.Breakdown{By: []query.Field{a.field()}, Top: a.IntN(5)}
	if a.chance(40) {
		b.By = append(b.By, a.field())
	}
	return b
}

// trend makes a trend.
func (a asker) trend() query.Trend {
	t := query.Trend{Range: a.cut(), Where: a.filter(0), Compare: a.chance(20), Bots: a.chance(30)}
	for range 1 + a.IntN(2) {
		t.Series = append(t.Series, query.Series{Event: a.selection(), Measure: a.measure(), Where: a.filter(0)})
	}
	if a.chance(40) {
		t.Breakdown = a.breakdown()
	}
	if len(t.Series) == 2 && a.chance(50) {
		t.Formulas = []query.Formula{pick(a.Rand, slices.Sorted(maps.Keys(formulas())))}
	}
	return t
}
