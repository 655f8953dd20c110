// Package spoor sends events to Spoor from Go, with nothing but the standard library.
//
// A client gathers events and sends them in batches from a goroutine of its own, in order, each batch until it is
// stored. Its queue is bounded; what happens when it is full is the caller's choice, and counted. With Options.Sync
// there is no queue: a call returns when the server has said that the event is on disk.
//
// A second copy of an event, sent because the answer to the first was lost, has the same message id, by which Spoor
// knows it.
package spoor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Version is this package's, as events carry it in context.library.
const Version = "0.1.0"

// Policy is what happens to an event when the queue is full.
type Policy int

const (
	// Block: the call waits for room, until its context ends.
	Block Policy = iota
	// DropNewest: the call returns ErrQueueFull.
	DropNewest
	// DropOldest: the event that has waited longest makes room, and is reported with ErrQueueFull.
	DropOldest
)

// Options are a client's. Only URL and WriteKey are needed; zero values take the defaults named.
type Options struct {
	URL      string // of the collector, such as https://events.example.com
	WriteKey string // of the source

	Sync bool // each call sends its event and returns when it is stored; for functions that live as long as a request

	BatchEvents int           // a batch's most events; default 100, at most 1000
	BatchBytes  int           // a batch's most bytes of JSON; default 500,000, which is also the most
	Interval    time.Duration // the longest that an event waits for company; default 5 s

	QueueEvents int    // the most events that wait; default 10,000
	QueueBytes  int    // the most bytes that wait; default 32 MiB
	WhenFull    Policy // default Block

	Timeout  time.Duration // of one request; default 15 s
	MinPause time.Duration // between the first tries; default 200 ms. It doubles with each, and is shortened by up to half at random
	MaxPause time.Duration // between tries; default 30 s. A server's Retry-After counts beyond it, up to 5 minutes

	// OnError hears of every event that was taken and will not arrive. It is called from the sending goroutine, or
	// with Sync and DropOldest from the caller's, and must not call the client or block. Default: they are only counted.
	OnError func(Failure)

	HTTP      *http.Client // default: one with its own connections
	Publisher Publisher    // instead of a collector; URL, WriteKey, Timeout and HTTP are then unused
}

const (
	maxBatchEvents = 1000 // so that an answer can name each event that it refuses
	maxBatchBytes  = 500_000
	maxRetryAfter  = 5 * time.Minute
)

func (o *Options) defaults() error {
	fill(&o.BatchEvents, 100)
	fill(&o.BatchBytes, maxBatchBytes)
	fill(&o.Interval, 5*time.Second)
	fill(&o.QueueEvents, 10_000)
	fill(&o.QueueBytes, 32<<20)
	fill(&o.Timeout, 15*time.Second)
	fill(&o.MinPause, 200*time.Millisecond)
	fill(&o.MaxPause, 30*time.Second)
	switch {
	case o.BatchEvents < 1 || o.BatchEvents > maxBatchEvents:
		return fmt.Errorf("BatchEvents must be from 1 to %d; got %d", maxBatchEvents, o.BatchEvents)
	case o.BatchBytes < 1 || o.BatchBytes > maxBatchBytes:
		return fmt.Errorf("BatchBytes must be from 1 to %d; got %d", maxBatchBytes, o.BatchBytes)
	case o.QueueEvents < 1:
		return fmt.Errorf("QueueEvents must be 1 or more; got %d", o.QueueEvents)
	case o.QueueBytes < MaxEventBytes:
		return fmt.Errorf("QueueBytes must have room for an event of %d; got %d", MaxEventBytes, o.QueueBytes)
	case o.WhenFull < Block || o.WhenFull > DropOldest:
		return fmt.Errorf("WhenFull must be Block, DropNewest or DropOldest; got %d", o.WhenFull)
	case min(o.Interval, o.Timeout, o.MinPause) < 0 || o.MaxPause < o.MinPause:
		return errors.New("times cannot be negative, nor MaxPause shorter than MinPause")
	}
	if o.Publisher == nil {
		door, err := newDoor(o)
		o.Publisher = door
		return err
	}
	return nil
}

