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
func (s *trendSQL) masks() part {
	r := reading{dialect: s.dialect, now: s.now, bots: s.trend.Bots}
	var w with
	if !r.active(&w, "people", s.period) {
		r.everybody(&w, "people", say("bit_or($) as m", bucketBit(s.dialect, s.period)), r.within(s.period.From, s.period.To), "m", "bit_or(e.m) as m")
	}
	var buckets []part
	for i, b := range s.period.Buckets {
		buckets = append(buckets, say("select cast($ as bigint) as bucket, cast($ as integer) as place", value(microsOf(start(b.From, s.period.Interval))), fmt.Sprint(i)))
	}
	w.add("buckets", joined(" union all ", buckets...))
	return w.then(part{text: `select 0 as rank, b.bucket, cast(count(*) as double precision) as number from people p join buckets b on (p.m >> b.place) & 1 = 1 group by 2
		union all select 0, -1, cast(count(*) as double precision) from people`})
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
