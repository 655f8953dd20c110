package query

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// AskRetention answers a retention. now is what its relative ranges count from.
func AskRetention(ctx context.Context, w Source, r Retention, now time.Time) (RetentionAnswer, error) {
	a := RetentionAnswer{Complete: Completeness{AskedAt: now}}
	period, err := r.period(now)
	if err != nil {
		return a, err
	}
	a.Period = period
	if r.Rolling {
		a.length = time.Duration(r.length()) * time.Microsecond
	}
	statement := retentionSQL{dialect: w.Dialect(), now: now, retention: &r, period: period}
	q := statement.numbers()
	rows, err := w.Query(ctx, q.text, q.args...)
	if err != nil {
		return a, fmt.Errorf("the retention: %w", err)
	}
	defer rows.Close()
	key := newScanGroups(r.Breakdown)
	var cohort, size int64
	bits := make([]int64, len(period.Buckets))
	dest := append(key.dest(), &cohort, &size)
	for i := range bits {
		dest = append(dest, &bits[i])
	}
	tables := map[int64]*RetentionTable{}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return a, fmt.Errorf("the retention: %w", err)
		}
		t := tables[key.rank]
		if t == nil {
			t = new(a.table())
			if t.Other = key.rank == 0; key.rank > 0 {
				t.Group = key.group()
			}
			tables[key.rank] = t
		}
		row := &t.Rows[cohort]
		row.Size = size
		for k := range row.Cells {
			row.Cells[k].People = bits[a.bit(int(cohort), k)]
		}
	}
	if err := rows.Err(); err != nil {
		return a, fmt.Errorf("the retention: %w", err)
	}
	a.All = a.table()
	if all := tables[-1]; all != nil {
		a.All = *all
	}
	for rank := int64(1); tables[rank] != nil; rank++ {
		a.Groups = append(a.Groups, *tables[rank])
	}
	if other := tables[0]; other != nil {
		a.Groups = append(a.Groups, *other)
	}
	return a.known(period.To), nil
}

// bit is that of a cell.
func (a RetentionAnswer) bit(row, cell int) int {
	if a.length > 0 {
		return cell
	}
	return row + cell
}

// table makes one without people.
func (a RetentionAnswer) table() RetentionTable {
	t := RetentionTable{Rows: make([]RetentionRow, len(a.Period.Buckets))}
	for i, b := range a.Period.Buckets {
		t.Rows[i] = RetentionRow{Bucket: b, Cells: make([]RetentionCell, len(a.Period.Buckets)-i)}
	}
	return t
}

// known gives the answer with what follows from its numbers, and from that all that happened up to a moment is known.
func (a RetentionAnswer) known(until time.Time) RetentionAnswer {
	a.All = a.knownTable(a.All, until)
	a.Groups = slices.Clone(a.Groups)
	for i := range a.Groups {
		a.Groups[i] = a.knownTable(a.Groups[i], until)
	}
	return a
}

func (a RetentionAnswer) knownTable(t RetentionTable, until time.Time) RetentionTable {
	t.Rows = slices.Clone(t.Rows)
	t.Curve = make([]RetentionCell, len(t.Rows))
	for i := range t.Rows {
		row := &t.Rows[i]
		row.Incomplete = row.Incomplete || until.Before(row.To)
		row.Cells = slices.Clone(row.Cells)
		for k := range row.Cells {
			cell := &row.Cells[k]
			cell.Of, cell.Share = row.Size, share(cell.People, row.Size)
			if a.length > 0 {
				cell.Incomplete = until.Before(row.To.Add(time.Duration(k+1) * a.length))
			} else {
				in := a.Period.Buckets[i+k]
				cell.Incomplete = in.Incomplete || until.Before(in.To)
			}
		}
	}
	for k := range t.Curve {
		t.Curve[k] = curve(t.Rows, k)
	}
	return t
}

// curve puts the cells of a period together: those that are complete, or all, where none is.
func curve(rows []RetentionRow, k int) RetentionCell {
	complete, every := RetentionCell{}, RetentionCell{Incomplete: true}
	for _, row := range rows[:len(rows)-k] {
		cell := row.Cells[k]
		every.People, every.Of = every.People+cell.People, every.Of+cell.Of
		if !cell.Incomplete {
			complete.People, complete.Of = complete.People+cell.People, complete.Of+cell.Of
		}
	}
	c := complete
	if slices.IndexFunc(rows[:len(rows)-k], func(r RetentionRow) bool { return !r.Cells[k].Incomplete }) < 0 {
		c = every
	}
	c.Share = share(c.People, c.Of)
	return c
}

func (r Retention) period(now time.Time) (Period, error) {
	if err := askable(r); err != nil {
		return Period{}, err
	}
	p, err := r.Range.Resolve(now)
	if n := len(p.Buckets); err == nil && n > MaxCohorts {
		return p, invalid("range.interval", p.Interval, "cuts the range into %d cohorts, over %d; take a longer interval or a shorter range", n, MaxCohorts)
	}
	return p, err
}

// span implements datable. Who starts for the first time ever depends on all time before.
func (r Retention) span(now time.Time) (from, to time.Time) {
	p, err := r.period(now)
	if err != nil || !r.Ever {
		return p.From, p.To
	}
	return time.Unix(0, 0), p.To
}

// completed implements answer.
func (a RetentionAnswer) completed(c Completeness) RetentionAnswer {
	a.Complete = c
	a.Period = a.Period.marked(c)
	until := time.Time{}
	if c.UpTo != nil {
		until = *c.UpTo
	}
	if until.After(a.Period.To) {
		until = a.Period.To
	}
	return a.known(until)
}

func (p RetentionPoint) people(w Source, now time.Time) (part, error) {
	period, err := p.Retention.period(now)
	if err != nil {
		return part{}, within("retention.retention", err)
	}
	n := len(period.Buckets)
	if p.Row >= n {
		return part{}, invalid("retention.row", p.Row, "must be under %d, the number of cohorts", n)
	}
	if p.Cell != nil && *p.Cell >= n-p.Row {
		return part{}, invalid("retention.cell", *p.Cell, "must be under %d, the number of the cohort's periods", n-p.Row)
	}
	s := retentionSQL{dialect: w.Dialect(), now: now, retention: &p.Retention, period: period}
	return s.people(p), nil
}
