// Package firehose is a stream that can only be appended to: a Firehose delivery stream, which carries what it is given to
// its destination by itself. Nobody reads it here, so there are no shards, no positions and no exactly-once: Firehose
// delivers at least once. docs/adr/0013-firehose.md tells what that means for an event.
package firehose

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/spoorhq/spoor/stream"
)

// What one call and one record may be. The sizes are of the data before base64.
const (
	maxRecords     = 500
	maxCallBytes   = 4 << 20
	MaxRecordBytes = 1000 << 10
)

// ErrAppendOnly says that a delivery stream was asked for what is on it.
var ErrAppendOnly = errors.New("a Firehose delivery stream cannot be read: Firehose delivers what is on it by itself")

// Log is a stream.Log whose Append is all that it can do. Use Open.
type Log struct {
	name   string
	client *firehose.Client
	closed atomic.Bool
}

// Open names the delivery stream; it asks nothing of AWS yet. The configuration is one that tries nothing again, as
// awsconf makes it: stream.Retry does that, for AWS's client does not see which records of a call have failed.
func Open(name string, config aws.Config) (*Log, error) {
	if name == "" {
		return nil, errors.New("a Firehose URL must be firehose://delivery-stream?region=REGION")
	}
	return &Log{name: name, client: firehose.NewFromConfig(config)}, nil
}

// Append puts the records on the delivery stream. When it returns nil, Firehose holds all of them and will try to deliver
// each for 24 hours, at least once. A record over MaxRecordBytes is refused with stream.ErrTooLarge. Keys mean nothing.
func (l *Log) Append(ctx context.Context, records []stream.Record) error {
	failed := map[int]error{}
	for from := 0; from < len(records); {
		call, index, next := fill(records, from, failed)
		from = next
		if len(call) > 0 {
			l.put(ctx, call, index, failed)
		}
	}
	if len(failed) > 0 {
		return &stream.PartialError{Failed: failed}
	}
	return nil
}

// fill takes records into one call until it is full, and tells where each of them stands and where the next call begins.
func fill(records []stream.Record, from int, failed map[int]error) (call []types.Record, index []int, next int) {
	size := 0
	for next = from; next < len(records) && len(call) < maxRecords; next++ {
		data := records[next].Data
		n := len(data)
		if n > MaxRecordBytes {
			failed[next] = fmt.Errorf("%w: it is %d bytes; Firehose takes %d", stream.ErrTooLarge, n, MaxRecordBytes)
			continue
		}
		if size+n > maxCallBytes {
			break
		}
		size += n
		if data == nil {
			data = []byte{} // the client takes nil for a record without data, and refuses the call
		}
		call, index = append(call, types.Record{Data: data}), append(index, next)
	}
	return call, index, next
}

// put makes one call, and notes which of its records are not known to be on the delivery stream.
func (l *Log) put(ctx context.Context, call []types.Record, index []int, failed map[int]error) {
	err := ctx.Err()
	if l.closed.Load() {
		err = stream.ErrClosed
	}
	var out *firehose.PutRecordBatchOutput
	if err == nil {
		out, err = l.client.PutRecordBatch(ctx, &firehose.PutRecordBatchInput{DeliveryStreamName: aws.String(l.name), Records: call})
	}
	if err == nil && len(out.RequestResponses) != len(call) {
		err = fmt.Errorf("answered for %d of %d records", len(out.RequestResponses), len(call))
	}
	if err != nil {
		for _, at := range index {
			failed[at] = fmt.Errorf("delivery stream %s: %w", l.name, err)
		}
		return
	}
	// FailedPutCount is the number of those with a code; the codes alone tell which.
	for i, r := range out.RequestResponses {
		switch code := aws.ToString(r.ErrorCode); code {
		case "":
		case throttled:
			failed[index[i]] = fmt.Errorf("%w: delivery stream %s: %s", stream.ErrThrottled, l.name, aws.ToString(r.ErrorMessage))
		default:
			failed[index[i]] = fmt.Errorf("delivery stream %s did not take the record: %s: %s", l.name, code, aws.ToString(r.ErrorMessage))
		}
	}
}

// throttled is the code of a record that came while the delivery stream was given more than its quota.
const throttled = "ServiceUnavailableException"

// Shards refuses: ErrAppendOnly.
func (l *Log) Shards(context.Context) ([]stream.Shard, error) { return nil, ErrAppendOnly }

// Read refuses: ErrAppendOnly.
func (l *Log) Read(context.Context, stream.ShardID, stream.Position) (stream.Reader, error) {
	return nil, ErrAppendOnly
}

// Close ends the Log.
func (l *Log) Close() error {
	l.closed.Store(true)
	return nil
}
