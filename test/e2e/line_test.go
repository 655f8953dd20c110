package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLine follows events from the request to the row, with the commands that a user has.
func TestLine(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := start(t, "serve", "--data", data, "--load-every", "50ms")

	tailed := make(chan string, 1)
	go func() {
		out, _ := s.spoor(t, "tail", "--json", "-n", "1", "--event", "Search Used")
		tailed <- out
	}()
	s.waitFor(t, "viewer", 20*time.Second, func() bool { return strings.Contains(s.metrics(t), "\nspoor_tail_viewers 1\n") })

	batch := `{"sentAt":"2026-01-01T00:00:10Z","context":{"app":{"name":"shop"}},"batch":[
		{"type":"track","event":"Search Used","userId":"u1","anonymousId":"a1","messageId":"m1","timestamp":"2026-01-01T00:00:05Z",
		 "properties":{"query":"shoes","results":3,"exact":true,"price":1.5,"tags":["x"],"nested":{"a":1}}},
		{"type":"track","userId":"u1","messageId":"bad"},
		{"type":"identify","userId":"u1","anonymousId":"a1","messageId":"m2","traits":{"plan":"free","name":"Zoë"}},
		{"type":"identify","userId":"u1","messageId":"m3","traits":{"plan":"pro"}},
		{"type":"track","event":"Search Used","userId":"u1","messageId":"m4","properties":{"results":"many"}}]}`
	status, answer, err := s.Post(t.Context(), "/v1/batch", []byte(batch))
	if err != nil || status != http.StatusOK {
		t.Fatalf("want 200; have %d %s %v", status, answer, err)
	}
	var verdict struct {
		Accepted int
		Rejected []struct {
			Index             int
			MessageID, Reason string
		}
	}
	if err := json.Unmarshal(answer, &verdict); err != nil || verdict.Accepted != 4 || len(verdict.Rejected) != 1 ||
		verdict.Rejected[0].Index != 1 || verdict.Rejected[0].MessageID != "bad" || verdict.Rejected[0].Reason != "missing_event" {
		t.Errorf("want 4 accepted, and the second named with its reason; have %s (%v)", answer, err)
	}
	s.waitFor(t, "four rows", 20*time.Second, func() bool { return len(s.sql(t, "select 1 from events")) == 4 })

	row := s.sql(t, `select event, user_id, app_name, session_id, epoch_ms(received_at) - epoch_ms(timestamp) as before,
		query, results, "exact", price from event_search_used where message_id = 'm1'`)[0]
	want := map[string]any{"event": "Search Used", "user_id": "u1", "app_name": "shop", "before": 5000.0, "query": "shoes", "results": "3", "exact": true, "price": 1.5}
	for name, value := range want {
		if row[name] != value {
			t.Errorf("%s: want %v; have %v", name, value, row[name])
		}
	}
	if row["session_id"] == nil {
		t.Error("want a session")
	}
	if have := s.sql(t, "select results from event_search_used where message_id = 'm4'")[0]["results"]; have != "many" {
		t.Errorf("a property whose kind changed: want \"many\" kept; have %v", have)
	}
	if have := s.sql(t, "select traits->>'plan' as plan, traits->>'name' as name from users where user_id = 'u1'")[0]; have["plan"] != "pro" || have["name"] != "Zoë" {
		t.Errorf("want the latest traits of u1; have %v", have)
	}
	if have := s.sql(t, "select user_id from identities where anonymous_id = 'a1'"); len(have) != 1 || have[0]["user_id"] != "u1" {
		t.Errorf("want a1 to be u1; have %v", have)
	}
	if have := s.sql(t, "select reason, decode(raw) as raw from dead_letters"); len(have) != 1 || have[0]["reason"] != "missing_event" || !strings.Contains(have[0]["raw"].(string), `"bad"`) {
		t.Errorf("want one dead letter with its bytes; have %v", have)
	}

	select {
	case out := <-tailed:
		if !strings.Contains(out, `"message_id":"m1"`) {
			t.Errorf("want tail to show m1; have %s", out)
		}
	case <-time.After(20 * time.Second):
		t.Error("tail showed nothing")
	}

	if report := s.audited(t); report["accepted"] != 5.0 || report["loaded"] != 4.0 || report["dead"] != 1.0 || report["missing"] != 0.0 {
		t.Errorf("want 5 accepted, 4 loaded, 1 dead; have %v", report)
	}
	file := filepath.Join(t.TempDir(), "events.parquet")
	if out, code := s.spoor(t, "sql", "-o", file, "select * from events"); code != 0 {
		t.Errorf("sql -o: %d %s", code, out)
	}
	if text, err := os.ReadFile(file); err != nil || !bytes.HasPrefix(text, []byte("PAR1")) || !bytes.HasSuffix(text, []byte("PAR1")) {
		t.Errorf("want a Parquet file; have %d bytes, %v", len(text), err)
	}
	if out, code := s.spoor(t, "sql", "delete from events"); code == 0 {
		t.Errorf("want a refusal to delete; have %s", out)
	}
	if out, code := s.spoor(t, "doctor", "--data", data); code != 0 {
		t.Errorf("doctor found something: %s", out)
	}
	if code := s.stop(t); code != 0 {
		t.Errorf("want exit code 0 after SIGTERM; have %d\n%s", code, s.Log())
	}

	// A client that did not hear its 200 sends again, after a restart: nothing is loaded twice.
	s = start(t, "serve", "--data", data, "--load-every", "50ms")
	if status, _, err := s.Post(t.Context(), "/v1/batch", []byte(batch)); err != nil || status != http.StatusOK {
		t.Fatalf("%d %v", status, err)
	}
	report := s.audited(t)
	if fmt.Sprint(report["accepted"], report["loaded"], report["duplicate"], report["dead"]) != "10 4 4 2" {
		t.Errorf("want 10 accepted, 4 loaded, 4 duplicate, 2 dead after the retry; have %v", report)
	}
}
