package rowlog_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/rowlog"
	"github.com/spoorhq/spoor/stream"
)

// taker is a stream that takes what it is told to.
type taker struct {
	stream.Log
	records []string
	fail    func(records []stream.Record) error
}

func (s *taker) Append(_ context.Context, records []stream.Record) error {
	if s.fail != nil {
		if err := s.fail(records); err != nil {
			return err
		}
	}
	for _, r := range records {
		s.records = append(s.records, string(r.Data))
	}
	return nil
}

func (s *taker) Close() error { return nil }

// record is a record of the door.
func record(seq uint64, events ...string) stream.Record {
	w := event.NewRecordWriter()
	texts := make([][]byte, len(events))
	for i, e := range events {
		texts[i] = []byte(e)
	}
	w.Add(&event.Request{Source: "web", Protocol: "segment", ReceivedAt: 1_700_000_000_000_000, IP: "198.51.100.7"}, texts)
	return stream.Record{Data: w.Seal(nil, event.Header{Collector: "door", Boot: "boot", Seq: seq})}
}

func open(t *testing.T, o rowlog.Options) *rowlog.Log {
	t.Helper()
	if o.RecordBytes == 0 {
		o.RecordBytes = 4096
	}
	o.TextBytes = 65535
	log, err := rowlog.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return log
}

func track(id string, bytes int) string {
	return `{"type":"track","event":"E","userId":"u","messageId":"` + id + `","properties":{"p":"` + strings.Repeat("x", bytes) + `"}}`
}

func lines(t *testing.T, records []string) (rows []map[string]any) {
	t.Helper()
	for _, r := range records {
		if !strings.HasSuffix(r, "}\n") {
			t.Errorf("want a record to end with a line's end, for the next one stands right behind it; have …%q", r[max(0, len(r)-20):])
		}
		for line := range strings.Lines(r) {
			var row map[string]any
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatalf("%v in %s", err, line)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func TestRowsFillRecords(t *testing.T) {
	t.Parallel()
	var rows taker
	log := open(t, rowlog.Options{Rows: &rows})
	var events []string
	for i := range 40 {
		events = append(events, track(strconv.Itoa(i), 300))
	}
	if err := log.Append(t.Context(), []stream.Record{record(1, events...), record(2, track("last", 1))}); err != nil {
		t.Fatal(err)
	}
	have := lines(t, rows.records)
	if len(have) != 41 {
		t.Errorf("want 41 rows; have %d", len(have))
	}
	if n := len(rows.records); n < 3 || n > 12 {
		t.Errorf("want the rows in a few full records; have %d", n)
	}
	for _, r := range rows.records {
		if len(r) > 4096 {
			t.Errorf("want no record over 4096 bytes; have %d", len(r))
		}
	}
	if have := have[40]["load_id"]; have != "door:boot:2" {
		t.Errorf("want the row to name the door's record; have %v", have)
	}
	if first, last := have[0]["session_id"], have[39]["session_id"]; first == nil || first != last {
		t.Errorf("want one session cut; have %v and %v", first, last)
	}
}

func TestTheRefusedAreDeadLetters(t *testing.T) {
	t.Parallel()
	var rows, dead taker
	registry := prometheus.NewRegistry()
	log := open(t, rowlog.Options{Rows: &rows, DeadLetters: &dead, Metrics: registry})
	err := log.Append(t.Context(), []stream.Record{record(7, track("good", 1), `{"type":"dance","userId":"u","messageId":"bad"}`, track("big", 5000), `no json`)})
	if err != nil {
		t.Fatal(err)
	}
	if have := lines(t, rows.records); len(have) != 1 || have[0]["message_id"] != "good" {
		t.Errorf("want the good event's row alone; have %v", have)
	}
	have := lines(t, dead.records)
	if len(have) != 3 {
		t.Fatalf("want three dead letters; have %v", have)
	}
	for i, want := range []struct{ reason, raw string }{
		{"unknown_type", "7b2274797065223a2264616e6365222c22757365724964223a2275222c226d6573736167654964223a22626164227d"},
		{"row_too_large", ""}, // 5000 bytes are too many for this dead letter, too
		{"invalid_json", "6e6f206a736f6e"},
	} {
		if have[i]["reason"] != want.reason || have[i]["raw"] != want.raw || have[i]["position"] != "boot:7" {
			t.Errorf("want %v; have %v", want, have[i])
		}
	}
	if n := testutil.CollectAndCount(registry, "spoor_rows_dead_total"); n != 3 {
		t.Errorf("want three reasons counted; have %d", n)
	}
}

func TestWithoutAStreamOfDeadLettersTheyAreCounted(t *testing.T) {
	t.Parallel()
	var rows taker
	registry := prometheus.NewRegistry()
	log := open(t, rowlog.Options{Rows: &rows, Metrics: registry})
	if err := log.Append(t.Context(), []stream.Record{record(1, `{"type":"dance"}`)}); err != nil {
		t.Fatal(err)
	}
	if len(rows.records) != 0 {
		t.Errorf("want no rows; have %q", rows.records)
	}
	want := "# HELP spoor_rows_dead_total Events that cannot be loaded, by reason.\n# TYPE spoor_rows_dead_total counter\nspoor_rows_dead_total{reason=\"unknown_type\"} 1\n"
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "spoor_rows_dead_total"); err != nil {
		t.Error(err)
	}
}

// TestAFailureIsTheDoorsRecords: what failed of the rows is told as records of the door.
func TestAFailureIsTheDoorsRecords(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	rows := taker{fail: func(records []stream.Record) error {
		return &stream.PartialError{Failed: map[int]error{len(records) - 1: refused}}
	}}
	log := open(t, rowlog.Options{Rows: &rows})
	err := log.Append(t.Context(), []stream.Record{record(1, track("a", 1)), record(2, track("b", 3000), track("c", 3000))})
	partial, ok := errors.AsType[*stream.PartialError](err)
	if !ok || len(partial.Failed) != 1 || !errors.Is(partial.Failed[1], refused) {
		t.Errorf("want the second record named; have %v", err)
	}
	rows.fail = func([]stream.Record) error { return refused }
	if err := log.Append(t.Context(), []stream.Record{record(3, track("a", 1))}); !errors.Is(err, refused) {
		t.Errorf("want the stream's error; have %v", err)
	}
	if err := log.Append(t.Context(), []stream.Record{{Data: []byte(`{"type":"track"}`)}}); err == nil {
		t.Error("want a foreign record refused")
	}
}
