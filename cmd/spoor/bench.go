package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spoorhq/spoor/bench"
)

type benchCommands struct {
	Line    benchCommand        `cmd:"" default:"withargs" help:"Events a second end to end, freshness, latency. What bench alone does."`
	History benchHistoryCommand `cmd:"" help:"Make a warehouse full of simulated events."`
	Queries benchQueriesCommand `cmd:"" help:"Time questions of such a warehouse, while events are loaded into it."`
}

type benchCommand struct {
	Duration time.Duration `help:"How long each throughput run sends." default:"1m"`
	Runs     int           `help:"Runs of each measurement; their median is told." default:"3"`
	Batch    int           `help:"Events in a request." default:"100"`
	Clients  int           `help:"Connections that send batches." default:"32"`
	Rate     int           `help:"Events a second while freshness is measured." default:"10000"`
	Only     []string      `help:"Measure only these: idle, singles, freshness, throughput."`
	Dir      string        `help:"Where the measured servers keep their data. Default: the temporary folder." type:"path" placeholder:"DIR"`
	Record   string        `help:"Append the report to this Markdown file." type:"path" placeholder:"FILE"`
	JSON     bool          `help:"Print the report as one JSON object."`
	Serve    []string      `help:"Further flags of the measured spoor serve, such as --serve=--load-rows=50000."`
}

func (benchCommand) Help() string {
	return `Starts servers of its own on fresh data, with the load generator on the same machine. Nothing else should run.

Examples:
  spoor bench
  spoor bench --only throughput --duration 3m --record bench/results/today.md`
}

func (c *benchCommand) Run(ctx context.Context, p *process) error {
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	report, err := bench.Run(ctx, bench.Options{
		Binary: binary, Dir: c.Dir, Duration: c.Duration, Runs: c.Runs, Batch: c.Batch, Clients: c.Clients, Rate: c.Rate,
		Only: c.Only, Server: c.Serve, Log: p.stderr,
	})
	if err != nil {
		return err
	}
	report.Version = version()
	command := fmt.Sprintf("spoor bench --duration %v --runs %d --batch %d --clients %d --rate %d", c.Duration, c.Runs, c.Batch, c.Clients, c.Rate)
	if len(c.Only) > 0 {
		command += " --only " + strings.Join(c.Only, ",")
	}
	return tell(p.stdout, report, command, c.Record, c.JSON)
}

// measured is a benchmark's report.
type measured interface {
	Markdown(w io.Writer, command string) error
}

// tell prints a report, and appends it to the file record where that is named.
func tell(w io.Writer, report measured, command, record string, asJSON bool) error {
	if record != "" {
		f, err := os.OpenFile(record, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := report.Markdown(f, command); err != nil {
			return err
		}
	}
	if asJSON {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		return out.Encode(report)
	}
	return report.Markdown(w, command)
}
