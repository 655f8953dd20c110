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
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/awsconf"
	"github.com/spoorhq/spoor/lease"
	"github.com/spoorhq/spoor/lease/dynamodb"
	"github.com/spoorhq/spoor/rowlog"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/firehose"
	"github.com/spoorhq/spoor/stream/jetstream"
	"github.com/spoorhq/spoor/stream/kinesis"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/postgres"
	"github.com/spoorhq/spoor/warehouse/redshift"
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
	var opened stream.Log
	switch scheme {
	case "firehose":
		return nil, "", usagef("--stream %s can only be appended to, for Firehose loads the warehouse by itself: "+
			"run \"spoor collect --stream %s\", and look at the events in the warehouse; "+
			"a loader and pages need a stream that can be read, such as kinesis://", location, location)
	case "jetstream":
		options.Dir, name = rest, "embedded"
		opened, err = jetstream.OpenEmbedded(ctx, options)
	case "nats", "tls":
		name = location[strings.LastIndex(location, "/")+1:]
		name, _, _ = strings.Cut(name, "?")
		opened, err = jetstream.Connect(ctx, location, options)
	case "kinesis":
		var log *kinesis.Log
		if log, err = kinesis.Open(ctx, location, kinesis.Options{}); err == nil {
			opened, name = log, log.Name()
		}
	default:
		return nil, "", usagef("--stream must be jetstream:DIR, nats://host:port/name or kinesis://NAME; got %q", location)
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

// textBytes is the longest text that the warehouses that Firehose loads take: Redshift's VARCHAR(65535).
const textBytes = 65535

// deadLettersName is the option of a firehose:// URL that names the delivery stream of dead letters.
const deadLettersName = "dead_letters"

// openDoorStream opens the stream of a door alone, which need not be one that can be read. A Firehose delivery stream is
// given rows of the table events, and another one, if it is named, those of dead_letters.
func openDoorStream(ctx context.Context, f *streamFlags, d *dataFlags, e *enrichFlags, registry prometheus.Registerer, logger *slog.Logger) (stream.Log, error) {
	if !isFirehose(f.Stream) {
		log, _, err := openStream(ctx, f, d, registry, logger)
		return log, err
	}
	name, query, err := parseFirehose(f.Stream)
	if err != nil {
		return nil, err
	}
	config, err := awsconf.Load(ctx, awsconf.FromQuery(query))
	if err != nil {
		return nil, usagef("--stream %s: %w", f.Stream, err)
	}
	open := func(name, table string) (stream.Log, error) {
		log, err := firehose.Open(name, config)
		if err != nil {
			return nil, err
		}
		measured, err := stream.Measure(log, prometheus.WrapRegistererWith(prometheus.Labels{"table": table}, registry))
		if err != nil {
			return nil, errors.Join(err, log.Close())
		}
		return stream.Retry(measured, stream.Patience{}), nil
	}
	options := rowlog.Options{Enrich: e.options(), RecordBytes: firehose.MaxRecordBytes, TextBytes: textBytes, Metrics: registry}
	if options.Rows, err = open(name, "events"); err != nil {
		return nil, fmt.Errorf("opening the stream: %w", err)
	}
	if dead := query.Get(deadLettersName); dead == "" {
		logger.Warn("--stream names no dead_letters: events that cannot be loaded are counted and told to their client, and not kept")
	} else if options.DeadLetters, err = open(dead, "dead_letters"); err != nil {
		return nil, fmt.Errorf("opening the stream of dead letters: %w", err)
	}
	log, err := rowlog.New(options)
	if err != nil {
		return nil, usageError{err}
	}
	return log, nil
}

func isFirehose(location string) bool { return strings.HasPrefix(location, "firehose:") }

// parseFirehose reads firehose://NAME?region=REGION&endpoint=URL&profile=NAME&dead_letters=NAME.
func parseFirehose(location string) (name string, query url.Values, err error) {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return "", nil, usagef("--stream must be firehose://delivery-stream?region=REGION; got %q", location)
	}
	query = u.Query()
	for option := range query {
		if known := append(awsconf.Names(), deadLettersName); !slices.Contains(known, option) {
			return "", nil, usagef("--stream %s: there is no option %q; there are %s", location, option, strings.Join(known, ", "))
		}
	}
	return u.Host, query, nil
}

