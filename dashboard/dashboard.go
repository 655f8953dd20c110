// Package dashboard shows what Spoor knows: HTML pages rendered on the server, and the JSON API and event streams
// under them. Every answer on a page is one that the API gives. All assets are embedded.
package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/spoorhq/spoor/alert"
	"github.com/spoorhq/spoor/audit"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/replay"
	"github.com/spoorhq/spoor/saved"
	"github.com/spoorhq/spoor/tail"
)

// Options are the dashboard's parts.
type Options struct {
	Warehouse query.Source
	Dialect   string // of the warehouse's SQL: duckdb, postgres …
	Watcher   *tail.Watcher
	// Audit audits a range of received times, waiting at most so long for the warehouse to catch up.
	Audit func(ctx context.Context, from, to time.Time, wait time.Duration) (*audit.Report, error)
	// Replay puts dead letters on the stream again; nil: this server cannot.
	Replay func(ctx context.Context, ask replay.Ask, progress func(replay.Report)) (replay.Report, error)
	// Pressure tells how full the stream is; limit 0: without a limit.
	Pressure func(ctx context.Context) (used, limit int64, err error)
	// Ready tells why an event would not be stored now; nil: it would be.
	Ready func() error
	// Saved keeps reports, dashboards, alerts and tokens.
	Saved *saved.Store
	// Alerts tests alerts; by default one that sends no mails.
	Alerts Tester
	Erase  Erase

	Password string // of every page and of the API, by HTTP basic authentication; empty: none is asked for
	// Hosts are names by which the pages may be reached without a password, beside addresses and localhost.
	Hosts    []string
	Sources  []Source
	Version  string
	QueryFor time.Duration // the longest an SQL query may run; default 60 s
	Logger   *slog.Logger
	Now      func() time.Time // default: the clock
}

// Source is a source as the pages show it.
type Source struct{ Name, WriteKey string }

// Dashboard is an http.Handler. Close ends its event streams.
type Dashboard struct {
	options Options
	handler http.Handler
	pages   *pages
	hub     *hub
	engine  *query.Engine
	scopes  map[string]scope // by route
	apiJSON []byte           // the document of the API

	replaying replaying
	files     files
}

// New makes a dashboard.
func New(o Options) (*Dashboard, error) {
	if o.Saved == nil {
		return nil, errors.New("a dashboard needs a place for what people save")
	}
	if o.QueryFor == 0 {
		o.QueryFor = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	d := &Dashboard{options: o}
	if o.Alerts == nil {
		d.options.Alerts = alert.New(alert.Options{Saved: o.Saved, Warehouse: o.Warehouse, Number: d.ReportNumber, Now: o.Now, Logger: o.Logger})
	}
	d.engine = query.NewEngine(o.Warehouse, query.EngineOptions{
		Deadline: o.QueryFor, Now: o.Now, Cohorts: d.cohort, CompleteTo: func() time.Time { return o.Watcher.InFlight().CompleteTo },
	})
	d.hub = newHub(d.snapshot)
	var err error
	if d.pages, err = newPages(o); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	d.pages.mount(mux)
	d.mount(mux)
	text, err := document(d.operations(), o.Version)
	if err != nil {
		return nil, err
	}
	if d.apiJSON, err = json.MarshalIndent(text, "", "  "); err != nil {
		return nil, fmt.Errorf("writing the document of the API: %w", err)
	}
	d.handler = d.guard(mux)
	return d, nil
}

// ServeHTTP answers one request.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

// Close ends the event streams, so that a server can shut down. A second Close does nothing.
func (d *Dashboard) Close() { d.hub.close() }

func (d *Dashboard) version(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]string{"version": d.options.Version})
}
