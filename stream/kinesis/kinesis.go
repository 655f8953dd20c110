// Package kinesis is the stream driver for Amazon Kinesis Data Streams, chosen by kinesis://NAME or kinesis:ARN with
// options in the query (docs/streams.md).
//
// Positions are sequence numbers. An acknowledged record is on three availability zones, for the stream's retention and
// no longer, loaded or not. Kinesis keeps the order of a key's records only where none of them had to be put again.
//
// Where Kinesis sets a pace rather than fails, the driver keeps to it: it waits between reads, and when a shard is read
// too fast by all its readers together. Everything else goes up to the wrappers.
package kinesis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/spoorhq/spoor/internal/awsconf"
	"github.com/spoorhq/spoor/stream"
)

// Options are what a URL does not say, since Kinesis does: tests against emulators are in more of a hurry. A zero field
// takes its default.
type Options struct {
	// CallsPerSecond and BytesPerSecond are what all readers of a shard within this Log get together. Defaults 5 and
	// 2 MiB, all that Kinesis gives.
	CallsPerSecond, BytesPerSecond float64
	// Poll is how long a reader that has seen the newest record waits until it looks again. Default 250 ms, so that
	// another process can read the shard too.
	Poll time.Duration
	// Resubscribe is how long after a subscription of enhanced fan-out began the next one may. Default 5 s.
	Resubscribe time.Duration
}

func (o Options) withDefaults() Options {
	if o.CallsPerSecond == 0 {
		o.CallsPerSecond = 5
	}
	if o.BytesPerSecond == 0 {
		o.BytesPerSecond = 2 << 20
	}
	if o.Poll == 0 {
		o.Poll = 250 * time.Millisecond
	}
	if o.Resubscribe == 0 {
		o.Resubscribe = 5 * time.Second
	}
	return o
}

const (
	// callFor bounds one call, so that an endpoint that does not answer is an error.
	callFor = 30 * time.Second
	// readyFor bounds the wait for a stream or a consumer that is being made.
	readyFor = 2 * time.Minute
	// lookAgain is how often it is asked whether one is ready.
	lookAgain = 200 * time.Millisecond
	// maxRecord is the largest record, key included, of a stream that says nothing else.
	maxRecord = 1 << 20
)

// Log is a Kinesis stream. It is a stream.Log, Orderer, Sizer and Lagger.
type Log struct {
	client   *kinesis.Client
	config   aws.Config // for a client of one's own
	at       location
	options  Options
	region   string
	arn      string // empty: not known, for want of a permission
	maxBytes int    // of a record, key included

	closing context.Context //nolint:containedctx // ends with the Log, and all that is under way with it
	close   context.CancelFunc

	mu       sync.Mutex
	paces    map[stream.ShardID]*pace
	lags     map[stream.Reader]lag
	fanned   map[stream.ShardID]*fan
	consumer string                  // ARN; empty: not yet looked up
	newest   time.Time               // when a shard was first begun at its newest record; zero: none was
	whole    map[stream.ShardID]bool // whose positions are gone
}

// Open opens the stream of a URL. A stream that is not there is an error, unless the URL says how to create it.
func Open(ctx context.Context, url string, o Options) (*Log, error) {
	at, err := parse(url)
	if err != nil {
		return nil, err
	}
	conf, err := awsconf.Load(ctx, at.aws)
	if err != nil {
		return nil, err
	}
	// Clients of one's own share the connections.
	conf.HTTPClient = ownBody{awshttp.NewBuildableClient()}
	l := &Log{
		client: kinesis.NewFromConfig(conf), config: conf, at: at, options: o.withDefaults(), region: conf.Region, arn: at.arn, maxBytes: maxRecord,
		paces: map[stream.ShardID]*pace{}, lags: map[stream.Reader]lag{}, fanned: map[stream.ShardID]*fan{},
		whole: map[stream.ShardID]bool{},
	}
	l.closing, l.close = context.WithCancel(context.Background())
	if err := l.look(ctx); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// Name tells this stream from all others of the account: positions are kept under it.
func (l *Log) Name() string { return l.at.name + "." + l.region }

// look asks for the stream, and waits while it is being made.
func (l *Log) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyFor)
	defer cancel()
	name, arn := l.at.named()
	for {
		out, err := l.client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: name, StreamARN: arn})
		var status types.StreamStatus
		switch {
		case err == nil:
			summary := out.StreamDescriptionSummary
			l.arn, status = aws.ToString(summary.StreamARN), summary.StreamStatus
			if kib := aws.ToInt32(summary.MaxRecordSizeInKiB); kib > 0 {
				l.maxBytes = int(kib) << 10
			}
		case hasCode(err, "AccessDeniedException"):
			// Who may put or read need not be allowed to look.
			return nil
		case hasCode(err, codeNotFound) && l.at.create > 0:
			_, err := l.client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String(l.at.name), ShardCount: aws.Int32(int32(l.at.create))})
			if err != nil && !hasCode(err, codeInUse) {
				return l.failure(ctx, "creating the stream", err)
			}
		default:
			return l.failure(ctx, "looking for the stream", err)
		}
		if status == types.StreamStatusActive || status == types.StreamStatusUpdating {
			return nil
		}
		if status == types.StreamStatusDeleting {
			return fmt.Errorf("stream %s in %s is being deleted", l.at.name, l.region)
		}
		if err := l.sleep(ctx, lookAgain); err != nil {
			return fmt.Errorf("stream %s in %s is not ready after %s: %w", l.at.name, l.region, readyFor, err)
		}
	}
}

