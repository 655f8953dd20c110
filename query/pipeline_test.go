package query_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/pgtest"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/postgres"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

// everywhere runs a test on DuckDB, and on PostgreSQL where there is one.
func everywhere(t *testing.T, test func(t *testing.T, w warehouse.Warehouse)) {
	t.Parallel()
	t.Run("duckdb", func(t *testing.T) {
		t.Parallel()
		test(t, openWarehouse(t, lineBatches(t)...))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		w, err := postgres.Open(t.Context(), postgres.Options{URL: pgtest.Database(t) + "?sslmode=disable"})
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
		for _, batch := range lineBatches(t) {
			if _, err := w.Load(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		test(t, w)
	})
}

// lineBatches have dead letters of two reasons, and a row of an id that died before.
func lineBatches(t *testing.T) []*warehouse.Batch {
	t.Helper()
	letter := func(after time.Duration, source, reason, id string) warehousetest.Letter {
		return warehousetest.Letter{
			ReceivedAt: noon.Add(after), Source: source, Protocol: "segment", Reason: reason, Detail: "why", MessageID: id, Type: "tracks",
			Raw: fmt.Sprintf("{%q}\xff", id), Position: "7", Index: 2,
		}
	}
	dead := warehousetest.Letters("dead", "older", "", "7",
		letter(0, "web", "unknown_type", "d-1"), letter(time.Minute, "web", "unknown_type", "d-2"), letter(2*time.Hour, "app", "wrong_kind", "d-3"), letter(-48*time.Hour, "web", "unknown_type", "old"))
	t.Cleanup(dead.DeadLetters.Release)
	rows := event.NewRows(memory.DefaultAllocator, 1)
	defer rows.Release()
	at := event.TimeOf(noon)
	rows.Append(&event.Event{
		Request: &event.Request{Source: "web", Protocol: "segment"}, MessageID: "d-1", Type: event.TypeTrack, Name: "Buy", UserID: "ada",
		Timestamp: at, OriginalTimestamp: event.NoTime, SentAt: event.NoTime, ReceivedAt: at,
	})
	loaded := &warehouse.Batch{
		ID: "rows", Stream: "main", Moves: []warehouse.Move{{Shard: "0", To: "1"}}, Events: rows.Take(),
		Counts: []warehouse.Count{{Source: "web", Minute: minute(noon), Accepted: 3, Loaded: 1, Duplicate: 2}},
	}
	t.Cleanup(loaded.Events.Release)
	return []*warehouse.Batch{dead, loaded}
}

func TestPipeline(t *testing.T) { everywhere(t, testPipeline) }

func testPipeline(t *testing.T, w warehouse.Warehouse) {
	have, err := query.AskPipeline(t.Context(), w, noon.Add(-time.Hour), noon.Add(23*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	wantLedger := []query.LiveMinute{
		{Minute: noon, Source: "web", Accepted: 5, Loaded: 1, Duplicate: 2, Dead: 2}, // both minutes, in one hour
		{Minute: noon.Add(2 * time.Hour), Source: "app", Accepted: 1, Dead: 1},
	}
	wantDead := []query.DeadReason{
		{Reason: "unknown_type", Source: "web", Letters: 2, First: noon, Latest: noon.Add(time.Minute)},
		{Reason: "wrong_kind", Source: "app", Letters: 1, First: noon.Add(2 * time.Hour), Latest: noon.Add(2 * time.Hour)},
	}
	if have.Interval != query.ByHour || !reflect.DeepEqual(have.Ledger, wantLedger) || !reflect.DeepEqual(have.Dead, wantDead) {
		t.Errorf("want hours %+v and letters %+v\nhave %s %+v, %+v", wantLedger, wantDead, have.Interval, have.Ledger, have.Dead)
	}
	if len(have.Loads) != 2 || have.Loads[0].ID != "rows" || have.Loads[0].Loaded != 1 || have.Loads[1].Dead != 4 {
		t.Errorf("want both loads, the latest first; have %+v", have.Loads)
	}
	for span, want := range map[time.Duration]query.Interval{time.Hour: query.ByMinute, 24 * time.Hour: query.ByHour, 90 * 24 * time.Hour: query.ByDay} {
		if have, err := query.AskPipeline(t.Context(), w, noon, noon.Add(span)); err != nil || have.Interval != want {
			t.Errorf("%s: want by %s; have %s, %v", span, want, have.Interval, err)
		}
	}
}

func TestDeadLetters(t *testing.T) { everywhere(t, testDeadLetters) }

func testDeadLetters(t *testing.T, w warehouse.Warehouse) {
	for _, c := range []struct {
		ask  query.DeadLetters
		want string
	}{
		{query.DeadLetters{Limit: 10}, "d-3 d-2 d-1 old"}, {query.DeadLetters{Limit: 2}, "d-3 d-2"},
		{query.DeadLetters{Reason: "unknown_type", Limit: 10}, "d-2 d-1 old"}, {query.DeadLetters{Source: "app", Limit: 10}, "d-3"},
		{query.DeadLetters{From: noon, To: noon.Add(time.Minute), Limit: 10}, "d-1"}, {query.DeadLetters{MessageID: "d-2", Limit: 10}, "d-2"},
	} {
		have, err := query.AskDeadLetters(t.Context(), w, c.ask)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, l := range have {
			ids = append(ids, l.MessageID)
			if (l.LoadedAt != nil) != (l.MessageID == "d-1") {
				t.Errorf("%s: want d-1 and no other loaded since; have %v", l.MessageID, l.LoadedAt)
			}
		}
		if strings.Join(ids, " ") != c.want {
			t.Errorf("%+v: want %s; have %s", c.ask, c.want, ids)
		}
	}
	have, err := query.AskDeadLetters(t.Context(), w, query.DeadLetters{MessageID: "d-1", Limit: 1})
	if err != nil || len(have) != 1 || have[0].Raw != "{\"d-1\"}\uFFFD" || have[0].Bytes != 8 || have[0].Index != 2 || have[0].Type != "tracks" || !strings.Contains(have[0].Request, `"source":"web"`) {
		t.Errorf("want the letter with its bytes as text; have %+v, %v", have, err)
	}
}

func TestTrace(t *testing.T) { everywhere(t, testTrace) }

func testTrace(t *testing.T, w warehouse.Warehouse) {
	have, err := query.AskTrace(t.Context(), w, "d-1")
	if err != nil {
		t.Fatal(err)
	}
	if len(have.Rows) != 1 || have.Rows[0].Event != "Buy" || have.Rows[0].LoadID != "rows" || have.Rows[0].LoadedAt == nil || len(have.Dead) != 1 {
		t.Errorf("want the row, when it was loaded, and the letter; have %+v", have)
	}
	if len(have.Minutes) != 1 || have.Minutes[0].Accepted != 4 || have.Minutes[0].Dead != 1 {
		t.Errorf("want its minute's line of the ledger; have %+v", have.Minutes)
	}
	none, err := query.AskTrace(t.Context(), w, "nothing")
	if err != nil || none.Rows == nil || none.Dead == nil || none.Minutes == nil || len(none.Rows)+len(none.Dead)+len(none.Minutes) != 0 {
		t.Errorf("want empty lists of what is not there; have %+v, %v", none, err)
	}
}

func TestSources(t *testing.T) { everywhere(t, testSources) }

func testSources(t *testing.T, w warehouse.Warehouse) {
	have, err := query.AskSources(t.Context(), w, noon.Add(-time.Hour))
	want := []query.SourceState{
		{Source: "app", First: noon.Add(2 * time.Hour), Latest: noon.Add(2 * time.Hour), Accepted: 1, Dead: 1},
		{Source: "web", First: noon.Add(-48 * time.Hour), Latest: noon.Add(time.Minute), Accepted: 5, Loaded: 1, Duplicate: 2, Dead: 2},
	}
	if err != nil || !reflect.DeepEqual(have, want) {
		t.Errorf("want %+v\nhave %+v, %v", want, have, err)
	}
}
