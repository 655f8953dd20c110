package kinesis

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/spoorhq/spoor/stream"
)

var (
	shardName      = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,128}$`)
	sequenceNumber = regexp.MustCompile(`^(0|[1-9][0-9]{0,128})$`)
)

// Read begins with the record at the position, where there is one, and passes it over: Kinesis itself would begin behind a
// gap without a word. Where records come of which the first is another, the position was trimmed, and the records
// behind it may have been too.
func (l *Log) Read(ctx context.Context, shard stream.ShardID, after stream.Position) (stream.Reader, error) {
	if err := l.usable(ctx); err != nil {
		return nil, err
	}
	if !shardName.MatchString(string(shard)) {
		return nil, fmt.Errorf("%w: %q", stream.ErrUnknownShard, shard)
	}
	if after != "" && !sequenceNumber.MatchString(string(after)) {
		l.lost(shard)
		return nil, fmt.Errorf("%w: %q is no sequence number", stream.ErrUnknownPosition, after)
	}
	c := cursor{shard: shard, after: after}
	if after == "" {
		var err error
		if c.from, err = l.start(ctx, shard); err != nil {
			return nil, err
		}
	}
	if l.at.consumer != "" {
		if fan, free := l.fanOut(shard); free {
			reader := &subscriber{log: l, cursor: c, fan: fan}
			if err := reader.open(ctx); err != nil {
				return nil, err
			}
			return reader, nil
		}
	}
	reader := &poller{log: l, cursor: c, pace: l.pace(shard)}
	if err := reader.open(ctx); err != nil {
		return nil, err
	}
	return reader, nil
}

// start tells where to begin a shard that has no position. One that came by resharding is read whole: what its parents had
// was asked for, and it goes on where they ended. So is one whose position turned out to be gone. The newest record is the
// one that was so when this Log first asked: whoever begins anew, with nothing committed yet, must not begin any later.
func (l *Log) start(ctx context.Context, shard stream.ShardID) (start, error) {
	oldest := start{kind: types.ShardIteratorTypeTrimHorizon}
	l.mu.Lock()
	from, whole := l.at.from, l.whole[shard]
	if from.kind == types.ShardIteratorTypeLatest && !l.newest.IsZero() {
		from = start{types.ShardIteratorTypeAtTimestamp, l.newest}
	}
	l.mu.Unlock()
	if whole || from == oldest {
		return oldest, nil
	}
	shards, err := l.Shards(ctx)
	if err != nil {
		return start{}, err
	}
	listed := func(id stream.ShardID) bool {
		return slices.ContainsFunc(shards, func(s stream.Shard) bool { return s.ID == id })
	}
	for _, s := range shards {
		if s.ID == shard && slices.ContainsFunc(s.Parents, listed) {
			return oldest, nil
		}
	}
	return from, nil
}

// lost notes that a position of the shard is gone, so that whoever begins it anew gets all that is left.
func (l *Log) lost(shard stream.ShardID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.whole[shard] = true
}

// opened notes when Kinesis began at the newest record.
func (l *Log) opened(c *cursor, server time.Time, known bool) {
	if !known || c.after != "" || c.from.kind != types.ShardIteratorTypeLatest {
		return
	}
	c.from = start{types.ShardIteratorTypeAtTimestamp, server.Truncate(time.Second)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.newest.IsZero() {
		l.newest = c.from.at
	}
}

// cursor is a place in a shard that is being read.
type cursor struct {
	shard stream.ShardID
	after stream.Position // of the last record given; empty: from
	from  start
	// found: a record was given, or the one at the position was seen, so that reading on from it passes over nothing.
	found bool
}

// iterator says where Kinesis shall begin: with what kind, behind or at which sequence number, and at which time.
func (c *cursor) iterator() (kind types.ShardIteratorType, sequence *string, at *time.Time) {
	switch {
	case c.after == "" && c.from.kind == types.ShardIteratorTypeAtTimestamp:
		return c.from.kind, nil, &c.from.at
	case c.after == "":
		return c.from.kind, nil, nil
	case c.found:
		return types.ShardIteratorTypeAfterSequenceNumber, aws.String(string(c.after)), nil
	default:
		return types.ShardIteratorTypeAtSequenceNumber, aws.String(string(c.after)), nil
	}
}

// take makes records of what was read, without the one that stands at the position.
func (c *cursor) take(read []types.Record) ([]stream.Record, error) {
	if len(read) == 0 {
		return nil, nil
	}
	if c.after != "" && !c.found {
		if first := aws.ToString(read[0].SequenceNumber); first != string(c.after) {
			return nil, fmt.Errorf("%w: %s in shard %s, which now begins at %s", stream.ErrTrimmed, c.after, c.shard, first)
		}
		read = read[1:]
	}
	c.found = true
	var records []stream.Record
	for _, r := range read {
		records = append(records, stream.Record{
			Key: aws.ToString(r.PartitionKey), Data: r.Data, Position: stream.Position(aws.ToString(r.SequenceNumber)),
			Time: aws.ToTime(r.ApproximateArrivalTimestamp),
		})
		c.after = records[len(records)-1].Position
	}
	return records, nil
}

// refused says what an error about the cursor's place is to the contract.
func (l *Log) refused(ctx context.Context, c *cursor, err error) error {
	switch codeOf(err) {
	case codeInvalid, "ValidationException":
		if c.after != "" {
			l.lost(c.shard)
			return fmt.Errorf("%w: %s in shard %s: %w", stream.ErrUnknownPosition, c.after, c.shard, err)
		}
	case codeNotFound:
		shards, listing := l.Shards(ctx)
		if listing == nil && !slices.ContainsFunc(shards, func(s stream.Shard) bool { return s.ID == c.shard }) {
			return fmt.Errorf("%w: %q", stream.ErrUnknownShard, c.shard)
		}
	}
	return l.failure(ctx, "reading shard "+string(c.shard)+" of", err)
}

// poller reads by asking again and again.
type poller struct {
	cursor
	log      *Log
	pace     *pace
	iterator *string // nil: to be opened, unless ended
	ended    bool    // the shard is closed and wholly read
	closed   bool
}

func (r *poller) open(ctx context.Context) error {
	in := &kinesis.GetShardIteratorInput{ShardId: aws.String(string(r.shard))}
	in.StreamName, in.StreamARN = r.log.at.named()
	in.ShardIteratorType, in.StartingSequenceNumber, in.Timestamp = r.cursor.iterator()
	call, done := r.log.call(ctx)
	defer done()
	out, err := r.log.client.GetShardIterator(call, in)
	if err != nil {
		return r.log.refused(ctx, &r.cursor, err)
	}
	at, known := awsmiddleware.GetServerTime(out.ResultMetadata)
	r.log.opened(&r.cursor, at, known)
	r.iterator = out.ShardIterator
	return nil
}

func (r *poller) Next(ctx context.Context) ([]stream.Record, error) {
	var pause time.Duration
	for {
		if r.closed {
			return nil, stream.ErrClosed
		}
		if r.ended {
			return nil, io.EOF
		}
		if err := r.log.turn(ctx, r.pace); err != nil {
			return nil, err
		}
		if r.iterator == nil {
			if err := r.open(ctx); err != nil {
				return nil, err
			}
		}
		out, err := r.get(ctx)
		switch code := codeOf(err); {
		case code == codeExpired:
			r.iterator = nil
			continue
		case tooFast(code):
			if pause, err = r.log.backOff(ctx, pause); err != nil {
				return nil, err
			}
			continue
		case err != nil:
			return nil, r.log.refused(ctx, &r.cursor, err)
		}
		records, err := r.take(out.Records)
		if err != nil {
			r.log.lost(r.shard)
			return nil, err
		}
		behind := aws.ToInt64(out.MillisBehindLatest)
		r.log.isBehind(r, r.shard, behind)
		// An empty answer says nothing about what is behind it; only one without a next iterator is the end.
		r.iterator = out.NextShardIterator
		r.ended = r.iterator == nil
		if len(records) > 0 {
			return records, nil
		}
		if behind == 0 && !r.ended {
			if err := r.log.sleep(ctx, r.log.options.Poll); err != nil {
				return nil, err
			}
		}
	}
}

func (r *poller) get(ctx context.Context) (*kinesis.GetRecordsOutput, error) {
	in := &kinesis.GetRecordsInput{ShardIterator: r.iterator}
	if r.log.at.arn != "" {
		in.StreamARN = aws.String(r.log.at.arn)
	}
	call, done := r.log.call(ctx)
	defer done()
	out, err := r.log.client.GetRecords(call, in)
	if err != nil {
		return nil, err
	}
	bytes := 0
	for _, record := range out.Records {
		bytes += len(record.Data) + len(aws.ToString(record.PartitionKey))
	}
	r.log.took(r.pace, bytes)
	return out, nil
}

func (r *poller) Close() error {
	r.closed = true
	r.log.left(r)
	return nil
}
