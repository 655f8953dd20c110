package kinesis_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	api "github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/spoorhq/spoor/internal/kinesisfake"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/kinesis"
	"github.com/spoorhq/spoor/stream/streamtest"
)

// hurried is for emulators, which set no pace.
var hurried = kinesis.Options{CallsPerSecond: 5000, BytesPerSecond: 1 << 40, Poll: 5 * time.Millisecond, Resubscribe: time.Millisecond}

// largest is what Kinesis takes, less the key that the driver makes.
const largest = 1<<20 - 12

func TestFakeConformance(t *testing.T) {
	t.Parallel()
	streamtest.Run(t, harness(serve(t, kinesisfake.New(kinesisfake.Options{PageSize: 2})), ""))
}

// Enhanced fan-out must give what polling gives.
func TestFanOutConformance(t *testing.T) {
	t.Parallel()
	fake := kinesisfake.New(kinesisfake.Options{ResubscribeAfter: time.Nanosecond, SubscriptionLife: 200 * time.Millisecond})
	streamtest.Run(t, harness(serve(t, fake), "consumer=suite"))
}

// What the driver and the fake agree on is asked of an emulator by others too.
func TestKinesaliteConformance(t *testing.T) {
	t.Parallel()
	streamtest.Run(t, harness(kinesalite(t), ""))
}

// kinesalite gives the emulator's URL.
func kinesalite(t *testing.T) string {
	t.Helper()
	endpoint := os.Getenv("SPOOR_TEST_KINESIS")
	if endpoint == "" {
		if os.Getenv("SPOOR_TEST_REQUIRE") != "" {
			t.Fatal("SPOOR_TEST_KINESIS names no Kinesis")
		}
		t.Skip("SPOOR_TEST_KINESIS names no Kinesis")
	}
	return endpoint
}

// serve gives the fake's URL.
func serve(t testing.TB, fake *kinesisfake.Service) string {
	t.Helper()
	server := httptest.NewServer(fake)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// location is the URL of a stream, which is made with one shard when it is not there.
func location(endpoint, name string, options ...string) string {
	query := append([]string{"create=1", "endpoint=" + url.QueryEscape(endpoint)}, options...)
	return "kinesis://" + name + "?" + strings.Join(query, "&")
}

func harness(endpoint, option string) streamtest.Harness {
	run := rand.Text()[:6] // an emulator outlives a run of the tests
	var mu sync.Mutex
	names := map[stream.Log]string{}
	return streamtest.Harness{
		Open: func(ctx context.Context, name string, _ int64) (stream.Log, error) {
			name = strings.NewReplacer(" ", "-", "'", "").Replace(name) + "-" + run
			log, err := kinesis.Open(ctx, location(endpoint, name, option), hurried)
			if err != nil {
				return nil, err
			}
			mu.Lock()
			defer mu.Unlock()
			names[log] = name
			return log, nil
		},
		Split: func(ctx context.Context, log stream.Log, shard stream.ShardID) error {
			mu.Lock()
			name := names[log]
			mu.Unlock()
			half := new(big.Int).Lsh(big.NewInt(1), 127)
			client := newClient(endpoint)
			_, err := client.SplitShard(ctx, &api.SplitShardInput{
				StreamName: aws.String(name), ShardToSplit: aws.String(string(shard)), NewStartingHashKey: aws.String(half.String()),
			})
			if err != nil {
				return err
			}
			return active(ctx, client, name)
		},
		Powers:  streamtest.Powers{Orders: true, Lasts: true},
		Largest: largest,
	}
}

// active waits until a stream is no longer being changed.
func active(ctx context.Context, client *api.Client, name string) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		out, err := client.DescribeStreamSummary(ctx, &api.DescribeStreamSummaryInput{StreamName: aws.String(name)})
		if err != nil {
			return err
		}
		if out.StreamDescriptionSummary.StreamStatus == "ACTIVE" {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("stream %s is %s: %w", name, out.StreamDescriptionSummary.StreamStatus, ctx.Err())
		}
	}
}

func newClient(endpoint string) *api.Client {
	return api.New(api.Options{
		BaseEndpoint: aws.String(endpoint), Region: "us-east-1", Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}
