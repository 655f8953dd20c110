package query_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// minute gives a minute as batches count it.
func minute(t time.Time) int64 { return t.Unix() / 60 }

func openWarehouse(t *testing.T, batches ...*warehouse.Batch) warehouse.Warehouse {
	t.Helper()
	w, err := duckdb.Open(t.Context(), duckdb.Options{Path: filepath.Join(t.TempDir(), "spoor.duckdb")})
	return warehousetest.Ready(t, w, err, batches...)
}

func TestLive(t *testing.T) {
	t.Parallel()
	w := openWarehouse(t,
		&warehouse.Batch{
			ID: "1", Stream: "main", Moves: []warehouse.Move{{Shard: "0", To: "17"}},
			Counts: []warehouse.Count{
				{Source: "web", Minute: minute(noon), Accepted: 10, Loaded: 7, Duplicate: 2, Dead: 1},
				{Source: "app", Minute: minute(noon), Accepted: 3, Loaded: 3},
				{Source: "web", Minute: minute(noon) - 61, Accepted: 100, Loaded: 100}, // too old
			},
			Volumes: []warehouse.Volume{
				{Source: "web", Type: "track", Event: "Buy", Minute: minute(noon), Loaded: 5},
				{Source: "web", Type: "page", Minute: minute(noon), Loaded: 2},
				{Source: "app", Type: "track", Event: "Buy", Minute: minute(noon), Loaded: 3},
				{Source: "web", Type: "track", Event: "Old", Minute: minute(noon) - 61, Loaded: 100},
			},
		},
		&warehouse.Batch{
			ID: "2", Stream: "main", Moves: []warehouse.Move{{Shard: "0", From: "17", To: "20"}, {Shard: "1", To: "4"}},
			Counts:  []warehouse.Count{{Source: "web", Minute: minute(noon) + 1, Accepted: 1, Loaded: 1}},
			Volumes: []warehouse.Volume{{Source: "web", Type: "track", Event: "Buy", Minute: minute(noon) + 1, Loaded: 1}},
		},
		&warehouse.Batch{ID: "3", Stream: "other", Moves: []warehouse.Move{{Shard: "0", To: "99"}}},
	)
	have, err := query.AskLive(t.Context(), w, noon.Add(-59*time.Minute+30*time.Second), 30)
	if err != nil {
		t.Fatal(err)
	}
	next := noon.Add(time.Minute)
	want := query.Live{
		From: noon.Add(-59 * time.Minute),
		Minutes: []query.LiveMinute{
			{Minute: noon, Source: "app", Accepted: 3, Loaded: 3},
			{Minute: noon, Source: "web", Accepted: 10, Loaded: 7, Duplicate: 2, Dead: 1},
			{Minute: next, Source: "web", Accepted: 1, Loaded: 1},
		},
		Names: []query.LiveName{
			{Type: "track", Event: "Buy", Total: 9, Minutes: []query.NameCount{{Minute: noon, Loaded: 8}, {Minute: next, Loaded: 1}}},
			{Type: "page", Total: 2, Minutes: []query.NameCount{{Minute: noon, Loaded: 2}}},
		},
		NameCount: 2,
		Newest:    &next,
		Positions: map[string]map[string]string{"main": {"0": "20", "1": "4"}, "other": {"0": "99"}},
	}
	if !reflect.DeepEqual(have, want) {
		t.Errorf("want %+v\nhave %+v", want, have)
	}
}

// Of many names the most frequent are listed, and all of them are counted.
func TestLiveManyNames(t *testing.T) {
	t.Parallel()
	batch := &warehouse.Batch{ID: "1", Stream: "main", Moves: []warehouse.Move{{Shard: "0", To: "1"}}}
	for i := range 50 {
		batch.Volumes = append(batch.Volumes, warehouse.Volume{
			Source: "web", Type: "track", Event: fmt.Sprintf("name %02d", i), Minute: minute(noon), Loaded: int64(i + 1),
		})
	}
	have, err := query.AskLive(t.Context(), openWarehouse(t, batch), noon, 3)
	if err != nil {
		t.Fatal(err)
	}
	if len(have.Names) != 3 || have.Names[0].Event != "name 49" || have.Names[2].Event != "name 47" || have.NameCount != 50 {
		t.Errorf("want the 3 most frequent of 50; have %+v of %d", have.Names, have.NameCount)
	}
}

