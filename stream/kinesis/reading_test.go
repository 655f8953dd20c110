package kinesis_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/spoorhq/spoor/internal/kinesisfake"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/kinesis"
)

const firstShard = stream.ShardID("shardId-000000000000")

// clock is a fake's time.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time              { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) pass(d time.Duration)        { c.ahead.Add(int64(d)) }
func withClock(c *clock) kinesisfake.Options { return kinesisfake.Options{Now: c.now} }

// take reads n records of a shard behind a position.
func take(t *testing.T, log stream.Log, shard stream.ShardID, after stream.Position, n int) []stream.Record {
	t.Helper()
	reader, err := log.Read(t.Context(), shard, after)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	return next(t, reader, n)
}

// next reads on until it has n records.
func next(t *testing.T, reader stream.Reader, n int) []stream.Record {
	t.Helper()
	var have []stream.Record
	for len(have) < n {
		records, err := reader.Next(t.Context())
		if err != nil {
			t.Fatalf("with %d of %d records read: %v", len(have), n, err)
		}
		have = append(have, records...)
	}
	return have
}

func texts(records []stream.Record) string {
	var all []string
	for _, r := range records {
		all = append(all, strings.TrimPrefix(string(r.Data), "record "))
	}
	return strings.Join(all, " ")
}

func wantTexts(t *testing.T, what, want string, have []stream.Record) {
	t.Helper()
	if texts(have) != want {
		t.Errorf("%s: want the records %q; have %q", what, want, texts(have))
	}
}

// However long nobody read, reading goes on where it stopped: with nothing left out and nothing twice.
func TestFlaw01ReadingGoesOnAtThePosition(t *testing.T) {
	t.Parallel()
	var c clock
	log := open(t, serve(t, kinesisfake.New(withClock(&c))), "flaw01")
	put(t, log, numbered(0, 4))
	before := take(t, log, firstShard, "", 4)
	put(t, log, numbered(4, 6))
	c.pass(20 * time.Hour)
	put(t, log, numbered(6, 8))
	wantTexts(t, "after 20 hours", "2 3 4 5 6 7", take(t, log, firstShard, before[1].Position, 6))
}

// A call brings as many records as there are, not a handful.
func TestFlaw03ACallBringsManyRecords(t *testing.T) {
	t.Parallel()
	fake := kinesisfake.New(kinesisfake.Options{})
	log := open(t, serve(t, fake), "flaw03")
	put(t, log, numbered(0, 5000))
	take(t, log, firstShard, "", 5000)
	if calls := fake.Counts().Calls["GetRecords"]; calls > 2 {
		t.Errorf("want 5000 records in a call or two; have %d calls", calls)
	}
}

// An empty answer is neither the end nor a reason to stop.
func TestFlaw04EmptyAnswersAreNoEnd(t *testing.T) {
	t.Parallel()
	fake := kinesisfake.New(kinesisfake.Options{})
	log := open(t, serve(t, fake), "flaw04")
	fake.SetFaults(kinesisfake.Faults{EmptyReads: 0.8})
	put(t, log, numbered(0, 5))
	if err := fake.Split("flaw04", string(firstShard)); err != nil {
		t.Fatal(err)
	}
	reader, err := log.Read(t.Context(), firstShard, "")
	if err != nil {
		t.Fatal(err)
	}
	wantTexts(t, "of empty answers", "0 1 2 3 4", next(t, reader, 5))
	if _, err := reader.Next(t.Context()); err != io.EOF {
		t.Errorf("want the closed shard's end; have %v", err)
	}
	if calls := fake.Counts().Calls["GetRecords"]; calls < 2 {
		t.Errorf("want empty answers among %d calls", calls)
	}
}

