package streamtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spoorhq/spoor/stream"
)

func readCases() []kase {
	return []kase{
		{"read waits and wakes", nil, readWaitsAndWakes},
		{"read while appending", nil, readWhileAppending},
		{"read resumes anywhere", nil, readResumesAnywhere},
		{"read a long way", nil, readALongWay},
		{"read heeds ctx", nil, readHeedsCtx},
		{"readers apart", nil, readersApart},
		{"read data is the caller's", nil, readDataIsTheCallers},
		{"read refuses a strange position", nil, readRefusesStrangePosition},
		{"read refuses a strange shard", nil, readRefusesStrangeShard},
		{"reader closed", nil, readerClosed},
	}
}

// readWaitsAndWakes: Next on an empty stream waits, outlives the end of its ctx, and wakes for a record.
func readWaitsAndWakes(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	reader, err := read(ctx, log, "")
	if err != nil {
		return err
	}
	defer reader.Close()
	for i := range 5 {
		short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		records, err := reader.Next(short)
		cancel()
		if err := wantError("Next with nothing to read", context.DeadlineExceeded, err); err != nil {
			return errors.Join(err, fmt.Errorf("round %d: have %d records", i, len(records)))
		}
		woken := make(chan error, 1)
		go func() {
			have, err := take(ctx, reader, 1)
			woken <- errors.Join(err, same(numbered(i, i+1), have))
		}()
		if err := log.Append(ctx, numbered(i, i+1)); err != nil {
			return err
		}
		if err := <-woken; err != nil {
			return err
		}
	}
	return nil
}

func readWhileAppending(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	reader, err := read(ctx, log, "")
	if err != nil {
		return err
	}
	defer reader.Close()
	want := numbered(0, 200)
	appended := make(chan error, 1)
	go func() { appended <- appendEach(ctx, log, want) }()
	have, err := take(ctx, reader, len(want))
	return errors.Join(err, same(want, have), <-appended)
}

func readResumesAnywhere(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	want := numbered(0, 25)
	if err := log.Append(ctx, want); err != nil {
		return err
	}
	all, err := readAll(ctx, log, "")
	if err != nil {
		return err
	}
	if err := same(want, all); err != nil {
		return err
	}
	for i, record := range all {
		have, err := takeAfter(ctx, log, record.Position, len(all)-i) // the last word among them
		if err != nil {
			return fmt.Errorf("reading after record %d: %w", i, err)
		}
		if err := same(all[i+1:], have[:len(have)-1]); err != nil {
			return fmt.Errorf("reading after record %d: %w", i, err)
		}
		if at := have[0].Position; i+1 < len(all) && at != all[i+1].Position {
			return fmt.Errorf("record %d stood at %q; now it stands at %q", i+1, all[i+1].Position, at)
		}
	}
	return nil
}

// readALongWay reads more than any driver should hold in memory for one reader.
func readALongWay(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	var want []stream.Record
	for i := range 12 {
		want = append(want, stream.Record{Data: noise(uint64(i), s.atMost(2<<20)-i)}, text("between %d", i))
	}
	for from := 0; from < len(want); from += 8 {
		if err := log.Append(ctx, want[from:from+8]); err != nil {
			return err
		}
	}
	return kept(ctx, log, want)
}

func readHeedsCtx(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	reader, err := read(ctx, log, "")
	if err != nil {
		return err
	}
	defer reader.Close()
	ending, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		_, err := reader.Next(ending)
		ended <- err
	}()
	cancel()
	return wantError("Next whose ctx ends", context.Canceled, <-ended)
}

func readersApart(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	want := numbered(0, 30)
	var readers [3]stream.Reader
	for i := range readers {
		if readers[i], err = read(ctx, log, ""); err != nil {
			return err
		}
		defer readers[i].Close() //nolint:revive,gocritic // all are read to the end of the step
	}
	for from := 0; from < len(want); from += 10 {
		if err := log.Append(ctx, want[from:from+10]); err != nil {
			return err
		}
		// The first reader follows; the second is closed half way; the third begins when all is there.
		if have, err := take(ctx, readers[0], 10); err != nil || same(want[from:from+10], have) != nil {
			return errors.Join(err, same(want[from:from+10], have))
		}
		if from == 10 {
			if err := readers[1].Close(); err != nil {
				return err
			}
		}
	}
	have, err := take(ctx, readers[2], len(want))
	return errors.Join(err, same(want, have))
}

func readDataIsTheCallers(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	want := numbered(0, 20)
	if err := log.Append(ctx, want); err != nil {
		return err
	}
	for range 3 {
		have, err := takeAfter(ctx, log, "", len(want))
		if err != nil {
			return err
		}
		if err := same(want, have); err != nil {
			return err
		}
		for _, record := range have {
			clear(record.Data)
			_ = append(record.Data, "overrun"...)
		}
	}
	return kept(ctx, log, want)
}

func readRefusesStrangePosition(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	if err := log.Append(ctx, numbered(0, 3)); err != nil {
		return err
	}
	for _, position := range []stream.Position{"not of this world", "-1"} {
		err := readError(ctx, log, position)
		if err := wantError(fmt.Sprintf("reading after %q", position), stream.ErrUnknownPosition, err); err != nil {
			return err
		}
	}
	return nil
}

func readRefusesStrangeShard(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	reader, err := log.Read(ctx, "no such shard", "")
	if err == nil {
		defer reader.Close()
		_, err = next(ctx, reader)
	}
	return wantError("reading a shard that is not there", stream.ErrUnknownShard, err)
}

func readerClosed(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	if err := log.Append(ctx, numbered(0, 3)); err != nil {
		return err
	}
	reader, err := read(ctx, log, "")
	if err != nil {
		return err
	}
	for range 2 {
		if err := reader.Close(); err != nil {
			return fmt.Errorf("closing a reader: %w", err)
		}
	}
	_, err = reader.Next(ctx)
	return wantError("Next of a closed reader", stream.ErrClosed, err)
}
