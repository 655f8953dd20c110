package spoor

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// request is what came to a server.
type request struct {
	path, key string
	header    http.Header
	envelope  struct {
		SentAt time.Time `json:"sentAt"`
		Batch  []struct {
			MessageID string `json:"messageId"`
			Event     string
		}
	}
}

// answers starts a server that gives the answers in turn, and the last one from then on.
func answers(t *testing.T, give ...http.HandlerFunc) (url string, requests func() []request) {
	t.Helper()
	var mu sync.Mutex
	var all []request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		have := request{path: r.Method + " " + r.URL.Path, header: r.Header}
		have.key, _, _ = r.BasicAuth()
		body, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Errorf("want a gzip body: %v", err)
			return
		}
		if err := json.NewDecoder(body).Decode(&have.envelope); err != nil {
			t.Errorf("want a JSON body: %v", err)
		}
		mu.Lock()
		all = append(all, have)
		answer := give[min(len(all), len(give))-1]
		mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []request {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

const success = `{"success":true,"accepted":1,"duplicates":0,"rejected":[]}`

func TestRequest(t *testing.T) {
	t.Parallel()
	url, requests := answers(t, hangUp, answer(500, ""), answer(408, ""), answer(200, success))
	c := mustNew(t, Options{URL: url + "/", WriteKey: "key", MinPause: time.Millisecond})
	track(t, c, 1, 3)
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := requests()
	if len(all) != 4 {
		t.Fatalf("want a try after a lost connection, a 500 and a 408; have %d requests", len(all))
	}
	for i, r := range all {
		if r.path != "POST /v1/batch" || r.key != "key" || r.header.Get("Content-Type") != "application/json" || len(r.envelope.Batch) != 3 {
			t.Errorf("request %d: have %+v", i+1, r)
		}
		if r.envelope.Batch[0].MessageID != all[0].envelope.Batch[0].MessageID {
			t.Errorf("request %d: want the same message ids each time", i+1)
		}
		if i > 0 && !r.envelope.SentAt.After(all[i-1].envelope.SentAt) {
			t.Errorf("request %d: want sentAt to be that of the try; have %v after %v", i+1, r.envelope.SentAt, all[i-1].envelope.SentAt)
		}
	}
	wantStats(t, c, Stats{Taken: 3, Stored: 3, Retries: 3})
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	elsewhere, strays := answers(t, answer(200, success))
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		again  bool
		after  time.Duration
		want   string
	}{
		"429":         {answer(429, `{"message":"slow down"}`, "Retry-After", "7"), true, 7 * time.Second, "slow down"},
		"503":         {answer(503, ``, "Retry-After", "1"), true, time.Second, "503"},
		"a date":      {answer(503, ``, "Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"), true, 0, "503"},
		"negative":    {answer(503, ``, "Retry-After", "-5"), true, 0, "503"},
		"501":         {answer(501, ``), true, 0, "501"},
		"400":         {answer(400, `{"success":false,"code":"invalid_json","message":"no JSON"}`), false, 0, "no JSON"},
		"401":         {answer(401, `{"message":"unknown key"}`), false, 0, "unknown key"},
		"a redirect":  {answer(302, ``, "Location", elsewhere), false, 0, "302"},
		"202":         {answer(202, ``), false, 0, "202"},
		"cut in half": {answer(503, `half`, "Content-Length", "100"), true, 0, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _ := answers(t, test.answer)
			o := Options{URL: url, WriteKey: "key"}
			if err := o.defaults(); err != nil {
				t.Fatal(err)
			}
			_, err := o.Publisher.Publish(t.Context(), []Message{{Body: []byte("{}")}})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("want an error with %q; have %v", test.want, err)
			}
			var unavailable *UnavailableError
			if have := errors.As(err, &unavailable); have != test.again {
				t.Errorf("want another try: %v; have %v", test.again, have)
			} else if have && unavailable.After != test.after {
				t.Errorf("want to wait %v; have %v", test.after, unavailable.After)
			}
		})
	}
	t.Cleanup(func() {
		if have := len(strays()); have > 0 {
			t.Errorf("want no redirect followed; have %d requests there", have)
		}
	})
}

func TestVerdictsOfEvents(t *testing.T) {
	t.Parallel()
	url, _ := answers(t, answer(200, `{"success":true,"accepted":2,"duplicates":0,"rejected":[
		{"index":1,"messageId":"m","reason":"missing_id","detail":"want userId or anonymousId"},{"index":9,"reason":"not one of ours"}]}`))
	var failures []Failure
	c := mustNew(t, Options{URL: url, WriteKey: "key", OnError: func(f Failure) { failures = append(failures, f) }})
	track(t, c, 1, 3)
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := "rejected: missing_id: want userId or anonymousId"
	if len(failures) != 1 || failures[0].Name != "2" || failures[0].Type != "track" || failures[0].Err.Error() != want {
		t.Errorf("want event 2 reported: %s; have %+v", want, failures)
	}
	wantStats(t, c, Stats{Taken: 3, Stored: 2, Rejected: 1})
}

func TestATimeoutIsTriedAgain(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	hang := func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
	url, requests := answers(t, hang, answer(200, success))
	c := mustNew(t, Options{URL: url, WriteKey: "key", Timeout: 50 * time.Millisecond, Sync: true})
	if err := c.Track(t.Context(), numbered(1)); err != nil {
		t.Error(err)
	}
	if have := len(requests()); have != 2 {
		t.Errorf("want two requests; have %d", have)
	}
}
