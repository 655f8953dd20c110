package query

import "fmt"

// maxMask is how many buckets a bigint has bits for.
const maxMask = 62

// wholly tells whether the number is of people who did anything at all, which reads every event of the range.
func (s *trendSQL) wholly() bool {
	none := func(f *Filter) bool { return f == nil || f.IsZero() }
	return s.series.Measure.Aggregate() == People && s.series.Event == (Selection{}) && s.trend.Breakdown == nil &&
		none(s.trend.Where) && none(s.series.Where) && len(s.period.Buckets) <= maxMask
}

// masks is the statement of all for people who did anything: a bit for each bucket that somebody did it in.
//
// It groups by one bare column at a time, and leaves out by CASE what another condition than the range's would, for
// columnar warehouses group by a column's dictionary then: DuckDB with a third of the work that the same by bucket, user_id
// and anonymous_id is (docs/adr/0015-fast-questions.md).
func (s *trendSQL) masks() part {
	at := s.dialect.Micros(`e."timestamp"`)
	bit := byRun(at, runsOf(s.period), func(r run) part {
		into := say("($ - $)", at, value(r.begin))
		return say("cast(1 as bigint) << cast($ + ($ - $ % $) / $ as integer)", value(r.first), into, into, value(r.length), value(r.length))
	})
	in := say(`e."timestamp" >= $ and e."timestamp" < $`, value(s.period.From.UTC()), value(s.period.To.UTC()))
	mask := func(but string) part {
		if !s.trend.Bots {
			but += " or e.is_bot"
		}
		return say("bit_or(case when $ then 0 else $ end)", but, bit)
	}
	buckets := part{}
	for i, b := range s.period.Buckets {
		row := say("select cast($ as bigint) as bucket, cast($ as integer) as place", value(microsOf(start(b.From, s.period.Interval))), fmt.Sprint(i))
		if i > 0 {
			row = say("$ union all $", buckets, row)
		}
		buckets = row
	}
	// A device whose user no identity tells is its own person, but for the events that name a user: these few are read again.
	return say(`with devices as (select e.anonymous_id as id, $ as named, $ as bare from events e where $ group by 1),
		placed as (select d.id, i.user_id, d.named, d.bare from devices d left join identities i on i.anonymous_id = d.id where d.id is not null),
		did as (select coalesce(user_id, id) as id, case when user_id is null then bare else named | bare end as mask from placed
			union all select e.user_id, $ from events e where $ group by 1
			union all select e.user_id, $ from events e join placed p on p.id = e.anonymous_id where p.user_id is null and p.named <> 0 and $ group by 1),
		people as (select id, bit_or(mask) as mask from did where id is not null and mask <> 0 group by 1), buckets as ($)
		select 0 as rank, b.bucket, cast(count(*) as double precision) as number from people p join buckets b on (p.mask >> b.place) & 1 = 1 group by 2
		union all select 0, -1, cast(count(*) as double precision) from people`,
		mask("e.user_id is null"), mask("e.user_id is not null"), in, mask("e.anonymous_id is not null"), in, mask("e.user_id is null"), in, buckets)
}
