package querytest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
)

// attempt is one way through a funnel: when it came to each step, the first moment of all at which it could.
type attempt struct {
	person string
	at     []time.Time
	group  query.Group
}

// funnelling is a funnel with what one person did in its time.
type funnelling struct {
	world  *World
	funnel *query.Funnel
	period query.Period
	window time.Duration
	events []*event.Event // of the person, in the order of their time
}

func (f *funnelling) at(i int) time.Time { return event.GoTime(f.events[i].Timestamp) }

// is tells whether an event is a step.
func (f *funnelling) is(e *event.Event, step int) bool {
	s := f.funnel.Steps[step]
	return selected(e, s.Event) && f.world.matches(e, f.world.Person(e), s.Where, f.funnel.Bots)
}

// first gives the first step that an event is; -1: none.
func (f *funnelling) first(e *event.Event) int {
	for s := range f.funnel.Steps {
		if f.is(e, s) {
			return s
		}
	}
	return -1
}

// excluded tells whether an exclusion happened between two steps: from the moment of the one on, and before that of the other.
func (f *funnelling) excluded(step int, from, to time.Time) bool {
	for _, x := range f.funnel.Exclude {
		after, before := x.After, x.Before
		if after == 0 && before == 0 {
			before = len(f.funnel.Steps) - 1
		}
		if f.funnel.Order != query.AnyOrder && (step < after || step >= before) {
			continue
		}
		for i, e := range f.events {
			if f.first(e) < 0 && selected(e, x.Event) && f.world.matches(e, f.world.Person(e), x.Where, f.funnel.Bots) && !f.at(i).Before(from) && f.at(i).Before(to) {
				return true
			}
		}
	}
	return false
}

// mayFollow tells whether a step can come at a moment, when the one before it came at another.
func (f *funnelling) mayFollow(step int, before, at time.Time) bool {
	for earlier := range step {
		a, b := f.funnel.Steps[earlier].Event, f.funnel.Steps[step].Event
		for i := range f.world.Events { // can any event be both, as far as types and names go?
			if e := &f.world.Events[i]; selected(e, a) && selected(e, b) {
				return at.After(before)
			}
		}
		if overlap(a, b) {
			return at.After(before)
		}
	}
	return !at.Before(before)
}

// overlap tells whether two selections have a type and a name in common.
func overlap(a, b query.Selection) bool {
	for _, typ := range query.EventTypes() {
		for _, name := range []string{a.Event, b.Event, "another"} {
			e := &event.Event{Type: typ, Name: name}
			if selected(e, a) && selected(e, b) {
				return true
			}
		}
	}
	return false
}

// attempts gives all attempts that begin with an event, whichever way they go: for each number of steps, the moments.
func (f *funnelling) attempts(begin int) [][]time.Time {
	begun := f.at(begin)
	if !begun.Before(f.period.To) {
		return nil
	}
	steps := len(f.funnel.Steps)
	late := func(i int) bool { return f.at(i).Sub(begun) > f.window }
	reached := []time.Time{begun}
	switch f.funnel.Order {
	case query.AnyOrder:
		if f.first(f.events[begin]) < 0 {
			return nil
		}
		var moments []time.Time
		for s := range steps {
			for i, e := range f.events {
				if !f.at(i).Before(begun) && !late(i) && f.first(e) == s && !f.excluded(0, begun, f.at(i)) {
					moments = append(moments, f.at(i))
					break
				}
			}
		}
		slices.SortFunc(moments, time.Time.Compare)
		return [][]time.Time{moments}
	case query.Strict:
		if !f.is(f.events[begin], 0) {
			return nil
		}
		for s := 1; s < steps && begin+s < len(f.events) && f.is(f.events[begin+s], s) && !late(begin+s); s++ {
			reached = append(reached, f.at(begin+s))
		}
		return [][]time.Time{reached}
	}
	if !f.is(f.events[begin], 0) {
		return nil
	}
	// All events that can be step s of an attempt begun then.
	front := []int{begin}
	for s := 1; s < steps && len(front) > 0; s++ {
		var ahead []int
		for i, e := range f.events {
			if !f.is(e, s) || late(i) {
				continue
			}
			for _, before := range front {
				if f.mayFollow(s, f.at(before), f.at(i)) && !f.excluded(s-1, f.at(before), f.at(i)) {
					ahead = append(ahead, i)
					break
				}
			}
		}
		if len(ahead) > 0 {
			reached = append(reached, f.at(ahead[0]))
		}
		front = ahead
	}
	return [][]time.Time{reached}
}

