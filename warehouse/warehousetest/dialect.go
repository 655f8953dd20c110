package warehousetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

func dialectCases() []kase {
	return []kase{
		{"a member deep in an object is read", nestedProperties},
		{"a moment is microseconds", micros},
		{"a pattern matches as it is spelled", patterns},
		{"texts are ordered by their bytes", bytewise},
	}
}

func nestedProperties(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	e := track("web", "1", "Nested")
	e.Properties = []byte(`{"a":{"b":{"c":7,"0":"zero","x.y":true,"it's":null},"list":[{"c":1},2]},"0":{"0":5},"a.b":{"c":9},"text":"{\"c\":1}"}`)
	if err := load(ctx, w, s.batch(warehouse.Move{Shard: "0", To: "1"}, e)); err != nil {
		return err
	}
	for _, c := range []struct {
		path string // names with / between them
		kind event.PropertyKind
		want string
	}{
		{"a/b/c", event.KindInteger, "7"}, {"a/b/c", event.KindNone, "7"}, {"a/b/c", event.KindString, "<nil>"}, {"a/b/0", event.KindString, "zero"},
		{"a/b/x.y", event.KindBoolean, "true"}, {"a/b/it's", event.KindNone, "<nil>"}, {"0/0", event.KindNumber, "5"}, {"a.b/c", event.KindInteger, "9"},
		{"a/b/c/d", event.KindNone, "<nil>"}, {"a/x/c", event.KindNone, "<nil>"}, {"text/c", event.KindNone, "<nil>"},
		// A way leads through objects only.
		{"a/list/1", event.KindNone, "<nil>"}, {"a/list/1", event.KindInteger, "<nil>"}, {"a/list/0/c", event.KindNone, "<nil>"}, {"a/list/c", event.KindNone, "<nil>"},
	} {
		if err := expect(ctx, w, "select "+w.Dialect().Property("properties", strings.Split(c.path, "/"), c.kind)+" from events", c.want); err != nil {
			return fmt.Errorf("%s as %s: %w", c.path, c.kind, err)
		}
	}
	return nil
}

func micros(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	times := []time.Time{
		time.UnixMicro(0), time.UnixMicro(1), time.UnixMicro(999_999), noon, noon.Add(time.Microsecond), noon.Add(999_999 * time.Microsecond),
		time.Date(2100, 2, 28, 23, 59, 59, 999_999_000, time.UTC), time.Date(2016, 12, 31, 23, 59, 59, 1000, time.UTC),
	}
	var events []event.Event
	var want []string
	for i, t := range times {
		e := track("web", fmt.Sprintf("%02d", i), "When")
		e.Timestamp = at(t)
		events = append(events, e)
		want = append(want, fmt.Sprint(t.UnixMicro()))
	}
	if err := load(ctx, w, s.batch(warehouse.Move{Shard: "0", To: "1"}, events...)); err != nil {
		return err
	}
	return expect(ctx, w, "select "+w.Dialect().Micros(`"timestamp"`)+" from events order by message_id", want...)
}

// patterns asks with every construct that the contract names, bound as a value.
func patterns(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	texts := []string{"abc", "ABC", "a\nb", "a.b*c", "über", "aaa", "-", "]", `a\b`, "Ü"}
	var events []event.Event
	for i, text := range texts {
		e := track("web", fmt.Sprintf("%02d", i), "Text")
		e.Category = text
		events = append(events, e)
	}
	if err := load(ctx, w, s.batch(warehouse.Move{Shard: "0", To: "1"}, events...)); err != nil {
		return err
	}
	for _, c := range []struct {
		pattern string
		want    []string
	}{
		{"b", []string{"abc", "a\nb", "a.b*c", "über", `a\b`}}, {"^[aA][bB]", []string{"abc", "ABC"}}, {`a\.b\*c`, []string{"a.b*c"}}, {"^a[^\n]*$", []string{"abc", "a.b*c", "aaa", `a\b`}},
		{"^a(.|\n)b$", []string{"a\nb", `a\b`}}, {"^(a){3}$", []string{"aaa"}}, {"^(a){2,}", []string{"aaa"}}, {"^(abc|über)$", []string{"abc", "über"}}, {"^[Üü]", []string{"über", "Ü"}},
		{`^(\-|\])$`, []string{"-", "]"}}, {`\\`, []string{`a\b`}}, {"^.$", []string{"-", "]", "Ü"}}, {"()", texts}, {"(bc)?$", texts}, {"x", nil},
	} {
		have, err := ask(ctx, w, "select category from events where "+w.Dialect().Matches("category", "?")+" order by message_id", c.pattern)
		if err != nil {
			return fmt.Errorf("%q: %w", c.pattern, err)
		}
		if !slices.Equal(have, c.want) {
			return fmt.Errorf("%q: want %q; have %q", c.pattern, c.want, have)
		}
	}
	return nil
}

func bytewise(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	want := []string{"", " a", "-", "10", "9", "B", "a", "ab", "b", "Ü", "ü"}
	var events []event.Event
	for i, text := range want {
		e := track("web", fmt.Sprint(i), "Text")
		e.Properties = fmt.Appendf(nil, `{"x":%q}`, text)
		events = append(events, e)
	}
	slices.Reverse(events)
	if err := load(ctx, w, s.batch(warehouse.Move{Shard: "0", To: "1"}, events...)); err != nil {
		return err
	}
	d := w.Dialect()
	x := d.Property("properties", []string{"x"}, event.KindString)
	if err := expect(ctx, w, fmt.Sprintf("select %s from events order by %s", x, d.Bytewise(x)), want...); err != nil {
		return err
	}
	return expect(ctx, w, fmt.Sprintf("select count(*) from events where %s < 'a'", d.Bytewise(x)), "6")
}
