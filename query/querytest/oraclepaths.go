package querytest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
)

// path is one way that a person took.
type path struct {
	person string
	began  time.Time
	events []query.PathEvent
}

// pathsOf gives all paths.
func (w *World) pathsOf(q *query.Paths, period query.Period) []path {
	gap, steps := 30*time.Minute, 4
	if q.Gap != (query.Span{}) {
		gap = q.Gap.Duration()
	}
	if q.Steps > 0 {
		steps = q.Steps
	}
	did := map[string][]*event.Event{}
	for i := range w.Events {
		e := &w.Events[i]
		at, who := event.GoTime(e.Timestamp), w.Person(e)
		hidden := slices.ContainsFunc(q.Hide, func(s query.Selection) bool { return selected(e, s) })
		if at.Before(period.From) || !at.Before(period.To) || e.IsBot && !q.Bots || hidden || !w.matches(e, who, q.Where, q.Bots) || q.Sessions && e.SessionID == "" {
			continue
		}
		key := who
		if q.Sessions {
			key = fmt.Sprintf("%q %q %q %q", who, e.Request.Source, cmp.Or(e.AnonymousID, e.UserID), e.SessionID)
		}
		did[key] = append(did[key], e)
	}
	from := func(e *event.Event) bool {
		return selected(e, q.From.Event) && w.matches(e, w.Person(e), q.From.Where, q.Bots)
	}
	var list []path
	for _, key := range slices.Sorted(maps.Keys(did)) {
		events := did[key]
		slices.SortFunc(events, func(a, b *event.Event) int {
			first := 0
			if from(a) != from(b) {
				first = 1
				if from(b) {
					first = -1
				}
			}
			return cmp.Or(cmp.Compare(a.Timestamp, b.Timestamp), cmp.Compare(a.Type+" "+a.Name, b.Type+" "+b.Name), first)
		})
		if q.Before {
			slices.Reverse(events)
		}
		var stretches [][]*event.Event
		for i, e := range events {
			if i == 0 || !q.Sessions && event.GoTime(e.Timestamp).Sub(event.GoTime(events[i-1].Timestamp)).Abs() > gap {
				stretches = append(stretches, nil)
			}
			stretches[len(stretches)-1] = append(stretches[len(stretches)-1], e)
		}
		for _, stretch := range stretches {
			begin := slices.IndexFunc(stretch, from)
			if begin < 0 {
				continue
			}
			p := path{person: w.Person(stretch[0]), began: event.GoTime(stretch[begin].Timestamp)}
			for _, e := range stretch[begin:min(len(stretch), begin+steps+1)] {
				p.events = append(p.events, query.PathEvent{Type: e.Type, Event: e.Name})
			}
			if len(p.events) <= steps {
				p.events = append(p.events, query.PathEvent{End: true})
			}
			list = append(list, p)
		}
	}
	return list
}

// counted counts paths and people.
func counted(list []path) (paths, people int64) {
	distinct := map[string]bool{}
	for _, p := range list {
		distinct[p.person] = true
	}
	return int64(len(list)), int64(len(distinct))
}

func orderOf(e query.PathEvent) string {
	switch {
	case e.Other:
		return "\xff1"
	case e.End:
		return "\xff2"
	}
	return e.Type + " " + e.Event
}

// shownPaths gives the paths with the events that are not shown as others.
func shownPaths(list []path, steps, most int) ([]path, [][]query.PathEvent) {
	shown := make([][]query.PathEvent, steps+1)
	for step := range shown {
		counts := map[query.PathEvent]int{}
		for _, p := range list {
			if step < len(p.events) && !p.events[step].End {
				counts[p.events[step]]++
			}
		}
		events := slices.SortedFunc(maps.Keys(counts), func(a, b query.PathEvent) int {
			return cmp.Or(counts[b]-counts[a], cmp.Compare(orderOf(a), orderOf(b)))
		})
		shown[step] = events[:min(most, len(events))]
	}
	var out []path
	for _, p := range list {
		p.events = slices.Clone(p.events)
		for step, e := range p.events {
			if !e.End && !slices.Contains(shown[step], e) {
				p.events[step] = query.PathEvent{Other: true}
			}
		}
		out = append(out, p)
	}
	return out, shown
}

