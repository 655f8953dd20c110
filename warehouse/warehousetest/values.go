package warehousetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
	"github.com/spoorhq/spoor/warehouse"
)

func valueCases() []kase {
	return []kase{
		{"every column keeps its values and its nulls", everyColumn},
		{"nasty texts come back to the byte", nastyTexts},
		{"nasty JSON comes back as it was and poisons no query", nastyJSON},
		{"nasty bytes come back", nastyBytes},
		{"times of every year that is read come back", nastyTimes},
		{"nasty names of streams, shards and people come back", nastyNames},
	}
}

// everyColumn fills each column of events with a value of its own, or leaves it null where it may be.
func everyColumn(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	columns := event.Columns()
	builder := array.NewRecordBuilder(s.allocator, event.Schema(columns))
	defer builder.Release()
	want := make([][]any, 3)
	for row := range want {
		for i, c := range columns {
			null := row == 1 && !c.Required
			var value any
			switch f := builder.Field(i).(type) {
			case *array.StringBuilder:
				text := fmt.Sprintf("%s %d", c.Name, row)
				if c.Kind == event.JSON {
					text = fmt.Sprintf(`{"%s":%d}`, c.Name, row)
				}
				if value = text; !null {
					f.Append(text)
				}
			case *array.TimestampBuilder:
				t := noon.Add(time.Duration(i)*time.Hour + time.Duration(row)*time.Microsecond)
				if value = t; !null {
					f.Append(arrow.Timestamp(at(t)))
				}
			case *array.BooleanBuilder:
				if value = row != 0; !null {
					f.Append(row != 0)
				}
			case *array.Int32Builder:
				if value = int64(1000*row + i - 500); !null {
					f.Append(int32(1000*row + i - 500))
				}
			default:
				return fmt.Errorf("the suite does not know how to fill column %s", c.Name)
			}
			if null {
				builder.Field(i).AppendNull()
				value = nil
			}
			want[row] = append(want[row], value)
		}
	}
	b := s.batch(warehouse.Move{Shard: "0", To: "1"})
	b.Events = builder.NewRecordBatch()
	b.Counts = []warehouse.Count{{Source: "source", Minute: event.Minute(at(noon)), Accepted: 3, Loaded: 3}}
	if err := load(ctx, w, b); err != nil {
		return err
	}
	var list []string
	for _, c := range columns {
		if c.Kind == event.JSON {
			list = append(list, "cast("+w.Dialect().Quote(c.Name)+" as varchar)")
		} else {
			list = append(list, w.Dialect().Quote(c.Name))
		}
	}
	rows, err := w.Query(ctx, "select "+strings.Join(list, ", ")+" from events order by message_id")
	if err != nil {
		return err
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		have, dest := make([]any, len(columns)), make([]any, len(columns))
		for i := range have {
			dest[i] = &have[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		for i, c := range columns {
			if !equal(want[n][i], have[i]) {
				return fmt.Errorf("column %s, row %d: want %v; have %v (%T)", c.Name, n, want[n][i], have[i], have[i])
			}
		}
	}
	if n != len(want) {
		return fmt.Errorf("want %d rows; have %d", len(want), n)
	}
	return errors.Join(rows.Err(), rows.Close())
}

// equal compares a value that went in with what a driver's Scan gives for it.
func equal(want, have any) bool {
	switch want := want.(type) {
	case time.Time:
		t, ok := have.(time.Time)
		return ok && t.Equal(want)
	case int64:
		v := reflect.ValueOf(have)
		return v.CanInt() && v.Int() == want
	default:
		return want == have
	}
}

// texts gives those that are within the warehouse's limits.
func texts(w warehouse.Warehouse) map[string]string {
	all := allTexts()
	maps.DeleteFunc(all, func(_, text string) bool { return !limits(w).HoldsText(text) })
	return all
}

func limits(w warehouse.Warehouse) warehouse.Limits {
	if limited, ok := w.(warehouse.Limited); ok {
		return limited.Limits()
	}
	return warehouse.Limits{}
}

func allTexts() map[string]string {
	return map[string]string{
		"empty": "", "space": " ", "quotes": `it's "quoted" \ and \n not`, "sql": "'); drop table events; --", "newlines": "a\nb\r\n\tc", "nul": "a\x00b\x00",
		"control": "\x01\x02\x1f\x7f", "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈", "combining": "e\u0301 é", "rtl": "שלום \u202eabc", "bom": "\ufeffx", "replacement": "\ufffd", "noncharacter": "\uffff \U0010ffff",
		"percent": "%s %_ %%", "question": "? $1 :x @x", "csv": `a,"b",c|d` + "\t", "null": "null", "NULL": `\N`, "long": strings.Repeat("0123456789abcde ", 1<<16), "wide": strings.Repeat("é😀", 100_000),
		"12 bytes": "exactly12byt", "13 bytes": "exactly13byte",
	}
}

func nastyTexts(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	var events []event.Event
	for id, text := range texts(w) {
		e := track("web", id, text)
		e.Page.Title, e.UserAgent = text, text+"!"
		events = append(events, e)
	}
	if err := load(ctx, w, s.batch(warehouse.Move{Shard: "0", To: "1"}, events...)); err != nil {
		return err
	}
	for range 2 {
		for id, text := range texts(w) {
			rows, err := w.Query(ctx, "select page_title, user_agent from events where message_id = ? and user_agent = ?", id, text+"!")
			if err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
			have, agent, n := new(string), "", 0
			for rows.Next() {
				n++
				if err := rows.Scan(&have, &agent); err != nil {
					return errors.Join(fmt.Errorf("%s: %w", id, err), rows.Close())
				}
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
			switch {
			case n != 1:
				return fmt.Errorf("%s: want 1 row by its text; have %d", id, n)
			case text == "" && have == nil: // the empty text stands for an absent one
			case have == nil || *have != text:
				return fmt.Errorf("%s: want %.100q; have %.100v", id, text, have)
			}
		}
		if w, err = s.reopen(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// objects are JSON objects as clients send them; the loader cleans them before they get here, as jsonscan does.
func objects() map[string]string {
	var keys []string
	for i := range 5000 {
		keys = append(keys, fmt.Sprintf(`"key %d":%d`, i, i))
	}
	return map[string]string{
		"plain": `{"x":1,"y":"z"}`, "empty": `{}`, "null": `{"x":null}`, "order": `{"z":1,"a":2,"m":3}`, "nested": `{"x":{"y":[1,{"z":[]}]}}`,
		"numbers":      `{"max":9223372036854775807,"over":9223372036854775808,"min":-9223372036854775808,"under":-9223372036854775809,"u64":18446744073709551615,"big":123456789012345678901234567890}`,
		"fractions":    `{"x":0.1,"y":1e400,"z":-0.0,"w":1E-400,"long":0.1000000000000000055511151231257827}`,
		"not a number": `{"x":NaN,"y":Infinity,"z":-Infinity}`,
		"surrogates":   `{"x":"\ud800","y":"a\udc00b","z":"\ud83d\ude00"}`,
		"escapes":      `{"x":"\u0000 \u0001 \/ \\ \" \b\f\n\r\t \u00e9","\u0000":1,"a\"b":2}`,
		"raw control":  "{\"x\":\"a\x00b\x01c\nd\"}", "bad utf-8": "{\"x\":\"a\xffb\"}",
		"unicode": `{"ключ":"значение","😀":"🏳️‍🌈"}`, "names": `{"":1,"a.b":2,"a/b":3,"a~b":4,"$":5,"*":6,"0":7,"[0]":8,"it's":9,"a\\b":10}`,
		"duplicate keys": `{"x":1,"x":2}`, "deep": `{"x":` + strings.Repeat(`[`, event.MaxDepth-1) + strings.Repeat(`]`, event.MaxDepth-1) + `}`,
		"deep objects": `{"x":` + strings.Repeat(`{"x":`, event.MaxDepth-2) + "1" + strings.Repeat(`}`, event.MaxDepth-2) + `}`,
		"5000 keys":    `{` + strings.Join(keys, ",") + `}`, "1 MB": `{"x":"` + strings.Repeat("y", 1<<20) + `"}`, "sql": `{"x":"'); drop table events; --"}`,
	}
}

func nastyJSON(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	clean := map[string]string{}
	var events []event.Event
	for id, object := range objects() {
		cleaned := jsonscan.AppendClean(nil, []byte(object))
		if !limits(w).Holds(cleaned) {
			continue
		}
		clean[id] = string(cleaned)
		e := track("web", id, "Nasty")
		e.Properties, e.Traits, e.Context, e.Extra = []byte(clean[id]), []byte(`{"t":"`+id+`"}`), []byte(clean[id]), []byte(clean[id])
		events = append(events, e)
	}
	if err := load(ctx, w, s.batch(warehouse.Move{Shard: "0", To: "1"}, events...)); err != nil {
		return err
	}
	for range 2 {
		lines, err := ask(ctx, w, "select count(*), count(distinct cast(properties as varchar)) from events")
		if err != nil {
			return err
		}
		if want := fmt.Sprintf("%d | %d", len(clean), len(clean)); lines[0] != want {
			return fmt.Errorf("want %s rows and values; have %s", want, lines[0])
		}
		for id, object := range clean {
			for _, column := range []string{"properties", "context", "extra"} {
				lines, err := ask(ctx, w, "select cast("+column+" as varchar) from events where message_id = ?", id)
				if err != nil {
					return err
				}
				if len(lines) != 1 || !sameJSON(object, lines[0]) {
					return fmt.Errorf("%s, %s: want %.300s; have %.300q", column, id, object, lines)
				}
			}
		}
		// A query over the members of all rows meets every value.
		for _, kind := range []event.PropertyKind{event.KindNone, event.KindString, event.KindInteger, event.KindNumber, event.KindBoolean, event.KindObject, event.KindArray} {
			x := w.Dialect().Property("properties", []string{"x"}, kind)
			if _, err := ask(ctx, w, "select count("+x+"), min(cast("+x+" as varchar)) from events"); err != nil {
				return fmt.Errorf("property x as %v of all rows: %w", kind, err)
			}
		}
		if w, err = s.reopen(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// sameJSON compares two JSON texts: numbers to the digit, whatever the space between.
func sameJSON(want, have string) bool {
	if want == have {
		return true
	}
	values := make([]any, 2)
	for i, text := range []string{want, have} {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		if err := decoder.Decode(&values[i]); err != nil {
			return false
		}
	}
	return reflect.DeepEqual(values[0], values[1])
}

func nastyBytes(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	raws := [][]byte{{}, {0}, every, []byte("\xff\xfe\xed\xa0\x80"), bytes.Repeat(every, 4096), []byte(`\x41`)}
	var letters []deadLetter
	for i, raw := range raws {
		letters = append(letters, deadLetter{source: "web", reason: "not json", detail: "it's \x00", raw: raw, index: int32(i)})
	}
	b := s.batch(warehouse.Move{Shard: "0", To: "1"})
	s.bury(b, letters...)
	if err := load(ctx, w, b); err != nil {
		return err
	}
	rows, err := w.Query(ctx, `select raw, detail from dead_letters order by "index"`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for i, want := range raws {
		if !rows.Next() {
			return fmt.Errorf("want %d dead letters; have %d: %w", len(raws), i, rows.Err())
		}
		var have []byte
		var detail string
		if err := rows.Scan(&have, &detail); err != nil {
			return err
		}
		if !bytes.Equal(have, want) || detail != "it's \x00" {
			return fmt.Errorf("bytes %d: want %.80q; have %.80q (%q)", i, want, have, detail)
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

func nastyTimes(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	times := []time.Time{
		time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(0, 12, 31, 23, 59, 59, 999999000, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(1582, 10, 4, 12, 0, 0, 1000, time.UTC), time.Date(1582, 10, 15, 12, 0, 0, 0, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Unix(0, 0).UTC(), time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC), time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
	}
	var events []event.Event
	for i, t := range times {
		e := track("web", fmt.Sprintf("%02d", i), "Time")
		e.OriginalTimestamp = at(t)
		events = append(events, e)
	}
	if err := load(ctx, w, s.batch(warehouse.Move{Shard: "0", To: "1"}, events...)); err != nil {
		return err
	}
	for i, t := range times {
		rows, err := w.Query(ctx, "select original_timestamp from events where message_id = ? and original_timestamp = ?", fmt.Sprintf("%02d", i), t)
		if err != nil {
			return err
		}
		var have time.Time
		for rows.Next() {
			if err := rows.Scan(&have); err != nil {
				return errors.Join(err, rows.Close())
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		if !have.Equal(t) {
			return fmt.Errorf("want %s; have %s", t, have)
		}
	}
	return expect(ctx, w, "select count(*) from events where sent_at is null", fmt.Sprint(len(times)))
}

func nastyNames(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	i := 0
	for name, text := range texts(w) {
		if len(text) > 1000 || text == "" {
			continue
		}
		b := s.people(1, []warehouse.Identity{{AnonymousID: text, UserID: text, SeenAt: at(noon)}},
			[]warehouse.User{{UserID: text, Traits: []byte(`{"name":"` + name + `"}`), FirstSeen: at(noon), SeenAt: at(noon)}})
		b.Stream, b.Moves = text, []warehouse.Move{{Shard: text, To: text}}
		b.Counts = []warehouse.Count{{Source: text, Minute: 1, Accepted: 1, Loaded: 1}}
		again := s.people(1, b.Identities, b.Users)
		again.Stream, again.Moves, again.Counts = text, []warehouse.Move{{Shard: text, From: text, To: text + "2"}}, b.Counts
		if err := load(ctx, w, b, again); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		have, err := w.Positions(ctx, text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if len(have) != 1 || have[text] != text+"2" {
			return fmt.Errorf("%s: want the position %q; have %q", name, text+"2", have)
		}
		lines, err := ask(ctx, w, "select cast(traits as varchar), accepted from users join ledger on ledger.source = users.user_id where user_id = ?", text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if want := `{"name":"` + name + `"} | 2`; len(lines) != 1 || lines[0] != want {
			return fmt.Errorf("%s: want %s; have %q", name, want, lines)
		}
		i++
	}
	return expect(ctx, w, "select (select count(*) from users), (select count(*) from identities)", fmt.Sprintf("%d | %d", i, i))
}
