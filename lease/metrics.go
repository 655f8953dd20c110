package lease

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	owned                                prometheus.Gauge
	takes, losses, asked, handed, errors prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Namespace: "spoor", Subsystem: "lease", Name: name, Help: help})
	}
	return &metrics{
		owned: f.NewGauge(prometheus.GaugeOpts{
			Namespace: "spoor", Subsystem: "lease", Name: "owned_shards", Help: "Shards that this loader has the lease of.",
		}),
		takes:  counter("takes_total", "Leases taken: free ones, and those that were handed over."),
		losses: counter("losses_total", "Leases lost: not renewed in time, or taken by another."),
		asked:  counter("asked_total", "Leases that a loader with more of them was asked for."),
		handed: counter("handovers_total", "Leases handed over to another loader that had asked."),
		errors: counter("errors_total", "Rounds in which the table of leases did not answer as it should."),
	}
}
