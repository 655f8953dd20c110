package redshiftfake

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
)

// A Fault is something that goes wrong on purpose, at its next opportunity.
type Fault string

// The faults.
const (
	CopyFails     Fault = "copy"          // a COPY fails when half of its rows are in
	CommitLost    Fault = "commit-lost"   // the connection breaks, and the server never hears of the commit
	CommitUnheard Fault = "commit-done"   // the commit is done, and the connection breaks before the answer
	CommitLate    Fault = "commit-late"   // the connection breaks, and the commit is done afterwards
	Conflict      Fault = "conflict"      // a commit is refused with error 1023
	StatementCut  Fault = "statement-cut" // the connection breaks at a COPY
)

func all() []Fault {
	return []Fault{CopyFails, CommitLost, CommitUnheard, CommitLate, Conflict, StatementCut}
}

// Faults are those that are ordered, one by one or at random. It is an http.Handler, for other processes: POST
// /?next=commit-lost orders one, POST /?rate=copy:0.01 sets the part of the opportunities that fail, and GET tells how many
// of each there were.
type Faults struct {
	mu     sync.Mutex
	next   []Fault
	rates  map[Fault]float64
	random *rand.Rand
	counts map[Fault]int
}

func newFaults() *Faults {
	return &Faults{rates: map[Fault]float64{}, counts: map[Fault]int{}, random: rand.New(rand.NewPCG(1, 2))} //nolint:gosec // chance for a test
}

// Next orders faults, each for its next opportunity.
func (f *Faults) Next(list ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = append(f.next, list...)
}

// Seed begins the sequence of chances anew.
func (f *Faults) Seed(seed uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.random = rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // chance for a test
}

// Rate sets the part of a fault's opportunities that it takes, from 0 to 1.
func (f *Faults) Rate(fault Fault, rate float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rates[fault] = rate
}

// Count tells how often a fault has happened.
func (f *Faults) Count(fault Fault) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[fault]
}

// pick gives the fault that happens now, of those given; "": none.
func (f *Faults) pick(possible ...Fault) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, fault := range f.next {
		if slices.Contains(possible, fault) {
			f.next = slices.Delete(f.next, i, i+1)
			f.counts[fault]++
			return fault
		}
	}
	for _, fault := range possible {
		if rate := f.rates[fault]; rate > 0 && f.random.Float64() < rate {
			f.counts[fault]++
			return fault
		}
	}
	return ""
}

// ServeHTTP is an http.Handler's.
func (f *Faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		if err := f.order(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	for _, fault := range all() {
		fmt.Fprintf(w, "%s %d\n", fault, f.Count(fault))
	}
}

func (f *Faults) order(r *http.Request) error {
	query := r.URL.Query()
	for _, name := range query["next"] {
		if !slices.Contains(all(), Fault(name)) {
			return fmt.Errorf("next must be one of %v; got %q", all(), name)
		}
		f.Next(Fault(name))
	}
	if seed := query.Get("seed"); seed != "" {
		n, err := strconv.ParseUint(seed, 10, 64)
		if err != nil {
			return fmt.Errorf("seed must be a number; got %q", seed)
		}
		f.Seed(n)
	}
	for _, text := range query["rate"] {
		fault, rate, err := ParseRate(text)
		if err != nil {
			return err
		}
		f.Rate(fault, rate)
	}
	return nil
}

// ParseRate reads FAULT:RATE.
func ParseRate(text string) (Fault, float64, error) {
	for _, fault := range all() {
		var rate float64
		if _, err := fmt.Sscanf(text, string(fault)+":%g", &rate); err == nil && rate >= 0 && rate <= 1 {
			return fault, rate, nil
		}
	}
	return "", 0, fmt.Errorf("a rate must be FAULT:RATE with a fault of %v and a rate from 0 to 1; got %q", all(), text)
}