// openWarehouse opens the warehouse that the URL names. The tables of an embedded one are made or updated at once; those
// of a server when it answers, by prepareWarehouse.
func openWarehouse(ctx context.Context, f *warehouseFlags, d *dataFlags, logger *slog.Logger) (warehouse.Warehouse, error) {
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
		w, err = duckdb.Open(ctx, duckdb.Options{
			Path: path, MemoryLimit: int64(f.WarehouseMemory), Threads: f.threads(),
			Warn: func(text string) { logger.Warn("the warehouse: " + text) },
		})
	case scheme == "postgres" || scheme == "postgresql":
		w, err = postgres.Open(ctx, postgres.Options{URL: location})
	case scheme == "redshift":
		w, err = redshift.Open(ctx, redshift.Options{URL: location})
	default:
		return nil, usagef("--warehouse must be duckdb:FILE, postgres://user:password@host:port/database or redshift://user@host:5439/database?staging=s3://…; got %q",
			redacted(location))
	}
	if err != nil {
		return nil, fmt.Errorf("opening the warehouse: %w", err)
	}
	if strings.HasPrefix(location, "duckdb:") {
		if err := w.Migrate(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("making the warehouse's tables: %w", err), w.Close())
		}
	}
	return w, nil
}

// prepareWarehouse makes or updates the tables, and tries again while the warehouse's server does not take them: a door
// that stands before it goes on accepting. It returns an error only for tables that it must not touch.
func prepareWarehouse(ctx context.Context, w warehouse.Warehouse, logger *slog.Logger) error {
	for pause := 500 * time.Millisecond; ; pause = min(2*pause, 30*time.Second) {
		err := w.Migrate(ctx)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		if _, newer := errors.AsType[*warehouse.NewerError](err); newer {
			return err
		}
		logger.Error("the warehouse's tables cannot be made yet; trying again", "pause", pause, "err", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

// mayBeShared tells whether another process could load other shards of the stream into the same warehouse, with leases or by
// somebody's mistake: the warehouse must then look for duplicates, for a client's retry may be on a shard that the other one
// reads. The embedded warehouse is open in one process; a stream of one shard fences whoever comes second.
func mayBeShared(s *streamFlags, w *warehouseFlags) bool {
	return strings.HasPrefix(s.Stream, "kinesis:") && w.Warehouse != "" && !strings.HasPrefix(w.Warehouse, "duckdb:")
}

// errNoLeases says that there is no such table of leases.
var errNoLeases = dynamodb.ErrNoTable

// openLeases opens the table of leases that the URL names, dynamodb://TABLE?region=REGION&endpoint=URL&profile=NAME. One
// that is not there is made, or else it is errNoLeases.
func openLeases(ctx context.Context, location string, makeIt bool) (lease.Table, error) {
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "dynamodb" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return nil, usagef("--leases must be dynamodb://TABLE?region=REGION; got %q", location)
	}
	for option := range u.Query() {
		if !slices.Contains(awsconf.Names(), option) {
			return nil, usagef("--leases %s: there is no option %q; there are %s", location, option, strings.Join(awsconf.Names(), ", "))
		}
	}
	config, err := awsconf.Load(ctx, awsconf.FromQuery(u.Query()))
	if err != nil {
		return nil, usagef("--leases %s: %w", location, err)
	}
	table, err := dynamodb.Open(ctx, dynamodb.Options{Config: config, Name: u.Host, Existing: !makeIt})
	if err != nil {
		return nil, fmt.Errorf("opening the leases: %w", err)
	}
	return table, nil
}

// schemaOf gives the statements by which a kind of warehouse makes its tables.
func schemaOf(kind string) ([]string, error) {
	switch kind {
	case "duckdb":
		return duckdb.Schema(), nil
	case "postgres":
		return postgres.Schema(), nil
	case "redshift":
		var statements []string
		for _, t := range warehouse.Tables() {
			statements = append(statements, redshift.CreateTable(t)...)
		}
		return statements, nil
	default:
		return nil, usagef("schema knows duckdb, postgres and redshift; got %q", kind)
	}
}

// copyOptions are what a delivery stream's COPY needs for the rows that the door makes. There is no MAXERROR, which would
// drop rows in silence.
const copyOptions = "FORMAT AS JSON 'auto' GZIP TIMEFORMAT 'auto' COMPUPDATE OFF STATUPDATE OFF"

// firehoseSchema gives the tables that delivery streams load into Redshift, and the view that has each event once.
func firehoseSchema() []string {
	letters := warehouse.TableNamed("dead_letters")
	for i := range letters.Columns {
		if letters.Columns[i].Kind == event.Bytes {
			letters.Columns[i].Kind = event.Text // hexadecimal, for COPY reads no bytes from JSON
		}
	}
	statements := append(redshift.CreateTable(warehouse.TableNamed("events")), redshift.CreateTable(letters)...)
	return append(statements, warehouse.EventsOnce(redshift.Dialect()))
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
