package collect

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/stream"
)

// TestBadEventsAreKept: an event that cannot be loaded is named in the answer and kept with the others, as it came.
func TestBadEventsAreKept(t *testing.T) {
	t.Parallel()
	r := &road{}
	c := start(t, r, nil)
	texts := []string{good("a"), `{"type":"track","userId":"u","messageId":"é\"\u0001"}`, `{"x":`, `[]`, good("b"), strings.Repeat("y", event.MaxEventBytes+1)}
	have := post(t, c, strings.Join(texts, "\n"))
	if have.status != http.StatusOK || !have.Success || have.Accepted != 2 {
		t.Errorf("want 200 and two accepted, have %+v", have)
	}
	want := `[{1 é"` + "\x01" + ` missing_event} {2  invalid_json} {3  not_an_object} {5  event_too_large}]`
	var list []string
	for _, rejected := range have.Rejected {
		list = append(list, fmt.Sprintf("{%d %s %s}", rejected.Index, rejected.MessageID, rejected.Reason))
		if rejected.Detail == "" {
			t.Errorf("want a detail of %+v", rejected)
		}
	}
	if "["+strings.Join(list, " ")+"]" != want {
		t.Errorf("want %s, have %s", want, list)
	}
	headers, events := r.kept(t)
	if !slices.Equal(events, texts) || len(headers) != 1 || headers[0].Events != 6 || headers[0].Accepted[0].Events != 6 {
		t.Errorf("want all six kept and counted, have %q in %+v", events, headers)
	}
	have = post(t, c, good(strings.Repeat("m", 20_000)))
	if len(have.Rejected) != 1 || have.Rejected[0].MessageID != strings.Repeat("m", event.MaxMessageIDBytes) {
		t.Errorf("want a messageId that is too long cut in the answer, have %d bytes", len(have.Rejected[0].MessageID))
	}
	have = post(t, c, strings.Repeat("{}\n", 1500))
	if have.Accepted != 0 || len(have.Rejected) != maxListed || have.RejectedTotal != 1500 || !have.Success {
		t.Errorf("want %d of 1500 listed, have %d of %d", maxListed, len(have.Rejected), have.RejectedTotal)
	}
}

func TestDuplicatesInABatch(t *testing.T) {
	t.Parallel()
	c := start(t, &road{}, nil)
	none := `{"type":"page","userId":"u"}`
	for _, q := range []struct {
		body string
		want int
	}{
		{good("a"), 0},
		{good("a") + "\n" + good("b"), 0},
		{good("a") + "\n" + good("b") + "\n" + good("a") + "\n" + good("a"), 2},
		{strings.Replace(good("é"), "é", `\u00e9`, 1) + "\n" + good("é"), 1},
		{none + "\n" + none, 0},
		{strings.Replace(good("a"), "track", "wrong", 1) + "\n" + good("a"), 0},
	} {
		if have := post(t, c, q.body); have.Duplicates != q.want {
			t.Errorf("%s: want %d, have %+v", q.body, q.want, have)
		}
	}
}

func TestStamp(t *testing.T) {
	t.Parallel()
	r := &road{}
	at := time.Date(2026, 11, 23, 1, 2, 3, 456789000, time.UTC)
	c := start(t, r, func(o *Options) { o.Now = func() time.Time { return at } })
	post(t, c, good("a"), "User-Agent", strings.Repeat("é", 2000))
	reader := event.NewRecordReader()
	if err := reader.Open(r.records[0], event.Origin{}); err != nil {
		t.Fatal(err)
	}
	var e event.Event
	reader.Next(&e)
	q := e.Request
	if q.Source != "web" || q.Protocol != "whole" || event.GoTime(q.ReceivedAt) != at || q.IP != "192.0.2.1" || q.UserAgent != strings.Repeat("é", 1024) {
		t.Errorf("want what the door knows, have %+v", q)
	}
}

