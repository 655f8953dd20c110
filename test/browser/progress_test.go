package browser

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/spoorhq/spoor/query/querytest"
	"github.com/spoorhq/spoor/warehouse/duckdb"
)

// What takes long, over a warehouse with enough events that some of a statement can be done.
func TestProgress(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w, err := duckdb.Open(ctx, duckdb.Options{Path: filepath.Join(dir, "spoor.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if err := querytest.NewWorld(rand.New(rand.NewPCG(1, 2)), 12_000).Load(ctx, w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	look(t, "progress.test.mjs", serveIn(t, dir, "--source", "web=wkey"))
}
