//go:build race

package collect

// clients is fewer than the race detector can follow.
const clients = 2_000
