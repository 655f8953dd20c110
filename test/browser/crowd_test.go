package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spoorhq/spoor/dashboard"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/saved"
	"github.com/spoorhq/spoor/stream/memory"
	"github.com/spoorhq/spoor/tail"
)

// crowd serves the pages over made-up snapshots of 100,000 events a second: 20 sources, 5,000 names, some of them as
// long as names can be and not all of them harmless. /api/live/stream and /api/tail are its own; the rest is Spoor's.
func crowd(t *testing.T) string {
	t.Helper()
	return pretend(t, func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Path {
		case "/api/live/stream":
			events(w, r, time.Second, 1, func() (string, any) { return "snapshot", crowded(time.Now().UTC()) })
		case "/api/tail":
			many := 1 // as many a second as a page asks for
			if r.FormValue("text") == "flood" {
				many = 100 // far more: it must not suffer
			}
			n := 0
			events(w, r, 50*time.Millisecond, many, func() (string, any) { n++; return "event", passing(n) })
		case "/api/newest":
			fmt.Fprintln(w, "[]")
		default:
			return false
		}
		return true
	})
}

// lineThatBreaks serves an ordinary snapshot a second, and does as it is told at /test/: break (answers 503 to all
// streams), mend, fault (the warehouse does not answer), closed (the door), silent (nothing more is sent).
func lineThatBreaks(t *testing.T) string {
	t.Helper()
	var mu sync.Mutex
	mode, change := "mend", make(chan struct{})
	now := func() (string, <-chan struct{}) {
		mu.Lock()
		defer mu.Unlock()
		return mode, change
	}
	streams := 0
	return pretend(t, func(w http.ResponseWriter, r *http.Request) bool {
		if name, ok := strings.CutPrefix(r.URL.Path, "/test/"); ok {
			mu.Lock()
			defer mu.Unlock()
			if name == "streams" {
				fmt.Fprint(w, streams)
				return true
			}
			mode = name
			close(change)
			change = make(chan struct{})
			return true
		}
		if r.URL.Path == "/api/newest" {
			fmt.Fprintln(w, "[]")
			return true
		}
		if r.URL.Path != "/api/live/stream" && r.URL.Path != "/api/tail" {
			return false
		}
		is, changed := now()
		if is == "break" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		mu.Lock()
		streams++
		mu.Unlock()
		defer func() { mu.Lock(); defer mu.Unlock(); streams-- }()
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		go func() {
			select {
			case <-changed:
				if next, _ := now(); next == "break" {
					cancel()
				}
			case <-ctx.Done():
			}
		}()
		r = r.WithContext(ctx)
		if r.URL.Path == "/api/tail" {
			<-ctx.Done()
			return true
		}
		events(w, r, 200*time.Millisecond, 1, func() (string, any) {
			is, _ := now()
			s := crowded(time.Now().UTC())
			switch is {
			case "fault":
				return "fault", map[string]string{"error": "the disk is gone", "code": "failed"}
			case "closed":
				s.Ready, s.NotReady = false, "the stream is full: 10 GiB of 10 GiB"
			case "silent":
				return "", nil
			}
			return "snapshot", s
		})
		return true
	})
}

