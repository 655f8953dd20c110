package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/query"
)

// spoor query reads an answer that came as lines as one that came at once, and says what was wrong.
func TestQueryReadsLines(t *testing.T) {
	t.Parallel()
	const progress = `{"progress":{"done":0.42,"seconds":3.1,"deadline":60}}` + "\n"
	for body, want := range map[string]struct {
		code   int
		stdout string
		stderr string
	}{
		progress + progress + `{"answer":{"events":[]}}` + "\n":           {exitOK, `{"events":[]}` + "\n", ""},
		progress + `{"error":"it took too long","code":"timeout"}` + "\n": {exitFault, "", "it took too long"},
		progress: {exitFault, "", "stopped answering"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.Header.Get("Accept"), "application/x-ndjson") {
				t.Errorf("want lines to be accepted; have %q", r.Header.Get("Accept"))
			}
			w.Header().Set("Content-Type", "application/x-ndjson")
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(server.Close)
		stdout, stderr, code := runIn(t, "", "query", "catalog", "--json", "--server", server.URL)
		if code != want.code || stdout != want.stdout || !strings.Contains(stderr, want.stderr) || want.stderr == "" && stderr != "" {
			t.Errorf("%s: want %+v; have %d, %q, %q", body, want, code, stdout, stderr)
		}
	}
}

func TestProgressText(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]query.Progress{
		"[============                  ] 42 %  3s (Ctrl-C cancels)": {Done: new(0.42), Seconds: 3.1, Deadline: 60},
		"[==============================] 99 %  3s (Ctrl-C cancels)": {Done: new(1.0), Seconds: 3.1, Deadline: 60},
		"asking, 3s of at most 1m0s (Ctrl-C cancels)":                {Seconds: 3.1, Deadline: 60},
		"waiting for its turn, 3s of at most 1m0s (Ctrl-C cancels)":  {Waiting: true, Seconds: 3.1, Deadline: 60},
	} {
		if have := progressText(&p); have != want {
			t.Errorf("want %q; have %q", want, have)
		}
	}
}
