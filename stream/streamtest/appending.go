package streamtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/spoorhq/spoor/stream"
)

func appendCases() []kase {
	return []kase{
		{"append nothing", nil, appendNothing},
		{"append keeps order", nil, appendKeepsOrder},
		{"append keeps bytes", nil, appendKeepsBytes},
		{"append takes any key", nil, appendTakesAnyKey},
		{"append retains nothing", nil, appendRetainsNothing},
		{"append heeds ctx", nil, appendHeedsCtx},
		{"appenders side by side", nil, appendersSideBySide},
		{"append refuses the too large", func(h Harness) bool { return h.Largest > 0 }, appendRefusesTooLarge},
		{"full", func(h Harness) bool { return h.Powers.Fills }, full},
		{"full amid a batch", func(h Harness) bool { return h.Powers.Fills }, fullAmidBatch},
	}
}

func appendNothing(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	if err := log.Append(ctx, nil); err != nil {
		return fmt.Errorf("appending no record: %w", err)
	}
	return kept(ctx, log, nil)
}

func appendKeepsOrder(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	want := numbered(0, 400)
	for from, size := 0, 1; from < len(want); from, size = from+size, size%37+3 {
		if err := log.Append(ctx, want[from:min(from+size, len(want))]); err != nil {
			return err
		}
	}
	have, err := readAll(ctx, log, "")
	if err != nil {
		return err
	}
	seen := map[stream.Position]bool{}
	for _, record := range have {
		if seen[record.Position] {
			return fmt.Errorf("two records stand at %q", record.Position)
		}
		seen[record.Position] = true
	}
	return same(want, have)
}

func appendKeepsBytes(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	want := []stream.Record{
		{Data: nil}, {Data: []byte{}}, {Data: []byte{0}}, {Data: []byte("\r\n")}, {Data: []byte("{\"a\":\"\\u0000é\"}\n")},
		{Data: make([]byte, 4096)}, {Data: bytes.Repeat([]byte("MSG a 1\r\n+OK\r\n"), 500)},
	}
	for i, size := range []int{1, 2, 255, 256, 32767, 32768, 65535, 65536, 1<<20 - 1, 1<<20 + 1, 2 << 20} {
		want = append(want, stream.Record{Data: noise(uint64(i), s.atMost(size))})
	}
	if err := log.Append(ctx, want); err != nil {
		return err
	}
	return kept(ctx, log, want)
}

func appendTakesAnyKey(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	var want []stream.Record
	for i, key := range []string{"", "user-1", "a b.c>*", "κλειδί", "line\r\nline", strings.Repeat("k", 256)} {
		record := text("record %d", i)
		record.Key = key
		want = append(want, record)
	}
	if err := log.Append(ctx, want); err != nil {
		return err
	}
	return kept(ctx, log, want)
}

func appendRetainsNothing(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	var want []stream.Record
	buffer := make([]byte, 100<<10)
	records := make([]stream.Record, 4)
	for round := range 5 {
		data := noise(uint64(round), len(buffer))
		copy(buffer, data)
		for i := range records {
			part := len(buffer) / len(records)
			records[i].Data = buffer[i*part : (i+1)*part]
			want = append(want, stream.Record{Data: data[i*part : (i+1)*part]})
		}
		if err := log.Append(ctx, records); err != nil {
			return err
		}
		clear(buffer)
		clear(records)
	}
	return kept(ctx, log, want)
}

func appendHeedsCtx(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	return wantError("appending with a ctx that has ended", context.Canceled, log.Append(ended, numbered(0, 3)))
}

