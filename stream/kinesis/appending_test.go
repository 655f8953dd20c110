package kinesis_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/internal/kinesisfake"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/kinesis"
)

// Tests whose names begin with TestFlaw are of what the first, naive version of this line did wrong, by its number in the
// list that the issue about AWS refers to. What is not of the stream is tested where it belongs.

// open opens a stream of one shard, or of as many as were made before, on a fake or an emulator.
func open(t testing.TB, endpoint, name string, options ...string) *kinesis.Log {
	t.Helper()
	log, err := kinesis.Open(t.Context(), location(endpoint, name, options...), hurried)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return log
}

// quick tries again without taking its time.
var quick = stream.Patience{First: time.Millisecond, Longest: 5 * time.Millisecond, Within: 20 * time.Second}

func numbered(from, to int) []stream.Record {
	var records []stream.Record
	for i := from; i < to; i++ {
		records = append(records, stream.Record{Data: fmt.Appendf(nil, "record %d", i)})
	}
	return records
}

func put(t testing.TB, log stream.Log, records []stream.Record) {
	t.Helper()
	if err := log.Append(t.Context(), records); err != nil {
		t.Fatal(err)
	}
}

// count reads until every one of the records 0 to n was seen, and tells how often each was.
func count(t *testing.T, log stream.Log, n int) []int {
	t.Helper()
	shards, err := log.Shards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen, times := 0, make([]int, n)
	for _, shard := range shards {
		reader, err := log.Read(t.Context(), shard.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { reader.Close() })
		for seen < n {
			records, err := reader.Next(t.Context())
			if err != nil {
				t.Fatalf("with %d of %d records seen: %v", seen, n, err)
			}
			for _, r := range records {
				var i int
				if _, err := fmt.Sscanf(string(r.Data), "record %d", &i); err != nil || i >= n {
					t.Fatalf("a record that nobody put: %q", r.Data)
				}
				if times[i]++; times[i] == 1 {
					seen++
				}
			}
		}
	}
	return times
}

func TestPutsKeepToTheLimits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ records, size, calls int }{
		"many": {1200, 10, 3}, "large": {12, 1 << 20 * 9 / 10, 3}, "one": {1, 0, 1}, "500": {500, 100, 1}, "501": {501, 100, 2},
	} {
		fake := kinesisfake.New(kinesisfake.Options{})
		log := open(t, serve(t, fake), "limits")
		records := make([]stream.Record, c.records)
		for i := range records {
			records[i].Data = make([]byte, c.size)
		}
		put(t, log, records)
		counts := fake.Counts()
		if counts.Calls["PutRecords"] != c.calls || counts.Records != int64(c.records) {
			t.Errorf("%s: want %d calls for %d records; have %d for %d", name, c.calls, c.records, counts.Calls["PutRecords"], counts.Records)
		}
	}
}

// The driver tells each record's fate and tries nothing again; the wrapper tries just those that failed.
func TestFlaw14FailedRecordsArePutAgain(t *testing.T) {
	t.Parallel()
	fake := kinesisfake.New(kinesisfake.Options{})
	log := open(t, serve(t, fake), "flaw14")
	fake.SetFaults(kinesisfake.Faults{ThrottlePuts: 0.2, FailPuts: 0.1})
	err := log.Append(t.Context(), numbered(0, 1000))
	partial, ok := errors.AsType[*stream.PartialError](err)
	if !ok {
		t.Fatalf("want a PartialError; have %v", err)
	}
	throttled := 0
	for _, cause := range partial.Failed {
		if errors.Is(cause, stream.ErrThrottled) {
			throttled++
		} else if !strings.Contains(cause.Error(), "InternalFailure") {
			t.Errorf("want either fault; have %v", cause)
		}
	}
	counts := fake.Counts()
	if n := len(partial.Failed); n < 200 || n > 400 || throttled < 120 || throttled > 280 || int64(n) != counts.Refused || counts.Calls["PutRecords"] != 2 {
		t.Errorf("want some 300 of 1000 records to fail, 200 of them throttled, in two calls; have %d, %d and %+v", n, throttled, counts)
	}

	again := open(t, serve(t, fake), "flaw14-again")
	put(t, stream.Retry(again, quick), numbered(0, 2000))
	fake.SetFaults(kinesisfake.Faults{})
	for i, n := range count(t, again, 2000) {
		if n != 1 {
			t.Errorf("want record %d once, for a refused one was not kept; have it %d times", i, n)
		}
	}
}

// Where an answer is lost, the record stands in the stream twice: no position is the same, and what removes the second is
// the event's id, in the loader.
func TestFlaw15LostAnswersDoubleAndLoseNothing(t *testing.T) {
	t.Parallel()
	fake := kinesisfake.New(kinesisfake.Options{Seed: 3})
	log := open(t, serve(t, fake), "flaw15")
	fake.SetFaults(kinesisfake.Faults{LoseAnswers: 0.4, FailCalls: 0.1})
	again := stream.Retry(log, quick)
	for from := 0; from < 200; from += 10 {
		put(t, again, numbered(from, from+10))
	}
	fake.SetFaults(kinesisfake.Faults{})
	doubled := 0
	for _, n := range count(t, log, 200) {
		doubled += n - 1
	}
	if doubled == 0 {
		t.Error("want some records twice; have each once: the fault was not one")
	}
}