// TestRate: a source beyond its rate is told when to come back; the other sources notice nothing.
func TestRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &road{}
		c := start(t, r, nil)
		batch := strings.Repeat(good("a")+"\n", 900)
		accepted := 0
		var have told
		for have = post(t, c, batch, "X-Write-Key", "s"); have.status == http.StatusOK; have = post(t, c, batch, "X-Write-Key", "s") {
			accepted += 900
		}
		if accepted != 1800 { // a burst of the largest batch, 2500
			t.Errorf("want 1800 accepted at once, have %d", accepted)
		}
		if have.status != http.StatusTooManyRequests || have.Code != "rate_limited" || have.header.Get("Retry-After") != "20" || have.header.Get("X-RateLimit-Reset") != "20" {
			t.Errorf("want 429 and to wait for 200 events at 10 a second, have %+v", have)
		}
		if have := post(t, c, batch); have.status != http.StatusOK {
			t.Errorf("want another source served, have %+v", have)
		}
		time.Sleep(20 * time.Second)
		if have := post(t, c, batch, "X-Write-Key", "s"); have.status != http.StatusOK {
			t.Errorf("want 200 after the wait, have %+v", have)
		}
		// An endless body is slowed down once some of it is durable: there is no telling it to come back.
		time.Sleep(time.Hour)
		begin := time.Now()
		lines := strings.Repeat(good("a")+"\n", 40_000)
		if have := ask(t, c, http.MethodPost, "/lines", strings.NewReader(lines), "X-Write-Key", "s"); have.status != http.StatusOK || have.Accepted != 40_000 {
			t.Errorf("want all accepted in the end, have %+v", have)
		}
		if took := time.Since(begin); took < 4*time.Minute {
			t.Errorf("want the upload slowed down, have it done in %v", took)
		}
	})
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	c := start(t, &road{}, func(o *Options) { o.Metrics = registry })
	post(t, c, good("a")+"\n{}\n{}\n[]")
	post(t, c, good("a"), "X-Write-Key", "other")
	ask(t, c, http.MethodPost, "/lines", strings.NewReader(good("a")))
	ask(t, c, http.MethodPost, "/nowhere", nil)
	have := map[string]float64{}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := strings.TrimPrefix(family.GetName(), "spoor_collect_")
			for _, label := range m.GetLabel() {
				name += " " + label.GetValue()
			}
			have[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	for name, want := range map[string]float64{
		"requests_total 200 whole": 1, "requests_total 401 whole": 1, "requests_total 200 lines": 1, "requests_total 404 ": 1,
		"events_total web": 5, "events_total slow": 0, "rejected_events_total missing_type web": 2, "rejected_events_total not_an_object web": 1,
		"body_bytes_total": float64(3*len(good("a")) + len("\n{}\n{}\n[]")), "append_events": 2, "append_bytes": 2, "commit_seconds": 2, "in_flight_bytes": 0,
	} {
		if value, there := have[name]; !there || value != want {
			t.Errorf("%s: want %v, have %v (%v)", name, want, value, there)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Options){
		"no stream":       func(o *Options) { o.Log = nil },
		"no id":           func(o *Options) { o.ID = "" },
		"no source":       func(o *Options) { o.Sources = nil },
		"no protocol":     func(o *Options) { o.Protocols = nil },
		"nameless source": func(o *Options) { o.Sources = []Source{{Keys: []string{"k"}}} },
		"source twice": func(o *Options) {
			o.Sources = []Source{{Name: "a", Keys: []string{"k"}}, {Name: "a", Keys: []string{"l"}}}
		},
		"keyless source": func(o *Options) { o.Sources = []Source{{Name: "a"}} },
		"empty key":      func(o *Options) { o.Sources = []Source{{Name: "a", Keys: []string{""}}} },
		"key twice": func(o *Options) {
			o.Sources = []Source{{Name: "a", Keys: []string{"k"}}, {Name: "b", Keys: []string{"k"}}}
		},
		"rate under 0":      func(o *Options) { o.Sources[0].RatePerSecond = -1 },
		"route twice":       func(o *Options) { o.Protocols = append(o.Protocols, o.Protocols[0]) },
		"malformed route":   func(o *Options) { o.Protocols = []Protocol{lines{0, "no slash"}} },
		"too little memory": func(o *Options) { o.MaxInFlight = 1 << 20 },
		"tiny records":      func(o *Options) { o.RecordBytes = 1 << 10 },
		"giant records":     func(o *Options) { o.RecordBytes = event.MaxRecordBytes },
		"no appends":        func(o *Options) { o.Appends = -1 },
		"no rate":           func(o *Options) { o.ReadRate = -1 },
	} {
		o := Options{Log: &road{}, ID: "door", Sources: []Source{{Name: "web", Keys: []string{"k"}}}, Protocols: []Protocol{lines{1, "/whole"}}}
		change(&o)
		if c, err := New(o); err == nil {
			t.Errorf("%s: want an error, have %v", name, c.Close())
		}
	}
	registry := prometheus.NewRegistry()
	start(t, &road{}, func(o *Options) { o.Metrics = registry })
	if _, err := New(Options{Log: &road{}, ID: "d", Sources: []Source{{Name: "web", Keys: []string{"k"}}}, Protocols: []Protocol{lines{1, "/w"}}, Metrics: registry}); err == nil {
		t.Error("want an error of metrics that are registered already")
	}
}

// TestAllocations: a request costs some allocations, an event none.
func TestAllocations(t *testing.T) {
	c := start(t, &road{}, func(o *Options) { o.Log = emptiness{} })
	cost := func(events int) float64 {
		body := strings.Repeat(good("m")+"\n", events)
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/whole", nil)
		req.Header.Set("X-Write-Key", "k")
		reader := strings.NewReader(body)
		return testing.AllocsPerRun(50, func() {
			reader.Reset(body)
			req.Body, req.ContentLength = io.NopCloser(reader), int64(len(body))
			c.ServeHTTP(discard{}, req)
		})
	}
	cost(900) // grows what is used again
	one, many := cost(1), cost(900)
	if many > one+10 {
		t.Errorf("want no allocation an event, have %v for one and %v for 900", one, many)
	}
	if one > 40 {
		t.Errorf("want few allocations a request, have %v", one)
	}
}

// emptiness is a stream that takes everything and keeps nothing.
type emptiness struct{ stream.Log }

func (emptiness) Append(context.Context, []stream.Record) error { return nil }
func (emptiness) Unwrap() stream.Log                            { return nil }
