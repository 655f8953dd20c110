package event

import (
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/spoorhq/spoor/internal/jsonscan"
)

// browserEvent is what analytics.js posts for a track call; %d tells the events apart.
const browserEvent = `{"timestamp":"2026-11-23T00:40:41.324Z","integrations":{"Segment.io":true},"event":"Order Completed","type":"track",` +
	`"properties":{"revenue":39.95,"currency":"EUR","products":["sku-17","sku-4"]},"context":{"page":{"path":"/checkout/done","referrer":"",` +
	`"search":"?step=3","title":"Thank you","url":"https://shop.example.com/checkout/done?step=3"},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) ` +
	`Gecko/20100101 Firefox/145.0","locale":"en-US","library":{"name":"analytics.js","version":"npm:next-1.84.3"},"timezone":"UTC"},` +
	`"messageId":"ajs-next-1795394441324-cccd3072-175c-4ca8-9b5c-%012d","userId":"u%[1]d","anonymousId":"aed7cccd-3072-475c-9ca8-5b5cd62540d0"}`

func browserEvents(n int) [][]byte {
	events := make([][]byte, n)
	for i := range events {
		events[i] = fmt.Appendf(nil, browserEvent, i)
	}
	return events
}

// BenchmarkInspect is the door's part of an event: its text is scanned, its top level read.
func BenchmarkInspect(b *testing.B) {
	raw := browserEvents(1)[0]
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	var p Parser
	var e Event
	for b.Loop() {
		p.Reset()
		v, verdict := Scan(raw)
		if verdict.OK() {
			verdict = p.Inspect(v, "", &e)
		}
		if !verdict.OK() {
			b.Fatal(verdict)
		}
	}
}

// BenchmarkInspectScanned is BenchmarkInspect without the scan, which the door needs for the batch in any case.
func BenchmarkInspectScanned(b *testing.B) {
	raw := browserEvents(1)[0]
	v, _, err := jsonscan.Scan(raw, MaxDepth)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	var p Parser
	var e Event
	for b.Loop() {
		p.Reset()
		if verdict := p.Inspect(v, "", &e); !verdict.OK() {
			b.Fatal(verdict)
		}
	}
}

// BenchmarkRecord writes and reads records of 2000 events in 20 requests; the figures are per event.
func BenchmarkRecord(b *testing.B) {
	events := browserEvents(2000)
	fill := func(w *RecordWriter) {
		for i := range 20 {
			w.Add(&Request{Source: "web", Protocol: "segment", ReceivedAt: 1, IP: "203.0.113.7"}, events[i*100:(i+1)*100])
		}
	}
	w := NewRecordWriter()
	fill(w)
	size := w.Len()
	data := w.Seal(nil, Header{})
	b.Run("gather", func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			fill(w)
			w.body, w.events, w.accepted = w.body[:0], 0, w.accepted[:0]
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2000, "ns/event")
	})
	b.Run("seal", func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		dst := make([]byte, 0, size)
		for b.Loop() {
			fill(w)
			dst = w.Seal(dst[:0], Header{})
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2000, "ns/event")
	})
	b.Run("read", func(b *testing.B) {
		r := NewRecordReader()
		b.SetBytes(int64(size))
		b.ReportAllocs()
		var e Event
		for b.Loop() {
			if err := r.Open(data, Origin{}); err != nil {
				b.Fatal(err)
			}
			for {
				verdict, ok := r.Next(&e)
				if !ok {
					break
				}
				if !verdict.OK() {
					b.Fatal(verdict)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2000, "ns/event")
	})
	b.Run("rows", func(b *testing.B) {
		var p Parser
		var e Event
		v, _ := Scan(events[0])
		if verdict := p.Parse(v, &Request{Source: "web", ReceivedAt: 1}, &e); !verdict.OK() {
			b.Fatal(verdict)
		}
		rows := NewRows(memory.NewGoAllocator(), 2000)
		defer rows.Release()
		b.ReportAllocs()
		for b.Loop() {
			for range 2000 {
				rows.Append(&e)
			}
			rows.Take().Release()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2000, "ns/event")
	})
}

// TestNoAllocationPerEvent: reading an event from a record allocates nothing once the reader has grown.
func TestNoAllocationPerEvent(t *testing.T) {
	w, r := NewRecordWriter(), NewRecordReader()
	w.Add(&Request{Source: "web", ReceivedAt: 1, Context: []byte(`{"library":{"name":"x"},"more":"\u00e9"}`)}, browserEvents(500))
	data := w.Seal(nil, Header{})
	var e Event
	have := testing.AllocsPerRun(5, func() {
		if err := r.Open(data, Origin{}); err != nil {
			t.Fatal(err)
		}
		for ok := true; ok; {
			_, ok = r.Next(&e)
		}
	})
	if have > 100 {
		t.Errorf("want some allocations for a record of 500 events and none for an event, have %v", have)
	}
}
