package streamtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spoorhq/spoor/stream"
)

func keepCases() []kase {
	trims := func(h Harness) bool { return h.Powers.Trims }
	lasts := func(h Harness) bool { return h.Powers.Lasts }
	return []kase{
		{"close", nil, closed},
		{"reopen", lasts, reopen},
		{"crash", func(h Harness) bool { return h.Crash != nil }, crash},
		{"trim stops at its position", trims, trimStopsAtPosition},
		{"trim spares the young", trims, trimSparesTheYoung},
		{"trim shows", trims, trimShows},
		{"trim everything", trims, trimEverything},
		{"trim makes room", func(h Harness) bool { return h.Powers.Trims && h.Powers.Fills }, trimMakesRoom},
		{"trim lasts", func(h Harness) bool { return h.Powers.Trims && h.Powers.Lasts }, trimLasts},
		{"stat", func(h Harness) bool { return h.Powers.Stats }, stat},
		{"compare", func(h Harness) bool { return h.Powers.Orders }, compare},
	}
}

// long is a time that every record of a test is older than.
func long() time.Time { return time.Now().Add(24 * time.Hour) }

// closed: Close wakes who waits, and everything after it is refused.
func closed(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	shard, err := onlyShard(ctx, log)
	if err != nil {
		return err
	}
	reader, err := read(ctx, log, "")
	if err != nil {
		return err
	}
	defer reader.Close()
	if err := log.Append(ctx, numbered(0, 1)); err != nil {
		return err
	}
	if _, err := take(ctx, reader, 1); err != nil {
		return err
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := reader.Next(ctx)
		waiting <- err
	}()
	for range 2 {
		if err := log.Close(); err != nil {
			return fmt.Errorf("closing: %w", err)
		}
	}
	_, shardsErr := log.Shards(ctx)
	_, readErr := log.Read(ctx, shard, "")
	return errors.Join(
		wantError("Next when the Log closes", stream.ErrClosed, <-waiting),
		wantError("Append to a closed Log", stream.ErrClosed, log.Append(ctx, numbered(0, 1))),
		wantError("Shards of a closed Log", stream.ErrClosed, shardsErr),
		wantError("Read from a closed Log", stream.ErrClosed, readErr),
	)
}

func reopen(ctx context.Context, s *subject) error {
	return s.lasts(ctx, func(log stream.Log) error { return log.Close() })
}

func crash(ctx context.Context, s *subject) error {
	return s.lasts(ctx, func(log stream.Log) error { return s.Crash(ctx, s.name, log) })
}

// lasts: acknowledged records, their positions and their times are there after every end of the Log.
func (s *subject) lasts(ctx context.Context, end func(stream.Log) error) error {
	var want, seen []stream.Record
	for round := range 3 {
		log, err := s.open(ctx, 0)
		if err != nil {
			return err
		}
		have, err := takeAfter(ctx, log, "", len(want))
		if err != nil {
			return fmt.Errorf("after end %d: %w", round, err)
		}
		if err := same(want, have); err != nil {
			return fmt.Errorf("after end %d: %w", round, err)
		}
		for i, record := range seen {
			if have[i].Position != record.Position || !have[i].Time.Equal(record.Time) {
				return fmt.Errorf("record %d stood at %q of %s; after end %d it stands at %q of %s",
					i, record.Position, record.Time, round, have[i].Position, have[i].Time)
			}
		}
		more := append(numbered(20*round, 20*round+20), stream.Record{Data: noise(uint64(round), 300<<10)})
		if err := log.Append(ctx, more); err != nil {
			return err
		}
		want = append(want, more...)
		var after stream.Position
		if len(seen) > 0 {
			after = seen[len(seen)-1].Position
		}
		rest, err := takeAfter(ctx, log, after, len(more))
		if err != nil {
			return fmt.Errorf("going on from %q after end %d: %w", after, round, err)
		}
		if err := same(more, rest); err != nil {
			return fmt.Errorf("going on from %q after end %d: %w", after, round, err)
		}
		seen = append(seen, rest...)
		if err := end(log); err != nil {
			return fmt.Errorf("ending the Log: %w", err)
		}
	}
	return nil
}

// trimmed opens a stream with n records and gives the power to trim it.
func (s *subject) trimmed(ctx context.Context, n int) (stream.Log, stream.ShardID, []stream.Record, stream.Trimmer, error) {
	log, err := s.open(ctx, 0)
	if err != nil {
		return nil, "", nil, nil, err
	}
	trimmer, _ := stream.As[stream.Trimmer](log)
	shard, err := onlyShard(ctx, log)
	if err != nil {
		return nil, "", nil, nil, err
	}
	if err := appendEach(ctx, log, numbered(0, n)); err != nil {
		return nil, "", nil, nil, err
	}
	records, err := takeAfter(ctx, log, "", n)
	return log, shard, records, trimmer, err
}

