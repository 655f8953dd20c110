package query

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestFlights: many who ask the same wait for one piece of work, and it goes on when some of them leave.
func TestFlights(t *testing.T) {
	t.Parallel()
	var f flights
	var runs atomic.Int64
	release := make(chan struct{})
	work := func(ctx context.Context, key string, _ *Work) (any, error) {
		runs.Add(1)
		select {
		case <-release:
			return key, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	const many = 8
	first, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	left := make(chan error, 1)
	go func() {
		_, err := f.do(first, "q", time.Minute, work)
		left <- err
	}()
	for range many {
		wg.Go(func() {
			if have, err := f.do(t.Context(), "q", time.Minute, work); err != nil || have != "q" {
				t.Errorf("want the answer; have %v (%v)", have, err)
			}
		})
	}
	waiting := func(n int) {
		for {
			f.mu.Lock()
			have := 0
			if one := f.all["q"]; one != nil {
				have = one.waiting
			}
			f.mu.Unlock()
			if have == n {
				return
			}
			runtime.Gosched()
		}
	}
	waiting(many + 1)
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("want who left to hear of it; have %v", err)
	}
	waiting(many)
	close(release)
	wg.Wait()
	if runs.Load() != 1 {
		t.Errorf("want the work done once; have %d", runs.Load())
	}
	if have, err := f.do(t.Context(), "q", time.Minute, work); err != nil || have != "q" || runs.Load() != 2 {
		t.Errorf("want it done again when it is asked again; have %v, %d times (%v)", have, runs.Load(), err)
	}
}
