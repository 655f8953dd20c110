package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/spoorhq/spoor/internal/fakedb"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/query/querytest"
	"github.com/spoorhq/spoor/saved"
	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

// documentOfAPI is the document that a server gives, as a program of another's reads it.
func documentOfAPI(t *testing.T, d *Dashboard) *openapi3.T {
	t.Helper()
	w := get(d, "/api/openapi.json")
	wants(t, "the document", w, http.StatusOK, `"openapi": "3.1.0"`)
	doc, err := openapi3.NewLoader().LoadFromData(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// The document is valid, its examples are valid against their schemas, and it has the routes that there are, and no others.
func TestDocument(t *testing.T) {
	t.Parallel()
	d := newHouse(t).open()
	doc := documentOfAPI(t, d)
	if err := doc.Validate(t.Context()); err != nil {
		t.Errorf("want a valid document: %v", err)
	}
	want, have := map[string]bool{}, map[string]bool{}
	ids := map[string]string{}
	for _, o := range d.operations() {
		want[o.route] = true
		if ids[o.id] != "" || o.id == "" || o.title == "" || o.group == "" {
			t.Errorf("%s: want an id of its own, a title and a group; have %q, also of %q", o.route, o.id, ids[o.id])
		}
		ids[o.id] = o.route
		if o.scope != scopeRead && o.scope != scopeAdmin {
			t.Errorf("%s: want a scope; have %q", o.route, o.scope)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			have[method+" "+path] = true
		}
	}
	if !maps.Equal(want, have) {
		t.Errorf("want the routes %v in the document; have %v", slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(have)))
	}
}

// No route of the API is made past the table that the document is made of.
func TestRoutesStandInTheTable(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 5 {
		t.Fatalf("want the files of the room; have %v, %v", files, err)
	}
	code := regexp.MustCompile(`(refuse\(w, [^,]+, |Code: *)"[^"]*"`)
	made := regexp.MustCompile(`\.Handle(Func)?\("[A-Z ]*/api[^"]*"`)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if hit := made.Find(text); hit != nil && !strings.HasSuffix(name, "_test.go") {
			t.Errorf("%s: %s; it belongs into operations", name, hit)
		}
		if hit := code.Find(text); hit != nil && !strings.HasSuffix(name, "_test.go") {
			t.Errorf("%s: %s; a code belongs into faultCodes", name, hit)
		}
	}
}

// asked is a request to a route of the API, and the answer's status.
type asked struct {
	id      string // of the operation
	target  string
	body    string
	headers []string
	status  int
}

// What a server takes and gives is as the document says, on every route; what the document does not know is a fault here.
func TestAnswersAreAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.set(func() { h.answer = oneRowEach })
	d := h.open()
	server := httptest.NewServer(d)
	t.Cleanup(func() {
		d.Close()
		server.Close()
	})
	// The questions are asked of a warehouse that has something to tell.
	real := newHouse(t)
	real.options.Warehouse = filled(t)
	asking := httptest.NewServer(real.open())
	keepReport(t, real.options.Saved, "k3jq5x2m7pnv4wtd", "Orders", trendReport)
	t.Cleanup(asking.Close)
	doc := documentOfAPI(t, d)
	closeSchemas(doc)
	ask := d.askAll(t)
	visited := map[string]bool{}
	for _, a := range ask {
		at := slices.IndexFunc(d.operations(), func(o operation) bool { return o.id == a.id })
		if at < 0 {
			t.Errorf("there is no operation %q", a.id)
			continue
		}
		o := d.operations()[at]
		if a.status < 300 {
			visited[a.id] = true
		}
		method, pattern, _ := strings.Cut(o.route, " ")
		url := server.URL
		if strings.HasPrefix(pattern, "/api/query/") || pattern == "/api/alerts/measure" {
			url = asking.URL
		}
		checkAnswer(t, doc, url, method, pattern, a)
	}
	for _, o := range d.operations() {
		if !visited[o.id] {
			t.Errorf("%s is never asked with success here", o.route)
		}
	}
}

