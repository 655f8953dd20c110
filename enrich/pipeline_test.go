package enrich

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
)

// noon is when the events of the tests are received.
const noon = "2026-11-23T12:00:00Z"

func instant(t testing.TB, s string) event.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return event.TimeOf(at)
}

// read parses an event as the loader does, received at noon where the request does not say.
func read(t testing.TB, request event.Request, text string) *event.Event {
	t.Helper()
	if request.ReceivedAt == 0 {
		request.ReceivedAt = instant(t, noon)
	}
	v, _, err := jsonscan.Scan([]byte(text), event.MaxDepth)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	e := &event.Event{}
	if verdict := new(event.Parser).Parse(v, &request, e); !verdict.OK() {
		t.Fatalf("%s: %s", text, verdict.Detail)
	}
	return e
}

func open(t testing.TB, o Options) *Pipeline {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// row is what of an event is loaded: its exported fields and its marks.
func row(e *event.Event) string {
	var b strings.Builder
	v := reflect.ValueOf(*e)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || f.Name == "Request" {
			continue
		}
		if text, ok := reflect.TypeAssert[[]byte](v.Field(i)); ok {
			fmt.Fprintf(&b, "%s %s\n", f.Name, text)
			continue
		}
		fmt.Fprintf(&b, "%s %+v\n", f.Name, v.Field(i).Interface())
	}
	return b.String() + e.Marks()
}

const browserEvent = `{"type":"track","event":"Signed Up","messageId":"m1","anonymousId":"a1","originalTimestamp":"2026-11-23T10:00:00Z","sentAt":"2026-11-23T10:00:05Z",
	"context":{"library":{"name":"analytics.js"},"ip":"203.0.113.77","page":{"url":"https://Shop.example.com/a%20b?utm_source=news%20letter&utm_medium=email#top","referrer":"https://www.google.de/"}}}`

func TestApply(t *testing.T) {
	t.Parallel()
	p := open(t, Options{})
	request := event.Request{Source: "web", IP: "203.0.113.9", UserAgent: agents[0].ua}
	e := read(t, request, browserEvent)
	p.Apply(e)

	if want := (event.Page{URL: "https://Shop.example.com/a%20b?utm_source=news%20letter&utm_medium=email#top", Host: "shop.example.com", Path: "/a%20b",
		Search: "?utm_source=news%20letter&utm_medium=email", Referrer: "https://www.google.de/"}); e.Page != want {
		t.Errorf("want %+v\nhave %+v", want, e.Page)
	}
	if want := (event.Campaign{Source: "news letter", Medium: "email"}); e.Campaign != want {
		t.Errorf("want %+v; have %+v", want, e.Campaign)
	}
	if want := (event.Referrer{Host: "www.google.de", Kind: "search", Name: "Google"}); e.Referrer != want {
		t.Errorf("want %+v; have %+v", want, e.Referrer)
	}
	if want := instant(t, "2026-11-23T11:59:55Z"); e.Timestamp != want {
		t.Errorf("want %v; have %v", event.GoTime(want), event.GoTime(e.Timestamp))
	}
	if e.Browser.Name != "Chrome" || e.OS.Name != "Windows" || e.Device.Type != "desktop" || e.IsBot {
		t.Errorf("have %+v %+v %+v %v", e.Browser, e.OS, e.Device, e.IsBot)
	}
	e.Raw = nil // what the client sent is not loaded
	first := row(e)
	if e.IP != "203.0.113.0" || !strings.Contains(string(e.Context), `"ip":"203.0.113.0"`) || strings.Contains(first, "203.0.113.77") {
		t.Errorf("want the address truncated wherever it stands; have %s", first)
	}
	if len(e.SessionID) != 17 {
		t.Errorf("have session %q", e.SessionID)
	}

	t.Run("idempotent", func(t *testing.T) {
		p.Apply(e)
		if have := row(e); have != first {
			t.Errorf("want %s\nhave %s", first, have)
		}
	})
	t.Run("pure", func(t *testing.T) {
		for _, other := range []*Pipeline{p, open(t, Options{})} {
			again := read(t, request, browserEvent)
			other.Apply(again)
			again.Raw = nil
			if have := row(again); have != first {
				t.Errorf("want %s\nhave %s", first, have)
			}
		}
	})
	t.Run("reset", func(t *testing.T) {
		if len(p.memory.b) == 0 {
			t.Error("want memory in use")
		}
		used := cap(p.memory.b)
		p.Reset()
		if len(p.memory.b) != 0 || cap(p.memory.b) != used {
			t.Errorf("want the memory empty and kept; have %d of %d bytes", len(p.memory.b), cap(p.memory.b))
		}
		p.memory.b = make([]byte, 0, maxArena+1)
		p.Reset()
		if cap(p.memory.b) != 0 {
			t.Error("want the memory that one huge record needed given back")
		}
	})
}

