package firehose_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/spoorhq/spoor/internal/awsconf"
	"github.com/spoorhq/spoor/internal/firehosefake"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/firehose"
	"github.com/spoorhq/spoor/stream/memory"
	"github.com/spoorhq/spoor/stream/streamtest"
)

func open(t testing.TB, fake *firehosefake.Server, name string) *firehose.Log {
	t.Helper()
	config, err := awsconf.Load(t.Context(), awsconf.Options{Endpoint: fake.URL})
	if err != nil {
		t.Fatal(err)
	}
	log, err := firehose.Open(name, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	return log
}

// readable lets the suite see what the fake has taken: it is delivered, one object a record, to a stream that can be read.
type readable struct {
	stream.Log // the one that can be read
	firehose   *firehose.Log
	fake       *firehosefake.Server
	name       string
	mu         sync.Mutex
}

func (r *readable) Append(ctx context.Context, records []stream.Record) error {
	err := r.firehose.Append(ctx, records)
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(err, r.fake.Deliver(r.name, 0, func(object []byte) error {
		return r.Log.Append(context.WithoutCancel(ctx), []stream.Record{{Data: object}})
	}))
}

// TestConformance holds Append to the contract; what the suite asks of reading is not asked.
func TestConformance(t *testing.T) {
	t.Parallel()
	fake := firehosefake.New(t)
	cases := []string{
		"append nothing", "append keeps order", "append takes any key", "append retains nothing", "append heeds ctx",
		"appenders side by side", "append refuses the too large",
	}
	ran := map[string]bool{}
	var mu sync.Mutex
	failures := streamtest.Failures(t.Context(), streamtest.Harness{
		Open: func(_ context.Context, name string, limit int64) (stream.Log, error) {
			mu.Lock()
			ran[name] = true
			mu.Unlock()
			return &readable{
				Log: plain{memory.New(memory.Options{MaxBytes: limit}).Open()}, firehose: open(t, fake, name), fake: fake, name: name,
			}, nil
		},
		Largest: firehose.MaxRecordBytes,
	}, cases...)
	for name, err := range failures {
		t.Errorf("%s: %v", name, err)
	}
	for _, name := range cases {
		if !ran[name] {
			t.Errorf("the suite has no case %q", name)
		}
	}
}

// plain hides the powers of a Log.
type plain struct{ stream.Log }

func TestCallsKeepTheLimits(t *testing.T) {
	t.Parallel()
	fake := firehosefake.New(t)
	log := open(t, fake, "events")
	var want []stream.Record
	for i := range 1203 {
		want = append(want, stream.Record{Data: fmt.Appendf(nil, "%d\n", i)})
	}
	for range 9 {
		want = append(want, stream.Record{Data: bytes.Repeat([]byte("x"), firehose.MaxRecordBytes)})
	}
	if err := log.Append(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	have := fake.Records("events")
	if len(have) != len(want) {
		t.Fatalf("want %d records; have %d", len(want), len(have))
	}
	for i := range want {
		if !bytes.Equal(want[i].Data, have[i]) {
			t.Fatalf("record %d is another", i)
		}
	}
	// 500, 500, 203 and four of the large, four, one.
	if want, have := 5, fake.Calls(); want != have {
		t.Errorf("want %d calls; have %d", want, have)
	}
}

func TestEachFailedRecordIsTold(t *testing.T) {
	t.Parallel()
	fake := firehosefake.New(t)
	log := open(t, fake, "events")
	fake.FailRecords(func(call, record int, _ []byte) string {
		if call == 1 && record%100 == 7 {
			return "ServiceUnavailableException"
		}
		return ""
	})
	err := log.Append(t.Context(), make([]stream.Record, 750))
	partial, ok := errors.AsType[*stream.PartialError](err)
	if !ok {
		t.Fatalf("want a PartialError; have %v", err)
	}
	want := []int{507, 607, 707}
	var have []int
	for at := range partial.Failed {
		have = append(have, at)
	}
	if slices.Sort(have); !slices.Equal(want, have) {
		t.Errorf("want the records %v named; have %v", want, have)
	}
	if !errors.Is(partial.Failed[507], stream.ErrThrottled) {
		t.Errorf("want it told that this is for now; have %v", partial.Failed[507])
	}
	if n := len(fake.Records("events")); n != 747 {
		t.Errorf("want 747 records taken; have %d", n)
	}
}

// TestOnlyTheFailedAreTriedAgain: a fifth of the records is refused at each try, and everything arrives once.
func TestOnlyTheFailedAreTriedAgain(t *testing.T) {
	t.Parallel()
	fake := firehosefake.New(t)
	fake.FailRecords(func(call, record int, _ []byte) string {
		if (call+record)%5 == 0 && call < 6 {
			return "ServiceUnavailableException"
		}
		return ""
	})
	log := stream.Retry(open(t, fake, "events"), stream.Patience{First: time.Millisecond, Longest: 2 * time.Millisecond})
	var want []stream.Record
	for i := range 1000 {
		want = append(want, stream.Record{Data: fmt.Appendf(nil, "%d", i)})
	}
	if err := log.Append(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	for _, data := range fake.Records("events") {
		times[string(data)]++
	}
	for i := range want {
		if n := times[string(want[i].Data)]; n != 1 {
			t.Errorf("record %d is there %d times", i, n)
		}
	}
}

// TestAFailedCallIsNotTriedByTheClient: the driver is dumb, AWS's client too.
func TestAFailedCallIsNotTriedByTheClient(t *testing.T) {
	t.Parallel()
	fake := firehosefake.New(t)
	fake.FailCalls(func(call int) (int, string) { return 503, "ServiceUnavailableException" })
	err := open(t, fake, "events").Append(t.Context(), make([]stream.Record, 3))
	partial, ok := errors.AsType[*stream.PartialError](err)
	if !ok || len(partial.Failed) != 3 {
		t.Errorf("want all three records named; have %v", err)
	}
	if have := fake.Calls(); have != 1 {
		t.Errorf("want one call; have %d", have)
	}
}

func TestItCannotBeRead(t *testing.T) {
	t.Parallel()
	log := open(t, firehosefake.New(t), "events")
	if _, err := log.Shards(t.Context()); !errors.Is(err, firehose.ErrAppendOnly) {
		t.Errorf("shards: want ErrAppendOnly; have %v", err)
	}
	if _, err := log.Read(t.Context(), "0", ""); !errors.Is(err, firehose.ErrAppendOnly) {
		t.Errorf("read: want ErrAppendOnly; have %v", err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if err := log.Append(t.Context(), make([]stream.Record, 1)); !errors.Is(err, stream.ErrClosed) {
		t.Errorf("append after close: want ErrClosed; have %v", err)
	}
	if _, err := firehose.Open("", aws.Config{}); err == nil {
		t.Error("want no stream without a name")
	}
}
