package dashboard

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spoorhq/spoor/audit"
	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/fakedb"
	"github.com/spoorhq/spoor/replay"
	"github.com/spoorhq/spoor/saved"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/memory"
	"github.com/spoorhq/spoor/tail"
	"github.com/spoorhq/spoor/warehouse"
)

// house is a dashboard with a stream before it and a warehouse that answers as a test says.
type house struct {
	t       *testing.T
	options Options
	log     stream.Log
	watcher *tail.Watcher
	writer  *event.RecordWriter
	seq     uint64

	mu     sync.Mutex
	answer fakedb.Ask
	full   error // what the stream says when it is asked for its size
	closed error // what Ready says
	asked  []askedAudit

	replayed []replay.Ask
	erased   []string
}

type askedAudit struct {
	from, to time.Time
	wait     time.Duration
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, log: memory.New(memory.Options{}).Open(), writer: event.NewRecordWriter(), answer: emptyWarehouse}
	h.watcher = tail.New(tail.Options{
		Log: h.log, Stream: "main", Logger: slog.New(slog.DiscardHandler),
		Positions: func(context.Context) (map[string]string, error) { return nil, nil },
	})
	db := fakedb.Open(func(ctx context.Context, query string, args []any) (*fakedb.Answer, error) {
		h.mu.Lock()
		answer := h.answer
		h.mu.Unlock()
		return answer(ctx, query, args)
	})
	t.Cleanup(func() { db.Close() })
	store, err := saved.Open(saved.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	h.options = Options{
		Saved: store,
		Erase: func(_ context.Context, subject Subject, dry bool) (map[string]int64, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.erased = append(h.erased, fmt.Sprint(subject, dry))
			return map[string]int64{"events": 3}, nil
		},
		Warehouse: asker{db}, Watcher: h.watcher, Version: "1.2.3", Logger: slog.New(slog.DiscardHandler),
		Sources: []Source{{Name: "web", WriteKey: "key"}},
		Pressure: func(context.Context) (int64, int64, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			return 5, 100, h.full
		},
		Ready: func() error {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.closed
		},
		Replay: func(_ context.Context, ask replay.Ask, progress func(replay.Report)) (replay.Report, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.replayed = append(h.replayed, ask)
			out := replay.Outcome{Letters: 3, Loads: 2, Dead: 1}
			report := replay.Report{DryRun: ask.DryRun, Total: 3, Outcome: out, Reasons: []replay.Outcome{}}
			progress(report)
			report.Done = h.full == nil
			return report, h.full
		},
		Audit: func(_ context.Context, from, to time.Time, wait time.Duration) (*audit.Report, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.asked = append(h.asked, askedAudit{from, to, wait})
			return &audit.Report{Accepted: 7, Loaded: 7, Equal: true}, h.full
		},
	}
	return h
}

// open makes the dashboard, which is closed at the end of the test.
func (h *house) open() *Dashboard {
	h.t.Helper()
	d, err := New(h.options)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(d.Close)
	return d
}

// serve serves the dashboard over a real connection.
func (h *house) serve() string {
	h.t.Helper()
	d := h.open()
	server := httptest.NewServer(d)
	h.t.Cleanup(func() {
		d.Close()
		server.Close()
	})
	return server.URL
}

// watch lets the watcher follow the stream until the test ends.
func (h *house) watch() {
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan error, 1)
	go func() { done <- h.watcher.Run(ctx) }()
	h.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Error(err)
		}
	})
}

