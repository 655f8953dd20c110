package pgtest

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
)

// A Cut says when a Proxy loses the connection that commits.
type Cut int32

// The moments.
const (
	Never  Cut = iota
	Before     // the server never hears of the commit
	After      // the client never hears of its success
)

// Proxy stands before a server and loses connections.
type Proxy struct {
	URL string
	cut atomic.Int32
}

// NewProxy begins a proxy before the server of a URL, for the length of a test.
func NewProxy(t testing.TB, location string) *Proxy {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	u.Host = listener.Addr().String()
	p := &Proxy{URL: u.String()}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			backend, err := net.Dial("tcp", server) //nolint:noctx // it ends with the listener's clients
			if err != nil {
				_ = client.Close()
				continue
			}
			go p.pass(client, backend)
		}
	}()
	return p
}

// CutNext has the next commit cut.
func (p *Proxy) CutNext(c Cut) { p.cut.Store(int32(c)) }

// pass carries bytes both ways. A commit comes as one short message, in one read.
func (p *Proxy) pass(client, backend net.Conn) {
	defer client.Close()
	defer backend.Close()
	var silent atomic.Bool
	go func() {
		defer client.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := backend.Read(buffer)
			if err != nil || silent.Load() && bytes.Contains(buffer[:n], []byte("COMMIT\x00")) {
				return
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if bytes.Equal(buffer[:n], []byte("Q\x00\x00\x00\x0bcommit\x00")) {
			switch Cut(p.cut.Swap(int32(Never))) {
			case Before:
				return
			case After:
				silent.Store(true)
			}
		}
		if _, err := io.Copy(backend, bytes.NewReader(buffer[:n])); err != nil {
			return
		}
	}
}
