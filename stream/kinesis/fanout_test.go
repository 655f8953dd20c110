package kinesis_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/spoorhq/spoor/internal/kinesisfake"
	"github.com/spoorhq/spoor/stream/kinesis"
)

// A subscription that has had its time is followed by another, not before Kinesis allows it, and nothing falls between.
func TestFanOutRenews(t *testing.T) {
	t.Parallel()
	const apart = 400 * time.Millisecond
	fake := kinesisfake.New(kinesisfake.Options{SubscriptionLife: 100 * time.Millisecond, ResubscribeAfter: apart})
	endpoint := serve(t, fake)
	// The driver's clock starts when the answer is there, the fake's before, so that the same wait is enough.
	log, err := kinesis.Open(t.Context(), location(endpoint, "renew", "consumer=loader"), kinesis.Options{Resubscribe: apart})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	reader, err := log.Read(t.Context(), firstShard, "")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for i := range 40 {
		put(t, log, numbered(i, i+1))
		wantTexts(t, "over renewals", fmt.Sprint(i), next(t, reader, 1))
		if fake.Counts().Calls["SubscribeToShard"] >= 4 {
			break
		}
		if i%10 == 9 {
			fakeHolds(t, log, "shardId-000000000000") // a while of nothing, polled
		}
	}
	counts := fake.Counts()
	if counts.Calls["SubscribeToShard"] < 2 || counts.Calls["RegisterStreamConsumer"] != 1 {
		t.Errorf("want some subscriptions of one consumer; have %v", counts.Calls)
	}
}

// A consumer has one subscription to a shard: a second reader polls, and a later one gets the place when it is free.
func TestFanOutIsForOneReader(t *testing.T) {
	t.Parallel()
	fake := kinesisfake.New(kinesisfake.Options{ResubscribeAfter: time.Nanosecond})
	endpoint := serve(t, fake)
	put(t, open(t, endpoint, "one-reader"), numbered(0, 3))
	out, err := newClient(endpoint).RegisterStreamConsumer(t.Context(), &api.RegisterStreamConsumerInput{
		ConsumerName: aws.String("ours"), StreamARN: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/one-reader"),
	})
	if err != nil {
		t.Fatal(err)
	}
	log := open(t, endpoint, "one-reader", "consumer="+aws.ToString(out.Consumer.ConsumerARN))
	first, err := log.Read(t.Context(), firstShard, "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := log.Read(t.Context(), firstShard, "")
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	wantTexts(t, "pushed", "0 1 2", next(t, first, 3))
	wantTexts(t, "polled", "0 1 2", next(t, second, 3))
	calls := fake.Counts().Calls
	if calls["SubscribeToShard"] != 1 || calls["GetShardIterator"] != 1 || calls["RegisterStreamConsumer"] != 1 {
		t.Errorf("want one of each; have %v", calls)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	third, err := log.Read(t.Context(), firstShard, "")
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	wantTexts(t, "pushed again", "0 1 2", next(t, third, 3))
	if n := fake.Counts().Calls["SubscribeToShard"]; n != 2 {
		t.Errorf("want the place taken again; have %d subscriptions", n)
	}
}

// Another process may have the consumer's subscription a moment longer: that is waited for, as the rule has it.
func TestFanOutWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	fake := kinesisfake.New(kinesisfake.Options{ResubscribeAfter: 300 * time.Millisecond})
	endpoint := serve(t, fake)
	one, other := open(t, endpoint, "turns", "consumer=ours"), open(t, endpoint, "turns", "consumer=ours")
	put(t, one, numbered(0, 2))
	wantTexts(t, "one", "0 1", take(t, one, firstShard, "", 2))
	wantTexts(t, "the other", "0 1", take(t, other, firstShard, "", 2))
}
