package replay_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	arrowmemory "github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/pgtest"
	"github.com/spoorhq/spoor/replay"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/memory"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/postgres"
	"github.com/spoorhq/spoor/warehouse/redshift"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// house is a warehouse with dead letters, and a stream.
type house struct {
	warehouse warehouse.Warehouse
	log       stream.Log
}

func newHouse(t *testing.T, letters ...warehousetest.Letter) house {
	t.Helper()
	w, err := duckdb.Open(t.Context(), duckdb.Options{Path: filepath.Join(t.TempDir(), "spoor.duckdb")})
	return furnished(t, warehousetest.Ready(t, w, err), letters...)
}

// everywhere runs a test on every warehouse.
func everywhere(t *testing.T, test func(t *testing.T, newHouse func(t *testing.T, letters ...warehousetest.Letter) house)) {
	t.Parallel()
	t.Run("duckdb", func(t *testing.T) {
		t.Parallel()
		test(t, newHouse)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, func(t *testing.T, letters ...warehousetest.Letter) house {
			t.Helper()
			w, err := postgres.Open(t.Context(), postgres.Options{URL: pgtest.Database(t) + "?sslmode=disable"})
			return furnished(t, warehousetest.Ready(t, w, err), letters...)
		})
	})
	t.Run("redshift", func(t *testing.T) {
		t.Parallel()
		test(t, func(t *testing.T, letters ...warehousetest.Letter) house {
			t.Helper()
			_, location := pgtest.StandIn(t)
			w, err := redshift.Open(t.Context(), redshift.Options{URL: location})
			return furnished(t, warehousetest.Ready(t, w, err), letters...)
		})
	})
}

