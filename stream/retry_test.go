package stream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/memory"
	"github.com/spoorhq/spoor/stream/streamtest"
)

var errPassing = errors.New("throttled")

// scripted is a Log whose Appends end as the script says, by number; the last word of the script stands for the rest.
type scripted struct {
	stream.Log
	script []func(ctx context.Context, records []stream.Record) error
	tries  [][]string
}

func (s *scripted) Append(ctx context.Context, records []stream.Record) error {
	var try []string
	for _, r := range records {
		try = append(try, string(r.Data))
	}
	s.tries = append(s.tries, try)
	return s.script[min(len(s.tries), len(s.script))-1](ctx, records)
}

func whole(err error) func(context.Context, []stream.Record) error {
	return func(context.Context, []stream.Record) error { return err }
}

func part(failed map[int]error) func(context.Context, []stream.Record) error {
	return whole(&stream.PartialError{Failed: failed})
}

func letters(s string) []stream.Record {
	var records []stream.Record
	for _, letter := range s {
		records = append(records, stream.Record{Data: []byte(string(letter))})
	}
	return records
}

func TestRetryAppend(t *testing.T) {
	t.Parallel()
	patience := stream.Patience{First: time.Second, Longest: 4 * time.Second, Within: time.Minute, FullWithin: 5 * time.Second}
	for _, test := range []struct {
		name   string
		script []func(context.Context, []stream.Record) error
		tries  [][]string // nil: not looked at
		failed map[int]error
		err    error
		within time.Duration
	}{
		{
			name:   "at once",
			script: []func(context.Context, []stream.Record) error{whole(nil)},
			tries:  [][]string{{"a", "b", "c", "d"}},
		},
		{
			name: "only what failed",
			script: []func(context.Context, []stream.Record) error{
				part(map[int]error{1: errPassing, 3: errPassing}), part(map[int]error{1: errPassing}), whole(nil),
			},
			tries:  [][]string{{"a", "b", "c", "d"}, {"b", "d"}, {"d"}},
			within: 3 * time.Second,
		},
		{
			name:   "an unknown outcome wholly",
			script: []func(context.Context, []stream.Record) error{whole(errPassing), whole(nil)},
			tries:  [][]string{{"a", "b", "c", "d"}, {"a", "b", "c", "d"}},
			within: time.Second,
		},
		{
			name: "never the too large",
			script: []func(context.Context, []stream.Record) error{
				part(map[int]error{0: stream.ErrTooLarge, 2: errPassing}), whole(nil),
			},
			tries:  [][]string{{"a", "b", "c", "d"}, {"c"}},
			failed: map[int]error{0: stream.ErrTooLarge},
			within: time.Second,
		},
		{
			name:   "nothing but the too large",
			script: []func(context.Context, []stream.Record) error{part(map[int]error{1: stream.ErrTooLarge})},
			tries:  [][]string{{"a", "b", "c", "d"}},
			failed: map[int]error{1: stream.ErrTooLarge},
		},
		{
			name: "unknown after partial",
			script: []func(context.Context, []stream.Record) error{
				part(map[int]error{1: errPassing, 2: errPassing, 3: stream.ErrTooLarge}), whole(stream.ErrClosed),
			},
			tries:  [][]string{{"a", "b", "c", "d"}, {"b", "c"}},
			failed: map[int]error{1: stream.ErrClosed, 2: stream.ErrClosed, 3: stream.ErrTooLarge},
			within: time.Second,
		},
		{
			name:   "closed",
			script: []func(context.Context, []stream.Record) error{whole(stream.ErrClosed)},
			tries:  [][]string{{"a", "b", "c", "d"}},
			err:    stream.ErrClosed,
		},
		{
			name:   "never well again",
			script: []func(context.Context, []stream.Record) error{whole(errPassing)},
			err:    errPassing,
			within: time.Minute,
		},
		{
			name: "in part never well again",
			script: []func(context.Context, []stream.Record) error{
				part(map[int]error{1: errPassing, 2: errPassing}), part(map[int]error{1: errPassing}), part(map[int]error{0: errPassing}),
			},
			failed: map[int]error{2: errPassing},
			within: time.Minute,
		},
		{
			name:   "full for good",
			script: []func(context.Context, []stream.Record) error{part(map[int]error{0: stream.ErrFull, 1: stream.ErrFull, 2: stream.ErrFull, 3: stream.ErrFull})},
			failed: map[int]error{0: stream.ErrFull, 1: stream.ErrFull, 2: stream.ErrFull, 3: stream.ErrFull},
			within: 5 * time.Second,
		},
		{
			name:   "full as a whole",
			script: []func(context.Context, []stream.Record) error{whole(stream.ErrFull)},
			err:    stream.ErrFull,
			within: 5 * time.Second,
		},
		{
			name:   "full for a while",
			script: []func(context.Context, []stream.Record) error{part(map[int]error{3: stream.ErrFull}), whole(nil)},
			tries:  [][]string{{"a", "b", "c", "d"}, {"d"}},
			within: time.Second,
		},
		{
			name: "hanging",
			script: []func(context.Context, []stream.Record) error{func(ctx context.Context, _ []stream.Record) error {
				<-ctx.Done()
				return ctx.Err()
			}},
			tries:  [][]string{{"a", "b", "c", "d"}},
			err:    context.DeadlineExceeded,
			within: time.Minute,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				log := &scripted{script: test.script}
				start := time.Now()
				err := stream.Retry(log, patience).Append(t.Context(), letters("abcd"))
				if took := time.Since(start); took > test.within {
					t.Errorf("want an end within %s; it took %s", test.within, took)
				}
				if test.tries != nil && !slices.EqualFunc(test.tries, log.tries, slices.Equal) {
					t.Errorf("want tries %v; have %v", test.tries, log.tries)
				}
				if test.tries == nil && len(log.tries) < 3 {
					t.Errorf("want several tries; have %v", log.tries)
				}
				if test.err != nil && !errors.Is(err, test.err) {
					t.Errorf("want error %v; have %v", test.err, err)
				}
				partial, told := errors.AsType[*stream.PartialError](err)
				if test.failed == nil && test.err == nil && err != nil {
					t.Errorf("want no error; have %v", err)
				}
				if test.failed != nil && (!told || !maps.EqualFunc(test.failed, partial.Failed, func(want, have error) bool { return errors.Is(have, want) })) {
					t.Errorf("want failed %v; have %v", test.failed, err)
				}
			})
		})
	}
}

