package simulate

import (
	"maps"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latency tells how long the server took to answer for a request for good, the repetitions it asked for included.
type Latency struct {
	// Requests is how many were measured: all but the deliberate duplicates.
	Requests uint64
	// Scheduled: the time runs from when a request was due, whether or not the sender was free to send it then, so
	// that a server that stands still is seen in every request it kept waiting. Otherwise, and where
	// Delivery.Live catches up with the clock, it runs from when a request was sent, and tells nothing about those not
	// sent meanwhile.
	Scheduled                      bool
	Mean, P50, P90, P99, P999, Max time.Duration
}

// Progress is what Send has done so far.
type Progress struct {
	// Done is the share of the work, in 0 to 1; always 0 where the work has no end.
	Done float64
	// Clock is how far the simulated time has come.
	Clock time.Time
	// Events is how many the stream has given; Acknowledged, Rejected and Unclear are what became of those whose
	// story is over. Unclear means that tries ran out without an answer that tells.
	Events, Acknowledged, Rejected, Unclear uint64
	// Duplicates is how many events were sent again deliberately, and acknowledged.
	Duplicates uint64
	// Requests is how many were posted, Retries of them because the one before had failed.
	Requests, Retries uint64
	// Bytes is how many bytes of bodies were posted.
	Bytes uint64
	// Failures counts requests that were not answered with success, by status ("503") or kind ("network", "timeout").
	Failures map[string]uint64
	// LastFailure is the latest of them; empty if there was none.
	LastFailure string
	// Took is the time since Send began.
	Took time.Duration
	// Latency is of the requests whose story is over.
	Latency Latency
}

// EventsPerSecond returns the mean rate of acknowledged events.
func (p *Progress) EventsPerSecond() float64 {
	return float64(p.Acknowledged) / max(p.Took.Seconds(), 1e-9)
}

// BytesPerSecond returns the mean rate at which bodies were posted.
func (p *Progress) BytesPerSecond() float64 { return float64(p.Bytes) / max(p.Took.Seconds(), 1e-9) }

// Result is what Send did.
type Result struct {
	Progress
	// Run is the name in the message ids.
	Run string
	// Started is when Send began.
	Started time.Time
	// Ledger tells for every event whether it was acknowledged.
	Ledger *Ledger
}

// tally counts while workers work. A worker comes here once for each request.
type tally struct {
	began  time.Time
	from   time.Time
	to     time.Time // zero: no end
	limit  uint64    // 0: none
	ledger *Ledger

	mu     sync.Mutex
	so     Progress
	times  *hdrhistogram.Histogram // of microseconds
	fatal  error
	cancel func()
}

// longestWait is the longest latency that is told from longer ones.
const longestWait = time.Hour

func newTally(c Config, d Delivery, cancel func()) *tally {
	t := &tally{
		began: time.Now(), from: c.From, to: c.To, limit: d.Limit, ledger: NewLedger(c), cancel: cancel,
		times: hdrhistogram.New(1, longestWait.Microseconds(), 3),
	}
	t.so.Clock = c.From
	t.so.Failures = make(map[string]uint64)
	t.so.Latency.Scheduled = d.Speed > 0 || d.Live
	return t
}

// taken notes that the stream has given this many events, up to a time.
func (t *tally) taken(events uint64, clock time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.so.Events, t.so.Clock = events, clock
}

// posted notes a request that is about to be sent.
func (t *tally) posted(bytes int, retry bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.so.Requests++
	t.so.Bytes += uint64(bytes)
	if retry {
		t.so.Retries++
	}
}

func (t *tally) failed(kind, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.so.Failures[kind]++
	t.so.LastFailure = what
}

// stop ends everything because of an error that more requests would only repeat.
func (t *tally) stop(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fatal == nil {
		t.fatal = err
		t.cancel()
	}
}

// over notes the end of a parcel's story.
func (t *tally) over(p *parcel, o outcome) {
	switch {
	case o.unclear:
		t.ledger.Doubt(p.numbers...)
	case len(o.rejected) == 0:
		t.ledger.Acknowledge(p.numbers...)
	default:
		for i, n := range p.numbers {
			if !o.rejected[i] {
				t.ledger.Acknowledge(n)
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	events, rejected := uint64(len(p.numbers)), uint64(len(o.rejected))
	if p.duplicate {
		if !o.unclear {
			t.so.Duplicates += events - rejected
		}
		return
	}
	if o.unclear {
		t.so.Unclear += events
	} else {
		t.so.Rejected += rejected
		t.so.Acknowledged += events - rejected
	}
	took := time.Since(p.due)
	// A value within the bounds is always recorded.
	_ = t.times.RecordValue(min(max(took.Microseconds(), 1), longestWait.Microseconds()))
}

// progress returns the state of things.
func (t *tally) progress() Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.so
	p.Failures = maps.Clone(p.Failures)
	p.Took = time.Since(t.began)
	if !t.to.IsZero() {
		p.Done = float64(p.Clock.Sub(t.from)) / float64(t.to.Sub(t.from))
	}
	if t.limit > 0 {
		p.Done = max(p.Done, float64(p.Events)/float64(t.limit))
	}
	at := func(quantile float64) time.Duration {
		return time.Duration(t.times.ValueAtQuantile(quantile)) * time.Microsecond
	}
	p.Latency = Latency{
		Requests: uint64(t.times.TotalCount()), Scheduled: p.Latency.Scheduled,
		Mean: time.Duration(t.times.Mean() * float64(time.Microsecond)),
		P50:  at(50), P90: at(90), P99: at(99), P999: at(99.9),
		Max: time.Duration(t.times.Max()) * time.Microsecond,
	}
	return p
}
