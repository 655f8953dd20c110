package dashboard

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spoorhq/spoor/tail"
)

// sent is one server-sent event.
type sent struct{ name, data string }

// listen reads server-sent events until there is one of a name.
func listen(t *testing.T, c *connection, name string) sent {
	t.Helper()
	var found sent
	within(t, "waiting for "+name, func() {
		for {
			line, err := c.lines.ReadString('\n')
			if err != nil {
				return
			}
			if kind, ok := strings.CutPrefix(line, "event: "); ok {
				found.name = strings.TrimSpace(kind)
			}
			if data, ok := strings.CutPrefix(line, "data: "); ok && found.name == name {
				found.data = strings.TrimSpace(data)
				return
			}
		}
	})
	if found.data == "" {
		t.Fatalf("the stream ended before %s", name)
	}
	return found
}

func TestLiveStream(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	url := h.serve()
	c := connect(t, url+"/api/live/stream")
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
		if have := c.header.Get(name); have != want {
			t.Errorf("want %s: %s; have %q", name, want, have)
		}
	}
	var snapshot Snapshot
	if err := json.Unmarshal([]byte(listen(t, c, "snapshot").data), &snapshot); err != nil || !snapshot.Ready {
		t.Errorf("want a snapshot; have %+v, %v", snapshot, err)
	}
	h.set(func() { h.full = errors.New("the disk is gone") })
	if have := listen(t, c, "fault").data; !strings.Contains(have, "the disk is gone") {
		t.Errorf("want the fault told; have %s", have)
	}
	h.set(func() { h.full = nil })
	listen(t, c, "snapshot")
}

// The end of the dashboard ends its streams, so that a server can shut down.
func TestCloseEndsStreams(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	d := h.open()
	server := httptest.NewServer(d)
	defer server.Close()
	live, feed := connect(t, server.URL+"/api/live/stream"), connect(t, server.URL+"/api/tail")
	d.Close()
	readAll(t, live.body)
	readAll(t, feed.body)
}

func TestTail(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.watch()
	url := h.serve()
	all := connect(t, url+"/api/tail?sample=20")
	plain := connect(t, url+"/api/tail?event=Buy&event=Look&source=web", "Accept: application/x-ndjson")
	refused := connect(t, url+"/api/tail?refused=true")
	h.accept(time.Now(), track("Start"), track("Buy"), `{"type":"nonsense"}`, track("Look"))

	for _, want := range []string{"Start", "Buy", "", "Look"} {
		var item tail.Item
		if err := json.Unmarshal([]byte(listen(t, all, "event").data), &item); err != nil || item.Event != want || item.Source != "web" {
			t.Errorf("want %q of web; have %+v, %v", want, item, err)
		}
	}
	for _, want := range []string{"Buy", "Look"} {
		var item tail.Item
		var line []byte
		within(t, "waiting for a line", func() { line, _ = plain.lines.ReadBytes('\n') })
		if err := json.Unmarshal(line, &item); err != nil || item.Event != want {
			t.Errorf("want the line of %q; have %s, %v", want, line, err)
		}
	}
	if have := listen(t, refused, "event").data; !strings.Contains(have, `"refused":"unknown_type"`) {
		t.Errorf("want what is refused; have %s", have)
	}
	for _, sample := range []string{"-1", "x"} {
		c := connect(t, url+"/api/tail?sample="+sample)
		if body := readAll(t, c.body); c.status != http.StatusBadRequest || !strings.Contains(body, "sample must be a number") {
			t.Errorf("sample %s: want it refused; have %d %s", sample, c.status, body)
		}
	}
}

// flushCounter is a client that counts how often it is sent something.
type flushCounter struct {
	*httptest.ResponseRecorder
	flushes int
}

func (f *flushCounter) Flush() { f.flushes++ }

// A crowd of events is not sent one by one, and who is too slow is told so.
func TestTailInCrowds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		d := h.open()
		h.watch()
		synctest.Wait()
		r := httptest.NewRequest(http.MethodGet, "/api/tail", http.NoBody)
		r.Host = "localhost"
		w := &flushCounter{ResponseRecorder: httptest.NewRecorder()}
		done := make(chan struct{})
		go func() {
			defer close(done)
			d.ServeHTTP(w, r)
		}()
		synctest.Wait()
		raw := make([]string, 2000)
		for i := range raw {
			raw[i] = track("x")
		}
		h.accept(time.Now(), raw...)
		synctest.Wait()
		h.accept(time.Now(), raw...)
		time.Sleep(keepAlive + time.Second)
		synctest.Wait()
		d.Close()
		<-done
		body := w.Body.Bytes()
		if have := bytes.Count(body, []byte("event: event\n")); have < 2000 {
			t.Errorf("want the events; have %d", have)
		}
		if w.flushes > 400 {
			t.Errorf("want many events at once; have %d flushes for 4000", w.flushes)
		}
		if !bytes.Contains(body, []byte("event: alive\ndata: {\"missed\":")) {
			t.Error("want to hear that the stream is alive, and what was missed")
		}
	})
}

// A client that takes nothing holds up neither the others nor the end.
func TestSlowClient(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.watch()
	d := h.open()
	server := httptest.NewServer(d)
	defer server.Close()
	slow := connect(t, server.URL+"/api/tail") // its body is never read
	quick := connect(t, server.URL+"/api/tail")
	within(t, "what the quick one is sent", func() {
		long := strings.Repeat("x", 16<<10)
		for range 50 {
			h.accept(time.Now(), `{"type":"track","event":"Big","userId":"ada","properties":{"x":"`+long+`"}}`, track("Small"))
			for !strings.Contains(listen(t, quick, "event").data, `"Small"`) {
				continue
			}
		}
	})
	d.Close()
	slow.close()
}
