// Package memory is a table of leases in memory, for tests: the workers that share it are in one process.
package memory

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/spoorhq/spoor/lease"
	"github.com/spoorhq/spoor/stream"
)

// Table is a lease.Table. Use New.
type Table struct {
	mu     sync.Mutex
	leases map[stream.ShardID]lease.Lease
}

// New makes an empty table.
func New() *Table { return &Table{leases: map[stream.ShardID]lease.Lease{}} }

func (t *Table) List(ctx context.Context) ([]lease.Lease, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]lease.Lease, 0, len(t.leases))
	for _, l := range t.leases {
		out = append(out, clone(l))
	}
	slices.SortFunc(out, func(a, b lease.Lease) int { return strings.Compare(string(a.Shard), string(b.Shard)) })
	return out, nil
}

func (t *Table) Add(ctx context.Context, l lease.Lease) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, there := t.leases[l.Shard]; !there {
		t.leases[l.Shard] = clone(l)
	}
	return nil
}

func (t *Table) Swap(ctx context.Context, old, next lease.Lease) error {
	return t.change(ctx, old, func() { t.leases[old.Shard] = clone(next) })
}

func (t *Table) Remove(ctx context.Context, old lease.Lease) error {
	return t.change(ctx, old, func() { delete(t.leases, old.Shard) })
}

func (t *Table) change(ctx context.Context, old lease.Lease, do func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	have, there := t.leases[old.Shard]
	if !there || have.Owner != old.Owner || have.Holder != old.Holder || have.Counter != old.Counter {
		return lease.ErrChanged
	}
	do()
	return nil
}

// Close does nothing.
func (*Table) Close() error { return nil }

func clone(l lease.Lease) lease.Lease {
	l.Parents = slices.Clone(l.Parents)
	return l
}
