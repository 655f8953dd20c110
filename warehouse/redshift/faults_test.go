package redshift_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/redshiftfake"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/redshift"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

// open opens a warehouse with its tables.
func open(t *testing.T, location string, fault func(string) error) *redshift.Warehouse {
	t.Helper()
	w, err := redshift.Open(t.Context(), redshift.Options{URL: location, Fault: fault})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := w.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// batch is the nth of realistic ones.
func batch(t *testing.T, n, rows int) *warehouse.Batch {
	t.Helper()
	b := warehousetest.Realistic(n, rows)
	t.Cleanup(b.Events.Release)
	return b
}

// events makes the first batch out of events.
func events(t *testing.T, list ...event.Event) *warehouse.Batch {
	t.Helper()
	rows := event.NewRows(memory.DefaultAllocator, len(list))
	defer rows.Release()
	at := event.Time(1795435200e6)
	for i := range list {
		e := &list[i]
		e.Request = &event.Request{Source: "web", Protocol: "segment"}
		e.Timestamp, e.ReceivedAt, e.OriginalTimestamp, e.SentAt = at, at, event.NoTime, event.NoTime
		if e.Type == "" {
			e.Type = event.TypeTrack
		}
		rows.Append(e)
	}
	n := int64(len(list))
	b := &warehouse.Batch{
		ID: "first", Stream: "main", Moves: []warehouse.Move{{Shard: "0", To: "1"}}, Events: rows.Take(),
		Counts: []warehouse.Count{{Source: "web", Minute: event.Minute(at), Accepted: n, Loaded: n}},
	}
	t.Cleanup(b.Events.Release)
	return b
}

func load(t *testing.T, w *redshift.Warehouse, b *warehouse.Batch) {
	t.Helper()
	if _, err := w.Load(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// lines asks for rows, each as its values joined.
func lines(t *testing.T, w *redshift.Warehouse, query string, args ...any) []string {
	t.Helper()
	rows, err := w.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for rows.Next() {
		values, dest, texts := make([]any, len(columns)), make([]any, len(columns)), make([]string, len(columns))
		for i := range dest {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			if text, ok := v.(json.RawMessage); ok {
				v = string(text)
			}
			texts[i] = fmt.Sprint(v)
		}
		list = append(list, strings.Join(texts, " | "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

func expect(t *testing.T, w *redshift.Warehouse, query string, want ...string) {
	t.Helper()
	if have := lines(t, w, query); strings.Join(have, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s: want %q; have %q", query, want, have)
	}
}

// nothingStaged looks whether files are left in S3.
func nothingStaged(t *testing.T, server *redshiftfake.Server) {
	t.Helper()
	keys, err := server.Objects(bucket, "")
	if err != nil || len(keys) > 0 {
		t.Errorf("want no staged files; have %q (%v)", keys, err)
	}
}

// TestFaults: whatever breaks, nothing is changed, nothing is left in S3, and the same batch goes in afterwards.
func TestFaults(t *testing.T) {
	t.Parallel()
	server, location := standin(t)
	w := open(t, location, nil)
	n := 0
	for fault, want := range map[redshiftfake.Fault]string{
		redshiftfake.CopyFails: "half-way", redshiftfake.Conflict: "1023", redshiftfake.StatementCut: "copying", redshiftfake.CommitLost: "was not committed",
	} {
		n++
		b := batch(t, n, 500)
		server.Faults.Next(fault)
		_, err := w.Load(t.Context(), b)
		if err == nil || errors.Is(err, warehouse.ErrFenced) || errors.Is(err, warehouse.ErrUnknownOutcome) || !strings.Contains(detail(err), want) {
			t.Errorf("%s: want an error with %q that says that nothing changed; have %s", fault, want, detail(err))
		}
		expect(t, w, "select count(*), (select count(*) from loads) from events", fmt.Sprintf("%d | %d", 500*(n-1), n-1))
		nothingStaged(t, server)
		load(t, w, b)
	}
	expect(t, w, "select count(*), count(distinct message_id) from events", fmt.Sprintf("%[1]d | %[1]d", 500*n))
}

// TestCommitUnheard: a commit whose answer is lost is found in the ledger, also one that is done later.
func TestCommitUnheard(t *testing.T) {
	t.Parallel()
	server, location := standin(t)
	w := open(t, location, nil)
	for i, fault := range []redshiftfake.Fault{redshiftfake.CommitUnheard, redshiftfake.CommitLate} {
		b := batch(t, i+1, 100)
		server.Faults.Next(fault)
		receipt, err := w.Load(t.Context(), b)
		if err != nil || receipt.Loaded != 100 {
			t.Errorf("%s: want 100 rows loaded; have %+v (%v)", fault, receipt, err)
		}
		if _, err := w.Load(t.Context(), b); !errors.Is(err, warehouse.ErrFenced) {
			t.Errorf("%s: loading it again: want %v; have %v", fault, warehouse.ErrFenced, err)
		}
	}
	expect(t, w, "select count(*) from events", "200")
	nothingStaged(t, server)
}

// TestMissingFile: a file that is gone before COPY reads it is an error, for each is mandatory; and so is one that is not
// the one that was written.
func TestMissingFile(t *testing.T) {
	t.Parallel()
	server, location := standin(t)
	var harm func(key string) error
	w := open(t, location, func(step string) error {
		if step != "copy" || harm == nil {
			return nil
		}
		keys, err := server.Objects(bucket, "")
		for _, key := range keys {
			if strings.HasSuffix(key, "events-001.json.zst") {
				return harm(key)
			}
		}
		return err
	})
	b := batch(t, 1, 10_100) // in two files
	for want, do := range map[string]func(string) error{
		"NoSuchKey": func(key string) error { return server.Remove(bucket, key) },
		"EOF":       func(key string) error { return server.Put(bucket, key, []byte("\x28\xb5\x2f\xfd")) },
		"COPY took 10000 of 10100 rows": func(key string) error {
			return server.Put(bucket, key, nil)
		},
	} {
		harm = do
		if _, err := w.Load(t.Context(), b); err == nil || !strings.Contains(detail(err), want) {
			t.Errorf("want the error %q; have %s", want, detail(err))
		}
		expect(t, w, "select count(*), (select count(*) from positions) from events", "0 | 0")
	}
	harm = nil
	load(t, w, b)
	expect(t, w, "select count(*) from events", "10100")
	nothingStaged(t, server)
}

// TestArchive: with keep=archive the files of what was committed stay, and no others.
func TestArchive(t *testing.T) {
	t.Parallel()
	server, location := standin(t)
	w := open(t, with(location, "keep", "archive"), nil)
	server.Faults.Next(redshiftfake.CopyFails)
	b := batch(t, 1, 200)
	if _, err := w.Load(t.Context(), b); err == nil {
		t.Error("want the COPY to fail")
	}
	nothingStaged(t, server)
	load(t, w, b)
	keys, err := server.Objects(bucket, "spoor/staged/")
	if err != nil || len(keys) != 2 || !strings.HasSuffix(keys[0], "/events-000.json.zst") || !strings.HasSuffix(keys[1], "/events.manifest") || !strings.Contains(keys[0], "/load-1-") {
		t.Errorf("want one file and its manifest kept under the batch's id; have %q (%v)", keys, err)
	}
}

// TestLongLetter: a dead letter that is longer than a row of COPY is cut, and nothing of it is lost.
func TestLongLetter(t *testing.T) {
	t.Parallel()
	_, location := standin(t)
	w := open(t, location, nil)
	raw := bytes.Repeat([]byte("0123456789abcde\xff"), 250_000) // 4 MB
	columns := warehouse.DeadLetterColumns()
	builder := array.NewRecordBuilder(memory.DefaultAllocator, event.Schema(columns))
	defer builder.Release()
	for i, c := range columns {
		switch f := builder.Field(i).(type) {
		case *array.TimestampBuilder:
			f.Append(0)
		case *array.BinaryBuilder:
			f.Append(raw)
		case *array.Int32Builder:
			f.Append(7)
		case *array.StringBuilder:
			f.Append(c.Name + ` \N, "x"`)
		}
	}
	b := &warehouse.Batch{ID: "1", Stream: "main", Moves: []warehouse.Move{{Shard: "0", To: "1"}}, DeadLetters: builder.NewRecordBatch()}
	defer b.DeadLetters.Release()
	load(t, w, b)
	expect(t, w, `select reason, count(*), min("index"), min(detail), min(request) from dead_letters group by 1 order by 1`,
		`continued | 2 | 7 | detail \N, "x" | request \N, "x"`, `reason \N, "x" | 1 | 7 | detail \N, "x" | request \N, "x"`)
	rows, err := w.Query(t.Context(), "select raw from dead_letters order by case when reason = 'continued' then 1 else 0 end")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	total := 0
	for rows.Next() {
		var part []byte
		if err := rows.Scan(&part); err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(part, []byte("0123456789abcde\xff")) {
			t.Errorf("want a part of the letter; have %.20q", part)
		}
		total += len(part)
	}
	if total != len(raw) || rows.Err() != nil {
		t.Errorf("want %d bytes; have %d (%v)", len(raw), total, rows.Err())
	}
}

// TestNumbers: numbers that a SUPER would change, or refuse, are kept to the digit, and read as the numbers they are.
func TestNumbers(t *testing.T) {
	t.Parallel()
	_, location := standin(t)
	w := open(t, location, nil)
	numbers := []string{"1e400", "-1e400", "1e-400", "0e999", "123456789012345678901234567890", "0.1000000000000000055511151231257827", "9223372036854775807", "1e21", "1.5E+3", "-0.0", "7"}
	var list []event.Event
	for i, n := range numbers {
		list = append(list, event.Event{MessageID: fmt.Sprintf("%02d", i), Name: "N", Properties: []byte(`{"x":` + n + `,"s":"` + n + `","a":["-1e500\"",-1e500]}`)})
	}
	load(t, w, events(t, list...))
	d := w.Dialect()
	property := func(kind event.PropertyKind) string { return d.Property("properties", []string{"x"}, kind) }
	have := lines(t, w, fmt.Sprintf("select %s, %s, %s, %s, properties from events order by message_id",
		property(event.KindNone), property(event.KindNumber), property(event.KindInteger), property(event.KindString)))
	for i, want := range []string{"<nil> | <nil>", "<nil> | <nil>", "0 | <nil>", "0 | <nil>", "1.2345678901234568e+29 | <nil>", "0.1 | <nil>", "9.223372036854776e+18 | 9223372036854775807", "1e+21 | <nil>", "1500 | <nil>", "-0 | <nil>", "7 | 7"} {
		want = fmt.Sprintf(`%s | %s | <nil> | {"x":%[1]s,"s":"%[1]s","a":["-1e500\"",-1e500]}`, numbers[i], want)
		if have[i] != want {
			t.Errorf("%s: want %s; have %s", numbers[i], want, have[i])
		}
	}
}

// detail gives all that an error says, what the server adds included.
func detail(err error) string {
	if err == nil {
		return "no error"
	}
	text := err.Error()
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		text += ": " + said.Detail
	}
	return text
}
