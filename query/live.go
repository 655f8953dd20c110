package query

import (
	"context"
	"fmt"
	"time"
)

// Live is what the warehouse holds of the last minutes: the chart of events each minute, from the ledger.
type Live struct {
	From    time.Time    `json:"from"` // the first minute
	Minutes []LiveMinute `json:"minutes"`
	Names   []LiveName   `json:"names"`
	Newest  time.Time    `json:"newest"` // received_at of the newest row; zero: there are none
}

// LiveMinute is one source's minute.
type LiveMinute struct {
	Minute    time.Time `json:"minute"`
	Source    string    `json:"source"`
	Accepted  int64     `json:"accepted"`
	Loaded    int64     `json:"loaded"`
	Duplicate int64     `json:"duplicate"`
	Dead      int64     `json:"dead"`
}

// LiveName is one event name's rows by minute, the most frequent name first.
type LiveName struct {
	Type    string      `json:"type"`
	Event   string      `json:"event,omitempty"`
	Total   int64       `json:"total"`
	Minutes []NameCount `json:"minutes"`
}

// NameCount is the rows of a name in one minute.
type NameCount struct {
	Minute time.Time `json:"minute"`
	Loaded int64     `json:"loaded"`
}

// AskLive reads the ledger and the volumes of the minutes from the given one on. names bounds the list of names.
func AskLive(ctx context.Context, w Asker, from time.Time, names int) (Live, error) {
	from = from.UTC().Truncate(time.Minute)
	live := Live{From: from, Minutes: []LiveMinute{}, Names: []LiveName{}}
	rows, err := w.Query(ctx, `select minute, source, accepted, loaded, duplicate, dead from ledger
		where minute >= ? order by minute, source`, from)
	if err != nil {
		return live, fmt.Errorf("reading the ledger: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var m LiveMinute
		if err := rows.Scan(&m.Minute, &m.Source, &m.Accepted, &m.Loaded, &m.Duplicate, &m.Dead); err != nil {
			return live, fmt.Errorf("reading the ledger: %w", err)
		}
		m.Minute = m.Minute.UTC()
		live.Minutes = append(live.Minutes, m)
	}
	if err := rows.Err(); err != nil {
		return live, fmt.Errorf("reading the ledger: %w", err)
	}
	return live, live.names(ctx, w, from, names)
}

func (l *Live) names(ctx context.Context, w Asker, from time.Time, most int) error {
	rows, err := w.Query(ctx, `with top as (
			select type, event, sum(loaded) as total from volumes where minute >= ? group by 1, 2
			order by total desc, type, event limit ?)
		select top.type, top.event, cast(top.total as bigint), v.minute, cast(sum(v.loaded) as bigint) from top
		join volumes v on v.type = top.type and v.event = top.event and v.minute >= ?
		group by 1, 2, 3, 4 order by 3 desc, 1, 2, 4`, from, most, from)
	if err != nil {
		return fmt.Errorf("reading the volumes: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var n LiveName
		var c NameCount
		if err := rows.Scan(&n.Type, &n.Event, &n.Total, &c.Minute, &c.Loaded); err != nil {
			return fmt.Errorf("reading the volumes: %w", err)
		}
		c.Minute = c.Minute.UTC()
		if k := len(l.Names); k == 0 || l.Names[k-1].Type != n.Type || l.Names[k-1].Event != n.Event {
			l.Names = append(l.Names, n)
		}
		last := &l.Names[len(l.Names)-1]
		last.Minutes = append(last.Minutes, c)
	}
	return rows.Err()
}
