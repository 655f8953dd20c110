package jetstream_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/jetstream"
	"github.com/spoorhq/spoor/stream/streamtest"
)

const largest = 8 << 20

var powers = streamtest.Powers{Trims: true, Stats: true, Orders: true, Fills: true, Lasts: true}

func TestEmbeddedConformance(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	dirs := map[string]string{}
	streamtest.Run(t, streamtest.Harness{
		Open: func(ctx context.Context, name string, limit int64) (stream.Log, error) {
			mu.Lock()
			defer mu.Unlock()
			if dirs[name] == "" {
				dirs[name] = t.TempDir()
			}
			return jetstream.OpenEmbedded(ctx, jetstream.Options{Dir: dirs[name], MaxBytes: limit})
		},
		// What a kill leaves behind is what the files hold at that moment.
		Crash: func(_ context.Context, name string, log stream.Log) error {
			mu.Lock()
			defer mu.Unlock()
			left := t.TempDir()
			err := os.CopyFS(left, os.DirFS(dirs[name]))
			dirs[name] = left
			return errors.Join(err, log.Close())
		},
		Powers:  powers,
		Largest: largest,
	})
}

func TestConnectConformance(t *testing.T) {
	t.Parallel()
	url := serve(t, t.TempDir(), "127.0.0.1", -1).ClientURL()
	streamtest.Run(t, streamtest.Harness{
		Open: func(ctx context.Context, name string, limit int64) (stream.Log, error) {
			query := ""
			if limit > 0 {
				query = fmt.Sprintf("?max_bytes=%d", limit)
			}
			return jetstream.Connect(ctx, url+"/"+strings.ReplaceAll(name, " ", "-")+query, jetstream.Options{MaxBytes: 1 << 30})
		},
		Powers:  powers,
		Largest: largest,
	})
}

// serve starts a NATS server that anybody on this machine can connect to. Port -1 is a free one.
func serve(tb testing.TB, dir, host string, port int) *server.Server {
	tb.Helper()
	s, err := server.NewServer(&server.Options{
		Host: host, Port: port, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: dir, JetStreamMaxStore: 1 << 40, MaxPayload: largest,
	})
	if err != nil {
		tb.Fatal(err)
	}
	s.Start()
	tb.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(10 * time.Second) {
		tb.Fatal("the server did not come up")
	}
	return s
}

// open opens an embedded stream for the time of a test.
func open(tb testing.TB, options jetstream.Options) *jetstream.Log {
	tb.Helper()
	log, err := jetstream.OpenEmbedded(tb.Context(), options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := log.Close(); err != nil {
			tb.Error(err)
		}
	})
	return log
}

// blocks lists the files that hold the records of an embedded stream.
func blocks(tb testing.TB, dir string) []string {
	tb.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "jetstream", "$G", "streams", "spoor", "msgs", "*.blk"))
	if err != nil || len(found) == 0 {
		tb.Fatalf("want blocks below %s; have %v, %v", dir, found, err)
	}
	return found
}
