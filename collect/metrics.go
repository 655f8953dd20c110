package collect

import (
	"fmt"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/spoorhq/spoor/event"
)

// metrics are counted per request, per append and per kind of rejection in a request, never per event.
type metrics struct {
	requests     *prometheus.CounterVec // by protocol and status
	events       *prometheus.CounterVec // by source
	rejected     *prometheus.CounterVec // by source and reason
	bytes        prometheus.Counter
	appendEvents prometheus.Histogram
	appendBytes  prometheus.Histogram
	failures     *prometheus.CounterVec // by code
	waited       prometheus.Histogram
}

func newMetrics(registry prometheus.Registerer, b *budget) (*metrics, error) {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "spoor_collect_" + name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "spoor_collect_" + name, Help: help, Buckets: buckets})
	}
	m := &metrics{
		requests: counters("requests_total", "Requests answered, by protocol and status.", "protocol", "code"),
		events:   counters("events_total", "Events made durable, by source; rejected ones included.", "source"),
		rejected: counters("rejected_events_total", "Events made durable that cannot be loaded, by source and reason.", "source", "reason"),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "spoor_collect_body_bytes_total", Help: "Bytes of bodies, as they came.",
		}),
		appendEvents: histogram("append_events", "Events that shared one append.", prometheus.ExponentialBuckets(1, 4, 8)),
		appendBytes:  histogram("append_bytes", "Bytes of one record, compressed.", prometheus.ExponentialBuckets(256, 4, 8)),
		failures:     counters("append_failures_total", "Appends that were not confirmed, by the code that clients were told.", "code"),
		waited: histogram("commit_seconds", "From an event's being read to its being durable.",
			prometheus.ExponentialBuckets(0.0005, 2, 15)),
	}
	inFlight := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "spoor_collect_in_flight_bytes", Help: "Memory that bodies being read and events being appended take.",
	}, func() float64 { return float64(b.used.Load()) })
	for _, c := range []prometheus.Collector{
		m.requests, m.events, m.rejected, m.bytes, m.appendEvents, m.appendBytes, m.failures, m.waited, inFlight,
	} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) request(protocol string, status int) {
	m.requests.WithLabelValues(protocol, strconv.Itoa(status)).Inc()
}

func (m *metrics) failed(code string) { m.failures.WithLabelValues(code).Inc() }

// sources makes the sources that keys lead to.
func (m *metrics) sources(given []Source) (map[string]*source, error) {
	if len(given) == 0 {
		return nil, fmt.Errorf("a collector needs a source")
	}
	byKey := map[string]*source{}
	names := map[string]bool{}
	for _, s := range given {
		switch {
		case s.Name == "":
			return nil, fmt.Errorf("a source needs a name; one with %d keys has none", len(s.Keys))
		case names[s.Name]:
			return nil, fmt.Errorf("source %s is there twice", s.Name)
		case len(s.Keys) == 0:
			return nil, fmt.Errorf("source %s needs a write key", s.Name)
		case s.RatePerSecond < 0:
			return nil, fmt.Errorf("source %s cannot have a rate under 0; got %v", s.Name, s.RatePerSecond)
		}
		names[s.Name] = true
		at := &source{name: s.Name, events: m.events.WithLabelValues(s.Name)}
		if s.RatePerSecond > 0 {
			at.limit = rate.NewLimiter(rate.Limit(s.RatePerSecond), max(int(s.RatePerSecond), event.MaxBatchEvents))
		}
		for _, key := range s.Keys {
			if key == "" || byKey[key] != nil {
				return nil, fmt.Errorf("source %s has a write key that is empty or taken", s.Name)
			}
			byKey[key] = at
		}
	}
	return byKey, nil
}
