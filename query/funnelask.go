package query

import (
	"context"
	"fmt"
	"time"
)

// AskFunnel answers a funnel. now is what its relative ranges count from.
func AskFunnel(ctx context.Context, w Source, f Funnel, now time.Time) (FunnelAnswer, error) {
	a := FunnelAnswer{Complete: Completeness{AskedAt: now}}
	if err := askable(f); err != nil {
		return a, err
	}
	var err error
	if a.Period, err = f.period(now); err != nil {
		return a, err
	}
	a.closes = a.Period.To.Add(f.window().Duration())
	statement := funnelSQL{dialect: w.Dialect(), now: now, funnel: &f, period: a.Period}
	q := statement.numbers()
	rows, err := w.Query(ctx, q.text, q.args...)
	if err != nil {
		return a, fmt.Errorf("the funnel: %w", err)
	}
	defer rows.Close()
	key := newScanGroups(f.Breakdown)
	var step, since, people int64
	var median, mean *float64
	groups := map[int64]*FunnelGroup{}
	for rows.Next() {
		if err := rows.Scan(append(key.dest(), &step, &since, &people, &median, &mean)...); err != nil {
			return a, fmt.Errorf("the funnel: %w", err)
		}
		g := groups[key.rank]
		if g == nil {
			g = &FunnelGroup{Other: key.rank == 0, Steps: make([]FunnelStep, len(f.Steps))}
			if key.rank > 0 {
				g.Group = key.group()
			}
			groups[key.rank] = g
		}
		s := &g.Steps[step-1]
		if s.People = people; since == 0 {
			s.MedianOfAll, s.MeanOfAll = seconds(median), seconds(mean)
		} else {
			s.Median, s.Mean = seconds(median), seconds(mean)
		}
	}
	if err := rows.Err(); err != nil {
		return a, fmt.Errorf("the funnel: %w", err)
	}
	a.Steps = make([]FunnelStep, len(f.Steps))
	if all := groups[-1]; all != nil {
		a.Steps = all.Steps
	}
	deduce(a.Steps)
	for rank := int64(1); groups[rank] != nil; rank++ {
		a.Groups = append(a.Groups, *groups[rank])
	}
	if other := groups[0]; other != nil {
		a.Groups = append(a.Groups, *other)
	}
	for _, g := range a.Groups {
		deduce(g.Steps)
	}
	return a, nil
}

// deduce fills in what follows from the numbers of people.
func deduce(steps []FunnelStep) {
	for i := range steps {
		s := &steps[i]
		s.OfFirst = share(s.People, steps[0].People)
		if i > 0 {
			s.OfPrevious = share(s.People, steps[i-1].People)
			steps[i-1].Dropped = steps[i-1].People - s.People
		}
	}
}

// share gives a part of a whole; nil: there is no whole.
func share(part, whole int64) *float64 {
	if whole == 0 {
		return nil
	}
	return new(float64(part) / float64(whole))
}

func seconds(micros *float64) *float64 {
	if micros == nil {
		return nil
	}
	return new(*micros / 1e6)
}

func (f Funnel) period(now time.Time) (Period, error) {
	p, err := f.Range.resolve("range", now, false)
	p.Interval = ""
	return p, err
}

// span implements datable.
func (f Funnel) span(now time.Time) (from, to time.Time) {
	p, err := f.period(now)
	if err != nil {
		return from, to
	}
	return p.From, p.To.Add(f.window().Duration())
}

// completed implements answer.
func (a FunnelAnswer) completed(c Completeness) FunnelAnswer {
	a.Complete = c
	a.Open = c.UpTo == nil || c.UpTo.Before(a.closes)
	return a
}

func (p FunnelPoint) people(w Source, now time.Time) (part, error) {
	period, err := p.Funnel.period(now)
	if err != nil {
		return part{}, err
	}
	s := funnelSQL{dialect: w.Dialect(), now: now, funnel: &p.Funnel, period: period}
	return s.people(p), nil
}