func TestRetryPausesGrow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		log := &scripted{script: []func(context.Context, []stream.Record) error{func(context.Context, []stream.Record) error {
			at = append(at, time.Now())
			return errPassing
		}}}
		patience := stream.Patience{First: time.Second, Longest: 8 * time.Second, Within: time.Minute}
		_ = stream.Retry(log, patience).Append(t.Context(), letters("a"))
		whole := time.Second
		for i := 1; i < len(at); i++ {
			if pause := at[i].Sub(at[i-1]); pause < whole/2 || pause > whole {
				t.Errorf("want pause %d between %s and %s; have %s", i, whole/2, whole, pause)
			}
			whole = min(2*whole, 8*time.Second)
		}
		if len(at) < 8 {
			t.Errorf("want at least 8 tries in a minute; have %d", len(at))
		}
	})
}

func TestRetryHeedsCtx(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &scripted{script: []func(context.Context, []stream.Record) error{whole(errPassing)}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := stream.Retry(log, stream.Patience{First: time.Minute, Longest: time.Minute, Within: time.Hour}).Append(ctx, letters("a"))
		if took := time.Since(start); took != time.Second || !errors.Is(err, errPassing) {
			t.Errorf("want the last error after a second; have %v after %s", err, took)
		}
	})
}

// flaky is a Log that fails at random: before it does what it is asked, after it, and in part.
type flaky struct {
	stream.Log
	mu     sync.Mutex
	random *rand.Rand
	breaks int
}

func (f *flaky) roll(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	rolled := f.random.IntN(n)
	if rolled == 0 {
		f.breaks++
	}
	return rolled
}

func (f *flaky) Append(ctx context.Context, records []stream.Record) error {
	switch f.roll(4) {
	case 0:
		return errPassing
	case 1:
		if err := f.Log.Append(ctx, records); err != nil {
			return err
		}
		return errPassing
	case 2:
		in := f.roll(len(records) + 1)
		if in == len(records) {
			return f.Log.Append(ctx, records)
		}
		failed := map[int]error{}
		for i := in; i < len(records); i++ {
			failed[i] = errPassing
		}
		if err := f.Log.Append(ctx, records[:in]); err != nil {
			return err
		}
		return fmt.Errorf("some records: %w", &stream.PartialError{Failed: failed})
	}
	return f.Log.Append(ctx, records)
}

func (f *flaky) Shards(ctx context.Context) ([]stream.Shard, error) {
	if f.roll(3) == 0 {
		return nil, errPassing
	}
	return f.Log.Shards(ctx)
}

func (f *flaky) Read(ctx context.Context, shard stream.ShardID, after stream.Position) (stream.Reader, error) {
	if f.roll(3) == 0 {
		return nil, errPassing
	}
	reader, err := f.Log.Read(ctx, shard, after)
	return &flakyReader{Reader: reader, log: f}, err
}

type flakyReader struct {
	stream.Reader
	log    *flaky
	broken bool
}

