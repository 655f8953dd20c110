package audit_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" //nolint:depguard // ten million rows are made where they stay

	"github.com/spoorhq/spoor/audit"
	"github.com/spoorhq/spoor/warehouse/duckdb"
)

const manyRows = 10_000_000

// BenchmarkTenMillion audits a day of ten million events, and reads their ids as a loader does at its start. peak-MB is
// the most memory that the process took for it.
func BenchmarkTenMillion(b *testing.B) {
	path := filepath.Join(b.TempDir(), "spoor.duckdb")
	fill(b, path)
	w, err := duckdb.Open(b.Context(), duckdb.Options{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	now := time.Now()
	b.Run("audit", func(b *testing.B) {
		peak := peakFromHere(b)
		for b.Loop() {
			report, err := audit.Run(b.Context(), audit.Options{Warehouse: w, Stream: "embedded", From: now.Add(-26 * time.Hour), To: now})
			if err != nil || !report.Equal || report.Loaded != manyRows {
				b.Fatalf("want an equal report; have %+v (%v)", report, err)
			}
		}
		b.ReportMetric(peak(), "peak-MB")
	})
	b.Run("ids", func(b *testing.B) {
		peak := peakFromHere(b)
		for b.Loop() {
			rows, err := w.Query(b.Context(), "select source, message_id, received_at from events where received_at >= ?", now.Add(-26*time.Hour))
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for ; rows.Next(); n++ {
				var source, id string
				var at time.Time
				if err := rows.Scan(&source, &id, &at); err != nil {
					b.Fatal(err)
				}
			}
			if err := rows.Close(); err != nil || n != manyRows {
				b.Fatalf("have %d rows (%v)", n, err)
			}
		}
		b.ReportMetric(peak(), "peak-MB")
	})
}

// fill makes a warehouse with events spread over a day, and the ledger that goes with them.
func fill(b *testing.B, path string) {
	b.Helper()
	w, err := duckdb.Open(b.Context(), duckdb.Options{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	if err := w.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	db, err := sql.Open("duckdb", path+"?memory_limit=500MB")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		fmt.Sprintf(`insert into events (source, message_id, type, event, user_id, timestamp, received_at, is_bot, protocol, load_id)
			select 'web', 'ajs-next-' || uuid(), 'track', 'Song Played', 'user-' || i %% 100000, t, t, false, 'segment', 'load'
			from (select i, now() - (%d - i) * interval '8 milliseconds' as t from range(%[1]d) r(i))`, manyRows),
		`insert into ledger (minute, source, accepted, loaded, duplicate, dead, erased)
			select date_trunc('minute', received_at), source, count(*), count(*), 0, 0, 0 from events group by 1, 2`,
	} {
		if _, err := db.ExecContext(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
}

// peakFromHere gives what tells the peak of the process's memory since now, in MB; 0 where the system does not say.
func peakFromHere(b *testing.B) func() float64 {
	b.Helper()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200)
	return func() float64 {
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			return 0
		}
		_, rest, _ := strings.Cut(string(status), "VmHWM:")
		kB, err := strconv.Atoi(strings.Fields(rest)[0])
		if err != nil {
			b.Fatal(err)
		}
		return float64(kB) / 1024
	}
}
