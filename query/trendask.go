package query

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spoorhq/spoor/warehouse"
)

// Source is the part of a warehouse that reports need.
type Source interface {
	Asker
	Dialect() warehouse.Dialect
}

// maxNumbers bounds an answer.
const maxNumbers = 200_000

// AskTrend answers a trend. now is what its relative ranges count from.
func AskTrend(ctx context.Context, w Source, t Trend, now time.Time) (TrendAnswer, error) {
	if err := askable(t); err != nil {
		return TrendAnswer{}, err
	}
	period, err := t.Range.Resolve(now)
	if err != nil {
		return TrendAnswer{}, err
	}
	groups := 1
	if t.Breakdown != nil {
		groups += t.Breakdown.Groups()
	}
	if n := len(period.Buckets) * groups * (len(t.Series) + len(t.Formulas)); n > maxNumbers {
		return TrendAnswer{}, invalid("range.interval", period.Interval, "gives %d numbers with so many buckets, groups and series, over %d", n, maxNumbers)
	}
	a := TrendAnswer{Period: period, Lines: []Line{}}
	a.Complete.AskedAt = now
	asking := trendAsking{ctx: ctx, w: w, trend: &t, now: now}
	if t.Breakdown != nil {
		asking.groups = t.Breakdown.only
	}
	if err := asking.period(period, false); err != nil {
		return TrendAnswer{}, err
	}
	if t.Compare {
		before := period.Previous()
		a.Previous = &before
		if err := asking.period(before, true); err != nil {
			return TrendAnswer{}, err
		}
	}
	a.Lines = append(a.Lines, asking.lines()...)
	return a, nil
}

// trendAsking gathers the numbers of a trend.
type trendAsking struct {
	ctx   context.Context //nolint:containedctx // of one call of AskTrend
	w     Source
	trend *Trend
	now   time.Time

	groups  []Group // shown, in their order; nil until the first statement found them
	current []numbers
	before  []numbers
}

// numbers are one series' in one period, by rank: 0 is the other groups', or all where there is no breakdown.
type numbers struct {
	buckets int
	empty   *float64 // the number of a bucket without events
	values  map[int][]*float64
	totals  map[int]*float64
}

// period asks for each series.
func (a *trendAsking) period(p Period, before bool) error {
	for i := range a.trend.Series {
		n, err := a.series(&a.trend.Series[i], p)
		if err != nil {
			return fmt.Errorf("series %s: %w", Letter(i), err)
		}
		if before {
			a.before = append(a.before, n)
		} else {
			a.current = append(a.current, n)
		}
	}
	return nil
}

func (a *trendAsking) series(s *Series, p Period) (numbers, error) {
	n := numbers{buckets: len(p.Buckets), values: map[int][]*float64{}, totals: map[int]*float64{}}
	switch s.Measure.Aggregate() {
	case Count, People, Sessions, Sum:
		n.empty = new(float64)
	}
	statement := trendSQL{dialect: a.w.Dialect(), now: a.now, trend: a.trend, series: s, period: p, groups: a.groups}
	q := statement.all()
	rows, err := a.w.Query(a.ctx, q.text, q.args...)
	if err != nil {
		return n, err
	}
	defer rows.Close()
	begins := p.begins()
	keys := len(statement.keys())
	var bucket int64
	var number *float64
	key := newScanGroups(a.trend.Breakdown)
	dest := append(key.dest(), &bucket, &number)
	found := map[int]Group{}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return n, err
		}
		r := int(key.rank)
		if keys > 0 && r > 0 && found[r] == nil {
			found[r] = key.group()
		}
		if bucket < 0 {
			n.totals[r] = number
			continue
		}
		i, known := begins[bucket]
		if !known {
			return n, fmt.Errorf("the warehouse made a bucket at %s, which is none", time.UnixMicro(bucket).UTC())
		}
		n.of(r)[i] = number
	}
	if err := rows.Err(); err != nil {
		return n, err
	}
	if keys > 0 && a.groups == nil {
		a.groups = []Group{}
		for r := 1; found[r] != nil; r++ {
			a.groups = append(a.groups, found[r])
		}
	}
	return n, nil
}

// of gives the values of a rank, which has the empty number in each bucket at first.
func (n *numbers) of(rank int) []*float64 {
	if n.values[rank] == nil {
		n.values[rank] = slices.Repeat([]*float64{n.empty}, n.buckets)
	}
	return n.values[rank]
}

func (n *numbers) total(rank int) *float64 {
	if total := n.totals[rank]; total != nil {
		return total
	}
	return n.empty
}

// lines puts the numbers together, and computes the formulas.
func (a *trendAsking) lines() []Line {
	ranks := []int{0}
	if a.trend.Breakdown != nil {
		ranks = nil
		for i := range a.groups {
			ranks = append(ranks, i+1)
		}
		// The other groups are shown where any series has some, and beside groups that somebody means.
		for _, n := range slices.Concat(a.current, a.before) {
			if n.values[0] != nil || a.trend.Breakdown.only != nil {
				ranks = append(ranks, 0)
				break
			}
		}
	}
	var lines []Line
	add := func(l Line, rank int, values func([]numbers) []*float64, total func([]numbers) *float64) {
		if l.Other = a.trend.Breakdown != nil && rank == 0; !l.Other && rank > 0 {
			l.Group = a.groups[rank-1]
		}
		l.Values, l.Total = values(a.current), total(a.current)
		if a.before != nil {
			l.Previous, l.PreviousTotal = values(a.before), total(a.before)
		}
		lines = append(lines, l)
	}
	for i := range a.trend.Series {
		for _, rank := range ranks {
			add(Line{Series: i}, rank, func(n []numbers) []*float64 { return n[i].of(rank) }, func(n []numbers) *float64 { return n[i].total(rank) })
		}
	}
	for i, f := range a.trend.Formulas {
		compute, err := f.parse("", len(a.trend.Series))
		if err != nil {
			panic(err) // the question was validated
		}
		for _, rank := range ranks {
			add(Line{Series: -1, Formula: new(i)}, rank, func(list []numbers) []*float64 {
				values := make([]*float64, list[0].buckets)
				for b := range values {
					operands := make([]*float64, len(list))
					for s := range list {
						operands[s] = list[s].of(rank)[b]
					}
					values[b] = compute(operands)
				}
				return values
			}, func(list []numbers) *float64 {
				operands := make([]*float64, len(list))
				for s := range list {
					operands[s] = list[s].total(rank)
				}
				return compute(operands)
			})
		}
	}
	return lines
}