func (r *flakyReader) Next(ctx context.Context) ([]stream.Record, error) {
	if r.broken || r.log.roll(3) == 0 {
		r.broken = true // for good: only a new reader helps
		return nil, errPassing
	}
	return r.Reader.Next(ctx)
}

// TestRetryOnFlaky: whatever a driver does, each record is there at least once and, where the answer was no error,
// a reader sees all of them without a break.
func TestRetryOnFlaky(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				inner := &flaky{Log: memory.New(memory.Options{}).Open(), random: rand.New(rand.NewPCG(seed, 0))}
				log := stream.Retry(inner, stream.Patience{Within: time.Hour})
				reader, err := log.Read(t.Context(), "0", "")
				if err != nil {
					t.Fatal(err)
				}
				defer reader.Close()
				missing := map[string]bool{}
				n := 0
				for size := range 12 {
					var records []stream.Record
					for range size + 1 {
						records = append(records, stream.Record{Data: fmt.Append(nil, n)})
						missing[strconv.Itoa(n)] = true
						n++
					}
					if err := log.Append(t.Context(), records); err != nil {
						t.Fatal(err)
					}
				}
				var last stream.Position
				for len(missing) > 0 {
					records, err := reader.Next(t.Context())
					if err != nil {
						t.Fatalf("with %d records missing: %v", len(missing), err)
					}
					for _, record := range records {
						delete(missing, string(record.Data))
						if order, _ := stream.As[stream.Orderer](inner.Log); order.Compare(last, record.Position) >= 0 {
							t.Fatalf("read %q after %q", record.Position, last)
						}
						last = record.Position
					}
				}
				if inner.breaks == 0 {
					t.Error("want a driver that breaks; it never did")
				}
			})
		})
	}
}

// broken is a Log whose readers fail with one error, always.
type broken struct {
	stream.Log
	err   error
	reads int
}

func (b *broken) Read(context.Context, stream.ShardID, stream.Position) (stream.Reader, error) {
	b.reads++
	return b, nil
}

func (b *broken) Next(context.Context) ([]stream.Record, error) { return nil, b.err }
func (b *broken) Close() error                                  { return nil }

func TestRetryReaderGivesUp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err    error
		within time.Duration
	}{
		{errPassing, time.Minute}, {io.EOF, 0}, {stream.ErrTrimmed, 0}, {stream.ErrUnknownPosition, 0},
		{stream.ErrUnknownShard, 0}, {stream.ErrClosed, 0},
	} {
		t.Run(test.err.Error(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				log := &broken{err: test.err}
				reader, err := stream.Retry(log, stream.Patience{Within: time.Minute}).Read(t.Context(), "0", "")
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				_, err = reader.Next(t.Context())
				if took := time.Since(start); took > test.within || took < test.within/2 {
					t.Errorf("want an end after about %s; it took %s", test.within, took)
				}
				if !errors.Is(err, test.err) {
					t.Errorf("want error %v; have %v", test.err, err)
				}
				if tried := log.reads > 1; tried != (test.within > 0) {
					t.Errorf("want tries again: %t; have %d readers", test.within > 0, log.reads)
				}
			})
		})
	}
}

// errCut is what a connection that ends amid an answer gives: it wraps io.EOF, and is the end of no shard.
var errCut = fmt.Errorf("asking the stream: %w", io.EOF)

func TestRetryTakesACutConnectionForNoEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &scripted{script: []func(context.Context, []stream.Record) error{whole(errCut), part(map[int]error{0: errCut}), whole(nil)}}
		if err := stream.Retry(log, stream.Patience{}).Append(t.Context(), letters("ab")); err != nil || len(log.tries) != 3 {
			t.Errorf("want the append tried until it succeeds; have %d tries, %v", len(log.tries), err)
		}
		reader, err := stream.Retry(&broken{err: errCut}, stream.Patience{Within: time.Minute}).Read(t.Context(), "0", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := reader.Next(t.Context()); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("want an error that nobody takes for the shard's end; have %v", err)
		}
	})
}

// TestWrappedConformance holds the wrappers to the contract of what they wrap.
func TestWrappedConformance(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	streams := map[string]*memory.Stream{}
	streamtest.Run(t, streamtest.Harness{
		Open: func(_ context.Context, name string, limit int64) (stream.Log, error) {
			mu.Lock()
			defer mu.Unlock()
			if streams[name] == nil {
				streams[name] = memory.New(memory.Options{MaxBytes: limit})
			}
			log, err := stream.Measure(streams[name].Open(), prometheus.NewRegistry())
			return stream.Retry(log, stream.Patience{FullWithin: time.Millisecond}), err
		},
		Powers: streamtest.Powers{Trims: true, Stats: true, Orders: true, Fills: true, Lasts: true},
	})
}
