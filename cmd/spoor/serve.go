package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/spoorhq/spoor/collect"
	"github.com/spoorhq/spoor/warehouse"
)

type serveCommand struct {
	addrFlags
	dataFlags
	doorFlags      `group:"Door"`
	streamFlags    `group:"Stream"`
	loadFlags      `group:"Loader"`
	warehouseFlags `group:"Warehouse"`
	pageFlags      `group:"Pages"`
}

func (serveCommand) Help() string {
	return `Without any flag: the whole product on loopback, with its data in ./spoor-data.

Examples:
  spoor serve
  spoor serve --addr 0.0.0.0:8080 --source web=$WEB_KEY --source ios=$IOS_KEY --password $PASSWORD
  spoor serve --geo-file GeoLite2-City.mmdb --ip drop`
}

func (c *serveCommand) Run(ctx context.Context, p *process, logger *slog.Logger) error {
	return c.serve(ctx, p, logger, nil)
}

// serve runs every role. beside, if given, is run when the server accepts events.
func (c *serveCommand) serve(ctx context.Context, p *process, logger *slog.Logger, beside func(ctx context.Context, url string, w warehouse.Warehouse) error) (err error) {
	listener, loopback, err := c.listen()
	if err != nil {
		return err
	}
	closeAll := closers{}
	defer func() { err = errors.Join(err, closeAll.close()) }()
	closeAll.add(func() error { listener.Close(); return nil })
	if err := closedByDefault(c.Addr, loopback, append([]string{}, c.Source...), true, c.Password); err != nil {
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
	door, err := newDoor(&c.doorFlags, log, loopback, registry, logger)
	if err != nil {
		return err
	}
	closeAll.add(door.Close)
	loader, err := newLoader(&c.loadFlags, &c.dataFlags, log, name, w, c.Retain, nil, mayBeShared(&c.streamFlags, &c.warehouseFlags), registry, logger)
	if err != nil {
		return err
	}
	pages, watcher, alerts, err := newPages(&c.pageFlags, &c.dataFlags, &c.doorFlags, c.StreamSource, log, name, w, loopback, door.Ready, registry, logger)
	if err != nil {
		return err
	}

	mux := http.NewServeMux()
	operations(mux, registry, door.Ready)
	mux.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if door.Match(r) {
			door.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	}))

	// The door ends first, then the loader, which commits what it has read: so that an orderly end leaves nothing behind.
	loading, stopLoading := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLoading()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer stopLoading()
		return serveHTTP(ctx, p, collect.LimitListener(listener, c.Connections), door.Server(mux), func(closing context.Context) error {
			err := door.Drain(closing)
			waitFor(closing, func() bool { return watcher.InFlight().Events == 0 })
			pages.Close()
			return err
		})
	})
	group.Go(func() error {
		if err := prepareWarehouse(loading, w, logger); err != nil {
			return err
		}
		return loader.Run(loading)
	})
	group.Go(func() error { return watcher.Run(loading) })
	group.Go(func() error { return alerts.Run(ctx) })
	if beside != nil {
		group.Go(func() error { return beside(ctx, "http://"+listener.Addr().String(), w) })
	}
	return group.Wait()
}

// waitFor waits until true holds or ctx ends.
func waitFor(ctx context.Context, true func() bool) {
	for ctx.Err() == nil && !true() {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// closers are closed in the opposite order.
type closers []func() error

func (c *closers) add(f func() error) { *c = append(*c, f) }

func (c *closers) close() error {
	var err error
	for _, f := range slices.Backward(*c) {
		err = errors.Join(err, f())
	}
	return err
}
