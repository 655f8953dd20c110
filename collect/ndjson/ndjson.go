// Package ndjson takes events in bulk: one JSON object a line, in a body of any length.
package ndjson

import (
	"bytes"
	"net/http"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
)

// Protocol is a body of lines. It has no state.
type Protocol struct{}

// New gives the protocol.
func New() Protocol { return Protocol{} }

// Name is "ndjson".
func (Protocol) Name() string { return "ndjson" }

// MaxBody is none.
func (Protocol) MaxBody() int { return 0 }

// Routes is one path.
func (Protocol) Routes() []string { return []string{"POST /v1/ndjson"} }

// Decode takes each line that is not blank for an event, whatever is in it.
func (Protocol) Decode(_ *http.Request, body []byte, _ *event.Request, events []jsonscan.Value) ([]byte, []jsonscan.Value, error) {
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			v, _ := event.Scan(line)
			events = append(events, v)
		}
	}
	return nil, events, nil
}

// Answer gives the report as JSON.
func (Protocol) Answer(w http.ResponseWriter, status int, report []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(report) // a client that has gone cannot be told
}
