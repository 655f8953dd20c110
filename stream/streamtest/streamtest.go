// Package streamtest is what every stream driver must pass. A driver's bug is first a new case here.
//
// A case is a function that returns an error, so that the suite itself is tested: its own test runs it on drivers that
// are wrong on purpose and demands that each is caught. Every case has a deadline; a driver that hangs fails.
package streamtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/spoorhq/spoor/stream"
)

// Harness tells the suite how to have a driver under test. Functions are called from several goroutines.
type Harness struct {
	// Open opens the stream of that name. The first Open of a name makes it: empty, with one shard, and with room for
	// limit bytes or a little more (0: as much as the driver gives by itself). A later Open of a name, after Close or
	// Crash, finds there what the driver keeps over its end. The suite uses a new name for every case, and closes
	// what it opened.
	Open func(ctx context.Context, name string, limit int64) (stream.Log, error)
	// Crash ends the Log without its leave, as a kill of the process would: nothing is said goodbye to, nothing is
	// written out. The suite closes the Log as well, later. nil: the driver has no such end.
	Crash func(ctx context.Context, name string, log stream.Log) error
	// Split closes a shard and opens at least two in its place. nil: shards of this driver are for ever.
	Split func(ctx context.Context, log stream.Log, shard stream.ShardID) error

	// Powers are what the driver has beyond a Log. A power that is declared and missing fails, as does one that is
	// there and not declared, for it would go untested.
	Powers Powers
	// Largest is the size of the largest record that the driver takes; the next byte must give ErrTooLarge. 0: it has
	// no limit of its own. The suite asks every driver for 2 MiB, or for as much as it takes, if that is less.
	Largest int
	// Room is the limit for the cases that fill a stream. Default 4 MiB.
	Room int64
	// Deadline is for one case. Default 30 s.
	Deadline time.Duration
}

// Powers are what a driver may have beyond a Log.
type Powers struct {
	Trims  bool // is a stream.Trimmer, that forgets at once and to the record
	Stats  bool // is a stream.Statter, exact in records
	Orders bool // is a stream.Orderer
	Fills  bool // keeps to the limit given to Open
	Lasts  bool // keeps records over Close and Open
}

// kase is one property of a driver.
type kase struct {
	name string
	// asks tells whether the property can be asked of a driver; nil: of every one.
	asks  func(Harness) bool
	check func(context.Context, *subject) error
}

func cases() []kase {
	return slices.Concat(appendCases(), readCases(), shardCases(), keepCases())
}

// Run holds a driver to the contract, one subtest a case.
func Run(t *testing.T, harness Harness) {
	harness = harness.withDefaults()
	for _, c := range cases() {
		if c.asks == nil || c.asks(harness) {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				if err := c.run(t.Context(), harness); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// Failures runs the cases of these names, or all of them, and returns what failed, by the name of the case.
func Failures(ctx context.Context, harness Harness, names ...string) map[string]error {
	harness = harness.withDefaults()
	failures := map[string]error{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, c := range cases() {
		if c.asks != nil && !c.asks(harness) || len(names) > 0 && !slices.Contains(names, c.name) {
			continue
		}
		wg.Go(func() {
			if err := c.run(ctx, harness); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failures[c.name] = err
			}
		})
	}
	wg.Wait()
	return failures
}

func (h Harness) withDefaults() Harness {
	if h.Room == 0 {
		h.Room = 4 << 20
	}
	if h.Deadline == 0 {
		h.Deadline = 30 * time.Second
	}
	return h
}

// run gives a case its deadline. A case that does not return soon after it, because the driver does not heed ctx, is
// left behind and reported.
func (c kase) run(ctx context.Context, harness Harness) error {
	ctx, cancel := context.WithTimeoutCause(ctx, harness.Deadline, fmt.Errorf("the case took over %s: %w", harness.Deadline, context.DeadlineExceeded))
	defer cancel()
	done := make(chan error, 1)
	go func() {
		s := &subject{Harness: harness, name: c.name}
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

// subject is the stream that one case is about.
type subject struct {
	Harness
	name   string
	opened []stream.Log
}

// open opens the case's stream, the first time or again.
func (s *subject) open(ctx context.Context, limit int64) (stream.Log, error) {
	log, err := s.Harness.Open(ctx, s.name, limit)
	if err != nil {
		return nil, fmt.Errorf("opening the stream: %w", err)
	}
	s.opened = append(s.opened, log)
	return log, s.checkPowers(log)
}

func (s *subject) close() error {
	var errs []error
	for _, log := range s.opened {
		errs = append(errs, log.Close())
	}
	return errors.Join(errs...)
}

func (s *subject) checkPowers(log stream.Log) error {
	_, trims := stream.As[stream.Trimmer](log)
	_, stats := stream.As[stream.Statter](log)
	_, orders := stream.As[stream.Orderer](log)
	for _, power := range []struct {
		name           string
		declared, have bool
	}{
		{"Trimmer", s.Powers.Trims, trims},
		{"Statter", s.Powers.Stats, stats},
		{"Orderer", s.Powers.Orders, orders},
	} {
		if power.declared != power.have {
			return fmt.Errorf("the harness declares %s: %t; the driver has it: %t", power.name, power.declared, power.have)
		}
	}
	return nil
}
