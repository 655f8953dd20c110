package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spoorhq/spoor/dashboard"
)

// tokenCommand has a subcommand for each thing that can be done with tokens.
type tokenCommand struct {
	Create tokenCreateCommand `cmd:"" help:"Make a token. It is shown this once."`
	List   tokenListCommand   `cmd:"" help:"List the tokens, without their secrets."`
	Revoke tokenRevokeCommand `cmd:"" help:"Revoke a token: from now on it lets nobody in."`
}

type tokenCreateCommand struct {
	clientFlags
	Name  string `help:"Who or what it is for." required:"" placeholder:"NAME"`
	Scope string `help:"read: look, and ask questions; admin: also change what is saved, erase, replay, make tokens." default:"read" enum:"read,admin"`
	Days  int    `help:"It expires after so many days; 0: never." default:"0"`
	JSON  bool   `help:"Print one JSON object."`
}

func (tokenCreateCommand) Help() string {
	return `The token alone is printed on standard output. A program sends it as "Authorization: Bearer TOKEN".

Examples:
  spoor token create --name "weekly report" --scope read --days 365
  SPOOR_TOKEN=$(spoor token create --name deploy --scope admin) spoor sql "select 1"`
}

func (c *tokenCreateCommand) Run(ctx context.Context, p *process) error {
	var token dashboard.NewToken
	body := map[string]any{"name": c.Name, "scope": c.Scope, "days": c.Days}
	if err := c.ask(ctx, http.MethodPost, "/api/tokens", nil, body, &token); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(p.stdout).Encode(token)
	}
	fmt.Fprintf(p.stderr, "token %s, %q, scope %s: keep it now, it is not shown again\n", token.ID, token.Name, token.Scope)
	fmt.Fprintln(p.stdout, token.Secret)
	return nil
}

type tokenListCommand struct {
	clientFlags
	JSON bool `help:"Print an array of objects."`
}

func (c *tokenListCommand) Run(ctx context.Context, p *process) error {
	var list struct{ Tokens []dashboard.Token }
	if err := c.ask(ctx, http.MethodGet, "/api/tokens", nil, nil, &list); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(p.stdout).Encode(list.Tokens)
	}
	if len(list.Tokens) == 0 {
		fmt.Fprintln(p.stdout, "there are no tokens; make one with: spoor token create --name NAME --scope read")
		return nil
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "id\tname\tscope\tcreated\texpires\tlast used")
	for _, token := range list.Tokens {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", token.ID, token.Name, token.Scope, token.Created.Format(time.DateOnly), day(token.Expires, "never"), day(token.Used, "never"))
	}
	return t.Flush()
}

func day(t *time.Time, otherwise string) string {
	if t == nil {
		return otherwise
	}
	return t.Format(time.DateOnly)
}

type tokenRevokeCommand struct {
	clientFlags
	ID string `arg:"" help:"The token's id, as spoor token list shows it."`
}

func (c *tokenRevokeCommand) Run(ctx context.Context, p *process) error {
	if err := c.ask(ctx, http.MethodDelete, "/api/tokens/"+url.PathEscape(c.ID), nil, nil, nil); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "revoked %s\n", c.ID)
	return nil
}
