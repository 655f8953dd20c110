package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/internal/fakedb"
)

// asksFile asks for a file and gives its state.
func asksFile(t *testing.T, d *Dashboard, body string) FileState {
	t.Helper()
	w := do(d, http.MethodPost, "/api/files", body)
	var s FileState
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || w.Code != http.StatusCreated || s.ID == "" || s.State != fileAsked {
		t.Fatalf("want a file; have %d %s", w.Code, w.Body)
	}
	return s
}

func stateOf(t *testing.T, d *Dashboard, id string) FileState {
	t.Helper()
	var s FileState
	if err := json.Unmarshal(get(d, "/api/files/"+id).Body.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// A file is asked for, fetched once as an attachment, and says what became of it.
func TestFile(t *testing.T) {
	t.Parallel()
	d := answering(t, threeRows, nil).open()
	s := asksFile(t, d, `{"sql":"select","format":"csv","name":"orders: \"all\"/2026"}`)
	w := get(d, "/api/files/"+s.ID+"/content")
	wants(t, "the content", w, http.StatusOK, "3,three,\n")
	if have := w.Header().Get("Content-Disposition"); have != `attachment; filename="orders- -all--2026.csv"` {
		t.Errorf("want an attachment of this name; have %s", have)
	}
	if have := stateOf(t, d, s.ID); have.State != fileDone || have.Rows != 3 || have.Bytes != int64(w.Body.Len()) || have.Progress != nil {
		t.Errorf("want it done; have %+v", have)
	}
	wants(t, "once more", get(d, "/api/files/"+s.ID+"/content"), http.StatusConflict, "fetched once")
	wants(t, "cancelling what is done", do(d, http.MethodDelete, "/api/files/"+s.ID, ""), http.StatusNoContent, "")
	if have := stateOf(t, d, s.ID); have.State != fileDone {
		t.Errorf("want it done all the same; have %+v", have)
	}
	s = asksFile(t, d, `{"sql":"select","format":"json","limit":1}`)
	wants(t, "cancelling what is asked", do(d, http.MethodDelete, "/api/files/"+s.ID, ""), http.StatusNoContent, "")
	wants(t, "fetching what was given up", get(d, "/api/files/"+s.ID+"/content"), http.StatusConflict, "fetched once")
	for body, want := range map[string]string{
		`{"format":"csv"}`: `"field":"sql"`,
		`{"sql":"select","people":{},"format":"csv"}`:                               `"field":"sql"`,
		`{"sql":"select","format":"lines"}`:                                         `"field":"format","value":"lines"`,
		`{"sql":"select","format":"csv","limit":-1}`:                                `"field":"limit"`,
		`{"people":{"events":{}},"format":"csv","limit":1}`:                         `"field":"limit"`,
		`{"people":{},"format":"csv"}`:                                              `"field":"people"`,
		`{"sql":"select","format":"csv","name":"` + strings.Repeat("x", 101) + `"}`: `"field":"name"`,
	} {
		wants(t, body, do(d, http.MethodPost, "/api/files", body), http.StatusBadRequest, want)
	}
	wants(t, "no file", get(d, "/api/files/x"), http.StatusNotFound, "not_found")
	wants(t, "no content", get(d, "/api/files/x/content"), http.StatusNotFound, "not_found")
	wants(t, "nothing to cancel", do(d, http.MethodDelete, "/api/files/x", ""), http.StatusNotFound, "not_found")
}

type onePerson struct {
	Person      string
	Events      int64
	First, Last time.Time
	Traits      json.RawMessage
}

// All the people behind a number are in the file, with their traits and times, in the order of the list.
func TestFileOfPeople(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.options.Warehouse = filled(t)
	d := h.open()
	const number = `{"events":{"bots":true}`
	var list struct {
		Found int64
		List  []onePerson
	}
	w := do(d, http.MethodPost, "/api/query/people", number+`,"limit":10000}`)
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || list.Found < 5 {
		t.Fatalf("want people; have %s, %v", w.Body, err)
	}
	s := asksFile(t, d, `{"people":`+number+`},"format":"ndjson","name":"people"}`)
	content := get(d, "/api/files/"+s.ID+"/content")
	n, traits := 0, 0
	for line := range strings.Lines(content.Body.String()) {
		var have onePerson
		if err := json.Unmarshal([]byte(line), &have); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		want := list.List[n]
		if n++; have.Person != want.Person || have.Events != want.Events || !have.First.Equal(want.First) || !have.Last.Equal(want.Last) {
			t.Errorf("line %d: want %+v; have %s", n, want, line)
		}
		if strings.HasPrefix(string(have.Traits), "{") {
			traits++
		}
	}
	if int64(n) != list.Found || stateOf(t, d, s.ID).Rows != list.Found || traits == 0 {
		t.Errorf("want %d people, some with traits; have %d, %d with traits", list.Found, n, traits)
	}
	s = asksFile(t, d, `{"people":`+number+`,"limit":5},"format":"csv"}`)
	wants(t, "with a limit", get(d, "/api/files/"+s.ID+"/content"), http.StatusBadRequest, "all people are")
	if have := stateOf(t, d, s.ID); have.State != fileFailed || have.Code != codeInvalid {
		t.Errorf("want the fault; have %+v", have)
	}
}

// fetch gets a file's content over a connection, and gives its status; 0: there was none.
func fetch(ctx context.Context, server, id string) (status int, text []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server+"/api/files/"+id+"/content", http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	text, err = io.ReadAll(response.Body)
	return response.StatusCode, text, err
}

// A file that cannot be ended breaks the connection off: nobody takes a part for the whole. What fails before the first byte
// has a status.
func TestFileCutOff(t *testing.T) {
	t.Parallel()
	long := &fakedb.Answer{Columns: []string{"text"}, Err: errors.New("the disk is gone")}
	for range 3 {
		long.Rows = append(long.Rows, []any{strings.Repeat("x", 100<<10)})
	}
	h := answering(t, long, nil)
	d := h.open()
	server := serveHandler(t, d)
	for _, format := range []string{"csv", "json", "ndjson"} {
		s := asksFile(t, d, `{"sql":"select","format":"`+format+`"}`)
		_, text, err := fetch(t.Context(), server, s.ID)
		if !errors.Is(err, io.ErrUnexpectedEOF) || len(text) == 0 {
			t.Errorf("%s: want the connection broken off behind what there was; have %d bytes, %v", format, len(text), err)
		}
		if have := stateOf(t, d, s.ID); have.State != fileFailed || !strings.Contains(have.Error, "the disk is gone") {
			t.Errorf("%s: want the fault; have %+v", format, have)
		}
	}
	h.set(func() {
		h.answer = func(context.Context, string, []any) (*fakedb.Answer, error) { return nil, errors.New("no such table") }
	})
	s := asksFile(t, d, `{"sql":"select","format":"csv"}`)
	w := get(d, "/api/files/"+s.ID+"/content")
	wants(t, "no statement", w, http.StatusBadRequest, `"code":"bad_sql"`)
	if w.Header().Get("Content-Disposition") != "" {
		t.Error("want no attachment of a fault")
	}
}

// Who gives a file up ends the statement, by the API or by leaving.
func TestFileCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	source := filled(t)
	for _, how := range []string{"DELETE", "leaving"} {
		h := newHouse(t)
		s := newSlow(source)
		h.options.Warehouse = s
		d := h.open()
		server := serveHandler(t, d)
		f := asksFile(t, d, `{"sql":"select 1","format":"csv"}`)
		fetching, leave := context.WithCancel(ctx)
		fetched := make(chan int, 1)
		go func() {
			status, _, _ := fetch(fetching, server, f.ID)
			fetched <- status
		}()
		select {
		case <-s.begun:
		case <-ctx.Done():
			t.Fatal("the statement does not begin")
		}
		if p := stateOf(t, d, f.ID); p.State != fileRunning || p.Progress == nil || p.Progress.Done == nil || *p.Progress.Done != 1.0/3 || p.Progress.Deadline != exportFor.Seconds() {
			t.Errorf("want a third done; have %+v", p)
		}
		want := http.StatusConflict
		if how == "leaving" {
			want = 0
			leave()
		} else {
			do(d, http.MethodDelete, "/api/files/"+f.ID, "")
		}
		select {
		case <-s.ended:
		case <-ctx.Done():
			t.Fatalf("%s: the statement goes on", how)
		}
		if have := <-fetched; have != want {
			t.Errorf("%s: want the status %d; have %d", how, want, have)
		}
		have := stateOf(t, d, f.ID)
		for tick := time.NewTicker(time.Millisecond); have.State == fileRunning && ctx.Err() == nil; have = stateOf(t, d, f.ID) {
			<-tick.C // the handler has yet to hear of it
		}
		if have.State != fileCancelled || have.Error != "" {
			t.Errorf("%s: want it cancelled; have %+v", how, have)
		}
		leave()
	}
}

// There is room for so many files, and those that are done make room in time.
func TestFilesAreBounded(t *testing.T) {
	t.Parallel()
	h := answering(t, threeRows, nil)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	h.options.Now = func() time.Time { return now }
	d := h.open()
	for range maxFiles {
		asksFile(t, d, `{"sql":"select","format":"csv"}`)
	}
	wants(t, "one too many", do(d, http.MethodPost, "/api/files", `{"sql":"select","format":"csv"}`), http.StatusConflict, `"code":"busy"`)
	now = now.Add(keepFiles + time.Second)
	asksFile(t, d, `{"sql":"select","format":"csv"}`)
}
