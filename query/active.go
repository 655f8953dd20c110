package query

import (
	"fmt"
	"strings"
	"time"
)

// days are whole days, in UTC, of a period's bucket: its place, the first day, and the first that is not of them.
type days struct {
	place    int
	from, to time.Time
}

// wholeDays cuts a period into the whole days of its buckets, and what is left: stretches one after the other.
func wholeDays(p Period) (whole []days, rest []stretch) {
	left := func(from, to time.Time) {
		switch n := len(rest); {
		case !from.Before(to):
		case n > 0 && rest[n-1].to.Equal(from):
			rest[n-1].to = to
		default:
			rest = append(rest, stretch{from, to})
		}
	}
	for i, b := range p.Buckets {
		from, to := b.From.UTC().Add(day-1).Truncate(day), b.To.UTC().Truncate(day)
		if !from.Before(to) {
			left(b.From, b.To)
			continue
		}
		left(b.From, from)
		whole = append(whole, days{i, from, to})
		left(to, b.To)
	}
	return whole, rest
}

// active adds the statement called name: who did anything at all in a period, p, and a bit for each bucket in which they did, m.
// Whole days are read from the warehouse's table of who was active, and the rest from the events. false: it has none, or there are more
// of the rest, and nothing was added.
func (r *reading) active(w *with, name string, p Period) bool {
	whole, rest := wholeDays(p)
	var known, left time.Duration
	for _, d := range whole {
		known += d.to.Sub(d.from)
	}
	for _, s := range rest {
		left += s.to.Sub(s.from)
	}
	table := r.dialect.Active()
	if table == "" || known < left || known == 0 {
		return false
	}
	bot := " and not e.is_bot"
	if r.bots {
		bot = ""
	}
	date := func(t time.Time) part { return part{"cast(? as date)", []any{t.Format(time.DateOnly)}} }
	bit := part{text: "case"}
	for _, d := range whole {
		bit = say("$ when e.day >= $ and e.day < $ then cast($ as bigint)", bit, date(d.from), date(d.to), fmt.Sprint(int64(1)<<d.place))
	}
	seen := []part{say("select e.user_id as u, e.anonymous_id as d, $ end as m from $ e where e.day >= $ and e.day < $$",
		bit, table, date(whole[0].from), date(whole[len(whole)-1].to), bot)}
	for _, s := range rest {
		seen = append(seen, say("select $, $, bit_or($) from events e where $ group by 1, 2",
			r.dialect.Stored("e.user_id"), r.dialect.Stored("e.anonymous_id"), bucketBit(r.dialect, p), r.within(s.from, s.to)))
	}
	w.add("seen", say("select u, d, bit_or(m) as m from ($) e where m is not null group by 1, 2", joined(" union all ", seen...)))
	w.add(name, say(`select case when i.user_id is not null then i.user_id when e.u <> 0 then e.u else e.d end as p, bit_or(e.m) as m
		from seen e left join (select $ as anonymous_id, $ as user_id from identities) i on i.anonymous_id = e.d group by 1`,
		r.dialect.Stored("anonymous_id"), r.dialect.Stored("user_id")))
	return true
}

// firstBit is an expression for the place of the first of n bits that a mask has.
func firstBit(mask string, n int) string {
	var b strings.Builder
	b.WriteString("case")
	for i := range n {
		fmt.Fprintf(&b, " when (%s & %d) <> 0 then %d", mask, int64(1)<<i, i)
	}
	b.WriteString(" end")
	return b.String()
}