func TestLiveQuiet(t *testing.T) {
	t.Parallel()
	empty, err := query.AskLive(t.Context(), openWarehouse(t), noon, 3)
	if err != nil {
		t.Fatal(err)
	}
	if empty.Newest != nil || empty.Minutes == nil || empty.Names == nil || len(empty.Minutes)+len(empty.Names) != 0 {
		t.Errorf("an empty warehouse: want empty lists and nothing newest; have %+v", empty)
	}
	old := openWarehouse(t, &warehouse.Batch{
		ID: "1", Stream: "main", Moves: []warehouse.Move{{Shard: "0", To: "1"}},
		Counts: []warehouse.Count{{Source: "web", Minute: minute(noon), Accepted: 1, Loaded: 1}},
	})
	have, err := query.AskLive(t.Context(), old, noon.Add(time.Hour), 3)
	if err != nil {
		t.Fatal(err)
	}
	if len(have.Minutes) != 0 || have.Newest == nil || !have.Newest.Equal(noon) {
		t.Errorf("a quiet hour: want no minutes, the newest at %v; have %+v", noon, have)
	}
}

func TestLiveError(t *testing.T) {
	t.Parallel()
	broken := errors.New("the warehouse is on fire")
	if _, err := query.AskLive(t.Context(), answering(t, nil, broken), noon, 3); !errors.Is(err, broken) {
		t.Errorf("want the warehouse's error; have %v", err)
	}
}

func TestNewest(t *testing.T) {
	t.Parallel()
	rows := event.NewRows(memory.DefaultAllocator, 4)
	defer rows.Release()
	add := func(after time.Duration, source, typ, name, properties string) {
		at := event.TimeOf(noon.Add(after))
		e := event.Event{
			Request: &event.Request{Source: source, Protocol: "segment"}, MessageID: fmt.Sprint("m", rows.Len()), Type: typ, Name: name,
			UserID: "ada", Timestamp: at, OriginalTimestamp: event.NoTime, SentAt: event.NoTime, ReceivedAt: at,
		}
		if properties != "" {
			e.Properties = []byte(properties)
		}
		rows.Append(&e)
	}
	add(0, "web", "track", "Buy", `{"id":12345678901234567890}`)
	add(time.Second, "app", "track", "Buy", "")
	add(2*time.Second, "web", "identify", "", "")
	add(-2*time.Hour, "web", "track", "Buy", "")
	batch := &warehouse.Batch{ID: "1", Stream: "main", Moves: []warehouse.Move{{Shard: "0", To: "1"}}, Events: rows.Take()}
	defer batch.Events.Release()
	w := openWarehouse(t, batch)
	for _, c := range []struct {
		source, event string
		most          int
		want          string
	}{
		{"", "", 10, "m2 m1 m0"}, {"", "", 2, "m2 m1"}, {"web", "", 10, "m2 m0"}, {"", "Buy", 10, "m1 m0"}, {"web", "Buy", 10, "m0"}, {"none", "", 10, ""},
	} {
		have, err := query.AskNewest(t.Context(), w, noon.Add(-time.Hour), c.source, c.event, c.most)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, e := range have {
			ids = append(ids, e.MessageID)
		}
		if strings.Join(ids, " ") != c.want {
			t.Errorf("%q, %q, %d: want %q; have %q", c.source, c.event, c.most, c.want, ids)
		}
	}
	have, err := query.AskNewest(t.Context(), w, noon.Add(-time.Hour), "web", "Buy", 1)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(have)
	want := `[{"message_id":"m0","source":"web","type":"track","event":"Buy","user_id":"ada","received_at":"2026-11-23T12:00:00Z",` +
		`"protocol":"segment","properties":{"id":12345678901234567890}}]`
	if err != nil || string(text) != want {
		t.Errorf("want %s\nhave %s, %v", want, text, err)
	}
}
