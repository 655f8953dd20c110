package jetstream_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"

	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/jetstream"
)

// connect opens a stream of a server for the time of a test.
func connect(t *testing.T, url string, options jetstream.Options) *jetstream.Log {
	t.Helper()
	log, err := jetstream.Connect(t.Context(), url, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return log
}

// management gives the server's own view of its streams.
func management(t *testing.T, url string) js.JetStream {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	api, err := js.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func TestConnectURL(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir(), "127.0.0.1", -1)
	_, port, err := net.SplitHostPort(s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ url, want string }{
		{"nats://127.0.0.1:" + port + "/events", ""},
		{"nats://somebody:secret@127.0.0.1:" + port + "/events", ""},
		{"nats://127.0.0.1:1,127.0.0.1:" + port + "/events", ""},
		{"nats://127.0.0.1:" + port + "/events?max_bytes=1048576&replicas=1", ""},
		{"nats://127.0.0.1:" + port + "/more.events", "invalid stream name"},
		{"nats://127.0.0.1:" + port, "does not name a stream"},
		{"nats://127.0.0.1:" + port + "/", "does not name a stream"},
		{"nats:events", "a stream URL is nats://host:port/stream"},
		{"kafka://127.0.0.1:" + port + "/events", "a stream URL is nats://host:port/stream"},
		{"nats:///events", "a stream URL is nats://host:port/stream"},
		{"nats://127.0.0.1:" + port + "/events?max_bytes=much", "max_bytes=much"},
		{"nats://127.0.0.1:" + port + "/events?maxbytes=1", "want replicas, max_bytes or creds"},
		{"nats://127.0.0.1:" + port + "/events?creds=/nowhere", "/nowhere"},
		{"nats://127.0.0.1:" + port + "/events?replicas=3", "replicas"},
		{"nats://127.0.0.1:1/events", "cannot connect"},
	} {
		log, err := jetstream.Connect(t.Context(), test.url, jetstream.Options{})
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.url, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: want an error that says %q; have %v", test.url, test.want, err)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: the error tells the password: %v", test.url, err)
		}
		if err == nil {
			log.Close()
		}
	}
}

// TestConnectHidesPasswords: an error about a URL goes to logs.
func TestConnectHidesPasswords(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"nats://me:secret@127.0.0.1:1", "http://me:secret@127.0.0.1:1/x", "nats://me:secret@127.0.0.1:1/a?%zz=1", "nats://me:secret@127.0.0.1:1/x"} {
		if _, err := jetstream.Connect(t.Context(), url, jetstream.Options{}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("want an error without the password; have %v", err)
		}
	}
}

// TestConnectRefusesLossyStream: a stream that somebody set up to forget by itself is no place for events.
func TestConnectRefusesLossyStream(t *testing.T) {
	t.Parallel()
	url := serve(t, t.TempDir(), "127.0.0.1", -1).ClientURL()
	api := management(t, url)
	sound := js.StreamConfig{Storage: js.FileStorage, Discard: js.DiscardNew, MaxBytes: 1 << 20}
	for name, change := range map[string]func(*js.StreamConfig){
		"":              func(*js.StreamConfig) {},
		"discard":       func(c *js.StreamConfig) { c.Discard = js.DiscardOld },
		"max age":       func(c *js.StreamConfig) { c.MaxAge = time.Hour },
		"storage":       func(c *js.StreamConfig) { c.Storage = js.MemoryStorage },
		"retention":     func(c *js.StreamConfig) { c.Retention = js.WorkQueuePolicy },
		"subjects":      func(c *js.StreamConfig) { c.Subjects = []string{"wild.*"} },
		"max messages ": func(c *js.StreamConfig) { c.MaxMsgsPerSubject, c.Discard = 1, js.DiscardNew },
	} {
		config := sound
		config.Name = "stream-" + strings.ReplaceAll(name, " ", "-")
		config.Subjects = []string{config.Name}
		change(&config)
		if _, err := api.CreateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
		log, err := jetstream.Connect(t.Context(), url+"/"+config.Name, jetstream.Options{})
		if err == nil {
			log.Close()
		}
		if name == "" && err != nil {
			t.Errorf("want a sound stream to be taken; have %v", err)
		}
		if name != "" && (err == nil || !strings.Contains(err.Error(), "its "+name)) {
			t.Errorf("want a stream to be refused for its %s; have %v", name, err)
		}
	}
}