// best gives a person's best attempt; false: none.
func (f *funnelling) best() ([]time.Time, bool) {
	var all [][]time.Time
	for i := range f.events {
		all = append(all, f.attempts(i)...)
	}
	if len(all) == 0 {
		return nil, false
	}
	return slices.MinFunc(all, func(a, b []time.Time) int {
		// With one step only, the first attempt; else the first to get there, begun last; of those begun together, the one
		// that was faster.
		if c := cmp.Compare(len(b), len(a)); c != 0 {
			return c
		}
		if c := a[len(a)-1].Compare(b[len(b)-1]); c != 0 {
			return c
		}
		if c := b[0].Compare(a[0]); c != 0 {
			return c
		}
		for i := range a {
			if c := a[i].Compare(b[i]); c != 0 {
				return c
			}
		}
		return 0
	}), true
}

// attemptsOf gives the best attempt of everybody.
func (w *World) attemptsOf(fn *query.Funnel) []attempt {
	period, err := fn.Range.Resolve(w.Now)
	if err != nil {
		panic(err)
	}
	f := funnelling{world: w, funnel: fn, period: period, window: 14 * 24 * time.Hour}
	if fn.Window != (query.Span{}) {
		f.window = fn.Window.Duration()
	}
	people := map[string][]*event.Event{}
	for i := range w.Events {
		e := &w.Events[i]
		at, who := event.GoTime(e.Timestamp), w.Person(e)
		if !at.Before(period.From) && at.Before(period.To.Add(f.window)) && (fn.Bots || !e.IsBot) && w.matches(e, who, fn.Where, fn.Bots) {
			people[who] = append(people[who], e)
		}
	}
	var list []attempt
	for _, who := range slices.Sorted(maps.Keys(people)) {
		f.events = people[who]
		slices.SortFunc(f.events, func(a, b *event.Event) int {
			rank := func(e *event.Event) int {
				if s := f.first(e); s >= 0 {
					return s
				}
				return len(fn.Steps)
			}
			return cmp.Or(cmp.Compare(a.Timestamp, b.Timestamp), cmp.Compare(rank(a), rank(b)), cmp.Compare(a.MessageID, b.MessageID))
		})
		if at, ok := f.best(); ok {
			list = append(list, attempt{person: who, at: at, group: f.group(at)})
		}
	}
	return list
}

// group gives the group that an attempt is in.
func (f *funnelling) group(moments []time.Time) query.Group {
	b := f.funnel.Breakdown
	if b == nil {
		return nil
	}
	var found query.Group
	for i, e := range f.events {
		is := f.funnel.BreakdownStep < len(moments) && f.at(i).Equal(moments[f.funnel.BreakdownStep]) && f.is(e, f.funnel.BreakdownStep)
		if f.funnel.Order == query.AnyOrder {
			is = f.funnel.BreakdownStep < len(moments) && f.at(i).Equal(moments[f.funnel.BreakdownStep]) && f.first(e) >= 0
		}
		if g := f.world.groupOf(e, b); is && (found == nil || key(g) < key(found)) {
			found = g
		}
	}
	if found == nil {
		found = make(query.Group, len(b.By))
	}
	return found
}

