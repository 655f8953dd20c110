package warehousetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

func viewCases() []kase {
	return []kase{
		{"a property is read as its kind", properties},
		{"a property of any name is read", propertyNames},
		{"a view is kept current, and a property whose kind changes loses nothing", views},
		{"views of nasty names", viewNames},
		{"a view is as wide as it may be", wideView},
	}
}

// properties asks for one member of many objects as each kind.
func properties(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	const none = "<nil>"
	list := []struct{ value, text, str, integer, number, boolean, object, array string }{
		{`"a b"`, "a b", "a b", none, none, none, none, none},
		{`""`, "", "", none, none, none, none, none},
		{`"12"`, "12", "12", none, none, none, none, none},
		{`"true"`, "true", "true", none, none, none, none, none},
		{`"null"`, "null", "null", none, none, none, none, none},
		{`12`, "12", none, "12", "12", none, none, none},
		{`-7`, "-7", none, "-7", "-7", none, none, none},
		{`9223372036854775807`, "9223372036854775807", none, "9223372036854775807", "9.223372036854775807e18", none, none, none},
		{`9223372036854775808`, "9223372036854775808", none, none, "9.223372036854775808e18", none, none, none},
		{`2.5`, "2.5", none, none, "2.5", none, none, none},
		{`2.0`, "2.0", none, none, "2", none, none, none},
		{`true`, "true", none, none, none, "true", none, none},
		{`false`, "false", none, none, none, "false", none, none},
		{`null`, none, none, none, none, none, none, none},
		{`{"y":1}`, `{"y":1}`, none, none, none, none, `{"y":1}`, none},
		{`[1,"a"]`, `[1,"a"]`, none, none, none, none, none, `[1,"a"]`},
	}
	var events []event.Event
	for i, c := range list {
		e := track("web", fmt.Sprintf("%02d", i), "Kinds")
		e.Properties = []byte(`{"x":` + c.value + `}`)
		events = append(events, e)
	}
	absent, without := track("web", "98", "Kinds"), track("web", "99", "Kinds")
	absent.Properties = []byte(`{"y":1}`)
	events = append(events, absent, without)
	if err := load(ctx, w, s.batch(warehouse.Move{Shard: "0", To: "1"}, events...)); err != nil {
		return err
	}
	x := func(kind event.PropertyKind) string { return w.Dialect().Property("properties", []string{"x"}, kind) }
	lines, err := ask(ctx, w, fmt.Sprintf("select %s, %s, %s, %s, %s, cast(%s as varchar), cast(%s as varchar) from events order by message_id", x(event.KindNone),
		x(event.KindString), x(event.KindInteger), x(event.KindNumber), x(event.KindBoolean), x(event.KindObject), x(event.KindArray)))
	if err != nil {
		return err
	}
	if len(lines) != len(list)+2 {
		return fmt.Errorf("want %d rows; have %d", len(list)+2, len(lines))
	}
	for i, c := range list {
		want := []string{c.text, c.str, c.integer, c.number, c.boolean, c.object, c.array}
		have := strings.Split(lines[i], " | ")
		if c.number != none {
			if !sameNumber(c.number, have[3]) {
				return fmt.Errorf("%s as a number: want %s; have %s", c.value, c.number, have[3])
			}
			have[3] = c.number
		}
		if !slices.Equal(want, have) {
			return fmt.Errorf("%s: want %q; have %q", c.value, want, have)
		}
	}
	for _, line := range lines[len(list):] {
		if strings.ReplaceAll(line, none, "") != strings.Repeat(" | ", 6) {
			return fmt.Errorf("an absent member: want nothing but nulls; have %s", line)
		}
	}
	return nil
}

func sameNumber(want, have string) bool {
	var a, b float64
	_, errA := fmt.Sscan(want, &a)
	_, errB := fmt.Sscan(have, &b)
	return errA == nil && errB == nil && a == b
}

func propertyNames(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	e := track("web", "1", "Names")
	e.Properties = []byte(objects()["names"])
	if err := load(ctx, w, s.batch(warehouse.Move{Shard: "0", To: "1"}, e)); err != nil {
		return err
	}
	for i, name := range []string{"", "a.b", "a/b", "a~b", "$", "*", "0", "[0]", "it's", `a\b`} {
		query := "select " + w.Dialect().Property("properties", []string{name}, event.KindInteger) + " from events"
		want := fmt.Sprint(i + 1)
		if s.Reachable != nil && !s.Reachable(name) {
			want = "<nil>"
		}
		if err := expect(ctx, w, query, want); err != nil {
			return fmt.Errorf("property %q: %w", name, err)
		}
	}
	for _, name := range []string{"b", "a", "~", "/", "a.b.c", "A.B", " ", "\x00", "'; select 1; --"} {
		query := "select " + w.Dialect().Property("properties", []string{name}, event.KindNone) + " from events"
		if err := expect(ctx, w, query, "<nil>"); err != nil {
			return fmt.Errorf("absent property %q: %w", name, err)
		}
	}
	return nil
}

