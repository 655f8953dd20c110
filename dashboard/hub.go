package dashboard

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

// hub makes one snapshot a second for all who watch, and none while nobody does.
type hub struct {
	make func(ctx context.Context) (Snapshot, error)

	mu       sync.Mutex
	watchers map[chan message]struct{}
	newest   *message           // for who comes between two snapshots; nil: there is none
	stop     context.CancelFunc // ends the making; nil: it does not run
	done     chan struct{}      // closed by close
	closed   bool
}

// message is what a watcher is sent: a snapshot, or a fault.
type message struct {
	name string
	text []byte // JSON
}

const snapshotEvery = time.Second

func newHub(snapshot func(ctx context.Context) (Snapshot, error)) *hub {
	return &hub{make: snapshot, watchers: map[chan message]struct{}{}, done: make(chan struct{})}
}

// watch gives a channel of snapshots, the newest only. leave must be called.
func (h *hub) watch() (snapshots <-chan message, leave func()) {
	c := make(chan message, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers[c] = struct{}{}
	if h.newest != nil {
		c <- *h.newest
	}
	if h.stop == nil && !h.closed {
		ctx, stop := context.WithCancel(context.Background())
		h.stop = stop
		go h.run(ctx)
	}
	return c, func() { h.leave(c) }
}

func (h *hub) leave(c chan message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watchers, c)
	if len(h.watchers) == 0 {
		h.rest()
	}
}

// rest ends the making. The lock is held.
func (h *hub) rest() {
	if h.stop != nil {
		h.stop()
	}
	h.stop, h.newest = nil, nil
}

func (h *hub) run(ctx context.Context) {
	tick := time.NewTicker(snapshotEvery)
	defer tick.Stop()
	for {
		h.send(ctx, h.message(ctx))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (h *hub) message(ctx context.Context) message {
	snapshot, err := h.make(ctx)
	if err == nil {
		var text []byte
		if text, err = json.Marshal(snapshot); err == nil {
			return message{"snapshot", text}
		}
	}
	text, _ := json.Marshal(fault{Error: err.Error(), Code: codeFailed}) // two strings are always JSON
	return message{"fault", text}
}

func (h *hub) send(ctx context.Context, m message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() != nil {
		return // all have left, or others watch another making
	}
	h.newest = &m
	for c := range h.watchers {
		select {
		case <-c: // an older one that was not taken
		default:
		}
		c <- m
	}
}

// close ends the making, and tells on done.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	close(h.done)
	h.rest()
}
