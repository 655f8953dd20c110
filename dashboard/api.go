package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spoorhq/spoor/audit"
	"github.com/spoorhq/spoor/query"
)

// operation is one route of the API: who may use it, what it takes and what it gives. The routes, the scopes that the
// guard asks for, and the document at /api are made of these and of nothing else.
type operation struct {
	route  string // as http.ServeMux has it, with the method
	id     string // for programs that are made from the document
	group  string
	title  string
	about  string
	scope  scope
	params any            // a struct with path, query and header tags; nil: none
	body   any            // a struct that is read from JSON; nil: none
	gives  any            // what is given as JSON; nil: none
	status int            // of success; 0: 200
	types  []string       // other content types in which the answer is given
	heads  any            // a struct with header tags: headers of the answer
	refuse []int          // statuses with a fault, beside those that every route may give
	sample map[string]any // examples of the body, by name
	handle http.HandlerFunc
}

// The groups of the document.
const (
	groupAsk   = "Questions"
	groupLine  = "The line"
	groupSaved = "What is saved"
	groupRun   = "Running it"
)

// operations are all routes below /api.
func (d *Dashboard) operations() []operation {
	all := []operation{
		{
			route: "GET /api/live", id: "live", group: groupLine, title: "The state of the line", scope: scopeRead,
			about: "Events each minute of the last hour, from the ledger and from what is in flight, the most frequent names, backlog and freshness.",
			gives: Snapshot{}, handle: d.live,
		},
		{
			route: "GET /api/live/stream", id: "liveStream", group: groupLine, title: "The same each second", scope: scopeRead,
			about: "Server-sent events: `snapshot` holds what GET /api/live gives, `fault` an error.",
			types: []string{"text/event-stream"}, handle: d.liveStream,
		},
		{
			route: "GET /api/newest", id: "newest", group: groupLine, title: "The newest rows", scope: scopeRead,
			about: "The rows of the last hour that were received last.", params: newestParams{},
			gives: []query.NewestEvent{}, refuse: []int{400, 504}, handle: d.newest,
		},
		{
			route: "GET /api/tail", id: "tail", group: groupLine, title: "Events as they are accepted", scope: scopeRead,
			about:  "Server-sent events, `event` and `alive`; or one JSON object a line for who accepts application/x-ndjson. It does not end by itself.",
			params: tailParams{}, types: []string{"text/event-stream", "application/x-ndjson"}, refuse: []int{400}, handle: d.tail,
		},
		{
			route: "POST /api/sql", id: "sql", group: groupAsk, title: "One read-only statement", scope: scopeRead,
			about:  "An array of objects, whose members are in the order of the columns; CSV or Parquet by ?format; or lines: a line of the columns, one for each row and one of how many there were. A fault after the answer has begun is in the trailer Spoor-Error.",
			params: sqlParams{}, body: sqlAsk{}, gives: []map[string]any{}, types: []string{"text/csv", "application/vnd.apache.parquet", "application/x-ndjson"}, refuse: []int{400, 413, 504},
			sample: map[string]any{"names": sqlAsk{SQL: "select event, count(*) as n from events group by 1 order by 2 desc", Limit: 20}},
			handle: d.sql,
		},
		{
			route: "GET /api/audit", id: "audit", group: groupLine, title: "Is what was accepted in the warehouse, once?", scope: scopeRead,
			about:  "Compares what the door accepted with what the warehouse holds, by source and minute, and names what is missing or doubled.",
			params: auditParams{}, gives: audit.Report{}, refuse: []int{400}, handle: d.audit,
		},
		{
			route: "GET /api/version", id: "version", group: groupRun, title: "The server's version", scope: scopeRead,
			gives: map[string]string{}, handle: d.version,
		},
		{
			route: "GET /api/openapi.json", id: "document", group: groupRun, title: "This document, as OpenAPI 3.1", scope: scopeRead,
			gives: map[string]any{}, handle: d.openAPI,
		},
	}
	all = append(all, d.lineOperations()...)
	all = append(all, d.questionOperations()...)
	all = append(all, d.exportOperations()...)
	all = append(all, d.fileOperations()...)
	all = append(all, d.savedOperations()...)
	all = append(all, d.alertOperations()...)
	all = append(all, d.eraseOperations()...)
	return append(all, d.tokenOperations()...)
}

