package browser

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

// The pages that look into the line and into the tables, over a server whose warehouse has dead letters that an older
// Spoor left: of one reason, four that load now and one that does not.
func TestPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bury(t, dir)
	look(t, "pages.test.mjs", serveIn(t, dir, "--source", "web=wkey", "--source", "app=akey"))
}

func bury(t *testing.T, dir string) {
	t.Helper()
	w, err := duckdb.Open(t.Context(), duckdb.Options{Path: filepath.Join(dir, "spoor.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var letters []warehousetest.Letter
	for i := range 5 {
		typ := "track"
		if i == 4 {
			typ = "tracks"
		}
		letters = append(letters, warehousetest.Letter{
			ReceivedAt: time.Now().UTC().Add(-2 * time.Hour), Source: "web", Protocol: "segment", Reason: "unknown_type", MessageID: fmt.Sprintf("dead-%d", i),
			Detail: "type must be track, page, screen, identify, group or alias; got " + typ, Type: typ, Event: "Revived", Position: "7", Index: int32(i),
			Raw: fmt.Sprintf(`{"type":%q,"event":"Revived","userId":"lazarus","messageId":"dead-%d","properties":{"n":%d}}`, typ, i, i),
		})
	}
	batch := warehousetest.Letters("old", "older", "", "7", letters...)
	defer batch.DeadLetters.Release()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := w.Load(ctx, batch); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