func appendersSideBySide(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	const appenders, rounds = 8, 12
	errs := make([]error, appenders)
	var wg sync.WaitGroup
	for a := range appenders {
		wg.Go(func() {
			n := 0
			for round := range rounds {
				var records []stream.Record
				for range (a+round)%4 + 1 {
					records = append(records, text("%d %d", a, n))
					n++
				}
				if err := log.Append(ctx, records); err != nil {
					errs[a] = fmt.Errorf("appender %d, round %d: %w", a, round, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	have, err := readAll(ctx, log, "")
	if err != nil {
		return err
	}
	total, order := 0, make(keyOrder, appenders)
	for a := range appenders {
		for round := range rounds {
			total += (a+round)%4 + 1
		}
	}
	if err := order.take(have); err != nil {
		return err
	}
	if len(have) != total {
		return fmt.Errorf("want %d records; have %d", total, len(have))
	}
	return nil
}

func appendRefusesTooLarge(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	largest := stream.Record{Data: noise(1, s.Largest)}
	records := []stream.Record{text("before"), {Data: noise(2, s.Largest+1)}, largest}
	err = log.Append(ctx, records)
	if err := wantFailed(err, stream.ErrTooLarge, 1); err != nil {
		return err
	}
	return kept(ctx, log, []stream.Record{records[0], largest})
}

// wantFailed checks that just the one record failed.
func wantFailed(err, want error, index int) error {
	if err := wantError("appending", want, err); err != nil {
		return err
	}
	partial, ok := errors.AsType[*stream.PartialError](err)
	if !ok || len(partial.Failed) != 1 || !errors.Is(partial.Failed[index], want) {
		return fmt.Errorf("want a PartialError about record %d alone; have %v", index, err)
	}
	return nil
}

// piece is a record that takes an eighth of the room that the filling cases have.
func (s *subject) piece(i int) stream.Record {
	return stream.Record{Data: noise(uint64(i), int(s.Room/8))}
}

// fill appends pieces one by one until the stream is full, and returns those that went in.
func (s *subject) fill(ctx context.Context, log stream.Log, from int) ([]stream.Record, error) {
	var in []stream.Record
	for i := from; ; i++ {
		piece := s.piece(i)
		err := log.Append(ctx, []stream.Record{piece})
		if errors.Is(err, stream.ErrFull) {
			return in, nil
		}
		if err != nil {
			return in, fmt.Errorf("filling the stream, at piece %d: %w", i, err)
		}
		in = append(in, piece)
		if len(in) > 24 {
			return in, fmt.Errorf("want ErrFull from a stream with room for %d bytes; it took %d pieces of %d", s.Room, len(in), len(piece.Data))
		}
	}
}

// full: the newest are refused, the oldest stay, and what was refused is not there.
func full(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, s.Room)
	if err != nil {
		return err
	}
	want, err := s.fill(ctx, log, 0)
	if err != nil {
		return err
	}
	if len(want) < 4 {
		return fmt.Errorf("want room for at least 4 pieces of %d bytes; there was for %d", s.Room/8, len(want))
	}
	for i := range 3 {
		if err := wantError("appending to a full stream", stream.ErrFull, log.Append(ctx, []stream.Record{s.piece(100 + i)})); err != nil {
			return err
		}
	}
	have, err := takeAfter(ctx, log, "", len(want))
	if err != nil {
		return err
	}
	return same(want, have)
}

// fullAmidBatch: an Append that fits in part tells which part.
func fullAmidBatch(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, s.Room)
	if err != nil {
		return err
	}
	var records []stream.Record
	for i := range 16 {
		records = append(records, s.piece(i))
	}
	err = log.Append(ctx, records)
	if err := wantError("appending twice what there is room for", stream.ErrFull, err); err != nil {
		return err
	}
	partial, ok := errors.AsType[*stream.PartialError](err)
	if !ok {
		return fmt.Errorf("want a PartialError; have %T: %w", err, err)
	}
	var want []stream.Record
	for i, record := range records {
		cause, failed := partial.Failed[i]
		if failed && !errors.Is(cause, stream.ErrFull) {
			return fmt.Errorf("record %d: want ErrFull; have %v", i, cause)
		}
		if !failed {
			want = append(want, record)
		}
	}
	have, err := takeAfter(ctx, log, "", len(want))
	if err != nil {
		return err
	}
	return same(want, have)
}
