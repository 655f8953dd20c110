// Package warehousetest is what every warehouse driver must pass. A driver's bug is first a new case here.
//
// A case is a function that returns an error, so that the suite itself is tested: its own test runs it on drivers that
// are wrong on purpose and demands that each is caught. Every case has a deadline; a driver that hangs fails.
package warehousetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/spoorhq/spoor/warehouse"
)

// Harness tells the suite how to have a driver under test. Functions are called from several goroutines.
type Harness struct {
	// Open opens the warehouse of that name. The first Open of a name makes it, empty and without tables; a later one,
	// after Close, finds what the driver keeps. The suite uses a new name for every case, and closes what it opened.
	// fault, where it is not nil, is called before each step of a Load or an Erase, with the step's name, and once
	// more before the commit; the driver ends the work with its error.
	Open func(ctx context.Context, name string, fault func(step string) error) (warehouse.Warehouse, error)
	// Reachable, where it is not nil, tells of which members of a JSON object the driver's Property cannot give the value;
	// that must be NULL then.
	Reachable func(name string) bool
	// Deadline is for one case. Default 60 s.
	Deadline time.Duration
}

// kase is one property of a driver.
type kase struct {
	name  string
	check func(context.Context, *subject) error
}

func cases() []kase {
	return slices.Concat(loadCases(), atomicCases(), ledgerCases(), valueCases(), peopleCases(), viewCases(), dialectCases(), eraseCases(), queryCases(), liveCases(), pipelineCases())
}

// Run holds a driver to the contract, one subtest a case.
func Run(t *testing.T, harness Harness) {
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := c.run(t.Context(), harness); err != nil {
				t.Error(err)
			}
		})
	}
}

// Failures runs the cases of these names, or all of them, and returns what failed, by the name of the case.
func Failures(ctx context.Context, harness Harness, names ...string) map[string]error {
	failures := map[string]error{}
	known := map[string]bool{}
	for _, c := range cases() {
		known[c.name] = true
		if len(names) > 0 && !slices.Contains(names, c.name) {
			continue
		}
		if err := c.run(ctx, harness); err != nil {
			failures[c.name] = err
		}
	}
	for _, name := range names {
		if !known[name] {
			failures[name] = errors.New("the suite has no such case")
		}
	}
	return failures
}

// run gives a case its deadline. A case that does not return soon after it, because the driver does not heed ctx, is
// left behind and reported.
func (c kase) run(ctx context.Context, harness Harness) error {
	if harness.Deadline == 0 {
		harness.Deadline = time.Minute
	}
	ctx, cancel := context.WithTimeoutCause(ctx, harness.Deadline, fmt.Errorf("the case took over %s: %w", harness.Deadline, context.DeadlineExceeded))
	defer cancel()
	done := make(chan error, 1)
	go func() {
		s := &subject{Harness: harness, name: c.name, allocator: memory.NewCheckedAllocator(memory.DefaultAllocator)}
		err := c.check(ctx, s)
		done <- errors.Join(err, s.close())
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(harness.Deadline/4 + time.Second):
		return fmt.Errorf("hangs: %w, and does not heed its ctx", context.Cause(ctx))
	}
}

// subject is the warehouse that one case is about.
type subject struct {
	Harness
	name      string
	allocator *memory.CheckedAllocator
	fault     func(step string) error // set before a Load, by the goroutine that calls it

	mu      sync.Mutex
	opened  []warehouse.Warehouse
	batches []*warehouse.Batch
	loads   int
}

// open opens the case's warehouse with its tables, the first time or again.
func (s *subject) open(ctx context.Context) (warehouse.Warehouse, error) {
	w, err := s.Open(ctx, s.name, func(step string) error {
		if s.fault == nil {
			return nil
		}
		return s.fault(step)
	})
	if err != nil {
		return nil, fmt.Errorf("opening the warehouse: %w", err)
	}
	s.opened = append(s.opened, w)
	if err := w.Migrate(ctx); err != nil {
		return nil, fmt.Errorf("migrating: %w", err)
	}
	return w, nil
}

// reopen closes the warehouse and opens it anew.
func (s *subject) reopen(ctx context.Context, w warehouse.Warehouse) (warehouse.Warehouse, error) {
	s.opened = slices.DeleteFunc(s.opened, func(o warehouse.Warehouse) bool { return o == w })
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("closing the warehouse: %w", err)
	}
	return s.open(ctx)
}

// close closes what the case opened, and looks whether the driver kept Arrow memory that belongs to the caller.
func (s *subject) close() error {
	var errs []error
	for _, w := range s.opened {
		errs = append(errs, w.Close())
	}
	for _, b := range s.batches {
		if b.Events != nil {
			b.Events.Release()
		}
		if b.DeadLetters != nil {
			b.DeadLetters.Release()
		}
	}
	if n := s.allocator.CurrentAlloc(); n != 0 {
		errs = append(errs, fmt.Errorf("the driver keeps %d bytes of the batches' Arrow memory", n))
	}
	return errors.Join(errs...)
}
