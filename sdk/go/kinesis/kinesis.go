// Package kinesis puts events straight on a Kinesis stream, with no collector between. Its Publisher is for
// spoor.Options, and leaves batching and trying again to the client.
//
// A record is NDJSON, one event a line, as Spoor's loader reads the records of other producers. Kinesis bills a record
// in units of 25 KiB, so records are filled to just under that: fifty events of 500 bytes cost what one does.
package kinesis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	spoor "github.com/spoorhq/spoor/sdk/go"
)

// Putter is the part of the Kinesis client that a Publisher uses.
type Putter interface {
	PutRecords(ctx context.Context, in *kinesis.PutRecordsInput, with ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error)
}

// Options name the stream, by one of its two names.
type Options struct {
	Stream string
	ARN    string
}

// Publisher puts events on a stream. Use New.
type Publisher struct {
	client  Putter
	options Options
}

// New makes a Publisher, for spoor.Options.
func New(client Putter, options Options) (*Publisher, error) {
	if client == nil || (options.Stream == "") == (options.ARN == "") {
		return nil, errors.New("a publisher needs a client, and a stream's name or ARN but not both")
	}
	return &Publisher{client: client, options: options}, nil
}

// unit is what Kinesis bills at once: 25 KiB of data and key. A call takes 500 records; the bytes of a batch are far
// from its other limit.
const (
	unit       = 25 << 10
	maxRecords = 500
)

// Publish puts the messages on the stream. It returns nil when every record was acknowledged, and asks for another try
// with the messages of those that were not. What the client says is wrong with the request itself, such as a stream that
// does not exist, is also tried again: the next operator's act may mend it, and the queue is bounded.
func (p *Publisher) Publish(ctx context.Context, batch []spoor.Message) ([]spoor.Rejection, error) {
	records, lines := fill(batch)
	var again []int
	var cause error
	for len(records) > 0 {
		n := min(len(records), maxRecords)
		failed, err := p.put(ctx, records[:n])
		for _, r := range failed {
			again = append(again, lines[r]...)
		}
		if err != nil {
			cause = err
		}
		records, lines = records[n:], lines[n:]
	}
	if len(again) == 0 {
		return nil, nil
	}
	return nil, &spoor.UnavailableError{Messages: again, Err: cause}
}

// put gives the indices of the records that were not acknowledged, and why the last of them was not.
func (p *Publisher) put(ctx context.Context, records []types.PutRecordsRequestEntry) (failed []int, err error) {
	in := &kinesis.PutRecordsInput{Records: records}
	if p.options.ARN != "" {
		in.StreamARN = aws.String(p.options.ARN)
	} else {
		in.StreamName = aws.String(p.options.Stream)
	}
	out, err := p.client.PutRecords(ctx, in)
	if err == nil && len(out.Records) != len(records) {
		err = fmt.Errorf("stream answered for %d of %d records", len(out.Records), len(records))
	}
	if err != nil {
		for i := range records {
			failed = append(failed, i)
		}
		return failed, err
	}
	for i, r := range out.Records {
		if code := aws.ToString(r.ErrorCode); code != "" {
			failed, err = append(failed, i), fmt.Errorf("record was not taken: %s: %s", code, aws.ToString(r.ErrorMessage))
		}
	}
	return failed, err
}

// fill packs messages into records, and tells which messages each record holds. A record takes the next message while it
// stays within the units that its first one needs.
func fill(batch []spoor.Message) (records []types.PutRecordsRequestEntry, lines [][]int) {
	var data []byte
	var held []int
	room := 0
	seal := func() {
		if len(held) > 0 {
			records = append(records, types.PutRecordsRequestEntry{Data: data, PartitionKey: aws.String(rand.Text())})
			lines = append(lines, held)
		}
		data, held = nil, nil
	}
	for i, m := range batch {
		line := len(m.Body) + len("\n")
		if len(data)+line > room {
			seal()
			room = (line+keyBytes+unit-1)/unit*unit - keyBytes
			data = make([]byte, 0, room)
		}
		data, held = append(append(data, m.Body...), '\n'), append(held, i)
	}
	seal()
	return records, lines
}

// keyBytes is the length of a partition key: random, so that records spread over the shards evenly.
const keyBytes = 26
