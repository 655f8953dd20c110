package warehousetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/spoorhq/spoor/warehouse"
)

func atomicCases() []kase {
	return []kase{
		{"a load that fails at any step changes nothing", faults},
		{"what was loaded is there after reopening, what failed is not", faultsLast},
		{"a load whose ctx is over changes nothing", loadCancelled},
		{"readers see a batch wholly or not at all", readers},
	}
}

var errFault = errors.New("a fault for the test")

// steps loads a batch into a warehouse of its own and tells the steps that the driver takes.
func steps(ctx context.Context, s *subject, do func(warehouse.Warehouse) error) ([]string, error) {
	probe := &subject{Harness: s.Harness, name: s.name + " (steps)"}
	w, err := probe.open(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	probe.fault = func(step string) error { names = append(names, step); return nil }
	err = do(w)
	return names, errors.Join(err, w.Close())
}

func faults(ctx context.Context, s *subject) error {
	names, err := steps(ctx, s, func(w warehouse.Warehouse) error {
		return load(ctx, w, s.full(warehouse.Move{Shard: "0", To: "1"}, "probe"))
	})
	if err != nil {
		return err
	}
	if len(names) < 3 {
		return fmt.Errorf("want a fault before each step of a load; have steps %q", names)
	}
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	if err := load(ctx, w, s.full(warehouse.Move{Shard: "0", To: "1"}, "x")); err != nil {
		return err
	}
	b := s.full(warehouse.Move{Shard: "0", From: "1", To: "2"}, "y")
	for i, name := range names {
		err := unchanged(ctx, w, func() error {
			n := 0
			s.fault = func(string) error {
				if n++; n > i {
					return errFault
				}
				return nil
			}
			defer func() { s.fault = nil }()
			if _, err := w.Load(ctx, b); !errors.Is(err, errFault) {
				return fmt.Errorf("want the fault; have %v", err)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("a fault before %s: %w", name, err)
		}
	}
	if err := load(ctx, w, b); err != nil {
		return err
	}
	return expect(ctx, w, "select load_id, count(*) from events group by 1 order by 1", "load-2 | 5", "load-3 | 5")
}

func faultsLast(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	if err := load(ctx, w, s.full(warehouse.Move{Shard: "0", To: "1"}, "x")); err != nil {
		return err
	}
	b := s.full(warehouse.Move{Shard: "0", From: "1", To: "2"}, "y")
	want, err := dump(ctx, w)
	if err != nil {
		return err
	}
	s.fault = func(step string) error {
		if step == "commit" {
			return errFault
		}
		return nil
	}
	if _, err := w.Load(ctx, b); !errors.Is(err, errFault) {
		return fmt.Errorf("want the fault before the commit; have %v", err)
	}
	s.fault = nil
	for range 2 {
		if w, err = s.reopen(ctx, w); err != nil {
			return err
		}
		have, err := dump(ctx, w)
		if err != nil {
			return err
		}
		if err := same(want, have); err != nil {
			return err
		}
		if b == nil {
			return nil
		}
		if err := load(ctx, w, b); err != nil {
			return err
		}
		b = nil
		if want, err = dump(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

func loadCancelled(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	b := s.full(warehouse.Move{Shard: "0", To: "1"}, "x")
	err = unchanged(ctx, w, func() error {
		over, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := w.Load(over, b); !errors.Is(err, context.Canceled) {
			return fmt.Errorf("want %v; have %v", context.Canceled, err)
		}
		midway, cancel := context.WithCancel(ctx)
		defer cancel()
		s.fault = func(step string) error {
			if step != "positions" {
				cancel()
			}
			return nil
		}
		defer func() { s.fault = nil }()
		if _, err := w.Load(midway, b); err == nil {
			return errors.New("a load whose ctx ended midway went through")
		}
		return nil
	})
	if err != nil {
		return err
	}
	return load(ctx, w, b)
}

// readers ask while a loader loads. What must agree stands in one statement, for two statements may see two states.
func readers(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	const rows, batches = 700, 25
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 3)
	var seen atomic.Int64
	for range cap(failed) {
		go func() { failed <- read(ctx, w, rows, &seen) }()
	}
	for i := range batches {
		move := warehouse.Move{Shard: "0", To: strconv.Itoa(i + 1)}
		if i > 0 {
			move.From = strconv.Itoa(i)
		}
		if err := load(ctx, w, s.batch(move, tracks("web", fmt.Sprintf("b%d-", i), "Step", rows)...)); err != nil {
			return err
		}
	}
	// One more look after the last load, by each.
	for before := seen.Load(); seen.Load() < before+int64(cap(failed)); {
		select {
		case err := <-failed:
			return errors.Join(err, errors.New("a reader stopped early"))
		default:
			if _, err := ask(ctx, w, "select 1"); err != nil {
				return err
			}
		}
	}
	cancel()
	var errs []error
	for range cap(failed) {
		errs = append(errs, <-failed)
	}
	return errors.Join(errs...)
}

func read(ctx context.Context, w warehouse.Warehouse, rows int64, seen *atomic.Int64) error {
	last := int64(0)
	for ctx.Err() == nil {
		lines, err := ask(ctx, w, `select (select count(*) from events), (select coalesce(sum(loaded), 0) from loads),
			(select coalesce(sum(loaded), 0) from ledger), (select coalesce(max(cast(position as bigint)), 0) from positions)`)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		var n [4]int64
		for i, text := range strings.Split(lines[0], " | ") {
			if n[i], err = strconv.ParseInt(text, 10, 64); err != nil {
				return err
			}
		}
		if n[0]%rows != 0 || n[1] != n[0] || n[2] != n[0] || n[3] != n[0]/rows {
			return fmt.Errorf("a reader saw part of a batch of %d: %d events, %d by loads, %d by the ledger, position %d", rows, n[0], n[1], n[2], n[3])
		}
		if n[0] < last {
			return fmt.Errorf("a reader saw %d events after %d", n[0], last)
		}
		last = n[0]
		seen.Add(1)
	}
	return nil
}
