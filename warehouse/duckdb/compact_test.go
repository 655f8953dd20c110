package duckdb_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
)

// TestCompact replaces the same rows again and again: the file must not keep them all, and nobody is lost.
func TestCompact(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spoor.duckdb")
	w := open(t, duckdb.Options{Path: path})
	const people, rounds = 20_000, 11
	for round := range rounds {
		b := &warehouse.Batch{ID: fmt.Sprint(round), Stream: "main", Moves: []warehouse.Move{{Shard: "0", From: "0", To: "0"}}}
		if round == 0 {
			b.Moves[0].From = ""
		}
		for i := range people {
			b.Identities = append(b.Identities, warehouse.Identity{AnonymousID: fmt.Sprint("a", i), UserID: fmt.Sprint("u", i), SeenAt: int64(round)})
		}
		if _, err := w.Load(t.Context(), b); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	want := fmt.Sprintf("[%d %d %d %d]", people, people, rounds-1, rounds-1)
	for _, w := range []*duckdb.Warehouse{w, open(t, duckdb.Options{Path: crashed(t, path)})} {
		if have := one(t, w, "select count(*), count(distinct anonymous_id), min(epoch_us(seen_at)), max(epoch_us(seen_at)) from identities"); have != want {
			t.Errorf("want %s; have %s", want, have)
		}
	}
	var all int
	if _, err := fmt.Sscanf(one(t, w, "select max(rowid) from identities"), "[%d]", &all); err != nil || all > people*rounds/2 {
		t.Errorf("want most of the %d dead rows gone; have row %d (%v)", people*(rounds-1), all, err)
	}
	if have := one(t, w, "select count(*) from duckdb_tables() where table_name like '%compact%'"); have != "[0]" {
		t.Errorf("want no table left over; have %s", have)
	}
}

// crashed copies the file and its log as they are now, which is what a crash would leave.
func crashed(t *testing.T, path string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "crashed.duckdb")
	for _, part := range []string{"", ".wal"} {
		data, err := os.ReadFile(path + part)
		if part != "" && errors.Is(err, fs.ErrNotExist) {
			continue // nothing was written since a checkpoint
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+part, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return copied
}
