package sdk

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"
)

// wire stands between an SDK and Spoor. It passes requests and answers on as they are, writes down what went over, and
// loses answers when told to.
type wire struct {
	url      string
	upstream *url.URL
	client   *http.Transport

	mu       sync.Mutex
	requests []request
	lose     int
}

// request is one that Spoor has answered with success, whether or not the answer arrived.
type request struct {
	method, path string
	header       http.Header
	messageIDs   []string // of the events in its body
}

func startWire(t *testing.T, target string) *wire {
	t.Helper()
	upstream, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{upstream: upstream, client: &http.Transport{DisableCompression: true}}
	server := httptest.NewServer(w)
	t.Cleanup(func() {
		server.Close()
		w.client.CloseIdleConnections()
	})
	w.url = server.URL
	return w
}

// loseAnswers breaks the connection instead of passing on the answers to the next n posts.
func (w *wire) loseAnswers(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lose = n
}

func (w *wire) ServeHTTP(rw http.ResponseWriter, in *http.Request) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the page went away in the middle of it
	}
	// What has wholly arrived reaches Spoor, even when the page goes away now. The name by which the SDK called stays,
	// as Spoor tells SDKs by it where to send to.
	out := in.Clone(context.WithoutCancel(in.Context()))
	out.RequestURI, out.URL.Scheme, out.URL.Host = "", w.upstream.Scheme, w.upstream.Host
	out.Body = io.NopCloser(bytes.NewReader(body))
	answer, err := w.client.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || w.record(in, body, answer.StatusCode) {
		panic(http.ErrAbortHandler) // closes the connection without a word
	}
	maps.Copy(rw.Header(), answer.Header)
	rw.WriteHeader(answer.StatusCode)
	_, _ = rw.Write(text)
}

// record writes a request down, and tells whether its answer is to be lost.
func (w *wire) record(r *http.Request, body []byte, status int) (lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if status < 300 {
		w.requests = append(w.requests, request{r.Method, r.URL.Path, r.Header, messageIDs(r.Header, body)})
	}
	if r.Method == http.MethodPost && w.lose > 0 {
		w.lose--
		return true
	}
	return false
}

// messageIDs reads the ids of the events in a body: a batch, or one.
func messageIDs(header http.Header, body []byte) []string {
	if header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil
		}
		if body, err = io.ReadAll(unpacked); err != nil {
			return nil
		}
	}
	var sent struct {
		message
		Batch []message `json:"batch"`
	}
	if json.Unmarshal(body, &sent) != nil {
		return nil
	}
	if sent.Batch == nil && sent.MessageID != "" {
		sent.Batch = []message{sent.message}
	}
	var ids []string
	for _, m := range sent.Batch {
		ids = append(ids, m.MessageID)
	}
	return ids
}

// posts gives the requests that brought events.
func (w *wire) posts() []request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.requests), func(r request) bool { return r.method != http.MethodPost })
}

// saw tells whether there was such a request.
func (w *wire) saw(method, path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.requests, func(r request) bool { return r.method == method && r.path == path })
}

// delivered counts the events that Spoor has taken, one that was sent twice as two.
func (w *wire) delivered() int {
	n := 0
	for _, post := range w.posts() {
		n += len(post.messageIDs)
	}
	return n
}

// distinct counts the events that Spoor has taken, one that was sent twice as one.
func (w *wire) distinct() int {
	seen := map[string]bool{}
	for _, post := range w.posts() {
		for _, id := range post.messageIDs {
			seen[id] = true
		}
	}
	return len(seen)
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for !so() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("waited %s for %s", patience, what)
		}
	}
}
