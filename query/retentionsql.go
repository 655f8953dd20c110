package query

import (
	"fmt"
	"strings"
	"time"

	"github.com/spoorhq/spoor/warehouse"
)

// maxBit is the last bit that a mask of returns has.
const maxBit = maxMask - 1

// retentionSQL puts a retention's statements together. It makes these tables:
//
//	one      who starts: p (person), t (when, µs), c (the cohort's index), m (a bit for each period with a return: of the
//	         calendar from the range's beginning on, or rolling from the start on)
//	ranked   the same with its group, where there is a breakdown
type retentionSQL struct {
	dialect   warehouse.Dialect
	now       time.Time
	retention *Retention
	period    Period
	masked    bool // both_ways has no t: the first bit tells in which period somebody started
	list      bool // one also has n, the number of returns, and latest, when the last one was
	with      with
}

// length is how long a rolling period is, in microseconds.
func (r Retention) length() int64 {
	days := map[Interval]int64{ByDay: 1, ByWeek: 7, ByMonth: 30}[r.Range.interval()]
	return days * (24 * time.Hour).Microseconds()
}

func (s *retentionSQL) at() string { return s.dialect.Micros(`e."timestamp"`) }

// where is an expression for the events that fit a condition, and another for the rest. No condition: all fit.
func where(condition, then part, otherwise string) part {
	if condition.text == "" {
		return then
	}
	return say("case when $ then $ else $ end", condition, then, otherwise)
}

// began is what is kept of the events that people can start with, and returned of those that they return with.
func (s *retentionSQL) began(is part) part {
	return say("min($) as t", where(is, part{text: `e."timestamp"`}, "null"))
}

func (s *retentionSQL) returned(is, bit part) part {
	p := say("bit_or($) as m", where(is, bit, "0"))
	if s.list {
		p = say("$, sum($) as n, max($) as latest", p, where(is, part{text: "1"}, "0"), where(is, part{text: s.at()}, "null"))
	}
	return p
}

// first is when somebody started, in microseconds, which are computed once a person and not once an event.
func (s *retentionSQL) first() string { return s.dialect.Micros("min(e.t)") + " as t" }

// gathered puts together what the rows of one person have.
func (s *retentionSQL) gathered(columns string) string {
	text := columns
	if s.list {
		text += ", sum(e.n) as n, max(e.latest) as latest"
	}
	return text
}

// perPerson is aggregates of the events that fit, for each person, by ids first.
func (s *retentionSQL) perPerson(r *reading, aggregates, condition part, gathered string) part {
	if r.eachRow() {
		inner := say("select $ as p, $$ where $ group by 1", r.who(s.list), aggregates, r.from(), condition)
		return say("select e.p, $ from ($) e group by 1", gathered, inner)
	}
	ids := r.ids(s.list)
	inner := say("select $, $$ where $ group by 1, 2", ids.columns, aggregates, r.from(), condition)
	return say("select $ as p, $ from ($) e$ group by 1", idsPerson, gathered, inner, ids.join)
}

// in is the condition that an event is of the range, or for those that may be the first ever, before it too.
func (s *retentionSQL) in(r *reading, ever bool) part {
	if !ever {
		return r.within(s.period.From, s.period.To)
	}
	p := say(`e."timestamp" < $`, value(s.period.To.UTC()))
	if !r.bots {
		p.text += " and not e.is_bot"
	}
	return p
}

func (s *retentionSQL) reading() *reading {
	return &reading{dialect: s.dialect, now: s.now, bots: s.retention.Bots}
}

func (r *reading) is(step Step) part { return all(r.selected(step.Event), r.where(step.Where)) }

// starts is when everybody starts.
func (s *retentionSQL) starts() part {
	r := s.reading()
	condition := all(s.in(r, s.retention.Ever), r.is(s.retention.Start), r.where(s.retention.Where))
	return s.perPerson(r, s.began(part{}), condition, s.first())
}

// both adds when everybody starts and returns, in one pass.
func (s *retentionSQL) both(name string) {
	r := s.reading()
	begins, returns := r.is(s.retention.Start), r.is(s.retention.Return)
	filter := r.where(s.retention.Where)
	if begins.text+returns.text+filter.text == "" && !s.list && s.retention.Breakdown == nil {
		if s.masked = r.active(&s.with, name, s.period); s.masked {
			return
		}
	}
	either := part{}
	if begins.text != "" && returns.text != "" {
		either = all(r.any([]Selection{s.retention.Start.Event, s.retention.Return.Event}), say("(($) or ($))", begins, returns))
	}
	condition := all(s.in(r, false), either, filter)
	aggregates := say("$, $", s.began(begins), s.returned(returns, bucketBit(s.dialect, s.period)))
	gathered := s.first() + ", bit_or(e.m) as m"
	if either.text == "" && !r.eachRow() && !s.list {
		r.everybody(&s.with, name, aggregates, condition, "t, m", gathered)
		return
	}
	s.with.add(name, s.perPerson(r, aggregates, condition, s.gathered(gathered)))
}

