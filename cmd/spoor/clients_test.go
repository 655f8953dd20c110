package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	neturl "net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// running starts "spoor serve" in this process, on a free port and with a folder of its own, until the test ends.
func running(t *testing.T, args ...string) (url, folder string) {
	t.Helper()
	data := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	var log bytes.Buffer
	done := make(chan int, 1)
	config := filepath.Join(t.TempDir(), "none.yaml")
	if err := os.WriteFile(config, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		done <- run(ctx, append([]string{"serve", "--config", config, "--addr", "127.0.0.1:0", "--data", data}, args...), process{writer, &log, strings.NewReader("")})
		writer.Close()
	}()
	lines := bufio.NewReader(reader)
	first, err := lines.ReadString('\n')
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	t.Cleanup(func() {
		cancel()
		select {
		case code := <-done:
			if code != exitOK {
				t.Errorf("want the server to end with %d; have %d\n%s", exitOK, code, log.String())
			}
		case <-time.After(time.Minute):
			t.Error("the server does not end")
		}
	})
	if err != nil {
		t.Fatalf("want a URL; have %q, %v", first, err)
	}
	return strings.TrimSpace(first), data
}

// client runs a command against a server and wants it to end with a code.
func client(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	stdout, stderr, code := runIn(t, "", args...)
	if code != want {
		t.Errorf("spoor %s: want exit code %d; have %d\n%s%s", strings.Join(args, " "), want, code, stdout, stderr)
	}
	return stdout, stderr
}

func TestTokenCommands(t *testing.T) {
	t.Parallel()
	url, _ := running(t, "--password", "secret")
	at := []string{"--server", url, "--password", "secret"}
	with := func(args ...string) []string { return append(args, at...) }
	if out, _ := client(t, exitOK, with("token", "list")...); !strings.Contains(out, "there are no tokens") {
		t.Errorf("want to be told how to make one; have %s", out)
	}
	out, said := client(t, exitOK, with("token", "create", "--name", "report")...)
	token := strings.TrimSpace(out)
	if !strings.HasPrefix(token, "spoor_") || strings.Contains(token, "\n") || !strings.Contains(said, "not shown again") {
		t.Errorf("want the token alone on standard output; have %q and %q", out, said)
	}
	if _, said := client(t, exitFault, "token", "list", "--server", url, "--token", token); !strings.Contains(said, "scope admin") {
		t.Errorf("want to be told of the scope; have %s", said)
	}
	if out, _ := client(t, exitOK, "sql", "--server", url, "--token", token, "--json", "select 1 as one"); !strings.Contains(out, `{"one":1}`) {
		t.Errorf("want the answer; have %s", out)
	}
	list, _ := client(t, exitOK, with("token", "list")...)
	id := strings.Split(token, "_")[1]
	if !strings.Contains(list, id) || !strings.Contains(list, "report") || strings.Contains(list, token) {
		t.Errorf("want the token without its secret; have %s", list)
	}
	client(t, exitOK, with("token", "revoke", id)...)
	if _, said := client(t, exitFault, "sql", "--server", url, "--token", token, "select 1"); !strings.Contains(said, "revoked") {
		t.Errorf("want the revoked one refused; have %s", said)
	}
	client(t, exitFault, with("token", "revoke", id)...)
}

// sendOne gives a running server one event and waits for its row.
func sendOne(t *testing.T, url, body string) {
	t.Helper()
	client := clientFlags{Server: url}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/track", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("dev", "")
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("want the event accepted; have %s", response.Status)
	}
	// The audit waits until what is accepted is loaded.
	if err := client.ask(t.Context(), http.MethodGet, "/api/audit", neturl.Values{"wait": {"30s"}}, nil, &struct{}{}); err != nil {
		t.Fatal(err)
	}
}