// mount adds the API to a server, and notes which scope each route needs.
func (d *Dashboard) mount(mux *http.ServeMux) {
	d.scopes = map[string]scope{}
	for _, o := range d.operations() {
		d.scopes[o.route] = o.scope
		mux.HandleFunc(o.route, o.handle)
	}
}

// route finds the handler of a request and the scope that it needs. What is no route of the API, as a page is, is read by
// whoever may read; anything that is not known and may change something is an administrator's.
func (d *Dashboard) route(mux *http.ServeMux, r *http.Request) (http.Handler, scope) {
	handler, pattern := mux.Handler(r)
	if need, ok := d.scopes[pattern]; ok {
		return mux, need
	}
	if pattern == "" && strings.HasPrefix(r.URL.Path, "/api/") {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { noRoute(w, r, handler) }), scopeRead
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return mux, scopeRead
	}
	return mux, scopeAdmin
}

// noRoute says in the API's way what the server says in words: that there is no such path, or not with this method.
func noRoute(w http.ResponseWriter, r *http.Request, said http.Handler) {
	heard := hearing{header: http.Header{}, status: http.StatusOK}
	said.ServeHTTP(&heard, r)
	if heard.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", heard.header.Get("Allow"))
		refuse(w, heard.status, codeNoMethod, fmt.Errorf("%s takes %s; got %s", r.URL.Path, heard.header.Get("Allow"), r.Method))
		return
	}
	refuse(w, http.StatusNotFound, codeNotFound, fmt.Errorf("there is no %s; /api lists what there is", r.URL.Path))
}

// hearing notes an answer's status and header.
type hearing struct {
	header http.Header
	status int
}

func (h *hearing) Header() http.Header         { return h.header }
func (h *hearing) Write(p []byte) (int, error) { return len(p), nil }
func (h *hearing) WriteHeader(status int)      { h.status = status }

// read reads a request's body, which may have so many bytes, and refuses members that it does not know. When it gives
// false it has answered.
func read(w http.ResponseWriter, r *http.Request, most int64, into any) bool {
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, most))
	in.DisallowUnknownFields()
	err := in.Decode(into)
	if err == nil {
		if _, err = in.Token(); errors.Is(err, io.EOF) {
			return true
		}
		err = errors.New("there is more behind the object")
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		refuse(w, http.StatusRequestEntityTooLarge, codeTooLarge, fmt.Errorf("the body cannot be over %d bytes", most))
		return false
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		refuseField(w, wrong.Field, wrong.Value, fmt.Errorf("%s must be a %s; got a %s", wrong.Field, wrong.Type, wrong.Value))
		return false
	}
	refuse(w, http.StatusBadRequest, codeBadRequest, fmt.Errorf("the body must be a JSON object as /api describes it: %w", err))
	return false
}

// The parameters of the routes, for the document.
type (
	newestParams struct {
		Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" description:"The most rows."`
		Source string `query:"source" description:"Only of this source."`
		Event  string `query:"event" description:"Only of this name."`
	}
	tailParams struct {
		Sample  int      `query:"sample" minimum:"0" default:"0" description:"The most events a second; 0: all."`
		Source  []string `query:"source" nullable:"false" description:"Only of these sources."`
		Type    []string `query:"type" nullable:"false" description:"Only of these types."`
		Event   []string `query:"event" nullable:"false" description:"Only of these names."`
		Person  string   `query:"person" description:"Only of this user id or anonymous id."`
		Text    string   `query:"text" description:"Only those that hold this text."`
		Refused bool     `query:"refused" description:"Only those that cannot be loaded."`
	}
	sqlParams struct {
		Format string `query:"format" enum:"json,csv,parquet,lines" default:"json"`
	}
	auditParams struct {
		From string `query:"from" format:"date-time" description:"Received from this time on; by default 24 hours ago."`
		To   string `query:"to" format:"date-time" description:"Up to this time; by default now."`
		Wait string `query:"wait" default:"10s" description:"Wait so long for the warehouse to have what is accepted, at most 5m."`
	}
)
