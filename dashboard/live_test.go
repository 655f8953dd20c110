package dashboard

import (
	"bufio"
	"strings"
	"testing"
	"time"
)

// The streams give a snapshot at once, and an event as soon as it is accepted.
func TestStreams(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.watch()
	url := h.serve()
	if have := readAll(t, connect(t, url+"/api/version").Body); !strings.Contains(have, "1.2.3") { //nolint:bodyclose // connect closes it
		t.Errorf("want the version; have %s", have)
	}
	line := func(from *bufio.Reader, want string) {
		within(t, "waiting for "+want, func() {
			for {
				text, err := from.ReadString('\n')
				if err != nil {
					t.Errorf("want %s; the stream ended: %v", want, err)
					return
				}
				if strings.Contains(text, want) {
					return
				}
			}
		})
	}
	line(bufio.NewReader(connect(t, url+"/api/live/stream").Body), `"complete_to"`) //nolint:bodyclose // connect closes it

	tailing := bufio.NewReader(connect(t, url+"/api/tail", "Accept: application/x-ndjson").Body) //nolint:bodyclose // connect closes it
	h.accept(time.Now(), `{"type":"track","event":"Buy","userId":"ada","messageId":"m1"}`)
	line(tailing, `"message_id":"m1"`)
}
