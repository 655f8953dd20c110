package collect

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spoorhq/spoor/event"
)

// listen serves the collector on a port of its own.
func listen(t *testing.T, c *Collector, most int) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := c.Server(c)
	served := make(chan error, 1)
	go func() { served <- server.Serve(LimitListener(l, most)) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != http.ErrServerClosed {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func dial(t *testing.T, address string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

func send(t *testing.T, conn net.Conn, format string, args ...any) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, format, args...); err != nil {
		t.Fatal(err)
	}
}

func status(t *testing.T, from *bufio.Reader) (int, string) {
	t.Helper()
	resp, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// TestSlowBody: a client that does not send what it announced is told to try again, and its connection closed.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	c := start(t, &road{}, func(o *Options) { o.ReadGrace = 30 * time.Millisecond })
	address := listen(t, c, 10)
	for _, path := range []string{"/whole", "/lines"} {
		conn, answers := dial(t, address)
		send(t, conn, "POST %s HTTP/1.1\r\nHost: x\r\nX-Write-Key: k\r\nContent-Length: 100\r\n\r\n{\"type\"", path)
		if have, body := status(t, answers); have != http.StatusRequestTimeout || !strings.Contains(body, "body_too_slow") {
			t.Errorf("%s: want 408, have %d %s", path, have, body)
		}
		if _, err := answers.ReadByte(); err != io.EOF {
			t.Errorf("%s: want the connection closed, have %v", path, err)
		}
	}
}

// patient is a connection that notes how long it may wait each time that it is read; 0: for ever.
type patient struct {
	discard
	waits []time.Duration
}

func (p *patient) SetReadDeadline(at time.Time) error {
	if at.IsZero() {
		p.waits = append(p.waits, 0)
		return nil
	}
	p.waits = append(p.waits, time.Until(at))
	return nil
}

// TestSlowAppend: the bound on a slow body does not count the time for which the door itself makes the client wait.
func TestSlowAppend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const grace = time.Second
		r := &road{append: func(context.Context, event.Header) error {
			time.Sleep(time.Minute)
			return nil
		}}
		c := start(t, r, func(o *Options) {
			o.ReadGrace = grace
			o.ReadRate = 1000
			o.RecordBytes = 64 << 10
			o.AppendFor = time.Hour
		})
		body := strings.Repeat(good("a")+"\n", 1500) // three pieces
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/lines", slowly{strings.NewReader(body)})
		req.Header.Set("X-Write-Key", "k")
		w := &patient{}
		c.ServeHTTP(w, req)
		if _, events := r.kept(t); len(events) != 1500 {
			t.Fatalf("want all kept, have %d", len(events))
		}
		last := len(w.waits) - 1
		if w.waits[0] != grace || w.waits[last] != 0 {
			t.Errorf("want %v at first and no bound after the last byte, have %v and %v", grace, w.waits[0], w.waits[last])
		}
		// A read brings up to 1000 bytes, worth a second, in half a second.
		for i, have := range w.waits[:last] {
			if most := grace + time.Duration(i)*time.Second/2; have < grace || have > most {
				t.Fatalf("read %d: want between %v and %v left, have %v", i, grace, most, have)
			}
		}
	})
}

// slowly is a body of which 1000 bytes come each half second.
type slowly struct{ io.Reader }

func (s slowly) Read(p []byte) (int, error) {
	time.Sleep(time.Second / 2)
	return s.Reader.Read(p[:min(len(p), 1000)])
}

// TestKeepAlive: the bounds of one request do not hold for the next on its connection.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	c := start(t, &road{}, nil)
	conn, answers := dial(t, listen(t, c, 10))
	for _, path := range []string{"/lines", "/whole", "/lines"} {
		send(t, conn, "POST %s HTTP/1.1\r\nHost: x\r\nX-Write-Key: k\r\nContent-Length: %d\r\n\r\n%s", path, len(good("a")), good("a"))
		if have, told := status(t, answers); have != http.StatusOK {
			t.Errorf("%s: want 200, have %d %s", path, have, told)
		}
	}
}

