package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spoorhq/spoor/internal/fakedb"
	"github.com/spoorhq/spoor/query"
)

// ledger answers the live questions: one source's minute of seven rows, loaded up to position 2 of shard 0.
func ledger(minute time.Time) fakedb.Ask {
	return func(_ context.Context, query string, _ []any) (*fakedb.Answer, error) {
		switch {
		case strings.Contains(query, "from positions"):
			return &fakedb.Answer{Columns: make([]string, 8), Rows: [][]any{
				{minute, "web", "", "", int64(10), int64(7), int64(2), int64(1)},
				{minute, "main", "0", "2", int64(0), int64(0), int64(0), int64(0)},
			}}, nil
		case strings.Contains(query, "from volumes"):
			return &fakedb.Answer{Columns: make([]string, 6), Rows: [][]any{{"track", "Buy", int64(7), int64(1), minute, int64(7)}}}, nil
		}
		return emptyWarehouse(context.Background(), query, nil)
	}
}

func track(name string) string {
	return `{"type":"track","event":"` + name + `","userId":"ada","messageId":"m-` + name + `"}`
}

// What is settled is the ledger's, and what is in flight is what stands beyond the ledger's own positions, though the
// watcher has heard of none.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		d := h.open()
		h.watch()
		minute := time.Now().UTC().Truncate(time.Minute)
		for range 2 {
			h.accept(time.Now(), track("a"), track("b"))
		}
		time.Sleep(time.Second)
		oldest := time.Now().UTC()
		h.accept(time.Now(), track("c"))
		h.accept(time.Now().Add(time.Minute), track("d"), track("e"))
		h.accept(time.Now().Add(-2*time.Hour), track("f")) // by the door's clock too old for the chart
		synctest.Wait()
		h.set(func() { h.answer = ledger(minute) })

		have, err := d.snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if have.InFlight.Events != 4 || have.InFlight.Records != 3 || !have.InFlight.Oldest.Equal(oldest) || !have.CompleteTo.Equal(oldest) {
			t.Errorf("want 4 events in 3 records in flight since %v; have %+v, complete to %v", oldest, have.InFlight, have.CompleteTo)
		}
		want := []SnapshotMinute{
			{LiveMinute: query.LiveMinute{Minute: minute, Source: "web", Accepted: 11, Loaded: 7, Duplicate: 2, Dead: 1}, InFlight: 1},
			{LiveMinute: query.LiveMinute{Minute: minute.Add(time.Minute), Source: "web", Accepted: 2}, InFlight: 2},
		}
		if len(have.Minutes) != 2 || have.Minutes[0] != want[0] || have.Minutes[1] != want[1] {
			t.Errorf("want the minutes %+v\nhave %+v", want, have.Minutes)
		}
		if have.Loaded != 7 || have.Seen != 8 || have.Seconds[59] != 4 || len(have.Names) != 1 || have.NameCount != 1 || !have.Newest.Equal(minute) {
			t.Errorf("want 7 loaded, 8 seen, 4 of them in the last second, one name; have %+v", have)
		}
		if have.Stream != (SnapshotStream{5, 100}) || !have.Ready || have.NotReady != "" {
			t.Errorf("want the stream's size, and ready; have %+v", have)
		}
		if first := time.Now().UTC().Truncate(time.Minute).Add(-59 * time.Minute); !have.From.Equal(first) {
			t.Errorf("want the hour from %v; have %v", first, have.From)
		}
	})
}

func TestLive(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	d := h.open()
	w := get(d, "/api/live")
	wants(t, "live", w, http.StatusOK, `"minutes":[],"names":[]`)
	var have Snapshot
	if err := json.Unmarshal(w.Body.Bytes(), &have); err != nil {
		t.Fatal(err)
	}
	if have.CompleteTo != nil || have.Newest != nil || have.InFlight.Oldest != nil {
		t.Errorf("want null for what is not known; have %s", w.Body)
	}
	h.set(func() { h.closed = errors.New("the stream is full") })
	wants(t, "a closed door", get(d, "/api/live"), http.StatusOK, `"ready":false,"not_ready":"the stream is full"`)
	h.set(func() { h.full = errors.New("the disk is gone") })
	wants(t, "a stream that does not tell its size", get(d, "/api/live"), http.StatusInternalServerError, "asking the stream for its size: the disk is gone")
	h.set(func() {
		h.answer = func(context.Context, string, []any) (*fakedb.Answer, error) {
			return nil, errors.New("the warehouse is on fire")
		}
	})
	w = get(d, "/api/live")
	wants(t, "a warehouse that does not answer", w, http.StatusInternalServerError, `"code":"failed"`)
	wants(t, "newest, then", get(d, "/api/newest"), http.StatusInternalServerError, "on fire")
}
