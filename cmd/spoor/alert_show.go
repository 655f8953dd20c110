package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spoorhq/spoor/alert"
	"github.com/spoorhq/spoor/dashboard"
	"github.com/spoorhq/spoor/query"
)

const minuteLayout = "2006-01-02 15:04"

// alertID names an alert.
type alertID struct {
	ID string `arg:"" help:"The alert's id, as spoor alert list shows it."`
}

type alertShowCommand struct {
	clientFlags
	alertID
	JSON bool `help:"Print one JSON object."`
}

func (alertShowCommand) Help() string {
	return `Exit code 0: it does not fire; 3: it does.

Examples:
  spoor alert show tracking`
}

func (c *alertShowCommand) Run(ctx context.Context, p *process) error {
	var list struct{ Alerts []dashboard.AlertStanding }
	if err := c.ask(ctx, http.MethodGet, "/api/alerts", nil, nil, &list); err != nil {
		return err
	}
	for i := range list.Alerts {
		a := &list.Alerts[i]
		if a.ID != c.ID {
			continue
		}
		if c.JSON {
			if err := json.NewEncoder(p.stdout).Encode(a); err != nil {
				return err
			}
		} else if err := showAlert(p, a); err != nil {
			return err
		}
		if a.Status == alert.Firing {
			return errMismatch
		}
		return nil
	}
	return fmt.Errorf("there is no alert %q; spoor alert list shows those that there are", c.ID)
}

func showAlert(p *process, a *dashboard.AlertStanding) error {
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fact := func(name, text string) {
		if text != "" {
			fmt.Fprintf(t, "%s\t%s\n", name, text)
		}
	}
	fact("name", a.Name)
	fact("status", statusText(a.Status)+" since "+a.Since.Local().Format(minuteLayout))
	fact("watches", a.Watches)
	fact("now", numberText(a.Value, a.Kind))
	fact("fine", fineText(a.Low, a.High, a.Kind))
	if a.Evaluated != nil {
		fact("looked at", "up to "+a.Evaluated.Local().Format(minuteLayout))
	}
	for i, to := range a.Notify {
		fact(fmt.Sprintf("receiver %d", i), to)
	}
	if a.Waiting > 0 {
		fact("waiting", fmt.Sprintf("%d notifications", a.Waiting))
	}
	fact("fault", a.Fault)
	fact("undelivered", a.Undelivered)
	for _, e := range a.History {
		until := "now"
		if e.Until != nil {
			until = fmt.Sprintf("%s, %s", e.Until.Local().Format(minuteLayout), e.Until.Sub(e.Since).Round(time.Minute))
		}
		what := numberText(e.Value, a.Kind)
		if fine := fineText(e.Low, e.High, a.Kind); fine != "" {
			what += "; fine was " + fine
		}
		if e.Event != nil {
			what = e.Event.String()
		}
		fact("fired", fmt.Sprintf("%s to %s: %s", e.Since.Local().Format(minuteLayout), until, what))
	}
	return t.Flush()
}

func statusText(s alert.Status) string { return strings.ReplaceAll(string(s), "_", " ") }

// numberText writes a number of an alert; a share in percent.
func numberText(v *float64, kind query.NumberKind) string {
	if v == nil {
		return ""
	}
	if kind == query.Part {
		return strconv.FormatFloat(*v*100, 'f', 1, 64) + "%"
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}

func fineText(low, high *float64, kind query.NumberKind) string {
	switch {
	case low != nil && high != nil:
		return numberText(low, kind) + " to " + numberText(high, kind)
	case low != nil:
		return numberText(low, kind) + " or more"
	case high != nil:
		return numberText(high, kind) + " or less"
	}
	return ""
}
