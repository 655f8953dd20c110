package query

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// funnelSQL puts a funnel's statements together. It makes these tables, each of the one before:
//
//	hits      the events that are steps or exclusions: p (person), t (moment, µs), s (step from 1; under 0: an exclusion)
//	reached   when attempts came to a step: p, a (when the attempt began), in strict order n (its first event's number), k
//	          (step from 2), t
//	one       the best attempt of each person: p, far (how many steps), t1, t2 … (when)
//	ranked    the same with its group, where there is a breakdown
type funnelSQL struct {
	dialect warehouse.Dialect
	now     time.Time
	funnel  *Funnel
	period  Period
	list    bool // p is the person's name, and not only a key
	with    with
}

const order = " over (partition by p order by "

func (s *funnelSQL) steps() int    { return len(s.funnel.Steps) }
func (s *funnelSQL) window() int64 { return s.funnel.window().Duration().Microseconds() }

// ends is when the last window does, or what is known.
func (s *funnelSQL) ends() time.Time {
	end := s.period.To.Add(s.funnel.window().Duration())
	if known := s.funnel.known; !known.IsZero() && known.Before(end) {
		return known
	}
	return end
}

// begins is the condition that an attempt may begin at t.
func (s *funnelSQL) begins() part { return say("t < $", value(microsOf(s.period.To))) }

// overlaps tells whether an event can be the step and one before it too. Such a step must be later than the one before; any
// other may be at the same moment.
func (s *funnelSQL) overlaps(step int) bool {
	for _, before := range s.funnel.Steps[:step-1] {
		if !before.Event.disjoint(s.funnel.Steps[step-1].Event) {
			return true
		}
	}
	return false
}

// is is the condition that a row of hits, called h, is a step.
func (s *funnelSQL) is(step int) string {
	switch s.funnel.order() {
	case AnyOrder:
		return "h.s > 0"
	case Strict:
		return fmt.Sprintf("h.c%d = 1", step)
	}
	return fmt.Sprintf("h.s = %d", step)
}

// one makes the tables up to one, or to ranked, and gives the last one's name.
func (s *funnelSQL) one() string {
	var reached []part
	switch s.funnel.order() {
	case AnyOrder:
		reached = s.anyOrder()
	case Strict:
		reached = s.strict()
	default:
		reached = s.ordered()
	}
	s.with.add("reached", joined(" union all ", reached...))
	s.with.add("began", say("select h.p, min(h.t) as t from hits h where $ and h.$ group by h.p", s.is(1), s.begins()))
	moments, last := "", ""
	for k := 2; k <= s.steps(); k++ {
		moments += fmt.Sprintf(", min(case when k = %d then t end) as t%d", k, k)
		last += fmt.Sprintf(" when %d then t%d", k, k)
	}
	attempt, faster := "p, a", ""
	if s.funnel.order() == Strict {
		// Of attempts begun at the same moment each goes its own way.
		attempt += ", n"
		for k := 2; k <= s.steps(); k++ {
			faster += fmt.Sprintf(", t%d", k)
		}
	}
	s.with.add("attempts", say("select $, max(k) as far$ from reached group by $", attempt, moments, attempt))
	s.with.add("best", say("select x.*, row_number() over (partition by p order by far desc, case far$ end, a desc$) as place from attempts x", last, faster))
	var columns strings.Builder
	for k := 2; k <= s.steps(); k++ {
		fmt.Fprintf(&columns, ", x.t%d", k)
	}
	s.with.add("one", say("select b.p, coalesce(x.far, 1) as far, coalesce(x.a, b.t) as t1$ from began b left join best x on x.p = b.p and x.place = 1", columns.String()))
	if s.funnel.Breakdown == nil {
		return "one"
	}
	step := s.funnel.BreakdownStep + 1
	s.with.grouped(s.dialect, s.funnel.Breakdown, say("select o.p$ from one o join hits h on h.p = o.p and h.t = o.t$ and $",
		list(s.funnel.Breakdown.keys(), ", h.$"), fmt.Sprint(step), s.is(step)))
	return "ranked"
}

// conditions are those of the steps, and of the exclusions.
func (s *funnelSQL) conditions(r *reading) (steps, exclusions []part) {
	condition := func(sel Selection, where *Filter) part {
		if c := all(r.selected(sel), r.where(where)); c.text != "" {
			return c
		}
		return part{text: "1 = 1"}
	}
	for _, step := range s.funnel.Steps {
		steps = append(steps, condition(step.Event, step.Where))
	}
	for _, x := range s.funnel.Exclude {
		exclusions = append(exclusions, condition(x.Event, x.Where))
	}
	return steps, exclusions
}

