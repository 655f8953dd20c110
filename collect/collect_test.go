package collect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
	"github.com/spoorhq/spoor/stream"
)

// road is a stream that does as it is told.
type road struct {
	stream.Log // nothing reads it
	// append, if set, is asked before each record is kept: the error is the Append's.
	append func(ctx context.Context, header event.Header) error
	// statter, if set, tells the stream's size.
	stat func() (stream.Stat, error)

	mu      sync.Mutex
	records [][]byte
	calls   int
}

func (r *road) Append(ctx context.Context, records []stream.Record) error {
	r.mu.Lock()
	r.calls++
	r.mu.Unlock()
	for _, record := range records {
		header, _, err := event.ReadHeader(record.Data)
		if err != nil {
			return err
		}
		if r.append != nil {
			if err := r.append(ctx, header); err != nil {
				return err
			}
		}
		r.mu.Lock()
		r.records = append(r.records, bytes.Clone(record.Data))
		r.mu.Unlock()
	}
	return nil
}

func (r *road) Unwrap() stream.Log {
	if r.stat == nil {
		return nil
	}
	return sized{stat: r.stat}
}

// sized is a stream that knows its size.
type sized struct {
	stream.Log
	stat func() (stream.Stat, error)
}

func (s sized) Stat(context.Context) (stream.Stat, error) { return s.stat() }

func (r *road) appends() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls
}

// kept reads what the stream holds: the headers of its records and the texts of its events.
func (r *road) kept(t testing.TB) (headers []event.Header, events []string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	reader := event.NewRecordReader()
	for _, data := range r.records {
		if err := reader.Open(data, event.Origin{}); err != nil {
			t.Fatal(err)
		}
		headers = append(headers, reader.Header())
		var e event.Event
		for {
			_, ok := reader.Next(&e)
			if !ok {
				break
			}
			events = append(events, string(e.Raw))
		}
	}
	return headers, events
}

// lines is a protocol of one event a line, behind a line with the write key if the path says so.
type lines struct {
	most  int
	route string
}

func (p lines) Name() string     { return strings.Trim(p.route, "/") }
func (p lines) Routes() []string { return []string{"POST " + p.route} }
func (p lines) MaxBody() int     { return p.most }
func (p lines) Answer(w http.ResponseWriter, status int, body []byte) {
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (p lines) Decode(_ *http.Request, body []byte, _ *event.Request, events []jsonscan.Value) (key []byte, _ []jsonscan.Value, _ error) {
	if rest, keyed := bytes.CutPrefix(body, []byte("key ")); keyed {
		key, body, _ = bytes.Cut(rest, []byte{'\n'})
	}
	if bytes.HasPrefix(body, []byte("broken")) {
		return nil, nil, errors.New("a broken body")
	}
	for line := range bytes.Lines(body) {
		v, _ := event.Scan(bytes.TrimRight(line, "\n"))
		events = append(events, v)
	}
	return key, events, nil
}

// Handlers tells the scheme.
func (p lines) Handlers() map[string]http.Handler {
	return map[string]http.Handler{"GET /scheme" + p.route: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.URL.Scheme)
	})}
}

const wholeMost = 64 << 10

// start makes a collector on a road: whole bodies go to /whole, endless ones to /lines. change may be nil.
func start(t testing.TB, r *road, change func(*Options)) *Collector {
	t.Helper()
	o := Options{
		Log: r, ID: "door", Sources: []Source{{Name: "web", Keys: []string{"k"}}, {Name: "slow", Keys: []string{"s"}, RatePerSecond: 10}},
		Protocols: []Protocol{lines{wholeMost, "/whole"}, lines{0, "/lines"}},
	}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if have := c.budget.used.Load(); have != 0 {
			t.Errorf("want all memory given back, have %d bytes out", have)
		}
	})
	return c
}

func good(id string) string {
	return `{"type":"track","event":"x","userId":"u","messageId":"` + id + `"}`
}

// told is an answer, read.
type told struct {
	Success       bool
	Code, Message string
	Error         string
	Durable       int
	Accepted      int
	Duplicates    int
	Rejected      []struct {
		Index     int
		MessageID string `json:"messageId"`
		Reason    string
		Detail    string
	}
	RejectedTotal int

	status int
	header http.Header
}

// ask sends a request with the key k, and headers given as name, value.
func ask(t testing.TB, c *Collector, method, path string, body io.Reader, headers ...string) told {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, body)
	r.Header.Set("X-Write-Key", "k")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	have := told{status: w.Code, header: w.Header()}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &have); err != nil {
			t.Errorf("want JSON, have %q: %v", w.Body, err)
		}
	}
	if w.Code >= 400 && (have.Success || have.Code == "" || have.Message == "" || have.Error == "") {
		t.Errorf("want a code, a message and an error, have %s", w.Body)
	}
	return have
}

func post(t testing.TB, c *Collector, body string, headers ...string) told {
	t.Helper()
	return ask(t, c, http.MethodPost, "/whole", strings.NewReader(body), headers...)
}
