// Package door tests the door with all its protocols, as clients meet it: over HTTP, up to what stands in the stream.
package door

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/collect"
	"github.com/spoorhq/spoor/collect/ndjson"
	"github.com/spoorhq/spoor/collect/pixel"
	"github.com/spoorhq/spoor/collect/segment"
	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/memory"
)

// door is a collector that listens, and the stream behind it.
type door struct {
	*collect.Collector
	log     stream.Log
	address string
}

// now is when everything happens that the door stamps.
func now() time.Time { return time.Date(2026, 11, 23, 1, 10, 0, 0, time.UTC) }

// open starts a door; change may alter its options.
func open(t testing.TB, change ...func(*collect.Options)) *door {
	t.Helper()
	log := memory.New(memory.Options{}).Open()
	options := collect.Options{
		Log: log, ID: "door", Now: now,
		Sources:        []collect.Source{{Name: "web", Keys: []string{"wk_test", "wk_old"}}, {Name: "shop", Keys: []string{"wk_shop"}}},
		Protocols:      []collect.Protocol{segment.New(), ndjson.New(), pixel.New()},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}
	for _, c := range change {
		c(&options)
	}
	c, err := collect.New(options)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := c.Server(c)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
		defer cancel()
		if err := errors.Join(c.Drain(ctx), server.Close()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != http.ErrServerClosed {
			t.Error(err)
		}
	})
	return &door{c, options.Log, listener.Addr().String()}
}

// post sends a body, with headers given as name, value, and gives the answer's status and body.
func (d *door) post(t testing.TB, path, body string, headers ...string) (int, string) {
	t.Helper()
	a := d.do(t, http.MethodPost, path, strings.NewReader(body), headers...)
	return a.status, a.body
}

// reply is an answer, read.
type reply struct {
	status int
	header http.Header
	body   string
}

func (d *door) do(t testing.TB, method, path string, body io.Reader, headers ...string) reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+d.address+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] != "" {
			req.Header.Add(headers[i], headers[i+1])
		}
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return read(t, resp)
}

func read(t testing.TB, resp *http.Response) reply {
	t.Helper()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, strings.TrimSpace(string(text))}
}

// dial opens a connection of our own to the door.
func (d *door) dial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", d.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// stored is what the stream holds.
func (d *door) stored(t testing.TB) []stream.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	statter, ok := stream.As[stream.Statter](d.log)
	if !ok {
		t.Fatal("the stream does not know its size")
	}
	stat, err := statter.Stat(ctx)
	if err != nil {
		t.Fatal(err)
	}
	shards, err := d.log.Shards(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var records []stream.Record
	for _, shard := range shards {
		reader, err := d.log.Read(ctx, shard.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		for int64(len(records)) < stat.Records {
			more, err := reader.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, more...)
		}
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return records
}

// events reads all events that the stream holds and describes each with f.
func (d *door) events(t testing.TB, f func(*event.Event, event.Verdict) string) []string {
	t.Helper()
	var out []string
	reader := event.NewRecordReader()
	for _, record := range d.stored(t) {
		if err := reader.Open(record.Data, event.Origin{}); err != nil {
			t.Fatal(err)
		}
		var e event.Event
		for {
			verdict, ok := reader.Next(&e)
			if !ok {
				break
			}
			out = append(out, f(&e, verdict))
		}
	}
	return out
}

// brief names an event by its id or, if it has none, its name, and why it cannot be loaded.
func brief(e *event.Event, verdict event.Verdict) string {
	name := strings.Clone(e.MessageID) // it is a view of the reader's memory
	if verdict.OK() {
		return name
	}
	return fmt.Sprintf("!%s %s", verdict.Reason, name)
}

func prefixes(t testing.TB, text string) []netip.Prefix {
	t.Helper()
	p, err := netip.ParsePrefix(text)
	if err != nil {
		t.Fatal(err)
	}
	return []netip.Prefix{p}
}
