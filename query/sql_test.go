package query_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/spoorhq/spoor/internal/fakedb"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
)

// asker answers every query alike.
type asker struct{ db *sql.DB }

func answering(t *testing.T, answer *fakedb.Answer, err error) asker {
	t.Helper()
	db := fakedb.Open(func(context.Context, string, []any) (*fakedb.Answer, error) { return answer, err })
	t.Cleanup(func() { db.Close() })
	return asker{db}
}

func (a asker) Query(ctx context.Context, query string, args ...any) (warehouse.Rows, error) {
	return a.db.QueryContext(ctx, query, args...) //nolint:rowserrcheck // whoever asked reads them
}

// decimal is a number as a driver gives it: exact as text.
type decimal string

func (d decimal) String() string { return string(d) }
func (decimal) Float64() float64 { return 0.5 }

type mapping map[any]any

var everything = fakedb.Answer{
	Columns: []string{"n", "x", "truth", "at", "day", "clock", "text", "uuid", "bytes", "huge", "price", "struct", "map", "list", "n"},
	Types: []string{
		"BIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP", "DATE", "TIME", "VARCHAR", "UUID", "BLOB", "HUGEINT", "DECIMAL(4,2)",
		"STRUCT", "MAP", "INTEGER[]", "INTEGER",
	},
	Rows: [][]any{
		{
			int64(math.MaxInt64), 1.5, true, time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC), time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC),
			time.Date(1, 1, 1, 3, 4, 5, 6e8, time.UTC), "a \"quoted\",\nsecond line", []byte("0123456789abcdef"), []byte{0, 255},
			new(big.Int).Lsh(big.NewInt(1), 100), decimal("0.05"), map[string]any{"x": math.NaN(), "at": time.Unix(0, 0)},
			mapping{"k": []byte("v"), int64(2): nil}, []any{int32(1), math.Inf(1)}, int32(7),
		},
		make([]any, 15),
	},
}

const everythingJSON = `[
{"n":9223372036854775807,"x":1.5,"truth":true,"at":"2026-01-02T03:04:05.678901Z","day":"1969-12-31","clock":"03:04:05.6","text":"a \"quoted\",\nsecond line","uuid":"30313233-3435-3637-3839-616263646566","bytes":"AP8=","huge":1267650600228229401496703205376,"price":0.05,"struct":{"at":"1970-01-01T00:00:00Z","x":null},"map":{"2":null,"k":"dg=="},"list":[1,null],"n_2":7},
{"n":null,"x":null,"truth":null,"at":null,"day":null,"clock":null,"text":null,"uuid":null,"bytes":null,"huge":null,"price":null,"struct":null,"map":null,"list":null,"n_2":null}
]
`

