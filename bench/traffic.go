package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/spoorhq/spoor/simulate"
)

// body is a request that is sent again and again with fresh message ids and times: what a generator must do for
// each event is copying 40 bytes, so that little of the machine is spent on it.
type body struct {
	text  []byte
	head  int // where the JSON begins, behind the HTTP header
	ids   []int
	times []int
}

const (
	idDigits   = 18
	timeLayout = "2006-01-02T15:04:05.000Z"
)

// bodies makes requests of so many events each out of a simulated population, for the given paths.
func bodies(host string, count, events int) ([]*body, error) {
	g, err := simulate.NewGenerator(simulate.Config{Seed: 1, Run: "bench", Rate: 2000, From: time.Now()})
	if err != nil {
		return nil, err
	}
	out := make([]*body, count)
	for i := range out {
		var batch []byte
		b := &body{}
		batch = append(batch, `{"batch":[`...)
		for n := range events {
			var e simulate.Event
			if !g.Next(&e) {
				return nil, fmt.Errorf("the simulation ended after %d requests", i)
			}
			if n > 0 {
				batch = append(batch, ',')
			}
			batch = b.add(batch, e.JSON)
		}
		batch = append(batch, `]}`...)
		path := "/v1/batch"
		b.finish(host, path, batch)
		out[i] = b
	}
	return out, nil
}

// add appends an event, with room for an id and a time of fixed width, and notes where these stand.
func (b *body) add(batch, event []byte) []byte {
	cut := func(name string) (before, after []byte) {
		mark := []byte(`"` + name + `":"`)
		i := bytes.Index(event, mark)
		if i < 0 {
			return event, nil
		}
		i += len(mark)
		return event[:i], event[i+bytes.IndexByte(event[i:], '"'):]
	}
	before, after := cut("messageId")
	event = append(append(append([]byte{}, before...), bytes.Repeat([]byte{'0'}, idDigits)...), after...)
	id := len(before)
	before, after = cut("timestamp")
	b.times = append(b.times, len(batch)+len(before))
	if id > len(before) {
		id += len(timeLayout) - (len(event) - len(before) - len(after))
	}
	b.ids = append(b.ids, len(batch)+id)
	batch = append(append(append(batch, before...), timeLayout...), after...)
	return batch
}

// finish puts the HTTP header before the JSON.
func (b *body) finish(host, path string, batch []byte) {
	head := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic ZGV2Og==\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		path, host, len(batch))
	b.head = len(head)
	b.text = append(head, batch...)
}

// stamp gives the events ids from first on, and a time.
func (b *body) stamp(first int64, now time.Time) {
	var digits [idDigits]byte
	at := now.UTC().AppendFormat(make([]byte, 0, 32), timeLayout)
	for i, place := range b.ids {
		n := first + int64(i)
		for d := idDigits - 1; d >= 0; d-- {
			digits[d] = byte('0' + n%10)
			n /= 10
		}
		copy(b.text[b.head+place:], digits[:])
		copy(b.text[b.head+b.times[i]:], at)
	}
}

// client is one keep-alive connection. It speaks as little HTTP as will do.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

func dial(ctx context.Context, host string) (*client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	return &client{conn, bufio.NewReaderSize(conn, 4096)}, nil
}

// send posts a body, and gives the answer's status and its Retry-After in seconds.
func (c *client) send(text []byte) (status int, retryAfter int, err error) {
	if _, err := c.conn.Write(text); err != nil {
		return 0, 0, err
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 12 {
		return 0, 0, fmt.Errorf("the server answered %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, err
	}
	length := -1
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return 0, 0, err
		}
		if len(line) <= 2 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			length, err = strconv.Atoi(string(bytes.TrimSpace(value)))
		case bytes.EqualFold(name, []byte("Retry-After")):
			retryAfter, err = strconv.Atoi(string(bytes.TrimSpace(value)))
		}
		if err != nil {
			return 0, 0, err
		}
	}
	if length < 0 {
		return 0, 0, fmt.Errorf("the server answered %d without a Content-Length", status)
	}
	_, err = c.in.Discard(length)
	return status, retryAfter, err
}

// traffic is many clients sending.
type traffic struct {
	server  *server
	bodies  []*body
	clients int
	rate    float64 // events a second over all clients; 0: as fast as the server answers

	next         atomic.Int64 // message id
	acknowledged atomic.Int64 // events
	refused      atomic.Int64 // requests answered 429 or 503, and sent again
	latency      *hdrhistogram.Histogram
}

// run sends until ctx ends. Every event that was sent is acknowledged in the end: a refused request is sent again.
func (t *traffic) run(ctx context.Context) error {
	var mu sync.Mutex
	t.latency = hdrhistogram.New(1, 60_000_000, 3)
	errs := make(chan error, t.clients)
	for n := range t.clients {
		go func() {
			histogram := hdrhistogram.New(1, 60_000_000, 3)
			err := t.client(ctx, n, histogram)
			mu.Lock()
			t.latency.Merge(histogram)
			mu.Unlock()
			errs <- err
		}()
	}
	var first error
	for range t.clients {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// client sends its share of the bodies in turn. With a rate, requests have due times, and latency counts from these.
func (t *traffic) client(ctx context.Context, n int, histogram *hdrhistogram.Histogram) error {
	c, err := dial(context.WithoutCancel(ctx), t.server.host)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	began := time.Now()
	for turn := 0; ctx.Err() == nil; turn++ {
		b := t.bodies[(n+turn*t.clients)%len(t.bodies)]
		if len(t.bodies)%t.clients != 0 {
			return fmt.Errorf("%d bodies cannot be shared by %d clients", len(t.bodies), t.clients)
		}
		due := time.Now()
		if t.rate > 0 {
			every := time.Duration(float64(time.Second) * float64(len(b.ids)*t.clients) / t.rate)
			due = began.Add(every*time.Duration(turn) + every*time.Duration(n)/time.Duration(t.clients))
			if !sleepUntil(ctx, due) {
				return nil
			}
		}
		b.stamp(t.next.Add(int64(len(b.ids)))-int64(len(b.ids)), time.Now())
		for {
			status, after, err := c.send(b.text)
			if err != nil {
				return err
			}
			if status == 200 {
				break
			}
			if status != 503 && status != 429 {
				return fmt.Errorf("the server answered %d", status)
			}
			t.refused.Add(1)
			pause(ctx, min(time.Duration(after)*time.Second, time.Second))
		}
		t.acknowledged.Add(int64(len(b.ids)))
		_ = histogram.RecordValue(min(max(time.Since(due).Microseconds(), 1), 60_000_000))
	}
	return nil
}

func sleepUntil(ctx context.Context, t time.Time) bool {
	select {
	case <-time.After(time.Until(t)):
		return true
	case <-ctx.Done():
		return false
	}
}
