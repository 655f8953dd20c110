package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/jetstream"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/postgres"
)

// openStream opens the stream that the URL names, with retry and metrics around it. name is what the warehouse keeps
// its positions under.
func openStream(ctx context.Context, f *streamFlags, d *dataFlags, registry prometheus.Registerer, logger *slog.Logger) (log stream.Log, name string, err error) {
	location := f.Stream
	if location == "" {
		location = "jetstream:" + d.path("stream")
	}
	scheme, rest, _ := strings.Cut(location, ":")
	options := jetstream.Options{
		MaxBytes: int64(f.StreamLimit),
		Warn:     func(text string) { logger.Warn("the embedded stream: " + text) },
	}
	var opened *jetstream.Log
	switch scheme {
	case "jetstream":
		options.Dir, name = rest, "embedded"
		opened, err = jetstream.OpenEmbedded(ctx, options)
	case "nats", "tls":
		name = location[strings.LastIndex(location, "/")+1:]
		name, _, _ = strings.Cut(name, "?")
		opened, err = jetstream.Connect(ctx, location, options)
	default:
		return nil, "", usagef("--stream must be jetstream:DIR or nats://host:port/name; got %q", location)
	}
	if err != nil {
		return nil, "", fmt.Errorf("opening the stream: %w", err)
	}
	measured, err := stream.Measure(opened, registry)
	if err != nil {
		return nil, "", errors.Join(err, opened.Close())
	}
	return stream.Retry(measured, stream.Patience{}), name, nil
}

// openWarehouse opens the warehouse that the URL names, and makes or updates its tables.
func openWarehouse(ctx context.Context, f *warehouseFlags, d *dataFlags) (warehouse.Warehouse, error) {
	location := f.Warehouse
	if location == "" {
		location = "duckdb:" + d.path("spoor.duckdb")
	}
	var w warehouse.Warehouse
	var err error
	switch scheme, path, _ := strings.Cut(location, ":"); {
	case scheme == "duckdb" && path != "":
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("making the folder of the warehouse: %w", err)
		}
		w, err = duckdb.Open(ctx, duckdb.Options{Path: path, MemoryLimit: int64(f.WarehouseMemory)})
	case scheme == "postgres" || scheme == "postgresql":
		w, err = postgres.Open(ctx, postgres.Options{URL: location})
	default:
		return nil, usagef("--warehouse must be duckdb:FILE or postgres://user:password@host:port/database; got %q", redacted(location))
	}
	if err != nil {
		return nil, fmt.Errorf("opening the warehouse: %w", err)
	}
	if err := w.Migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("making the warehouse's tables: %w", err), w.Close())
	}
	return w, nil
}

// redacted gives a URL without its password.
func redacted(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		scheme, _, _ := strings.Cut(location, ":")
		return scheme + ":"
	}
	return u.Redacted()
}
