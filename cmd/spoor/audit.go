package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spoorhq/spoor/audit"
)

type auditCommand struct {
	clientFlags
	From  string        `help:"Audit events received from this time on: RFC 3339, or how long ago, such as 6h." default:"24h"`
	To    string        `help:"Up to this time; now when not given."`
	Wait  time.Duration `help:"Wait so long for the warehouse to have what is accepted." default:"30s"`
	JSON  bool          `help:"Print the whole report as one JSON object."`
	Lines bool          `help:"Print every source's minutes, not only those that do not add up."`
}

func (auditCommand) Help() string {
	return `Compares what the door accepted with what the warehouse holds, by source and minute, and names what is missing
or doubled. Exit code 0: equal; 3: not equal.

Examples:
  spoor audit
  spoor audit --from 2026-11-01T00:00:00Z --to 2026-11-02T00:00:00Z --json`
}

func (c *auditCommand) Run(ctx context.Context, p *process) error {
	q := url.Values{"wait": {c.Wait.String()}}
	for name, text := range map[string]string{"from": c.From, "to": c.To} {
		if text == "" {
			continue
		}
		if ago, err := time.ParseDuration(text); err == nil {
			text = time.Now().Add(-ago).UTC().Format(time.RFC3339)
		} else if _, err := time.Parse(time.RFC3339, text); err != nil {
			return usagef("--%s must be a time such as 2026-11-01T00:00:00Z or a duration such as 6h; got %q", name, text)
		}
		q.Set(name, text)
	}
	stop := ticking(p.stderr, "comparing")
	response, err := c.request(ctx, http.MethodGet, "/api/audit", q, nil, "application/json")
	if stop(); err != nil {
		return err
	}
	defer response.Body.Close()
	var report audit.Report
	if err := json.NewDecoder(response.Body).Decode(&report); err != nil {
		return fmt.Errorf("reading the report: %w", err)
	}
	if c.JSON {
		out := json.NewEncoder(p.stdout)
		out.SetIndent("", "  ")
		err = out.Encode(&report)
	} else {
		err = c.print(p.stdout, &report)
	}
	if err == nil && !report.Equal {
		return errMismatch
	}
	return err
}

func (c *auditCommand) print(w io.Writer, r *audit.Report) error {
	fmt.Fprintf(w, "events received from %s to %s\n\n", r.From.Format(time.RFC3339), r.To.Format(time.RFC3339))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "accepted\tloaded\tduplicate\tdead\tin flight\tmissing\tdoubled\t")
	fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n\n", r.Accepted, r.Loaded, r.Duplicate, r.Dead, r.InFlight, r.Missing, r.Doubled)
	if err := t.Flush(); err != nil {
		return err
	}
	for _, check := range r.Checks {
		mark := "ok   "
		if !check.OK {
			mark = "WRONG"
		}
		fmt.Fprintf(w, "%s  %-10s %s\n", mark, check.Name, check.Detail)
	}
	first := true
	for _, l := range r.Lines {
		if !c.Lines && l.Missing == 0 && l.Doubled == 0 {
			continue
		}
		if first {
			fmt.Fprintln(t, "\nminute\tsource\taccepted\tloaded\tduplicate\tdead\tin flight\trows\tdead letters\tmissing\tdoubled\t")
			first = false
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", l.Minute.Format("2006-01-02 15:04"), l.Source,
			l.Accepted, l.Loaded, l.Duplicate, l.Dead, l.InFlight, l.Rows, l.DeadRows, l.Missing, l.Doubled)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, gap := range r.LostRecords {
		fmt.Fprintf(w, "lost: records %d to %d of collector %s, boot %s\n", gap.From, gap.To, gap.Collector, gap.Boot)
	}
	for _, id := range r.MissingIDs {
		fmt.Fprintf(w, "missing: %s %s\n", id.Source, id.MessageID)
	}
	for _, id := range r.DoubledIDs {
		fmt.Fprintf(w, "doubled: %s %s, %d times\n", id.Source, id.MessageID, id.Times)
	}
	if r.Equal {
		fmt.Fprintln(w, "\nequal: nothing is missing, nothing is doubled")
		return nil
	}
	fmt.Fprintln(w, "\nNOT EQUAL")
	return nil
}
