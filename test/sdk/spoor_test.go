package sdk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/test/process"
)

// spoor is a running server with nothing configured: it has one source, dev, with the write key dev.
type spoor struct {
	t           *testing.T
	binary, url string
}

func startSpoor(t *testing.T) *spoor {
	t.Helper()
	path, err := process.Binary()
	if err != nil {
		t.Fatal(err)
	}
	serve := start(t, path, "serve", "--addr", "127.0.0.1:0", "--data", t.TempDir())
	url := strings.TrimSpace(serve.line())
	if !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatalf("want a URL on the first line of spoor serve; have %q", url)
	}
	go func() { _, _ = io.Copy(io.Discard, serve.stdout) }()
	return &spoor{t: t, binary: path, url: url}
}

// tally is what spoor audit counts.
type tally struct{ Accepted, Loaded, Duplicate, Dead, Missing, Doubled int }

func (s *spoor) audit() tally {
	s.t.Helper()
	// It ends with an error when the line does not add up; what it then prints is what we want to see.
	out, failed := exec.CommandContext(s.t.Context(), s.binary, "audit", "--json", "--server", s.url).Output()
	var have tally
	if err := json.Unmarshal(out, &have); err != nil {
		s.t.Fatalf("spoor audit: %v, %v\n%s", failed, err, out)
	}
	return have
}

// rowsOf waits until every event that went over the wire has come to its end, checks that it is the right end, and
// gives the table events.
func (s *spoor) rowsOf(w *wire) []row {
	s.t.Helper()
	sent, distinct := w.delivered(), w.distinct()
	var have tally
	await(s.t, fmt.Sprintf("the end of all %d events", sent), func() bool {
		have = s.audit()
		return have.Loaded+have.Duplicate+have.Dead >= sent
	})
	if want := (tally{Accepted: sent, Loaded: distinct, Duplicate: sent - distinct}); have != want {
		s.t.Errorf("spoor audit: want %+v; have %+v", want, have)
	}
	return s.rows()
}

// rows reads the table events.
func (s *spoor) rows() []row {
	s.t.Helper()
	columns := []string{
		"source", "message_id", "type", "event", "user_id", "anonymous_id", "group_id", "previous_id", "category",
		"timestamp", "original_timestamp", "sent_at", "received_at",
		"page_url", "page_path", "page_title", "page_referrer", "campaign_source", "campaign_name",
		"library_name", "library_version", "user_agent", "ip", "locale", "timezone", "protocol",
		"properties", "traits", "context",
	}
	question, err := json.Marshal(map[string]string{"sql": "select " + strings.Join(columns, ", ") + " from events"})
	if err != nil {
		s.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/api/sql", bytes.NewReader(question))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var raw []map[string]json.RawMessage
	if err := json.Unmarshal(answer, &raw); err != nil || response.StatusCode != http.StatusOK {
		s.t.Fatalf("POST /api/sql: want an array of objects; have %s, %v\n%s", response.Status, err, answer)
	}
	rows := make([]row, len(raw))
	for i, r := range raw {
		rows[i] = row{}
		for _, column := range columns {
			if rows[i][column], err = decode(column, r[column]); err != nil {
				s.t.Fatalf("column %s: %v", column, err)
			}
		}
	}
	return rows
}

// decode reads one value of an answer: a time as a time.Time, JSON as its canonical text, however it came.
func decode(column string, raw json.RawMessage) (any, error) {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil || v == nil {
		return nil, err
	}
	text, isText := v.(string)
	switch {
	case slices.Contains(jsonColumns, column) && isText:
		return canonical(text), nil
	case slices.Contains(jsonColumns, column):
		return canonical(string(raw)), nil
	case slices.Contains(timeColumns, column):
		at, err := time.Parse(time.RFC3339Nano, text)
		return at.UTC(), err
	}
	return v, nil
}
