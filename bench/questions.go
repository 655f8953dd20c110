package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Question is asked again and again, and timed.
type Question struct {
	Name   string
	Target time.Duration // 0: none was set
	// Prepare, if given, is called before each Ask, and is not timed.
	Prepare func(ctx context.Context, n int) error
	// Ask asks for the nth time, from 0 on, and reads the whole answer. ErrChanged: what was prepared does not hold any more, for
	// events are loaded meanwhile.
	Ask func(ctx context.Context, n int) error
}

// ErrChanged has a question prepared and asked anew.
var ErrChanged = errors.New("what was asked about has changed meanwhile")

// Timing is how long a question took.
type Timing struct {
	Name   string          `json:"name"`
	Target time.Duration   `json:"target_ns"`
	Took   []time.Duration `json:"took_ns"` // in the order of the runs
	// Processor is what the whole process used of all processors meanwhile, loading included.
	Processor []time.Duration `json:"processor_ns"`
}

// Median and P95 of the runs; of fewer than twenty runs the latter is the slowest.
func (t Timing) Median() time.Duration { return quantile(t.Took, .5) }
func (t Timing) P95() time.Duration    { return quantile(t.Took, .95) }

func quantile(of []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// Met tells whether the target is met, for which 95 of 100 runs must be.
func (t Timing) Met() bool { return t.Target == 0 || t.P95() <= t.Target }

// QuestionReport is what questions took, and what was going on meanwhile.
type QuestionReport struct {
	Machine Machine  `json:"machine"`
	Rows    int64    `json:"rows"`          // in the warehouse at the beginning
	Rate    float64  `json:"rate"`          // events a second that were loaded meanwhile
	Since   float64  `json:"since_seconds"` // the last of them was committed, at the end
	Timings []Timing `json:"timings"`
	Notes   []string `json:"notes"`
}

// AskAll asks every question once in each of the runs, so that what disturbs one run does not fall on one question only. A run
// before them warms up, and does not count: the warehouse's file is in memory then as far as it fits, as it is while a server
// runs. No answer is kept. With an error come the timings of what was asked before.
func AskAll(ctx context.Context, questions []Question, runs int, log io.Writer) ([]Timing, error) {
	timings := make([]Timing, len(questions))
	for run := range runs + 1 {
		for i, q := range questions {
			took, busy, err := q.once(ctx, run)
			if err != nil {
				return slices.DeleteFunc(timings, func(t Timing) bool { return len(t.Took) == 0 }), fmt.Errorf("asking for %s: %w", q.Name, err)
			}
			name := "warm-up"
			if run > 0 {
				name = fmt.Sprintf("run %d of %d", run, runs)
				timings[i].Name, timings[i].Target = q.Name, q.Target
				timings[i].Took = append(timings[i].Took, took)
				timings[i].Processor = append(timings[i].Processor, busy)
			}
			fmt.Fprintf(log, "bench: %s: %-60s %8.3f s, %.3f s of processors\n", name, q.Name, took.Seconds(), busy.Seconds())
		}
	}
	return timings, nil
}

// once asks a question, and times it. What changes again and again is an error.
func (q Question) once(ctx context.Context, n int) (took, busy time.Duration, err error) {
	for range 5 {
		if q.Prepare != nil {
			if err := q.Prepare(ctx, n); err != nil {
				return 0, 0, err
			}
		}
		began, used := time.Now(), processorTime()
		err = q.Ask(ctx, n)
		took, busy = time.Since(began), processorTime()-used
		if !errors.Is(err, ErrChanged) {
			break
		}
	}
	return took, busy, err
}

// Markdown writes the report as a section of a results file.
func (r *QuestionReport) Markdown(w io.Writer, command string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n`%s`\n\n%s. %d events in the warehouse", r.Machine.Date, command, r.Machine, r.Rows)
	if r.Rate > 0 {
		fmt.Fprintf(&b, "; %.0f events/s were loaded meanwhile, the last commit %.1f s before the end", r.Rate, r.Since)
	}
	b.WriteString(".\n\n| question | median | p95 | target | | processors, median |\n|---|--:|--:|--:|---|--:|\n")
	for _, t := range r.Timings {
		target, met := "", ""
		if t.Target > 0 {
			target, met = fmt.Sprintf("%.1f s", t.Target.Seconds()), "met"
			if !t.Met() {
				met = "missed"
			}
		}
		fmt.Fprintf(&b, "| %s | %.3f s | %.3f s | %s | %s | %.3f s |\n", t.Name, t.Median().Seconds(), t.P95().Seconds(), target, met,
			quantile(t.Processor, .5).Seconds())
	}
	b.WriteByte('\n')
	for _, note := range r.Notes {
		b.WriteString(note + "\n\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
