package simulate

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// table plays the warehouse: rows, and as much SQL as Verify speaks.
type table struct {
	mu   sync.Mutex
	rows []map[string]any
}

func (f *table) add(row map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows = append(f.rows, row)
}

var (
	selectForm = regexp.MustCompile(`^select (.+) from events where (.+?)(?: limit (\d+))?$`)
	likeForm   = regexp.MustCompile(`message_id like '([^'%]*)%'`)
	outsideOf  = regexp.MustCompile(`not \(message_id >= '([^']*)' and message_id < '([^']*)'\)`)
	insideOf   = regexp.MustCompile(`message_id >= '([^']*)' and message_id < '([^']*)'`)
	sourceForm = regexp.MustCompile(`source = '((?:[^']|'')*)'`)
)

func (f *table) Query(_ context.Context, sql string) iter.Seq2[map[string]any, error] {
	return func(yield func(map[string]any, error) bool) {
		m := selectForm.FindStringSubmatch(sql)
		if m == nil {
			yield(nil, fmt.Errorf("cannot read %q", sql))
			return
		}
		limit := -1
		if m[3] != "" {
			limit, _ = strconv.Atoi(m[3])
		}
		var tests []func(id, source string) bool
		rest := m[2]
		take := func(form *regexp.Regexp, test func(arg []string, id, source string) bool) {
			if arg := form.FindStringSubmatch(rest); arg != nil {
				rest = strings.Replace(rest, arg[0], "", 1)
				tests = append(tests, func(id, source string) bool { return test(arg, id, source) })
			}
		}
		take(likeForm, func(arg []string, id, _ string) bool { return strings.HasPrefix(id, arg[1]) })
		take(outsideOf, func(arg []string, id, _ string) bool { return !(id >= arg[1] && id < arg[2]) })
		take(insideOf, func(arg []string, id, _ string) bool { return id >= arg[1] && id < arg[2] })
		take(sourceForm, func(arg []string, _, source string) bool { return source == strings.ReplaceAll(arg[1], "''", "'") })
		if strings.Trim(strings.ReplaceAll(rest, "and", ""), " ") != "" {
			yield(nil, fmt.Errorf("cannot read %q of %q", rest, sql))
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		count := 0
	rows:
		for _, row := range f.rows {
			for _, test := range tests {
				if !test(text(row["message_id"]), text(row["source"])) {
					continue rows
				}
			}
			count++
			if m[1] == "count(*) as n" {
				continue
			}
			chosen := make(map[string]any)
			for column := range strings.SplitSeq(m[1], ", ") {
				chosen[column] = row[column]
			}
			if limit == 0 || !yield(chosen, nil) {
				return
			}
			limit--
		}
		if m[1] == "count(*) as n" {
			yield(map[string]any{"n": count}, nil)
		}
	}
}

// post is a request that the collector has read.
type post struct {
	path, contentType, key string
	retry                  string
	body                   []byte
	events                 []map[string]any
	sentAt                 string
}

// collector plays a server. It keeps each message id once.
type collector struct {
	*httptest.Server
	table
	t *testing.T
	// answer, when set, decides about a request, the n-th from 0 on: it returns whether the events are kept and a
	// status; 0 breaks the connection without an answer. It may set headers.
	answer func(n int, p *post, header http.Header) (keep bool, status int)
	body   string // of successful answers

	guard sync.Mutex
	posts []*post
	known map[string]bool
}

func newCollector(t *testing.T) *collector {
	c := &collector{t: t, known: make(map[string]bool), body: `{"success":true}`}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api/sql" {
		c.serveSQL(w, r)
		return
	}
	p := &post{path: r.URL.Path, contentType: r.Header.Get("Content-Type"), retry: r.Header.Get("X-Retry-Count")}
	p.key, _, _ = r.BasicAuth()
	var err error
	if p.body, err = io.ReadAll(r.Body); err != nil {
		c.t.Errorf("read a body: %v", err)
	}
	var envelope struct {
		Batch  []map[string]any
		SentAt string
	}
	var one map[string]any
	if err := json.Unmarshal(p.body, &envelope); err != nil {
		c.t.Errorf("%v in %.300s", err, p.body)
	}
	p.sentAt, p.events = envelope.SentAt, envelope.Batch
	if p.path != "/v1/batch" {
		if err := json.Unmarshal(p.body, &one); err != nil {
			c.t.Errorf("%v in %.300s", err, p.body)
		}
		p.events = []map[string]any{one}
	}
	c.guard.Lock()
	n := len(c.posts)
	c.posts = append(c.posts, p)
	c.guard.Unlock()
	keep, status := true, http.StatusOK
	if c.answer != nil {
		keep, status = c.answer(n, p, w.Header())
	}
	if keep {
		c.keep(p)
	}
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, c.body)
}

func (c *collector) keep(p *post) {
	c.guard.Lock()
	defer c.guard.Unlock()
	for _, e := range p.events {
		id := text(e["messageId"])
		if c.known[id] {
			continue
		}
		c.known[id] = true
		c.add(map[string]any{
			"source": "dev", "message_id": id, "type": e["type"], "event": e["event"], "user_id": e["userId"], "anonymous_id": e["anonymousId"],
		})
	}
}

func (c *collector) serveSQL(w http.ResponseWriter, r *http.Request) {
	var question struct{ SQL string }
	if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	rows := []map[string]any{}
	for row, err := range c.Query(r.Context(), question.SQL) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		rows = append(rows, row)
	}
	_ = json.NewEncoder(w).Encode(rows)
}