// returns is when everybody returns; those of periods that roll are counted from the person's start.
func (s *retentionSQL) returns() part {
	r := s.reading()
	condition := all(s.in(r, false), r.is(s.retention.Return), r.where(s.retention.Where))
	if !s.retention.Rolling {
		return s.perPerson(r, s.returned(part{}, bucketBit(s.dialect, s.period)), condition, s.gathered("bit_or(e.m) as m"))
	}
	since, length := "("+s.at()+" - s.t)", value(s.retention.length())
	bit := say("cast(1 as bigint) << cast(least(($ - $ % $) / $, $) as integer)", since, since, length, length, fmt.Sprint(maxBit))
	person := r.who(s.list)
	return say("select $ as p, $$ join starts s on s.p = $ where $ and $ >= s.t group by 1",
		person, s.returned(part{}, bit), r.from(), person, condition, s.at())
}

// one makes the tables up to one, or to ranked, and gives the last one's name.
func (s *retentionSQL) one() string {
	more := ""
	if s.list {
		more = ", coalesce(r.n, 0) as n, r.latest"
	}
	from := part{text: "starts s left join returns r on r.p = s.p"}
	if s.retention.Ever || s.retention.Rolling {
		s.with.add("starts", s.starts())
		s.with.add("returns", s.returns())
	} else {
		s.both("both_ways")
		from.text = "both_ways r"
	}
	if s.masked {
		s.with.add("one", say("select r.p, $ as c, r.m from both_ways r", firstBit("r.m", len(s.period.Buckets))))
		return "one"
	}
	begun := "s"
	if from.text == "both_ways r" {
		begun = "r"
	}
	s.with.add("one", say("select $.p, $.t, $ as c, coalesce(r.m, 0) as m$ from $ where $.t >= $", begun, begun, bucketPlace(begun+".t", s.period), more, from,
		begun, value(microsOf(s.period.From))))
	if s.retention.Breakdown == nil {
		return "one"
	}
	r := s.reading()
	columns := say("$ as p, $ as t$", r.who(s.list), s.at(), r.breakdown(s.retention.Breakdown))
	condition := all(s.in(r, false), r.is(s.retention.Start), r.where(s.retention.Where))
	s.with.grouped(s.dialect, s.retention.Breakdown, say("select o.p$ from one o join (select $$ where $) h on h.p = o.p and h.t = o.t",
		list(s.retention.Breakdown.keys(), ", h.$"), columns, r.from(), condition))
	return "ranked"
}

// returnedIn is the condition that a row of one has a return in a period, or then or later: by its bit.
func (s *retentionSQL) returnedIn(bit int) string {
	if s.retention.OrAfter {
		return fmt.Sprintf("m >= %d", int64(1)<<bit)
	}
	return fmt.Sprintf("(m & %d) <> 0", int64(1)<<bit)
}

// numbers is the statement for the numbers: rank (-1: of all people), the keys, the cohort's index, its size, and for each
// bit how many have it.
func (s *retentionSQL) numbers() part {
	from, keys := s.one(), s.retention.Breakdown.keys()
	returned := []string{"c, count(*) as size"}
	for i := range s.period.Buckets {
		returned = append(returned, fmt.Sprintf("cast(sum(case when %s then 1 else 0 end) as bigint) as b%d", s.returnedIn(i), i))
	}
	columns := strings.Join(returned, ", ")
	q := part{text: "select -1 as rank" + list(keys, ", '' as shown_$, 0 as shown_no_$") + ", " + columns + " from " + from + " group by c"}
	if len(keys) > 0 {
		_, _, by := withTop(keys)
		names := strings.Join(by, ", ") + ", "
		q.text += " union all select " + names + columns + " from " + from + " group by " + names + "c"
	}
	return s.with.then(q)
}

// people is the statement for who is behind a point.
func (s *retentionSQL) people(p RetentionPoint) part {
	s.list = true
	from := s.one()
	condition := part{text: fmt.Sprintf("c = %d", p.Row)}
	if p.Cell != nil {
		bit := *p.Cell
		if !p.Retention.Rolling {
			bit += p.Row
		}
		condition = all(condition, not(part{text: s.returnedIn(bit)}, p.Lost))
	}
	return s.with.then(say(`select p as person, cast(n as bigint) as events, t as "first", greatest(t, coalesce(latest, t)) as "last" from $ where $`,
		from, all(condition, member(p.Retention.Breakdown, p.Group, p.Other))))
}