func trimStopsAtPosition(ctx context.Context, s *subject) error {
	log, shard, records, trimmer, err := s.trimmed(ctx, 10)
	if err != nil {
		return err
	}
	if err := trimmer.Trim(ctx, shard, "", long()); err != nil {
		return fmt.Errorf("trimming nothing: %w", err)
	}
	if have, err := takeAfter(ctx, log, "", len(records)); err != nil || same(records, have) != nil {
		return fmt.Errorf("trimmed nothing: %w", errors.Join(err, same(records, have)))
	}
	first := 0
	for _, gone := range []int{1, 4, 4, 2, 9} {
		if err := trimmer.Trim(ctx, shard, records[gone-1].Position, long()); err != nil {
			return fmt.Errorf("trimming through record %d: %w", gone-1, err)
		}
		first = max(first, gone)
		have, err := takeAfter(ctx, log, "", len(records)-first)
		if err != nil {
			return fmt.Errorf("trimmed through record %d: %w", gone-1, err)
		}
		if err := same(records[first:], have); err != nil {
			return fmt.Errorf("trimmed through record %d: %w", gone-1, err)
		}
	}
	return nil
}

func trimSparesTheYoung(ctx context.Context, s *subject) error {
	log, shard, records, trimmer, err := s.trimmed(ctx, 5)
	if err != nil {
		return err
	}
	// One more record, that is younger than all of them for certain.
	old := records[len(records)-1]
	for {
		if err := log.Append(ctx, []stream.Record{text("young")}); err != nil {
			return err
		}
		have, err := takeAfter(ctx, log, records[len(records)-1].Position, 1)
		if err != nil {
			return err
		}
		records = append(records, have[0])
		if have[0].Time.After(old.Time) {
			break
		}
	}
	last := records[len(records)-1]
	for _, olderThan := range []time.Time{{}, records[0].Time, last.Time} {
		if err := trimmer.Trim(ctx, shard, last.Position, olderThan); err != nil {
			return fmt.Errorf("trimming what is older than %s: %w", olderThan, err)
		}
		first := 0
		for records[first].Time.Before(olderThan) {
			first++
		}
		have, err := takeAfter(ctx, log, "", len(records)-first)
		if err != nil {
			return fmt.Errorf("trimmed what is older than %s: %w", olderThan, err)
		}
		if err := same(records[first:], have); err != nil {
			return fmt.Errorf("trimmed what is older than %s: %w", olderThan, err)
		}
	}
	return nil
}

// trimShows: nobody reads over a gap in silence.
func trimShows(ctx context.Context, s *subject) error {
	log, shard, records, trimmer, err := s.trimmed(ctx, 10)
	if err != nil {
		return err
	}
	if err := trimmer.Trim(ctx, shard, records[5].Position, long()); err != nil {
		return err
	}
	for i := range 5 {
		err := readError(ctx, log, records[i].Position)
		if err := wantError(fmt.Sprintf("reading after record %d, trimmed through record 5", i), stream.ErrTrimmed, err); err != nil {
			return err
		}
	}
	have, err := takeAfter(ctx, log, records[5].Position, 4)
	if err != nil {
		return fmt.Errorf("reading after the last record trimmed: %w", err)
	}
	return same(records[6:], have)
}

// trimEverything: positions go on where they were when nothing is left.
func trimEverything(ctx context.Context, s *subject) error {
	log, shard, records, trimmer, err := s.trimmed(ctx, 6)
	if err != nil {
		return err
	}
	last := records[5].Position
	if err := trimmer.Trim(ctx, shard, last, long()); err != nil {
		return err
	}
	if err := wantError("reading after a record trimmed with those behind it", stream.ErrTrimmed, readError(ctx, log, records[2].Position)); err != nil {
		return err
	}
	if err := log.Append(ctx, numbered(6, 9)); err != nil {
		return err
	}
	for _, after := range []stream.Position{"", last} {
		have, err := takeAfter(ctx, log, after, 3)
		if err != nil {
			return fmt.Errorf("reading after %q: %w", after, err)
		}
		if err := same(numbered(6, 9), have); err != nil {
			return fmt.Errorf("reading after %q: %w", after, err)
		}
	}
	return nil
}

