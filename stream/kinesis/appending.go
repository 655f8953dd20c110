package kinesis

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/spoorhq/spoor/stream"
)

const (
	// maxRecords and maxBytes are of a call. Kinesis takes twice the bytes today, but not everywhere.
	maxRecords = 500
	maxBytes   = 5 << 20
	// keyBytes is the length of the key that a record without one gets: 60 bits of chance, so that records spread over
	// the shards evenly, and one that is put again after a shard refused it goes to another.
	keyBytes = 12
	// unit is what Kinesis bills at once.
	unit = 25 << 10
)

// Sizes: Kinesis bills in units of 25 KiB of a record's data and key.
func (l *Log) Sizes() stream.Sizes {
	return stream.Sizes{Largest: l.maxBytes - keyBytes, Unit: unit, Frame: keyBytes}
}

// Append puts the records in calls of as many as Kinesis takes at once. Records with the same key go to the same shard.
func (l *Log) Append(ctx context.Context, records []stream.Record) error {
	if err := l.usable(ctx); err != nil {
		return err
	}
	put := putting{failed: map[int]error{}}
	var whole error // of a call that failed as one
	for i, r := range records {
		entry := types.PutRecordsRequestEntry{Data: r.Data, PartitionKey: aws.String(r.Key)}
		if r.Data == nil {
			entry.Data = []byte{}
		}
		if r.Key == "" {
			entry.PartitionKey = aws.String(rand.Text()[:keyBytes])
		}
		size := len(entry.Data) + len(*entry.PartitionKey)
		if size > l.maxBytes {
			put.failed[i] = fmt.Errorf("%w: it has %d bytes with its key, and %s takes %d", stream.ErrTooLarge, size, l.at.name, l.maxBytes)
			continue
		}
		if whole != nil {
			put.failed[i] = whole
			continue
		}
		if len(put.entries) == maxRecords || put.bytes+size > maxBytes {
			whole = l.put(ctx, &put)
		}
		if whole != nil {
			put.failed[i] = whole
			continue
		}
		put.entries, put.index, put.bytes = append(put.entries, entry), append(put.index, i), put.bytes+size
	}
	if whole == nil && len(put.entries) > 0 {
		whole = l.put(ctx, &put)
	}
	switch {
	case len(put.failed) == 0:
		return nil
	case len(put.failed) == len(records) && whole != nil:
		return whole
	default:
		return &stream.PartialError{Failed: put.failed}
	}
}

// putting is a call that is being gathered, and what failed so far.
type putting struct {
	entries []types.PutRecordsRequestEntry
	index   []int // of each entry into the records given
	bytes   int
	failed  map[int]error
}

// put makes one call and empties it. The error is of the call as a whole; those of its records are noted either way.
func (l *Log) put(ctx context.Context, p *putting) error {
	in := &kinesis.PutRecordsInput{Records: p.entries}
	in.StreamName, in.StreamARN = l.at.named()
	call, done := l.call(ctx)
	defer done()
	out, err := l.client.PutRecords(call, in)
	switch {
	case err != nil:
		err = l.failure(ctx, "putting records on", err)
	case len(out.Records) != len(p.entries):
		err = fmt.Errorf("putting records on %s: the answer is about %d of %d", l.at.name, len(out.Records), len(p.entries))
	}
	for n, i := range p.index {
		if err != nil {
			p.failed[i] = err
			continue
		}
		if code := aws.ToString(out.Records[n].ErrorCode); code != "" {
			p.failed[i] = fmt.Errorf("%s did not take the record: %s: %s", l.at.name, code, aws.ToString(out.Records[n].ErrorMessage))
			if tooFast(code) {
				p.failed[i] = fmt.Errorf("%w: %w", stream.ErrThrottled, p.failed[i])
			}
		}
	}
	p.entries, p.index, p.bytes = p.entries[:0], p.index[:0], 0
	return err
}