func views(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	batch := func(from, to, properties string, kinds map[string][]event.PropertyKind) *warehouse.Batch {
		e := track("web", to, "Song Played")
		e.Properties = []byte(properties)
		page := track("web", to+"p", "Song Played")
		page.Type = event.TypePage
		page.Properties = e.Properties
		b := s.batch(warehouse.Move{Shard: "0", From: from, To: to}, e, page)
		if kinds != nil {
			b.Views = []warehouse.View{
				warehouse.NewView("event_song_played", event.TypeTrack, "Song Played", kinds), warehouse.NewView("pages", event.TypePage, "", kinds),
			}
		}
		return b
	}
	integer, number, text := event.KindInteger, event.KindNumber, event.KindString
	if err := load(ctx, w,
		batch("", "1", `{"seconds":7}`, map[string][]event.PropertyKind{"seconds": {integer}}),
		batch("1", "2", `{"seconds":8}`, nil)); err != nil {
		return err
	}
	for _, view := range []string{"event_song_played", "pages"} {
		if err := expect(ctx, w, "select sum(seconds), count(*) from "+view, "15 | 2"); err != nil {
			return err
		}
	}
	if err := load(ctx, w, batch("2", "3", `{"seconds":0.5,"Timestamp":"t","timestamp":"u"}`, map[string][]event.PropertyKind{
		"seconds": {integer, number}, "Timestamp": {text}, "timestamp": {text},
	})); err != nil {
		return err
	}
	for _, view := range []string{"event_song_played", "pages"} {
		err := errors.Join(expect(ctx, w, "select cast(sum(seconds) as varchar), count(*) from "+view, "15.5 | 3"),
			expect(ctx, w, "select timestamp_2, timestamp_3 from "+view+" where timestamp_2 is not null", "t | u"))
		if err != nil {
			return err
		}
	}
	if err := load(ctx, w, batch("3", "4", `{"seconds":"long"}`, map[string][]event.PropertyKind{"seconds": {integer, number, text}})); err != nil {
		return err
	}
	for range 2 {
		for _, view := range []string{"event_song_played", "pages"} {
			if err := expect(ctx, w, "select seconds from "+view+" order by 1", "0.5", "7", "8", "long"); err != nil {
				return err
			}
		}
		if w, err = s.reopen(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

func viewNames(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	step := 0
	for name, text := range texts(w) {
		if len(text) > 1000 || text == "" {
			continue
		}
		step++
		e := track("web", name, text)
		e.Properties = []byte(`{"it's":` + fmt.Sprint(step) + `}`)
		move := warehouse.Move{Shard: "0", To: fmt.Sprint(step)}
		if step > 1 {
			move.From = fmt.Sprint(step - 1)
		}
		b := s.batch(move, e)
		view := warehouse.NewView(fmt.Sprintf("event_%d", step), event.TypeTrack, text, map[string][]event.PropertyKind{"it's": {event.KindInteger}})
		b.Views = []warehouse.View{view}
		if err := load(ctx, w, b); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := expect(ctx, w, "select message_id, it_s from "+view.Name, fmt.Sprintf("%s | %d", name, step)); err != nil {
			return err
		}
	}
	return nil
}

func wideView(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	kinds := map[string][]event.PropertyKind{}
	var members []string
	for i := range warehouse.MaxViewColumns {
		name := fmt.Sprintf("p%03d", i)
		kinds[name] = []event.PropertyKind{event.KindInteger}
		members = append(members, fmt.Sprintf(`"%s":%d`, name, i))
	}
	e := track("web", "1", "Wide")
	e.Properties = []byte("{" + strings.Join(members, ",") + "}")
	b := s.batch(warehouse.Move{Shard: "0", To: "1"}, e)
	b.Views = []warehouse.View{warehouse.NewView("event_wide", event.TypeTrack, "Wide", kinds)}
	if err := load(ctx, w, b); err != nil {
		return err
	}
	return expect(ctx, w, fmt.Sprintf("select p000, p%03d from event_wide", warehouse.MaxViewColumns-1), fmt.Sprintf("0 | %d", warehouse.MaxViewColumns-1))
}