func trimMakesRoom(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, s.Room)
	if err != nil {
		return err
	}
	shard, err := onlyShard(ctx, log)
	if err != nil {
		return err
	}
	in, err := s.fill(ctx, log, 0)
	if err != nil {
		return err
	}
	records, err := takeAfter(ctx, log, "", len(in))
	if err != nil {
		return err
	}
	trimmer, _ := stream.As[stream.Trimmer](log)
	if err := trimmer.Trim(ctx, shard, records[1].Position, long()); err != nil {
		return err
	}
	more, err := s.fill(ctx, log, len(in))
	if err != nil {
		return err
	}
	if len(more) != 2 {
		return fmt.Errorf("two pieces were trimmed from a full stream; want room for two; there was for %d", len(more))
	}
	want := append(in[2:], more...)
	have, err := takeAfter(ctx, log, "", len(want))
	if err != nil {
		return err
	}
	return same(want, have)
}

// trimLasts: a stream that was emptied does not begin anew when it is opened again.
func trimLasts(ctx context.Context, s *subject) error {
	log, shard, records, trimmer, err := s.trimmed(ctx, 6)
	if err != nil {
		return err
	}
	last := records[5].Position
	if err := trimmer.Trim(ctx, shard, last, long()); err != nil {
		return err
	}
	end := s.Crash
	if end == nil {
		end = func(_ context.Context, _ string, log stream.Log) error { return log.Close() }
	}
	if err := end(ctx, s.name, log); err != nil {
		return err
	}
	if log, err = s.open(ctx, 0); err != nil {
		return err
	}
	if err := log.Append(ctx, numbered(6, 8)); err != nil {
		return err
	}
	have, err := takeAfter(ctx, log, last, 2)
	if err != nil {
		return err
	}
	return errors.Join(same(numbered(6, 8), have), kept(ctx, log, numbered(6, 8)))
}

func stat(ctx context.Context, s *subject) error {
	limit := int64(0)
	if s.Powers.Fills {
		limit = s.Room
	}
	log, err := s.open(ctx, limit)
	if err != nil {
		return err
	}
	statter, _ := stream.As[stream.Statter](log)
	have, err := statter.Stat(ctx)
	if err != nil {
		return err
	}
	if have.Records != 0 || !have.Oldest.IsZero() {
		return fmt.Errorf("want an empty stream to have no records and no oldest; have %+v", have)
	}
	if limit > 0 && have.Limit < limit {
		return fmt.Errorf("want the limit of %d bytes; have %d", limit, have.Limit)
	}
	size := int64(0)
	for i := range 5 {
		piece := stream.Record{Data: noise(uint64(i), 10_000)}
		if err := log.Append(ctx, []stream.Record{piece}); err != nil {
			return err
		}
		size += int64(len(piece.Data))
		if have, err = statter.Stat(ctx); err != nil {
			return err
		}
		if have.Records != int64(i+1) || have.Bytes < size || have.Bytes > 2*size {
			return fmt.Errorf("want %d records of %d bytes and little more; have %+v", i+1, size, have)
		}
	}
	records, err := takeAfter(ctx, log, "", 5)
	if err != nil {
		return err
	}
	if !have.Oldest.Equal(records[0].Time) {
		return fmt.Errorf("want the oldest to be of %s; have %s", records[0].Time, have.Oldest)
	}
	trimmer, trims := stream.As[stream.Trimmer](log)
	if !trims {
		return nil
	}
	shard, err := onlyShard(ctx, log)
	if err != nil {
		return err
	}
	if err := trimmer.Trim(ctx, shard, records[1].Position, long()); err != nil {
		return err
	}
	if have, err = statter.Stat(ctx); err != nil {
		return err
	}
	if have.Records != 3 || have.Bytes < size*3/5 || have.Bytes > size || !have.Oldest.Equal(records[2].Time) {
		return fmt.Errorf("want 3 records of %d bytes, the oldest of %s; have %+v", size*3/5, records[2].Time, have)
	}
	return nil
}

func compare(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	if err := log.Append(ctx, numbered(0, 120)); err != nil {
		return err
	}
	records, err := readAll(ctx, log, "")
	if err != nil {
		return err
	}
	orderer, _ := stream.As[stream.Orderer](log)
	positions := []stream.Position{""}
	for _, record := range records {
		positions = append(positions, record.Position)
	}
	for i, a := range positions {
		for j, b := range positions {
			if have := orderer.Compare(a, b); cmp.Compare(have, 0) != cmp.Compare(i, j) {
				return fmt.Errorf("want Compare(%q, %q) to be as %d; have %d", a, b, cmp.Compare(i, j), have)
			}
		}
	}
	return nil
}
