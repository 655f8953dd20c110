package kinesis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/spoorhq/spoor/stream"
)

// fan is one shard's place in the fan-out. A consumer has one subscription to a shard, so that one reader within a Log can
// have it; others poll. All is guarded by the Log's lock.
type fan struct {
	taken bool
	began time.Time // of the last subscription: another is refused for a while
}

// fanOut takes the shard's place in the fan-out, if it is free.
func (l *Log) fanOut(shard stream.ShardID) (f *fan, free bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f = l.fanned[shard]
	if f == nil {
		f = &fan{}
		l.fanned[shard] = f
	}
	free = !f.taken
	f.taken = true
	return f, free
}

// consumerARN gives the registered consumer, and registers it when there is none.
func (l *Log) consumerARN(ctx context.Context) (string, error) {
	l.mu.Lock()
	found := l.consumer
	l.mu.Unlock()
	if found != "" {
		return found, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readyFor)
	defer cancel()
	by := &kinesis.DescribeStreamConsumerInput{ConsumerName: aws.String(l.at.consumer), StreamARN: aws.String(l.arn)}
	if strings.HasPrefix(l.at.consumer, "arn:") {
		by = &kinesis.DescribeStreamConsumerInput{ConsumerARN: aws.String(l.at.consumer)}
	} else if l.arn == "" {
		return "", fmt.Errorf("a consumer's name needs the stream's ARN, and kinesis:DescribeStreamSummary is denied: give the consumer of %s by its ARN", l.at.name)
	}
	for {
		if err := l.usable(ctx); err != nil {
			return "", err
		}
		call, done := l.call(ctx)
		out, err := l.client.DescribeStreamConsumer(call, by)
		if hasCode(err, codeNotFound) && by.ConsumerName != nil {
			_, err = l.client.RegisterStreamConsumer(call, &kinesis.RegisterStreamConsumerInput{ConsumerName: by.ConsumerName, StreamARN: by.StreamARN})
			if hasCode(err, codeInUse) {
				err = nil // another process was faster
			}
		}
		done()
		if err != nil {
			return "", l.failure(ctx, "registering consumer "+l.at.consumer+" of", err)
		}
		if out != nil && out.ConsumerDescription.ConsumerStatus == types.ConsumerStatusActive {
			known := aws.ToString(out.ConsumerDescription.ConsumerARN)
			l.mu.Lock()
			l.consumer = known
			l.mu.Unlock()
			return known, nil
		}
		if err := l.sleep(ctx, lookAgain); err != nil {
			return "", err
		}
	}
}

// subscriber reads what enhanced fan-out pushes to it. A subscription lasts five minutes at most; then comes the next.
type subscriber struct {
	cursor
	log    *Log
	fan    *fan
	at     string                               // the sequence number to go on behind; empty: the cursor's
	events *kinesis.SubscribeToShardEventStream // nil: to be opened, unless ended
	cancel context.CancelFunc                   // of the subscription
	ended  bool
	closed bool
}

// open subscribes, when the last subscription is old enough.
func (r *subscriber) open(ctx context.Context) error {
	err := r.subscribe(ctx)
	if err != nil {
		r.release()
	}
	return err
}

func (r *subscriber) subscribe(ctx context.Context) error {
	consumer, err := r.log.consumerARN(ctx)
	if err != nil {
		return err
	}
	from := &types.StartingPosition{}
	from.Type, from.SequenceNumber, from.Timestamp = r.cursor.iterator()
	if r.at != "" {
		from.Type, from.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, aws.String(r.at)
	}
	for {
		r.log.mu.Lock()
		wait := time.Until(r.fan.began.Add(r.log.options.Resubscribe))
		r.log.mu.Unlock()
		if wait > 0 {
			if err := r.log.sleep(ctx, wait); err != nil {
				return err
			}
		}
		// The subscription outlives this call; only its beginning ends with ctx.
		lasting, cancel := context.WithCancel(r.log.closing)
		stop := context.AfterFunc(ctx, cancel)
		// A client of its own: in this version of the SDK the subscriptions of one client read into one buffer.
		out, err := kinesis.NewFromConfig(r.log.config).SubscribeToShard(lasting, &kinesis.SubscribeToShardInput{
			ConsumerARN: aws.String(consumer), ShardId: aws.String(string(r.shard)), StartingPosition: from,
		})
		over := !stop()
		if err == nil {
			r.log.mu.Lock()
			r.fan.began = time.Now()
			r.log.mu.Unlock()
			if over {
				err = errors.Join(ctx.Err(), out.GetStream().Close())
			}
		}
		if err == nil {
			at, known := awsmiddleware.GetServerTime(out.ResultMetadata)
			r.log.opened(&r.cursor, at, known)
			r.events, r.cancel = out.GetStream(), cancel
			return nil
		}
		cancel()
		if code := codeOf(err); code == codeInUse || tooFast(code) {
			// Another process had the consumer's subscription until a moment ago: that is pace too.
			if _, err := r.log.backOff(ctx, 0); err != nil {
				return err
			}
			continue
		}
		return r.log.refused(ctx, &r.cursor, err)
	}
}

func (r *subscriber) Next(ctx context.Context) ([]stream.Record, error) {
	for {
		if r.closed {
			return nil, stream.ErrClosed
		}
		if r.ended {
			return nil, io.EOF
		}
		if err := r.log.usable(ctx); err != nil {
			return nil, err
		}
		if r.events == nil {
			if err := r.subscribe(ctx); err != nil {
				return nil, err
			}
		}
		select {
		case event, ok := <-r.events.Events():
			records, err := r.took(ctx, event, ok)
			if len(records) > 0 || err != nil {
				return records, err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-r.log.closing.Done():
			return nil, stream.ErrClosed
		}
	}
}

// took makes records of an event. Not ok: the subscription is over, in time or broken.
func (r *subscriber) took(ctx context.Context, event types.SubscribeToShardEventStream, ok bool) ([]stream.Record, error) {
	if !ok {
		if err := r.unsubscribe(); err != nil {
			return nil, r.log.refused(ctx, &r.cursor, err)
		}
		return nil, nil
	}
	pushed, ok := event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent)
	if !ok {
		return nil, nil // of a kind that came after this was written
	}
	records, err := r.take(pushed.Value.Records)
	if err != nil {
		r.log.lost(r.shard)
		return nil, err
	}
	r.log.isBehind(r, r.shard, aws.ToInt64(pushed.Value.MillisBehindLatest))
	// As long as the record at the position was not looked for in vain, the next subscription must look for it again.
	if r.after == "" || r.found {
		r.at = aws.ToString(pushed.Value.ContinuationSequenceNumber)
	}
	if pushed.Value.ContinuationSequenceNumber == nil {
		r.ended = true
		_ = r.unsubscribe()
	}
	return records, nil
}

// unsubscribe ends the subscription, and tells what broke it, if anything did.
func (r *subscriber) unsubscribe() error {
	if r.events == nil {
		return nil
	}
	err := r.events.Close()
	r.cancel()
	r.events = nil
	return err
}

// release gives the shard's place in the fan-out free.
func (r *subscriber) release() {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.fan.taken = false
}

func (r *subscriber) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	_ = r.unsubscribe() // what broke it is of no interest any more
	r.log.left(r)
	r.release()
	return nil
}
