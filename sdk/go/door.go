package spoor

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// door publishes to a collector, as the Segment HTTP API has it.
type door struct {
	url, auth string
	timeout   time.Duration
	client    *http.Client
	writers   sync.Pool // of *gzip.Writer
}

func newDoor(o *Options) (*door, error) {
	base, err := url.Parse(o.URL)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, fmt.Errorf("URL must be a collector's, such as https://events.example.com; got %q", o.URL)
	}
	if o.WriteKey == "" {
		return nil, errors.New("WriteKey is needed: it names the source of the events")
	}
	client := &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	if o.HTTP != nil {
		own := *o.HTTP
		client = &own
	}
	// A redirect turns a POST into a GET, which would be answered with a page and a 200.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &door{
		url:     strings.TrimSuffix(o.URL, "/") + "/v1/batch",
		auth:    "Basic " + base64.StdEncoding.EncodeToString([]byte(o.WriteKey+":")),
		timeout: o.Timeout,
		client:  client,
		writers: sync.Pool{New: func() any {
			w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // the level is a constant of the package
			return w
		}},
	}, nil
}

// envelopeBytes is more than what stands around the events of a batch.
const envelopeBytes = 100

// Publish sends one request. The envelope's sentAt is that of this try: a server corrects clocks by it.
func (d *door) Publish(ctx context.Context, batch []Message) ([]Rejection, error) {
	body := d.pack(batch, time.Now())
	try, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(try, http.MethodPost, d.url, body)
	if err != nil {
		return nil, fmt.Errorf("making a request: %w", err)
	}
	request.Header.Set("Authorization", d.auth)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Content-Encoding", "gzip")
	request.Header.Set("User-Agent", "spoor-go/"+Version)
	response, err := d.client.Do(request)
	if err != nil {
		return nil, &UnavailableError{Err: err}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err != nil && response.StatusCode != http.StatusOK {
		return nil, &UnavailableError{Err: fmt.Errorf("reading the answer: %w", err)}
	}
	return verdict(response, text, len(batch))
}

// verdict reads an answer. 429 and 5xx, and 408 for a body that came too slowly, are for now; the rest is for good.
func verdict(response *http.Response, text []byte, events int) ([]Rejection, error) {
	var said struct {
		Message  string
		Rejected []Rejection
	}
	readable := json.Unmarshal(text, &said) == nil
	switch status := response.StatusCode; {
	case status == http.StatusOK:
		taken := said.Rejected[:0]
		for _, r := range said.Rejected {
			if readable && 0 <= r.Index && r.Index < events {
				taken = append(taken, r)
			}
		}
		return taken, nil
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return nil, &UnavailableError{Err: statusError(response, said.Message), After: retryAfter(response.Header.Get("Retry-After"), time.Now())}
	default:
		return nil, statusError(response, said.Message)
	}
}

// retryAfter reads a Retry-After: a number of seconds, as Spoor writes it, or a date, as proxies may. 0: it says nothing, and
// the client's own pauses hold.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Second * time.Duration(min(max(seconds, 0), int(maxRetryAfter.Seconds())))
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

func statusError(response *http.Response, message string) error {
	if message == "" {
		return fmt.Errorf("the server answered %s", response.Status)
	}
	return fmt.Errorf("the server answered %s: %s", response.Status, message)
}

// pack writes the body of a request.
func (d *door) pack(batch []Message, sent time.Time) *bytes.Buffer {
	body := new(bytes.Buffer)
	w := d.writers.Get().(*gzip.Writer)
	defer d.writers.Put(w)
	w.Reset(body)
	// A buffer takes everything.
	_, _ = io.WriteString(w, `{"sentAt":"`+sent.UTC().Format(time.RFC3339Nano)+`","batch":[`)
	for i, m := range batch {
		if i > 0 {
			_, _ = io.WriteString(w, ",")
		}
		_, _ = w.Write(m.Body)
	}
	_, _ = io.WriteString(w, "]}")
	_ = w.Close()
	return body
}
