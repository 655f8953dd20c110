package simulate

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// slow answers every request after what wait says for the time since the first one.
type slow struct {
	wait func(since time.Duration) time.Duration
	mu   sync.Mutex
	from time.Time
	at   []time.Duration // when requests arrived
}

func (s *slow) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	r.Body.Close()
	s.mu.Lock()
	if s.from.IsZero() {
		s.from = time.Now()
	}
	since := time.Since(s.from)
	s.at = append(s.at, since)
	s.mu.Unlock()
	if wait := s.wait(since); wait > 0 {
		time.Sleep(wait)
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"success":true}`)), Request: r}, nil
}

// A server that stands still for ten seconds keeps all waiting who come in that time. Who measures only from when a
// request was at last sent sees a few slow ones; the schedule knows of all.
func TestLatencyIsMeasuredFromTheSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stall := &slow{wait: func(since time.Duration) time.Duration {
			if since > 30*time.Second && since < 40*time.Second {
				return 40*time.Second - since
			}
			return 5 * time.Millisecond
		}}
		c := Config{Seed: 2, Run: "lag", People: 5_000, Rate: 20, From: monday, To: monday.Add(100 * time.Second)}
		d := Delivery{Server: "http://collector", WriteKey: "dev", BatchSize: 1, Speed: 1, Concurrency: 4, Transport: stall}
		r := mustSend(t, c, d)
		l := r.Latency
		if !l.Scheduled || l.Requests != r.Events {
			t.Fatalf("want every event measured from the schedule, have %+v", l)
		}
		// A tenth of the requests waited 5 s on the mean, and nobody longer than the stall.
		if l.P50 > 10*time.Millisecond || l.P99 < 7*time.Second || l.Max < 9*time.Second || l.Max > 11*time.Second {
			t.Errorf("want p50 of 5ms, p99 above 7s and a maximum of about 10s, have %v, %v and %v", l.P50, l.P99, l.Max)
		}
		if l.Mean < 250*time.Millisecond || l.P90 < l.P50 || l.P999 < l.P99 {
			t.Errorf("want a mean of about half a second and rising quantiles, have %+v", l)
		}
	})
}

func TestSpeed(t *testing.T) {
	t.Parallel()
	for _, speed := range []float64{.5, 1, 60} {
		synctest.Test(t, func(t *testing.T) {
			at := &slow{wait: func(time.Duration) time.Duration { return 0 }}
			c := Config{Seed: 2, Run: "speed", People: 5_000, Rate: 5, From: monday, To: monday.Add(10 * time.Minute)}
			r := mustSendFor(t, c, Delivery{Server: "http://collector", WriteKey: "dev", Speed: speed, Transport: at}, time.Hour)
			if want := 600 / speed; r.Took.Seconds() < .98*want || r.Took.Seconds() > 1.01*want {
				t.Errorf("speed %v: want 10 minutes of events to take %v s, have %v", speed, want, r.Took)
			}
			if r.Acknowledged != r.Events || r.Latency.Max > time.Millisecond {
				t.Errorf("speed %v: want all requests sent when due, have %+v", speed, r.Progress)
			}
		})
	}
}

// No event waits for company for longer than Linger.
func TestLinger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		at := &slow{wait: func(time.Duration) time.Duration { return 0 }}
		c := Config{Seed: 2, Run: "linger", People: 5_000, Rate: 1, From: monday, To: monday.Add(5 * time.Minute)}
		d := Delivery{Server: "http://collector", WriteKey: "dev", BatchSize: 1000, Speed: 1, Linger: 3 * time.Second, Transport: at}
		r := mustSendFor(t, c, d, time.Hour)
		if r.Requests < 40 || r.Requests > 100 {
			t.Errorf("want a request about every four seconds of five minutes, have %d", r.Requests)
		}
	})
}

func TestLiveCatchesUpAndGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		at := &slow{wait: func(time.Duration) time.Duration { return 0 }}
		now := time.Now()
		c := Config{Seed: 2, Run: "live", People: 5_000, Rate: 2, From: now.Add(-10 * time.Minute), To: now.Add(5 * time.Minute)}
		r := mustSendFor(t, c, Delivery{Server: "http://collector", WriteKey: "dev", Live: true, Transport: at}, time.Hour)
		if r.Took < 290*time.Second || r.Took > 301*time.Second {
			t.Errorf("want the last five minutes to take as long, have %v", r.Took)
		}
		early := 0
		for _, when := range at.at {
			if when == 0 {
				early++
			}
		}
		within(t, "share of requests sent at once", ratio(early, len(at.at)), .5, .8)
	})
}

// The pauses between tries grow as the SDKs' do, and a Retry-After is followed.
func TestPausesBetweenTries(t *testing.T) {
	t.Parallel()
	for _, asked := range []string{"", "7"} {
		synctest.Test(t, func(t *testing.T) {
			down := &refusing{after: asked}
			d := Delivery{Server: "http://collector", WriteKey: "dev", Limit: 1, Tries: 5, Concurrency: 1, Transport: down}
			r := mustSendFor(t, history, d, time.Hour)
			if r.Unclear != 1 || r.Acknowledged != 0 || len(down.at) != 5 || r.Failures["503"] != 5 {
				t.Fatalf("want the event given up after 5 tries, have %d tries and %+v", len(down.at), r.Progress)
			}
			want := 500 * time.Millisecond
			for i := 1; i < len(down.at); i++ {
				if asked != "" {
					want = 7 * time.Second
				}
				if have := down.at[i].Sub(down.at[i-1]); have < want || have > want+want/5 {
					t.Errorf("want %v before try %d, have %v", want, i+1, have)
				}
				want *= 2
			}
		})
	}
}

// refusing answers 503.
type refusing struct {
	after string
	at    []time.Time
}

func (f *refusing) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	r.Body.Close()
	f.at = append(f.at, time.Now())
	header := http.Header{}
	header.Set("Retry-After", f.after)
	return &http.Response{StatusCode: 503, Header: header, Body: io.NopCloser(strings.NewReader("full")), Request: r}, nil
}
