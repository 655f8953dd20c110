package query

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Live is what the warehouse holds of the last minutes: the chart of events each minute, from the ledger.
type Live struct {
	From    time.Time    `json:"from"` // the first minute
	Minutes []LiveMinute `json:"minutes"`
	// Names are the most frequent ones; NameCount is how many there are in all.
	Names     []LiveName `json:"names"`
	NameCount int64      `json:"name_count"`
	Newest    *time.Time `json:"newest"` // the newest minute in the ledger; nil: there are none
	// Positions is how far each stream's shards were loaded when the minutes were read: stream, shard, position.
	Positions map[string]map[string]string `json:"-"`
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
	live := Live{From: from, Minutes: []LiveMinute{}, Names: []LiveName{}, Positions: map[string]map[string]string{}}
	if err := live.ledger(ctx, w, from); err != nil {
		return live, fmt.Errorf("reading the ledger: %w", err)
	}
	if err := live.newest(ctx, w); err != nil {
		return live, fmt.Errorf("reading the ledger: %w", err)
	}
	if err := live.names(ctx, w, from, names); err != nil {
		return live, fmt.Errorf("reading the volumes: %w", err)
	}
	return live, nil
}

// ledger reads the minutes and the positions in one statement, so that they belong together.
func (l *Live) ledger(ctx context.Context, w Asker, from time.Time) error {
	rows, err := w.Query(ctx, `select minute, source, '' as shard, '' as position, accepted, loaded, duplicate, dead
			from ledger where minute >= ?
		union all
		select moved_at, stream, shard, position, 0, 0, 0, 0 from positions
		order by 1, 2, 3`, from)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var m LiveMinute
		var shard, position string
		if err := rows.Scan(&m.Minute, &m.Source, &shard, &position, &m.Accepted, &m.Loaded, &m.Duplicate, &m.Dead); err != nil {
			return err
		}
		if position != "" {
			stream := m.Source
			if l.Positions[stream] == nil {
				l.Positions[stream] = map[string]string{}
			}
			l.Positions[stream][shard] = position
			continue
		}
		m.Minute = m.Minute.UTC()
		l.Minutes = append(l.Minutes, m)
	}
	return rows.Err()
}

func (l *Live) newest(ctx context.Context, w Asker) error {
	if n := len(l.Minutes); n > 0 {
		l.Newest = &l.Minutes[n-1].Minute
		return nil
	}
	rows, err := w.Query(ctx, "select max(minute) from ledger")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&l.Newest); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (l *Live) names(ctx context.Context, w Asker, from time.Time, most int) error {
	rows, err := w.Query(ctx, `with top as (
			select type, event, sum(loaded) as total, count(*) over () as names from volumes where minute >= ? group by type, event
			order by total desc, type, event limit ?)
		select top.type, top.event, cast(top.total as bigint), top.names, v.minute, cast(sum(v.loaded) as bigint) from top
		join volumes v on v.type = top.type and v.event = top.event and v.minute >= ?
		group by 1, 2, 3, 4, 5 order by 3 desc, 1, 2, 5`, from, most, from)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n LiveName
		var c NameCount
		if err := rows.Scan(&n.Type, &n.Event, &n.Total, &l.NameCount, &c.Minute, &c.Loaded); err != nil {
			return err
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

// NewestEvent is a row of the table events as the list of the newest shows it.
type NewestEvent struct {
	MessageID         string          `json:"message_id"`
	Source            string          `json:"source"`
	Type              string          `json:"type,omitempty"`
	Event             string          `json:"event,omitempty"`
	UserID            string          `json:"user_id,omitempty"`
	AnonymousID       string          `json:"anonymous_id,omitempty"`
	ReceivedAt        time.Time       `json:"received_at"`
	OriginalTimestamp *time.Time      `json:"original_timestamp,omitempty"`
	Protocol          string          `json:"protocol,omitempty"`
	Properties        json.RawMessage `json:"properties,omitempty"`
	Traits            json.RawMessage `json:"traits,omitempty"`
	Context           json.RawMessage `json:"context,omitempty"`
}

// AskNewest gives the events that were received last, since a time, the newest first. An empty source or event name
// lets all through.
func AskNewest(ctx context.Context, w Asker, since time.Time, source, event string, most int) ([]NewestEvent, error) {
	rows, err := w.Query(ctx, `select message_id, source, coalesce(type, ''), coalesce(event, ''), coalesce(user_id, ''),
			coalesce(anonymous_id, ''), received_at, original_timestamp, coalesce(protocol, ''),
			properties, traits, context
		from events where received_at >= ? and (? = '' or source = ?) and (? = '' or event = ?)
		order by received_at desc, case when original_timestamp is null then 1 else 0 end, original_timestamp desc, message_id desc limit ?`, since, source, source, event, event, most)
	if err != nil {
		return nil, fmt.Errorf("reading the newest events: %w", err)
	}
	defer rows.Close()
	events := []NewestEvent{}
	for rows.Next() {
		var e NewestEvent
		var properties, traits, about any
		if err := rows.Scan(&e.MessageID, &e.Source, &e.Type, &e.Event, &e.UserID, &e.AnonymousID, &e.ReceivedAt,
			&e.OriginalTimestamp, &e.Protocol, &properties, &traits, &about); err != nil {
			return nil, fmt.Errorf("reading the newest events: %w", err)
		}
		e.ReceivedAt = e.ReceivedAt.UTC()
		e.Properties, e.Traits, e.Context = object(properties), object(traits), object(about)
		events = append(events, e)
	}
	return events, rows.Err()
}

// object takes a JSON column's value, which drivers give as text of one type or another; nil: there is none.
func object(value any) json.RawMessage {
	var text json.RawMessage
	switch value := value.(type) {
	case json.RawMessage:
		text = value
	case string:
		text = json.RawMessage(value)
	case []byte:
		text = value
	}
	if len(text) == 0 || string(text) == "{}" {
		return nil
	}
	return text
}