func furnished(t *testing.T, w warehouse.Warehouse, letters ...warehousetest.Letter) house {
	t.Helper()
	batch := warehousetest.Letters("old", "main", "", "7", letters...)
	defer batch.DeadLetters.Release()
	if _, err := w.Load(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	log := memory.New(memory.Options{}).Open()
	t.Cleanup(func() { log.Close() })
	return house{w, log}
}

func (h house) run(t *testing.T, ask replay.Ask) replay.Report {
	t.Helper()
	report, err := replay.Run(t.Context(), replay.Options{Warehouse: h.warehouse, Log: h.log, Stream: "main", Ask: ask})
	if err != nil {
		t.Fatal(err)
	}
	if !report.Done || report.DryRun != ask.DryRun {
		t.Errorf("want a report that is done, of a dry run %v; have %+v", ask.DryRun, report)
	}
	return report
}

// streamed gives the events on the stream: "minute source id raw" of each, and the headers of their records.
func (h house) streamed(t *testing.T) (events []string, headers []event.Header) {
	t.Helper()
	reader, err := h.log.Read(t.Context(), "0", "")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	statter, _ := stream.As[stream.Statter](h.log)
	stat, err := statter.Stat(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	decoder := event.NewRecordReader()
	for left := stat.Records; left > 0; {
		records, err := reader.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		left -= int64(len(records))
		for _, r := range records {
			if err := decoder.Open(r.Data, event.Origin{Stream: "main", Shard: "0", Position: string(r.Position)}); err != nil {
				t.Fatal(err)
			}
			headers = append(headers, decoder.Header())
			for {
				var e event.Event
				verdict, ok := decoder.Next(&e)
				if !ok {
					break
				}
				if !verdict.OK() {
					t.Errorf("an event was sent that dies again: %v", verdict)
				}
				events = append(events, fmt.Sprintf("%s %s %s %s", event.GoTime(e.ReceivedAt).Format("15:04"), e.Request.Source, e.MessageID, e.Raw))
			}
		}
	}
	return events, headers
}

func letter(source, reason, id, raw string) warehousetest.Letter {
	return warehousetest.Letter{ReceivedAt: noon, Source: source, Protocol: "segment", Reason: reason, Detail: "as an older Spoor saw it", MessageID: id, Raw: raw, Position: "7"}
}

// What an older Spoor could not read is sent with its bytes, its request and its id, and nothing else is.
func TestReplay(t *testing.T) { everywhere(t, testReplay) }

func testReplay(t *testing.T, newHouse func(t *testing.T, letters ...warehousetest.Letter) house) {
	record := event.NewRecordWriter()
	record.Add(&event.Request{Source: "shop", Protocol: "ndjson", ReceivedAt: event.TimeOf(noon.Add(-time.Minute))}, [][]byte{
		[]byte(`{"type":"track","event":"A","userId":"u"}`), []byte(`{"type":"nothing"}`),
	})
	whole := string(record.Seal(nil, event.Header{Collector: "door", Boot: "B", Seq: 3}))
	good := `{"type":"track","event":"Buy","userId":"ada","messageId":"m-1"}`
	bare := `{"type":"page","userId":"ada"}`
	h := newHouse(t,
		letter("web", "unknown_type", "m-1", good),
		letter("web", "unknown_type", "m-1", good), // the client sent it twice
		letter("app", "wrong_kind", "BOOT:4:2", bare),
		letter("web", "unknown_type", "m-3", `{"type":"tracks","event":"Buy","userId":"ada"}`),
		letter("web", "truncated_record", "B:1:0", ""),
		letter("web", "unreadable_request", "B:1:1", `{"source":`),
		letter("stream", "unreadable_record", "", whole),
	)
	want := replay.Report{
		Done: true, Total: 7, Sent: 3,
		Outcome: replay.Outcome{Letters: 7, Loads: 3, Already: 1, Dead: 2, Lost: 2},
		Reasons: []replay.Outcome{
			{Reason: "unknown_type", Letters: 3, Loads: 1, Already: 1, Dead: 1, Now: map[string]int64{"unknown_type": 1}},
			{Reason: "truncated_record", Letters: 1, Lost: 1, Now: map[string]int64{}},
			{Reason: "unreadable_record", Letters: 1, Loads: 1, Dead: 1, Now: map[string]int64{"unknown_type": 1}},
			{Reason: "unreadable_request", Letters: 1, Lost: 1, Now: map[string]int64{}},
			{Reason: "wrong_kind", Letters: 1, Loads: 1, Now: map[string]int64{}},
		},
	}
	dry := want
	dry.Sent, dry.DryRun = 0, true
	if have := h.run(t, replay.Ask{DryRun: true}); !reflect.DeepEqual(have, dry) {
		t.Errorf("a dry run: want %+v\nhave %+v", dry, have)
	}
	if events, _ := h.streamed(t); len(events) > 0 {
		t.Errorf("a dry run sent %q", events)
	}
	if have := h.run(t, replay.Ask{}); !reflect.DeepEqual(have, want) {
		t.Errorf("want %+v\nhave %+v", want, have)
	}
	events, headers := h.streamed(t)
	sent := []string{
		"12:00 web m-1 " + good, "12:00 app BOOT:4:2 " + bare, `11:59 shop B:3:0 {"type":"track","event":"A","userId":"u"}`,
	}
	for _, e := range sent {
		if !slices.Contains(events, e) {
			t.Errorf("want %q sent; have %q", e, events)
		}
	}
	if len(events) != 3 || len(headers) != 1 || headers[0].Collector != "replay" || headers[0].Seq != 1 || headers[0].Events != 3 {
		t.Errorf("want one record of 3 events by the collector replay; have %+v, %q", headers, events)
	}
}

// load puts one row into the table events.
func load(t *testing.T, w warehouse.Warehouse, source, id string, at time.Time) {
	t.Helper()
	rows := event.NewRows(arrowmemory.DefaultAllocator, 1)
	defer rows.Release()
	when := event.TimeOf(at)
	rows.Append(&event.Event{
		Request: &event.Request{Source: source, Protocol: "segment"}, MessageID: id, Type: event.TypeTrack, Name: "Buy", UserID: "ada",
		Timestamp: when, OriginalTimestamp: event.NoTime, SentAt: event.NoTime, ReceivedAt: when,
	})
	batch := &warehouse.Batch{ID: "rows", Stream: "main", Moves: []warehouse.Move{{Shard: "0", From: "7", To: "8"}}, Events: rows.Take()}
	defer batch.Events.Release()
	if _, err := w.Load(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// What the warehouse has by now is not sent again, whatever source else uses its id.
func TestReplayLeavesOutWhatIsLoaded(t *testing.T) { everywhere(t, testReplayLeavesOutWhatIsLoaded) }

func testReplayLeavesOutWhatIsLoaded(t *testing.T, newHouse func(t *testing.T, letters ...warehousetest.Letter) house) {
	raw := `{"type":"track","event":"Buy","userId":"ada","messageId":"m-1"}`
	h := newHouse(t, letter("web", "unknown_type", "m-1", raw), letter("app", "unknown_type", "m-1", raw))
	load(t, h.warehouse, "web", "m-1", noon.Add(time.Minute))
	report := h.run(t, replay.Ask{})
	if report.Sent != 1 || report.Already != 1 {
		t.Errorf("want one sent and one loaded already; have %+v", report)
	}
	if events, _ := h.streamed(t); len(events) != 1 || !strings.HasPrefix(events[0], "12:00 app m-1") {
		t.Errorf("want the other source's event; have %q", events)
	}
}

// Letters are chosen by reason, source and time.
func TestReplayChooses(t *testing.T) { everywhere(t, testReplayChooses) }

func testReplayChooses(t *testing.T, newHouse func(t *testing.T, letters ...warehousetest.Letter) house) {
	raw := func(id string) string {
		return fmt.Sprintf(`{"type":"track","event":"Buy","userId":"ada","messageId":%q}`, id)
	}
	late := letter("web", "wrong_kind", "late", raw("late"))
	late.ReceivedAt = noon.Add(time.Hour)
	h := newHouse(t, letter("web", "unknown_type", "a", raw("a")), letter("app", "unknown_type", "b", raw("b")), letter("web", "wrong_kind", "c", raw("c")), late)
	for _, c := range []struct {
		ask  replay.Ask
		want int64
	}{
		{replay.Ask{}, 4}, {replay.Ask{Reason: "unknown_type"}, 2}, {replay.Ask{Source: "web"}, 3}, {replay.Ask{Reason: "wrong_kind", Source: "app"}, 0},
		{replay.Ask{From: noon.Add(time.Minute)}, 1}, {replay.Ask{To: noon.Add(time.Hour)}, 3}, {replay.Ask{From: noon, To: noon.Add(time.Second)}, 3},
	} {
		c.ask.DryRun = true
		if have := h.run(t, c.ask); have.Total != c.want || have.Letters != c.want || have.Loads != c.want {
			t.Errorf("%+v: want %d letters; have %+v", c.ask, c.want, have)
		}
	}
}

// Many letters become records of a bounded size, numbered without a gap; progress is told.
func TestReplayMany(t *testing.T) {
	t.Parallel()
	const n = 1234
	letters := make([]warehousetest.Letter, n)
	for i := range letters {
		id := fmt.Sprintf("m-%04d", i)
		letters[i] = letter("web", "unknown_type", id, fmt.Sprintf(`{"type":"track","event":"Buy","userId":"ada","messageId":%q}`, id))
		letters[i].Index = int32(i)
	}
	h := newHouse(t, letters...)
	told := 0
	report, err := replay.Run(t.Context(), replay.Options{Warehouse: h.warehouse, Log: h.log, Stream: "main", Progress: func(r replay.Report) {
		told++
		if r.Done || r.Total != n {
			t.Errorf("want progress of %d letters; have %+v", n, r)
		}
	}})
	if err != nil || report.Sent != n || told == 0 {
		t.Errorf("want all sent, and told of; have %+v, %d, %v", report, told, err)
	}
	events, headers := h.streamed(t)
	sum := 0
	for i, header := range headers {
		sum += header.Events
		if header.Seq != uint64(i+1) || header.Settled != uint64(i) || header.Events > 500 {
			t.Errorf("record %d: want its number, all before it settled, and at most 500 events; have %+v", i, header)
		}
	}
	if len(events) != n || sum != n {
		t.Errorf("want %d events; have %d, %d by the headers", n, len(events), sum)
	}
}

// A stream that refuses ends the replay; what it says was sent is there, and the next run does the rest.
func TestReplayOntoAFullStream(t *testing.T) {
	t.Parallel()
	h := newHouse(t, letter("web", "unknown_type", "a", `{"type":"track","event":"Buy","userId":"ada","messageId":"a"}`))
	full := refusing{h.log}
	report, err := replay.Run(t.Context(), replay.Options{Warehouse: h.warehouse, Log: full, Stream: "main"})
	if !errors.Is(err, stream.ErrFull) || report.Sent != 0 || report.Done {
		t.Errorf("want the stream's refusal, and nothing sent; have %+v, %v", report, err)
	}
	if report := h.run(t, replay.Ask{}); report.Sent != 1 {
		t.Errorf("want the rest sent by the next run; have %+v", report)
	}
}

type refusing struct{ stream.Log }

func (refusing) Append(context.Context, []stream.Record) error { return stream.ErrFull }
