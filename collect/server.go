package collect

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// Limits of a server on whose port the door is. Bodies have their own, in Options.
const (
	headersWithin  = 10 * time.Second
	maxHeaderBytes = 32 << 10
	// idleFor is longer than what load balancers keep an idle connection for, so that it is they who close it: the
	// other way round a request can meet a closing connection.
	idleFor = 2 * time.Minute
)

// Server gives an HTTP server for the handler, the collector's or one that holds it, that no client can make wait or
// remember without bound. It has no bound on the time of a request: an upload or an event stream may take its time.
func (c *Collector) Server(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headersWithin,
		IdleTimeout:       idleFor,
		MaxHeaderBytes:    maxHeaderBytes,
	}
}

// LimitListener gives a listener with so many connections at a time at most. Others wait in the system's queue.
func LimitListener(l net.Listener, most int) net.Listener {
	return &limited{Listener: l, places: make(chan struct{}, most), closed: make(chan struct{})}
}

type limited struct {
	net.Listener
	places chan struct{}
	once   sync.Once
	closed chan struct{}
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &counted{Conn: conn, leave: sync.OnceFunc(func() { <-l.places })}, nil
}

func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// CloseWrite lets the server end an answer without a reset where the client is still sending.
func (c *counted) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
