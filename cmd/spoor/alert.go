package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spoorhq/spoor/alert"
	"github.com/spoorhq/spoor/dashboard"
)

// alertCommand has a subcommand for each thing that can be done with alerts.
type alertCommand struct {
	List   alertListCommand   `cmd:"" help:"Show all alerts and how they stand."`
	Show   alertShowCommand   `cmd:"" help:"Show one alert, and when it fired."`
	Create alertCreateCommand `cmd:"" help:"Make an alert on a report's number or an event's volume."`
	Change alertChangeCommand `cmd:"" help:"Change what an alert watches, when it fires or whom it tells."`
	Pause  alertPauseCommand  `cmd:"" help:"Let an alert rest."`
	Resume alertResumeCommand `cmd:"" help:"Let a paused alert watch again."`
	Test   alertTestCommand   `cmd:"" help:"Tell an alert's receivers that this is a test."`
	Remove alertRemoveCommand `cmd:"" help:"Remove an alert."`
}

type alertListCommand struct {
	clientFlags
	JSON bool `help:"Print an array of objects."`
}

func (alertListCommand) Help() string {
	return `Exit code 0: none fires; 3: at least one does.

Examples:
  spoor alert list
  spoor alert list --json | jq '.[] | select(.status == "firing")'`
}

func (c *alertListCommand) Run(ctx context.Context, p *process) error {
	var list struct{ Alerts []dashboard.AlertStanding }
	if err := c.ask(ctx, http.MethodGet, "/api/alerts", nil, nil, &list); err != nil {
		return err
	}
	if c.JSON {
		if err := json.NewEncoder(p.stdout).Encode(list.Alerts); err != nil {
			return err
		}
	}
	fires := false
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	if !c.JSON {
		fmt.Fprintln(t, "id\tname\tstatus\tsince\tnow\tfine\twatches\ttells")
	}
	for i := range list.Alerts {
		a := &list.Alerts[i]
		fires = fires || a.Status == alert.Firing
		if c.JSON {
			continue
		}
		tells := strings.Join(a.Notify, ", ")
		if tells == "" {
			tells = "nobody"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", a.ID, a.Name, statusText(a.Status), a.Since.Local().Format(minuteLayout), numberText(a.Value, a.Kind), fineText(a.Low, a.High, a.Kind), a.Watches, tells)
		for _, s := range a.Silent {
			if s.Status == alert.Firing {
				fmt.Fprintf(t, "\t%s\t%s\t%s\t\t\tusually %.0f in %d h\t\n", s.Name, "stopped", s.Since.Local().Format(minuteLayout), s.Usual, s.Hours)
			}
		}
		for _, fault := range []string{a.Fault, a.Undelivered} {
			if fault != "" {
				fmt.Fprintf(t, "\t\t\t\t\t\t%s\t\n", fault)
			}
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if fires {
		return errMismatch
	}
	return nil
}

type alertTestCommand struct {
	clientFlags
	alertID
	Receiver *int `help:"Only the receiver of this number, from 0, as spoor alert show lists them." placeholder:"N"`
	JSON     bool `help:"Print an array of objects."`
}

func (alertTestCommand) Help() string {
	return `Exit code 0: all were told; 3: at least one could not be.

Examples:
  spoor alert test tracking
  spoor alert test k3jq5x2m7pnv4wtd --receiver 1`
}

func (c *alertTestCommand) Run(ctx context.Context, p *process) error {
	var list struct{ Results []alert.TestResult }
	only := url.Values{}
	if c.Receiver != nil {
		only.Set("receiver", strconv.Itoa(*c.Receiver))
	}
	if err := c.ask(ctx, http.MethodPost, "/api/alerts/"+url.PathEscape(c.ID)+"/test", only, map[string]any{}, &list); err != nil {
		return err
	}
	var failed error
	for _, r := range list.Results {
		if !r.OK {
			failed = errMismatch
		}
	}
	if c.JSON {
		if err := json.NewEncoder(p.stdout).Encode(list.Results); err != nil {
			return err
		}
		return failed
	}
	if len(list.Results) == 0 {
		fmt.Fprintln(p.stdout, "this alert tells nobody; it is shown on the page and logged")
	}
	for _, r := range list.Results {
		if r.OK {
			fmt.Fprintf(p.stdout, "told    %s\n", r.To)
		} else {
			fmt.Fprintf(p.stdout, "FAILED  %s: %s\n", r.To, r.Error)
		}
	}
	return failed
}