// top gives the groups with the most members, and whether there are others.
func top(b *query.Breakdown, members []query.Group) (list []query.Group, others bool) {
	sizes, groups := map[string]int{}, map[string]query.Group{}
	for _, g := range members {
		sizes[key(g)]++
		groups[key(g)] = g
	}
	order := slices.SortedFunc(maps.Keys(sizes), func(a, b string) int { return cmp.Or(sizes[b]-sizes[a], cmp.Compare(a, b)) })
	n := min(len(order), b.Groups())
	for _, k := range order[:n] {
		list = append(list, groups[k])
	}
	return list, n < len(order)
}

// inPoint tells whether a group is the one that is asked for, or one of those that are not shown.
func inPoint(of, group query.Group, other bool, shown []query.Group) bool {
	if other {
		return !among(shown, of)
	}
	return group == nil || key(of) == key(group)
}

func shownOf(b *query.Breakdown, list []attempt) ([]query.Group, bool) {
	if b == nil {
		return nil, false
	}
	var members []query.Group
	for _, a := range list {
		members = append(members, a.group)
	}
	return top(b, members)
}

// Funnel answers a funnel.
func (w *World) Funnel(fn query.Funnel) query.FunnelAnswer {
	period, err := fn.Range.Resolve(w.Now)
	if err != nil {
		panic(err)
	}
	period.Interval, period.Buckets = "", nil
	a := query.FunnelAnswer{Period: period}
	list := w.attemptsOf(&fn)
	steps := func(g query.Group, other bool, shown []query.Group) []query.FunnelStep {
		var out []query.FunnelStep
		for s := range fn.Steps {
			var took, all []time.Duration
			next := 0
			n := query.FunnelStep{}
			for _, at := range list {
				if len(at.at) <= s || !inPoint(at.group, g, other, shown) {
					continue
				}
				if n.People++; len(at.at) > s+1 {
					next++
				}
				if s > 0 {
					took, all = append(took, at.at[s].Sub(at.at[s-1])), append(all, at.at[s].Sub(at.at[0]))
				}
			}
			if s < len(fn.Steps)-1 {
				n.Dropped = n.People - int64(next)
			}
			n.Median, n.Mean = middle(took)
			n.MedianOfAll, n.MeanOfAll = middle(all)
			out = append(out, n)
			if out[0].People > 0 {
				out[s].OfFirst = new(float64(n.People) / float64(out[0].People))
			}
			if s > 0 && out[s-1].People > 0 {
				out[s].OfPrevious = new(float64(n.People) / float64(out[s-1].People))
			}
		}
		return out
	}
	a.Steps = steps(nil, false, nil)
	shown, others := shownOf(fn.Breakdown, list)
	for _, g := range shown {
		a.Groups = append(a.Groups, query.FunnelGroup{Group: g, Steps: steps(g, false, shown)})
	}
	if others {
		a.Groups = append(a.Groups, query.FunnelGroup{Other: true, Steps: steps(nil, true, shown)})
	}
	return a
}

// middle gives the median and the mean in seconds.
func middle(list []time.Duration) (median, mean *float64) {
	if len(list) == 0 {
		return nil, nil
	}
	slices.Sort(list)
	sum := 0.0
	for _, d := range list {
		sum += d.Seconds()
	}
	low, high := list[(len(list)-1)/2], list[len(list)/2]
	return new((low.Seconds() + high.Seconds()) / 2), new(sum / float64(len(list)))
}

// step makes a step.
func (a asker) step() query.Step {
	s := query.Step{Event: a.selection()}
	if a.chance(30) {
		s.Where = a.filter(1)
	}
	return s
}

