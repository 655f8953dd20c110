package dashboard

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spoorhq/spoor/query"
)

// A file is an answer that whoever asks for it writes to a disk as it comes, however long it is: a browser cannot hold it in
// memory. It is asked for, which gives its id; fetched under that once; and looked at and given up under it meanwhile.

// fileAsk is what a file is to hold: one of sql and people.
type fileAsk struct {
	SQL    string            `json:"sql,omitempty" description:"one SELECT, whose rows are all in the file"`
	Limit  int               `json:"limit,omitempty" minimum:"0" description:"with sql: the most rows; 0: all"`
	People *query.PeopleList `json:"people,omitempty" description:"all the people behind a number, without limit and skip"`
	Format string            `json:"format" required:"true" enum:"csv,parquet,json,ndjson"`
	Name   string            `json:"name,omitempty" description:"of the file, without an ending" maxLength:"100"`
}

// The states of a file.
const (
	fileAsked     = "asked" // and not fetched yet
	fileRunning   = "running"
	fileDone      = "done"
	fileFailed    = "failed"
	fileCancelled = "cancelled"
)

// FileState is how far a file is.
type FileState struct {
	ID    string `json:"id" required:"true"`
	Name  string `json:"name" required:"true" description:"of the file, with its ending"`
	State string `json:"state" required:"true" enum:"asked,running,done,failed,cancelled"`
	// Rows and Bytes have been sent.
	Rows     int64           `json:"rows" required:"true" description:"sent so far"`
	Bytes    int64           `json:"bytes" required:"true" description:"sent so far"`
	Progress *query.Progress `json:"progress,omitempty" description:"while it runs"`
	Error    string          `json:"error,omitempty" description:"why it failed"`
	Code     faultCode       `json:"code,omitempty"`
}

// fileWork is one of them. Its mutex guards what changes.
type fileWork struct {
	id, name string
	ask      fileAsk
	as       format

	mu     sync.Mutex
	state  string
	since  time.Time
	work   *query.Work
	cancel context.CancelFunc
	fault  fault

	rows  atomic.Pointer[query.Result]
	bytes atomic.Int64
}

// files are those that somebody may yet ask about.
type files struct {
	mu  sync.Mutex
	all map[string]*fileWork
}

// Bounds of files: how many are kept, and how long one is that nobody fetches, or that is ended.
const (
	maxFiles  = 200
	keepFiles = 10 * time.Minute
)

type fileParams struct {
	ID string `path:"id"`
}

func (d *Dashboard) fileOperations() []operation {
	return []operation{
		{
			route: "POST /api/files", id: "askFile", group: groupAsk, title: "Ask for an answer as a file", scope: scopeRead,
			about: "Nothing is run yet: the content is fetched under the id, once. It is written as it comes, and may take 30 minutes.",
			body:  fileAsk{}, gives: FileState{}, status: http.StatusCreated, refuse: []int{400, 409, 413},
			sample: map[string]any{"a statement": fileAsk{SQL: "select * from events", Format: "parquet", Name: "events"}}, handle: d.askFile,
		},
		{
			route: "GET /api/files/{id}", id: "file", group: groupAsk, title: "How far a file is", scope: scopeRead,
			params: fileParams{}, gives: FileState{}, refuse: []int{404}, handle: d.fileState,
		},
		{
			route: "GET /api/files/{id}/content", id: "fileContent", group: groupAsk, title: "The file itself", scope: scopeRead,
			about:  "An attachment. When it cannot be ended the connection is broken off, so that a part is not taken for the whole; GET /api/files/{id} tells why.",
			params: fileParams{}, types: []string{"text/csv", "application/vnd.apache.parquet", "application/json", "application/x-ndjson"},
			refuse: []int{400, 404, 409, 504}, handle: d.fileContent,
		},
		{
			route: "DELETE /api/files/{id}", id: "cancelFile", group: groupAsk, title: "Give a file up", scope: scopeRead,
			about:  "What is being asked for it is ended in the warehouse.",
			params: fileParams{}, status: http.StatusNoContent, refuse: []int{404}, handle: d.cancelFile,
		},
	}
}

func (d *Dashboard) askFile(w http.ResponseWriter, r *http.Request) {
	var ask fileAsk
	if !read(w, r, maxSQLBytes, &ask) {
		return
	}
	as, known := formatOf(ask.Format)
	switch {
	case !known || ask.Format == "lines":
		refuseField(w, "format", ask.Format, fmt.Errorf("format must be csv, parquet, json or ndjson; got %q", ask.Format))
		return
	case (strings.TrimSpace(ask.SQL) == "") == (ask.People == nil):
		refuseField(w, "sql", ask.SQL, errors.New("one of sql and people must be given"))
		return
	case ask.Limit < 0 || ask.Limit > 0 && ask.People != nil:
		refuseField(w, "limit", ask.Limit, fmt.Errorf("limit goes with sql, and cannot be below 0; got %d", ask.Limit))
		return
	case len(ask.Name) > 100:
		refuseField(w, "name", len(ask.Name), fmt.Errorf("name cannot be over 100 bytes; got %d", len(ask.Name)))
		return
	}
	if ask.People != nil {
		if err := ask.People.Validate(); err != nil {
			d.failed(w, r, err)
			return
		}
	}
	f := &fileWork{id: rand.Text(), name: cmp.Or(plainName(ask.Name), "answer") + "." + as.name, ask: ask, as: as, state: fileAsked, since: d.options.Now()}
	if !d.files.keep(f, d.options.Now()) {
		refuse(w, http.StatusConflict, codeBusy, fmt.Errorf("%d files are being written; wait until one of them is done", maxFiles))
		return
	}
	answerWith(w, http.StatusCreated, f.is())
}

