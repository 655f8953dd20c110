package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// kills is how often the server is killed; SPOOR_TEST_KILLS says otherwise.
func kills(t *testing.T) int {
	text := os.Getenv("SPOOR_TEST_KILLS")
	if text == "" {
		return 50
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("SPOOR_TEST_KILLS must be a count; got %q", text)
	}
	return n
}

// sent keeps what clients sent and what was acknowledged.
type sent struct {
	mu    sync.Mutex
	tried map[string]string // message id → the value that its event carries
	acked map[string]bool
}

// TestKilledAtRandom writes while the server is killed with SIGKILL, again and again. Afterwards every event that got
// a 200 is in the table once, with its value, and nothing is there that was not sent.
func TestKilledAtRandom(t *testing.T) {
	if testing.Short() {
		t.Skip("kills the server many times; not in -short")
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("SPOOR_TEST_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("SPOOR_TEST_SEED must be a number; got %q", text)
		}
		seed = n
	}
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	data := t.TempDir()
	var current atomic.Pointer[server]
	var book sent
	book.tried, book.acked = map[string]string{}, map[string]bool{}
	current.Store(start(t, "serve", "--data", data))

	writing, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for w := range 6 {
		writers.Go(func() { write(writing, &current, &book, w) })
	}
	count := kills(t)
	for n := range count {
		// From in the midst of starting to load, to long after a commit.
		time.Sleep(time.Duration(random.IntN(900)) * time.Millisecond)
		current.Load().Kill()
		current.Store(start(t, "serve", "--data", data))
		if n%10 == 9 {
			book.mu.Lock()
			t.Logf("killed %d times: %d events sent, %d acknowledged", n+1, len(book.tried), len(book.acked))
			book.mu.Unlock()
		}
	}
	time.Sleep(500 * time.Millisecond)
	stop()
	writers.Wait()

	s := current.Load()
	report := s.audited(t)
	have := map[string]int{}
	for _, row := range s.sql(t, `select message_id, json_extract_string(properties, '$.value') as value from events`) {
		id := row["message_id"].(string)
		have[id]++
		want, ok := book.tried[id]
		if !ok {
			t.Fatalf("event %s is in the table, and nobody sent it", id)
		}
		if row["value"] != want {
			t.Fatalf("event %s: want value %s, have %v", id, want, row["value"])
		}
	}
	for id := range book.acked {
		if have[id] != 1 {
			t.Errorf("event %s got a 200 and is in the table %d times", id, have[id])
		}
	}
	for id, times := range have {
		if times != 1 {
			t.Errorf("event %s is in the table %d times", id, times)
		}
	}
	if len(book.acked) < count {
		t.Errorf("only %d events were acknowledged over %d kills: the test says nothing", len(book.acked), count)
	}
	if loaded := report["loaded"].(float64); int(loaded) != len(have) {
		t.Errorf("audit says %v events loaded; the table has %d", loaded, len(have))
	}
	t.Logf("%d kills: %d events sent, %d acknowledged, %d in the table, audit %v", count, len(book.tried), len(book.acked), len(have), report["checks"])
}

// write sends batches, and each batch again until it is acknowledged, as an SDK does.
func write(ctx context.Context, current *atomic.Pointer[server], book *sent, writer int) {
	for n := 0; ctx.Err() == nil; n++ {
		size := 1 + n%20
		events := make([]map[string]any, size)
		ids := make([]string, size)
		book.mu.Lock()
		for i := range events {
			ids[i] = fmt.Sprintf("w%d-%d-%d", writer, n, i)
			value := strconv.Itoa(n*1000 + i)
			book.tried[ids[i]] = value
			events[i] = map[string]any{
				"type": "track", "event": "Killed", "userId": fmt.Sprintf("u%d", n%50), "messageId": ids[i],
				"timestamp": time.Now().UTC().Format(time.RFC3339Nano), "properties": map[string]any{"value": value},
			}
		}
		book.mu.Unlock()
		body, _ := json.Marshal(map[string]any{"batch": events, "sentAt": time.Now().UTC().Format(time.RFC3339Nano)})
		for ctx.Err() == nil {
			try, cancel := context.WithTimeout(ctx, 5*time.Second)
			status, _, err := current.Load().Post(try, "/v1/batch", body)
			cancel()
			if err == nil && status == http.StatusOK {
				book.mu.Lock()
				for _, id := range ids {
					book.acked[id] = true
				}
				book.mu.Unlock()
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}
