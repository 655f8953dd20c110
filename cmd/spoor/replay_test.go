package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What a server says of a replay is printed: a table, an object, or why it failed.
func TestReplayCommand(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	said := `{"dry_run":true,"done":false,"total":9,"letters":4,"reasons":[]}
{"dry_run":true,"done":true,"total":9,"letters":9,"loads":5,"already":1,"dead":2,"lost":1,"reasons":[{"reason":"unknown_type","letters":9,"loads":5,"already":1,"dead":2,"lost":1,"now":{"unknown_type":2}}]}
`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked <- r.Method + " " + r.URL.Path + " " + string(body)
		switch {
		case strings.Contains(string(body), "broken"):
			fmt.Fprintln(w, `{"error":"the stream is full (3 events were put on the stream before)","code":"failed"}`)
		case strings.Contains(string(body), "cut"):
			fmt.Fprint(w, said[:60])
		default:
			fmt.Fprint(w, said)
		}
	}))
	t.Cleanup(server.Close)
	for _, c := range []struct {
		args        string
		code        int
		out, errors string
	}{
		{"--dry-run --reason unknown_type", exitOK, "unknown_type  9        5           1               2                1", ""},
		{"--dry-run", exitOK, "unknown_type: 2 would die again of unknown_type", ""},
		{"--json", exitOK, `"loads": 5`, ""},
		{"--source broken", exitFault, "", "the stream is full (3 events"},
		{"--source cut", exitFault, "", "stopped answering before the replay was done"},
		{"--from yesterday", exitUsage, "", `--from must be a time such as 2026-11-01T00:00:00Z or a duration such as 6h; got "yesterday"`},
	} {
		var out, errors bytes.Buffer
		args := append([]string{"replay", "--server", server.URL}, strings.Fields(c.args)...)
		code := run(t.Context(), args, process{&out, &errors, strings.NewReader("")})
		if code != c.code || !strings.Contains(out.String(), c.out) || !strings.Contains(errors.String(), c.errors) {
			t.Errorf("%s: want %d, %q, %q; have %d\n%s%s", c.args, c.code, c.out, c.errors, code, &out, &errors)
		}
	}
	if have, want := <-asked, `POST /api/replay {"reason":"unknown_type","dry_run":true}`; have != want {
		t.Errorf("want it asked %s; have %s", want, have)
	}
}
