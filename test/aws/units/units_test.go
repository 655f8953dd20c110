// Package units measures what a door costs on Kinesis.
package units

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/spoorhq/spoor/collect"
	"github.com/spoorhq/spoor/collect/segment"
	"github.com/spoorhq/spoor/internal/kinesisfake"
	"github.com/spoorhq/spoor/simulate"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/kinesis"
)

// BenchmarkPayloadUnits counts, on the wire, what Kinesis would bill for a million events of 500 bytes in each format of the
// door: PUT payload units of 25 KiB. The events are the simulator's, some 700 bytes each, counted as so many times 500, in
// requests of twenty, from 64 clients that do not wait between requests ("full") or together send 2,000 events a second ("2000/s").
//
//	go test ./test/aws/units -run '^$' -bench PayloadUnits
func BenchmarkPayloadUnits(b *testing.B) {
	const events, batch = 20_000, 20
	bodies, size := traffic(b, events, batch)
	for _, format := range []collect.Format{collect.JSON, collect.KPL, collect.Compact} {
		b.Run("full/"+string(format), func(b *testing.B) {
			for b.Loop() {
				fewer := report(b, count(b, format, bodies, 0), events, size)
				if least := map[collect.Format]float64{collect.KPL: 45, collect.Compact: 200}[format]; fewer < least {
					b.Errorf("%s: want %.0f times fewer units than events; have %.1f", format, least, fewer)
				}
			}
		})
	}
	b.Run("2000/s/compact", func(b *testing.B) {
		for b.Loop() {
			report(b, count(b, collect.Compact, bodies[:len(bodies)/4], 2000/batch), events/4, size)
		}
	})
}

// report writes the figures, and gives how many events there are to a unit.
func report(b *testing.B, counts kinesisfake.Counts, events int, size float64) float64 {
	b.Helper()
	perMillion := float64(counts.Units) / (float64(events) * max(size/500, 1)) * 1e6
	if counts.Units == int64(events) {
		perMillion = 1e6 // one event a record: its size changes nothing
	}
	b.ReportMetric(perMillion, "units/1M-of-500B")
	b.ReportMetric(1e6/perMillion, "times-fewer")
	b.ReportMetric(float64(counts.Bytes)/float64(events), "wire-B/event")
	b.ReportMetric(size, "sent-B/event")
	b.ReportMetric(0, "ns/op")
	return 1e6 / perMillion
}

// traffic makes requests of the simulator's events, and tells an event's mean size.
func traffic(b *testing.B, events, batch int) (bodies [][]byte, size float64) {
	b.Helper()
	g, err := simulate.NewGenerator(simulate.Config{Seed: 1, Run: "units", Rate: 2000, From: time.Now()})
	if err != nil {
		b.Fatal(err)
	}
	var body []byte
	total := 0
	for n := 0; n < events; {
		var e simulate.Event
		if !g.Next(&e) {
			b.Fatal("the simulation ended")
		}
		if n%batch == 0 {
			body = append([]byte(nil), `{"batch":[`...)
		} else {
			body = append(body, ',')
		}
		body = append(body, e.JSON...)
		total += len(e.JSON)
		if n++; n%batch == 0 {
			bodies = append(bodies, append(body, `],"sentAt":"2026-11-25T21:00:00.000Z"}`...))
		}
	}
	return bodies, float64(total) / float64(events)
}

// count sends the requests through a door to a fake of Kinesis with four shards, and tells what arrived there. perSecond
// bounds the requests; 0: as fast as they are answered.
func count(b *testing.B, format collect.Format, bodies [][]byte, perSecond int) kinesisfake.Counts {
	b.Helper()
	fake := kinesisfake.New(kinesisfake.Options{})
	if err := fake.CreateStream("units", 4); err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(fake)
	defer server.Close()
	log, err := kinesis.Open(b.Context(), fmt.Sprintf("kinesis://units?endpoint=%s", server.URL), kinesis.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	door, err := collect.New(collect.Options{
		Log: stream.Retry(log, stream.Patience{}), ID: "door", Format: format, Protocols: []collect.Protocol{segment.New()},
		Sources: []collect.Source{{Name: "web", Keys: []string{"k"}}},
	})
	if err != nil {
		b.Fatal(err)
	}
	requests := make(chan []byte)
	var clients sync.WaitGroup
	for range 64 {
		clients.Go(func() {
			for body := range requests {
				r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/v1/batch", bytes.NewReader(body))
				r.SetBasicAuth("k", "")
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("User-Agent", "analytics-node/3.1.0")
				w := httptest.NewRecorder()
				door.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Errorf("want 200; have %d %s", w.Code, w.Body)
				}
			}
		})
	}
	var tick <-chan time.Time
	if perSecond > 0 {
		ticker := time.NewTicker(time.Second / time.Duration(perSecond))
		defer ticker.Stop()
		tick = ticker.C
	}
	for _, body := range bodies {
		if tick != nil {
			<-tick
		}
		requests <- body
	}
	close(requests)
	clients.Wait()
	if err := door.Close(); err != nil {
		b.Error(err)
	}
	return fake.Counts()
}
