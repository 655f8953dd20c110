package dashboard

import (
	"fmt"
	"net/http"
	"time"
)

// sse writes server-sent events (WHATWG HTML, "Server-sent events").
type sse struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// writeFor is how long a client may take to accept what is sent at once.
const writeFor = 20 * time.Second

func newSSE(w http.ResponseWriter) *sse {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	s := &sse{w, http.NewResponseController(w)}
	w.WriteHeader(http.StatusOK)
	_ = s.control.Flush()
	return s
}

// send writes one event, whose text is one line, and flush sends what is written. An error: the client is gone.
func (s *sse) send(name string, text []byte) error {
	_, err := fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", name, text)
	return err
}

func (s *sse) flush() error { return push(s.control) }

// ndjson writes objects, one a line.
type ndjson struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func newNDJSON(w http.ResponseWriter) *ndjson {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	s := &ndjson{w, http.NewResponseController(w)}
	w.WriteHeader(http.StatusOK)
	_ = s.control.Flush()
	return s
}

func (s *ndjson) send(_ string, text []byte) error {
	_, err := s.w.Write(append(text, '\n'))
	return err
}

func (s *ndjson) flush() error { return push(s.control) }

func push(control *http.ResponseController) error {
	_ = control.SetWriteDeadline(time.Now().Add(writeFor)) // a server without deadlines is as good
	return control.Flush()
}
