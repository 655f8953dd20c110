package warehousetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// noon is the time of the suite's events, unless a case says otherwise.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const minute = time.Minute

// at gives a time as the columns hold it.
func at(t time.Time) event.Time { return event.TimeOf(t) }

// track gives an event of a source with a message id.
func track(source, id, name string) event.Event {
	return event.Event{
		Request: &event.Request{Source: source, Protocol: "segment"}, Type: event.TypeTrack, MessageID: id, Name: name, AnonymousID: "a-" + id,
		Timestamp: at(noon), ReceivedAt: at(noon), OriginalTimestamp: event.NoTime, SentAt: event.NoTime,
	}
}

// tracks gives n events of one name; their ids are prefix0, prefix1 …
func tracks(source, prefix, name string, n int) []event.Event {
	list := make([]event.Event, n)
	for i := range list {
		list[i] = track(source, fmt.Sprint(prefix, i), name)
	}
	return list
}

// batch makes a batch of the stream "main" from events, with the counts that follow from them. The suite releases it.
func (s *subject) batch(move warehouse.Move, events ...event.Event) *warehouse.Batch {
	b := &warehouse.Batch{Stream: "main", Moves: []warehouse.Move{move}, Window: 24 * time.Hour}
	if len(events) > 0 {
		rows := event.NewRows(s.allocator, len(events))
		defer rows.Release()
		for i := range events {
			rows.Append(&events[i])
		}
		b.Events = rows.Take()
	}
	for _, e := range events {
		m := event.Minute(e.ReceivedAt)
		i := slices.IndexFunc(b.Counts, func(c warehouse.Count) bool { return c.Source == e.Request.Source && c.Minute == m })
		if i < 0 {
			i = len(b.Counts)
			b.Counts = append(b.Counts, warehouse.Count{Source: e.Request.Source, Minute: m})
		}
		b.Counts[i].Accepted++
		b.Counts[i].Loaded++
		name := warehouse.VolumeName(e.Type, e.Name)
		i = slices.IndexFunc(b.Volumes, func(v warehouse.Volume) bool {
			return v.Source == e.Request.Source && v.Minute == m && v.Type == e.Type && v.Event == name
		})
		if i < 0 {
			i = len(b.Volumes)
			b.Volumes = append(b.Volumes, warehouse.Volume{Source: e.Request.Source, Type: e.Type, Event: name, Minute: m})
		}
		b.Volumes[i].Loaded++
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads++
	b.ID = fmt.Sprint("load-", s.loads)
	s.batches = append(s.batches, b)
	return b
}

// deadLetter is a row of dead_letters.
type deadLetter struct {
	source, reason, detail string
	messageID              string // empty: null
	raw                    []byte
	index                  int32
}

// bury puts dead letters into a batch, and counts them.
func (s *subject) bury(b *warehouse.Batch, letters ...deadLetter) {
	columns := warehouse.DeadLetterColumns()
	builder := array.NewRecordBuilder(s.allocator, event.Schema(columns))
	defer builder.Release()
	for _, d := range letters {
		for i, c := range columns {
			switch f := builder.Field(i).(type) {
			case *array.TimestampBuilder:
				f.Append(arrow.Timestamp(at(noon)))
			case *array.BinaryBuilder:
				f.Append(d.raw)
			case *array.Int32Builder:
				f.Append(d.index)
			case *array.StringBuilder:
				value := map[string]string{
					"source": d.source, "protocol": "segment", "reason": d.reason, "detail": d.detail, "message_id": d.messageID,
					"shard": b.Moves[0].Shard, "position": b.Moves[0].To,
				}[c.Name]
				if value == "" && !c.Required {
					f.AppendNull()
				} else {
					f.Append(value)
				}
			}
		}
		m := event.Minute(at(noon))
		i := slices.IndexFunc(b.Counts, func(c warehouse.Count) bool { return c.Source == d.source && c.Minute == m })
		if i < 0 {
			i = len(b.Counts)
			b.Counts = append(b.Counts, warehouse.Count{Source: d.source, Minute: m})
		}
		b.Counts[i].Accepted++
		b.Counts[i].Dead++
	}
	b.DeadLetters = builder.NewRecordBatch()
}

// full is a batch that has something for every table.
func (s *subject) full(move warehouse.Move, prefix string) *warehouse.Batch {
	events := tracks("web", prefix, "Song Played", 5)
	for i := range events {
		events[i].Properties = []byte(`{"song":"` + prefix + `","seconds":7}`)
		events[i].UserID = "u-" + prefix
	}
	b := s.batch(move, events...)
	s.bury(b, deadLetter{source: "web", reason: "wrong kind", detail: "event: 7", raw: []byte(`{"event":7}`), index: 3})
	b.Identities = []warehouse.Identity{{AnonymousID: "a-" + prefix, UserID: "u-" + prefix, SeenAt: at(noon)}}
	b.Users = []warehouse.User{{UserID: "u-" + prefix, Traits: []byte(`{"plan":"free"}`), FirstSeen: at(noon), SeenAt: at(noon)}}
	b.Sequences = []warehouse.Sequence{{Shard: move.Shard, Collector: "c1", Boot: "b1", Seen: "1-" + move.To, Records: 4, SeenAt: at(noon)}}
	view := warehouse.NewView("event_song_played", event.TypeTrack, "Song Played",
		map[string][]event.PropertyKind{"song": {event.KindString}, "seconds": {event.KindInteger}})
	for name, kind := range map[string]event.PropertyKind{"": event.KindNone, "song": event.KindString, "seconds": event.KindInteger} {
		p := warehouse.Property{Type: event.TypeTrack, Event: "Song Played", Name: name, View: view.Name, SeenAt: at(noon)}
		if kind != event.KindNone {
			p.Kind = kind.String()
		}
		b.Properties = append(b.Properties, p)
	}
	b.Views = []warehouse.View{view}
	return b
}

// load loads batches that must go in, and checks their receipts against their own counts.
func load(ctx context.Context, w warehouse.Warehouse, batches ...*warehouse.Batch) error {
	for _, b := range batches {
		before := time.Now()
		have, err := w.Load(ctx, b)
		if err != nil {
			return fmt.Errorf("loading batch %s: %w", b.ID, err)
		}
		_, loaded, duplicate, dead := warehouse.Totals(b.Counts)
		if have.Loaded != loaded || have.Duplicate != duplicate || have.Dead != dead {
			return fmt.Errorf("the receipt of batch %s: want %d loaded, %d duplicate, %d dead; have %+v", b.ID, loaded, duplicate, dead, have)
		}
		if have.Committed.Before(before.Add(-time.Second)) || have.Committed.After(time.Now().Add(time.Second)) {
			return fmt.Errorf("the receipt of batch %s says %s as the time of the commit", b.ID, have.Committed)
		}
	}
	return nil
}

// ask gives a query's rows, each as its values in text joined by " | ".
func ask(ctx context.Context, w warehouse.Warehouse, query string, args ...any) (lines []string, err error) {
	rows, err := w.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values, dest := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		dest[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, fmt.Errorf("%s: %w", query, err)
		}
		texts := make([]string, len(values))
		for i, v := range values {
			switch v := v.(type) {
			case time.Time:
				texts[i] = v.UTC().Format(time.RFC3339Nano)
			case []byte:
				texts[i] = string(v)
			default:
				texts[i] = fmt.Sprint(v)
			}
		}
		lines = append(lines, strings.Join(texts, " | "))
	}
	return lines, rows.Err()
}

