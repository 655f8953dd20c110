package stream_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/memory"
)

func TestMeasure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		inner := memory.New(memory.Options{MaxBytes: 10}).Open()
		log, err := stream.Measure(inner, registry)
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		for i, records := range [][]stream.Record{
			{{Data: []byte("12345")}},                          // ok
			{{Data: []byte("123456")}, {Data: []byte("1234")}}, // partial: the second goes in
			{{Data: []byte("12")}, {Data: []byte("123")}},      // full
		} {
			err := log.Append(ctx, records)
			if (err == nil) != (i == 0) {
				t.Fatalf("append %d: have %v", i, err)
			}
		}
		reader, err := log.Read(ctx, "0", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := reader.Next(ctx); err != nil {
			t.Fatal(err)
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := reader.Next(ended); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if _, err := log.Read(ctx, "0", "99"); err == nil {
			t.Fatal("want an unknown position to be refused")
		}

		want := `
# HELP spoor_stream_appended_bytes_total Bytes of the records that the stream acknowledged.
# TYPE spoor_stream_appended_bytes_total counter
spoor_stream_appended_bytes_total 9
# HELP spoor_stream_appended_records_total Records that the stream acknowledged.
# TYPE spoor_stream_appended_records_total counter
spoor_stream_appended_records_total 2
# HELP spoor_stream_appends_total Appends by outcome: ok, partial (some records went in), full (no room for any), throttled (none, for now), failed (unknown or none).
# TYPE spoor_stream_appends_total counter
spoor_stream_appends_total{outcome="full"} 1
spoor_stream_appends_total{outcome="ok"} 1
spoor_stream_appends_total{outcome="partial"} 1
# HELP spoor_stream_bytes Bytes kept now.
# TYPE spoor_stream_bytes gauge
spoor_stream_bytes 9
# HELP spoor_stream_limit_bytes Bytes that the stream has room for; 0: none known.
# TYPE spoor_stream_limit_bytes gauge
spoor_stream_limit_bytes 10
# HELP spoor_stream_oldest_timestamp_seconds When the stream took the oldest record kept; absent when it is empty.
# TYPE spoor_stream_oldest_timestamp_seconds gauge
spoor_stream_oldest_timestamp_seconds 9.466848e+08
# HELP spoor_stream_read_bytes_total Bytes of the records read.
# TYPE spoor_stream_read_bytes_total counter
spoor_stream_read_bytes_total 9
# HELP spoor_stream_read_records_total Records read.
# TYPE spoor_stream_read_records_total counter
spoor_stream_read_records_total 2
# HELP spoor_stream_reads_total Batches read, and reads that failed; a wait that was called off is neither.
# TYPE spoor_stream_reads_total counter
spoor_stream_reads_total{outcome="failed"} 1
spoor_stream_reads_total{outcome="ok"} 1
# HELP spoor_stream_records Records kept now.
# TYPE spoor_stream_records gauge
spoor_stream_records 2
`
		var names []string
		for line := range strings.Lines(want) {
			if fields := strings.Fields(line); len(fields) > 2 && fields[1] == "TYPE" {
				names = append(names, fields[2])
			}
		}
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), names...); err != nil {
			t.Error(err)
		}
		if n, err := testutil.GatherAndCount(registry, "spoor_stream_append_seconds"); n != 1 || err != nil {
			t.Errorf("want the latency of appends; have %d, %v", n, err)
		}
	})
}

func TestMeasureTwice(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	log := memory.New(memory.Options{}).Open()
	for _, name := range []string{"raw", "archive"} {
		if _, err := stream.Measure(log, prometheus.WrapRegistererWith(prometheus.Labels{"stream": name}, registry)); err != nil {
			t.Errorf("want a label to tell two streams apart; have %v", err)
		}
	}
	if _, err := stream.Measure(log, prometheus.WrapRegistererWith(prometheus.Labels{"stream": "raw"}, registry)); err == nil {
		t.Error("want the same collectors on one registry to be refused")
	}
}

// TestMeasureWithoutSize: a Log that does not know its size is measured all the same, and one that does not answer in
// time does not hold up a scrape.
func TestMeasureWithoutSize(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, log := range map[string]stream.Log{"none": struct{ stream.Log }{}, "mute": muteStatter{}} {
			registry := prometheus.NewRegistry()
			if _, err := stream.Measure(log, registry); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			families, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, family := range families {
				if family.GetName() == "spoor_stream_bytes" {
					t.Errorf("%s: want no size", name)
				}
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("%s: the scrape took %s", name, took)
			}
		}
	})
}

type muteStatter struct{ stream.Log }

func (muteStatter) Stat(ctx context.Context) (stream.Stat, error) {
	<-ctx.Done()
	return stream.Stat{}, ctx.Err()
}

func TestAs(t *testing.T) {
	t.Parallel()
	inner := memory.New(memory.Options{}).Open()
	measured, err := stream.Measure(inner, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	log := stream.Retry(measured, stream.Patience{})
	if trimmer, ok := stream.As[stream.Trimmer](log); !ok || trimmer != stream.Trimmer(inner) {
		t.Errorf("want the driver's own Trimmer; have %v", trimmer)
	}
	if _, ok := stream.As[stream.Statter](stream.Retry(struct{ stream.Log }{inner}, stream.Patience{})); ok {
		t.Error("want no power that the Log inside has not")
	}
}

// lagging is a stream that knows how far behind its readers are.
type lagging struct{ stream.Log }

func (lagging) Lag() map[stream.ShardID]time.Duration {
	return map[stream.ShardID]time.Duration{"a": 1500 * time.Millisecond, "b": 0}
}

func TestMeasureLag(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	if _, err := stream.Measure(lagging{memory.New(memory.Options{}).Open()}, registry); err != nil {
		t.Fatal(err)
	}
	want := `
# HELP spoor_stream_lag_seconds How much older than the newest record of a shard what was read last of it is.
# TYPE spoor_stream_lag_seconds gauge
spoor_stream_lag_seconds{shard="a"} 1.5
spoor_stream_lag_seconds{shard="b"} 0
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "spoor_stream_lag_seconds"); err != nil {
		t.Error(err)
	}
}
