package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/spoorhq/spoor/simulate"
	"github.com/spoorhq/spoor/warehouse"
)

type demoCommand struct {
	serveCommand
	People int     `help:"How many people there are." default:"20000" group:"Demo"`
	Days   float64 `help:"Days of history." default:"30" group:"Demo"`
	Rate   float64 `help:"Events a second of live traffic." default:"8" group:"Demo"`
}

func (demoCommand) Help() string {
	return `The data is in ./spoor-data, as with serve; give --data for another place. History is sent once: where there
are events already, only live traffic is.

Examples:
  spoor demo
  spoor demo --data /tmp/spoor-demo --rate 2000`
}

// demoSeed makes the people of every demo, and of its past and present, the same.
const demoSeed = 2017

func (c *demoCommand) Run(ctx context.Context, p *process, logger *slog.Logger) error {
	key := devSource
	settings, err := parseSources(c.Source)
	if err != nil {
		return err
	}
	if len(settings) > 0 {
		key = settings[0].keys[0]
	}
	return c.serve(ctx, p, logger, func(ctx context.Context, url string, _ warehouse.Warehouse) error {
		fmt.Fprintf(p.stderr, "\n  Spoor is at %s — open it in a browser. Ctrl-C ends the demo.\n\n", url)
		if err := c.history(ctx, p, url, key); err != nil {
			return err
		}
		_, err := simulate.Send(ctx, mustGenerator(simulate.Config{Seed: demoSeed, People: c.People, Rate: c.Rate}),
			simulate.Delivery{Server: url, WriteKey: key, Live: true, Duplicates: 0.005})
		if ctx.Err() != nil {
			return nil
		}
		return err
	})
}

// history sends the past, unless there is one.
func (c *demoCommand) history(ctx context.Context, p *process, url, key string) error {
	client := clientFlags{Server: url, Password: c.Password}
	response, err := client.request(ctx, http.MethodPost, "/api/sql", nil,
		map[string]string{"sql": "select 1 as one from events limit 1"}, "application/json")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var rows []map[string]any
	if err := json.NewDecoder(response.Body).Decode(&rows); err != nil {
		return fmt.Errorf("looking for events: %w", err)
	}
	if len(rows) > 0 {
		return nil
	}
	now := time.Now()
	_, err = send(ctx, simulate.Config{
		Seed: demoSeed, People: c.People, PerPersonDay: 1, From: now.Add(-time.Duration(c.Days * 24 * float64(time.Hour))), To: now,
	}, simulate.Delivery{Server: url, WriteKey: key, BatchSize: 100, Concurrency: 4}, p.stderr, "history")
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// mustGenerator is for populations that are checked already.
func mustGenerator(c simulate.Config) *simulate.Generator {
	g, err := simulate.NewGenerator(c)
	if err != nil {
		panic(err)
	}
	return g
}
