package streamtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/spoorhq/spoor/stream"
)

// lastWord is appended to mark the end of what a case reads, so that a record too many is seen without waiting.
const lastWord = "the last word of the case"

// text makes a record of a line.
func text(format string, args ...any) stream.Record {
	return stream.Record{Data: fmt.Appendf(nil, format, args...)}
}

// numbered makes records "from" up to but not including "to".
func numbered(from, to int) []stream.Record {
	var records []stream.Record
	for i := from; i < to; i++ {
		records = append(records, text("record %d", i))
	}
	return records
}

// noise makes size bytes that do not compress and hold every byte there is, always the same for a seed.
func noise(seed uint64, size int) []byte {
	source := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 1})
	data := make([]byte, size)
	_, _ = source.Read(data)
	return data
}

// atMost gives a size that the driver takes.
func (s *subject) atMost(size int) int {
	if s.Largest > 0 {
		return min(size, s.Largest)
	}
	return size
}

// onlyShard finds the one shard of a new stream.
func onlyShard(ctx context.Context, log stream.Log) (stream.ShardID, error) {
	shards, err := log.Shards(ctx)
	if err != nil {
		return "", fmt.Errorf("listing shards: %w", err)
	}
	if len(shards) != 1 {
		return "", fmt.Errorf("want one shard in a new stream; have %d: %v", len(shards), shards)
	}
	return shards[0].ID, nil
}

// read opens a reader on the only shard.
func read(ctx context.Context, log stream.Log, after stream.Position) (stream.Reader, error) {
	shard, err := onlyShard(ctx, log)
	if err != nil {
		return nil, err
	}
	reader, err := log.Read(ctx, shard, after)
	if err != nil {
		return nil, fmt.Errorf("reading after %q: %w", after, err)
	}
	return reader, nil
}

// next reads one batch and checks what must hold of every batch.
func next(ctx context.Context, reader stream.Reader) ([]stream.Record, error) {
	records, err := reader.Next(ctx)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, err
	}
	if len(records) == 0 {
		return nil, errors.New("Next returned neither records nor an error")
	}
	for _, record := range records {
		if record.Position == "" {
			return nil, fmt.Errorf("the record %s was read without a position", brief(record.Data))
		}
		if record.Time.IsZero() {
			return nil, fmt.Errorf("the record at %q was read without a time", record.Position)
		}
	}
	return records, nil
}

// take reads on until it has n records. More than n, should they come with the last batch, are an error.
func take(ctx context.Context, reader stream.Reader, n int) ([]stream.Record, error) {
	var have []stream.Record
	for len(have) < n {
		batch, err := next(ctx, reader)
		if err != nil {
			return have, fmt.Errorf("after %d of %d records: %w", len(have), n, err)
		}
		have = append(have, batch...)
	}
	if len(have) > n {
		return have, fmt.Errorf("want %d records; have %d more, the first %s", n, len(have)-n, brief(have[n].Data))
	}
	return have, nil
}

// takeAfter opens a reader, takes n records and closes it.
func takeAfter(ctx context.Context, log stream.Log, after stream.Position, n int) ([]stream.Record, error) {
	reader, err := read(ctx, log, after)
	if err != nil {
		return nil, err
	}
	have, err := take(ctx, reader, n)
	return have, errors.Join(err, reader.Close())
}

// readAll appends the last word and reads from after up to it. The last word is not returned.
func readAll(ctx context.Context, log stream.Log, after stream.Position) ([]stream.Record, error) {
	if err := log.Append(ctx, []stream.Record{text(lastWord)}); err != nil {
		return nil, fmt.Errorf("appending the last word: %w", err)
	}
	reader, err := read(ctx, log, after)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var have []stream.Record
	for {
		batch, err := next(ctx, reader)
		if err != nil {
			return have, fmt.Errorf("after %d records, waiting for the last word: %w", len(have), err)
		}
		for i, record := range batch {
			if string(record.Data) != lastWord {
				continue
			}
			have = append(have, batch[:i]...)
			if i != len(batch)-1 {
				return have, fmt.Errorf("%d records stand behind the last one appended", len(batch)-1-i)
			}
			return have, nil
		}
		have = append(have, batch...)
	}
}

// kept appends nothing but checks that a new reader from the start finds just these records, by way of the last word.
func kept(ctx context.Context, log stream.Log, want []stream.Record) error {
	have, err := readAll(ctx, log, "")
	if err != nil {
		return err
	}
	return same(want, have)
}

// same tells where two runs of records differ in data.
func same(want, have []stream.Record) error {
	for i := range min(len(want), len(have)) {
		if !bytes.Equal(want[i].Data, have[i].Data) {
			return fmt.Errorf("record %d of %d: want %s; have %s", i, len(want), brief(want[i].Data), brief(have[i].Data))
		}
	}
	if len(want) != len(have) {
		return fmt.Errorf("want %d records; have %d", len(want), len(have))
	}
	return nil
}

// brief shows data in a line.
func brief(data []byte) string {
	if len(data) > 40 {
		return fmt.Sprintf("%d bytes %s…", len(data), strconv.Quote(string(data[:24])))
	}
	return strconv.Quote(string(data))
}

// wantError checks that err is the wanted one.
func wantError(doing string, want, have error) error {
	switch {
	case errors.Is(have, want):
		return nil
	case have == nil:
		return fmt.Errorf("%s: want error %q; have none", doing, want)
	}
	return fmt.Errorf("%s: want error %q; have %w", doing, want, have)
}

// readError gives the error of reading after a position, whether it comes from Read or from the first Next.
func readError(ctx context.Context, log stream.Log, after stream.Position) error {
	shard, err := onlyShard(ctx, log)
	if err != nil {
		return err
	}
	reader, err := log.Read(ctx, shard, after)
	if err != nil {
		return err
	}
	defer reader.Close()
	_, err = next(ctx, reader)
	return err
}

// appendEach appends records in Appends of one.
func appendEach(ctx context.Context, log stream.Log, records []stream.Record) error {
	for i, record := range records {
		if err := log.Append(ctx, []stream.Record{record}); err != nil {
			return fmt.Errorf("appending record %d: %w", i, err)
		}
	}
	return nil
}
