package query

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// microsOf is a moment as warehouses compare it with Dialect.Micros.
func microsOf(t time.Time) int64 { return t.UnixMicro() }

// run is buckets of one length, one after the other. Units of the calendar are of one length but where clocks change and
// months differ: each run is arithmetic, and no warehouse is asked what a time zone is.
type run struct {
	first              int64 // index of its first bucket
	begin, end, length int64 // in microseconds
}

func runsOf(p Period) []run {
	var runs []run
	index := int64(0)
	for begun := start(p.From, p.Interval); begun.Before(p.To); index++ {
		end := next(begun, p.Interval)
		begin, length := microsOf(begun), microsOf(end)-microsOf(begun)
		if n := len(runs); n > 0 && runs[n-1].length == length {
			runs[n-1].end = microsOf(end)
		} else {
			runs = append(runs, run{index, begin, microsOf(end), length})
		}
		begun = end
	}
	return runs
}

// byRun is an expression that is another one in each of a period's runs; at is an event's time.
func byRun(at string, runs []run, in func(run) part) part {
	last := runs[len(runs)-1]
	if len(runs) == 1 {
		return in(last)
	}
	whole := part{text: "case"}
	for _, r := range runs[:len(runs)-1] {
		whole = say("$ when $ < $ then $", whole, at, value(r.end), in(r))
	}
	return say("$ else $ end", whole, in(last))
}

// bucketSQL is an expression for the moment, in microseconds, at which the bucket of an event begins.
func bucketSQL(d warehouse.Dialect, p Period) part { return bucketOf(d, `e."timestamp"`, p) }

// bucketOf is bucketSQL for another moment than an event's.
func bucketOf(d warehouse.Dialect, instant string, p Period) part {
	at := d.Micros(instant)
	return byRun(at, runsOf(p), func(r run) part { return say("$ - ($ - $) % $", at, at, value(r.begin), value(r.length)) })
}

// trendSQL is the statement for one series in one period.
type trendSQL struct {
	dialect warehouse.Dialect
	now     time.Time
	trend   *Trend
	series  *Series
	period  Period
	// groups are those that are shown, where they are known already; nil: the statement finds them.
	groups []Group
}

// keys are the names of a breakdown's columns.
func (s *trendSQL) keys() []string { return s.trend.Breakdown.keys() }

// facts is what the series' number is made of: few rows for each bucket and group, wherever the number allows it.
func (s *trendSQL) facts() part {
	r := reading{dialect: s.dialect, now: s.now, bots: s.trend.Bots}
	columns := say("$ as bucket$", bucketSQL(s.dialect, s.period), r.breakdown(s.trend.Breakdown))
	condition := all(r.within(s.period.From, s.period.To), r.selected(s.series.Event), r.where(s.trend.Where), r.where(s.series.Where))
	keys := list(s.keys(), ", $")
	grouped := func(n int) string { // by the bucket, the keys and n columns more
		all := make([]string, 1+len(s.keys())+n)
		for i := range all {
			all[i] = strconv.Itoa(i + 1)
		}
		return " group by " + strings.Join(all, ", ")
	}
	switch m := s.series.Measure; m.Aggregate() {
	case People:
		if r.eachRow() {
			return say("select $, $ as a$ where $$", columns, r.key(), r.from(), condition, grouped(1))
		}
		ids := r.ids(false)
		inner := say("select $, $$ where $$", columns, ids.columns, r.from(), condition, grouped(2))
		return say("select e.bucket$, $ as a from ($) e$$", list(s.keys(), ", e.$"), idsPerson, inner, ids.join, grouped(1))
	case Sessions:
		return say("select $, e.source as a, coalesce(e.anonymous_id, e.user_id) as b, e.session_id as c$ where $ and e.session_id is not null$",
			columns, r.from(), condition, grouped(3))
	case Count:
		return say("select $, count(*) as n$ where $$", columns, r.from(), condition, grouped(0))
	default:
		number := "cast(" + r.column(m.Field, event.KindNumber) + " as double precision)"
		inner := say("select $, $ as v$ where $", columns, number, r.from(), condition)
		if m.Aggregate() == Percentile {
			return say("select * from ($) numbers where v is not null", inner)
		}
		return say("select bucket$, count(v) as n, sum(v) as s, min(v) as low, max(v) as high from ($) numbers$", keys, inner, grouped(0))
	}
}

// made is the series' number, made of facts; groupBy are the columns that it is for.
func (s *trendSQL) made(from string, groupBy []string) part {
	by, columns := "", ""
	if len(groupBy) > 0 {
		columns = strings.Join(groupBy, ", ") + ", "
		by = " group by " + strings.Join(groupBy, ", ")
	}
	var number part
	switch m := s.series.Measure; m.Aggregate() {
	case People, Sessions:
		names := "a"
		if m.Aggregate() == Sessions {
			names = "a, b, c"
		}
		return say("select $cast(count(*) as double precision) as number from (select distinct $$ from $) people$", columns, columns, names, from, by)
	case Count:
		number.text = "sum(n)"
	case Sum:
		number.text = "coalesce(sum(s), 0)"
	case Average:
		number.text = "sum(s) / nullif(sum(n), 0)"
	case Minimum:
		number.text = "min(low)"
	case Maximum:
		number.text = "max(high)"
	case Percentile:
		number = say("percentile_cont(cast($ as double precision)) within group (order by v)", value(m.Percentile/100))
	}
	return say("select $cast($ as double precision) as number from $$", columns, number, from, by)
}

// top is the groups that are shown: rank, and for each key its text, empty where it is missing, and whether it is.
func (s *trendSQL) top() part {
	keys := s.keys()
	if s.groups != nil {
		return givenGroups(keys, s.groups)
	}
	return topGroups(s.dialect, keys, s.made("facts", keys), s.trend.Breakdown.Groups())
}

// all is the statement. It gives rank, for each key its text and whether it is missing, the bucket's beginning and the
// number. Rank 0 is the other groups; a bucket of -1 is the whole period.
func (s *trendSQL) all() part {
	if s.wholly() {
		return s.masks()
	}
	keys := s.keys()
	if len(keys) == 0 {
		return say("with facts as ($) select 0 as rank, bucket, number from ($) buckets union all select 0, -1, number from ($) whole",
			s.facts(), s.made("facts", []string{"bucket"}), s.made("facts", nil))
	}
	if s.groups != nil && len(s.groups) == 0 {
		// There is nothing to show, and what comes here is all other.
		return say("with facts as ($) select 0 as rank, $ bucket, number from ($) buckets union all select 0, $ -1, number from ($) whole",
			s.facts(), list(keys, "'' as $, 0 as no_$, "), s.made("facts", []string{"bucket"}), list(keys, "'', 0, "), s.made("facts", nil))
	}
	shown, same, by := withTop(keys)
	return say(`with facts as ($), top as ($), ranked as (select f.*, coalesce(t.rank, 0) as rank$ from facts f left join top t on $)
		select $, bucket, number from ($) buckets union all select $, -1, number from ($) whole`,
		s.facts(), s.top(), shown, same,
		strings.Join(by, ", "), s.made("ranked", append(slices.Clip(by), "bucket")), strings.Join(by, ", "), s.made("ranked", by))
}
