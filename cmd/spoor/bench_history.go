package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spoorhq/spoor/bench"
	"github.com/spoorhq/spoor/enrich"
	"github.com/spoorhq/spoor/load"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/warehouse"
)

// historyStream is the name under which the warehouse keeps how far a history has been loaded.
const historyStream = "history"

type benchHistoryCommand struct {
	Rows uint64 `help:"How many events." default:"100000000"`
	Days int    `help:"Over how many days before now." default:"90"`
	Dir  string `help:"The folder for the warehouse. What was begun there goes on." required:"" type:"path" placeholder:"DIR"`
}

func (benchHistoryCommand) Help() string {
	return `Makes a warehouse full of simulated people's events, to ask questions of: "spoor bench queries" does, and
"spoor serve --data DIR" shows it. The door and the stream are left out; the rest is the loader's own work.

Example:
  spoor bench history --rows 10000000 --dir /tmp/spoor-history`
}

func (c *benchHistoryCommand) Run(ctx context.Context, p *process, logger *slog.Logger) error {
	_, err := makeHistory(ctx, c.Dir, c.Rows, c.Days, p, logger)
	return err
}

// makeHistory makes a folder's history, or what is missing of it.
func makeHistory(ctx context.Context, dir string, rows uint64, days int, p *process, logger *slog.Logger) (h *bench.History, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if h, err = bench.OpenHistory(dir); errors.Is(err, fs.ErrNotExist) {
		if h, err = bench.NewHistory(rows, days, time.Now()); err != nil {
			return nil, usageError{err}
		}
		err = h.Save(dir)
	}
	if err != nil {
		return nil, err
	}
	w, err := openWarehouse(ctx, &warehouseFlags{WarehouseMemory: 2 << 30, WarehouseThreads: 1}, &dataFlags{Data: dir}, logger)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	bar := newBar(p.stderr, "history")
	began, from := time.Now(), uint64(0)
	err = bench.Fill(ctx, bench.Filling{
		History: h,
		Carrier: func(log stream.Log) (bench.Carrier, error) { return historyLoader(log, dir, w, logger) },
		Position: func(ctx context.Context) (stream.Position, error) {
			positions, err := w.Positions(ctx, historyStream)
			for _, at := range positions {
				return stream.Position(at), err
			}
			return "", err
		},
		OnProgress: func(made, of uint64) {
			if from == 0 {
				began, from = time.Now(), made
			}
			bar.Describe(fmt.Sprintf("history  %d events  %.0f/s", made, float64(made-from)/time.Since(began).Seconds()))
			_ = bar.Set(int(float64(made) / float64(of) * barSteps))
		},
	})
	_ = bar.Finish()
	if err != nil {
		return nil, err
	}
	return h, clustered(ctx, w, p)
}

// clustered waits until the warehouse has put its rows in order, which a server does behind the loads.
func clustered(ctx context.Context, w warehouse.Warehouse, p *process) error {
	c, ok := w.(interface {
		Cluster(ctx context.Context, tell func(rows int64)) error
	})
	if !ok {
		return nil
	}
	line := newProgressLine(p.stderr)
	defer line.clear()
	sum := int64(0)
	return c.Cluster(ctx, func(rows int64) {
		sum += rows
		line.draw(fmt.Sprintf("clustering  %d events", sum))
	})
}

// historyLoader is a loader as serve has one, but in no hurry: its batches are as large as is good for the warehouse.
func historyLoader(log stream.Log, dir string, w warehouse.Warehouse, logger *slog.Logger) (*load.Loader, error) {
	return load.New(load.Options{
		Log: log, Stream: historyStream, Warehouse: w, ForeignSource: devSource, Enrich: enrich.Options{IP: enrich.TruncateIP},
		Interval: time.Hour, MaxRows: 245_760, MaxBytes: 1 << 30, SeenDir: filepath.Join(dir, "history-seen"), SeenBytes: 1 << 30,
		Logger: logger,
	})
}
