package e2e

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spoorhq/spoor/audit"
	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/load"
	"github.com/spoorhq/spoor/replay"
	"github.com/spoorhq/spoor/stream/memory"
	"github.com/spoorhq/spoor/tail"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

// Dead letters that load now are rows after a replay, once, however often it is run and by how many at a time; and what
// was accepted has its endings before and after, minute by minute.
func TestReplayedLettersAreRowsOnce(t *testing.T) {
	t.Parallel()
	opened, err := duckdb.Open(t.Context(), duckdb.Options{Path: filepath.Join(t.TempDir(), "spoor.duckdb")})
	w := warehousetest.Ready(t, opened, err)
	day := time.Now().UTC().Add(-30 * time.Hour).Truncate(time.Minute) // longer ago than the window
	letter := func(after time.Duration, id, raw string) warehousetest.Letter {
		return warehousetest.Letter{
			ReceivedAt: day.Add(after), Source: "web", Protocol: "segment", Reason: "unknown_type", Detail: "as an older Spoor saw it",
			MessageID: id, Raw: raw, Position: "7",
		}
	}
	batch := warehousetest.Letters("old", "older", "", "7",
		letter(0, "named", `{"type":"track","event":"Buy","userId":"ada","messageId":"named"}`),
		letter(time.Second, "B:1:1", `{"type":"track","event":"Buy","userId":"ada"}`), // its id is the one that it got
		letter(2*time.Minute, "still", `{"type":"tracks","event":"Buy","userId":"ada","messageId":"still"}`),
	)
	defer batch.DeadLetters.Release()
	if _, err := w.Load(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	log := memory.New(memory.Options{}).Open()
	t.Cleanup(func() { log.Close() })
	loader, err := load.New(load.Options{
		Log: log, Stream: "main", Warehouse: w, Interval: 10 * time.Millisecond, SeenDir: t.TempDir(),
		Metrics: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	watcher := tail.New(tail.Options{Log: log, Stream: "main", Positions: func(ctx context.Context) (map[string]string, error) { return w.Positions(ctx, "main") }})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- loader.Run(ctx) }()
	go func() { ended <- watcher.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		for range 2 {
			<-ended
		}
	})
	run := func() replay.Report {
		report, err := replay.Run(t.Context(), replay.Options{Warehouse: w, Log: log, Stream: "main"})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	proven := func(when string, loaded, duplicate, dead int64) {
		t.Helper()
		report, err := audit.Run(t.Context(), audit.Options{
			Warehouse: w, Log: log, Stream: "main", From: day.Add(-time.Hour), To: day.Add(time.Hour), Wait: time.Minute,
			InFlight: func() ([]event.Accepted, time.Time) {
				in := watcher.InFlight()
				return in.Accepted, in.CompleteTo
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if !report.Equal || report.Loaded != loaded || report.Duplicate != duplicate || report.Dead != dead || report.Accepted != loaded+duplicate+dead {
			t.Errorf("%s: want %d loaded, %d duplicate, %d dead and an audit that proves it; have %+v", when, loaded, duplicate, dead, report)
		}
	}
	proven("before", 0, 0, 3)
	// Two at a time, neither of which can know of the other.
	first, second := run(), run()
	if first.Sent != 2 || first.Dead != 1 || first.Sent+second.Sent+second.Already != 4 {
		t.Errorf("want 2 of 3 letters sent, and by the second replay sent again or found; have %+v, %+v", first, second)
	}
	wait(t, func() bool { return count(t, w, "select count(*) from events") == 2 && watcher.InFlight().Events == 0 })
	proven("after", 2, second.Sent, 3)
	again := run()
	if again.Sent != 0 || again.Already != 2 {
		t.Errorf("want nothing more to be sent; have %+v", again)
	}
	proven("after it was run again", 2, second.Sent, 3)
	if have := count(t, w, "select count(distinct message_id) from events where message_id in ('named', 'B:1:1') and received_at < now() - interval '29 hours'"); have != 2 {
		t.Errorf("want both rows with their ids, received when they were; have %d", have)
	}
}

func count(t *testing.T, w warehouse.Warehouse, question string) int64 {
	t.Helper()
	rows, err := w.Query(t.Context(), question)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var n int64
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

// wait waits until something holds.
func wait(t *testing.T, holds func() bool) {
	t.Helper()
	deadline, tick := time.After(time.Minute), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it does not come to hold")
		}
	}
}
