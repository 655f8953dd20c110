package query

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spoorhq/spoor/warehouse"
)

// pathsSQL puts the statements of paths together. It makes these tables:
//
//	happened  what people did: p (person), t (moment, µs), label (type, a space, name), begins (1: paths may begin with it)
//	paths     a row for each path: p, began (when it was at step 0), n0, n1 … (the labels; NULL: it had ended)
//	tops      the labels that are shown at each step: step, rank from 1, label
//	ranked    paths with r0, r1 …: the label's rank; 0: another label; -1: it had ended
type pathsSQL struct {
	dialect warehouse.Dialect
	now     time.Time
	paths   *Paths
	period  Period
	list    bool // p is the person's name, and not only a key
	with    with
}

// each writes a format for each step, with its number for $.
func (s *pathsSQL) each(separator, format string) string {
	var texts []string
	for i := 0; i <= s.paths.steps(); i++ {
		texts = append(texts, strings.ReplaceAll(format, "$", fmt.Sprint(i)))
	}
	return strings.Join(texts, separator)
}

// ranked makes the tables.
func (s *pathsSQL) ranked() {
	r := &reading{dialect: s.dialect, now: s.now, bots: s.paths.Bots}
	begins := all(r.selected(s.paths.From.Event), r.where(s.paths.From.Where))
	if begins.text == "" {
		begins.text = "1 = 1"
	}
	condition := all(r.within(s.period.From, s.period.To), r.where(s.paths.Where))
	for _, hidden := range s.paths.Hide {
		c := r.selected(hidden)
		if c.text == "" {
			c.text = "1 = 1"
		}
		condition = all(condition, say("coalesce(not ($), true)", c))
	}
	stretch, inStretch := "", "p"
	if s.paths.Sessions {
		stretch, inStretch = ", e.source as s1, coalesce(e.anonymous_id, e.user_id) as s2, e.session_id as s3", "p, s1, s2, s3"
		condition = all(condition, part{text: "e.session_id is not null"})
	}
	s.with.add("happened", say("select $ as p, $ as t, e.type || ' ' || coalesce(e.event, '') as label, case when $ then 1 else 0 end as begins$$ where $",
		r.who(s.list), s.dialect.Micros(`e."timestamp"`), begins, stretch, r.from(), condition))
	// Of what happened at the same moment, labels say the order.
	by := order + "t, " + s.dialect.Bytewise("label") + ", begins)"
	if s.paths.Before {
		by = order + "t desc, " + s.dialect.Bytewise("label") + " desc, begins desc)"
	}
	source := "happened"
	if !s.paths.Sessions {
		gap := s.paths.Gap.or(30, ByMinute).Duration().Microseconds()
		// What nothing tells apart is put into one order for all that follows: two windows may see it in two.
		s.with.add("ordered", say("select h.*, row_number()$ as i from happened h", by))
		by = order + "i)"
		s.with.add("gaps", say("select o.*, case when abs(t - lag(t)$) <= $ then 0 else 1 end as opens from ordered o", by, value(gap)))
		s.with.add("stretches", say("select g.*, sum(opens)$ rows between unbounded preceding and current row) as s1 from gaps g", strings.TrimSuffix(by, ")")))
		source, inStretch = "stretches", "p, s1"
	}
	within := strings.Replace(by, "partition by p", "partition by "+inStretch, 1)
	s.with.add("numbered", say("select h.*, row_number()$ as n from $ h", within, source))
	s.with.add("begun", say("select n.*, min(case when begins = 1 then n end) over (partition by $) as first_n from numbered n", inStretch))
	s.with.add("paths", say("select p, max(case when n = first_n then t end) as began, $ from begun where n >= first_n and n <= first_n + $ group by $",
		s.each(", ", "max(case when n = first_n + $ then label end) as n$"), fmt.Sprint(s.paths.steps()), inStretch))
	counts := s.each(" union all ", "select $ as step, n$ as label, count(*) as number from paths where n$ is not null group by n$")
	s.with.add("tops", say("select step, label, place from (select step, label, row_number() over (partition by step order by number desc, $) as place from ($) counts) c where place <= $",
		s.dialect.Bytewise("label"), counts, fmt.Sprint(s.paths.top())))
	s.with.add("ranked", say("select x.*, $ from paths x $",
		s.each(", ", "case when x.n$ is null then -1 else coalesce(t$.place, 0) end as r$"), s.each(" ", "left join tops t$ on t$.step = $ and t$.label = x.n$")))
}

