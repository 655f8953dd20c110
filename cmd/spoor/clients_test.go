package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// running starts "spoor serve" in this process, on a free port and with a folder of its own, until the test ends.
func running(t *testing.T, args ...string) (url, folder string) {
	t.Helper()
	data := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	var log bytes.Buffer
	done := make(chan int, 1)
	config := filepath.Join(t.TempDir(), "none.yaml")
	if err := os.WriteFile(config, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		done <- run(ctx, append([]string{"serve", "--config", config, "--addr", "127.0.0.1:0", "--data", data}, args...), process{writer, &log, strings.NewReader("")})
		writer.Close()
	}()
	lines := bufio.NewReader(reader)
	first, err := lines.ReadString('\n')
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	t.Cleanup(func() {
		cancel()
		select {
		case code := <-done:
			if code != exitOK {
				t.Errorf("want the server to end with %d; have %d\n%s", exitOK, code, log.String())
			}
		case <-time.After(time.Minute):
			t.Error("the server does not end")
		}
	})
	if err != nil {
		t.Fatalf("want a URL; have %q, %v", first, err)
	}
	return strings.TrimSpace(first), data
}

// client runs a command against a server and wants it to end with a code.
func client(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	stdout, stderr, code := runIn(t, "", args...)
	if code != want {
		t.Errorf("spoor %s: want exit code %d; have %d\n%s%s", strings.Join(args, " "), want, code, stdout, stderr)
	}
	return stdout, stderr
}

func TestTokenCommands(t *testing.T) {
	t.Parallel()
	url, _ := running(t, "--password", "secret")
	at := []string{"--server", url, "--password", "secret"}
	with := func(args ...string) []string { return append(args, at...) }
	if out, _ := client(t, exitOK, with("token", "list")...); !strings.Contains(out, "there are no tokens") {
		t.Errorf("want to be told how to make one; have %s", out)
	}
	out, said := client(t, exitOK, with("token", "create", "--name", "report")...)
	token := strings.TrimSpace(out)
	if !strings.HasPrefix(token, "spoor_") || strings.Contains(token, "\n") || !strings.Contains(said, "not shown again") {
		t.Errorf("want the token alone on standard output; have %q and %q", out, said)
	}
	if _, said := client(t, exitFault, "token", "list", "--server", url, "--token", token); !strings.Contains(said, "scope admin") {
		t.Errorf("want to be told of the scope; have %s", said)
	}
	if out, _ := client(t, exitOK, "sql", "--server", url, "--token", token, "--json", "select 1 as one"); !strings.Contains(out, `{"one":1}`) {
		t.Errorf("want the answer; have %s", out)
	}
	list, _ := client(t, exitOK, with("token", "list")...)
	id := strings.Split(token, "_")[1]
	if !strings.Contains(list, id) || !strings.Contains(list, "report") || strings.Contains(list, token) {
		t.Errorf("want the token without its secret; have %s", list)
	}
	client(t, exitOK, with("token", "revoke", id)...)
	if _, said := client(t, exitFault, "sql", "--server", url, "--token", token, "select 1"); !strings.Contains(said, "revoked") {
		t.Errorf("want the revoked one refused; have %s", said)
	}
	client(t, exitFault, with("token", "revoke", id)...)
}
