package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// Patience says how long a Log is tried again before its error goes up. A zero field takes its default.
type Patience struct {
	// First is the pause before the second try; each further pause is twice as long, up to Longest. The pause taken
	// is between half of that and the whole, at random, so that many writers do not come back in step.
	First   time.Duration // default 50 ms
	Longest time.Duration // default 2 s
	// Within bounds all tries of one call together, the one under way included. For a Reader, whose Next may rightly
	// wait for ever, it bounds the time of failing: from an error to the next success.
	Within time.Duration // default 10 s
	// FullWithin bounds how long a full stream is tried again. It is short: room comes back with the loader, not with
	// waiting, and whoever waits here holds a request open.
	FullWithin time.Duration // default 500 ms
}

func (p Patience) withDefaults() Patience {
	set := func(d *time.Duration, standard time.Duration) {
		if *d == 0 {
			*d = standard
		}
	}
	set(&p.First, 50*time.Millisecond)
	set(&p.Longest, 2*time.Second)
	set(&p.Within, 10*time.Second)
	set(&p.FullWithin, 500*time.Millisecond)
	return p
}

// Retry wraps a Log so that what may pass is tried again: records that an Append did not get in, and only those; an
// Append of unknown outcome, wholly, so that its records may stand in the stream twice; a Reader that broke, opened
// anew after the last record it gave. What no time heals (ErrTooLarge, ErrTrimmed, ErrUnknownPosition, ErrUnknownShard,
// ErrClosed, the caller's ctx) goes up at once. Records tried again may stand behind later ones.
func Retry(log Log, patience Patience) Log {
	return &retrying{Log: log, patience: patience.withDefaults()}
}

type retrying struct {
	Log
	patience Patience
}

// Unwrap lets As find the powers of the Log inside.
func (r *retrying) Unwrap() Log { return r.Log }

func (r *retrying) Append(ctx context.Context, records []Record) error {
	ctx, cancel := context.WithTimeout(ctx, r.patience.Within)
	defer cancel()
	left := remainder{records: records}
	err := r.patience.try(ctx, func() error {
		return left.after(r.Log.Append(ctx, left.records))
	})
	return left.outcome(err)
}

func (r *retrying) Shards(ctx context.Context) (shards []Shard, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.patience.Within)
	defer cancel()
	err = r.patience.try(ctx, func() error {
		shards, err = r.Log.Shards(ctx)
		return err
	})
	return shards, err
}

func (r *retrying) Read(ctx context.Context, shard ShardID, after Position) (Reader, error) {
	ctx, cancel := context.WithTimeout(ctx, r.patience.Within)
	defer cancel()
	reader := &retryingReader{log: r, shard: shard, after: after}
	if err := r.patience.try(ctx, func() error { return reader.open(ctx) }); err != nil {
		return nil, err
	}
	return reader, nil
}

// try calls step until it succeeds, fails for good, or patience or ctx is at its end. It returns step's last error.
func (p Patience) try(ctx context.Context, step func() error) error {
	var failing, full time.Time // since when
	for pause := p.First; ; pause = min(2*pause, p.Longest) {
		err := step()
		if err == nil || hopeless(err) || ctx.Err() != nil {
			return err
		}
		now := time.Now()
		if failing.IsZero() {
			failing = now
		}
		end := failing.Add(p.Within)
		if errors.Is(err, ErrFull) {
			if full.IsZero() {
				full = now
			}
			if end.After(full.Add(p.FullWithin)) {
				end = full.Add(p.FullWithin)
			}
		}
		wait := pause/2 + rand.N(pause/2+1)
		if now.Add(wait).After(end) || !sleep(ctx, wait) {
			return err
		}
	}
}

// sleep waits, and tells whether ctx was still good at the end of it.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// hopeless tells whether trying again is vain. A PartialError is never so as a whole; its records are looked at one by
// one.
func hopeless(err error) bool {
	if _, partial := errors.AsType[*PartialError](err); partial {
		return false
	}
	if err == io.EOF { //nolint:errorlint // a shard's end; wrapped, it is a connection that broke
		return true
	}
	for _, final := range []error{ErrTooLarge, ErrTrimmed, ErrUnknownPosition, ErrUnknownShard, ErrClosed} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}

// remainder is what is left of an Append.
type remainder struct {
	records []Record // to be tried again
	index   []int    // where each of them stands in the caller's slice; nil: as here
	// failed holds, by index into the caller's slice, what was last heard of each record that is not known to be
	// durable; nil as long as no try has told the records apart.
	failed map[int]error
}

// after takes in how a try of the remainder ended. It returns nil when nothing is left to be tried.
func (l *remainder) after(err error) error {
	partial, told := errors.AsType[*PartialError](err)
	if !told {
		for i := range l.records {
			switch {
			case err == nil:
				delete(l.failed, l.at(i))
			case l.failed != nil:
				l.failed[l.at(i)] = err
			}
		}
		return err
	}
	if l.failed == nil {
		l.failed = make(map[int]error, len(partial.Failed))
	}
	var records []Record
	var index []int
	for i, record := range l.records {
		cause, failed := partial.Failed[i]
		if !failed {
			delete(l.failed, l.at(i))
			continue
		}
		l.failed[l.at(i)] = cause
		if !hopeless(cause) {
			records, index = append(records, record), append(index, l.at(i))
		}
	}
	l.records, l.index = records, index
	if len(records) == 0 {
		return nil
	}
	return err
}

// outcome is what the caller is told, when err was the last word about the records left.
func (l *remainder) outcome(err error) error {
	switch {
	case l.failed == nil:
		return err
	case len(l.failed) == 0:
		return nil
	}
	return &PartialError{Failed: l.failed}
}

func (l *remainder) at(i int) int {
	if l.index == nil {
		return i
	}
	return l.index[i]
}

// retryingReader reads on through the breaks of the Readers that it opens one after another.
type retryingReader struct {
	log    *retrying
	shard  ShardID
	after  Position
	inner  Reader // nil: to be opened
	closed bool
}

func (r *retryingReader) Next(ctx context.Context) (records []Record, err error) {
	if r.closed {
		return nil, ErrClosed
	}
	err = r.log.patience.try(ctx, func() error {
		if err := r.open(ctx); err != nil {
			return err
		}
		if records, err = r.inner.Next(ctx); err != nil && ctx.Err() == nil {
			_ = r.drop()
		}
		if errors.Is(err, io.EOF) && err != io.EOF { //nolint:errorlint // as in hopeless
			err = fmt.Errorf("reading broke off: %v", err) // not wrapped, so that nobody takes it for the shard's end
		}
		return err
	})
	if err != nil {
		return nil, cmp.Or(ctx.Err(), err)
	}
	r.after = records[len(records)-1].Position
	return records, nil
}

func (r *retryingReader) Close() error {
	r.closed = true
	return r.drop()
}

func (r *retryingReader) open(ctx context.Context) error {
	if r.inner != nil {
		return nil
	}
	inner, err := r.log.Log.Read(ctx, r.shard, r.after)
	if err == nil {
		r.inner = inner
	}
	return err
}

func (r *retryingReader) drop() error {
	if r.inner == nil {
		return nil
	}
	inner := r.inner
	r.inner = nil
	return inner.Close()
}
