package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/spoorhq/spoor/collect"
	"github.com/spoorhq/spoor/lease"
	"github.com/spoorhq/spoor/load"
)

// The roles run alone. They meet on a stream and a warehouse that several processes can reach.

type collectCommand struct {
	addrFlags
	dataFlags
	doorFlags   `group:"Door"`
	streamFlags `group:"Stream"`
	enrichFlags `group:"Rows (where the stream is Firehose)"`
}

func (collectCommand) Help() string {
	return `To a Firehose delivery stream the door gives rows of the table events, for there Firehose loads: "spoor schema --firehose"
prints the table and the COPY options that the delivery stream needs.

Examples:
  spoor collect --stream nats://nats.internal:4222/spoor --addr 0.0.0.0:8080 --source web=$WEB_KEY
  spoor collect --stream 'firehose://events?region=eu-central-1&dead_letters=events-dead' --addr 0.0.0.0:8080 --source web=$WEB_KEY`
}

func (c *collectCommand) Run(ctx context.Context, p *process, logger *slog.Logger) (err error) {
	listener, loopback, err := c.listen()
	if err != nil {
		return err
	}
	closeAll := closers{}
	defer func() { err = errors.Join(err, closeAll.close()) }()
	closeAll.add(func() error { listener.Close(); return nil })
	if err := closedByDefault(c.Addr, loopback, append([]string{}, c.Source...), false, ""); err != nil {
		return err
	}
	if isFirehose(c.Stream) && c.StreamFormat != string(collect.Compact) {
		return usagef("--stream-format %s is for streams that are read: Firehose is given the rows of its tables", c.StreamFormat)
	}
	if isFirehose(c.Stream) && c.StreamFormat != string(collect.Compact) {
		return usagef("--stream-format %s is for a stream that others read; Firehose is given rows of the table events: leave it out", c.StreamFormat)
	}
	registry := newRegistry()
	log, err := openDoorStream(ctx, &c.streamFlags, &c.dataFlags, &c.enrichFlags, registry, logger)
	if err != nil {
		return err
	}
	closeAll.add(log.Close)
	door, err := newDoor(&c.doorFlags, log, loopback, registry, logger)
	if err != nil {
		return err
	}
	closeAll.add(door.Close)
	mux := http.NewServeMux()
	operations(mux, registry, door.Ready)
	mux.Handle("/", door)
	return serveHTTP(ctx, p, collect.LimitListener(listener, c.Connections), door.Server(mux), door.Drain)
}

type loadCommand struct {
	addrFlags
	dataFlags
	streamFlags    `group:"Stream"`
	loadFlags      `group:"Loader"`
	leaseFlags     `group:"Several loaders"`
	warehouseFlags `group:"Warehouse"`
}

func (loadCommand) Help() string {
	return `The address serves metrics, health and readiness. Several loaders on one stream share its shards by --leases.

Examples:
  spoor load --stream kinesis://events --leases dynamodb://spoor-leases --warehouse postgres://spoor@db.internal/spoor
  spoor load --stream nats://nats.internal:4222/spoor --warehouse duckdb:/var/lib/spoor/spoor.duckdb --addr 127.0.0.1:8081`
}

func (c *loadCommand) Run(ctx context.Context, p *process, logger *slog.Logger) (err error) {
	listener, _, err := c.listen()
	if err != nil {
		return err
	}
	closeAll := closers{}
	defer func() { err = errors.Join(err, closeAll.close()) }()
	closeAll.add(func() error { listener.Close(); return nil })
	registry := newRegistry()
	log, name, err := openStream(ctx, &c.streamFlags, &c.dataFlags, registry, logger)
	if err != nil {
		return err
	}
	closeAll.add(log.Close)
	w, err := openWarehouse(ctx, &c.warehouseFlags, &c.dataFlags, logger)
	if err != nil {
		return err
	}
	closeAll.add(w.Close)
	var owner load.Owner // a nil *lease.Worker would not be a nil Owner
	var worker *lease.Worker
	if c.Leases != "" {
		table, err := openLeases(ctx, c.Leases, true)
		if err != nil {
			return err
		}
		closeAll.add(table.Close)
		if worker, err = newWorker(&c.leaseFlags, table, log, registry, logger); err != nil {
			return err
		}
		owner = worker
	}
	loader, err := newLoader(&c.loadFlags, &c.dataFlags, log, name, w, c.Retain, owner, mayBeShared(&c.streamFlags, &c.warehouseFlags), registry, logger)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	operations(mux, registry, func() error {
		_, err := w.Positions(ctx, name)
		return err
	})
	// Leases are kept until the loader has committed what it has read.
	leasing, stopLeasing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLeasing()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return serveHTTP(ctx, p, listener, &http.Server{Handler: mux}, func(context.Context) error { return nil })
	})
	group.Go(func() error {
		defer stopLeasing()
		if err := prepareWarehouse(ctx, w, logger); err != nil {
			return err
		}
		return loader.Run(ctx)
	})
	if worker != nil {
		group.Go(func() error { return worker.Run(leasing) })
	}
	return group.Wait()
}

type dashboardCommand struct {
	addrFlags
	dataFlags
	streamFlags    `group:"Stream"`
	warehouseFlags `group:"Warehouse"`
	pageFlags      `group:"Pages"`
	StreamSource   string `help:"The source that other producers' records on the stream are counted under." default:"stream" env:"SPOOR_STREAM_SOURCE" placeholder:"NAME" group:"Stream"`
}

func (dashboardCommand) Help() string {
	return `The embedded warehouse can be open in one process at a time: where it is used, run "spoor serve".

Examples:
  spoor dashboard --stream nats://nats.internal:4222/spoor --warehouse duckdb:copy.duckdb --addr 127.0.0.1:8082`
}

func (c *dashboardCommand) Run(ctx context.Context, p *process, logger *slog.Logger) (err error) {
	listener, loopback, err := c.listen()
	if err != nil {
		return err
	}
	closeAll := closers{}
	defer func() { err = errors.Join(err, closeAll.close()) }()
	closeAll.add(func() error { listener.Close(); return nil })
	if err := closedByDefault(c.Addr, loopback, nil, true, c.Password); err != nil {
		return err
	}
	registry := newRegistry()
	log, name, err := openStream(ctx, &c.streamFlags, &c.dataFlags, registry, logger)
	if err != nil {
		return err
	}
	closeAll.add(log.Close)
	w, err := openWarehouse(ctx, &c.warehouseFlags, &c.dataFlags, logger)
	if err != nil {
		return err
	}
	closeAll.add(w.Close)
	ready := func() error {
		_, err := w.Positions(ctx, name)
		return err
	}
	pages, watcher, alerts, err := newPages(&c.pageFlags, &c.dataFlags, &doorFlags{}, c.StreamSource, log, name, w, loopback, ready, registry, logger)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	operations(mux, registry, ready)
	mux.Handle("/", pages)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return serveHTTP(ctx, p, listener, &http.Server{Handler: mux}, func(context.Context) error {
			pages.Close()
			return nil
		})
	})
	group.Go(func() error { return prepareWarehouse(ctx, w, logger) })
	group.Go(func() error { return watcher.Run(ctx) })
	group.Go(func() error { return alerts.Run(ctx) })
	return group.Wait()
}
