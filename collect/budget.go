package collect

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// budget is the memory that requests may use together. Nobody waits for it: what does not fit is refused at once.
type budget struct {
	most int64
	used atomic.Int64
}

func (b *budget) take(n int64) bool {
	if b.used.Add(n) > b.most {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// buffers lends memory in sizes of powers of two from 2 KiB to 2 MiB, each counted against the budget while it is lent.
type buffers struct {
	pools [11]sync.Pool // of *buffer
}

const smallestBuffer = 11 // as a power of two

type buffer struct {
	data []byte
	size int // which pool it belongs to
}

// get lends an empty buffer for n bytes or more.
func (b *buffers) get(budget *budget, n int) (*buffer, error) {
	size := max(bits.Len(uint(max(n, 1)-1))-smallestBuffer, 0)
	if size >= len(b.pools) || !budget.take(1<<(size+smallestBuffer)) {
		return nil, errBusy
	}
	if lent, ok := b.pools[size].Get().(*buffer); ok {
		lent.data = lent.data[:0]
		return lent, nil
	}
	return &buffer{data: make([]byte, 0, 1<<(size+smallestBuffer)), size: size}, nil
}

// put takes a buffer back; so much of what it took of the budget stays with somebody else.
func (b *buffers) put(budget *budget, lent *buffer, stays int64) {
	budget.give(lent.weight() - stays)
	b.pools[lent.size].Put(lent)
}

// weight is what the buffer takes of the budget.
func (b *buffer) weight() int64 { return 1 << (b.size + smallestBuffer) }