// accept puts a record of events on the stream.
func (h *house) accept(at time.Time, raw ...string) {
	h.t.Helper()
	h.seq++
	var events [][]byte
	for _, r := range raw {
		events = append(events, []byte(r))
	}
	h.writer.Add(&event.Request{Source: "web", Protocol: "segment", ReceivedAt: event.TimeOf(at)}, events)
	data := h.writer.Seal(nil, event.Header{Collector: "a", Boot: "b", Seq: h.seq})
	if err := h.log.Append(h.t.Context(), []stream.Record{{Data: data}}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

// emptyWarehouse has nothing in its tables.
func emptyWarehouse(_ context.Context, query string, _ []any) (*fakedb.Answer, error) {
	if strings.Contains(query, "max(minute)") {
		return &fakedb.Answer{Columns: []string{"max"}, Rows: [][]any{{nil}}}, nil
	}
	return &fakedb.Answer{Columns: make([]string, 12)}, nil
}

type asker struct{ db *sql.DB }

func (a asker) Query(ctx context.Context, query string, args ...any) (warehouse.Rows, error) {
	return a.db.QueryContext(ctx, query, args...) //nolint:rowserrcheck // whoever asked reads them
}

// Dialect is of no use here: who asks a question that needs one brings a warehouse.
func (asker) Dialect() warehouse.Dialect { return nil }

// get asks a dashboard without a connection; each header is written Name: value.
func get(d http.Handler, target string, headers ...string) *httptest.ResponseRecorder {
	return do(d, http.MethodGet, target, "", headers...)
}

func do(d http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "127.0.0.1:8080"
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

// wants checks an answer's status and that its body holds a text.
func wants(t *testing.T, what string, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), body) {
		t.Errorf("%s: want %d with %q; have %d\n%s", what, status, body, w.Code, w.Body)
	}
}

// connection is an answer that goes on. It ends with the test.
type connection struct {
	status int
	header http.Header
	body   io.Reader
	lines  *bufio.Reader // of the body
	close  func()
}

func connect(t *testing.T, url string, headers ...string) *connection {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(r) //nolint:bodyclose // the connection's close does it
	if err != nil {
		t.Fatal(err)
	}
	c := &connection{status: response.StatusCode, header: response.Header, body: response.Body, lines: bufio.NewReader(response.Body)}
	c.close = func() {
		cancel()
		response.Body.Close()
	}
	t.Cleanup(c.close)
	return c
}

// within ends a test whose step takes too long.
func within(t *testing.T, what string, step func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		step()
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatalf("%s takes too long", what)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	w := get(newHouse(t).open(), "/api/version")
	wants(t, "version", w, http.StatusOK, `{"version":"1.2.3"}`)
	if have := w.Header().Get("Cache-Control"); have != "no-store" {
		t.Errorf("want no-store; have %q", have)
	}
}

func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	d := newHouse(t).open()
	wants(t, "an unknown path", get(d, "/nothing"), http.StatusNotFound, "")
	wants(t, "a wrong method", do(d, http.MethodPost, "/api/live", ""), http.StatusMethodNotAllowed, "")
}

// Two dashboards in one process do not know of each other.
func TestTwoDashboards(t *testing.T) {
	t.Parallel()
	a, b := newHouse(t).open(), newHouse(t).open()
	a.Close()
	a.Close()
	wants(t, "the other one", get(b, "/api/live"), http.StatusOK, `"ready":true`)
}

func TestAudit(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	d := h.open()
	wants(t, "an audit", get(d, "/api/audit?from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z&wait=2s"), http.StatusOK, `"accepted":7`)
	want := askedAudit{time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), 2 * time.Second}
	if h.asked[0] != want {
		t.Errorf("want %+v asked; have %+v", want, h.asked[0])
	}
	get(d, "/api/audit?wait=24h")
	if have := h.asked[1]; have.wait != maxWait || time.Since(have.from).Round(time.Hour) != 24*time.Hour || have.to.Before(time.Now()) {
		t.Errorf("want the last 24 hours and a bounded wait; have %+v", have)
	}
	for query, want := range map[string]string{
		"from=yesterday": `got \"yesterday\"`, "to=1": `got \"1\"`, "wait=long": "invalid duration",
		"from=2026-11-24T00:00:00Z&to=2026-11-23T00:00:00Z": "from must be before to",
	} {
		wants(t, query, get(d, "/api/audit?"+query), http.StatusBadRequest, want)
	}
	h.set(func() { h.full = errors.New("the warehouse is on fire") })
	wants(t, "a fault", get(d, "/api/audit"), http.StatusInternalServerError, "on fire")
}

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	var text []byte
	within(t, "reading an answer", func() { text, _ = io.ReadAll(r) })
	return string(text)
}