// numbers is the statement for the numbers: what a row is (0: a node, 1: a link, 2: a sequence), the step, the ranks of the
// node and of the one that the link leads to, paths, people, and labels: a node's in the first column, a sequence's in all.
func (s *pathsSQL) numbers() part {
	s.ranked()
	none := s.each(", ", "cast(null as varchar)")
	const counted = "count(*), count(distinct p)"
	// A path that had ended goes nowhere.
	var texts []string
	for i := 0; i <= s.paths.steps(); i++ {
		ended := ""
		if i > 0 {
			ended = fmt.Sprintf(" where r%d <> -1", i-1)
		}
		label := fmt.Sprintf("case when r%d > 0 then n%d end", i, i)
		texts = append(texts, fmt.Sprintf("select 0 as what, %d as step, r%d as a, 0 as b, count(*) as paths, count(distinct p) as people, max(%s) as n0%s from ranked%s group by r%d",
			i, i, label, strings.Repeat(", cast(null as varchar)", s.paths.steps()), ended, i))
	}
	for i := range s.paths.steps() {
		texts = append(texts, fmt.Sprintf("select 1, %d, r%d, r%d, %s, %s from ranked where r%d <> -1 group by r%d, r%d", i, i, i+1, counted, none, i, i, i+1))
	}
	names := s.each(", ", "n$")
	var by []string
	for i := 0; i <= s.paths.steps(); i++ {
		by = append(by, fmt.Sprintf("case when n%d is null then 0 else 1 end", i), s.dialect.Bytewise(fmt.Sprintf("n%d", i)))
	}
	texts = append(texts, fmt.Sprintf("select 2, cast(place as integer), 0, 0, paths, people, %s from (select w.*, row_number() over (order by paths desc, %s) as place from (select %s, count(*) as paths, count(distinct p) as people from paths group by %s) w) w where place <= %d",
		names, strings.Join(by, ", "), names, names, shownSequences))
	return s.with.then(part{text: "select * from (" + strings.Join(texts, " union all ") + ") answer order by what, step, case when a > 0 then 0 else 1 end, abs(a), case when b > 0 then 0 else 1 end, abs(b)"})
}

// AskPaths answers paths. now is what their relative ranges count from.
func AskPaths(ctx context.Context, w Source, p Paths, now time.Time) (PathsAnswer, error) {
	a := PathsAnswer{Nodes: []PathNode{}, Links: []PathLink{}, Sequences: []PathSequence{}, Complete: Completeness{AskedAt: now}}
	if err := askable(p); err != nil {
		return a, err
	}
	var err error
	if a.Period, err = p.period(now); err != nil {
		return a, err
	}
	statement := pathsSQL{dialect: w.Dialect(), now: now, paths: &p, period: a.Period}
	q := statement.numbers()
	rows, err := w.Query(ctx, q.text, q.args...)
	if err != nil {
		return a, fmt.Errorf("the paths: %w", err)
	}
	defer rows.Close()
	var what, step, from, to, paths, people int64
	labels := make([]*string, p.steps()+1)
	dest := []any{&what, &step, &from, &to, &paths, &people}
	for i := range labels {
		dest = append(dest, &labels[i])
	}
	index := map[[2]int64]int{} // of a node, by step and rank
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return a, fmt.Errorf("the paths: %w", err)
		}
		switch what {
		case 0:
			index[[2]int64{step, from}] = len(a.Nodes)
			e := PathEvent{Other: from == 0, End: from < 0}
			if labels[0] != nil {
				e = eventOf(*labels[0])
			}
			a.Nodes = append(a.Nodes, PathNode{Step: int(step), PathEvent: e, Paths: paths, People: people})
		case 1:
			a.Links = append(a.Links, PathLink{Step: int(step), From: index[[2]int64{step, from}], To: index[[2]int64{step + 1, to}], Paths: paths, People: people})
		default:
			s := PathSequence{Paths: paths, People: people}
			for _, l := range labels {
				if l == nil {
					s.Events = append(s.Events, PathEvent{End: true})
					break
				}
				s.Events = append(s.Events, eventOf(*l))
			}
			a.Sequences = append(a.Sequences, s)
		}
	}
	return a, rows.Err()
}

func eventOf(label string) PathEvent {
	typ, name, _ := strings.Cut(label, " ")
	return PathEvent{Type: typ, Event: name}
}

func (p Paths) period(now time.Time) (Period, error) {
	period, err := p.Range.resolve("range", now, false)
	period.Interval = ""
	return period, err
}

// span implements datable.
func (p Paths) span(now time.Time) (from, to time.Time) {
	period, err := p.period(now)
	if err != nil {
		return from, to
	}
	return period.From, period.To
}

// completed implements answer.
func (a PathsAnswer) completed(c Completeness) PathsAnswer {
	a.Complete = c
	return a
}

// at is the condition that a row of ranked has an event at a step.
func (e PathEvent) at(step int) part {
	switch {
	case e.End:
		if step == 0 {
			return part{text: "r0 = -1"}
		}
		return part{text: fmt.Sprintf("r%d = -1 and r%d <> -1", step, step-1)}
	case e.Other:
		return part{text: fmt.Sprintf("r%d = 0", step)}
	}
	return say("n$ = $", fmt.Sprint(step), text(e.Type+" "+e.Event))
}

func (p PathsPoint) people(w Source, now time.Time) (part, error) {
	period, err := p.Paths.period(now)
	if err != nil {
		return part{}, err
	}
	s := pathsSQL{dialect: w.Dialect(), now: now, paths: &p.Paths, period: period, list: true}
	s.ranked()
	condition := p.Event.at(p.Step)
	if p.Next != nil {
		condition = all(condition, p.Next.at(p.Step+1))
	}
	return s.with.then(say(`select p as person, count(*) as events, min(began) as "first", max(began) as "last" from ranked where $ group by p`, condition)), nil
}