// Paths answers paths.
func (w *World) Paths(q query.Paths) query.PathsAnswer {
	period, err := q.Range.Resolve(w.Now)
	if err != nil {
		panic(err)
	}
	period.Interval, period.Buckets = "", nil
	a := query.PathsAnswer{Period: period, Nodes: []query.PathNode{}, Links: []query.PathLink{}, Sequences: []query.PathSequence{}}
	steps, most := cmp.Or(q.Steps, 4), cmp.Or(q.Top, 8)
	all := w.pathsOf(&q, period)
	list, shown := shownPaths(all, steps, most)
	through := func(step int, e query.PathEvent) []path {
		return slices.DeleteFunc(slices.Clone(list), func(p path) bool { return step >= len(p.events) || p.events[step] != e })
	}
	for step := range steps + 1 {
		for _, e := range append(slices.Clone(shown[step]), query.PathEvent{Other: true}, query.PathEvent{End: true}) {
			if n, people := counted(through(step, e)); n > 0 {
				a.Nodes = append(a.Nodes, query.PathNode{Step: step, PathEvent: e, Paths: n, People: people})
			}
		}
	}
	for i, from := range a.Nodes {
		for j, to := range a.Nodes {
			if to.Step != from.Step+1 {
				continue
			}
			both := slices.DeleteFunc(through(from.Step, from.PathEvent), func(p path) bool { return to.Step >= len(p.events) || p.events[to.Step] != to.PathEvent })
			if n, people := counted(both); n > 0 {
				a.Links = append(a.Links, query.PathLink{Step: from.Step, From: i, To: j, Paths: n, People: people})
			}
		}
	}
	ways := map[string][]path{}
	for _, p := range all {
		var name strings.Builder
		for _, e := range p.events {
			if !e.End {
				name.WriteString("\x01" + orderOf(e) + "\x00")
			}
		}
		ways[name.String()] = append(ways[name.String()], p)
	}
	order := slices.SortedFunc(maps.Keys(ways), func(a, b string) int { return cmp.Or(len(ways[b])-len(ways[a]), cmp.Compare(a, b)) })
	for _, name := range order[:min(20, len(order))] {
		n, people := counted(ways[name])
		a.Sequences = append(a.Sequences, query.PathSequence{Events: ways[name][0].events, Paths: n, People: people})
	}
	return a
}

// paths makes a question.
func (a asker) paths() query.Paths {
	q := query.Paths{Range: a.span(), Before: a.chance(40), Steps: a.IntN(5), Sessions: a.chance(40), Top: a.IntN(5), Bots: a.chance(30)}
	if a.chance(70) {
		q.From = a.step()
	}
	if !q.Sessions && a.chance(60) {
		q.Gap = query.Span{Length: a.length(), Unit: pick(a.Rand, []query.Interval{query.ByMinute, query.ByHour, query.ByDay})}
	}
	for a.chance(30) && len(q.Hide) < 3 {
		q.Hide = append(q.Hide, a.selection())
	}
	if a.chance(30) {
		q.Where = a.filter(0)
	}
	return q
}

// askPaths compares nodes, links and sequences, and one list behind them.
func askPaths(ctx context.Context, r *rand.Rand, w *World, in warehouse.Warehouse) (question, want, have any, err error) {
	a := asker{r, w}
	q := a.paths()
	answer, err := query.AskPaths(ctx, in, q, w.Now)
	if err != nil {
		return q, nil, nil, err
	}
	answer.Complete = query.Completeness{}
	expected := w.Paths(q)
	if err := differ(expected, answer); err != nil || len(answer.Nodes) == 0 {
		return q, expected, answer, nil
	}
	node := pick(r, answer.Nodes)
	p, number := &query.PathsPoint{Paths: q, Step: node.Step, Event: node.PathEvent}, node.People
	if len(answer.Links) > 0 && a.chance(50) {
		l := pick(r, answer.Links)
		p.Step, p.Event, p.Next, number = l.Step, answer.Nodes[l.From].PathEvent, new(answer.Nodes[l.To].PathEvent), l.People
	}
	return askBehind(ctx, w, in, query.PeopleList{Paths: p}, w.pathsPeople(*p, answer.Period), number)
}

// pathsPeople gives the people behind a point.
func (w *World) pathsPeople(p query.PathsPoint, period query.Period) []query.PersonLine {
	list, _ := shownPaths(w.pathsOf(&p.Paths, period), cmp.Or(p.Paths.Steps, 4), cmp.Or(p.Paths.Top, 8))
	people := map[string]query.PersonLine{}
	for _, path := range list {
		if p.Step >= len(path.events) || path.events[p.Step] != p.Event || p.Next != nil && (p.Step+1 >= len(path.events) || path.events[p.Step+1] != *p.Next) {
			continue
		}
		l, known := people[path.person]
		if !known {
			l = query.PersonLine{Person: path.person, First: path.began, Last: path.began}
		}
		l.Events++
		if path.began.Before(l.First) {
			l.First = path.began
		}
		if path.began.After(l.Last) {
			l.Last = path.began
		}
		people[path.person] = l
	}
	lines := []query.PersonLine{}
	for _, who := range slices.Sorted(maps.Keys(people)) {
		lines = append(lines, people[who])
	}
	return lines
}