// selections are those of the steps and of the exclusions.
func (s *funnelSQL) selections() []Selection {
	var list []Selection
	for _, step := range s.funnel.Steps {
		list = append(list, step.Event)
	}
	for _, x := range s.funnel.Exclude {
		list = append(list, x.Event)
	}
	return list
}

// oneEach tells whether an event is at most one of the steps and exclusions.
func (s *funnelSQL) oneEach() bool {
	list := s.selections()
	for i, a := range list {
		for _, b := range list[:i] {
			if !a.disjoint(b) {
				return false
			}
		}
	}
	return true
}

// any is the condition that an event may be one of selections; empty: each may.
func (r *reading) any(list []Selection) part {
	var names, conditions []part
	for _, sel := range list {
		if sel == (Selection{}) {
			return part{}
		}
		if sel.Event != "" {
			names = append(names, value(sel.Event))
		}
		conditions = append(conditions, say("($)", r.selected(sel)))
	}
	if len(names) == len(list) {
		// Asking for the name alone is faster; what has another type is told apart later.
		return r.named(names)
	}
	return say("($)", joined(" or ", conditions...))
}

// names are the names of the steps' events, where nothing else makes a step; nil: something else does.
func (s *funnelSQL) names() []part {
	if len(s.funnel.Exclude) > 0 || !s.oneEach() {
		return nil
	}
	var names []part
	for _, step := range s.funnel.Steps {
		if step.Event.Event == "" || step.Event.Type != "" || step.Where != nil && !step.Where.IsZero() {
			return nil
		}
		names = append(names, value(step.Event.Event))
	}
	return names
}

// hits is the events that are steps or exclusions.
func (s *funnelSQL) hits() part {
	r := &reading{dialect: s.dialect, now: s.now, bots: s.funnel.Bots}
	steps, exclusions := s.conditions(r)
	columns := say("$ as p, $ as t$", r.who(s.list), s.dialect.Micros(`e."timestamp"`), r.breakdown(s.funnel.Breakdown))
	if names := s.names(); names != nil {
		condition := all(r.within(s.period.From, s.ends()), r.selected(Selection{Type: event.TypeTrack}), r.named(names), r.where(s.funnel.Where))
		return say("select $, $ as s$ where $", columns, r.place(names), r.from(), condition)
	}
	condition := all(r.within(s.period.From, s.ends()), r.any(s.selections()), r.where(s.funnel.Where))
	if s.oneEach() || s.funnel.order() == AnyOrder {
		// In any order an event counts as the first of the steps that it is, and all exclusions are alike.
		which := part{text: "case"}
		for i, c := range steps {
			which = say("$ when $ then $", which, c, fmt.Sprint(i+1))
		}
		for i, c := range exclusions {
			which = say("$ when $ then $", which, c, fmt.Sprint(-i-1))
		}
		return say("select * from (select $, $ end as s$ where $) e where s is not null", columns, which, r.from(), condition)
	}
	// An event may be several steps; one that is a step is no exclusion.
	flags := columns
	var numbers, matches, none []string
	for i, c := range steps {
		flags = say("$, case when $ then 1 else 0 end as c$", flags, c, fmt.Sprint(i+1))
		numbers = append(numbers, fmt.Sprintf("select %d as s", i+1))
		matches = append(matches, fmt.Sprintf("n.s = %d and e.c%d = 1", i+1, i+1))
		none = append(none, fmt.Sprintf("e.c%d = 0", i+1))
	}
	for i, c := range exclusions {
		flags = say("$, case when $ then 1 else 0 end as x$", flags, c, fmt.Sprint(i+1))
		numbers = append(numbers, fmt.Sprintf("select %d as s", -i-1))
		matches = append(matches, fmt.Sprintf("n.s = %d and e.x%d = 1 and %s", -i-1, i+1, strings.Join(none, " and ")))
	}
	return say("select e.p, e.t$, n.s from (select $$ where $) e cross join ($) n where $", list(s.funnel.Breakdown.keys(), ", e.$"),
		flags, r.from(), condition, strings.Join(numbers, " union all "), strings.Join(matches, " or "))
}