func TestFailingSteps(t *testing.T) {
	t.Parallel()
	trace := ""
	note := func(name string, fail func() error) step {
		return step{name, func(*event.Event) error { trace += name + " "; return fail() }}
	}
	var nothing *event.Event
	p := newPipeline(&arena{}, newSessions(1e6, 1), &addresses{}, []step{
		note("panics", func() error { return errors.New(nothing.Type) }),
		note("works", func() error { return nil }),
		note("fails", func() error { return fmt.Errorf("no such luck, %d", len(trace)) }),
		note("ends", func() error { panic("at last") }),
	})
	e := read(t, event.Request{}, `{"type":"page","userId":"u1","messageId":"m1"}`)
	for range 2 {
		p.Apply(e)
	}
	if want := "panics works fails ends panics works fails ends "; trace != want {
		t.Errorf("want %s; have %s", want, trace)
	}
	if want := "panics:failed,fails:failed,ends:failed"; e.Marks() != want {
		t.Errorf("want %s; have %s", want, e.Marks())
	}
	stats := p.Stats()
	for i, want := range []struct {
		failed uint64
		first  string
	}{{2, "nil pointer"}, {0, "<nil>"}, {2, fmt.Sprint("no such luck, ", len("panics works fails "))}, {2, "panic: at last\n"}} {
		s := stats.Steps[i]
		if s.Failed != want.failed {
			t.Errorf("%s: want %d failed; have %d", s.Step, want.failed, s.Failed)
		}
		if first := fmt.Sprint(s.First); !strings.Contains(first, want.first) {
			t.Errorf("%s: want %q in %q", s.Step, want.first, first)
		}
	}
	if first := stats.Steps[3].First.Error(); !strings.Contains(first, "pipeline_test.go") {
		t.Errorf("want the stack in %q", first)
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	p := open(t, Options{SessionPeople: 8})
	for i := range 2*sampleEvery + 1 {
		p.Apply(read(t, event.Request{}, fmt.Sprintf(`{"type":"page","userId":"u%d"}`, i%9)))
	}
	stats := p.Stats()
	if stats.Sampled != 3 || stats.People != 8 || stats.Evicted == 0 {
		t.Errorf("want 3 sampled, 8 people and some evicted; have %+v", stats)
	}
	spent := time.Duration(0)
	for _, s := range stats.Steps {
		spent += s.Time
		if s.Failed != 0 || s.First != nil {
			t.Errorf("%s failed: %v", s.Step, s.First)
		}
	}
	if spent <= 0 {
		t.Error("want the sampled events timed")
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		o    Options
		want string
	}{
		{Options{SessionGap: time.Millisecond}, "session gap must be between 1s and a year; got 1ms"},
		{Options{SessionGap: -time.Hour}, "session gap must be between 1s and a year; got -1h0m0s"},
		{Options{SessionPeople: -1}, "session people must be between 1 and 1000000000; got -1"},
		{Options{IP: "hash"}, `ip must be truncate, drop or keep; got "hash"`},
		{Options{GeoFile: "no/such.mmdb"}, "geo file no/such.mmdb: "},
	} {
		if _, err := New(test.o); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("want %s; have %v", test.want, err)
		}
	}
}

// TestDocs holds docs/enrichment.md to the steps that there are, in their order, and to their marks.
func TestDocs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/enrichment.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented, steps []string
	for _, heading := range regexp.MustCompile(`(?m)^## \d+\. (\w+)`).FindAllSubmatch(text, -1) {
		documented = append(documented, string(heading[1]))
	}
	for _, s := range open(t, Options{}).Stats().Steps {
		steps = append(steps, s.Step)
	}
	if !slices.Equal(documented, steps) {
		t.Errorf("want the headings %v; have %v", steps, documented)
	}

	var marks []string
	sources, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range sources {
		if strings.HasSuffix(f.Name(), "_test.go") || !strings.HasSuffix(f.Name(), ".go") {
			continue
		}
		source, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`mark\(e, "([^"]+)"\)`).FindAllSubmatch(source, -1) {
			marks = append(marks, string(m[1]))
		}
	}
	if len(marks) != 3 {
		t.Errorf("want 3 marks found in the sources; have %v", marks)
	}
	for _, m := range marks {
		if !strings.Contains(string(text), "`"+m+"`") {
			t.Errorf("the mark %s is not documented", m)
		}
	}
	for _, policy := range []IPPolicy{TruncateIP, DropIP, KeepIP} {
		if !strings.Contains(string(text), "`"+string(policy)+"`") {
			t.Errorf("the ip policy %s is not documented", policy)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	mix := newMix(t, 2000, 200, 500, 1000)
	p := open(t, Options{GeoFile: geoFile(t, city)})
	e := new(event.Event)
	run := func() {
		p.Reset()
		for i := range mix {
			*e = mix[i]
			p.Apply(e)
		}
	}
	run()
	run()
	if have := testing.AllocsPerRun(5, run); have != 0 {
		t.Errorf("want no allocation for %d events; have %v", len(mix), have)
	}
	if stats := p.Stats(); stats.People == 0 {
		t.Errorf("want people; have %+v", stats)
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	computed := 0
	c := newCache(10, 8, func(key string) string { computed++; return key })
	passing := make([]byte, 8)
	for i := range 1000 {
		copy(passing, fmt.Sprintf("%08d", i))
		if want, have := fmt.Sprintf("%08d", i), *c.get(view(passing)); have != want {
			t.Fatalf("want %s; have %s", want, have)
		}
		if n := len(c.young) + len(c.old); n > 20 {
			t.Fatalf("want 20 entries at most; have %d", n)
		}
		// Asked for again and again, the first stays.
		c.get("00000000")
	}
	if computed != 1000 {
		t.Errorf("want each computed once; have %d", computed)
	}
	if have := *c.get("1234567é"); have != "1234567" {
		t.Errorf("want a key cut between characters; have %q", have)
	}
}
