package collect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/stream"
)

const (
	// After a failed append requests are refused for a while, which doubles with each failure from the first to the
	// last of these: a stream that is down is not helped by more appends, nor are clients by waiting for them.
	firstPause, lastPause = 100 * time.Millisecond, 2 * time.Second
	// maxVoid is how many void numbers one record lists; the next one lists more.
	maxVoid = 4096
	// statFor bounds how long the stream may take to tell its size.
	statFor = 2 * time.Second
)

// committer makes events durable in groups. The events of whoever comes while appends are under way are gathered in a
// batch, which becomes one record as soon as an append is done; so a lone request waits for its own append only, and
// a thousand at a time share a few. On a stream that bills by the size of records a batch also waits for company, until it
// is full or RecordWait is over. Each of its workers appends one batch at a time.
type committer struct {
	log     stream.Log
	statter stream.Statter // nil: the stream does not know its size
	id      string
	boot    string
	format  Format
	filling *filling // when a batch takes no more
	appends int      // at a time
	longest time.Duration
	budget  *budget
	metrics *metrics
	logger  *slog.Logger
	workers sync.WaitGroup

	mu      sync.Mutex
	wake    sync.Cond
	closing bool
	pending []*batch // the last is being gathered
	free    []*event.RecordWriter
	seq     uint64
	under   []uint64 // numbers given whose outcome is not known yet
	void    []uint64 // numbers given whose record is not known to be durable, and which no durable record lists
	failure *refusal // how the last append ended
	pause   time.Duration
	again   time.Time // when appends are tried again
}

// batch is the events of one record.
type batch struct {
	writer *event.RecordWriter
	bytes  int64         // of the budget
	ripe   bool          // it has waited for company as long as it may
	done   chan struct{} // closed when the outcome is known
	err    error         // nil: durable
}

func newCommitter(o Options, boot string, b *budget, m *metrics) *committer {
	c := &committer{
		log: o.Log, id: o.ID, boot: boot, format: o.Format, filling: newFilling(o), appends: o.Appends, longest: o.AppendFor,
		budget: b, metrics: m, logger: o.Logger,
	}
	c.statter, _ = stream.As[stream.Statter](o.Log)
	c.wake.L = &c.mu
	for range o.Appends {
		c.workers.Go(c.work)
	}
	return c
}

// put copies a request's events into the batch being gathered. Their bytes have been taken of the budget and are given back
// when the batch is done, which the caller waits for.
func (c *committer) put(req *event.Request, events [][]byte, bytes int64) (*batch, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refusal(); err != nil {
		return nil, err
	}
	b := c.gathering(int(bytes))
	b.writer.Add(req, events)
	b.bytes += bytes
	c.wake.Signal()
	return b, nil
}

// refusal tells why no events are taken now; nil: they are.
func (c *committer) refusal() error {
	if c.closing {
		return errClosed
	}
	if left := time.Until(c.again); c.failure != nil && left > 0 {
		return c.failure.after(left)
	}
	return nil
}

// gathering gives the batch for so many bytes more.
func (c *committer) gathering(bytes int) *batch {
	if n := len(c.pending); n > 0 {
		if b := c.pending[n-1]; b.writer.Len()+bytes <= c.filling.full(c.format) {
			return b
		}
	}
	b := &batch{done: make(chan struct{})}
	if n := len(c.free); n > 0 {
		b.writer, c.free = c.free[n-1], c.free[:n-1]
	} else {
		b.writer = event.NewRecordWriter()
	}
	if c.filling.wait > 0 {
		time.AfterFunc(c.filling.wait, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			b.ripe = true
			c.wake.Signal()
		})
	}
	c.pending = append(c.pending, b)
	return b
}

// work appends batches until the committer is closed and none is left.
func (c *committer) work() {
	var data []byte
	for {
		b := c.take()
		if b == nil {
			return
		}
		data = c.append(b, data[:0])
		c.budget.give(b.bytes)
		close(b.done)
	}
}

// append makes a batch a record and notes how it ended. The record is made in data's memory, which is given back.
func (c *committer) append(b *batch, data []byte) []byte {
	header := c.number()
	c.metrics.appendEvents.Observe(float64(b.writer.Events()))
	records := c.sealed(b.writer, header, data)
	size := 0
	for _, r := range records {
		size += len(r.Data)
	}
	c.metrics.appendBytes.Observe(float64(size))
	ctx, cancel := context.WithTimeout(context.Background(), c.longest)
	defer cancel()
	b.err = c.settle(b, header, c.log.Append(ctx, records))
	if c.format == Compact {
		data = records[0].Data
	}
	return data
}

