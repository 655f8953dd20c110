package query

import (
	"context"
	"errors"
	"sync"
	"time"
)

// flights are the questions that are being worked on, each once however many have asked it.
type flights struct {
	mu  sync.Mutex
	all map[string]*flight
}

type flight struct {
	cancel  context.CancelCauseFunc
	work    *Work
	waiting int
	done    chan struct{}
	result  any
	err     error
}

var errAllGone = errors.New("nobody waits for the answer any more")

// do works on the question called key, which may take until a deadline, or waits for who does already. The work's ctx ends
// when all who wait have gone.
func (f *flights) do(ctx context.Context, key string, deadline time.Duration, do func(ctx context.Context, key string, work *Work) (any, error)) (any, error) {
	f.mu.Lock()
	if f.all == nil {
		f.all = map[string]*flight{}
	}
	one := f.all[key]
	if one == nil {
		one = &flight{done: make(chan struct{}), work: NewWork(deadline)}
		var working context.Context
		working, one.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
		f.all[key] = one
		go func() {
			defer one.cancel(nil)
			result, err := do(working, key, one.work)
			f.mu.Lock()
			defer f.mu.Unlock()
			one.result, one.err = result, err
			f.forget(key, one)
			close(one.done)
		}()
	}
	one.waiting++
	f.mu.Unlock()
	follow(ctx, one.work)
	select {
	case <-one.done:
		return one.result, one.err
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if one.waiting--; one.waiting == 0 {
		// Who asks from now on must not get an answer that was given up.
		f.forget(key, one)
		one.cancel(errAllGone)
	}
	return nil, context.Cause(ctx)
}

func (f *flights) forget(key string, one *flight) {
	if f.all[key] == one {
		delete(f.all, key)
	}
}