// TestHeaderFlood: headers beyond the limit are not read to their end.
func TestHeaderFlood(t *testing.T) {
	t.Parallel()
	address := listen(t, start(t, &road{}, nil), 10)
	conn, answers := dial(t, address)
	flood := strings.Repeat("X-Flood: "+strings.Repeat("x", 1000)+"\r\n", 60)
	send(t, conn, "POST /whole HTTP/1.1\r\nHost: x\r\n%s", flood)
	if have, _ := status(t, answers); have != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("want 431, have %d", have)
	}
	conn, answers = dial(t, address)
	send(t, conn, "POST /whole?writeKey=k HTTP/1.1\r\nHost: x\r\nX-Large: %s\r\nContent-Length: %d\r\n\r\n%s", strings.Repeat("x", 20<<10), len(good("a")), good("a"))
	if have, body := status(t, answers); have != http.StatusOK {
		t.Errorf("want headers of 20 KiB taken, have %d %s", have, body)
	}
}

// TestEarlyAnswer: a client hears why its body is refused although it is still sending it.
func TestEarlyAnswer(t *testing.T) {
	t.Parallel()
	conn, answers := dial(t, listen(t, start(t, &road{}, nil), 10))
	send(t, conn, "POST /whole HTTP/1.1\r\nHost: x\r\nX-Write-Key: k\r\nContent-Length: %d\r\n\r\n", 10<<20)
	go func() { _, _ = io.Copy(conn, strings.NewReader(strings.Repeat(" ", 10<<20))) }() // ends when the connection does
	if have, body := status(t, answers); have != http.StatusBadRequest || !strings.Contains(body, "body_too_large") {
		t.Errorf("want 400, have %d %s", have, body)
	}
}

// TestExpectContinue: a client that asks before it sends a body is told to go on, or refused without its body.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	address := listen(t, start(t, &road{}, nil), 10)
	conn, answers := dial(t, address)
	send(t, conn, "POST /lines HTTP/1.1\r\nHost: x\r\nX-Write-Key: k\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(good("a")))
	if have, _ := status(t, answers); have != http.StatusContinue {
		t.Fatalf("want 100, have %d", have)
	}
	send(t, conn, "%s", good("a"))
	if have, body := status(t, answers); have != http.StatusOK {
		t.Errorf("want 200, have %d %s", have, body)
	}
	conn, answers = dial(t, address)
	send(t, conn, "POST /lines HTTP/1.1\r\nHost: x\r\nX-Write-Key: other\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n")
	if have, _ := status(t, answers); have != http.StatusUnauthorized {
		t.Errorf("want 401 at once, have %d", have)
	}
}

// TestConnectionLimit: one connection more than allowed is served as soon as another ends.
func TestConnectionLimit(t *testing.T) {
	t.Parallel()
	address := listen(t, start(t, &road{}, nil), 2)
	ask := func(conn net.Conn, answers *bufio.Reader) {
		t.Helper()
		send(t, conn, "GET /scheme/whole HTTP/1.1\r\nHost: x\r\n\r\n")
		if have, body := status(t, answers); have != http.StatusOK || body != "http" {
			t.Errorf("want 200, have %d %s", have, body)
		}
	}
	first, firstAnswers := dial(t, address)
	ask(first, firstAnswers)
	second, secondAnswers := dial(t, address)
	ask(second, secondAnswers)
	third, thirdAnswers := dial(t, address)
	send(t, third, "GET /scheme/whole HTTP/1.1\r\nHost: x\r\n\r\n")
	answered := make(chan int, 1)
	go func() {
		resp, err := http.ReadResponse(thirdAnswers, nil)
		if err != nil {
			t.Error(err)
			close(answered)
			return
		}
		_ = resp.Body.Close()
		answered <- resp.StatusCode
	}()
	ask(first, firstAnswers)
	ask(second, secondAnswers)
	if len(answered) > 0 {
		t.Error("want the third connection to wait")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if have := <-answered; have != http.StatusOK {
		t.Errorf("want 200, have %d", have)
	}
}
