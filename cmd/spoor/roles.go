package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/spoorhq/spoor/alert"
	"github.com/spoorhq/spoor/audit"
	"github.com/spoorhq/spoor/collect"
	"github.com/spoorhq/spoor/collect/ndjson"
	"github.com/spoorhq/spoor/collect/pixel"
	"github.com/spoorhq/spoor/collect/segment"
	"github.com/spoorhq/spoor/dashboard"
	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/load"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/replay"
	"github.com/spoorhq/spoor/saved"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/tail"
	"github.com/spoorhq/spoor/warehouse"
)

// The roles: each is made by one function here, which serve and the role's own command both call.

func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// newDoor makes the collector.
func newDoor(f *doorFlags, log stream.Log, loopback bool, registry prometheus.Registerer, logger *slog.Logger) (*collect.Collector, error) {
	settings, err := parseSources(f.Source)
	if err != nil {
		return nil, err
	}
	if len(settings) == 0 && loopback {
		settings = []sourceSetting{{name: devSource, keys: []string{devSource}}}
		logger.Info("no source is configured: on loopback there is one, \"dev\", with the write key \"dev\"")
	}
	proxies, err := parseProxies(f.TrustedProxy)
	if err != nil {
		return nil, err
	}
	id := f.Collector
	if id == "" {
		if id, err = os.Hostname(); err != nil {
			return nil, fmt.Errorf("asking for the host's name, for want of --collector: %w", err)
		}
	}
	var sources []collect.Source
	for _, s := range settings {
		sources = append(sources, collect.Source{Name: s.name, Keys: s.keys, RatePerSecond: s.rate})
	}
	wait := f.RecordWait
	if wait == 0 {
		wait = -1
	}
	return collect.New(collect.Options{
		Log: log, ID: id, Sources: sources, TrustedProxies: proxies, MaxInFlight: int64(f.DoorMemory),
		Protocols: []collect.Protocol{segment.New(), ndjson.New(), pixel.New()},
		Format:    collect.Format(f.StreamFormat), RecordWait: wait,
		Metrics: registry, Logger: logger,
	})
}

// newLoader makes the loader. owner says which shards it reads; nil: all. shared: see mayBeShared.
func newLoader(f *loadFlags, d *dataFlags, log stream.Log, name string, w warehouse.Warehouse, retain time.Duration,
	owner load.Owner, shared bool, registry prometheus.Registerer, logger *slog.Logger,
) (*load.Loader, error) {
	if f.GeoFile == "" {
		logger.Info("no --geo-file is given: country, region and city stay empty where the SDK does not send them")
	}
	loader, err := load.New(load.Options{
		Log: log, Stream: name, Warehouse: w, ForeignSource: f.StreamSource,
		Enrich:   f.options(),
		Interval: f.LoadEvery, MaxRows: f.LoadRows, Window: f.DedupWindow, SeenDir: d.path("seen"), SeenBytes: int64(f.DedupMemory),
		Retain: retain, Owner: owner, Shared: shared, Metrics: registry, Logger: logger,
	})
	if err != nil {
		return nil, usageError{err}
	}
	return loader, nil
}

// openSaved opens what people have saved.
func openSaved(d *dataFlags, logger *slog.Logger) (*saved.Store, error) {
	return saved.Open(saved.Options{
		Dir: d.path("saved"), Warn: func(err error) { logger.Warn("a saved document is passed over", "err", err) },
	})
}

