package query

import (
	"fmt"

	"github.com/spoorhq/spoor/warehouse"
)

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
// It groups by one bare column at a time, for columnar warehouses group by a column's dictionary then: DuckDB with half the
// work that the same by bucket, user_id and anonymous_id is (docs/adr/0015-fast-questions.md). For the same reason it does
// not ask for ids that are there, which would be looked up in every row: nobody's mask is 0.
func (s *trendSQL) masks() part {
	in := say(`e."timestamp" >= $ and e."timestamp" < $`, value(s.period.From.UTC()), value(s.period.To.UTC()))
	if !s.trend.Bots {
		in.text += " and not e.is_bot"
	}
	bit, buckets := bucketBit(s.dialect, s.period), part{}
	for i, b := range s.period.Buckets {
		row := say("select cast($ as bigint) as bucket, cast($ as integer) as place", value(microsOf(start(b.From, s.period.Interval))), fmt.Sprint(i))
		if i > 0 {
			row = say("$ union all $", buckets, row)
		}
		buckets = row
	}
	// A device of which no identity tells is its own person, but for events that name a user: where it has such, which is
	// seldom, its events are read again, one by one.
	return say(`with devices as (select e.anonymous_id as id, bit_or($) as mask, count(e.user_id) as named from events e where $ group by 1),
		placed as (select d.id, i.user_id, d.mask, d.named from devices d left join identities i on i.anonymous_id = d.id),
		did as (select coalesce(user_id, id) as id, case when id is null or (user_id is null and named > 0) then 0 else mask end as mask from placed
			union all select e.user_id, bit_or(case when e.anonymous_id is null and e.user_id is not null then $ else 0 end) from events e where $ group by 1
			union all select coalesce(e.user_id, e.anonymous_id), bit_or($) from events e join placed p on p.id = e.anonymous_id
				where p.user_id is null and p.named > 0 and $ group by 1),
		people as (select id, bit_or(mask) as mask from did where mask <> 0 group by 1), buckets as ($)
		select 0 as rank, b.bucket, cast(count(*) as double precision) as number from people p join buckets b on (p.mask >> b.place) & 1 = 1 group by 2
		union all select 0, -1, cast(count(*) as double precision) from people`,
		bit, in, bit, in, bit, in, buckets)
}

// fewBuckets are told apart faster by comparing than by computing.
const fewBuckets = 16

// bucketBit is an expression for the bit of an event's bucket.
func bucketBit(d warehouse.Dialect, p Period) part {
	if list := p.Buckets; len(list) <= fewBuckets {
		bit := part{text: "case"}
		for i, b := range list[:len(list)-1] {
			bit = say(`$ when e."timestamp" < $ then cast($ as bigint)`, bit, value(b.To.UTC()), fmt.Sprint(1<<i))
		}
		if len(list) == 1 {
			return part{text: "cast(1 as bigint)"}
		}
		return say("$ else cast($ as bigint) end", bit, fmt.Sprint(1<<(len(list)-1)))
	}
	return say("cast(1 as bigint) << $", bucketPlace(d.Micros(`e."timestamp"`), p))
}

// bucketPlace is an expression for the index of the period's bucket that a moment, in microseconds, lies in.
func bucketPlace(at string, p Period) part {
	return byRun(at, runsOf(p), func(r run) part {
		into := say("($ - $)", at, value(r.begin))
		return say("cast($ + ($ - $ % $) / $ as integer)", value(r.first), into, into, value(r.length), value(r.length))
	})
}
