package simulate

// queue holds the visits under way, the one with the earliest next action first: a binary heap over a slab.
type queue struct {
	visits []visit
	free   []uint32
	heap   []turn
}

// turn is a visit's place in the heap.
type turn struct {
	at    int64
	order uint64 // which of two visits at the same millisecond comes first
	slot  uint32
}

func (t turn) before(o turn) bool { return t.at < o.at || t.at == o.at && t.order < o.order }

// first returns the visit with the earliest next action, or nil. It is good until the queue is changed.
func (q *queue) first() *visit {
	if len(q.heap) == 0 {
		return nil
	}
	return &q.visits[q.heap[0].slot]
}

func (q *queue) push(v visit) {
	var slot uint32
	if n := len(q.free); n > 0 {
		slot, q.free = q.free[n-1], q.free[:n-1]
		q.visits[slot] = v
	} else {
		slot = uint32(len(q.visits))
		q.visits = append(q.visits, v)
	}
	t := turn{v.at, uint64(v.dice), slot}
	i := len(q.heap)
	q.heap = append(q.heap, t)
	for i > 0 {
		parent := (i - 1) / 2
		if !t.before(q.heap[parent]) {
			break
		}
		q.heap[i] = q.heap[parent]
		i = parent
	}
	q.heap[i] = t
}

// moved puts the first visit, whose time has moved on, where it belongs.
func (q *queue) moved() {
	slot := q.heap[0].slot
	q.sink(turn{q.visits[slot].at, uint64(q.visits[slot].dice), slot})
}

// pop removes the first visit.
func (q *queue) pop() {
	q.free = append(q.free, q.heap[0].slot)
	last := len(q.heap) - 1
	t := q.heap[last]
	q.heap = q.heap[:last]
	if last > 0 {
		q.sink(t)
	}
}

// sink puts t at the top of the heap and lets it down to its place.
func (q *queue) sink(t turn) {
	i, n := 0, len(q.heap)
	for {
		child := 2*i + 1
		if child >= n {
			break
		}
		if child+1 < n && q.heap[child+1].before(q.heap[child]) {
			child++
		}
		if !q.heap[child].before(t) {
			break
		}
		q.heap[i] = q.heap[child]
		i = child
	}
	q.heap[i] = t
}
