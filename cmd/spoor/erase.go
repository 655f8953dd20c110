package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spoorhq/spoor/dashboard"
)

type eraseCommand struct {
	clientFlags
	User      []string `help:"A user id of the person; give it once for each." placeholder:"ID" sep:"none"`
	Anonymous []string `help:"An anonymous id of the person, such as a device's; give it once for each." placeholder:"ID" sep:"none"`
	Yes       bool     `help:"Erase. Without it is only counted what would be."`
	JSON      bool     `help:"Print the receipt as one JSON object."`
}

func (eraseCommand) Help() string {
	return `Every event, identity and trait of these ids is removed from the warehouse in one transaction, and dead letters about them are
blanked. It cannot be undone. Records that are still in the stream are not touched: they go when --retain of the server is over.

Examples:
  spoor erase --user u-4711
  spoor erase --user u-4711 --anonymous 8f2c --yes --json > receipt.json`
}

func (c *eraseCommand) Run(ctx context.Context, p *process) error {
	if len(c.User)+len(c.Anonymous) == 0 {
		return usagef("erase needs --user or --anonymous: whose data?")
	}
	body := map[string]any{"user_ids": c.User, "anonymous_ids": c.Anonymous, "dry_run": !c.Yes}
	what := "erasing"
	if !c.Yes {
		what = "counting"
	}
	stop := ticking(p.stderr, what)
	var receipt dashboard.Receipt
	err := c.ask(ctx, http.MethodPost, "/api/erase", nil, body, &receipt)
	if stop(); err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(p.stdout)
		out.SetIndent("", "  ")
		return out.Encode(receipt)
	}
	what = "erased at " + receipt.At.Format(time.RFC3339)
	if receipt.DryRun {
		what = "would be erased"
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, table := range slices.Sorted(maps.Keys(receipt.Erased)) {
		fmt.Fprintf(t, "%s\t%d\t%s\n", table, receipt.Erased[table], what)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if receipt.DryRun {
		fmt.Fprintln(p.stdout, "nothing was erased; with --yes it is")
	}
	return nil
}
