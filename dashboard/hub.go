package dashboard

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

// hub makes one snapshot a second for all who watch, and none while nobody does.
type hub struct {
	make func(ctx context.Context) (any, error)

	mu       sync.Mutex
	watchers map[chan []byte]struct{}
	stop     context.CancelFunc // ends the making; nil: it does not run
	done     chan struct{}      // closed by close
}

const snapshotEvery = time.Second

func newHub(snapshot func(ctx context.Context) (any, error)) *hub {
	return &hub{make: snapshot, watchers: map[chan []byte]struct{}{}, done: make(chan struct{})}
}

// watch gives a channel of snapshots, JSON, the newest only. leave must be called.
func (h *hub) watch() (snapshots <-chan []byte, leave func()) {
	c := make(chan []byte, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers[c] = struct{}{}
	if h.stop == nil {
		ctx, stop := context.WithCancel(context.Background())
		h.stop = stop
		go h.run(ctx)
	}
	return c, func() { h.leave(c) }
}

func (h *hub) leave(c chan []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watchers, c)
	if len(h.watchers) == 0 && h.stop != nil {
		h.stop()
		h.stop = nil
	}
}

func (h *hub) run(ctx context.Context) {
	tick := time.NewTicker(snapshotEvery)
	defer tick.Stop()
	for {
		if text := h.text(ctx); text != nil {
			h.send(ctx, text)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (h *hub) text(ctx context.Context) []byte {
	snapshot, err := h.make(ctx)
	if err != nil {
		snapshot = fault{err.Error(), "failed"}
	}
	text, err := json.Marshal(snapshot)
	if err != nil || ctx.Err() != nil {
		return nil
	}
	return text
}

func (h *hub) send(ctx context.Context, text []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	for c := range h.watchers {
		select {
		case <-c: // an older one that was not taken
		default:
		}
		c <- text
	}
}

// close ends the making, and tells on done.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.done)
	if h.stop != nil {
		h.stop()
	}
}
