//go:build !race

package collect

const clients = 10_000
