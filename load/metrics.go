package load

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

type metrics struct {
	events    *prometheus.CounterVec // by ending
	dead      *prometheus.CounterVec // by reason
	steps     *prometheus.CounterVec // enrichment's failures, by step
	batches   prometheus.Counter
	duration  prometheus.Histogram
	freshness prometheus.Histogram
	retries   prometheus.Counter
	fenced    prometheus.Counter
	doubled   prometheus.Counter
	trimmed   prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Namespace: "spoor", Subsystem: "load", Name: name, Help: help})
	}
	return &metrics{
		events: f.NewCounterVec(prometheus.CounterOpts{
			Namespace: "spoor", Subsystem: "load", Name: "events_total", Help: "Events by how they ended: loaded, duplicate or dead.",
		}, []string{"ending"}),
		dead: f.NewCounterVec(prometheus.CounterOpts{
			Namespace: "spoor", Subsystem: "load", Name: "dead_letters_total", Help: "Events that could not be loaded, by reason.",
		}, []string{"reason"}),
		steps: f.NewCounterVec(prometheus.CounterOpts{
			Namespace: "spoor", Subsystem: "load", Name: "enrich_failed_total", Help: "Events that an enrichment step failed on, by step.",
		}, []string{"step"}),
		batches: counter("batches_total", "Batches committed."),
		duration: f.NewHistogram(prometheus.HistogramOpts{
			Namespace: "spoor", Subsystem: "load", Name: "commit_seconds", Help: "How long a batch's transaction took.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 14),
		}),
		freshness: f.NewHistogram(prometheus.HistogramOpts{
			Namespace: "spoor", Subsystem: "load", Name: "freshness_seconds",
			Help:    "From the door to the warehouse: the age of each batch's oldest event when it was committed.",
			Buckets: prometheus.ExponentialBuckets(0.05, 2, 16),
		}),
		retries: counter("retries_total", "Batches that the warehouse did not take at once."),
		fenced:  counter("fenced_total", "Times that another loader had moved a position."),
		doubled: counter("doubled_records_total", "Records that came twice and were left out the second time."),
		trimmed: counter("trimmed_total", "Times that the stream had lost records that were not loaded."),
	}
}

func (m *metrics) loaded(r warehouse.Receipt, took time.Duration, p *pending) {
	m.events.WithLabelValues("loaded").Add(float64(r.Loaded))
	m.events.WithLabelValues("duplicate").Add(float64(r.Duplicate))
	m.events.WithLabelValues("dead").Add(float64(r.Dead))
	m.batches.Inc()
	m.duration.Observe(took.Seconds())
	if !p.oldest.IsZero() {
		m.freshness.Observe(r.Committed.Sub(p.oldest).Seconds())
	}
}

func (m *metrics) refused(reason event.Reason) { m.dead.WithLabelValues(string(reason)).Inc() }

func rowsOf(batch arrow.RecordBatch) int64 {
	if batch == nil {
		return 0
	}
	return batch.NumRows()
}