// TestConnectTogether: many collectors that start at once make one stream.
func TestConnectTogether(t *testing.T) {
	t.Parallel()
	url := serve(t, t.TempDir(), "127.0.0.1", -1).ClientURL()
	const n = 8
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			log, err := jetstream.Connect(t.Context(), url+"/events", jetstream.Options{})
			if err == nil {
				err = errors.Join(log.Append(t.Context(), []stream.Record{numberedRecord(i)}), log.Close())
			}
			errs[i] = err
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	stat, err := connect(t, url+"/events", jetstream.Options{}).Stat(t.Context())
	if err != nil || stat.Records != n {
		t.Errorf("want %d records; have %+v, %v", n, stat, err)
	}
}

// TestNothingLeftBehind: readers and trims leave nothing on the server.
func TestNothingLeftBehind(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir(), "127.0.0.1", -1)
	log := connect(t, s.ClientURL()+"/events", jetstream.Options{})
	appendNumbered(t, log, 0, 4)
	clients := s.NumClients()
	for range 3 {
		take(t, log, "", 0, 4)
	}
	at := take(t, log, "", 0, 2)
	if err := log.Trim(t.Context(), "0", at, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	appendNumbered(t, log, 4, 1)
	reader, err := log.Read(t.Context(), "0", "")
	if err != nil {
		t.Fatal(err)
	}
	records, err := reader.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if err := log.Trim(t.Context(), "0", at, records[len(records)-1].Time); err != nil {
		t.Fatal(err)
	}
	take(t, log, at, 2, 3)
	info, err := management(t, s.ClientURL()).Stream(t.Context(), "events")
	if err != nil {
		t.Fatal(err)
	}
	if left := info.CachedInfo().State.Consumers; left != 0 {
		t.Errorf("want no consumers left on the server; have %d", left)
	}
	for s.NumClients() > clients+1 { // the management connection is the one
		if t.Context().Err() != nil {
			t.Fatalf("want %d connections; have %d", clients+1, s.NumClients())
		}
		time.Sleep(time.Millisecond)
	}
}

// TestServerRestarts: the driver says that the server is away, and the wrapper comes back to it.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := serve(t, dir, "127.0.0.1", -1)
	port := s.Addr().(*net.TCPAddr).Port
	bare := connect(t, fmt.Sprintf("nats://127.0.0.1:%d/events", port), jetstream.Options{AckWait: 5 * time.Second})
	log := stream.Retry(bare, stream.Patience{Within: time.Minute, Longest: 100 * time.Millisecond})
	appendNumbered(t, log, 0, 3)
	reader, err := log.Read(t.Context(), "0", "")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	next := 0
	follow := func(to int) {
		t.Helper()
		for next < to {
			records, err := reader.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, record := range records {
				// An Append of unknown outcome is repeated, so that a record may come again.
				if n, err := numberOf(record); err != nil || n > next {
					t.Fatalf("want record %d or one before it; have %d, %v", next, n, err)
				} else if n == next {
					next++
				}
			}
		}
	}
	follow(3)

	s.Shutdown()
	s.WaitForShutdown()
	if err := bare.Append(t.Context(), []stream.Record{numberedRecord(3)}); err == nil {
		t.Error("want an error while the server is away")
	}
	if _, err := bare.Read(t.Context(), "0", ""); err == nil {
		t.Error("want an error while the server is away")
	}
	appended := make(chan error, 1)
	go func() { appended <- log.Append(t.Context(), []stream.Record{numberedRecord(3)}) }()
	serve(t, dir, "127.0.0.1", port)
	if err := <-appended; err != nil {
		t.Fatal(err)
	}
	appendNumbered(t, log, 4, 3)
	follow(7)
}