// funnel makes a funnel.
func (a asker) funnel() query.Funnel {
	f := query.Funnel{Range: a.span(), Order: pick(a.Rand, []query.Order{"", query.Ordered, query.Ordered, query.Strict, query.AnyOrder}), Bots: a.chance(30)}
	if a.chance(30) {
		f.Where = a.filter(0)
	}
	step := a.step
	if a.chance(50) {
		// Each event is one step at most, and those of exclusions are none.
		names := eventNames()
		a.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		step = func() query.Step {
			s := query.Step{Event: query.Selection{Event: names[0]}}
			if len(names) > 1 {
				names = names[1:]
			}
			return s
		}
	}
	for range 2 + a.IntN(3) {
		f.Steps = append(f.Steps, step())
	}
	if a.chance(70) {
		f.Window = query.Span{Length: a.length(), Unit: pick(a.Rand, []query.Interval{query.ByMinute, query.ByHour, query.ByDay, query.ByWeek})}
	}
	for f.Order != query.Strict && a.chance(40) && len(f.Exclude) < 3 {
		s := step()
		x := query.Exclusion{Event: s.Event, Where: s.Where}
		if f.Order != query.AnyOrder && a.chance(60) {
			x.After = a.IntN(len(f.Steps) - 1)
			x.Before = x.After + 1 + a.IntN(len(f.Steps)-1-x.After)
		}
		f.Exclude = append(f.Exclude, x)
	}
	if a.chance(40) {
		f.Breakdown = a.breakdown()
		f.BreakdownStep = a.IntN(len(f.Steps))
	}
	return f
}

// funnelPeople gives the people behind a point.
func (w *World) funnelPeople(p query.FunnelPoint) []query.PersonLine {
	list := w.attemptsOf(&p.Funnel)
	shown, _ := shownOf(p.Funnel.Breakdown, list)
	lines := []query.PersonLine{}
	for _, a := range list {
		if n := len(a.at); n > p.Step && (!p.Dropped || n == p.Step+1) && inPoint(a.group, p.Group, p.Other, shown) {
			lines = append(lines, query.PersonLine{Person: a.person, Events: int64(n), First: a.at[0], Last: a.at[n-1]})
		}
	}
	return lines
}

// askFunnel compares a funnel's numbers, and one list behind them.
func askFunnel(ctx context.Context, r *rand.Rand, w *World, in warehouse.Warehouse) (question, want, have any, err error) {
	a := asker{r, w}
	f := a.funnel()
	answer, err := query.AskFunnel(ctx, in, f, w.Now)
	if err != nil {
		return f, nil, nil, err
	}
	answer.Complete = query.Completeness{}
	expected := w.Funnel(f)
	if err := differ(expected, answer); err != nil {
		return f, expected, answer, nil
	}
	p := &query.FunnelPoint{Funnel: f, Step: r.IntN(len(f.Steps))}
	p.Dropped = p.Step < len(f.Steps)-1 && a.chance(50)
	steps := answer.Steps
	if len(answer.Groups) > 0 && a.chance(70) {
		g := pick(r, answer.Groups)
		p.Group, p.Other, steps = g.Group, g.Other, g.Steps
	}
	number := steps[p.Step].People
	if p.Dropped {
		number = steps[p.Step].Dropped
	}
	return askBehind(ctx, w, in, query.PeopleList{Funnel: p}, w.funnelPeople(*p), number)
}

// askBehind compares the list behind a number, and its length with the number.
func askBehind(ctx context.Context, w *World, in warehouse.Warehouse, p query.PeopleList, lines []query.PersonLine, number int64) (question, want, have any, err error) {
	list, err := query.AskPeople(ctx, in, p, w.Now)
	if err != nil {
		return p, nil, nil, err
	}
	if list.People != number || int64(len(list.List)) != number {
		return p, nil, nil, fmt.Errorf("the number is %d, and the list behind it has %d (%d)", number, list.People, len(list.List))
	}
	for i := range list.List {
		list.List[i].Traits = nil
	}
	slices.SortStableFunc(lines, func(a, b query.PersonLine) int { return b.Last.Compare(a.Last) })
	return p, lines, list.List, nil
}
