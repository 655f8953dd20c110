package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spoorhq/spoor/replay"
)

type replayCommand struct {
	clientFlags
	Reason string `help:"Only letters that died of this reason, such as unknown_type." placeholder:"REASON"`
	Source string `help:"Only those of this source." placeholder:"NAME"`
	From   string `help:"Only those received from this time on: RFC 3339, or how long ago, such as 6h." placeholder:"TIME"`
	To     string `help:"Only those received before this time." placeholder:"TIME"`
	DryRun bool   `help:"Say what would happen, and do nothing."`
	JSON   bool   `help:"Print the report as one JSON object."`
}

func (replayCommand) Help() string {
	return `Puts dead letters on the stream again, with their original bytes, for the loader to judge them anew: after an upgrade
that reads more. Only those are sent that would load now and are not in the warehouse yet, so it can be run again.

Examples:
  spoor replay --dry-run
  spoor replay --reason unknown_type --from 24h`
}

func (c *replayCommand) Run(ctx context.Context, p *process) error {
	ask := replay.Ask{Reason: c.Reason, Source: c.Source, DryRun: c.DryRun}
	for name, at := range map[string]struct {
		text string
		to   *time.Time
	}{"from": {c.From, &ask.From}, "to": {c.To, &ask.To}} {
		var err error
		if *at.to, err = timeOrAgo(name, at.text); err != nil {
			return err
		}
	}
	response, err := c.request(ctx, http.MethodPost, "/api/replay", nil, ask, "application/x-ndjson")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	report, err := c.follow(response.Body, p.stderr)
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(p.stdout)
		out.SetIndent("", "  ")
		return out.Encode(report)
	}
	return c.print(p.stdout, report)
}

// timeOrAgo reads a time in RFC 3339, or how long ago it was; the zero time where there is no text.
func timeOrAgo(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return time.Now().Add(-ago).UTC(), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, usagef("--%s must be a time such as 2026-11-01T00:00:00Z or a duration such as 6h; got %q", name, text)
	}
	return at, nil
}

// follow reads reports to the last, and draws how far the replay is where somebody looks at it.
func (c *replayCommand) follow(from io.Reader, screen io.Writer) (replay.Report, error) {
	line := newProgressLine(screen)
	defer line.clear()
	lines := bufio.NewReader(from)
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			return replay.Report{}, fmt.Errorf("the server stopped answering before the replay was done: %w", err)
		}
		var said struct {
			replay.Report
			Error string `json:"error"`
		}
		if err := json.Unmarshal(text, &said); err != nil {
			return replay.Report{}, fmt.Errorf("reading the report: %w", err)
		}
		if said.Error != "" {
			return replay.Report{}, errors.New(said.Error)
		}
		part := 0.0
		if said.Total > 0 {
			part = float64(said.Letters) / float64(said.Total)
		}
		line.draw(fmt.Sprintf("%s %d of %d dead letters (Ctrl-C cancels)", bar(part), said.Letters, said.Total))
		if said.Done {
			return said.Report, nil
		}
	}
}

func (c *replayCommand) print(w io.Writer, r replay.Report) error {
	if r.Letters == 0 {
		_, err := fmt.Fprintln(w, "no dead letters")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	loads := "sent"
	if r.DryRun {
		loads = "would load"
	}
	fmt.Fprintf(t, "reason\tletters\t%s\tloaded already\twould die again\twithout bytes\n", loads)
	for _, o := range append(r.Reasons, replay.Outcome{Reason: "together", Letters: r.Letters, Loads: r.Loads, Already: r.Already, Dead: r.Dead, Lost: r.Lost}) {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\n", o.Reason, o.Letters, o.Loads, o.Already, o.Dead, o.Lost)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, o := range r.Reasons {
		for _, reason := range slices.Sorted(maps.Keys(o.Now)) {
			fmt.Fprintf(w, "%s: %d would die again of %s\n", o.Reason, o.Now[reason], reason)
		}
	}
	return nil
}