func TestJSON(t *testing.T) {
	t.Parallel()
	result, err := query.SQL(t.Context(), answering(t, &everything, nil), "select", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	var have bytes.Buffer
	if err := result.WriteJSON(&have); err != nil {
		t.Fatal(err)
	}
	if have.String() != everythingJSON {
		t.Errorf("want\n%s\nhave\n%s", everythingJSON, &have)
	}
	if !json.Valid(have.Bytes()) {
		t.Error("want valid JSON")
	}
}

// NDJSON is the same objects, one a line, with nothing around them; of no rows nothing at all.
func TestNDJSON(t *testing.T) {
	t.Parallel()
	result, err := query.SQL(t.Context(), answering(t, &everything, nil), "select", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	var have bytes.Buffer
	if err := result.WriteNDJSON(&have); err != nil {
		t.Fatal(err)
	}
	want := strings.TrimSuffix(strings.TrimPrefix(strings.ReplaceAll(everythingJSON, "},\n", "}\n"), "[\n"), "]\n")
	if have.String() != want || result.Read() != 2 {
		t.Errorf("want\n%s\nhave %d rows\n%s", want, result.Read(), &have)
	}
	none, err := query.SQL(t.Context(), answering(t, &fakedb.Answer{Columns: []string{"a"}}, nil), "select", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer none.Close()
	have.Reset()
	if err := none.WriteNDJSON(&have); err != nil || have.Len() > 0 {
		t.Errorf("want nothing; have %q, %v", &have, err)
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	result, err := query.SQL(t.Context(), answering(t, &everything, nil), "select", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	var have bytes.Buffer
	if err := result.WriteCSV(&have); err != nil {
		t.Fatal(err)
	}
	want := `n,x,truth,at,day,clock,text,uuid,bytes,huge,price,struct,map,list,n_2
9223372036854775807,1.5,true,2026-01-02T03:04:05.678901Z,1969-12-31,03:04:05.6,"a ""quoted"",
second line",30313233-3435-3637-3839-616263646566,AP8=,1267650600228229401496703205376,0.05,"{""at"":""1970-01-01T00:00:00Z"",""x"":null}","{""2"":null,""k"":""dg==""}","[1,null]",7
,,,,,,,,,,,,,,
`
	if have.String() != want {
		t.Errorf("want\n%s\nhave\n%s", want, &have)
	}
}

func TestParquet(t *testing.T) {
	t.Parallel()
	result, err := query.SQL(t.Context(), answering(t, &everything, nil), "select", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	var out bytes.Buffer
	if err := result.WriteParquet(&out); err != nil {
		t.Fatal(err)
	}
	have, types := readParquet(t, out.Bytes())
	wantTypes := []string{
		"int64", "float64", "bool", "timestamp[us, tz=UTC]", "date32", "utf8", "utf8", "utf8", "utf8", "utf8", "utf8", "utf8", "utf8", "utf8", "int64",
	}
	want := []string{
		"9223372036854775807", "1.5", "true", "2026-01-02T03:04:05.678901Z", "1969-12-31", "03:04:05.6", "a \"quoted\",\nsecond line",
		"30313233-3435-3637-3839-616263646566", "AP8=", "1267650600228229401496703205376", "0.05",
		`{"at":"1970-01-01T00:00:00Z","x":null}`, `{"2":null,"k":"dg=="}`, "[1,null]", "7",
	}
	if len(have) != 2 {
		t.Fatalf("want 2 rows; have %d", len(have))
	}
	for i, value := range have[0] {
		if types[i] != wantTypes[i] {
			t.Errorf("column %d: want type %s; have %s", i, wantTypes[i], types[i])
		}
		if value != want[i] {
			t.Errorf("column %d: want %q; have %q", i, want[i], value)
		}
		if have[1][i] != "(null)" {
			t.Errorf("column %d of the empty row: want null; have %q", i, have[1][i])
		}
	}
}

// More rows than a row group holds come back as they were.
func TestParquetRowGroups(t *testing.T) {
	t.Parallel()
	const rows = 100_001
	answer := &fakedb.Answer{Columns: []string{"n"}, Types: []string{"BIGINT"}}
	for i := range rows {
		answer.Rows = append(answer.Rows, []any{int64(i)})
	}
	result, err := query.SQL(t.Context(), answering(t, answer, nil), "select", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	var out bytes.Buffer
	if err := result.WriteParquet(&out); err != nil {
		t.Fatal(err)
	}
	have, _ := readParquet(t, out.Bytes())
	if len(have) != rows || have[0][0] != "0" || have[50_000][0] != "50000" || have[rows-1][0] != "100000" {
		t.Errorf("want %d rows in their order; have %d", rows, len(have))
	}
}

// readParquet gives the rows as text, and the columns' types.
func readParquet(t *testing.T, data []byte) (rows [][]string, types []string) {
	t.Helper()
	reader, err := file.NewParquetReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	arrow, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	table, err := arrow.ReadTable(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer table.Release()
	rows = make([][]string, table.NumRows())
	for i := range int(table.NumCols()) {
		types = append(types, table.Column(i).DataType().String())
		row := 0
		for _, chunk := range table.Column(i).Data().Chunks() {
			for k := range chunk.Len() {
				rows[row] = append(rows[row], chunk.ValueStr(k))
				row++
			}
		}
	}
	return rows, types
}

func TestLimit(t *testing.T) {
	t.Parallel()
	answer := &fakedb.Answer{Columns: []string{"n"}, Rows: [][]any{{int64(1)}, {int64(2)}, {int64(3)}}}
	for limit, want := range map[int]struct {
		text string
		cut  bool
	}{
		0: {"n\n1\n2\n3\n", false}, 2: {"n\n1\n2\n", true}, 3: {"n\n1\n2\n3\n", false}, 4: {"n\n1\n2\n3\n", false},
	} {
		result, err := query.SQL(t.Context(), answering(t, answer, nil), "select", limit)
		if err != nil {
			t.Fatal(err)
		}
		var have bytes.Buffer
		if err := result.WriteCSV(&have); err != nil {
			t.Fatal(err)
		}
		if have.String() != want.text || result.Cut() != want.cut {
			t.Errorf("limit %d: want %q, cut %v; have %q, %v", limit, want.text, want.cut, &have, result.Cut())
		}
		if err := result.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSQLErrors(t *testing.T) {
	t.Parallel()
	if _, err := query.SQL(t.Context(), answering(t, nil, nil), " \n", 0); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("an empty statement: want an error; have %v", err)
	}
	if _, err := query.SQL(t.Context(), answering(t, nil, warehouse.ErrNotReadOnly), "drop table events", 0); !errors.Is(err, warehouse.ErrNotReadOnly) {
		t.Errorf("want the warehouse's error; have %v", err)
	}
	broken := errors.New("the line was cut")
	answer := &fakedb.Answer{Columns: []string{"n"}, Types: []string{"BIGINT"}, Rows: [][]any{{int64(1)}}, Err: broken}
	for name, write := range map[string]func(*query.Result, *bytes.Buffer) error{
		"json":    func(r *query.Result, w *bytes.Buffer) error { return r.WriteJSON(w) },
		"csv":     func(r *query.Result, w *bytes.Buffer) error { return r.WriteCSV(w) },
		"parquet": func(r *query.Result, w *bytes.Buffer) error { return r.WriteParquet(w) },
	} {
		result, err := query.SQL(t.Context(), answering(t, answer, nil), "select", 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := write(result, &bytes.Buffer{}); !errors.Is(err, broken) {
			t.Errorf("%s: want the error that came after the first row; have %v", name, err)
		}
		if err := result.Close(); err != nil {
			t.Error(err)
		}
	}
	wrong := &fakedb.Answer{Columns: []string{"n"}, Types: []string{"BIGINT"}, Rows: [][]any{{"text"}}}
	result, err := query.SQL(t.Context(), answering(t, wrong, nil), "select", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	if err := result.WriteParquet(&bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "column n") {
		t.Errorf("a value that is not of its column's type: want an error that names the column; have %v", err)
	}
}

func TestEmptyAnswer(t *testing.T) {
	t.Parallel()
	answer := &fakedb.Answer{Columns: []string{"n", "what"}, Types: []string{"BIGINT", "VARCHAR"}}
	write := func(write func(*query.Result, *bytes.Buffer) error) string {
		result, err := query.SQL(t.Context(), answering(t, answer, nil), "select", 0)
		if err != nil {
			t.Fatal(err)
		}
		defer result.Close()
		var out bytes.Buffer
		if err := write(result, &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if have := write(func(r *query.Result, w *bytes.Buffer) error { return r.WriteJSON(w) }); have != "[]\n" {
		t.Errorf("json: want []; have %q", have)
	}
	if have := write(func(r *query.Result, w *bytes.Buffer) error { return r.WriteCSV(w) }); have != "n,what\n" {
		t.Errorf("csv: want the header; have %q", have)
	}
	parquet := write(func(r *query.Result, w *bytes.Buffer) error { return r.WriteParquet(w) })
	if rows, types := readParquet(t, []byte(parquet)); len(rows) != 0 || len(types) != 2 {
		t.Errorf("parquet: want no rows of 2 columns; have %v, %v", rows, types)
	}
}
