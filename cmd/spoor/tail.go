package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spoorhq/spoor/tail"
)

type tailCommand struct {
	clientFlags
	Source  []string `help:"Only events of these sources."`
	Type    []string `help:"Only events of these types."`
	Event   []string `help:"Only events of these names."`
	Person  string   `help:"Only events of this user id or anonymous id."`
	Text    string   `help:"Only events that hold this text." short:"g"`
	Refused bool     `help:"Only events that cannot be loaded."`
	Count   int      `help:"End after so many events." short:"n"`
	JSON    bool     `help:"Print one JSON object a line."`
}

func (tailCommand) Help() string {
	return `Examples:
  spoor tail
  spoor tail --event "Search Used" --event "Order Completed"
  spoor tail --person u-4711 --json | jq .properties`
}

func (c *tailCommand) Run(ctx context.Context, p *process) error {
	q := url.Values{"source": c.Source, "type": c.Type, "event": c.Event}
	for name, value := range map[string]string{"person": c.Person, "text": c.Text} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if c.Refused {
		q.Set("refused", "true")
	}
	response, err := c.request(ctx, http.MethodGet, "/api/tail", q, nil, "application/x-ndjson")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 16<<20)
	for n := 0; lines.Scan(); {
		var item struct {
			tail.Item
			Missed *int64 `json:"missed"`
		}
		if err := json.Unmarshal(lines.Bytes(), &item); err != nil {
			return fmt.Errorf("the server sent what is no event: %w", err)
		}
		if item.Missed != nil {
			if *item.Missed > 0 {
				fmt.Fprintf(p.stderr, "spoor: %d events passed faster than they could be shown\n", *item.Missed)
			}
			continue
		}
		if c.JSON {
			fmt.Fprintf(p.stdout, "%s\n", lines.Bytes())
		} else {
			fmt.Fprintln(p.stdout, tailLine(&item.Item))
		}
		if n++; n == c.Count {
			return nil
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("the server went away: %w", err)
	}
	return fmt.Errorf("the server ended the stream")
}

func tailLine(i *tail.Item) string {
	person := i.UserID
	if person == "" {
		person = i.AnonymousID
	}
	what := i.Type
	if i.Event != "" {
		what += " " + i.Event
	}
	line := fmt.Sprintf("%s  %-10s %-32s %-24s", i.ReceivedAt.Local().Format("15:04:05.000"), i.Source, what, person)
	switch {
	case i.Refused != "":
		return fmt.Sprintf("%s refused: %s (%s)", line, i.Refused, i.Detail)
	case len(i.Properties) > 0:
		return line + " " + string(i.Properties)
	default:
		return line + " " + string(i.Traits)
	}
}