// between gives the exclusions that count between a step and the next, as SQL for a set; empty: there are none.
func (s *funnelSQL) between(step int) string {
	var list []string
	for i, x := range s.funnel.Exclude {
		if after, before := x.between(len(s.funnel.Steps)); after <= step && step < before {
			list = append(list, fmt.Sprint(-i-1))
		}
	}
	return strings.Join(list, ", ")
}

// ordered follows attempts from step to step. Each row of l1 knows when the latest attempt before it began, each row of l2
// when the latest attempt that has come to step 2 before it began, and so on: the latest one is always as good as any other,
// for it has the most time left, and whatever comes next can be its next step too. Where an exclusion counts, it is the
// latest one since.
func (s *funnelSQL) ordered() []part {
	s.with.add("hits", s.hits())
	window := value(s.window())
	var reached []part
	source, start := "hits", say("case when s = 1 and $ then t end", s.begins())
	for k := 1; k < s.steps(); k++ {
		keep := part{}
		if k > 1 {
			// Exclusions matter as long as one counts later.
			var later []string
			for j := k; j < s.steps(); j++ {
				if set := s.between(j); set != "" {
					later = append(later, set)
				}
			}
			keep = say(" where (s >= $ and a is not null)", fmt.Sprint(k))
			if s.between(k-1) != "" {
				// What is behind an exclusion that counted until here only may still be a later step.
				keep = say(" where (s > $ or s = $ and a is not null)", fmt.Sprint(k), fmt.Sprint(k))
			}
			if len(later) > 0 {
				keep = say("$ or s in ($)", keep, strings.Join(later, ", "))
			}
			start = say("case when s = $ and t - a <= $ then a end", fmt.Sprint(k), window)
		}
		by := "t, s"
		if s.overlaps(k + 1) {
			by = "t, s desc"
		}
		if len(s.funnel.Exclude) > 0 {
			// An exclusion at the same moment as a step counts as after it.
			by = "t, case when s < 0 then 1 else 0 end, " + strings.TrimPrefix(by, "t, ")
		}
		const sofar = " rows between unbounded preceding and current row)"
		name := fmt.Sprintf("l%d", k)
		if set := s.between(k); set != "" {
			s.with.add(name, say("select p, t, s, max(start) over (partition by p, gone order by $$ as a from (select p, t, s, $ as start, sum(case when s in ($) then 1 else 0 end)$$$ as gone from $$) x",
				by, sofar, start, set, order, by, sofar, source, keep))
		} else {
			s.with.add(name, say("select p, t, s, max($)$$$ as a from $$", start, order, by, sofar, source, keep))
		}
		source = name
		reached = append(reached, say("select p, a, $ as k, t from $ where s = $ and t - a <= $", fmt.Sprint(k+1), name, fmt.Sprint(k+1), window))
	}
	return reached
}

// anyOrder looks forward from each step: when is each of the steps done next. In the order of those moments they are step 2,
// step 3 and so on.
func (s *funnelSQL) anyOrder() []part {
	s.with.add("hits", s.hits())
	by, until := "t, s", part{text: "1 = 1"}
	if len(s.funnel.Exclude) > 0 {
		by, until = "t, case when s < 0 then 1 else 0 end, s", part{text: "(x is null or d$ <= x)"}
	}
	const on = " rows between current row and unbounded following)"
	var columns strings.Builder
	fmt.Fprintf(&columns, "min(case when s < 0 then t end)%s%s%s as x", order, by, on)
	var each []part
	for j := 1; j <= s.steps(); j++ {
		d := fmt.Sprintf("d%d", j)
		fmt.Fprintf(&columns, ", min(case when s = %d then t end)%s%s%s as %s", j, order, by, on, d)
		each = append(each, say("select p, t as a, $ as t, $ as s from ahead where s > 0 and $ and $ - t <= $ and $", d, fmt.Sprint(j), s.begins(), d, value(s.window()), strings.ReplaceAll(until.text, "d$", d)))
	}
	s.with.add("ahead", say("select p, t, s, $ from hits", columns.String()))
	s.with.add("done", say("select p, a, s, min(t) as t from ($) x group by p, a, s", joined(" union all ", each...)))
	return []part{{text: "select p, a, k, t from (select p, a, t, row_number() over (partition by p, a order by t) as k from done) x where k > 1"}}
}