// filled is a warehouse with a few hundred events of made-up people.
func filled(t *testing.T) query.Source {
	t.Helper()
	opened, err := duckdb.Open(t.Context(), duckdb.Options{Path: filepath.Join(t.TempDir(), "spoor.duckdb")})
	w := warehousetest.Ready(t, opened, err)
	world := querytest.NewWorld(rand.New(rand.NewPCG(1, 2)), 300)
	if err := world.Load(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	return w
}

// trendReport is the body of a saved report.
const trendReport = `{"question":"trend","params":{"range":{"last":7,"unit":"day"},"series":[{"event":{}}]}}`

// askAll has a request for each operation.
func (d *Dashboard) askAll(t *testing.T) []asked {
	t.Helper()
	keep := func(kind saved.Kind, name, body string) saved.Document {
		document, err := d.options.Saved.Create(t.Context(), kind, saved.Draft{Name: name, Body: json.RawMessage(body)})
		if err != nil {
			t.Fatal(err)
		}
		return document
	}
	keepReport(t, d.options.Saved, "k3jq5x2m7pnv4wtd", "Orders", trendReport)
	token := keep(saved.Tokens, "old", `{"scope":"read","hash":"x","expires":"2030-01-01T00:00:00Z","used":"2026-01-01T00:00:00Z"}`)
	all := []asked{
		{id: "live", target: "/api/live", status: 200},
		{id: "liveStream", target: "/api/live/stream", status: 200},
		{id: "newest", target: "/api/newest?limit=2&source=web&event=x", status: 200},
		{id: "newest", target: "/api/newest?limit=1000", status: 400},
		{id: "tail", target: "/api/tail?sample=1&source=a&source=b&refused=true", status: 200},
		{id: "tail", target: "/api/tail", headers: []string{"Accept: application/x-ndjson"}, status: 200},
		{id: "sql", target: "/api/sql", body: `{"sql":"select 1","limit":3}`, status: 200},
		{id: "sql", target: "/api/sql?format=csv", body: `{"sql":"select 1"}`, status: 200},
		{id: "sql", target: "/api/sql", body: `{"sql":""}`, status: 400},
		{id: "sql", target: "/api/sql?format=lines", body: `{"sql":"select 1"}`, status: 200},
		{id: "schema", target: "/api/schema", status: 200},
		{id: "sources", target: "/api/sources", status: 200},
		{id: "pipeline", target: "/api/pipeline?from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z", status: 200},
		{id: "pipeline", target: "/api/pipeline?from=yesterday", status: 400},
		{id: "deadLetters", target: "/api/dead-letters?reason=unknown_type&source=web&limit=2", status: 200},
		{id: "deadLetters", target: "/api/dead-letters?limit=1000", status: 400},
		{id: "trace", target: "/api/trace?id=m1", status: 200},
		{id: "trace", target: "/api/trace", status: 400},
		{id: "replay", target: "/api/replay", body: `{"reason":"unknown_type","source":"web","from":"2026-11-01T00:00:00Z","dry_run":true}`, status: 200},
		{id: "replay", target: "/api/replay", body: `{"from":"2026-11-02T00:00:00Z","to":"2026-11-01T00:00:00Z","dry_run":true}`, status: 400},
		{id: "audit", target: "/api/audit?from=2026-11-23T00:00:00Z&wait=1s", status: 200},
		{id: "version", target: "/api/version", status: 200},
		{id: "document", target: "/api/openapi.json", status: 200},
		{id: "alerts", target: "/api/alerts", status: 200},
		{id: "testAlert", target: "/api/alerts/tracking/test", status: 200},
		{id: "testAlert", target: "/api/alerts/nothing/test", status: 404},
		{id: "testAlert", target: "/api/alerts/tracking/test?receiver=3", status: 400},
		{id: "tryReceiver", target: "/api/alerts/try", body: `{"name":"x","to":{"webhook":"http://127.0.0.1:1/hook"}}`, status: 200},
		{id: "tryReceiver", target: "/api/alerts/try", body: `{"to":{"email":"nobody"}}`, status: 400},
		{id: "measureAlert", target: "/api/alerts/measure", body: `{"event":{},"above":1}`, status: 200},
		{id: "measureAlert", target: "/api/alerts/measure", body: `{"report":"k3jq5x2m7pnv4wtd","number":{"of":"last"},"usual":{}}`, status: 200},
		{id: "measureAlert", target: "/api/alerts/measure", body: `{"tracking":true}`, status: 400},
		{id: "measureAlert", target: "/api/alerts/measure", body: `{"event":{}}`, status: 400},
		{id: "alertKey", target: "/api/alerts/key", status: 200},
		{id: "erase", target: "/api/erase", body: `{"user_ids":["u1"],"anonymous_ids":["a1"],"dry_run":true}`, status: 200},
		{id: "erase", target: "/api/erase", body: `{"user_ids":[]}`, status: 400},
		{id: "erase", target: "/api/erase", body: `{"user_ids":[""]}`, status: 400},
		{id: "export", target: "/api/export?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&format=ndjson&event=Buy&event=Search", status: 200},
		{id: "export", target: "/api/export?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z", status: 200},
		{id: "export", target: "/api/export?from=2026-01-03T00:00:00Z&to=2026-01-02T00:00:00Z", status: 400},
		{id: "export", target: "/api/export?from=yesterday", status: 400},
		{id: "export", target: "/api/export?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&format=xml", status: 400},
		{id: "askFile", target: "/api/files", body: `{"sql":"select 1","format":"csv"}`, status: 201},
		{id: "askFile", target: "/api/files", body: `{"format":"csv"}`, status: 400},
		{id: "file", target: "/api/files/" + d.asked(), status: 200},
		{id: "file", target: "/api/files/nothing", status: 404},
		{id: "fileContent", target: "/api/files/" + d.asked() + "/content", status: 200},
		{id: "cancelFile", target: "/api/files/" + d.asked(), status: 204},
		{id: "listTokens", target: "/api/tokens", status: 200},
		{id: "createToken", target: "/api/tokens", body: `{"name":"script","scope":"read","days":3}`, status: 201},
		{id: "createToken", target: "/api/tokens", body: `{"name":"script","scope":"all"}`, status: 400},
		{id: "revokeToken", target: "/api/tokens/" + token.ID, status: 204},
		{id: "revokeToken", target: "/api/tokens/" + token.ID, status: 404},
	}
	documented, err := readWords()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range d.questions() {
		path := "/api/query/" + q.name
		for _, x := range documented.Examples[q.name] {
			all = append(all, asked{id: q.name, target: path, body: string(x.Question), status: 200})
		}
		all = append(all,
			asked{id: q.name, target: path, body: query.JSON(q.sample), status: 200},
			asked{id: q.name, target: path, body: `{"no such":1}`, status: 400},
			asked{id: q.name, target: path, body: strings.Repeat(" ", query.MaxQuestionBytes+1), status: 413})
	}
	all = append(all,
		asked{id: "trend", target: "/api/query/trend", body: `{"range":{"from":"2026-01-01","to":"2026-12-31","interval":"month"},"series":[{"event":{}},{"event":{},"measure":{"of":"people"}}],"formulas":["A/B"],"breakdown":{"by":["country"],"top":2},"compare":true,"bots":true}`, status: 200},
		asked{id: "trend", target: "/api/query/trend", body: `{"range":{"last":7,"unit":"year"},"series":[{}]}`, status: 400})
	for _, k := range d.savedKinds() {
		sample, err := json.Marshal(k.sample)
		if err != nil {
			t.Fatal(err)
		}
		id, path := capital(k.name), "/api/saved/"+string(k.kind)
		var draft saved.Draft
		if err := json.Unmarshal(sample, &draft); err != nil {
			t.Fatal(err)
		}
		kept := keep(k.kind, draft.Name, string(draft.Body))
		all = append(all,
			asked{id: "create" + id, target: path, body: string(sample), status: 201},
			asked{id: "create" + id, target: path, body: `{"name":"x","body":{"no such":1}}`, status: 400},
			asked{id: "list" + id + "s", target: path, status: 200},
			asked{id: "get" + id, target: path + "/" + kept.ID, status: 200},
			asked{id: "get" + id, target: path + "/nothing", status: 404},
			asked{id: "change" + id, target: path + "/" + kept.ID, body: string(sample), headers: []string{`If-Match: "1"`}, status: 200},
			asked{id: "change" + id, target: path + "/" + kept.ID, body: string(sample), headers: []string{`If-Match: "1"`}, status: 412},
			asked{id: "change" + id, target: path + "/" + kept.ID, body: string(sample), status: 428},
			asked{id: "remove" + id, target: path + "/" + kept.ID, status: 204},
			asked{id: "remove" + id, target: path + "/" + kept.ID, status: 404},
		)
	}
	return all
}

// asked gives the id of a file that was asked for.
func (d *Dashboard) asked() string {
	as, _ := formatOf("csv")
	f := &fileWork{id: fmt.Sprint("file-", len(d.files.all)), name: "x.csv", ask: fileAsk{SQL: "select 1"}, as: as, state: fileAsked, since: d.options.Now()}
	d.files.keep(f, d.options.Now())
	return f.id
}

// checkAnswer asks a server and holds request and answer to the document.
func checkAnswer(t *testing.T, doc *openapi3.T, url, method, pattern string, a asked) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url+a.target, strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	if a.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, header := range a.headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	params := map[string]string{}
	for i, name := range strings.Split(pattern, "/") {
		if name == "{id}" {
			params["id"] = strings.Split(a.target, "/")[i]
		}
	}
	item := doc.Paths.Find(pattern)
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params,
		Route:   &routers.Route{Spec: doc, Path: pattern, PathItem: item, Method: method, Operation: item.GetOperation(method)},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if a.status < 300 {
		if err := openapi3filter.ValidateRequest(ctx, input); err != nil {
			t.Errorf("%s %s: the request is not as the document says: %v", method, a.target, err)
		}
	}
	r.Body = io.NopCloser(strings.NewReader(a.body))
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text := []byte("a stream")
	stream := strings.Contains(response.Header.Get("Content-Type"), "event-stream") || strings.Contains(response.Header.Get("Content-Type"), "ndjson")
	if !stream {
		if text, err = io.ReadAll(response.Body); err != nil {
			t.Fatal(err)
		}
	}
	if response.StatusCode != a.status {
		t.Errorf("%s %s %s: want %d; have %d %s", method, a.target, a.body, a.status, response.StatusCode, text)
	}
	if response.StatusCode == http.StatusNoContent {
		return
	}
	if kind, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";"); kind != "application/json" {
		// Of what is no JSON the document says the type alone.
		if item.GetOperation(method).Responses.Status(response.StatusCode).Value.Content[kind] == nil {
			t.Errorf("%s %s: the document does not know the content type %q", method, a.target, kind)
		}
		return
	}
	err = openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: response.StatusCode, Header: response.Header, Body: io.NopCloser(bytes.NewReader(text)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		t.Errorf("%s %s: the answer is not as the document says: %v\n%s", method, a.target, err, text)
	}
}

