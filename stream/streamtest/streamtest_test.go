package streamtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/memory"
	"github.com/spoorhq/spoor/stream/streamtest"
)

// mutant is a driver with one fault: a function that is set stands in for the sound driver's own.
type mutant struct {
	*memory.Log
	append func(*memory.Log, context.Context, []stream.Record) error
	read   func(*memory.Log, context.Context, stream.ShardID, stream.Position) (stream.Reader, error)
	shards func(*memory.Log, context.Context) ([]stream.Shard, error)
	trim   func(*memory.Log, context.Context, stream.ShardID, stream.Position, time.Time) error
	stat   func(*memory.Log, context.Context) (stream.Stat, error)
	order  func(a, b stream.Position) int
	end    func(*memory.Log) error
}

func (m *mutant) Append(ctx context.Context, records []stream.Record) error {
	if m.append != nil {
		return m.append(m.Log, ctx, records)
	}
	return m.Log.Append(ctx, records)
}

func (m *mutant) Read(ctx context.Context, shard stream.ShardID, after stream.Position) (stream.Reader, error) {
	if m.read != nil {
		return m.read(m.Log, ctx, shard, after)
	}
	return m.Log.Read(ctx, shard, after)
}

func (m *mutant) Shards(ctx context.Context) ([]stream.Shard, error) {
	if m.shards != nil {
		return m.shards(m.Log, ctx)
	}
	return m.Log.Shards(ctx)
}

func (m *mutant) Trim(ctx context.Context, shard stream.ShardID, through stream.Position, olderThan time.Time) error {
	if m.trim != nil {
		return m.trim(m.Log, ctx, shard, through, olderThan)
	}
	return m.Log.Trim(ctx, shard, through, olderThan)
}

func (m *mutant) Stat(ctx context.Context) (stream.Stat, error) {
	if m.stat != nil {
		return m.stat(m.Log, ctx)
	}
	return m.Log.Stat(ctx)
}

func (m *mutant) Compare(a, b stream.Position) int {
	if m.order != nil {
		return m.order(a, b)
	}
	return m.Log.Compare(a, b)
}

func (m *mutant) Close() error {
	if m.end != nil {
		return m.end(m.Log)
	}
	return m.Log.Close()
}

// mutantReader is a reader with one fault.
type mutantReader struct {
	stream.Reader
	next func(stream.Reader, context.Context) ([]stream.Record, error)
}

func (r *mutantReader) Next(ctx context.Context) ([]stream.Record, error) {
	return r.next(r.Reader, ctx)
}

// misreading makes a driver whose readers have a fault.
func misreading(next func(stream.Reader, context.Context) ([]stream.Record, error)) func() *mutant {
	return func() *mutant {
		return &mutant{read: func(log *memory.Log, ctx context.Context, shard stream.ShardID, after stream.Position) (stream.Reader, error) {
			reader, err := log.Read(ctx, shard, after)
			return &mutantReader{reader, next}, err
		}}
	}
}

// rewriting makes a driver that appends something else than it was given.
func rewriting(change func([]stream.Record) []stream.Record) func() *mutant {
	return func() *mutant {
		return &mutant{append: func(log *memory.Log, ctx context.Context, records []stream.Record) error {
			return log.Append(ctx, change(slices.Clone(records)))
		}}
	}
}

func shifted(p stream.Position, by int) stream.Position {
	n, err := strconv.Atoi(string(p))
	if err != nil || n+by <= 0 {
		return ""
	}
	return stream.Position(strconv.Itoa(n + by))
}

const largest = 2 << 20

