package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spoorhq/spoor/lease"
	"github.com/spoorhq/spoor/stream"
)

// leaseFlags are for several loaders on one stream.
type leaseFlags struct {
	Leases   string        `help:"The table by which several loaders share the stream's shards: dynamodb://TABLE?region=R. It is made if it is missing. Default: this loader reads all shards." env:"SPOOR_LEASES" placeholder:"URL"`
	Worker   string        `help:"This loader's name in the table of leases; no two that run have the same. Default: made of the host's name." env:"SPOOR_WORKER" placeholder:"ID"`
	Failover time.Duration `help:"How long a loader must be silent for others to take its shards. The same for all loaders on a table." default:"10s" env:"SPOOR_FAILOVER"`
}

// newWorker makes what takes and keeps this loader's share of the shards.
func newWorker(f *leaseFlags, table lease.Table, log stream.Log, registry prometheus.Registerer, logger *slog.Logger) (*lease.Worker, error) {
	name := f.Worker
	if name == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("asking for the host's name, for want of --worker: %w", err)
		}
		name = fmt.Sprintf("%s-%d-%s", host, os.Getpid(), strings.ToLower(rand.Text()[:6]))
	}
	worker, err := lease.New(lease.Options{
		Table: table, Shards: log.Shards, Worker: name, Failover: f.Failover, Metrics: registry, Logger: logger,
	})
	if err != nil {
		return nil, usagef("--failover: %w", err)
	}
	return worker, nil
}

// leases checks that a loader could keep leases in the table: it lists them, and tries an update that never applies.
func (d *doctor) leases(ctx context.Context) {
	if d.c.Leases == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	table, err := openLeases(ctx, d.c.Leases, false)
	if errors.Is(err, errNoLeases) {
		d.add("leases", true, "", "%v yet: a loader makes it, if it may", err)
		return
	}
	if err != nil {
		d.add("leases", false, "see the message; the loader's role needs the actions in docs/loaders.md", "%v", err)
		return
	}
	defer table.Close()
	leases, err := table.List(ctx)
	if err == nil {
		nobodys := lease.Lease{Shard: "spoor doctor", Owner: "spoor doctor", Counter: -1}
		if err = table.Swap(ctx, nobodys, nobodys); errors.Is(err, lease.ErrChanged) {
			err = nil
		}
	}
	d.add("leases", err == nil, "see the message; the loader's role needs the actions in docs/loaders.md", "%s", told(err, describe(leases)))
}

// describe says who has how many leases.
func describe(leases []lease.Lease) string {
	owners, ended, free := map[string]int{}, 0, 0
	for _, l := range leases {
		switch {
		case l.Ended():
			ended++
		case l.Owner == "":
			free++
		default:
			owners[l.Owner]++
		}
	}
	parts := []string{fmt.Sprintf("%d shards, %d of them loaded to their end, %d without an owner", len(leases), ended, free)}
	for _, name := range slices.Sorted(maps.Keys(owners)) {
		parts = append(parts, fmt.Sprintf("%s has %d", name, owners[name]))
	}
	return strings.Join(parts, "; ")
}