// take waits for a batch that is full or has waited long enough. nil: the committer is closed and nothing is left.
func (c *committer) take() *batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.due() {
		if c.closing && len(c.pending) == 0 {
			return nil
		}
		c.wake.Wait()
	}
	b := c.pending[0]
	c.pending = slices.Delete(c.pending, 0, 1)
	return b
}

// due tells whether the first batch is to be appended now. One with another behind it is full.
func (c *committer) due() bool {
	return len(c.pending) > 1 || len(c.pending) == 1 && (c.filling.wait == 0 || c.closing || c.pending[0].ripe)
}

// number gives the next record's header.
func (c *committer) number() event.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seq++
	listed := min(len(c.void), maxVoid)
	h := event.Header{Collector: c.id, Boot: c.boot, Seq: c.seq, Void: slices.Clone(c.void[:listed]), Settled: c.seq - 1}
	for _, seq := range slices.Concat(c.under, c.void[listed:]) {
		h.Settled = min(h.Settled, seq-1)
	}
	c.under = append(c.under, h.Seq)
	return h
}

// settle notes how an append ended, and gives what the requests in it are told. Whatever the error, the number is not
// given again: the record may be in the stream, or come to be there.
func (c *committer) settle(b *batch, h event.Header, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.free) <= c.appends {
		c.free = append(c.free, b.writer)
	}
	c.under = slices.DeleteFunc(c.under, func(seq uint64) bool { return seq == h.Seq })
	if err == nil {
		if len(h.Void) > 0 {
			c.void = slices.DeleteFunc(c.void, func(seq uint64) bool { return slices.Contains(h.Void, seq) })
		}
		if c.failure != nil {
			c.logger.Info("the stream takes events again")
		}
		c.failure, c.pause = nil, 0
		return nil
	}
	c.void = append(c.void, h.Seq)
	failure := appendFailure(err)
	if c.failure == nil || c.failure.code != failure.code {
		c.logger.Error("the stream does not take events; clients are told to come back", "error", err)
	}
	if now := time.Now(); !now.Before(c.again) {
		c.pause = min(max(2*c.pause, firstPause), lastPause)
		c.again = now.Add(c.pause)
	}
	c.failure = failure
	c.metrics.failed(failure.code)
	return failure.after(c.pause)
}

// appendFailure is what a failed append is to a client. The error itself is for the log: it may tell of our insides.
func appendFailure(err error) *refusal {
	if errors.Is(err, stream.ErrFull) {
		return &refusal{http.StatusServiceUnavailable, "stream_full", "the stream has no room", 0, false}
	}
	return &refusal{http.StatusServiceUnavailable, "append_failed", "the stream did not confirm the events", 0, false}
}

// after gives the refusal with a time to come back.
func (e *refusal) after(d time.Duration) *refusal {
	later := *e
	later.retryAfter = max(d, time.Second)
	return &later
}

// ready tells whether events would be taken now: nil, or why not.
func (c *committer) ready() error {
	c.mu.Lock()
	failure, refused := c.failure, c.refusal()
	c.mu.Unlock()
	if c.statter != nil && (refused == nil || failure != nil && failure.code == "stream_full") {
		return c.room()
	}
	return refused
}

// room asks the stream whether it has room for what may be under way.
func (c *committer) room() error {
	ctx, cancel := context.WithTimeout(context.Background(), statFor)
	defer cancel()
	stat, err := c.statter.Stat(ctx)
	if err != nil {
		return fmt.Errorf("asking the stream for its size: %w", err)
	}
	if stat.Limit > 0 && stat.Bytes+int64(c.filling.most) > stat.Limit {
		return fmt.Errorf("the stream has no room: it holds %d bytes of at most %d", stat.Bytes, stat.Limit)
	}
	return nil
}

// close appends what has been gathered and ends the workers. Numbers that are void and not yet listed get a last record of
// no events, since nothing else would tell them from records that the stream lost.
func (c *committer) close() {
	c.mu.Lock()
	again := c.closing
	c.closing = true
	c.wake.Broadcast()
	c.mu.Unlock()
	c.workers.Wait()
	if !again && len(c.void) > 0 {
		c.append(&batch{writer: event.NewRecordWriter()}, nil)
	}
}