// plainName leaves of a name what every system takes.
func plainName(name string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '-'
		}
		return r
	}, name), ". -")
}

// keep notes a file, and forgets those that nobody asks about any more; false: there are too many.
func (f *files) keep(one *fileWork, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.all, func(_ string, old *fileWork) bool {
		old.mu.Lock()
		defer old.mu.Unlock()
		return old.state != fileRunning && now.Sub(old.since) > keepFiles
	})
	if len(f.all) >= maxFiles {
		return false
	}
	if f.all == nil {
		f.all = map[string]*fileWork{}
	}
	f.all[one.id] = one
	return true
}

// fileOf finds the file that a request is about. When it gives nil it has answered.
func (d *Dashboard) fileOf(w http.ResponseWriter, r *http.Request) *fileWork {
	d.files.mu.Lock()
	defer d.files.mu.Unlock()
	f := d.files.all[r.PathValue("id")]
	if f == nil {
		refuse(w, http.StatusNotFound, codeNotFound, fmt.Errorf("there is no file %q; it is forgotten %s after it was asked for or written", r.PathValue("id"), keepFiles))
	}
	return f
}

func (f *fileWork) is() FileState {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := FileState{ID: f.id, Name: f.name, State: f.state, Bytes: f.bytes.Load(), Error: f.fault.Error, Code: f.fault.Code}
	if rows := f.rows.Load(); rows != nil {
		s.Rows = rows.Read()
	}
	if f.state == fileRunning {
		s.Progress = new(f.work.Progress())
	}
	return s
}

func (d *Dashboard) fileState(w http.ResponseWriter, r *http.Request) {
	if f := d.fileOf(w, r); f != nil {
		answer(w, f.is())
	}
}

// cancelFile ends the writing of a file. One that is written stays as it is.
func (d *Dashboard) cancelFile(w http.ResponseWriter, r *http.Request) {
	f := d.fileOf(w, r)
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch f.state {
	case fileAsked:
		f.state, f.since = fileCancelled, d.options.Now()
	case fileRunning:
		f.state = fileCancelled
		f.cancel()
	}
	w.WriteHeader(http.StatusNoContent)
}

// begin takes a file that nobody has fetched; false: somebody has, or it was given up.
func (f *fileWork) begin(ctx context.Context) (context.Context, context.CancelFunc, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state != fileAsked {
		return ctx, nil, false
	}
	ctx, f.cancel = context.WithTimeout(ctx, exportFor)
	f.state, f.work = fileRunning, query.NewWork(exportFor)
	return ctx, f.cancel, true
}

// end notes how the writing has ended.
func (f *fileWork) end(r *http.Request, now time.Time, why fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.since = now
	switch {
	case f.state == fileCancelled:
	case r.Context().Err() != nil: // a browser's own list of downloads can cancel too
		f.state = fileCancelled
	case why.Code != "":
		f.state, f.fault = fileFailed, why
	default:
		f.state = fileDone
	}
}

func (d *Dashboard) fileContent(w http.ResponseWriter, r *http.Request) {
	f := d.fileOf(w, r)
	if f == nil {
		return
	}
	ctx, cancel, first := f.begin(r.Context())
	if !first {
		refuse(w, http.StatusConflict, codeConflict, errors.New("a file is fetched once: ask for it anew"))
		return
	}
	defer cancel()
	left := &leaving{w: w}
	err := f.write(ctx, d, io.MultiWriter(left, counter{&f.bytes}), w.Header())
	if err == nil {
		f.end(r, d.options.Now(), fault{})
		return
	}
	status, why := http.StatusBadRequest, fault{Error: err.Error(), Code: codeBadSQL}
	_, isInvalid := errors.AsType[*query.Invalid](err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		status, why = http.StatusConflict, fault{Error: "the file was given up", Code: codeConflict}
	case ctx.Err() != nil:
		status, why = d.faultOf(r, ctx.Err())
	case isInvalid:
		status, why = d.faultOf(r, err)
	}
	f.end(r, d.options.Now(), why)
	if left.yes {
		// The status cannot change any more, and a file that ends in its middle must not look whole.
		d.options.Logger.Warn("a file was cut off", "err", err)
		panic(http.ErrAbortHandler)
	}
	if status != 0 {
		w.Header().Del("Content-Disposition")
		answerWith(w, status, why)
	}
}

// write writes the content.
func (f *fileWork) write(ctx context.Context, d *Dashboard, out io.Writer, h http.Header) error {
	var result *query.Result
	var err error
	if f.ask.People != nil {
		result, err = d.engine.ExportPeople(ctx, *f.ask.People, f.work)
	} else {
		result, err = query.SQL(ctx, f.work.Watched(d.options.Warehouse), f.ask.SQL, f.ask.Limit)
	}
	if err != nil {
		return err
	}
	defer result.Close()
	f.rows.Store(result)
	h.Set("Content-Type", f.as.contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.name}))
	return f.as.send(result, out)
}

// counter counts bytes.
type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}
