// Package browser looks at Spoor's pages in a real browser, as a person does: with the mouse, with the keyboard, on a
// telephone, in the dark, and through the eyes of axe-core.
//
// What is looked at stands in the .test.mjs files; here the servers are started that they look at. The tests need the
// packages (npm ci), Node and Chromium, named by SPOOR_CHROMIUM or in PATH. Without them they are skipped; with
// SPOOR_TEST_REQUIRE set they fail. SPOOR_BIN names a spoor that is built already. SPOOR_SCREENSHOTS names a folder to
// keep pictures in.
package browser

import (
	"bufio"
	"bytes"
	"context"
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

// patience is how long anything may take here before a test gives up.
const patience = 5 * time.Minute

// Each test has a server and a browser of its own, and so many run side by side as there are cores: one waits much of the
// time, and what a page does when it is not alone on the machine is looked at, too.

// The modules whose functions need no page, by themselves.
func TestModules(t *testing.T) {
	t.Parallel()
	look(t, "modules.test.mjs", "")
}

// And those of the parts that pages are made of.
func TestParts(t *testing.T) {
	t.Parallel()
	look(t, "parts.test.mjs", "")
}

// The whole product: a page that waits, the first event, and what follows.
func TestLive(t *testing.T) {
	t.Parallel()
	look(t, "live.test.mjs", serve(t, "--source", "web=wkey", "--source", "app=akey"))
}

// A server goes away and comes back.
func TestReconnect(t *testing.T) {
	t.Parallel()
	look(t, "reconnect.test.mjs", lineThatBreaks(t))
}

// More of everything than a machine could send: what the page does then is a matter of the page alone.
func TestCrowd(t *testing.T) {
	t.Parallel()
	look(t, "crowd.test.mjs", crowd(t))
}

// look runs a file of browser tests against a server, with more variables where it needs them.
func look(t *testing.T, file, url string, env ...string) {
	t.Helper()
	node := need(t, "node", "Node is not installed")
	if _, err := os.Stat("node_modules"); err != nil {
		lack(t, "the packages are not installed; run: npm ci --prefix test/browser")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, "--test", "--test-reporter=spec", file)
	cmd.Env = append(append(os.Environ(), "SPOOR_URL="+url, "SPOOR_CHROMIUM="+chromium(t)), env...)
	// The end of the time asks Node to end, so that it closes its browser.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	t.Logf("%s:\n%s", file, out) // which is shown with -v, too: how long each test took
	if err != nil {
		t.Errorf("%s: %v", file, err)
	}
	if !bytes.Contains(out, []byte("tests ")) || bytes.Contains(out, []byte("tests 0\n")) {
		t.Errorf("%s: want tests to have run", file)
	}
}

func chromium(t *testing.T) string {
	t.Helper()
	name := os.Getenv("SPOOR_CHROMIUM")
	if name == "" {
		name = "chromium"
	}
	return need(t, name, "Chromium is not installed, or SPOOR_CHROMIUM does not name it")
}

// need finds a program.
func need(t *testing.T, name, otherwise string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		lack(t, otherwise)
	}
	return path
}

// lack ends a test that this machine cannot run: it is skipped, unless everything is required to run.
func lack(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("SPOOR_TEST_REQUIRE") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// binary builds spoor once for all the tests, or takes the one that SPOOR_BIN names.
var binary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("SPOOR_BIN"); path != "" {
		return filepath.Abs(path)
	}
	path, err := filepath.Abs("../../bin/spoor")
	if err != nil {
		return "", err
	}
	if out, err := exec.Command("go", "build", "-o", path, "../../cmd/spoor").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./cmd/spoor: %w\n%s", err, out)
	}
	return path, nil
})

// serve starts spoor with nothing in it, and gives its URL.
func serve(t *testing.T, args ...string) string {
	t.Helper()
	return serveIn(t, t.TempDir(), args...)
}

// serveIn starts spoor with what is in a folder.
func serveIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, append([]string{"serve", "--addr", "127.0.0.1:0", "--data", dir}, args...)...)
	// The end of the test does not kill it: it is asked to end, as an operator does.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	var log bytes.Buffer
	cmd.Stderr = &log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	first, err := lines.ReadString('\n')
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, lines)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-drained
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("spoor said:\n%s", log.String())
		}
	})
	url := strings.TrimSpace(first)
	if err != nil || !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatalf("want a URL on the first line of spoor serve; have %q, %v", first, err)
	}
	ready(t, url)
	return url
}

// ready waits until the server would store an event.
func ready(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := http.DefaultTransport.RoundTrip(request); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s is not ready", url)
		}
	}
}
