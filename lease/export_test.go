package lease

import (
	"context"
	"math/rand/v2"
)

// Round is one round of Run, for tests that say who does what when.
func (w *Worker) Round(ctx context.Context) { w.round(ctx) }

// GiveUp is what Run does at its end.
func (w *Worker) GiveUp(ctx context.Context) { w.giveUp(ctx) }

// Seed makes a worker's choices the same each time.
func (w *Worker) Seed(seed uint64) { w.random = rand.New(rand.NewPCG(seed, 0)) } //nolint:gosec // a test's
