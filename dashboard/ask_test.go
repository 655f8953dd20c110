package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	arrow "github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/spoorhq/spoor/internal/fakedb"
	"github.com/spoorhq/spoor/warehouse"
)

var threeRows = &fakedb.Answer{
	Columns: []string{"n", "name", "at"}, Types: []string{"BIGINT", "VARCHAR", "TIMESTAMP"},
	Rows: [][]any{
		{int64(1), "one, \"first\"", time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)},
		{int64(2), nil, nil},
		{int64(3), "three", nil},
	},
}

// answering gives a house whose warehouse answers everything alike.
func answering(t *testing.T, answer *fakedb.Answer, err error) *house {
	t.Helper()
	h := newHouse(t)
	h.answer = func(context.Context, string, []any) (*fakedb.Answer, error) { return answer, err }
	return h
}

func TestSQLFormats(t *testing.T) {
	t.Parallel()
	d := answering(t, threeRows, nil).open()
	const asJSON = `[
{"n":1,"name":"one, \"first\"","at":"2026-01-02T03:04:05.000006Z"},
{"n":2,"name":null,"at":null},
{"n":3,"name":"three","at":null}
]
`
	for _, c := range []struct{ query, body, kind, want string }{
		{"", `{"sql":"select"}`, "application/json", asJSON},
		{"?format=json", `{"sql":"select","limit":0}`, "application/json", asJSON},
		{"?format=json", `{"sql":"select","limit":1}`, "application/json", "[\n{\"n\":1,\"name\":\"one, \\\"first\\\"\",\"at\":\"2026-01-02T03:04:05.000006Z\"}\n]\n"},
		{"?format=csv", `{"sql":"select"}`, "text/csv; charset=utf-8", "n,name,at\n1,\"one, \"\"first\"\"\",2026-01-02T03:04:05.000006Z\n2,,\n3,three,\n"},
		{"?format=csv", `{"sql":"select","limit":2}`, "text/csv; charset=utf-8", "n,name,at\n1,\"one, \"\"first\"\"\",2026-01-02T03:04:05.000006Z\n2,,\n"},
	} {
		w := do(d, http.MethodPost, "/api/sql"+c.query, c.body)
		if w.Code != http.StatusOK || w.Body.String() != c.want || w.Header().Get("Content-Type") != c.kind {
			t.Errorf("%s %s: want %s\n%s\nhave %d %s\n%s", c.query, c.body, c.kind, c.want, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
	}
}

func TestSQLParquet(t *testing.T) {
	t.Parallel()
	d := answering(t, threeRows, nil).open()
	w := do(d, http.MethodPost, "/api/sql?format=parquet", `{"sql":"select","limit":2}`)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/vnd.apache.parquet" {
		t.Fatalf("want a Parquet file; have %d %s", w.Code, w.Header())
	}
	reader, err := file.NewParquetReader(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	rows, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{}, arrow.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	table, err := rows.ReadTable(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer table.Release()
	var have []string
	for i := range int(table.NumCols()) {
		c := table.Column(i)
		have = append(have, fmt.Sprint(c.Name(), " ", c.DataType(), " ", c.Data().Chunk(0)))
	}
	want := []string{"n int64 [1 2]", `name utf8 ["one, \"first\"" (null)]`, "at timestamp[us, tz=UTC] [1767323045000006 (null)]"}
	if strings.Join(have, "; ") != strings.Join(want, "; ") {
		t.Errorf("want %q; have %q", want, have)
	}
}

func TestSQLErrors(t *testing.T) {
	t.Parallel()
	d := answering(t, nil, warehouse.ErrNotReadOnly).open()
	for _, c := range []struct {
		name, query, body string
		status            int
		want              string
	}{
		{"a statement that writes", "", `{"sql":"drop table events"}`, 400, warehouse.ErrNotReadOnly.Error()},
		{"an empty statement", "", `{"sql":" "}`, 400, "sql cannot be empty"},
		{"no JSON", "", `select 1`, 400, "the body must be"},
		{"no body", "", ``, 400, "the body must be"},
		{"a negative limit", "", `{"sql":"select","limit":-1}`, 400, "limit cannot be below 0; got -1"},
		{"an unknown format", "?format=xml", `{"sql":"select"}`, 400, `format must be json, csv, parquet or lines; got \"xml\"`},
		{"a body too large", "", `{"sql":"` + strings.Repeat("x", maxSQLBytes) + `"}`, 413, "cannot be over 1048576 bytes"},
	} {
		w := do(d, http.MethodPost, "/api/sql"+c.query, c.body)
		wants(t, c.name, w, c.status, c.want)
		var said fault
		if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || said.Code == "" {
			t.Errorf("%s: want an error with a code; have %s", c.name, w.Body)
		}
	}
}

func TestSQLTimeout(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.options.QueryFor = 10 * time.Millisecond
	h.answer = func(ctx context.Context, _ string, _ []any) (*fakedb.Answer, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	d := h.open()
	wants(t, "sql", do(d, http.MethodPost, "/api/sql", `{"sql":"select"}`), http.StatusGatewayTimeout, "the query took too long")
	wants(t, "newest", get(d, "/api/newest"), http.StatusGatewayTimeout, "the query took too long")
}

// A fault before anything was sent is an error; after that, a trailer.
func TestSQLFaultWhileSending(t *testing.T) {
	t.Parallel()
	broken := errors.New("the line\nwas cut")
	few := &fakedb.Answer{Columns: []string{"n"}, Types: []string{"BIGINT"}, Rows: [][]any{{int64(1)}}, Err: broken}
	w := do(answering(t, few, nil).open(), http.MethodPost, "/api/sql", `{"sql":"select"}`)
	wants(t, "a fault at once", w, http.StatusBadRequest, "the line\\nwas cut")

	many := &fakedb.Answer{Columns: []string{"n"}, Types: []string{"BIGINT"}, Err: broken}
	for i := range 100_000 {
		many.Rows = append(many.Rows, []any{int64(i)})
	}
	url := answering(t, many, nil).serve()
	for _, format := range []string{"json", "csv"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/sql?format="+format, strings.NewReader(`{"sql":"select"}`))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || !bytes.Contains(text, []byte("99999")) {
			t.Errorf("%s: want the rows up to the fault; have %d, %d bytes, %v", format, response.StatusCode, len(text), err)
		}
		if have := response.Trailer.Get("Spoor-Error"); have != "the line was cut" {
			t.Errorf("%s: want the fault in the trailer; have %q", format, have)
		}
	}
}

func TestNewest(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var args []any
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	h.answer = func(_ context.Context, _ string, given []any) (*fakedb.Answer, error) {
		args = given
		return &fakedb.Answer{Columns: make([]string, 12), Rows: [][]any{
			{"m1", "web", "track", "Buy", "ada", "", at, at, "segment", `{"n":1}`, "", `{}`},
		}}, nil
	}
	d := h.open()
	w := get(d, "/api/newest?limit=7&source=web&event=Buy")
	wants(t, "newest", w, http.StatusOK, "")
	want := `[{"message_id":"m1","source":"web","type":"track","event":"Buy","user_id":"ada","received_at":"2026-11-23T12:00:00Z",` +
		`"original_timestamp":"2026-11-23T12:00:00Z","protocol":"segment","properties":{"n":1}}]` + "\n"
	if w.Body.String() != want {
		t.Errorf("want %s\nhave %s", want, w.Body)
	}
	if fmt.Sprint(args[1:]) != "[web web Buy Buy 7]" {
		t.Errorf("want the filter and the limit asked; have %v", args)
	}
	for _, limit := range []string{"0", "-1", "201", "x"} {
		wants(t, "limit "+limit, get(d, "/api/newest?limit="+limit), http.StatusBadRequest, "limit must be a number from 1 to 200")
	}
}