// closeSchemas has what the document does not name be a fault: in the test, for a client must bear what is new.
func closeSchemas(doc *openapi3.T) {
	no := false
	for _, schema := range doc.Components.Schemas {
		if len(schema.Value.Properties) > 0 {
			schema.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: &no}
		}
	}
}

// oneRowEach answers each question with a row that has something in every column.
func oneRowEach(_ context.Context, query string, _ []any) (*fakedb.Answer, error) {
	now := time.Now().UTC()
	minute := now.Truncate(time.Minute)
	switch {
	case strings.Contains(query, "from ledger where minute >= ?\n"):
		return &fakedb.Answer{Columns: make([]string, 8), Rows: [][]any{{minute, "web", "", "", int64(3), int64(1), int64(1), int64(1)}}}, nil
	case strings.Contains(query, "with top as"):
		return &fakedb.Answer{Columns: make([]string, 6), Rows: [][]any{{"track", "x", int64(3), int64(1), minute, int64(3)}}}, nil
	case strings.Contains(query, "select message_id"):
		return &fakedb.Answer{Columns: make([]string, 12), Rows: [][]any{
			{"m1", "web", "track", "x", "u", "a", now, now, "segment", `{"a":[1]}`, `{"b":null}`, `{"c":"d"}`},
		}}, nil
	case strings.Contains(query, "from dead_letters d"):
		return &fakedb.Answer{Columns: make([]string, 14), Rows: [][]any{
			{now, "web", "segment", "unknown_type", "what", "m1", "x", "y", "{}", []byte("{}"), "0", "7", int64(1), "l1"},
		}}, nil
	case strings.Contains(query, "select e.source, e.message_id, min(l.loaded_at)"):
		return &fakedb.Answer{Columns: make([]string, 3), Rows: [][]any{{"web", "m1", now}}}, nil
	case strings.Contains(query, "from dead_letters"):
		return &fakedb.Answer{Columns: make([]string, 5), Rows: [][]any{{"unknown_type", "web", int64(3), now, now}}}, nil
	case strings.Contains(query, "from loads order"):
		return &fakedb.Answer{Columns: make([]string, 5), Rows: [][]any{{"l1", now, int64(3), int64(2), int64(1)}}}, nil
	case strings.Contains(query, "select e.message_id"):
		return &fakedb.Answer{Columns: make([]string, 16), Rows: [][]any{
			{"m1", "web", "track", "x", "u", "a", now, now, "segment", `{"a":[1]}`, nil, nil, now, "l1", now, "clock:future"},
		}}, nil
	case strings.Contains(query, "as recent from ledger"):
		return &fakedb.Answer{Columns: make([]string, 7), Rows: [][]any{{"web", minute, minute, int64(3), int64(1), int64(1), int64(1)}}}, nil
	case strings.Contains(query, "as begun"), strings.Contains(query, "from ledger where minute in"):
		return &fakedb.Answer{Columns: make([]string, 6), Rows: [][]any{{minute, "web", int64(3), int64(1), int64(1), int64(1)}}}, nil
	case strings.Contains(query, "from catalog"):
		return &fakedb.Answer{Columns: make([]string, 5), Rows: [][]any{{"event_x", "x", "track", "n", "integer"}}}, nil
	case query == "select 1", strings.Contains(query, "(select 1"):
		return &fakedb.Answer{Columns: []string{"one"}, Rows: [][]any{{int64(1)}}}, nil
	}
	return emptyWarehouse(context.Background(), query, nil)
}

