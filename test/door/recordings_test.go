package door

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/spoorhq/spoor/event"
)

// TestRecordings sends what the official SDKs sent, byte by byte, and compares the answers and the events that a loader
// would read with those of testdata. With SPOOR_TEST_UPDATE=recordings the latter are written anew.
func TestRecordings(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.http")
	if err != nil || len(files) < 10 {
		t.Fatalf("want the recordings, have %d, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) {
			t.Parallel()
			recording, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			d := open(t)
			conn := d.dial(t)
			var have strings.Builder
			answers := bufio.NewReader(conn)
			for request := range strings.SplitSeq(strings.TrimPrefix(string(recording), "### request\n"), "\n### request\n") {
				if _, err := conn.Write(wire(t, request)); err != nil {
					t.Fatal(err)
				}
				have.WriteString(answer(t, answers, request))
			}
			for _, line := range d.events(t, whole) {
				have.WriteString(line)
			}
			golden := strings.TrimSuffix(file, ".http") + ".golden"
			if os.Getenv("SPOOR_TEST_UPDATE") == "recordings" {
				if err := os.WriteFile(golden, []byte(have.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if have.String() != string(want) {
				t.Errorf("want\n%s\nhave\n%s", want, have.String())
			}
		})
	}
}

// wire gives the bytes of a recorded request. A body that was compressed stands in clear in testdata.
func wire(t *testing.T, request string) []byte {
	t.Helper()
	head, body, _ := strings.Cut(request, "\n\n")
	body = strings.TrimSuffix(body, "\n")
	var b bytes.Buffer
	if strings.Contains(head, "Content-Encoding: gzip") {
		z := gzip.NewWriter(&b)
		if _, err := z.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		body = b.String()
		b.Reset()
	}
	for line := range strings.SplitSeq(strings.TrimRight(head, "\n"), "\n") {
		if name, _, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Content-Length") {
			line = name + ": " + strconv.Itoa(len(body))
		}
		b.WriteString(line + "\r\n")
	}
	b.WriteString("\r\n" + body)
	return b.Bytes()
}

// answer reads an answer and writes down what matters to an SDK.
func answer(t *testing.T, from *bufio.Reader, request string) string {
	t.Helper()
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(from, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(request, "\n")
	out := fmt.Sprintf("%s → %d %s\n", strings.TrimSuffix(line, " HTTP/1.1"), resp.StatusCode, bytes.TrimSpace(body))
	for _, name := range []string{"Content-Type", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials",
		"Access-Control-Allow-Headers", "Access-Control-Max-Age", "Vary"} {
		if value := resp.Header.Get(name); value != "" {
			out += fmt.Sprintf("\t%s: %s\n", name, value)
		}
	}
	return out
}

// whole writes down an event as a loader reads it.
func whole(e *event.Event, verdict event.Verdict) string {
	at := func(t event.Time) string {
		if t == event.NoTime {
			return ""
		}
		return event.GoTime(t).Format(time.RFC3339Nano)
	}
	raw := func(b []byte) json.RawMessage {
		if b == nil {
			return json.RawMessage("null")
		}
		return b
	}
	text, err := json.MarshalIndent(map[string]any{
		"verdict": verdict, "source": e.Request.Source, "protocol": e.Request.Protocol, "requestIP": e.Request.IP,
		"requestUserAgent": e.Request.UserAgent, "receivedAt": at(e.ReceivedAt), "type": e.Type, "name": e.Name,
		"messageId": e.MessageID, "userId": e.UserID, "anonymousId": e.AnonymousID, "sessionId": e.SessionID,
		"originalTimestamp": at(e.OriginalTimestamp), "sentAt": at(e.SentAt), "library": e.Library, "page": e.Page, "locale": e.Locale,
		"userAgent": e.UserAgent, "properties": raw(e.Properties), "traits": raw(e.Traits), "context": raw(e.Context),
		"extra": raw(e.Extra), "marks": e.Marks(),
	}, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(text) + "\n"
}
