package e2e

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spoorhq/spoor/collect"
	"github.com/spoorhq/spoor/collect/segment"
	"github.com/spoorhq/spoor/load"
	"github.com/spoorhq/spoor/stream/jetstream"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
)

// failing is a warehouse that can be made to refuse everything, and to commit without saying so.
type failing struct {
	warehouse.Warehouse
	down    atomic.Bool
	refused atomic.Int64
	silent  atomic.Int64 // commits whose answer is still to be lost
}

var errDown = errors.New("the warehouse is down")

func (f *failing) Load(ctx context.Context, b *warehouse.Batch) (warehouse.Receipt, error) {
	if f.down.Load() {
		f.refused.Add(1)
		return warehouse.Receipt{}, errDown
	}
	receipt, err := f.Warehouse.Load(ctx, b)
	if err == nil && f.silent.Add(-1) >= 0 {
		return warehouse.Receipt{}, warehouse.ErrUnknownOutcome
	}
	return receipt, err
}

func (f *failing) Positions(ctx context.Context, stream string) (map[string]string, error) {
	if f.down.Load() {
		return nil, errDown
	}
	return f.Warehouse.Positions(ctx, stream)
}

// outage is how long the warehouse is down; SPOOR_TEST_OUTAGE says otherwise.
func outage(t *testing.T) time.Duration {
	text := os.Getenv("SPOOR_TEST_OUTAGE")
	if text == "" {
		return 2 * time.Minute
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("SPOOR_TEST_OUTAGE must be a duration; got %q", text)
	}
	return d
}

// TestWarehouseDownForMinutes: the door stays open all the while, nothing is lost, and the loader catches up. Some
// commits whose answer is lost on top must not load anything twice.
func TestWarehouseDownForMinutes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes; not in -short")
	}
	t.Parallel()
	dir := t.TempDir()
	log, err := jetstream.OpenEmbedded(t.Context(), jetstream.Options{Dir: filepath.Join(dir, "stream")})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	duck, err := duckdb.Open(t.Context(), duckdb.Options{Path: filepath.Join(dir, "spoor.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	defer duck.Close()
	if err := duck.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := &failing{Warehouse: duck}
	w.silent.Store(3)
	door, err := collect.New(collect.Options{
		Log: log, ID: "test", Sources: []collect.Source{{Name: "dev", Keys: []string{"dev"}}},
		Protocols: []collect.Protocol{segment.New()},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	loader, err := load.New(load.Options{
		Log: log, Stream: "test", Warehouse: w, SeenDir: filepath.Join(dir, "seen"),
		Interval: 50 * time.Millisecond, Backoff: time.Second, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(door)
	defer server.Close()

	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = loader.Run(ctx) })
	defer running.Wait()
	defer cancel()

	sending := time.Now()
	length := outage(t)
	sent := 0
	for time.Since(sending) < length+4*time.Second {
		w.down.Store(time.Since(sending) > 2*time.Second && time.Since(sending) < 2*time.Second+length)
		body := fmt.Sprintf(`{"writeKey":"dev","batch":[{"type":"track","event":"Outage","userId":"u","messageId":"m-%d"}]}`, sent)
		began := time.Now()
		response, err := http.Post(server.URL+"/v1/batch", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Fatalf("%v into the outage the door answered %d", time.Since(sending), response.StatusCode)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Fatalf("%v into the outage the door took %v", time.Since(sending), took)
		}
		sent++
		time.Sleep(2 * time.Millisecond)
	}
	w.down.Store(false)
	if w.refused.Load() == 0 {
		t.Error("no load was refused: the test says nothing")
	}

	count := func() (rows, ids int) {
		r, err := duck.Query(t.Context(), "select count(*), count(distinct message_id) from events")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		r.Next()
		if err := r.Scan(&rows, &ids); err != nil {
			t.Fatal(err)
		}
		return rows, ids
	}
	deadline := time.Now().Add(time.Minute)
	for {
		rows, ids := count()
		if rows == sent && ids == sent {
			break
		}
		if rows > sent || time.Now().After(deadline) {
			t.Fatalf("want %d rows a minute after the outage; have %d, of %d ids", sent, rows, ids)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Logf("%d events were accepted over an outage of %v, with %d loads refused; all are in the table, once", sent, length, w.refused.Load())
}