// What is no route says so as the API says everything.
func TestNoRoute(t *testing.T) {
	t.Parallel()
	d := newHouse(t).open()
	wants(t, "an unknown path", get(d, "/api/nothing"), http.StatusNotFound, `"code":"not_found"`)
	wants(t, "an unknown kind", get(d, "/api/saved/things"), http.StatusNotFound, `there is no /api/saved/things`)
	w := do(d, http.MethodPost, "/api/live", "")
	wants(t, "a wrong method", w, http.StatusMethodNotAllowed, `/api/live takes GET, HEAD; got POST`)
	if have := w.Header().Get("Allow"); have != "GET, HEAD" {
		t.Errorf("want the methods in Allow; have %q", have)
	}
}

// Of two who change the same version one is told that it is late.
func TestSaved(t *testing.T) {
	t.Parallel()
	d := newHouse(t).open()
	const report = `{"name":"Orders","body":` + trendReport + `}`
	w := do(d, http.MethodPost, "/api/saved/reports", report)
	wants(t, "create", w, http.StatusCreated, `"version":1`)
	path := w.Header().Get("Location")
	if !strings.HasPrefix(path, "/api/saved/reports/") || w.Header().Get("ETag") != `"1"` {
		t.Errorf("want where it is, and its version; have %v", w.Header())
	}
	wants(t, "get", get(d, path), http.StatusOK, `"question":"trend"`)
	wants(t, "get what is known", get(d, path, `If-None-Match: "1"`), http.StatusNotModified, "")
	wants(t, "a change without a version", do(d, http.MethodPut, path, report), http.StatusPreconditionRequired, "If-Match")
	wants(t, "a change of no version", do(d, http.MethodPut, path, report, "If-Match: new"), http.StatusBadRequest, `"field":"If-Match","value":"new"`)
	wants(t, "mine", do(d, http.MethodPut, path, strings.Replace(report, "Orders", "Mine", 1), `If-Match: "1"`), http.StatusOK, `"version":2`)
	late := do(d, http.MethodPut, path, strings.Replace(report, "Orders", "Yours", 1), `If-Match: W/"1"`)
	wants(t, "yours", late, http.StatusPreconditionFailed, "has version 2 by now")
	if late.Header().Get("ETag") != `"2"` {
		t.Errorf("want the version that there is; have %v", late.Header())
	}
	wants(t, "whichever it is", do(d, http.MethodPut, path, report, "If-Match: *"), http.StatusOK, `"version":3`)
	wants(t, "a new one under this id", do(d, http.MethodPut, "/api/saved/reports/mine", report, "If-None-Match: *"), http.StatusOK, `"id":"mine"`)
	wants(t, "once more", do(d, http.MethodPut, "/api/saved/reports/mine", report, "If-None-Match: *"), http.StatusPreconditionFailed, "conflict")
	wants(t, "all", get(d, "/api/saved/reports"), http.StatusOK, `{"documents":[{"id"`)
	wants(t, "none", get(d, "/api/saved/dashboards"), http.StatusOK, `{"documents":[]}`)
	board := `{"name":"Board","body":{"tiles":[{"report":"mine"},{"report":"gone"}]}}`
	wants(t, "a report that is not there", do(d, http.MethodPost, "/api/saved/dashboards", board), http.StatusBadRequest, `"field":"body.tiles[1].report","value":"\"gone\""`)
	wants(t, "an unknown question", do(d, http.MethodPost, "/api/saved/reports", strings.Replace(report, "trend", "rend", 1)), http.StatusBadRequest, `"field":"body.question","value":"rend"`)
	wants(t, "wrong parameters", do(d, http.MethodPost, "/api/saved/reports", strings.Replace(report, "day", "year", 1)), http.StatusBadRequest, `"field":"body.params.range.unit","value":"year"`)
	wants(t, "a cohort of events", do(d, http.MethodPost, "/api/saved/cohorts", `{"name":"x","body":{"filter":{"field":"country","op":"=","values":["DE"]}}}`), http.StatusBadRequest, `"field":"body.filter.field","value":"country"`)
	wants(t, "a name of another kind", do(d, http.MethodPost, "/api/saved/reports", `{"name":1,"body":{}}`), http.StatusBadRequest, `"field":"name"`)
	wants(t, "more than one object", do(d, http.MethodPost, "/api/saved/reports", report+report), http.StatusBadRequest, "more behind")
	wants(t, "too much", do(d, http.MethodPost, "/api/saved/reports", fmt.Sprintf(`{"name":"x","body":{"a":"%s"}}`, strings.Repeat("x", 300<<10))), http.StatusRequestEntityTooLarge, "too_large")
	wants(t, "remove an old version", do(d, http.MethodDelete, path, "", `If-Match: "1"`), http.StatusPreconditionFailed, "conflict")
	wants(t, "remove", do(d, http.MethodDelete, path, ""), http.StatusNoContent, "")
	wants(t, "gone", get(d, path), http.StatusNotFound, "not_found")
}
