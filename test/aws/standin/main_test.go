package main

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/spoorhq/spoor/internal/pgtest"
)

// TestStandin: the program says where it is, answers, takes faults, and ends with its input.
func TestStandin(t *testing.T) {
	t.Parallel()
	location := pgtest.Database(t)
	name := location[strings.LastIndex(location, "/")+1:]
	in, stop := io.Pipe()
	out, said := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(t.Context(), []string{"-postgres", location, "-database", name, "-rate", "conflict:1"}, in, said)
	}()
	lines := bufio.NewScanner(out)
	var have []string
	for len(have) < 3 && lines.Scan() {
		have = append(have, lines.Text())
	}
	if len(have) < 3 {
		t.Fatalf("want three lines; have %q, %v", have, <-done)
	}
	u, err := url.Parse(have[0])
	if err != nil || u.Scheme != "redshift" || u.Query().Get("endpoint") != have[1] {
		t.Fatalf("want a warehouse's URL with S3's; have %q", have)
	}
	conn, err := pgx.Connect(t.Context(), "postgres://spoor@"+u.Host+u.Path+"?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "begin"); err != nil {
		t.Error(err)
	}
	if _, err := conn.Exec(t.Context(), "commit"); err == nil || !strings.Contains(err.Error(), "1023") {
		t.Errorf("want error 1023; have %v", err)
	}
	answer, err := http.Post(have[2]+"/?rate=conflict:0", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(text), "conflict 1\n") {
		t.Errorf("want one conflict counted; have %s (%v)", text, err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Error(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := stop.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
