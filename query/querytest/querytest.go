package querytest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
)

// Report is one kind of question: it is asked about a world in a warehouse, and the oracle is asked too.
type Report struct {
	Name string
	// Ask makes a question, and gives it with the two answers, as JSON can hold them.
	Ask func(ctx context.Context, r *rand.Rand, w *World, in warehouse.Warehouse) (question, want, have any, err error)
}

// Reports are all reports.
func Reports() []Report {
	return []Report{
		{"trend", func(ctx context.Context, r *rand.Rand, w *World, in warehouse.Warehouse) (any, any, any, error) {
			return askOfTrend(ctx, asker{r, w}, in, asker{r, w}.trend())
		}},
		{"active", askActive},
		{"funnel", askFunnel},
		{"retention", askRetention},
		{"paths", askPaths},
		{"people", askPeople},
		{"person", askPerson},
		{"catalog", askCatalog},
		{"properties", askProperties},
		{"number", askNumber},
	}
}

func askOfTrend(ctx context.Context, a asker, in warehouse.Warehouse, t query.Trend) (question, want, have any, err error) {
	answer, err := query.AskTrend(ctx, in, t, a.world.Now)
	expected := a.world.Trend(t)
	answer.Complete, expected.Complete = query.Completeness{}, query.Completeness{}
	return t, expected, answer, err
}

// askActive asks who did anything at all, which warehouses may read from elsewhere than the events.
func askActive(ctx context.Context, r *rand.Rand, w *World, in warehouse.Warehouse) (question, want, have any, err error) {
	a := asker{r, w}
	if a.chance(50) {
		everything := []query.Series{{Measure: query.Measure{Of: query.People}}}
		return askOfTrend(ctx, a, in, query.Trend{Range: a.cut(), Series: everything, Bots: a.chance(30), Compare: a.chance(20)})
	}
	q := a.retention()
	return askOfRetention(ctx, a, in, query.Retention{Range: q.Range, OrAfter: q.OrAfter, Bots: q.Bots})
}

// Sizes of a run: each world has fewer events than this and is asked so many questions of each report.
const (
	worldEvents    = 250
	worldQuestions = 40
)

// Run asks a number of questions, as many of each report, of warehouses that open makes, empty and migrated. The seed of the first
// world is taken from SPOOR_TEST_SEED where that is set, and a failure says what to set it to.
func Run(t *testing.T, questions int, open func(t *testing.T, name string) warehouse.Warehouse) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("SPOOR_TEST_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("SPOOR_TEST_SEED must be a number; got %q", text)
		}
		seed = n
	}
	each := (questions + len(Reports()) - 1) / len(Reports())
	t.Logf("%d questions of each of %d reports; the first world's seed is %d", each, len(Reports()), seed)
	for n := 0; n*worldQuestions < each; n++ {
		t.Run(fmt.Sprint("world ", n), func(t *testing.T) {
			t.Parallel()
			runWorld(t, seed+uint64(n), min(worldQuestions, each-n*worldQuestions), open)
		})
	}
}

func runWorld(t *testing.T, seed uint64, questions int, open func(t *testing.T, name string) warehouse.Warehouse) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	r := rand.New(rand.NewPCG(seed, 0))
	world := NewWorld(r, r.IntN(worldEvents))
	in := open(t, fmt.Sprint("world_", seed))
	if err := world.Load(ctx, in); err != nil {
		t.Fatalf("loading the world of seed %d: %v", seed, err)
	}
	for _, report := range Reports() {
		for range questions {
			question, want, have, err := report.Ask(ctx, r, world, in)
			if err == nil {
				err = differ(want, have)
			}
			if err != nil {
				t.Errorf("SPOOR_TEST_SEED=%d: %s %s: %v", seed, report.Name, text(question), err)
				return
			}
		}
	}
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// differ tells where two answers differ. Numbers may by a little: sums of fractions depend on their order.
func differ(want, have any) error {
	plain := func(v any) (out any) {
		if err := json.Unmarshal([]byte(text(v)), &out); err != nil {
			return err.Error()
		}
		return out
	}
	if where := difference("", plain(want), plain(have)); where != "" {
		return fmt.Errorf("%s\nwant %s\nhave %s", where, text(want), text(have))
	}
	return nil
}

func difference(path string, want, have any) string {
	switch w := want.(type) {
	case map[string]any:
		h, ok := have.(map[string]any)
		if !ok || len(h) != len(w) {
			return path + ": not the same members"
		}
		for k := range w {
			if where := difference(path+"."+k, w[k], h[k]); where != "" {
				return where
			}
		}
		return ""
	case []any:
		h, ok := have.([]any)
		if !ok || len(h) != len(w) {
			return fmt.Sprintf("%s: want %d; have %v", path, len(w), have)
		}
		for i := range w {
			if where := difference(fmt.Sprintf("%s[%d]", path, i), w[i], h[i]); where != "" {
				return where
			}
		}
		return ""
	case float64:
		if h, ok := have.(float64); ok && math.Abs(w-h) <= 1e-9*max(1, math.Abs(w)) {
			return ""
		}
	default:
		if want == have {
			return ""
		}
	}
	return fmt.Sprintf("%s: want %v; have %v", path, want, have)
}
