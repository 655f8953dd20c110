package spoor_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	spoor "github.com/spoorhq/spoor/sdk/go"
)

// collector stands in for a Spoor.
func collector() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"success":true}`)
	}))
}

func Example() {
	server := collector()
	defer server.Close()
	ctx := context.Background()

	client, err := spoor.New(spoor.Options{URL: server.URL, WriteKey: "backend-key"})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = client.Track(ctx, spoor.Event{
		UserID: "ada", Name: "Order Completed", Properties: spoor.Map{"revenue": 39.95, "currency": "EUR"},
	})
	if err != nil {
		fmt.Println(err) // it was not taken: the queue is full, or something is wrong with the event
	}

	// At the end of the program: send what waits, for ten seconds at most.
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := client.Close(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(client.Stats().Stored)
	// Output: 1
}

// In a function that lives as long as a request, nothing may be left behind: each call sends.
func Example_serverless() {
	server := collector()
	defer server.Close()

	client, err := spoor.New(spoor.Options{URL: server.URL, WriteKey: "backend-key", Sync: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err = client.Identify(ctx, spoor.Event{UserID: "ada", Traits: spoor.Map{"plan": "pro"}})
	fmt.Println(err) // nil: it is on the server's disk
	// Output: <nil>
}

// A program that must never wait drops what there is no room for, and hears of it.
func Example_neverBlock() {
	server := collector()
	defer server.Close()

	client, err := spoor.New(spoor.Options{
		URL: server.URL, WriteKey: "backend-key",
		WhenFull: spoor.DropOldest,
		OnError: func(f spoor.Failure) {
			fmt.Fprintf(os.Stderr, "event %q (%s) was lost: %v\n", f.Name, f.MessageID, f.Err)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	for n := range 3 {
		_ = client.Track(ctx, spoor.Event{AnonymousID: "device-1", Name: "Clicked", Properties: spoor.Map{"n": n}})
	}
	if err := client.Flush(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(client.Stats().Dropped)
	_ = client.Close(ctx)
	// Output: 0
}