func TestEraseCommand(t *testing.T) {
	t.Parallel()
	url, _ := running(t)
	sendOne(t, url, `{"event":"Buy","userId":"ada","anonymousId":"d1"}`)
	sendOne(t, url, `{"event":"Buy","userId":"bob","anonymousId":"d2"}`)
	left := func() string {
		out, _ := client(t, exitOK, "sql", "--server", url, "--json", "select user_id from events order by 1")
		return out
	}
	out, _ := client(t, exitOK, "erase", "--server", url, "--user", "ada")
	if !strings.Contains(out, "events        1  would be erased") || !strings.Contains(left(), "ada") {
		t.Errorf("want a count and nothing else; have %s\n%s", out, left())
	}
	out, _ = client(t, exitOK, "erase", "--server", url, "--user", "ada", "--yes", "--json")
	if !strings.Contains(out, `"events": 1`) || !strings.Contains(out, `"dry_run": false`) || strings.Contains(left(), "ada") || !strings.Contains(left(), "bob") {
		t.Errorf("want a receipt, and ada gone; have %s\n%s", out, left())
	}
	if _, said := client(t, exitUsage, "erase", "--server", url); !strings.Contains(said, "--user") {
		t.Errorf("want to be told what is missing; have %s", said)
	}
}

func TestAlertCommands(t *testing.T) {
	t.Parallel()
	url, _ := running(t)
	told := make(chan string, 1)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		told <- string(text)
	}))
	t.Cleanup(hook.Close)
	if out, _ := client(t, exitOK, "alert", "list", "--server", url); !strings.Contains(out, "Tracking broke") || !strings.Contains(out, "nobody") {
		t.Errorf("want tracking watched without anybody having asked for it; have %s", out)
	}
	body := map[string]any{"name": "Orders", "body": map[string]any{"event": map[string]any{"event": "Buy"}, "above": 1, "notify": []any{map[string]any{"webhook": hook.URL}}}}
	c := clientFlags{Server: url}
	var made struct{ ID string }
	if err := c.ask(t.Context(), http.MethodPost, "/api/saved/alerts", nil, body, &made); err != nil {
		t.Fatal(err)
	}
	if out, _ := client(t, exitOK, "alert", "test", made.ID, "--server", url); !strings.Contains(out, "told    webhook to 127.0.0.1") {
		t.Errorf("want to know who was told; have %s", out)
	}
	if have := <-told; !strings.Contains(have, "[test] Orders") {
		t.Errorf("want a test; have %s", have)
	}
	hook.Close()
	if out, _ := client(t, exitMismatch, "alert", "test", made.ID, "--server", url); !strings.Contains(out, "FAILED  webhook to 127.0.0.1") {
		t.Errorf("want to know who could not be told; have %s", out)
	}
	client(t, exitFault, "alert", "test", "nothing", "--server", url)
	body["body"].(map[string]any)["notify"] = []any{map[string]any{"email": "ops@example.com"}}
	if err := c.ask(t.Context(), http.MethodPost, "/api/saved/alerts", nil, body, nil); err == nil || !strings.Contains(err.Error(), "--smtp") {
		t.Errorf("want mails refused where no server sends them; have %v", err)
	}
}

