package alert

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/spoorhq/spoor/internal/pgtest"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/postgres"
)

// Volumes are counted alike on every warehouse.
func TestVolumes(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) (warehouse.Warehouse, error){
		"duckdb": func(t *testing.T) (warehouse.Warehouse, error) {
			return duckdb.Open(t.Context(), duckdb.Options{Path: filepath.Join(t.TempDir(), "spoor.duckdb")})
		},
		"postgres": func(t *testing.T) (warehouse.Warehouse, error) {
			return postgres.Open(t.Context(), postgres.Options{URL: pgtest.Database(t)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, err := open(t)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { w.Close() })
			if err := w.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			countVolumes(t, w)
		})
	}
}

func countVolumes(t *testing.T, w warehouse.Warehouse) {
	t.Helper()
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	b := &warehouse.Batch{ID: "load", Stream: "main", Moves: []warehouse.Move{{Shard: "0", To: "1"}}}
	add := func(source, typ, event string, at time.Time, n int64) {
		b.Volumes = append(b.Volumes, warehouse.Volume{Source: source, Type: typ, Event: event, Minute: at.Unix() / 60, Loaded: n})
	}
	add("web", "track", "Buy", noon.Add(-time.Minute), 3)
	add("app", "track", "Buy", noon.Add(-time.Hour), 4)
	add("web", "track", "Search", noon.Add(-time.Minute), 5)
	add("web", "page", "", noon.Add(-time.Minute), 7)
	add("web", "track", "Buy", noon, 100) // behind the end
	add("web", "track", "Buy", noon.AddDate(0, 0, -1).Add(-time.Minute), 11)
	if _, err := w.Load(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	windows := sameHour(noon, time.Hour)
	for _, c := range []struct {
		of        Volume
		now, past float64
	}{
		{Volume{}, 19, 11}, {Volume{Event: "Buy"}, 7, 11}, {Volume{Event: "Buy", Source: "web"}, 3, 11},
		{Volume{Type: "page"}, 7, 0}, {Volume{Type: "track", Source: "app"}, 4, 0}, {Volume{Event: "it's"}, 0, 0},
	} {
		samples, err := volumes(t.Context(), w, &c.of, windows)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Repeat([]sample{{}}, len(windows))
		want[0], want[1] = sample{c.now, true}, sample{c.past, true}
		if !slices.Equal(samples, want) {
			t.Errorf("%+v: want %v; have %v", c.of, want, samples)
		}
	}
	all, err := allVolumes(t.Context(), w, windows)
	if err != nil {
		t.Fatal(err)
	}
	have := map[Name]float64{}
	for name, samples := range all {
		have[name] = samples[0].value
		if !samples[1].alive || samples[2].alive {
			t.Errorf("%v: want the hours alive in which anything came; have %v", name, samples)
		}
	}
	want := map[Name]float64{{"web", "track", "Buy"}: 3, {"app", "track", "Buy"}: 4, {"web", "track", "Search"}: 5, {"web", "page", ""}: 7}
	if !maps.Equal(have, want) || all[Name{"web", "track", "Buy"}][1].value != 11 {
		t.Errorf("want %v; have %v", want, all)
	}
}
