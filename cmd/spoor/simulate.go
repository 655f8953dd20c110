package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/spoorhq/spoor/simulate"
)

type simulateCommand struct {
	clientFlags
	WriteKey   string        `help:"The write key of the source to send to." default:"dev" env:"SPOOR_WRITE_KEY"`
	People     int           `help:"How many people there are." default:"400000"`
	Days       float64       `help:"Send the history of so many days up to now, as fast as the server takes it." xor:"when"`
	Rate       float64       `help:"Send live traffic of so many events a second." xor:"when"`
	For        time.Duration `help:"End live traffic after this time."`
	Speed      float64       `help:"How fast time passes: 60 plays an hour in a minute. Default: 1 for live traffic, as fast as possible for history."`
	Events     uint64        `help:"End after so many events." short:"n"`
	PerDay     float64       `help:"The mean number of events that a person does in a day." default:"5"`
	Batch      int           `help:"Events in each request. Default: what the SDKs' settings lead to."`
	Clients    int           `help:"Requests under way at a time." default:"16"`
	Duplicates float64       `help:"The share of requests that are sent twice, as SDKs do when a page is left or an answer is lost." default:"0"`
	Seed       uint64        `help:"The same seed makes the same people do the same things. Default: by chance."`
	Verify     bool          `help:"Read the warehouse back and compare every event. Exit code 3 when one is wrong."`
	JSON       bool          `help:"Print the result as one JSON object."`
}

func (simulateCommand) Help() string {
	return `Examples:
  spoor simulate --rate 200
  spoor simulate --days 30 --people 20000
  spoor simulate -n 1000000 --batch 100 --verify`
}

func (c *simulateCommand) Run(ctx context.Context, p *process, _ *slog.Logger) error {
	if c.Seed == 0 {
		c.Seed = rand.Uint64()
	}
	population := simulate.Config{Seed: c.Seed, People: c.People, PerPersonDay: c.PerDay, Rate: c.Rate}
	delivery := simulate.Delivery{
		Server: c.Server, WriteKey: c.WriteKey, Speed: c.Speed, BatchSize: c.Batch, Duplicates: c.Duplicates,
		Concurrency: c.Clients, Limit: c.Events,
	}
	now := time.Now()
	switch {
	case c.Days > 0:
		population.To, population.From = now, now.Add(-time.Duration(c.Days*24*float64(time.Hour)))
	case c.Speed == 0 && (c.Rate > 0 || c.For > 0):
		delivery.Live = true
	}
	if c.For > 0 {
		population.From, population.To = now, now.Add(time.Duration(float64(c.For)*max(delivery.Speed, 1)))
	}
	if population.To.IsZero() && c.Events == 0 && delivery.Speed == 0 && !delivery.Live {
		return usagef("say how much to send: --days, --rate, --for or --events")
	}
	result, err := send(ctx, population, delivery, p.stderr, "sending")
	if result == nil {
		return err
	}
	var verdict *simulate.Verdict
	if c.Verify && err == nil {
		fmt.Fprintln(p.stderr, "comparing with the warehouse …")
		verdict, err = simulate.Verify(ctx, &simulate.HTTPReader{Server: c.Server, Password: c.Password}, result.Ledger, simulate.VerifyOptions{})
	}
	if c.JSON {
		out := json.NewEncoder(p.stdout)
		out.SetIndent("", "  ")
		_ = out.Encode(map[string]any{"run": result.Run, "seed": c.Seed, "sent": &result.Progress, "verdict": verdict})
	} else {
		printResult(p.stdout, c.Seed, result, verdict)
	}
	if err == nil && verdict != nil && !verdict.OK() {
		return errMismatch
	}
	return err
}

// send sends a population's events, with a progress bar on a terminal.
func send(ctx context.Context, population simulate.Config, delivery simulate.Delivery, w io.Writer, what string) (*simulate.Result, error) {
	generator, err := simulate.NewGenerator(population)
	if err != nil {
		return nil, usageError{err}
	}
	bar := newBar(w, what)
	delivery.OnProgress = func(p simulate.Progress) {
		bar.Describe(fmt.Sprintf("%s  %d events  %.0f/s", what, p.Acknowledged, p.EventsPerSecond()))
		if p.Done > 0 {
			_ = bar.Set(int(p.Done * barSteps))
		}
	}
	result, err := simulate.Send(ctx, generator, delivery)
	_ = bar.Finish()
	return result, err
}

const barSteps = 1000

// newBar makes a progress bar, which is silent where there is no terminal.
func newBar(w io.Writer, what string) *progressbar.ProgressBar {
	return progressbar.NewOptions(barSteps, progressbar.OptionSetWriter(w), progressbar.OptionSetVisibility(isTerminal(w)),
		progressbar.OptionSetDescription(what), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetElapsedTime(true))
}

func printResult(w io.Writer, seed uint64, r *simulate.Result, v *simulate.Verdict) {
	fmt.Fprintf(w, "run %s, seed %d: %d events sent in %v, %.0f/s, %.1f MB/s\n", r.Run, seed, r.Events, r.Took.Round(time.Millisecond),
		r.EventsPerSecond(), r.BytesPerSecond()/1e6)
	fmt.Fprintf(w, "acknowledged %d, rejected %d, unclear %d, sent twice on purpose %d; %d requests, %d of them again\n",
		r.Acknowledged, r.Rejected, r.Unclear, r.Duplicates, r.Requests, r.Retries)
	from := "from when it was sent"
	if r.Latency.Scheduled {
		from = "from when it was due"
	}
	fmt.Fprintf(w, "latency of a request, %s: p50 %v, p90 %v, p99 %v, p99.9 %v, max %v\n", from,
		r.Latency.P50, r.Latency.P90, r.Latency.P99, r.Latency.P999, r.Latency.Max)
	if len(r.Failures) > 0 {
		fmt.Fprintf(w, "failures: %v; the last: %s\n", r.Failures, r.LastFailure)
	}
	if v != nil {
		fmt.Fprintln(w, v)
	}
}