// A stream that refuses for longer than the bound gives its error to the door, which answers 503.
func TestFlaw16RefusalGoesUpAfterTheBound(t *testing.T) {
	t.Parallel()
	fake := kinesisfake.New(kinesisfake.Options{})
	log := open(t, serve(t, fake), "flaw16")
	fake.SetFaults(kinesisfake.Faults{ThrottlePuts: 1})
	impatient := stream.Retry(log, stream.Patience{First: 100 * time.Millisecond, Longest: time.Minute, Within: time.Second})
	// The bound may come in the midst of a call, whose outcome is unknown then.
	if err := impatient.Append(t.Context(), numbered(0, 3)); !errors.Is(err, stream.ErrThrottled) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("want ErrThrottled, or the bound; have %v", err)
	}
	if counts := fake.Counts(); counts.Calls["PutRecords"] < 2 || counts.Records != 0 {
		t.Errorf("want it tried again, and nothing kept; have %+v", counts)
	}
}

// A call that fails as a whole is no word about its records, and those of calls not made are said to have failed as well.
func TestFailedCall(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(kinesisfake.New(kinesisfake.Options{}))
	log := open(t, server.URL, "failed")
	server.Close()
	err := log.Append(t.Context(), numbered(0, 3))
	if _, partial := errors.AsType[*stream.PartialError](err); partial || err == nil || !strings.Contains(err.Error(), "failed in us-east-1") {
		t.Errorf("want an error of the call that names the stream; have %v", err)
	}
	if errors.Is(err, stream.ErrThrottled) || errors.Is(err, stream.ErrFull) {
		t.Errorf("want the outcome unknown; have %v", err)
	}
	if err := log.Append(t.Context(), numbered(0, 1200)); err == nil || strings.Contains(err.Error(), "1200 records were") {
		t.Errorf("want one error for all; have %v", err)
	}
}

// Records without a key go to all shards; those with one to one.
func TestRecordsSpread(t *testing.T) {
	t.Parallel()
	fake := kinesisfake.New(kinesisfake.Options{})
	if err := fake.CreateStream("spread", 4); err != nil {
		t.Fatal(err)
	}
	log := open(t, serve(t, fake), "spread")
	records := numbered(0, 400)
	for i := range 200 {
		records[i].Key = "the same"
	}
	put(t, log, records)
	shards, err := log.Shards(t.Context())
	if err != nil || len(shards) != 4 {
		t.Fatalf("want 4 shards; have %v, %v", shards, err)
	}
	keyed := 0
	for _, shard := range shards {
		reader, err := log.Read(t.Context(), shard.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		have, err := reader.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		alone, together := 0, 0
		for _, r := range have {
			if r.Key == "the same" {
				together++
			} else {
				alone++
			}
		}
		if together > 0 {
			keyed++
		}
		if together != 0 && together != 200 || alone < 25 || alone > 80 {
			t.Errorf("shard %s: want some 50 records without a key, and all or none with it; have %d and %d", shard.ID, alone, together)
		}
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	}
	if keyed != 1 {
		t.Errorf("want the key in one shard; have it in %d", keyed)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	endpoint := serve(t, kinesisfake.New(kinesisfake.Options{}))
	at := "endpoint=" + endpoint
	for url, want := range map[string]string{
		"kinesis://events?" + at:                      "events in us-east-1",
		"kinesis://?" + at:                            "got \"kinesis://?",
		"kinesis://a%20b?" + at:                       "kinesis://NAME",
		"kinesis://user@events?" + at:                 "kinesis://NAME",
		"kinesis://events/more?" + at:                 "kinesis://NAME",
		"kinesis://events?shards=1&" + at:             `no option "shards"`,
		"kinesis://events?from=yesterday&" + at:       `got "yesterday"`,
		"kinesis://events?from=2999-01-01T00:00:00Z":  "future",
		"kinesis://events?create=none&" + at:          `got "none"`,
		"kinesis://events?endpoint=nowhere":           `got "nowhere"`,
		"kinesis:arn:aws:kinesis:us-east-1:1:table/x": "kinesis:ARN",
		"nats://events":                               "kinesis://NAME",
	} {
		log, err := kinesis.Open(t.Context(), url, hurried)
		if err == nil {
			_ = log.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want an error with %q; have %v", url, want, err)
		}
	}
}

// A stream is known by its ARN as well, and its positions by its name and region either way.
func TestOpenByARN(t *testing.T) {
	t.Parallel()
	endpoint := serve(t, kinesisfake.New(kinesisfake.Options{}))
	byName := open(t, endpoint, "events")
	put(t, byName, numbered(0, 5))
	byARN, err := kinesis.Open(t.Context(), "kinesis:arn:aws:kinesis:us-east-1:000000000000:stream/events?endpoint="+endpoint, hurried)
	if err != nil {
		t.Fatal(err)
	}
	defer byARN.Close()
	put(t, byARN, numbered(5, 10))
	count(t, byARN, 10)
	if byARN.Name() != "events.us-east-1" || byName.Name() != byARN.Name() {
		t.Errorf("want events.us-east-1; have %q and %q", byName.Name(), byARN.Name())
	}
}