func fill[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

// Stats counts events since the client was made: Taken = Stored + Rejected + Dropped + Waiting.
type Stats struct {
	Taken    uint64 // by calls that returned no error, or whose event was refused later
	Stored   uint64 // the server has them on disk
	Rejected uint64 // refused for good by the server
	Dropped  uint64 // for want of room, or unsent at the end
	Waiting  uint64 // in the queue or on their way
	Retries  uint64 // requests that were tries after the first
}

// Client sends events. It is safe for concurrent use. Use New, and Close at the end.
type Client struct {
	o     Options
	life  context.Context // ends when Close gives up
	kill  context.CancelFunc
	wake  chan struct{} // tells the sender to look again
	ended chan struct{} // closed when the sender has ended

	mu       sync.Mutex
	queue    []Message
	bytes    int           // of the queue
	next     uint64        // the sequence of the next message
	flying   uint64        // the sequence of the oldest message that is being sent; 0: none is
	flush    uint64        // messages before this one do not wait for company
	closed   bool          // no more are taken
	changed  chan struct{} // closed, and replaced, when the queue has shrunk or what was flying is settled
	stats    Stats
	inFlight sync.WaitGroup // calls in sync mode
}

// New makes a client.
func New(options Options) (*Client, error) {
	if err := options.defaults(); err != nil {
		return nil, err
	}
	c := &Client{
		o: options, next: 1, wake: make(chan struct{}, 1), ended: make(chan struct{}), changed: make(chan struct{}),
	}
	c.life, c.kill = context.WithCancel(context.Background())
	if options.Sync {
		close(c.ended)
		return c, nil
	}
	go c.send()
	return c, nil
}

// Track tells that somebody did something: Name says what.
func (c *Client) Track(ctx context.Context, e Event) error { return c.take(ctx, typeTrack, e) }

// Identify tells who somebody is: Traits say more of them.
func (c *Client) Identify(ctx context.Context, e Event) error { return c.take(ctx, typeIdentify, e) }

// Page tells that somebody looked at a page.
func (c *Client) Page(ctx context.Context, e Event) error { return c.take(ctx, typePage, e) }

// Screen tells that somebody looked at a screen of an app.
func (c *Client) Screen(ctx context.Context, e Event) error { return c.take(ctx, typeScreen, e) }

// Group tells that somebody belongs to GroupID: Traits say more of the group.
func (c *Client) Group(ctx context.Context, e Event) error { return c.take(ctx, typeGroup, e) }

// Alias tells that UserID was known as PreviousID.
func (c *Client) Alias(ctx context.Context, e Event) error { return c.take(ctx, typeAlias, e) }

// take queues an event, or with Sync sends it. An error: it was not taken, or with Sync, not stored.
func (c *Client) take(ctx context.Context, kind string, e Event) error {
	m, err := encode(kind, e, time.Now())
	if err != nil {
		return err
	}
	if c.o.Sync {
		return c.through(ctx, m)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.closed && c.full(m) {
		c.flush = c.next // what fills the queue does not wait for company
		c.look()
		switch c.o.WhenFull {
		case DropNewest:
			c.stats.Taken++
			c.stats.Dropped++
			return ErrQueueFull
		case DropOldest:
			c.dropOldest()
		default:
			if err := c.await(ctx); err != nil {
				return fmt.Errorf("waiting for room in the queue: %w", err)
			}
		}
	}
	if c.closed {
		return ErrClosed
	}
	m.sequence, m.queued = c.next, time.Now()
	c.next++
	c.stats.Taken++
	c.queue = append(c.queue, m)
	c.bytes += len(m.Body)
	if n := len(c.queue); n == 1 || n == c.o.BatchEvents || c.bytes >= c.o.BatchBytes {
		c.look()
	}
	return nil
}

// through sends one event while the caller waits.
func (c *Client) through(ctx context.Context, m Message) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	c.stats.Taken++
	c.inFlight.Add(1)
	c.mu.Unlock()
	defer c.inFlight.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer context.AfterFunc(c.life, func() { cancel(ErrClosed) })()
	return c.deliver(ctx, []Message{m})
}

func (c *Client) full(m Message) bool {
	return len(c.queue) >= c.o.QueueEvents || c.bytes+len(m.Body) > c.o.QueueBytes
}

// dropOldest makes room. The lock is held.
func (c *Client) dropOldest() {
	m := c.queue[0]
	c.shift(1)
	c.stats.Dropped++
	c.report(m, ErrQueueFull)
}

// shift takes the oldest n messages from the queue. The lock is held.
func (c *Client) shift(n int) {
	for _, m := range c.queue[:n] {
		c.bytes -= len(m.Body)
	}
	clear(c.queue[:n]) // their memory is not kept by what stands behind them
	c.queue = c.queue[n:]
	c.change()
}

// change wakes those who wait for room or for a flush. The lock is held.
func (c *Client) change() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// await waits for a change. The lock is held on entry and on return.
func (c *Client) await(ctx context.Context) error {
	changed := c.changed
	c.mu.Unlock()
	defer c.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// look tells the sender that it may have something to do.
func (c *Client) look() {
	select {
	case c.wake <- struct{}{}:
	default: // it was told already
	}
}

// Flush sends what was taken before it, and returns when all of it is stored, rejected or dropped, or with the
// context's error.
func (c *Client) Flush(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	target := c.next
	c.flush = max(c.flush, target)
	c.look()
	for c.oldest() < target {
		if err := c.await(ctx); err != nil {
			return fmt.Errorf("flushing: %w", err)
		}
	}
	return nil
}

// oldest is the sequence of the oldest message without an end. The lock is held.
func (c *Client) oldest() uint64 {
	switch {
	case c.flying > 0:
		return c.flying
	case len(c.queue) > 0:
		return c.queue[0].sequence
	default:
		return c.next
	}
}

// Close takes no more events, sends those that wait, and returns when all have come to an end. When the context ends
// before, what is left is dropped and reported with ErrClosed, and the error says how much that was. A second Close
// waits as the first does.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closed = true
	c.change() // who waits for room waits in vain
	c.mu.Unlock()
	c.look()
	done := make(chan struct{})
	go func() {
		<-c.ended
		c.inFlight.Wait()
		close(done)
	}()
	select {
	case <-done:
		c.kill()
		return nil
	case <-ctx.Done():
	}
	before := c.Stats()
	c.kill()
	<-done
	if lost := c.Stats().Dropped - before.Dropped; lost > 0 {
		return fmt.Errorf("%d events were not sent: %w", lost, ctx.Err())
	}
	return nil
}

// Stats gives the counters.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Waiting = s.Taken - s.Stored - s.Rejected - s.Dropped
	return s
}

// report tells the caller of an event that will not arrive.
func (c *Client) report(m Message, err error) {
	if c.o.OnError != nil {
		c.o.OnError(Failure{MessageID: m.ID, Type: m.Type, Name: m.Name, Err: err})
	}
}

// pause is how long to wait before try n+1.
func (o *Options) pause(try int, after time.Duration) time.Duration {
	longest := min(o.MinPause<<min(try, 20), o.MaxPause)
	return max(longest-rand.N(longest/2+1), min(after, maxRetryAfter))
}