// newPages makes the watcher, the dashboard, and who evaluates the alerts.
func newPages(f *pageFlags, d *dataFlags, door *doorFlags, source string, log stream.Log, name string, w warehouse.Warehouse,
	loopback bool, ready func() error, registry prometheus.Registerer, logger *slog.Logger,
) (*dashboard.Dashboard, *tail.Watcher, *alert.Evaluator, error) {
	watcher := tail.New(tail.Options{
		Log: log, Stream: name, ForeignSource: source, Logger: logger,
		Positions: func(ctx context.Context) (map[string]string, error) { return w.Positions(ctx, name) },
	})
	if err := registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "spoor_tail_viewers", Help: "How many look at events as they are accepted, with spoor tail or on the page Live.",
	}, func() float64 { return float64(watcher.Viewers()) })); err != nil {
		return nil, nil, nil, err
	}
	settings, err := parseSources(door.Source)
	if err != nil {
		return nil, nil, nil, err
	}
	var sources []dashboard.Source
	for _, s := range settings {
		sources = append(sources, dashboard.Source{Name: s.name, WriteKey: s.keys[0]})
	}
	if len(sources) == 0 && loopback {
		sources = []dashboard.Source{{Name: devSource, WriteKey: devSource}}
	}
	store, err := openSaved(d, logger)
	if err != nil {
		return nil, nil, nil, err
	}
	var pages *dashboard.Dashboard
	watch := alert.Options{
		Saved: store, Warehouse: w, Pages: f.PublicURL, Logger: logger,
		CompleteTo: func() time.Time { return watcher.InFlight().CompleteTo },
		Number: func(ctx context.Context, report string, number query.Number, at time.Time) (alert.Reading, error) {
			return pages.ReportNumber(ctx, report, number, at)
		},
	}
	if f.SMTP != "" {
		server, err := alert.ParseSMTP(f.SMTP)
		if err != nil {
			return nil, nil, nil, usagef("--smtp %w", err)
		}
		watch.Mail = server
	}
	alerts := alert.New(watch)
	pages, err = dashboard.New(dashboard.Options{
		Alerts: alerts,
		Erase: func(ctx context.Context, s dashboard.Subject, dry bool) (map[string]int64, error) {
			subject := warehouse.Subject(s)
			if dry {
				return subject.Count(ctx, w)
			}
			return w.Erase(ctx, subject)
		},
		Saved: store, Warehouse: w, Dialect: w.Dialect().Name(), Watcher: watcher, Password: f.Password, Sources: sources, Version: version(), QueryFor: f.QueryFor,
		Ready: ready, Logger: logger,
		Audit: func(ctx context.Context, from, to time.Time, wait time.Duration) (*audit.Report, error) {
			return audit.Run(ctx, audit.Options{
				Warehouse: w, Log: log, Stream: name, Source: source, From: from, To: to, Wait: wait,
				InFlight: func() ([]event.Accepted, time.Time) {
					in := watcher.InFlight()
					return in.Accepted, in.CompleteTo
				},
			})
		},
		Replay: func(ctx context.Context, ask replay.Ask, progress func(replay.Report)) (replay.Report, error) {
			return replay.Run(ctx, replay.Options{Warehouse: w, Log: log, Stream: name, Ask: ask, Progress: progress})
		},
		Pressure: func(ctx context.Context) (used, limit int64, err error) {
			statter, ok := stream.As[stream.Statter](log)
			if !ok {
				return 0, 0, nil
			}
			stat, err := statter.Stat(ctx)
			return stat.Bytes, stat.Limit, err
		},
	})
	return pages, watcher, alerts, err
}

// operations adds what an operator asks of every role: metrics, health and readiness.
func operations(mux *http.ServeMux, registry *prometheus.Registry, ready func() error) {
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if err := ready(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, err)
			return
		}
		fmt.Fprintln(w, "ready")
	})
}

// drainFor bounds how long a shutdown waits for what is under way.
const drainFor = 15 * time.Second

// serveHTTP prints the URL and serves until ctx ends; before it closes the connections it calls drain.
func serveHTTP(ctx context.Context, p *process, listener net.Listener, server *http.Server, drain func(context.Context) error) error {
	fmt.Fprintf(p.stdout, "http://%s\n", listener.Addr())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainFor)
	defer cancel()
	err := drain(closing)
	if shut := server.Shutdown(closing); shut != nil {
		err = errors.Join(err, shut, server.Close())
	}
	return err
}
