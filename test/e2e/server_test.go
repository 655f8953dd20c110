// Package e2e runs the real binary and holds it to what the README promises: nothing that was acknowledged is lost,
// nothing is there twice, whatever is killed.
package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/test/process"
)

// server is a running spoor.
type server struct{ *process.Process }

// start runs a spoor and waits until it accepts events.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{process.New(args[0], "", nil, args...)}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.Log())
		}
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// stop ends it as a supervisor would, and gives its exit code.
func (s *server) stop(t *testing.T) int {
	t.Helper()
	code, err := s.Stop()
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func (s *server) waitFor(t *testing.T, what string, most time.Duration, true func() bool) {
	t.Helper()
	for deadline := time.Now().Add(most); ; {
		if true() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %s within %v\n%s", what, most, s.Log())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// sql asks the server.
func (s *server) sql(t *testing.T, query string) []map[string]any {
	t.Helper()
	rows, err := s.SQL(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// metrics asks the server for its metrics.
func (s *server) metrics(t *testing.T) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// spoor runs another command against the server, and gives what it printed and its exit code.
func (s *server) spoor(t *testing.T, args ...string) (stdout string, code int) {
	t.Helper()
	out, errs, code, err := s.Run(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	if errs != "" {
		t.Logf("spoor %s: %s", strings.Join(args, " "), errs)
	}
	return out, code
}

// audited holds the server to an equal audit, and gives the report.
func (s *server) audited(t *testing.T) map[string]any {
	t.Helper()
	out, code := s.spoor(t, "audit", "--json", "--wait", "60s")
	var report map[string]any
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("audit printed no report: %v\n%s", err, out)
	}
	if code != 0 || report["equal"] != true {
		t.Errorf("want an equal audit and exit code 0; have %d:\n%s", code, out)
	}
	return report
}
