package audit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// ask runs a query and calls do for each row.
func (a *auditor) ask(ctx context.Context, what string, do func(warehouse.Rows) error, query string, args ...any) error {
	rows, err := a.Warehouse.Query(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("auditing the %s: %w", what, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows); err != nil {
			return fmt.Errorf("auditing the %s: %w", what, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("auditing the %s: %w", what, err)
	}
	return nil
}

// count reads the ledger and counts the rows it speaks of, all in one statement: a batch that is committed meanwhile is
// in all of it or in none.
func (a *auditor) count(ctx context.Context) error {
	from, end := a.report.From, a.end()
	return a.ask(ctx, "ledger", func(rows warehouse.Rows) error {
		var minute time.Time
		var l Line
		if err := rows.Scan(&minute, &l.Source, &l.Accepted, &l.Loaded, &l.Duplicate, &l.Dead, &l.Erased, &l.Rows, &l.DeadRows); err != nil {
			return err
		}
		line := a.line(minute.Unix()/60, l.Source)
		l.Minute, l.InFlight = line.Minute, line.InFlight
		l.Accepted += line.Accepted
		*line = l
		return nil
	}, `select minute, source, cast(sum(accepted) as bigint), cast(sum(loaded) as bigint), cast(sum(duplicate) as bigint),
			cast(sum(dead) as bigint), cast(sum(erased) as bigint), cast(sum(event_rows) as bigint), cast(sum(dead_rows) as bigint)
		from (
			select minute, source, accepted, loaded, duplicate, dead, erased, 0 as event_rows, 0 as dead_rows
			from ledger where minute >= ? and minute < ?
			union all
			select date_trunc('minute', received_at), source, 0, 0, 0, 0, 0, count(*), 0
			from events where received_at >= ? and received_at < ? group by 1, 2
			union all
			select date_trunc('minute', received_at), source, 0, 0, 0, 0, 0, 0, count(*)
			from dead_letters where received_at >= ? and received_at < ? and reason <> ? and reason <> ? group by 1, 2
		) as counted group by minute, source`, from, end, from, end, from, end, string(event.OversizeValue), string(event.Continued))
}

// end is the end of the last minute that begins before To: the ledger knows whole minutes.
func (a *auditor) end() time.Time {
	return a.report.To.Add(time.Minute - time.Nanosecond).Truncate(time.Minute)
}

// compare balances each line: accepted against its endings, and the ledger against the rows.
func (a *auditor) compare() {
	r := a.report
	unbalanced, differing := 0, 0
	for _, l := range a.lines {
		owed := l.Accepted - l.Loaded - l.Duplicate - l.Dead - l.InFlight
		rows := l.Rows - (l.Loaded - l.Erased)
		dead := l.DeadRows - l.Dead
		if owed != 0 {
			unbalanced++
		}
		if rows != 0 || dead != 0 {
			differing++
		}
		for _, d := range []int64{-owed, rows, dead} {
			l.Missing += max(0, -d)
			l.Doubled += max(0, d)
		}
		r.Accepted += l.Accepted
		r.Loaded += l.Loaded
		r.Duplicate += l.Duplicate
		r.Dead += l.Dead
		r.Erased += l.Erased
		r.InFlight += l.InFlight
		r.Missing += l.Missing
		r.Doubled += l.Doubled
		r.Lines = append(r.Lines, *l)
	}
	slices.SortFunc(r.Lines, func(x, y Line) int {
		return cmp.Or(x.Minute.Compare(y.Minute), strings.Compare(x.Source, y.Source))
	})
	a.check("ledger", unbalanced == 0, "accepted = loaded + duplicate + dead + in flight in %d of %d lines", len(a.lines)-unbalanced, len(a.lines))
	a.check("rows", differing == 0, "the tables hold what the ledger says in %d of %d lines", len(a.lines)-differing, len(a.lines))
}

// twice looks for ids that are in the warehouse more than once.
func (a *auditor) twice(ctx context.Context) error {
	var ids, rows int64
	err := a.ask(ctx, "ids", func(found warehouse.Rows) error {
		var id ID
		if err := found.Scan(&id.Source, &id.MessageID, &id.Times); err != nil {
			return err
		}
		ids++
		rows += id.Times - 1
		if len(a.report.DoubledIDs) < maxNamed {
			a.report.DoubledIDs = append(a.report.DoubledIDs, id)
		}
		return nil
	}, `select source, message_id, count(*) from events where received_at >= ? and received_at < ?
		group by 1, 2 having count(*) > 1 order by 1, 2`, a.report.From, a.end())
	// A row too many may be counted already, where the ledger does not speak of it.
	a.report.Doubled = max(a.report.Doubled, rows)
	a.check("ids", ids == 0, "%d ids are in the warehouse more than once", ids)
	return err
}

// sequences looks for records that a collector wrote and that never came through. A number above the last one whose
// outcome the collector told of may have been under way when the collector was killed: that says nothing.
func (a *auditor) sequences(ctx context.Context) error {
	type boot struct{ collector, id string }
	seen, settled := map[boot][]span{}, map[boot]uint64{}
	err := a.ask(ctx, "sequences", func(rows warehouse.Rows) error {
		var b boot
		var through, void string
		var known int64
		if err := rows.Scan(&b.collector, &b.id, &through, &void, &known); err != nil {
			return err
		}
		settled[b] = max(settled[b], uint64(known))
		for _, text := range []string{through, void} {
			spans, err := parseSpans(text)
			if err != nil {
				return err
			}
			seen[b] = append(seen[b], spans...)
		}
		return nil
	}, "select collector, boot, seen, void, settled from sequences where stream = ?", a.Stream)
	if err != nil {
		return err
	}
	var lost, open int64
	for b, spans := range seen {
		slices.SortFunc(spans, func(x, y span) int { return cmp.Compare(x.from, y.from) })
		next := uint64(1)
		for _, s := range spans {
			if last := min(s.from-1, settled[b]); last >= next {
				lost += int64(last - next + 1)
				a.report.LostRecords = append(a.report.LostRecords, Gap{b.collector, b.id, next, last})
				next = last + 1
			}
			if s.from > next {
				open += int64(s.from - next)
			}
			next = max(next, s.to+1)
		}
	}
	slices.SortFunc(a.report.LostRecords, func(x, y Gap) int {
		return cmp.Or(strings.Compare(x.Boot, y.Boot), cmp.Compare(x.From, y.From))
	})
	// How many events a lost record held is not known: at least one.
	a.report.Missing += lost
	a.check("sequences", lost == 0, "%d collector runs, %d records lost between the door and the warehouse, %d under way when their collector was killed",
		len(seen), lost, open)
	return nil
}

type span struct{ from, to uint64 }

func parseSpans(text string) ([]span, error) {
	if text == "" {
		return nil, nil
	}
	var spans []span
	for part := range strings.SplitSeq(text, ",") {
		low, high, _ := strings.Cut(part, "-")
		from, err := strconv.ParseUint(low, 10, 64)
		to, err2 := strconv.ParseUint(high, 10, 64)
		if err != nil || err2 != nil {
			return nil, fmt.Errorf("sequence ranges cannot be read at %q", part)
		}
		spans = append(spans, span{from, to})
	}
	return spans, nil
}
