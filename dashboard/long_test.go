package dashboard

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
)

// slow is a warehouse whose statements about events are a third done until they are told to go on, or are ended.
type slow struct {
	query.Source
	begun chan struct{} // one for each statement that begins, as far as somebody looks
	on    chan struct{}
	ended chan error
	once  sync.Once
}

func (s *slow) QueryTelling(ctx context.Context, tell func(float64), text string, args ...any) (warehouse.Rows, error) {
	if strings.Contains(text, "facts") || strings.Contains(text, "select 1") {
		tell(1.0 / 3)
		select {
		case s.begun <- struct{}{}:
		default:
		}
		select {
		case <-s.on:
		case <-ctx.Done():
			s.once.Do(func() { s.ended <- context.Cause(ctx) })
			return nil, ctx.Err()
		}
	}
	return s.Source.Query(ctx, text, args...)
}

func (s *slow) Query(ctx context.Context, text string, args ...any) (warehouse.Rows, error) {
	return s.QueryTelling(ctx, func(float64) {}, text, args...)
}

// slowHouse serves a dashboard whose warehouse is slow.
func slowHouse(t *testing.T, source query.Source) (string, *slow) {
	t.Helper()
	h := newHouse(t)
	s := newSlow(source)
	h.options.Warehouse = s
	return h.serve(), s
}

func newSlow(source query.Source) *slow {
	return &slow{Source: source, begun: make(chan struct{}, 1), on: make(chan struct{}), ended: make(chan error, 1)}
}

// serveHandler serves a dashboard that is open already.
func serveHandler(t *testing.T, d *Dashboard) string {
	t.Helper()
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	return server.URL
}

type longLine struct {
	lineOf[json.RawMessage]
	fault
	Columns []query.ResultColumn
	Rows    *int
}

// askLong posts a body, wants lines, and gives them as they come.
func askLong(ctx context.Context, t *testing.T, url, body, accept string) (next func() longLine) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if kind := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || kind != "application/x-ndjson" {
		t.Fatalf("want lines; have %s %s", response.Status, kind)
	}
	in := bufio.NewReader(response.Body)
	return func() longLine {
		t.Helper()
		for {
			text, err := in.ReadBytes('\n')
			if err != nil {
				t.Fatalf("want a line; have %q, %v", text, err)
			}
			var l longLine
			if text[0] == '[' {
				continue // a row
			}
			if err := json.Unmarshal(text, &l); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			return l
		}
	}
}

const (
	bothKinds = "application/json, application/x-ndjson"
	someTrend = `{"range":{"last":7,"unit":"day"},"series":[{"event":{}}]}`
)

// What takes long says how far it is, to each who asks the same, and then answers.
func TestLongAnswer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	url, s := slowHouse(t, filled(t))
	var next [2]func() longLine
	for i := range next {
		next[i] = askLong(ctx, t, url+"/api/query/trend", someTrend, bothKinds)
		l := next[i]()
		if p := l.Progress; p == nil || p.Done == nil || *p.Done != 1.0/3 || p.Seconds <= 0 || p.Deadline != 60 || l.Answer != nil {
			t.Errorf("want a third done of what may take a minute; have %+v", l)
		}
	}
	s.on <- struct{}{} // one run for both
	for _, next := range next {
		l := next()
		for l.Progress != nil {
			l = next()
		}
		var a query.TrendAnswer
		if err := json.Unmarshal(l.Answer, &a); err != nil || len(a.Lines) != 1 {
			t.Errorf("want the answer on the last line; have %s, %v", l.Answer, err)
		}
	}
}

// What comes at once, or is asked by whoever wants no lines, is plain JSON with its status.
func TestLongAnswerAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	source := filled(t)
	h.options.Warehouse = source
	d := h.open()
	w := do(d, http.MethodPost, "/api/query/trend", someTrend, "Accept: "+bothKinds)
	wants(t, "a trend", w, http.StatusOK, `"lines":[{`)
	w = do(d, http.MethodPost, "/api/query/trend", `{}`, "Accept: "+bothKinds)
	wants(t, "no trend", w, http.StatusBadRequest, `"code":"invalid"`)
	url, s := slowHouse(t, source)
	plain := make(chan string, 1)
	go func() {
		response, err := http.Post(url+"/api/query/trend", "application/json", strings.NewReader(someTrend))
		if err != nil {
			plain <- err.Error()
			return
		}
		response.Body.Close()
		plain <- response.Header.Get("Content-Type")
	}()
	s.on <- struct{}{}
	if have := <-plain; have != "application/json" {
		t.Errorf("want JSON for who does not accept lines; have %s", have)
	}
}

// A statement's progress stands before its columns; who leaves ends it in the warehouse, and so does its deadline.
func TestLongSQL(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	source := filled(t)
	url, s := slowHouse(t, source)
	next := askLong(ctx, t, url+"/api/sql?format=lines", `{"sql":"select 1 as one"}`, "*/*")
	if p := next().Progress; p == nil || p.Done == nil || *p.Done != 1.0/3 {
		t.Errorf("want a third done; have %+v", p)
	}
	s.on <- struct{}{}
	l := next()
	for l.Progress != nil {
		l = next()
	}
	if len(l.Columns) != 1 || l.Columns[0].Name != "one" {
		t.Errorf("want the columns; have %+v", l)
	}
	if l = next(); l.Rows == nil || *l.Rows != 1 {
		t.Errorf("want the end; have %+v", l)
	}
	for _, ask := range []struct{ path, body string }{
		{"/api/sql?format=lines", `{"sql":"select 1 as one"}`}, {"/api/sql?format=csv", `{"sql":"select 1 as one"}`}, {"/api/query/trend", someTrend},
	} {
		url, s := slowHouse(t, source)
		leaving, leave := context.WithCancel(ctx)
		if strings.Contains(ask.path, "csv") { // nothing comes before the rows
			go func() {
				<-s.begun
				leave()
			}()
			r, _ := http.NewRequestWithContext(leaving, http.MethodPost, url+ask.path, strings.NewReader(ask.body))
			if response, err := http.DefaultTransport.RoundTrip(r); err == nil {
				response.Body.Close()
			}
		} else {
			next := askLong(leaving, t, url+ask.path, ask.body, bothKinds)
			if next().Progress == nil {
				t.Errorf("%s: want progress", ask.path)
			}
			leave()
		}
		select {
		case err := <-s.ended:
			if err == nil {
				t.Errorf("%s: want the statement ended", ask.path)
			}
		case <-ctx.Done():
			t.Errorf("%s: the statement goes on though nobody waits", ask.path)
		}
		leave()
	}
}

// A deadline that passes when the lines have begun is a line.
func TestLongFault(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	h := newHouse(t)
	h.options.Warehouse = newSlow(filled(t))
	h.options.QueryFor = patience + 2*time.Second
	server := serveHandler(t, h.open())
	for _, ask := range []struct{ path, body string }{{"/api/sql?format=lines", `{"sql":"select 1"}`}, {"/api/query/trend", someTrend}} {
		next := askLong(ctx, t, server+ask.path, ask.body, bothKinds)
		l := next()
		if l.Progress == nil {
			t.Errorf("%s: want progress first; have %+v", ask.path, l)
		}
		for l.Progress != nil {
			l = next()
		}
		if l.Code != codeTimeout || l.Error == "" {
			t.Errorf("%s: want the fault on a line; have %+v", ask.path, l)
		}
	}
}