// mutants are the ways to be wrong that the suite must see, each with the case that sees it.
var mutants = []struct {
	fault    string
	caughtBy string
	make     func() *mutant
}{
	{"loses one record of many", "append keeps order", rewriting(func(records []stream.Record) []stream.Record {
		if len(records) > 30 {
			return slices.Delete(records, 17, 18)
		}
		return records
	})},
	{"reorders a batch", "append keeps order", rewriting(func(records []stream.Record) []stream.Record {
		slices.Reverse(records)
		return records
	})},
	{"doubles a record", "append keeps order", rewriting(func(records []stream.Record) []stream.Record {
		if len(records) > 30 {
			return append(records, records[len(records)-1])
		}
		return records
	})},
	{"corrupts a byte in the middle", "append keeps bytes", rewriting(func(records []stream.Record) []stream.Record {
		for i, r := range records {
			if len(r.Data) > 1<<20 {
				records[i].Data = bytes.Clone(r.Data)
				records[i].Data[len(r.Data)/2]++
			}
		}
		return records
	})},
	{"drops empty records", "append keeps bytes", rewriting(func(records []stream.Record) []stream.Record {
		return slices.DeleteFunc(records, func(r stream.Record) bool { return len(r.Data) == 0 })
	})},
	{"chokes on a strange key", "append takes any key", rewriting(func(records []stream.Record) []stream.Record {
		return slices.DeleteFunc(records, func(r stream.Record) bool { return strings.Contains(r.Key, "\n") })
	})},
	{"cuts what is too large", "append refuses the too large", rewriting(func(records []stream.Record) []stream.Record {
		for i, r := range records {
			records[i].Data = r.Data[:min(len(r.Data), largest)]
		}
		return records
	})},
	{"takes turns of an appender out of order", "appenders side by side", func() *mutant {
		var mu sync.Mutex
		var late []stream.Record
		return &mutant{append: func(log *memory.Log, ctx context.Context, records []stream.Record) error {
			mu.Lock()
			defer mu.Unlock()
			if late == nil {
				late = slices.Clone(records)
				return nil
			}
			records, late = append(slices.Clone(records), late...), nil
			return log.Append(ctx, records)
		}}
	}},
	{"answers before it stores", "reopen", func() *mutant {
		var pending []stream.Record
		return &mutant{
			append: func(_ *memory.Log, _ context.Context, records []stream.Record) error {
				pending = append(pending, records...)
				return nil
			},
			read: func(log *memory.Log, ctx context.Context, shard stream.ShardID, after stream.Position) (stream.Reader, error) {
				if after == "" { // as good as sound to whoever reads from the start
					err := log.Append(ctx, pending)
					pending = nil
					if err != nil {
						return nil, err
					}
				}
				return log.Read(ctx, shard, after)
			},
		}
	}},
	{"retains the caller's buffer", "append retains nothing", func() *mutant {
		var pending []stream.Record
		return &mutant{append: func(log *memory.Log, ctx context.Context, records []stream.Record) error {
			stored := pending
			pending = slices.Clone(records)
			if len(records) == 1 { // the last word
				stored, pending = append(stored, records...), nil
			}
			return log.Append(ctx, stored)
		}}
	}},
	{"appends whatever ctx says", "append heeds ctx", func() *mutant {
		return &mutant{append: func(log *memory.Log, ctx context.Context, records []stream.Record) error {
			return log.Append(context.WithoutCancel(ctx), records)
		}}
	}},
	{"overwrites the oldest when full", "full", func() *mutant {
		return &mutant{append: func(log *memory.Log, ctx context.Context, records []stream.Record) error {
			for n := 1; ; n++ {
				err := log.Append(ctx, records)
				if !errors.Is(err, stream.ErrFull) || n == 20 {
					return err
				}
				if err := log.Trim(ctx, "0", stream.Position(strconv.Itoa(n)), time.Now().Add(time.Hour)); err != nil {
					return err
				}
			}
		}}
	}},
	{"says nothing of what did not fit", "full amid a batch", func() *mutant {
		return &mutant{append: func(log *memory.Log, ctx context.Context, records []stream.Record) error {
			if err := log.Append(ctx, records); !errors.Is(err, stream.ErrFull) {
				return err
			}
			return nil
		}}
	}},
	{"blames a record that went in", "full amid a batch", func() *mutant {
		return &mutant{append: func(log *memory.Log, ctx context.Context, records []stream.Record) error {
			err := log.Append(ctx, records)
			if partial, ok := errors.AsType[*stream.PartialError](err); ok {
				partial.Failed[0] = stream.ErrFull
			}
			return err
		}}
	}},
	{"does not wake a reader", "read waits and wakes", misreading(func(r stream.Reader, ctx context.Context) ([]stream.Record, error) {
		look, cancel := context.WithTimeout(ctx, time.Microsecond)
		defer cancel()
		records, err := r.Next(look)
		if errors.Is(err, context.DeadlineExceeded) {
			<-ctx.Done()
			err = ctx.Err()
		}
		return records, err
	})},
	{"answers without records", "read waits and wakes", misreading(func(r stream.Reader, ctx context.Context) ([]stream.Record, error) {
		look, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		records, err := r.Next(look)
		if errors.Is(err, context.DeadlineExceeded) {
			err = nil
		}
		return records, err
	})},
	{"does not heed the ctx of Next", "read heeds ctx", misreading(func(r stream.Reader, ctx context.Context) ([]stream.Record, error) {
		return r.Next(context.WithoutCancel(ctx))
	})},
	{"reads a record again after its position", "read resumes anywhere", func() *mutant {
		return &mutant{read: func(log *memory.Log, ctx context.Context, shard stream.ShardID, after stream.Position) (stream.Reader, error) {
			return log.Read(ctx, shard, shifted(after, -1))
		}}
	}},
	{"loses its place in a long read", "read a long way", func() *mutant {
		return &mutant{read: func(log *memory.Log, ctx context.Context, shard stream.ShardID, after stream.Position) (stream.Reader, error) {
			reader, err := log.Read(ctx, shard, after)
			seen := 0
			return &mutantReader{reader, func(r stream.Reader, ctx context.Context) ([]stream.Record, error) {
				records, err := r.Next(ctx)
				if seen += len(records); seen > 16 && seen > len(records) && len(records) > 1 {
					records = records[1:]
				}
				return records, err
			}}, err
		}}
	}},
	{"hands out its own memory", "read data is the caller's", func() *mutant {
		cache := map[stream.Position][]byte{}
		return misreading(func(r stream.Reader, ctx context.Context) ([]stream.Record, error) {
			records, err := r.Next(ctx)
			for i, record := range records {
				if cache[record.Position] == nil {
					cache[record.Position] = record.Data
				}
				records[i].Data = cache[record.Position]
			}
			return records, err
		})()
	}},
	{"lets readers share their place", "readers apart", func() *mutant {
		var shared stream.Reader
		return &mutant{read: func(log *memory.Log, ctx context.Context, shard stream.ShardID, after stream.Position) (_ stream.Reader, err error) {
			if shared == nil {
				shared, err = log.Read(ctx, shard, after)
			}
			return shared, err
		}}
	}},
	{"begins at the start after a strange position", "read refuses a strange position", func() *mutant {
		return &mutant{read: func(log *memory.Log, ctx context.Context, shard stream.ShardID, after stream.Position) (stream.Reader, error) {
			reader, err := log.Read(ctx, shard, after)
			if errors.Is(err, stream.ErrUnknownPosition) {
				return log.Read(ctx, shard, "")
			}
			return reader, err
		}}
	}},
	{"reads any shard", "read refuses a strange shard", func() *mutant {
		return &mutant{read: func(log *memory.Log, ctx context.Context, _ stream.ShardID, after stream.Position) (stream.Reader, error) {
			return log.Read(ctx, "0", after)
		}}
	}},
	{"hides a closed shard", "split", func() *mutant {
		return &mutant{shards: func(log *memory.Log, ctx context.Context) ([]stream.Shard, error) {
			shards, err := log.Shards(ctx)
			return slices.DeleteFunc(shards, func(s stream.Shard) bool { return s.Closed }), err
		}}
	}},
	{"tells nothing of parents", "split", func() *mutant {
		return &mutant{shards: func(log *memory.Log, ctx context.Context) ([]stream.Shard, error) {
			shards, err := log.Shards(ctx)
			for i := range shards {
				shards[i].Parents = nil
			}
			return shards, err
		}}
	}},
	{"never ends a closed shard", "split", misreading(func(r stream.Reader, ctx context.Context) ([]stream.Record, error) {
		records, err := r.Next(ctx)
		if err != nil {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return records, nil
	})},
	{"works on when closed", "close", func() *mutant {
		return &mutant{end: func(*memory.Log) error { return nil }}
	}},
	{"forgets one more on Trim", "trim stops at its position", func() *mutant {
		return &mutant{trim: func(log *memory.Log, ctx context.Context, shard stream.ShardID, through stream.Position, olderThan time.Time) error {
			return log.Trim(ctx, shard, shifted(through, 1), olderThan)
		}}
	}},
	{"forgets nothing on Trim", "trim stops at its position", func() *mutant {
		return &mutant{trim: func(*memory.Log, context.Context, stream.ShardID, stream.Position, time.Time) error { return nil }}
	}},
	{"forgets the young", "trim spares the young", func() *mutant {
		return &mutant{trim: func(log *memory.Log, ctx context.Context, shard stream.ShardID, through stream.Position, _ time.Time) error {
			return log.Trim(ctx, shard, through, time.Now().Add(time.Hour))
		}}
	}},
	{"reads over a gap", "trim shows", func() *mutant {
		return &mutant{read: func(log *memory.Log, ctx context.Context, shard stream.ShardID, after stream.Position) (stream.Reader, error) {
			reader, err := log.Read(ctx, shard, after)
			return &mutantReader{reader, func(r stream.Reader, ctx context.Context) ([]stream.Record, error) {
				records, err := r.Next(ctx)
				if errors.Is(err, stream.ErrTrimmed) {
					reader, err := log.Read(ctx, shard, "")
					if err != nil {
						return nil, err
					}
					return reader.Next(ctx)
				}
				return records, err
			}}, err
		}}
	}},
	{"gives no room back", "trim makes room", func() *mutant {
		full := false
		return &mutant{append: func(log *memory.Log, ctx context.Context, records []stream.Record) error {
			if full {
				return stream.ErrFull
			}
			err := log.Append(ctx, records)
			full = errors.Is(err, stream.ErrFull)
			return err
		}}
	}},
	{"counts what is gone", "stat", func() *mutant {
		most := stream.Stat{}
		return &mutant{stat: func(log *memory.Log, ctx context.Context) (stream.Stat, error) {
			stat, err := log.Stat(ctx)
			if stat.Records >= most.Records {
				most = stat
			}
			return most, err
		}}
	}},
	{"orders positions as text", "compare", func() *mutant {
		return &mutant{order: func(a, b stream.Position) int { return strings.Compare(string(a), string(b)) }}
	}},
}

// shownByWaiting are the faults that a case can only see in that something does not come.
var shownByWaiting = []string{
	"takes turns of an appender out of order",
	"answers before it stores",
	"does not wake a reader",
	"does not heed the ctx of Next",
	"reads any shard",
	"never ends a closed shard",
	"works on when closed",
	"forgets one more on Trim",
	"forgets the young",
}

// TestMutants is the suite's own test: the case named must pass on the sound driver and fail on the mutant.
func TestMutants(t *testing.T) {
	t.Parallel()
	sound := func() *mutant { return &mutant{} }
	for _, m := range mutants {
		t.Run(m.fault, func(t *testing.T) {
			t.Parallel()
			if m.caughtBy != "append refuses the too large" { // the sound driver has no largest record to refuse
				if failures := streamtest.Failures(t.Context(), harness(sound, 20*time.Second), m.caughtBy); len(failures) > 0 {
					t.Fatalf("want the sound driver to pass; have %v", failures)
				}
			}
			deadline, waits := 20*time.Second, slices.Contains(shownByWaiting, m.fault)
			if waits {
				deadline = 300 * time.Millisecond
			}
			err := streamtest.Failures(t.Context(), harness(m.make, deadline), m.caughtBy)[m.caughtBy]
			if err == nil {
				t.Fatalf("want %q to catch a driver that %s; it passed", m.caughtBy, m.fault)
			}
			if have := errors.Is(err, context.DeadlineExceeded); have != waits {
				t.Errorf("want waiting to show that a driver %s: %t; have %v", m.fault, waits, err)
			}
		})
	}
}

// TestTrimLastsCatchesAnewBeginning has a fault that lies in the Stream and not in the Log.
func TestTrimLastsCatchesAnewBeginning(t *testing.T) {
	t.Parallel()
	h := harness(func() *mutant { return &mutant{} }, time.Second)
	h.Open = func(context.Context, string, int64) (stream.Log, error) {
		return &mutant{Log: memory.New(memory.Options{}).Open()}, nil
	}
	for _, name := range []string{"reopen", "trim lasts"} {
		if failures := streamtest.Failures(t.Context(), h, name); failures[name] == nil {
			t.Errorf("want %q to catch a stream that begins anew on every Open; it passed", name)
		}
	}
}

// TestPowersAreChecked: a power that is declared and missing fails, and so does one that is kept secret.
func TestPowersAreChecked(t *testing.T) {
	t.Parallel()
	h := harness(func() *mutant { return &mutant{} }, 5*time.Second)
	h.Powers.Orders = false
	if failures := streamtest.Failures(t.Context(), h, "one shard"); failures["one shard"] == nil {
		t.Error("want a power that is not declared to fail; it passed")
	}
	h.Powers.Orders = true
	open := h.Open
	h.Open = func(ctx context.Context, name string, limit int64) (stream.Log, error) {
		log, err := open(ctx, name, limit)
		return struct{ stream.Log }{log}, err
	}
	if failures := streamtest.Failures(t.Context(), h, "one shard"); failures["one shard"] == nil {
		t.Error("want powers that are missing to fail; it passed")
	}
}

func harness(make func() *mutant, deadline time.Duration) streamtest.Harness {
	var mu sync.Mutex
	streams := map[string]*memory.Stream{}
	logs := map[stream.Log]*memory.Stream{}
	return streamtest.Harness{
		Open: func(_ context.Context, name string, limit int64) (stream.Log, error) {
			mu.Lock()
			defer mu.Unlock()
			if streams[name] == nil {
				streams[name] = memory.New(memory.Options{MaxBytes: limit})
			}
			m := make()
			m.Log = streams[name].Open()
			logs[m] = streams[name]
			return m, nil
		},
		Split: func(_ context.Context, log stream.Log, shard stream.ShardID) error {
			mu.Lock()
			defer mu.Unlock()
			s, ok := logs[log]
			if !ok {
				return fmt.Errorf("there is no stream for %v", log)
			}
			return s.Split(shard)
		},
		Powers:   streamtest.Powers{Trims: true, Stats: true, Orders: true, Fills: true, Lasts: true},
		Largest:  largest,
		Deadline: deadline,
	}
}