// Shards lists the shards, page by page. Closed ones are listed until their last record's time is over.
func (l *Log) Shards(ctx context.Context) ([]stream.Shard, error) {
	var shards []stream.Shard
	in := &kinesis.ListShardsInput{}
	in.StreamName, in.StreamARN = l.at.named()
	for {
		if err := l.usable(ctx); err != nil {
			return nil, err
		}
		call, done := l.call(ctx)
		out, err := l.client.ListShards(call, in)
		done()
		if err != nil {
			return nil, l.failure(ctx, "listing the shards", err)
		}
		for _, s := range out.Shards {
			shard := stream.Shard{ID: stream.ShardID(aws.ToString(s.ShardId))}
			for _, parent := range []*string{s.ParentShardId, s.AdjacentParentShardId} {
				if parent != nil {
					shard.Parents = append(shard.Parents, stream.ShardID(*parent))
				}
			}
			shard.Closed = s.SequenceNumberRange != nil && s.SequenceNumberRange.EndingSequenceNumber != nil
			shards = append(shards, shard)
		}
		if out.NextToken == nil {
			return shards, nil
		}
		// The token names the stream; with its name beside it Kinesis refuses the call.
		in = &kinesis.ListShardsInput{NextToken: out.NextToken}
	}
}

// Compare orders sequence numbers, decimal numbers too large for an integer, without reading them: of two of them the
// longer one is the larger.
func (l *Log) Compare(a, b stream.Position) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(string(a), string(b))
}

// Close ends what is under way.
func (l *Log) Close() error {
	l.close()
	return nil
}

// usable tells why a call cannot be taken, if so.
func (l *Log) usable(ctx context.Context) error {
	if l.closing.Err() != nil {
		return stream.ErrClosed
	}
	return ctx.Err()
}

// call gives the context of one call, which ends with the caller's, with the Log, and when it takes too long.
func (l *Log) call(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, callFor)
	stop := context.AfterFunc(l.closing, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// sleep waits, unless the caller or the Log ends.
func (l *Log) sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-l.closing.Done():
	}
	return l.usable(ctx)
}

// The codes of Kinesis's errors that mean something to the driver.
const (
	codeNotFound = "ResourceNotFoundException"
	codeInUse    = "ResourceInUseException"
	codeExpired  = "ExpiredIteratorException"
	codeInvalid  = "InvalidArgumentException"
)

// tooFast tells whether a code means that too much was asked at a time.
func tooFast(code string) bool {
	switch code {
	case "ProvisionedThroughputExceededException", "LimitExceededException", "KMSThrottlingException", "ThrottlingException",
		"Throttling", "RequestLimitExceeded", "TooManyRequestsException":
		return true
	default:
		return false
	}
}

func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func hasCode(err error, code string) bool { return codeOf(err) == code }

// failure says what a call's error is to the contract.
func (l *Log) failure(ctx context.Context, doing string, err error) error {
	if over := l.usable(ctx); over != nil {
		return over
	}
	if errors.Is(err, io.EOF) {
		// A connection that broke, which nobody must take for the end of a shard.
		err = fmt.Errorf("%v", err)
	}
	if tooFast(codeOf(err)) {
		return fmt.Errorf("%w: %s %s in %s: %w", stream.ErrThrottled, doing, l.at.name, l.region, err)
	}
	return fmt.Errorf("%s %s in %s: %w", doing, l.at.name, l.region, err)
}