// Each answer says how to go on; an iterator is asked for once.
func TestFlaw05IteratorsFollowEachOther(t *testing.T) {
	t.Parallel()
	fake := kinesisfake.New(kinesisfake.Options{})
	log := open(t, serve(t, fake), "flaw05")
	reader, err := log.Read(t.Context(), firstShard, "")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for i := range 20 {
		put(t, log, numbered(i, i+1))
		wantTexts(t, "one by one", fmt.Sprint(i), next(t, reader, 1))
	}
	if calls := fake.Counts().Calls["GetShardIterator"]; calls != 1 {
		t.Errorf("want one iterator asked for; have %d", calls)
	}
}

func TestFlaw06LagIsKnown(t *testing.T) {
	t.Parallel()
	var c clock
	log := open(t, serve(t, kinesisfake.New(withClock(&c))), "flaw06")
	put(t, log, numbered(0, 10_001))
	c.pass(time.Minute)
	reader, err := log.Read(t.Context(), firstShard, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(log.Lag()) != 0 {
		t.Errorf("want no lag before anything was read; have %v", log.Lag())
	}
	if _, err := reader.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lag := log.Lag()[firstShard]; lag < 50*time.Second || lag > 2*time.Minute {
		t.Errorf("want a lag of a minute with one record left; have %s", lag)
	}
	if _, err := reader.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lag, known := log.Lag()[firstShard]; lag != 0 || !known {
		t.Errorf("want no lag at the newest record; have %s, %t", lag, known)
	}
	if err := reader.Close(); err != nil || len(log.Lag()) != 0 {
		t.Errorf("want no lag of a reader that is gone; have %v, %v", log.Lag(), err)
	}
}

// All shards are listed, page by page, with both parents of a merged one; closed ones end, and are forgotten in time.
func TestFlaw07ShardsComeAndGo(t *testing.T) {
	t.Parallel()
	var c clock
	fake := kinesisfake.New(kinesisfake.Options{Now: c.now, PageSize: 3})
	if err := fake.CreateStream("flaw07", 10); err != nil {
		t.Fatal(err)
	}
	endpoint := serve(t, fake)
	log := open(t, endpoint, "flaw07")
	c.pass(time.Hour)
	open := fake.OpenShards("flaw07")
	if err := errors.Join(fake.Merge("flaw07", open[4], open[5]), fake.Split("flaw07", open[0])); err != nil {
		t.Fatal(err)
	}
	shards, err := log.Shards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, s := range shards[10:] {
		text += fmt.Sprintln(s.ID, s.Parents, s.Closed)
	}
	want := "shardId-000000000010 [shardId-000000000004 shardId-000000000005] false\n" +
		"shardId-000000000011 [shardId-000000000000] false\nshardId-000000000012 [shardId-000000000000] false\n"
	if len(shards) != 13 || text != want || !shards[0].Closed || !shards[5].Closed || shards[1].Closed {
		t.Errorf("want 13 shards, with\n%shave %+v", want, shards)
	}
	if calls := fake.Counts().Calls["ListShards"]; calls != 5 {
		t.Errorf("want 5 pages of 3; have %d calls", calls)
	}
	reader, err := log.Read(t.Context(), stream.ShardID(open[4]), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Next(t.Context()); err != io.EOF {
		t.Errorf("want a closed shard without records to end; have %v", err)
	}

	// The number of shards is changed as a whole, too.
	if _, err := newClient(endpoint).UpdateShardCount(t.Context(), &api.UpdateShardCountInput{
		StreamName: aws.String("flaw07"), TargetShardCount: aws.Int32(7), ScalingType: "UNIFORM_SCALING",
	}); err != nil || len(fake.OpenShards("flaw07")) != 7 {
		t.Errorf("want 7 open shards; have %v, %v", fake.OpenShards("flaw07"), err)
	}

	// A day later the closed ones are gone, and with them their records.
	c.pass(25 * time.Hour)
	if shards, err = log.Shards(t.Context()); err != nil || len(shards) != 7 {
		t.Errorf("want the 7 open shards alone; have %v, %v", shards, err)
	}
	if _, err := log.Read(t.Context(), firstShard, ""); !errors.Is(err, stream.ErrUnknownShard) {
		t.Errorf("want a shard that is gone to be unknown; have %v", err)
	}
}

// What expires, is throttled or breaks ends no reader, and no record is lost or read twice for it.
func TestFlaw08ReadersOutliveFaults(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string]kinesisfake.Faults{
		"expired":   {ExpireReads: 0.5},
		"throttled": {ThrottleReads: 0.2},
		"broken":    {FailCalls: 0.3, LoseAnswers: 0.2},
		"all":       {ExpireReads: 0.2, FailCalls: 0.2, EmptyReads: 0.3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := kinesisfake.New(kinesisfake.Options{Seed: 9})
			log := open(t, serve(t, fake), "flaw08")
			put(t, log, numbered(0, 3))
			fake.SetFaults(faults)
			reader, err := stream.Retry(log, quick).Read(t.Context(), firstShard, "")
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			want := next(t, reader, 3)
			for i := 3; i < 9; i++ {
				fake.SetFaults(kinesisfake.Faults{})
				put(t, log, numbered(i, i+1))
				fake.SetFaults(faults)
				want = append(want, next(t, reader, 1)...)
			}
			wantTexts(t, name, "0 1 2 3 4 5 6 7 8", want)
		})
	}
}

