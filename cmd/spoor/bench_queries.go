package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/spoorhq/spoor/bench"
	"github.com/spoorhq/spoor/warehouse"
)

type benchQueriesCommand struct {
	serveCommand
	Dir    string        `help:"The folder of the warehouse. What is missing of its history is made." required:"" type:"path" placeholder:"DIR" group:"Questions"`
	Rows   uint64        `help:"How many events the history has." default:"100000000" group:"Questions"`
	Days   int           `help:"Over how many days before now." default:"90" group:"Questions"`
	Rate   int           `help:"Events a second that are sent and loaded meanwhile." default:"5000" group:"Questions"`
	Settle time.Duration `help:"How long these are sent before the first question." default:"20s" group:"Questions"`
	Runs   int           `help:"How often each question is asked." default:"5" group:"Questions"`
	Only   []string      `help:"Ask only the questions whose name holds one of these." group:"Questions"`
	Record string        `help:"Append the report to this Markdown file." type:"path" placeholder:"FILE" group:"Questions"`
	JSON   bool          `help:"Print the report as one JSON object." group:"Questions"`
}

func (benchQueriesCommand) Help() string {
	return `Serves a warehouse of simulated events, has events sent to it by a second process, and times questions meanwhile: the
functions behind the API, without its cache. Every question is asked once before the runs that count, so that these find the
file in memory as far as it fits; no answer is kept. Nothing else should run.

Example:
  spoor bench queries --dir /tmp/spoor-history --record bench/results/today.md`
}

func (c *benchQueriesCommand) Run(ctx context.Context, p *process, logger *slog.Logger) error {
	if c.Runs < 1 || c.Rate < 0 {
		return usagef("--runs must be 1 or more and --rate 0 or more; got %d and %d", c.Runs, c.Rate)
	}
	history, err := makeHistory(ctx, c.Dir, c.Rows, c.Days, p, logger)
	if err != nil {
		return err
	}
	c.Data, c.Addr = c.Dir, "127.0.0.1:0"
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var report *bench.QuestionReport
	err = c.serve(ctx, &process{stdout: p.stderr, stderr: p.stderr, stdin: p.stdin}, logger, func(ctx context.Context, url string, w warehouse.Warehouse) (err error) {
		defer stop()
		report, err = c.measure(ctx, p, url, w, history)
		return err
	})
	if report == nil {
		return err
	}
	if err != nil {
		report.Notes = append(report.Notes, "It ended early: "+err.Error())
	}
	command := fmt.Sprintf("spoor bench queries --rows %d --days %d --rate %d --runs %d", c.Rows, c.Days, c.Rate, c.Runs)
	return errors.Join(err, tell(p.stdout, report, command, c.Record, c.JSON))
}

// measure asks the questions while a second process sends events. A question that fails ends it, with the report so far.
func (c *benchQueriesCommand) measure(ctx context.Context, p *process, url string, w warehouse.Warehouse, history *bench.History) (report *bench.QuestionReport, err error) {
	questions, err := c.questions(ctx, w, history)
	if err != nil {
		return nil, err
	}
	if c.Rate > 0 {
		end, failed := c.send(ctx, p, url)
		if failed != nil {
			return nil, failed
		}
		defer func() { err = errors.Join(err, end()) }()
		if !sleepFor(ctx, c.Settle) {
			return nil, ctx.Err()
		}
	}
	before, _, err := loadedSoFar(ctx, w)
	if err != nil {
		return nil, err
	}
	report = &bench.QuestionReport{Machine: bench.ThisMachine(version()), Rows: before}
	began := time.Now()
	report.Timings, err = bench.AskAll(ctx, questions, c.Runs, p.stderr)
	took := time.Since(began)
	if c.Rate > 0 {
		after, last, unknown := loadedSoFar(ctx, w)
		err = errors.Join(err, unknown)
		report.Rate, report.Since = float64(after-before)/took.Seconds(), time.Since(last).Seconds()
		fmt.Fprintf(p.stderr, "bench: %.0f events/s were loaded meanwhile\n", report.Rate)
	}
	return report, err
}

// send starts a process that sends events, and gives what ends it.
func (c *benchQueriesCommand) send(ctx context.Context, p *process, url string) (end func() error, err error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, binary, "simulate", "--server", url, "--rate", strconv.Itoa(c.Rate), "--batch", "100", "--seed", "2017")
	cmd.Stderr = p.stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() error {
		_ = cmd.Process.Signal(os.Interrupt) // one that has ended says why by its exit code
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("sending events: %w", err)
		}
		return nil
	}, nil
}

// loadedSoFar gives how many events were loaded, and when the last of them were committed.
func loadedSoFar(ctx context.Context, w warehouse.Warehouse) (rows int64, last time.Time, err error) {
	answer, err := w.Query(ctx, `select cast(sum(loaded) as bigint), max(loaded_at) from loads`)
	if err != nil {
		return 0, last, err
	}
	defer answer.Close()
	if answer.Next() {
		if err := answer.Scan(&rows, &last); err != nil {
			return 0, last, err
		}
	}
	return rows, last, answer.Err()
}

func sleepFor(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