// expect asks and compares.
func expect(ctx context.Context, w warehouse.Warehouse, query string, want ...string) error {
	have, err := ask(ctx, w, query)
	if err != nil {
		return err
	}
	if !slices.Equal(have, want) {
		return fmt.Errorf("%s:\nwant %s\nhave %s", query, shorten(want), shorten(have))
	}
	return nil
}

func shorten(lines []string) string {
	text := strings.Join(lines, "\n     ")
	if len(text) > 2000 {
		return text[:2000] + " …"
	}
	return text
}

// dump gives everything in all tables as text, in an order of its own; but for the times of commits.
func dump(ctx context.Context, w warehouse.Warehouse) (string, error) {
	var b strings.Builder
	for _, t := range warehouse.Tables() {
		var list []string
		for _, c := range t.Columns {
			if c.Name != "moved_at" && c.Name != "loaded_at" {
				list = append(list, "cast("+w.Dialect().Quote(c.Name)+" as varchar)")
			}
		}
		lines, err := ask(ctx, w, "select "+strings.Join(list, ", ")+" from "+t.Name)
		if err != nil {
			return "", err
		}
		slices.Sort(lines)
		fmt.Fprintf(&b, "%s:\n%s\n", t.Name, strings.Join(lines, "\n"))
	}
	return b.String(), nil
}

// unchanged does something and looks whether the warehouse is as before.
func unchanged(ctx context.Context, w warehouse.Warehouse, do func() error) error {
	before, err := dump(ctx, w)
	if err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	after, err := dump(ctx, w)
	if err != nil {
		return err
	}
	return same(before, after)
}

func same(want, have string) error {
	if want == have {
		return nil
	}
	wants, haves := strings.Split(want, "\n"), strings.Split(have, "\n")
	for i := range min(len(wants), len(haves)) {
		if wants[i] != haves[i] {
			return fmt.Errorf("the warehouse has changed:\nwant %.300s\nhave %.300s", wants[i], haves[i])
		}
	}
	return fmt.Errorf("the warehouse has changed: want %d rows; have %d", len(wants), len(haves))
}
