package simulate

import "sync"

// Ledger knows of every event that was sent whether it was acknowledged: two bits each, by the event's number. What the
// event was is not kept, as the stream can be played again. It is safe for concurrent use.
type Ledger struct {
	config Config

	mu      sync.Mutex
	acked   bitset
	unclear bitset // sent, but no answer told what became of it
}

// NewLedger returns the empty ledger of a stream, which must be that of a [Generator.Config].
func NewLedger(c Config) *Ledger { return &Ledger{config: c} }

// Config returns what stream the ledger is of.
func (l *Ledger) Config() Config { return l.config }

// Acknowledge notes that the server has answered for these events.
func (l *Ledger) Acknowledge(numbers ...uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range numbers {
		l.acked.set(n)
	}
}

// Doubt notes that these events were sent and the server may or may not have them. One that was or will be
// acknowledged all the same counts as that.
func (l *Ledger) Doubt(numbers ...uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range numbers {
		l.unclear.set(n)
	}
}

// Counts returns how many events were acknowledged and of how many others the fate is unclear.
func (l *Ledger) Counts() (acknowledged, unclear uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := range l.unclear.top {
		if l.unclear.has(n) && !l.acked.has(n) {
			unclear++
		}
	}
	return l.acked.count, unclear
}

// end returns the number after the last that was sent.
func (l *Ledger) end() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(l.acked.top, l.unclear.top)
}

// fate returns whether an event must be there, and whether it may.
func (l *Ledger) fate(n uint64) (must, may bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	must = l.acked.has(n)
	return must, must || l.unclear.has(n)
}

// bitset is a set of numbers.
type bitset struct {
	words []uint64
	count uint64
	top   uint64 // above all numbers in it
}

func (s *bitset) set(n uint64) {
	for word := int(n / 64); word >= len(s.words); {
		s.words = append(s.words, 0)
	}
	if !s.has(n) {
		s.words[n/64] |= 1 << (n % 64)
		s.count++
		s.top = max(s.top, n+1)
	}
}

func (s *bitset) has(n uint64) bool {
	return n/64 < uint64(len(s.words)) && s.words[n/64]>>(n%64)&1 == 1
}
