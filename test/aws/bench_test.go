package aws

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/spoorhq/spoor/internal/kinesisfake"
	"github.com/spoorhq/spoor/internal/pgtest"
	"github.com/spoorhq/spoor/test/aws/topology"
	"github.com/spoorhq/spoor/test/process"
)

// The benchmarks run once each, on the fake of Kinesis and the stand-in for Redshift, all on this machine:
//
//	scripts/bench-aws

// BenchmarkConsumer tells how fast one loader brings a stream's backlog into the warehouse. SPOOR_BENCH_EVENTS says how
// many events it is.
func BenchmarkConsumer(b *testing.B) {
	events := number(b, "SPOOR_BENCH_EVENTS", 500_000)
	for range b.N {
		stream, _ := fakeStream(b, 4)
		_, warehouse := pgtest.StandIn(b)
		top := topology.Run(b, topology.Options{Stream: stream, Warehouse: warehouse, LoadArgs: []string{}})
		for _, l := range top.Loaders {
			if _, err := l.Stop(); err != nil { // and leaves its leases to whoever comes
				b.Fatal(err)
			}
		}
		put := simulate(b, top.Collectors[0], "-n", strconv.FormatUint(events, 10), "--batch", "100", "--clients", "32")
		for _, c := range top.Collectors {
			if _, err := c.Stop(); err != nil {
				b.Fatal(err)
			}
		}
		before := rows(b, top.Dashboard)
		began := time.Now()
		if err := top.Loaders[0].Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		first := time.Time{}
		for have := before; have < int64(events); have = rows(b, top.Dashboard) {
			if first.IsZero() && have > before {
				first = time.Now()
			}
			pause(b.Context(), 100*time.Millisecond)
		}
		took := time.Since(began)
		if _, err := top.Loaders[0].Stop(); err != nil {
			b.Fatal(err)
		}
		b.Logf("%d events in %v, the first of them after %v; put in %v", events, took, first.Sub(began), put)
		b.ReportMetric(float64(int64(events)-before)/took.Seconds(), "events/s")
		b.ReportMetric(float64(top.Loaders[0].Used().Microseconds())/float64(int64(events)-before), "loader-µs/event")
		top.Kill()
	}
}

// BenchmarkFreshness tells how old the newest row is at 5,000 events a second through the whole topology, with the
// default of a commit at most every 10 s.
func BenchmarkFreshness(b *testing.B) {
	const rate = 5000
	length := time.Duration(number(b, "SPOOR_BENCH_SECONDS", 90)) * time.Second
	for range b.N {
		stream, kinesis := fakeStream(b, 8)
		_, warehouse := pgtest.StandIn(b)
		top := topology.Run(b, topology.Options{Stream: stream, Warehouse: warehouse, LoadArgs: []string{}})
		sending, stop := context.WithCancel(b.Context())
		done := make(chan struct{})
		for _, c := range top.Collectors {
			go func() {
				simulate(b, c, "--rate", strconv.Itoa(rate/len(top.Collectors)), "--for", length.String(), "--batch", "50")
				done <- struct{}{}
			}()
		}
		pause(sending, 30*time.Second) // until a steady state
		var ages []time.Duration
		for left := len(top.Collectors); left > 0; {
			select {
			case <-done:
				left--
			case <-time.After(100 * time.Millisecond):
				if left == len(top.Collectors) {
					ages = append(ages, age(b, top.Dashboard))
				}
			}
		}
		stop()
		slices.Sort(ages)
		at := func(share float64) float64 { return ages[int(share*float64(len(ages)-1))].Seconds() }
		counts := kinesis.Counts()
		b.Logf("%d samples; %d records, %d PUT payload units, %d bytes", len(ages), counts.Records, counts.Units, counts.Bytes)
		b.ReportMetric(at(0.5), "s-p50")
		b.ReportMetric(at(0.99), "s-p99")
		b.ReportMetric(at(1), "s-max")
		top.Kill()
	}
}

func fakeStream(b *testing.B, shards int) (string, *kinesisfake.Service) {
	b.Helper()
	kinesis := kinesisfake.New(kinesisfake.Options{Limits: false})
	if err := kinesis.CreateStream(streamName, shards); err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(kinesis)
	b.Cleanup(server.Close)
	return "kinesis://" + streamName + "?endpoint=" + server.URL, kinesis
}

// simulate sends simulated events to a collector, and gives how long that took.
func simulate(b *testing.B, collector *process.Process, args ...string) time.Duration {
	b.Helper()
	began := time.Now()
	out, errs, code, err := collector.Run(b.Context(), append([]string{"simulate"}, args...)...)
	if err != nil || code != 0 {
		b.Errorf("spoor simulate: %d %v\n%s%s", code, err, out, errs)
	}
	return time.Since(began)
}

func rows(b *testing.B, dashboard *process.Process) int64 {
	b.Helper()
	answer, err := dashboard.SQL(b.Context(), "select count(*) as n from events")
	if err != nil || len(answer) != 1 {
		b.Fatal(answer, err)
	}
	n, err := strconv.ParseInt(fmt.Sprint(answer[0]["n"]), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// age is how long ago the newest row was received.
func age(b *testing.B, dashboard *process.Process) time.Duration {
	b.Helper()
	answer, err := dashboard.SQL(b.Context(), "select max(received_at) as newest from events")
	if err != nil || len(answer) != 1 {
		b.Error(answer, err)
		return 0
	}
	at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(answer[0]["newest"]))
	if err != nil {
		b.Error(err)
	}
	return time.Since(at)
}
