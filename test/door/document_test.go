package door

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/collect"
)

// TestDocument sends every request of the document and compares the answer with the one shown behind it.
func TestDocument(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/protocols.md")
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, func(o *collect.Options) { o.Sources = []collect.Source{{Name: "dev", Keys: []string{"dev"}}} })
	// A request, and up to the next one the answer, if it is shown.
	blocks := regexp.MustCompile("(?s)```(http|json)\n(.*?)```").FindAllStringSubmatch(string(document), -1)
	requests := 0
	for i, block := range blocks {
		if block[1] != "http" {
			continue
		}
		requests++
		want := ""
		if i+1 < len(blocks) && blocks[i+1][1] == "json" {
			want = strings.TrimSpace(blocks[i+1][2])
		}
		head, body, _ := strings.Cut(block[2], "\n\n")
		line, _, _ := strings.Cut(head, "\n")
		have := d.raw(t, fmt.Sprintf("%s\r\nContent-Length: %d\r\n\r\n%s", strings.ReplaceAll(head, "\n", "\r\n"), len(body), body))
		if want == "" {
			if !strings.HasPrefix(have, "GIF89a") {
				t.Errorf("%s: want a picture, have %q", line, have)
			}
		} else if have != want {
			t.Errorf("%s:\nwant %s\nhave %s", line, want, have)
		}
	}
	if want := []string{"m-1", "m-2", "!missing_event m-3", "m-4", "m-5", "m-6"}; requests < 5 {
		t.Errorf("want the document's requests, have %d", requests)
	} else {
		have := strings.Join(d.events(t, brief), "\n")
		for _, id := range want {
			if !strings.Contains(have, id) {
				t.Errorf("want %s stored, have\n%s", id, have)
			}
		}
	}
}

// raw sends bytes and gives the answer's body.
func (d *door) raw(t *testing.T, request string) string {
	t.Helper()
	conn := d.dial(t)
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return read(t, resp).body
}

// TestDocumentNamesEverything: each path, code, reason and limit is in the document.
func TestDocumentNamesEverything(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/protocols.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"invalid_json", "not_an_object", "event_too_large", "too_deep", "missing_type", "unknown_type", "missing_event", "missing_id",
		"wrong_kind", "message_id_too_long", "missing_batch", "empty_batch", "too_many_events", "context_too_large", "invalid_query",
		"body_too_large", "unreadable_body", "unsupported_encoding", "missing_write_key", "unknown_write_key", "not_found",
		"method_not_allowed", "body_too_slow", "client_gone", "rate_limited", "busy", "draining", "stream_full", "append_failed",
		"/v1/ndjson", "/v1/pixel.gif", "/pixel/v1/track", "/pixel/v1/page", "/v1/batch", "/v1/import", "/v1/m", "2,500", "500 KiB", "32 KiB",
	} {
		if !strings.Contains(string(text), name) {
			t.Errorf("the document does not name %s", name)
		}
	}
}
