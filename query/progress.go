package query

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spoorhq/spoor/warehouse"
)

// Teller is a warehouse that knows how far a statement of its is. One that does not is asked as any other.
type Teller interface {
	// QueryTelling is Query; while rows are waited for, tell hears which part of the statement is done, 0 to 1. It may hear
	// nothing at all, and it is not called when nobody waits for a row.
	QueryTelling(ctx context.Context, tell func(done float64), query string, args ...any) (warehouse.Rows, error)
}

// Progress is how far something is that may take long.
type Progress struct {
	// Waiting: its turn has not come, for too much else is worked on.
	Waiting bool `json:"waiting,omitempty"`
	// Done is which part is done, 0 to 1; nil: the warehouse does not tell.
	Done *float64 `json:"done,omitempty" minimum:"0" maximum:"1"`
	// Seconds have passed since it began, and Deadline is how many may.
	Seconds  float64 `json:"seconds"`
	Deadline float64 `json:"deadline"`
}

// Work is something under way that may take long.
type Work struct {
	began    time.Time
	deadline time.Duration

	mu      sync.Mutex
	waiting bool
	planned int     // statements
	begun   int     // of them
	done    float64 // of all; 0: nothing is known
}

// NewWork begins to count the time of something that is ended after a while.
func NewWork(deadline time.Duration) *Work { return &Work{began: time.Now(), deadline: deadline} }

// Progress tells how far it is.
func (w *Work) Progress() Progress {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := Progress{Waiting: w.waiting, Seconds: time.Since(w.began).Seconds(), Deadline: w.deadline.Seconds()}
	if w.done > 0 {
		p.Done = new(w.done)
	}
	return p
}

// wait notes whether its turn has yet to come.
func (w *Work) wait(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = yes
}

// plan notes how many statements it takes, as far as that is known.
func (w *Work) plan(statements int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.planned = statements
}

// statement notes that the next statement begins, and gives who hears how far that one is. Each counts the same.
func (w *Work) statement() (tell func(done float64)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.begun
	w.begun++
	w.planned = max(w.planned, w.begun)
	of := float64(w.planned)
	if before > 0 {
		w.done = max(w.done, float64(before)/of)
	}
	return func(done float64) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.done = max(w.done, min((float64(before)+done)/of, 1))
	}
}

// Watched gives a source whose statements tell the work how far they are.
func (w *Work) Watched(source Source) Source { return watched{source, w} }

type watched struct {
	Source
	work *Work
}

func (w watched) Query(ctx context.Context, query string, args ...any) (warehouse.Rows, error) {
	teller, ok := w.Source.(Teller)
	if !ok {
		return w.Source.Query(ctx, query, args...)
	}
	return teller.QueryTelling(ctx, w.work.statement(), query, args...)
}

// Follower finds out how far a question is that an Engine works on: whoever asks it, all who asked the same see the same.
type Follower struct{ work atomic.Pointer[Work] }

// Following gives a ctx whose next question the follower follows.
func (f *Follower) Following(ctx context.Context) context.Context {
	return context.WithValue(ctx, followerKey{}, f)
}

// Progress tells how far the question is; false: nothing is worked on yet.
func (f *Follower) Progress() (Progress, bool) {
	work := f.work.Load()
	if work == nil {
		return Progress{}, false
	}
	return work.Progress(), true
}

type followerKey struct{}

// follow shows the work to who follows the question of a ctx.
func follow(ctx context.Context, work *Work) {
	if f, ok := ctx.Value(followerKey{}).(*Follower); ok {
		f.work.Store(work)
	}
}

// planned is a question that takes more than one statement of weight.
type planned interface{ statements() int }

// statements implements planned: one for each series, and once more for the period before.
func (t Trend) statements() int {
	n := len(t.Series)
	if t.Compare {
		n *= 2
	}
	return n
}