// Alerts are made and changed as on the page, and what cannot be is refused with its field and value.
func TestAlertsAreMadeAndChanged(t *testing.T) {
	t.Parallel()
	url, _ := running(t)
	at := func(args ...string) []string { return append(append([]string{"alert"}, args...), "--server", url) }
	c := clientFlags{Server: url}
	var report struct{ ID string }
	params := map[string]any{
		"range": map[string]any{"last": 7, "unit": "day"},
		"steps": []any{map[string]any{"event": map[string]any{"event": "Look"}}, map[string]any{"event": map[string]any{"event": "Buy"}}},
	}
	body := map[string]any{"name": "Shop", "body": map[string]any{"question": "funnel", "params": params}}
	if err := c.ask(t.Context(), http.MethodPost, "/api/saved/reports", nil, body, &report); err != nil {
		t.Fatal(err)
	}
	out, _ := client(t, exitOK, at("create", "Few buy", "--report", report.ID, "--step", "1", "--of", "of_first", "--below", "0.25", "--webhook", "https://a.example/x,y", "--webhook", "https://b.example/z", "--for", "1")...)
	id := strings.TrimSpace(out)
	shown := func(want ...string) {
		t.Helper()
		out, _ := client(t, exitOK, at("show", id)...)
		for _, text := range want {
			if !strings.Contains(out, text) {
				t.Errorf("want %q; have\n%s", text, out)
			}
		}
	}
	shown("Few buy", "Shop: conversion from Look to Buy in the last 7 days under 25%", "receiver 0  webhook to a.example", "receiver 1  webhook to b.example")
	client(t, exitOK, at("change", id, "--name", "Many buy", "--usual", "--side", "above", "--k", "3", "--nobody")...)
	shown("Many buy", "over what is usual at this hour")
	client(t, exitOK, at("change", id, "--above", "0.9")...)
	client(t, exitOK, at("pause", id)...)
	shown("paused", "over 90%")
	client(t, exitOK, at("resume", id)...)
	// One group of a breakdown, by its values; the missing one has a word in JSON only.
	params["breakdown"] = map[string]any{"by": []string{"country", "properties.plan"}}
	var grouped struct{ ID string }
	if err := c.ask(t.Context(), http.MethodPost, "/api/saved/reports", nil, body, &grouped); err != nil {
		t.Fatal(err)
	}
	client(t, exitOK, at("change", id, "--report", grouped.ID, "--group", "AT", "--group", "a,b")...)
	shown(`in the last 7 days, where country is "AT" and properties.plan is "a,b" over 90%`)
	client(t, exitOK, at("change", id, "--group", `["AT",null]`)...)
	shown(`where country is "AT" and properties.plan is not set over 90%`)
	client(t, exitOK, at("change", id, "--of", "people", "--above", "7")...)
	shown(`people who came to Buy in the last 7 days, where country is "AT" and properties.plan is not set over 7`)
	client(t, exitOK, at("change", id, "--other")...)
	shown("of all other groups by country and properties.plan over 7")
	client(t, exitOK, at("change", id, "--all-groups")...)
	shown("people who came to Buy in the last 7 days over 7")
	client(t, exitOK, at("change", id, "--group", "[1,2]", "--group", "null")...)
	shown(`where country is "[1,2]" and properties.plan is "null"`)
	client(t, exitOK, at("change", id, "--event", "Buy", "--minutes", "15", "--above", "7")...)
	shown("Buy in the last 15 minutes over 7")
	for _, refused := range []struct {
		args []string
		want string
	}{
		{[]string{"change", id, "--minutes", "3"}, "body.event.minutes must be 5 to 10080; got 3"},
		{[]string{"change", id, "--report", report.ID, "--above", "7"}, "body.above must be 0 to 1, for the number is a share: 0.25 is 25%; got 7"},
		{[]string{"create", "x", "--report", report.ID, "--series", "1", "--above", "1"}, "body.number.series does not go with a funnel; got 1"},
		{[]string{"create", "x", "--report", report.ID, "--group", "AT", "--above", "1"}, `body.number.group needs a report with a breakdown; got ["AT"]`},
		{[]string{"create", "x", "--report", grouped.ID, "--group", "AT", "--above", "1"}, `body.number.group must have a value for each of the breakdown's fields, country, properties.plan; got ["AT"]`},
		{[]string{"create", "x", "--event", "Buy", "--other", "--above", "1"}, "body.number goes with report"},
		{[]string{"create", "x", "--event", "Buy"}, "must have a threshold"},
		{[]string{"create", "x", "--event", "Buy", "--above", "1", "--webhook", "chat.example"}, `body.notify[0].webhook must be a URL with http or https; got "chat.example"`},
		{[]string{"show", "nothing"}, `there is no alert "nothing"`},
		{[]string{"pause", "nothing"}, `there is no alert "nothing"`},
	} {
		if _, said := client(t, exitFault, at(refused.args...)...); !strings.Contains(said, refused.want) {
			t.Errorf("%s: want %q; have %s", refused.args, refused.want, said)
		}
	}
	// Tracking is there without having been made; what is said about it is kept.
	client(t, exitOK, at("change", "tracking", "--webhook", "https://a.example/x")...)
	client(t, exitOK, at("pause", "tracking")...)
	if out, _ := client(t, exitOK, at("show", "tracking")...); !strings.Contains(out, "paused") || !strings.Contains(out, "webhook to a.example") {
		t.Errorf("want it paused; have %s", out)
	}
	client(t, exitOK, at("remove", id)...)
	client(t, exitFault, at("remove", id)...)
}
