package simulate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
	"unicode/utf8"
)

// monday is a week's first day, in UTC.
var monday = time.Date(2026, time.March, 2, 0, 0, 0, 0, time.UTC)

func mustGenerate(t testing.TB, c Config) *Generator {
	t.Helper()
	g, err := NewGenerator(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// The bytes of a stream are a promise: whoever has a seed can play it again. A change of this hash is a change for them.
func TestSameSeedSameBytes(t *testing.T) {
	t.Parallel()
	const want = "2436258606fb955f944dfd78e9ac69e9"
	c := Config{Seed: 42, Run: "golden", People: 5_000, From: monday.Add(9 * time.Hour), To: monday.Add(33 * time.Hour)}
	for range 2 {
		g := mustGenerate(t, c)
		sum := sha256.New()
		var e Event
		for g.Next(&e) {
			sum.Write(e.JSON)
			sum.Write([]byte{'\n'})
		}
		if have := hex.EncodeToString(sum.Sum(nil)[:16]); have != want {
			t.Errorf("want %s, have %s", want, have)
		}
	}
}

func TestOtherSeedOtherEvents(t *testing.T) {
	t.Parallel()
	var first [2][]byte
	for i := range first {
		g := mustGenerate(t, Config{Seed: uint64(i), Run: "x", People: 1_000, From: monday})
		var e Event
		g.Next(&e)
		first[i] = bytes.Clone(e.JSON)
	}
	if bytes.Equal(first[0], first[1]) {
		t.Errorf("seeds 0 and 1 both begin with %s", first[0])
	}
}

func TestConfigOfGeneratorPlaysTheSame(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{{Seed: 7, People: 3_000}, {Seed: 7, People: 3_000, Rate: 40}} {
		g := mustGenerate(t, c) // run and from are filled in
		again := mustGenerate(t, g.Config())
		var have, want Event
		for range 2_000 {
			if !g.Next(&want) || !again.Next(&have) || !bytes.Equal(have.JSON, want.JSON) {
				t.Fatalf("want %s, have %s", want.JSON, have.JSON)
			}
		}
	}
}

// call is what the tests read of an event.
type call struct {
	Timestamp   time.Time
	Type        string
	Event       string
	MessageID   string
	UserID      string
	AnonymousID string
	Properties  map[string]any
	Traits      map[string]any
	Context     struct {
		UserAgent, Locale, Timezone string
		IP                          netip.Addr
		Page                        struct{ Path, Referrer, Search, Title, URL string }
		Library                     struct{ Name, Version string }
		Campaign                    map[string]string
		Location                    struct{ Country, City string }
	}
}

func TestEveryEventIsWellFormed(t *testing.T) {
	t.Parallel()
	g := mustGenerate(t, Config{Seed: 3, Run: "form", From: monday.Add(7 * time.Hour)})
	networks := Networks()
	const events = 100_000
	kinds := make(map[string]int)
	names := make(map[string]int)
	values := make(map[string]int)
	libraries := make(map[string]int)
	size, campaigns, v6 := 0, 0, 0
	last := g.Config().From
	var e Event
	for i := range uint64(events) {
		if !g.Next(&e) {
			t.Fatal("a stream without an end has ended")
		}
		if !json.Valid(e.JSON) || !utf8.Valid(e.JSON) || bytes.ContainsAny(e.JSON, "\n\r") {
			t.Fatalf("want one line of JSON, have %q", e.JSON)
		}
		if id := MessageID("form", i); e.Number != i || !bytes.Contains(e.JSON, []byte(`"messageId":"`+id+`"`)) {
			t.Fatalf("want event %d with %s, have %d with %s", i, id, e.Number, e.JSON)
		}
		if e.Time.Before(last) {
			t.Fatalf("event %d: want a time from %v on, have %v", i, last, e.Time)
		}
		last = e.Time
		size += len(e.JSON)
		names[e.Name]++
		kinds[e.Type]++
		if i%10 != 0 && e.Type != "identify" {
			continue // decoding takes most of the time
		}
		var c call
		if err := json.Unmarshal(e.JSON, &c); err != nil {
			t.Fatalf("%v: %s", err, e.JSON)
		}
		if !c.Timestamp.Equal(e.Time) {
			t.Fatalf("want %v, have %v", e.Time, c.Timestamp)
		}
		if c.Type != e.Type || c.Event != e.Name || (c.Event == "") == (c.Type == "track") {
			t.Fatalf("want %s %q, have %s %q", e.Type, e.Name, c.Type, c.Event)
		}
		if c.UserID == "" && c.AnonymousID == "" {
			t.Fatalf("nobody did %s", e.JSON)
		}
		if c.Context.IP.IsValid() {
			i := slices.IndexFunc(networks, func(n Network) bool { return n.Prefix.Contains(c.Context.IP) })
			place := c.Context.Location
			if i < 0 || networks[i].Country != place.Country || place.City != "" && networks[i].City != place.City || networks[i].TimeZone != c.Context.Timezone {
				t.Fatalf("want the network of the place, have %v in %v, %s", c.Context.IP, place, c.Context.Timezone)
			}
			if c.Context.IP.Is6() {
				v6++
			}
		}
		if e.Browser != (c.Context.Page.URL != "") {
			t.Fatalf("want a page of a browser's call only, have browser %v in %s", e.Browser, e.JSON)
		}
		campaigns += min(len(c.Context.Campaign), 1)
		libraries[c.Context.Library.Name]++
		for _, value := range c.Properties {
			values[fmt.Sprintf("%T", value)]++
		}
	}
	if mean := size / events; mean < 500 || mean > 750 {
		t.Errorf("want 500 to 750 bytes an event, have %d", mean)
	}
	for _, kind := range []string{"track", "page", "screen", "identify", "group"} {
		if kinds[kind] == 0 {
			t.Errorf("want %s calls, have %v", kind, kinds)
		}
	}
	delete(names, "")
	for _, name := range []string{"App Started", "Page Viewed", "Search Used", "Password Changed"} {
		if names[name] == 0 {
			t.Errorf("want %s, have %v", name, names)
		}
	}
	if len(names) < 29 {
		t.Errorf("want at least 29 names of events, have %d: %v", len(names), names)
	}
	for _, kind := range []string{"string", "float64", "bool", "[]interface {}", "map[string]interface {}", "<nil>"} {
		if values[kind] == 0 {
			t.Errorf("want properties that are %s, have %v", kind, values)
		}
	}
	if len(libraries) != 4 {
		t.Errorf("want four SDKs, have %v", libraries)
	}
	if campaigns == 0 || v6 == 0 {
		t.Errorf("want campaigns and IPv6, have %d and %d", campaigns, v6)
	}
}

func TestSpanIsHonoured(t *testing.T) {
	t.Parallel()
	from, to := monday.Add(10*time.Hour), monday.Add(34*time.Hour)
	g := mustGenerate(t, Config{Seed: 1, People: 2_000, From: from, To: to})
	if v := g.queue.first(); v == nil || v.at < from.UnixMilli() {
		t.Error("a new generator has not played what came before its first event")
	}
	var e Event
	var first, last time.Time
	for g.Next(&e) {
		if first.IsZero() {
			first = e.Time
		}
		last = e.Time
	}
	if first.Before(from) || first.Sub(from) > 10*time.Minute {
		t.Errorf("want a first event soon after %v, have %v", from, first)
	}
	if !last.Before(to) || to.Sub(last) > 10*time.Minute {
		t.Errorf("want a last event shortly before %v, have %v", to, last)
	}
	if g.Next(&e) {
		t.Error("the stream goes on after its end")
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{
		{Run: "Has Space"}, {Run: "has-dash"}, {People: -1}, {PerPersonDay: -1}, {Rate: -1}, {Rate: 1e12}, {Growth: 11},
		{From: monday, To: monday}, {From: time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if _, err := NewGenerator(c); err == nil {
			t.Errorf("want an error for %+v", c)
		}
	}
}

func TestRunsAreTheirOwn(t *testing.T) {
	t.Parallel()
	if a, b := NewRun(), NewRun(); a == b || checkRun(a) != nil {
		t.Errorf("want two good names, have %q and %q", a, b)
	}
}

func BenchmarkNext(b *testing.B) {
	g := mustGenerate(b, Config{Seed: 1, Run: "bench", From: monday})
	var e Event
	bytes := 0
	b.ReportAllocs()
	for b.Loop() {
		g.Next(&e)
		bytes += len(e.JSON)
	}
	b.SetBytes(int64(bytes / b.N))
}

// BenchmarkSkip is what Verify pays to know an event again.
func BenchmarkSkip(b *testing.B) {
	g := mustGenerate(b, Config{Seed: 1, Run: "bench", From: monday})
	var e Event
	b.ReportAllocs()
	for b.Loop() {
		g.skip(&e)
	}
}

func BenchmarkNewGenerator(b *testing.B) {
	for b.Loop() {
		mustGenerate(b, Config{Seed: 1, Run: "bench", From: monday})
	}
}
