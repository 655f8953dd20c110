package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spoorhq/spoor/query"
)

type queryPathsCommand struct {
	questionFlags
	rangeFlags
	cohortFlags
	Event    string   `help:"The event that paths are followed from; without, where a visit begins, or ends." placeholder:"NAME"`
	Before   bool     `help:"Follow them backwards: what came before."`
	Steps    int      `help:"How many events are followed." default:"4"`
	Sessions bool     `help:"A visit is a session; without, it ends after 30 minutes of nothing."`
	Hide     []string `help:"Pass over this event; give it once for each." placeholder:"NAME" sep:"none"`
	Bots     bool     `help:"Let crawlers and other programs count."`
}

func (queryPathsCommand) Help() string {
	return `Examples:
  spoor query paths --event "Search Used" --last 7d
  spoor query paths --event "Order Completed" --before --hide "Page Viewed"`
}

func (c *queryPathsCommand) Run(ctx context.Context, p *process) error {
	r, err := c.period()
	if err != nil {
		return err
	}
	where, err := c.where(ctx, &c.clientFlags)
	if err != nil {
		return err
	}
	ask := query.Paths{
		Range: r, Where: where, From: query.Step{Event: query.Selection{Event: c.Event}}, Before: c.Before, Steps: c.Steps, Sessions: c.Sessions, Bots: c.Bots,
	}
	for _, name := range c.Hide {
		ask.Hide = append(ask.Hide, query.Selection{Event: name})
	}
	var a query.PathsAnswer
	if open, err := c.answered(ctx, p, "paths", ask, &a); !open || err != nil {
		return err
	}
	if len(a.Sequences) == 0 {
		fmt.Fprintln(p.stdout, "nothing happened in this time")
		return nil
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "paths\tpeople\t")
	for _, s := range a.Sequences {
		names := make([]string, len(s.Events))
		for i, e := range s.Events {
			names[i] = pathEventName(e, c.Before)
		}
		// What is read from left to right came one after the other, whichever way it was followed.
		arrow := " → "
		if c.Before {
			arrow = " ← "
		}
		fmt.Fprintf(t, "%s\t%s\t  %s\n", grouped(strconv.FormatInt(s.Paths, 10)), grouped(strconv.FormatInt(s.People, 10)), strings.Join(names, arrow))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "the %d most frequent ways\n", len(a.Sequences))
	return nil
}

// pathEventName calls what stands at a step.
func pathEventName(e query.PathEvent, before bool) string {
	switch {
	case e.Other:
		return "(other events)"
	case e.End && before:
		return "(nothing before)"
	case e.End:
		return "(nothing more)"
	case e.Type == "track":
		return e.Event
	case e.Event == "":
		return e.Type
	default:
		return e.Event + " (" + e.Type + ")"
	}
}
