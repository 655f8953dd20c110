package bench_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/bench"
)

// The first run warms up, and a question whose subject has changed is prepared and asked anew.
func TestAskAll(t *testing.T) {
	t.Parallel()
	var asked []int
	changed, prepared := true, 0
	timings, err := bench.AskAll(t.Context(), []bench.Question{
		{Name: "plain", Ask: func(_ context.Context, n int) error { asked = append(asked, n); return nil }},
		{Name: "changing", Prepare: func(context.Context, int) error { prepared++; return nil }, Ask: func(_ context.Context, n int) error {
			if n == 1 && changed {
				changed = false
				return bench.ErrChanged
			}
			return nil
		}},
	}, 2, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(asked, []int{0, 1, 2}) || len(timings) != 2 || len(timings[0].Took) != 2 || len(timings[1].Processor) != 2 || prepared != 4 {
		t.Errorf("want three runs, two of them timed, and four preparations; have %v, %+v, %d", asked, timings, prepared)
	}
}

// What was measured before a question failed is told.
func TestAskAllFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("the warehouse is on fire")
	timings, err := bench.AskAll(t.Context(), []bench.Question{
		{Name: "good", Ask: func(context.Context, int) error { return nil }},
		{Name: "bad", Ask: func(_ context.Context, n int) error {
			if n == 2 {
				return broken
			}
			return nil
		}},
	}, 2, io.Discard)
	if !errors.Is(err, broken) || len(timings) != 2 || len(timings[0].Took) != 2 || len(timings[1].Took) != 1 {
		t.Errorf("want what was measured, and %v; have %+v, %v", broken, timings, err)
	}
	var b strings.Builder
	report := bench.QuestionReport{Timings: timings, Rate: 4000, Notes: []string{"It ended early."}}
	if err := report.Markdown(&b, "x"); err != nil || !strings.Contains(b.String(), "4000 events/s") || !strings.Contains(b.String(), "It ended early.") {
		t.Errorf("want the rate and the note; have %s, %v", b.String(), err)
	}
	timings, err = bench.AskAll(t.Context(), []bench.Question{{Name: "never", Ask: func(context.Context, int) error { return bench.ErrChanged }}}, 2, io.Discard)
	if !errors.Is(err, bench.ErrChanged) || len(timings) != 0 {
		t.Errorf("want no end of changes refused; have %+v, %v", timings, err)
	}
}
