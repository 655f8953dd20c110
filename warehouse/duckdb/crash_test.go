package duckdb_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
)

// crashFile, in the environment, makes this test binary a loader of that file, to be killed.
const crashFile = "SPOOR_TEST_CRASH_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
		fmt.Println(loadForEver(path))
		return
	}
	if os.Getenv(hungryReader) != "" {
		fmt.Println(readMuch())
		return
	}
	m.Run()
}

const crashRows = 3000

// loadForEver loads batch after batch, and says each position behind a batch once it is in.
func loadForEver(path string) error {
	ctx := context.Background()
	w, err := duckdb.Open(ctx, duckdb.Options{Path: path, ClusterRows: 4 * crashRows})
	if err != nil {
		return err
	}
	if err := w.Migrate(ctx); err != nil {
		return err
	}
	positions, err := w.Positions(ctx, "main")
	if err != nil {
		return err
	}
	from := positions["0"]
	n, _ := strconv.Atoi(from)
	for {
		n++
		b := numbered(from, n, crashRows)
		if _, err := w.Load(ctx, b); err != nil {
			return err
		}
		b.Events.Release()
		from = b.Moves[0].To
		fmt.Println("in", from)
	}
}

// numbered is the n-th batch: rows rows, one user that all batches share and one of its own.
func numbered(from string, n, rows int) *warehouse.Batch {
	builder := event.NewRows(memory.DefaultAllocator, rows)
	defer builder.Release()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC).UnixMicro()
	for i := range rows {
		builder.Append(&event.Event{
			Request: &event.Request{Source: "web", Protocol: "segment"}, Type: event.TypeTrack, Name: "Step", MessageID: fmt.Sprintf("%d-%d", n, i),
			Timestamp: now, ReceivedAt: now, OriginalTimestamp: event.NoTime, SentAt: event.NoTime,
			Properties: fmt.Appendf(nil, `{"n":%d,"text":"%x"}`, n, rand.Uint64()),
		})
	}
	user := func(id string) warehouse.User {
		return warehouse.User{UserID: id, Traits: fmt.Appendf(nil, `{"n":%d}`, n), FirstSeen: now, SeenAt: now + int64(n)}
	}
	return &warehouse.Batch{
		ID: fmt.Sprintf("load-%09d", n), Stream: "main", Moves: []warehouse.Move{{Shard: "0", From: from, To: fmt.Sprint(n)}}, Events: builder.Take(),
		Users:      []warehouse.User{user("all"), user(fmt.Sprint("u", n))},
		Identities: []warehouse.Identity{{AnonymousID: "all", UserID: fmt.Sprint("u", n), SeenAt: now + int64(n)}},
		Counts:     []warehouse.Count{{Source: "web", Minute: event.Minute(now), Accepted: int64(rows), Loaded: int64(rows)}},
		Volumes:    []warehouse.Volume{{Source: "web", Type: "track", Event: "Step", Minute: event.Minute(now), Loaded: int64(rows)}},
	}
}

// TestKill kills a loading process with SIGKILL, again and again, and looks each time at what is left: whole batches,
// every one that was said to be in, and everything that came with them.
func TestKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spoor.duckdb")
	said := 0
	for round := range 4 {
		said = killed(t, path, said+1+rand.IntN(4))
		w, err := duckdb.Open(t.Context(), duckdb.Options{Path: path})
		if err != nil {
			t.Fatalf("round %d: opening what is left: %v", round, err)
		}
		positions, err := w.Positions(t.Context(), "main")
		if err != nil {
			t.Fatal(err)
		}
		n, _ := strconv.Atoi(positions["0"])
		if n < said || n > said+1 {
			t.Errorf("round %d: want the position %d, which was said, or one more; have %d", round, said, n)
		}
		said = n
		want := fmt.Sprintf("[%d %d %d %d %d %d %d {\"n\":%d} u%d]", n*crashRows, n*crashRows, n, n*crashRows, n*crashRows, n+1, n, n, n)
		have := one(t, w, `select (select count(*) from events), (select count(distinct message_id) from events), (select count(*) from loads),
			(select cast(sum(loaded) as bigint) from ledger), (select cast(sum(loaded) as bigint) from volumes), (select count(*) from users),
			(select count(distinct load_id) from events), (select cast(traits as varchar) from users where user_id = 'all'),
			(select user_id from identities where anonymous_id = 'all')`)
		if have != want {
			t.Errorf("round %d, %d batches: want %s; have %s", round, n, want, have)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killed starts a loader and kills it some time after it has said that batch n is in. It returns the last it said.
func killed(t *testing.T, path string, n int) int {
	t.Helper()
	loader := exec.CommandContext(t.Context(), os.Args[0])
	loader.Env = append(os.Environ(), crashFile+"="+path)
	out, err := loader.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := loader.Start(); err != nil {
		t.Fatal(err)
	}
	last := 0
	kill := time.AfterFunc(time.Minute, func() { _ = loader.Process.Kill() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, err := fmt.Sscanf(lines.Text(), "in %d", &last); err != nil {
			t.Errorf("the loader says %q", lines.Text())
			break
		}
		if last == n {
			// Anywhere in the batch that follows.
			kill.Stop()
			kill = time.AfterFunc(time.Duration(rand.IntN(60))*time.Millisecond, func() { _ = loader.Process.Kill() })
		}
	}
	kill.Stop()
	_ = loader.Process.Kill()
	if err := loader.Wait(); err == nil {
		t.Error("the loader ended by itself")
	}
	if last < n {
		t.Fatalf("want the loader to come to batch %d; it came to %d", n, last)
	}
	return last
}
