// Package e2e runs the real binary and holds it to what the README promises: nothing that was acknowledged is lost,
// nothing is there twice, whatever is killed.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary builds spoor once; SPOOR_BIN names one that is built already.
var binary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("SPOOR_BIN"); path != "" {
		return filepath.Abs(path)
	}
	dir, err := os.MkdirTemp("", "spoor-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "spoor")
	out, err := exec.Command("go", "build", "-o", path, "github.com/spoorhq/spoor/cmd/spoor").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building spoor: %w\n%s", err, out)
	}
	return path, nil
})

// server is a running spoor.
type server struct {
	url  string
	cmd  *exec.Cmd
	log  *logBuffer
	done chan error
}

// start runs a spoor and waits until it accepts events.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{cmd: exec.Command(path, append(args, "--addr", "127.0.0.1:0")...), log: &logBuffer{}, done: make(chan error, 1)}
	s.cmd.Stderr = s.log
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.log)
		}
	})
	first := make(chan string, 1)
	go func() {
		lines := bufio.NewReader(stdout)
		line, _ := lines.ReadString('\n')
		first <- strings.TrimSpace(line)
		_, _ = io.Copy(io.Discard, lines)
		s.done <- s.cmd.Wait()
	}()
	select {
	case s.url = <-first:
	case <-time.After(60 * time.Second):
	}
	if !strings.HasPrefix(s.url, "http://") {
		t.Fatalf("want the URL on the first line of standard output; have %q\n%s", s.url, s.log)
	}
	s.waitFor(t, "readiness", 60*time.Second, func() bool {
		response, err := http.Get(s.url + "/readyz")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return s
}

// kill ends the server with SIGKILL.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	select {
	case err := <-s.done:
		s.done <- err
	case <-time.After(10 * time.Second):
	}
}

// stop ends it as a supervisor would, and gives its exit code.
func (s *server) stop(t *testing.T) int {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-s.done:
		s.done <- err
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(60 * time.Second):
		t.Fatal("the server did not end within a minute of SIGTERM")
		return -1
	}
}

func (s *server) waitFor(t *testing.T, what string, most time.Duration, true func() bool) {
	t.Helper()
	for deadline := time.Now().Add(most); ; {
		if true() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %s within %v\n%s", what, most, s.log)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// post sends a body as a Segment SDK would.
func (s *server) post(ctx context.Context, path string, body []byte) (status int, answer []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.SetBasicAuth("dev", "")
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// sql asks the server.
func (s *server) sql(t *testing.T, query string) []map[string]any {
	t.Helper()
	body, err := json.Marshal(map[string]string{"sql": query})
	if err != nil {
		t.Fatal(err)
	}
	status, answer, err := s.post(t.Context(), "/api/sql", body)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d %s %v", query, status, answer, err)
	}
	var rows []map[string]any
	if err := json.Unmarshal(answer, &rows); err != nil {
		t.Fatalf("%s: %v: %s", query, err, answer)
	}
	return rows
}

// spoor runs another command against the server, and gives what it printed and its exit code.
func (s *server) spoor(t *testing.T, args ...string) (stdout string, code int) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, append(args, "--server", s.url)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if errs.Len() > 0 {
		t.Logf("spoor %s: %s", strings.Join(args, " "), errs.String())
	}
	return out.String(), cmd.ProcessState.ExitCode()
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

// logBuffer keeps the end of a log.
type logBuffer struct {
	mu   sync.Mutex
	text []byte
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	if over := len(b.text) - 64<<10; over > 0 {
		b.text = append(b.text[:0], b.text[over:]...)
	}
	return len(p), nil
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}
