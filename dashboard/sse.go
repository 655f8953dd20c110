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

// writeFor is how long a client may take to accept one event.
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

// send writes one event, whose text is one line. An error: the client is gone.
func (s *sse) send(name string, text []byte) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(writeFor)) // a server without deadlines is as good
	if _, err := fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", name, text); err != nil {
		return err
	}
	return s.control.Flush()
}