// Kinesis goes on behind a gap without a word; the driver finds that the record it should begin behind is gone.
func TestTrimmedPosition(t *testing.T) {
	t.Parallel()
	for _, consumer := range []string{"", "consumer=trim"} {
		var c clock
		fake := kinesisfake.New(kinesisfake.Options{Now: c.now, ResubscribeAfter: time.Nanosecond})
		log := open(t, serve(t, fake), "trimmed", consumer)
		put(t, log, numbered(0, 3))
		old := take(t, log, firstShard, "", 3)
		c.pass(2 * time.Hour)
		put(t, log, numbered(3, 5))
		if err := fake.Trim("trimmed", c.now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		reader, err := log.Read(t.Context(), firstShard, old[0].Position)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := reader.Next(t.Context()); !errors.Is(err, stream.ErrTrimmed) {
			t.Errorf("%s: want ErrTrimmed; have %v", consumer, err)
		}
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
		wantTexts(t, "from the oldest", "3 4", take(t, log, firstShard, "", 2))
	}
}

// A position that nothing came behind is as good as ever, even when its own record is forgotten.
func TestTrimmedWithNothingBehind(t *testing.T) {
	t.Parallel()
	var c clock
	fake := kinesisfake.New(withClock(&c))
	log := open(t, serve(t, fake), "idle")
	put(t, log, numbered(0, 3))
	old := take(t, log, firstShard, "", 3)
	c.pass(25 * time.Hour)
	if err := fake.Split("idle", string(firstShard)); err != nil {
		t.Fatal(err)
	}
	reader, err := log.Read(t.Context(), firstShard, old[2].Position)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := reader.Next(t.Context()); err != io.EOF {
		t.Errorf("want the closed shard's end; have %v", err)
	}
}

// A sequence number of another stream is well formed, and refused.
func TestPositionOfAnotherStream(t *testing.T) {
	t.Parallel()
	endpoint := serve(t, kinesisfake.New(kinesisfake.Options{}))
	one, other := open(t, endpoint, "one"), open(t, endpoint, "other")
	put(t, one, numbered(0, 1))
	position := take(t, one, firstShard, "", 1)[0].Position
	if _, err := other.Read(t.Context(), firstShard, position); !errors.Is(err, stream.ErrUnknownPosition) {
		t.Errorf("want ErrUnknownPosition; have %v", err)
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	var c clock
	fake := kinesisfake.New(withClock(&c))
	endpoint := serve(t, fake)
	put(t, open(t, endpoint, "from"), numbered(0, 2))
	begun := c.now()

	latest := open(t, endpoint, "from", "from=latest")
	reader, err := latest.Read(t.Context(), firstShard, "")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	// What comes after the reader was opened is read, even when its iterator expires before it has read anything.
	fake.ExpireIterators()
	put(t, latest, numbered(2, 4))
	have := next(t, reader, 2)
	wantTexts(t, "latest", "2 3", have[len(have)-2:])

	c.pass(time.Hour)
	put(t, latest, numbered(4, 5))
	at := open(t, endpoint, "from", "from="+begun.Add(-time.Hour).UTC().Format(time.RFC3339))
	wantTexts(t, "a time before all", "0 1 2 3 4", take(t, at, firstShard, "", 5))
	wantTexts(t, "a position counts more", "3 4", take(t, latest, firstShard, have[len(have)-2].Position, 2))

	// A shard that came by resharding is read whole, for its parents were read up to it.
	if err := fake.Split("from", string(firstShard)); err != nil {
		t.Fatal(err)
	}
	record := stream.Record{Key: "a", Data: []byte("record 5")}
	put(t, latest, []stream.Record{record})
	child := 1
	if fakeHolds(t, latest, "shardId-000000000002") {
		child = 2
	}
	wantTexts(t, "a child", "5", take(t, latest, stream.ShardID(fmt.Sprintf("shardId-%012d", child)), "", 1))
}

// With from=latest, what was read and not committed is read again by whoever begins anew, and so is what came in between;
// and a shard whose position was trimmed is read from its oldest record, not from its newest.
func TestLatestLosesNothing(t *testing.T) {
	t.Parallel()
	for _, option := range []string{"", "consumer=c"} {
		t.Run(option, func(t *testing.T) {
			t.Parallel()
			var c clock
			fake := kinesisfake.New(withClock(&c))
			endpoint := serve(t, fake)
			options := []string{"from=latest"}
			if option != "" {
				options = append(options, option)
			}
			put(t, open(t, endpoint, "latest"), numbered(0, 2))
			c.pass(time.Hour)
			log := open(t, endpoint, "latest", options...)
			reader, err := log.Read(t.Context(), firstShard, "")
			if err != nil {
				t.Fatal(err)
			}
			put(t, log, numbered(2, 4))
			wantTexts(t, "what came", "2 3", next(t, reader, 2))
			if err := reader.Close(); err != nil {
				t.Error(err)
			}
			put(t, log, numbered(4, 5))
			have := take(t, log, firstShard, "", 3)
			wantTexts(t, "begun anew", "2 3 4", have)

			c.pass(23*time.Hour + 59*time.Minute)
			put(t, log, numbered(5, 7))
			c.pass(2 * time.Minute)
			reader, err = log.Read(t.Context(), firstShard, have[2].Position)
			if err == nil {
				_, err = reader.Next(t.Context())
			}
			if !errors.Is(err, stream.ErrTrimmed) {
				t.Fatalf("want ErrTrimmed; have %v", err)
			}
			if err := reader.Close(); err != nil {
				t.Error(err)
			}
			wantTexts(t, "after a loss", "5 6", take(t, log, firstShard, "", 2))
		})
	}
}

// fakeHolds tells whether a shard has a record now.
func fakeHolds(t *testing.T, log stream.Log, shard stream.ShardID) bool {
	t.Helper()
	reader, err := log.Read(t.Context(), shard, "")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = reader.Next(ctx)
	return err == nil
}

// Sequence numbers are larger than any integer: 9 is before 10, whatever the letters say.
func TestCompareIsOfNumbers(t *testing.T) {
	t.Parallel()
	var log *kinesis.Log
	order := []stream.Position{"", "9", "10", "99", "49590338271490256608559692538361571095921575989136588898", "149590338271490256608559692538361571095921575989136588898"}
	for i, a := range order {
		for j, b := range order {
			if have := log.Compare(a, b); (have < 0) != (i < j) || (have > 0) != (i > j) {
				t.Errorf("want %q and %q as %d and %d; have %d", a, b, i, j, have)
			}
		}
	}
}
