package query

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// EngineOptions bound what questions may take.
type EngineOptions struct {
	// Deadline is the longest that a question may take, waiting for its turn included; default 30 s.
	Deadline time.Duration
	// AtOnce is how many questions are worked on at the same time; the others wait. Default 4.
	AtOnce int
	// CacheBytes bounds the answers that are kept, counted as JSON; default 64 MiB.
	CacheBytes int64
	// CompleteTo tells the moment before which all that the door took is in the warehouse, by whoever watches the stream;
	// the zero time: it is not known. Without it the ledger's newest minute is what is known.
	CompleteTo func() time.Time
	// Cohorts gives the saved cohorts that questions name; nil: there are none.
	Cohorts Cohorts
	// Now is a clock; default time.Now.
	Now func() time.Time
}

// Engine asks a warehouse on behalf of pages, API and command line: within a deadline, a few questions at a time, each
// of several equal ones once, and none again while its answer still holds. A question ends when all who asked it have
// gone.
type Engine struct {
	source  Source
	options EngineOptions
	turns   chan struct{}
	flights flights
	cache   cache
}

// NewEngine makes an engine.
func NewEngine(source Source, options EngineOptions) *Engine {
	if options.Deadline == 0 {
		options.Deadline = 30 * time.Second
	}
	if options.AtOnce == 0 {
		options.AtOnce = 4
	}
	if options.CacheBytes == 0 {
		options.CacheBytes = 64 << 20
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Engine{source: source, options: options, turns: make(chan struct{}, options.AtOnce), cache: cache{room: options.CacheBytes}}
}

// Source is what the engine asks.
func (e *Engine) Source() Source { return e.source }

// Trend answers a trend.
func (e *Engine) Trend(ctx context.Context, t Trend) (TrendAnswer, error) {
	return ask(ctx, e, "trend", t, AskTrend)
}

// Funnel answers a funnel.
func (e *Engine) Funnel(ctx context.Context, f Funnel) (FunnelAnswer, error) {
	return ask(ctx, e, "funnel", f, AskFunnel)
}

// Retention answers a retention.
func (e *Engine) Retention(ctx context.Context, r Retention) (RetentionAnswer, error) {
	return ask(ctx, e, "retention", r, AskRetention)
}

// Paths answers paths.
func (e *Engine) Paths(ctx context.Context, p Paths) (PathsAnswer, error) {
	return ask(ctx, e, "paths", p, AskPaths)
}

// People answers a list of people.
func (e *Engine) People(ctx context.Context, p PeopleList) (PeopleAnswer, error) {
	return ask(ctx, e, "people", p, AskPeople)
}

// answer is a report's answer, which can say how complete it is.
type answer[A any] interface {
	// completed gives the answer with its completeness, and what follows from that; the answer itself stays as it is, for
	// others have it too.
	completed(c Completeness) A
}

// ask has a question answered, from the cache where that still holds.
func ask[Q Question, A answer[A]](ctx context.Context, e *Engine, report string, q Q, do func(context.Context, Source, Q, time.Time) (A, error)) (A, error) {
	var none A
	if err := q.Validate(); err != nil {
		return none, err
	}
	// An answer is kept by what its cohorts are, not by what they are called: with a changed one the question is another.
	q, err := Resolve(q, e.options.Cohorts)
	if err != nil {
		return none, err
	}
	now := e.options.Now()
	about := lookInto(q, now)
	result, err := e.flights.do(ctx, report+" "+JSON(q)+" "+about.units, e.options.Deadline, func(ctx context.Context, key string, work *Work) (any, error) {
		if p, ok := any(q).(planned); ok {
			work.plan(p.statements())
		}
		ctx, cancel := context.WithTimeoutCause(ctx, e.options.Deadline, fmt.Errorf("the question took over %s: %w", e.options.Deadline, context.DeadlineExceeded))
		defer cancel()
		a, err := e.turn(ctx, work, func() (any, error) {
			return e.answer(ctx, key, about, now, func() (any, error) { return do(ctx, work.Watched(e.source), q, now) })
		})
		if err != nil && ctx.Err() != nil {
			// What the warehouse says of being interrupted helps nobody.
			err = context.Cause(ctx)
		}
		return a, err
	})
	if err != nil {
		return none, err
	}
	known := result.(answered)
	return known.answer.(A).completed(known.Completeness), nil
}

// answered is an answer with how complete it is by now.
type answered struct {
	answer any
	Completeness
}

// turn waits until fewer than the most questions are worked on.
func (e *Engine) turn(ctx context.Context, work *Work, do func() (any, error)) (any, error) {
	work.wait(true)
	select {
	case e.turns <- struct{}{}:
		defer func() { <-e.turns }()
		work.wait(false)
		return do()
	case <-ctx.Done():
		return nil, errors.Join(errors.New("too many questions are being worked on"), ctx.Err())
	}
}

// answer gives the cached answer if it still holds, or has the question answered. What is known of the warehouse is read
// before, so that what comes while it is asked counts as new.
func (e *Engine) answer(ctx context.Context, key string, about about, now time.Time, do func() (any, error)) (any, error) {
	upTo, err := e.completeTo(ctx)
	if err != nil {
		return nil, err
	}
	state, err := readState(ctx, e.source, about)
	if err != nil {
		return nil, err
	}
	if kept := e.cache.get(key); kept != nil {
		holds, err := kept.holds(ctx, e.source, state, about, now)
		if err != nil {
			return nil, err
		}
		if holds {
			// It is known now that nothing more has come.
			e.cache.put(key, &entry{answer: kept.answer, asked: kept.asked, state: state, size: kept.size})
			return answered{kept.answer, Completeness{UpTo: upTo, AskedAt: kept.asked}}, nil
		}
	}
	a, err := do()
	if err != nil {
		return nil, err
	}
	e.cache.put(key, &entry{answer: a, asked: now, state: state})
	return answered{a, Completeness{UpTo: upTo, AskedAt: now}}, nil
}

func (e *Engine) completeTo(ctx context.Context) (*time.Time, error) {
	if e.options.CompleteTo != nil {
		if to := e.options.CompleteTo(); !to.IsZero() {
			return &to, nil
		}
		return nil, nil
	}
	var l Live
	if err := l.newest(ctx, e.source); err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	return l.Newest, nil
}
