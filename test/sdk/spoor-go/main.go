// Command spoor-go sends events with Spoor's own package for Go, and prints those that the package has stored: a JSON
// array of their ids, types and times. It is a module of its own, as any program that uses the package is.
//
//	spoor-go URL every|many|sync
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	spoor "github.com/spoorhq/spoor/sdk/go"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: spoor-go URL every|many|sync")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type message struct {
	MessageID string    `json:"messageId"`
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
}

func run(url, scenario string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	defer cancel()
	var lost error
	client, err := spoor.New(spoor.Options{
		URL: url, WriteKey: "dev", Sync: scenario == "sync", MinPause: 10 * time.Millisecond,
		OnError: func(f spoor.Failure) { lost = fmt.Errorf("%s %q was lost: %w", f.Type, f.Name, f.Err) },
	})
	if err != nil {
		return err
	}
	sent := []message{}
	call := func(do func(context.Context, spoor.Event) error, kind string, e spoor.Event) {
		if err != nil {
			return
		}
		e.MessageID = fmt.Sprintf("spoor-go-%s-%d", scenario, len(sent))
		if e.Timestamp.IsZero() {
			e.Timestamp = time.Now().UTC().Truncate(time.Microsecond)
		}
		sent = append(sent, message{e.MessageID, kind, e.Timestamp})
		err = do(ctx, e)
	}
	if scenario == "many" {
		for i := range 500 {
			call(client.Track, "track", spoor.Event{UserID: fmt.Sprintf("user-%d", i%7), Name: "Counted", Properties: spoor.Map{"i": i}})
		}
	} else {
		every(client, call)
	}
	if err != nil {
		return err
	}
	if err := client.Close(ctx); err != nil {
		return err
	}
	if have := client.Stats(); lost != nil || int(have.Stored) != len(sent) {
		return fmt.Errorf("want all %d events stored; have %+v: %w", len(sent), have, lost)
	}
	return json.NewEncoder(os.Stdout).Encode(sent)
}

func every(client *spoor.Client, call func(func(context.Context, spoor.Event) error, string, spoor.Event)) {
	const device = "device-1"
	call(client.Track, "track", spoor.Event{
		AnonymousID: device, Name: "Product Viewed", Properties: spoor.Map{"sku": "A-1", "price": 39.95, "tags": []string{"a", "b"}},
	})
	call(client.Identify, "identify", spoor.Event{
		UserID: "ada", AnonymousID: device, Traits: spoor.Map{"email": "ada@example.com", "plan": "pro"},
	})
	call(client.Track, "track", spoor.Event{
		UserID: "ada", Name: "Order Completed", Timestamp: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
		Properties: spoor.Map{"revenue": 12, "note": "Grüße, \"Ada\" \U0001F98C", "nested": spoor.Map{"deep": []any{1, spoor.Map{"x": nil}}}},
		Context: spoor.Map{
			"ip": "203.0.113.7", "locale": "de-AT", "timezone": "Europe/Vienna", "userAgent": "Shop/1.0",
			"page": spoor.Map{
				"url": "https://shop.example/pay?x=1", "path": "/pay", "title": "Pay", "referrer": "https://shop.example/cart",
			},
		},
	})
	call(client.Page, "page", spoor.Event{
		UserID: "ada", Category: "Docs", Name: "Start",
		Properties: spoor.Map{"url": "https://shop.example/docs", "path": "/docs", "title": "Documents"},
	})
	call(client.Screen, "screen", spoor.Event{UserID: "ada", Name: "Settings", Properties: spoor.Map{"dark": true}})
	call(client.Group, "group", spoor.Event{UserID: "ada", GroupID: "acme", Traits: spoor.Map{"seats": 3}})
	call(client.Alias, "alias", spoor.Event{UserID: "ada", PreviousID: device})
}