// pretend serves the dashboard's pages, but for what a test answers itself.
func pretend(t *testing.T, answer func(http.ResponseWriter, *http.Request) bool) string {
	t.Helper()
	log := memory.New(memory.Options{}).Open()
	store, err := saved.Open(saved.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := dashboard.New(dashboard.Options{
		Saved:   store,
		Watcher: tail.New(tail.Options{Log: log}), Version: "0.0.0-test", Logger: slog.New(slog.DiscardHandler),
		Sources: []dashboard.Source{{Name: "web", WriteKey: "key"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answer(w, r) {
			pages.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		pages.Close()
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// events sends so many server-sent events at each tick until the client leaves.
func events(w http.ResponseWriter, r *http.Request, every time.Duration, many int, next func() (name string, v any)) {
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(every)
	defer tick.Stop()
	control := http.NewResponseController(w)
	for {
		for range many {
			name, v := next()
			if name == "" {
				continue
			}
			text, err := json.Marshal(v)
			if err != nil {
				return
			}
			fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, text)
		}
		if control.Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

const hostile = `<img src=x onerror="document.title='owned'"> "quoted" & 'more' 🦌`

// crowded is a snapshot of a line under more load than any machine here could make.
func crowded(now time.Time) dashboard.Snapshot {
	const perSecond, sources, minutes = 100_000, 20, 60
	s := dashboard.Snapshot{
		Now: now, From: now.Truncate(time.Minute).Add(-(minutes - 1) * time.Minute), NameCount: 5_000, Ready: true, Seen: 1 << 40,
		Stream:  dashboard.SnapshotStream{Used: 8_900_000_000, Limit: 10 << 30},
		Seconds: make([]int64, 60),
	}
	complete, oldest, newest := now.Add(-12*time.Second), now.Add(-12*time.Second), now.Truncate(time.Minute)
	s.CompleteTo, s.Newest = &complete, &newest
	wave := func(i float64) float64 { return 1 + 0.35*math.Sin(i/9) + 0.08*math.Sin(i*2.7) }
	for i := range s.Seconds {
		s.Seconds[i] = int64(perSecond * wave(float64(now.Unix())-60+float64(i)))
	}
	for m := range minutes {
		minute := s.From.Add(time.Duration(m) * time.Minute)
		part := 60.0
		if m == minutes-1 {
			part = max(1, now.Sub(minute).Seconds())
		}
		for i := range sources {
			name := fmt.Sprintf("source-%02d", i)
			if i == 3 {
				name = "a source that somebody has given a name of " + strings.Repeat("remarkable ", 12) + "length"
			}
			if i == 4 {
				name = hostile
			}
			n := int64(perSecond * part * wave(float64(minute.Unix()/60)) * math.Pow(0.7, float64(i)) * 0.3)
			line := dashboard.SnapshotMinute{LiveMinute: query.LiveMinute{
				Minute: minute, Source: name, Accepted: n + n/200 + n/9000, Loaded: n, Duplicate: n / 200, Dead: n / 9000,
			}}
			if m == minutes-1 {
				line.InFlight = n / 4
				line.Accepted += n / 4
				s.InFlight.Events += n / 4
			}
			s.Minutes = append(s.Minutes, line)
			s.Loaded += n
		}
	}
	s.InFlight.Records, s.InFlight.Bytes, s.InFlight.Oldest = 412, 96<<20, &oldest
	for i := range 30 {
		name := query.LiveName{Type: "track", Event: fmt.Sprintf("Name %04d of Five Thousand", i)}
		switch i {
		case 1:
			name.Event = strings.Repeat("Very Long Name ", 17)
		case 2:
			name.Type, name.Event = "page", ""
		case 3:
			name.Event = hostile
		case 4:
			name.Event = strings.Repeat("unbroken", 32)
		}
		for m := range minutes {
			n := int64(perSecond * 60 * wave(float64(m+i)) * math.Pow(0.8, float64(i)) * 0.15)
			name.Minutes = append(name.Minutes, query.NameCount{Minute: s.From.Add(time.Duration(m) * time.Minute), Loaded: n})
			name.Total += n
		}
		s.Names = append(s.Names, name)
	}
	return s
}

// passing is one of the events that pass.
func passing(n int) tail.Item {
	item := tail.Item{
		MessageID: fmt.Sprintf("message-%d", n), Source: "source-01", Type: "track", Event: fmt.Sprintf("Name %04d of Five Thousand", n%5000),
		UserID: fmt.Sprintf("user-%d", n%977), ReceivedAt: time.Now().UTC(), Protocol: "segment",
		Properties: json.RawMessage(fmt.Sprintf(`{"n":%d,"price":39.95,"tags":["a","b"],"nested":{"deep":[1,{"x":null}]},"text":%q}`, n, "flood "+strings.Repeat("long ", n%60))),
	}
	switch n % 7 {
	case 2:
		item.Event, item.Source = hostile, hostile
	case 4:
		item.Type, item.Event, item.UserID, item.AnonymousID = "identify", "", "", strings.Repeat("anonymous-", 12)
	case 5:
		item.Refused, item.Detail, item.Raw = "wrong_kind", `event must be a string; got {"an":"object"}`, `{"type":"track","event":{"an":"object"}}`
	}
	return item
}
