package spoor

import (
	"context"
	"errors"
	"time"
)

// send is the sending goroutine: one batch at a time, so that events arrive in order.
func (c *Client) send() {
	defer close(c.ended)
	for batch := c.batch(); batch != nil; batch = c.batch() {
		_ = c.deliver(c.life, batch) // what was lost is counted and reported
		c.mu.Lock()
		c.flying = 0
		c.change()
		c.mu.Unlock()
	}
}

// batch waits for the next batch; nil: the client is closed and the queue empty.
func (c *Client) batch() []Message {
	due := time.NewTimer(0)
	defer due.Stop()
	for {
		c.mu.Lock()
		n, wait := c.ready()
		if n > 0 && wait <= 0 {
			batch := append([]Message(nil), c.queue[:n]...)
			c.flying = batch[0].sequence
			c.shift(n)
			c.mu.Unlock()
			return batch
		}
		closed := c.closed
		c.mu.Unlock()
		var timer <-chan time.Time
		switch {
		case n > 0:
			due.Reset(wait)
			timer = due.C
		case closed:
			return nil
		}
		select {
		case <-c.wake:
		case <-timer:
		}
	}
}

// ready gives how many messages the next batch takes, and how long it still waits for company. The lock is held.
func (c *Client) ready() (n int, wait time.Duration) {
	if len(c.queue) == 0 {
		return 0, 0
	}
	for size := 0; n < len(c.queue) && n < c.o.BatchEvents; n++ {
		size += len(c.queue[n].Body) + len(",")
		if n > 0 && size > c.o.BatchBytes-envelopeBytes {
			return n, 0
		}
	}
	if n == c.o.BatchEvents || c.closed || c.queue[0].sequence < c.flush {
		return n, 0
	}
	return n, time.Until(c.queue[0].queued.Add(c.o.Interval))
}

// deliver tries until every message has come to an end, or ctx to its own. The error is that of the last one lost.
func (c *Client) deliver(ctx context.Context, batch []Message) (lost error) {
	for try := 0; ; try++ {
		rejected, err := c.o.Publisher.Publish(ctx, batch)
		var unavailable *UnavailableError
		switch {
		case err == nil:
			return c.settle(batch, rejected)
		case !errors.As(err, &unavailable):
			c.lose(batch, err, func(s *Stats) *uint64 { return &s.Rejected })
			return err
		}
		if unavailable.Messages != nil {
			batch = c.keep(batch, unavailable.Messages)
		}
		select {
		case <-time.After(c.o.pause(try, unavailable.After)):
			c.mu.Lock()
			c.stats.Retries++
			c.mu.Unlock()
		case <-ctx.Done():
			lost = context.Cause(ctx)
			if c.life.Err() != nil {
				lost = ErrClosed
			}
			lost = errors.Join(lost, unavailable)
			c.lose(batch, lost, func(s *Stats) *uint64 { return &s.Dropped })
			return lost
		}
	}
}

// settle counts a batch that was taken, and reports those of it that were not.
func (c *Client) settle(batch []Message, rejected []Rejection) (last error) {
	c.mu.Lock()
	c.stats.Stored += uint64(len(batch) - len(rejected))
	c.stats.Rejected += uint64(len(rejected))
	c.mu.Unlock()
	for _, r := range rejected {
		last = &RejectedError{Reason: r.Reason, Detail: r.Detail}
		c.report(batch[r.Index], last)
	}
	return last
}

// keep leaves those messages of a batch that are to be sent again; the others are stored.
func (c *Client) keep(batch []Message, again []int) []Message {
	left := make([]Message, len(again))
	for i, at := range again {
		left[i] = batch[at]
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Stored += uint64(len(batch) - len(left))
	return left
}

func (c *Client) lose(batch []Message, err error, counter func(*Stats) *uint64) {
	c.mu.Lock()
	*counter(&c.stats) += uint64(len(batch))
	c.mu.Unlock()
	for _, m := range batch {
		c.report(m, err)
	}
}