// strict numbers all that a person does, and follows attempts from one event to the next.
func (s *funnelSQL) strict() []part {
	r := &reading{dialect: s.dialect, now: s.now, bots: s.funnel.Bots}
	steps, _ := s.conditions(r)
	columns := say("$ as p, $ as t, e.message_id, e.source$", r.who(s.list), s.dialect.Micros(`e."timestamp"`), r.breakdown(s.funnel.Breakdown))
	low, flags := "case", []string{}
	for i, c := range steps {
		flag := fmt.Sprintf("c%d", i+1)
		columns = say("$, case when $ then 1 else 0 end as $", columns, c, flag)
		low += fmt.Sprintf(" when %s = 1 then %d", flag, i+1)
		flags = append(flags, flag)
	}
	condition := all(r.within(s.period.From, s.ends()), r.where(s.funnel.Where))
	low += fmt.Sprintf(" else %d end", len(steps)+1)
	names := strings.Join(append([]string{"p", "t"}, slices.Concat(flags, s.funnel.Breakdown.keys())...), ", ")
	// What happens at the same moment is taken in the order of steps.
	s.with.add("numbered", say("select $, $ as low, row_number()$t, $, $, $) as n from (select $$ where $) e", names, low, order, low,
		s.dialect.Bytewise("message_id"), s.dialect.Bytewise("source"), columns, r.from(), condition))
	s.with.add("hits", say("select * from numbered where low <= $", fmt.Sprint(len(steps))))
	s.with.add("l1", say("select p, t, n, $, case when c1 = 1 and $ then t end as a from hits", strings.Join(flags, ", "), s.begins()))
	var reached []part
	for k := 2; k <= s.steps(); k++ {
		name := fmt.Sprintf("l%d", k)
		s.with.add(name, say("select p, t, n, $, case when c$ = 1 and last = n - 1 and t - began <= $ then began end as a from (select l.*, lag(n)$n) as last, lag(a)$n) as began from l$ l) x",
			strings.Join(flags, ", "), fmt.Sprint(k), value(s.window()), order, order, fmt.Sprint(k-1)))
		reached = append(reached, say("select p, a, n - $ as n, $ as k, t from $ where a is not null", fmt.Sprint(k-1), fmt.Sprint(k), name))
	}
	return reached
}

// numbers is the statement for the numbers: rank (-1: of all people), the keys, the step, and whether its times are since
// the first step (0) or the one before (1), which are given for those from step 2 on; people, and the median and mean of the
// times in µs.
func (s *funnelSQL) numbers() part {
	from, keys := s.one(), s.funnel.Breakdown.keys()
	ranks, by := "", []string{"step", "since"}
	if len(keys) > 0 {
		_, _, names := withTop(keys)
		ranks, by = strings.Join(names, ", ")+", ", append(names, by...)
	}
	long := []part{{text: "select " + ranks + "1 as step, 0 as since, cast(null as double precision) as took from " + from}}
	for k := 2; k <= s.steps(); k++ {
		for since, before := range []int{1, k - 1} {
			long = append(long, part{text: fmt.Sprintf("select %s%d, %d, cast(t%d - t%d as double precision) from %s where far >= %d", ranks, k, since, k, before, from, k)})
		}
	}
	s.with.add("long", joined(" union all ", long...))
	const made = "count(*) as people, percentile_cont(0.5) within group (order by took) as median, avg(took) as mean from long group by "
	of := part{text: "select -1 as rank" + list(keys, ", '' as shown_$, 0 as shown_no_$") + ", step, since, " + made + "step, since"}
	if len(keys) > 0 {
		names := strings.Join(by, ", ")
		of.text += " union all select " + names + ", " + made + names
	}
	return s.with.then(of)
}

// people is the statement for who is behind a point.
func (s *funnelSQL) people(p FunnelPoint) part {
	s.list = true
	from, last := s.one(), ""
	for k := 1; k <= s.steps(); k++ {
		last += fmt.Sprintf(" when %d then t%d", k, k)
	}
	condition := part{text: fmt.Sprintf("far >= %d", p.Step+1)}
	if p.Dropped {
		condition.text = fmt.Sprintf("far = %d", p.Step+1)
	}
	return s.with.then(say(`select p as person, cast(far as bigint) as events, t1 as "first", case far$ end as "last" from $ where $`,
		last, from, all(condition, member(p.Funnel.Breakdown, p.Group, p.Other))))
}
