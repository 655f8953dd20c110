package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/stream"
)

// TestGroupCommit: ten thousand requests that come while appends are under way share a few.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := &road{append: func(context.Context, event.Header) error { <-release; return nil }}
		c := start(t, r, nil)
		answers := make(chan told, clients)
		for i := range clients {
			go func() { answers <- post(t, c, good(fmt.Sprintf("m%d", i))) }()
		}
		synctest.Wait()
		if len(answers) > 0 || r.appends() != 2 {
			t.Fatalf("want two appends under way and nobody answered, have %d and %d", r.appends(), len(answers))
		}
		close(release)
		for range clients {
			if have := <-answers; have.status != http.StatusOK || have.Accepted != 1 {
				t.Fatalf("want one event accepted, have %+v", have)
			}
		}
		headers, events := r.kept(t)
		if len(headers) > 6 {
			t.Errorf("want few appends for %d requests, have %d", clients, len(headers))
		}
		slices.Sort(events)
		if n := len(slices.Compact(events)); n != clients {
			t.Errorf("want %d events kept once each, have %d", clients, n)
		}
		sequence(t, headers, 1)
	})
}

// sequence checks that the records have the numbers from first on, in whatever order they came.
func sequence(t *testing.T, headers []event.Header, first uint64) {
	t.Helper()
	var have []uint64
	for _, h := range headers {
		have = append(have, h.Seq)
		if h.Collector != "door" || len(h.Boot) != 26 || h.Boot != headers[0].Boot {
			t.Errorf("want one collector and boot, have %+v", h)
		}
	}
	slices.Sort(have)
	for i, seq := range have {
		if seq != first+uint64(i) {
			t.Fatalf("want numbers from %d without a gap, have %v", first, have)
		}
	}
}

// TestRecordsAreBounded: a batch that is full is followed by another while it waits.
func TestRecordsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := &road{append: func(context.Context, event.Header) error { <-release; return nil }}
		c := start(t, r, func(o *Options) { o.RecordBytes = 64 << 10; o.Appends = 1 })
		event := strings.Replace(good("m"), `"u"`, `"`+strings.Repeat("u", 20<<10)+`"`, 1)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if have := post(t, c, event); have.Accepted != 1 {
					t.Errorf("want one event accepted, have %+v", have)
				}
			})
		}
		synctest.Wait()
		close(release)
		all.Wait()
		headers, _ := r.kept(t)
		for _, h := range headers {
			if h.Bytes > 64<<10+200 {
				t.Errorf("want records of 64 KiB, have %d bytes", h.Bytes)
			}
		}
		if len(headers) != 4 { // the first alone, then three times three
			t.Errorf("want 4 records, have %d", len(headers))
		}
		sequence(t, headers, 1)
	})
}

// TestAppendsOverlap: as many appends are under way as allowed, and no more.
func TestAppendsOverlap(t *testing.T) {
	t.Parallel()
	for _, appends := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			r := &road{append: func(context.Context, event.Header) error { <-release; return nil }}
			c := start(t, r, func(o *Options) { o.Appends = appends })
			var all sync.WaitGroup
			for i := range 10 {
				all.Go(func() { post(t, c, good(fmt.Sprint(i))) })
				synctest.Wait()
			}
			if have := r.appends(); have != appends {
				t.Errorf("want %d appends under way, have %d", appends, have)
			}
			close(release)
			all.Wait()
			if have := r.appends(); have != appends+1 {
				t.Errorf("want one more for all that waited, have %d", have)
			}
		})
	}
}

var errBroken = errors.New("the connection broke")

// TestFailedAppend: whoever waits for an append that fails is told so, whether its outcome is known or not. The number is
// never used again, and later records say that it is void until one of them is durable.
func TestFailedAppend(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{
		"unknown outcome": errBroken,
		"refused":         &stream.PartialError{Failed: map[int]error{0: errBroken}},
		"full":            &stream.PartialError{Failed: map[int]error{0: stream.ErrFull}},
	} {
		synctest.Test(t, func(t *testing.T) {
			fail := true
			var seen []event.Header
			r := &road{append: func(_ context.Context, h event.Header) error {
				seen = append(seen, h)
				if fail {
					return failure
				}
				return nil
			}}
			c := start(t, r, func(o *Options) { o.Appends = 1 })
			code := map[bool]string{true: "stream_full", false: "append_failed"}[name == "full"]
			for range 3 {
				have := post(t, c, good("a"))
				if have.status != http.StatusServiceUnavailable || have.Code != code || have.Accepted != 0 {
					t.Fatalf("%s: want 503 and %s, have %+v", name, code, have)
				}
				if seconds := have.header.Get("Retry-After"); len(seconds) != 1 || seconds < "1" {
					t.Errorf("%s: want whole seconds to wait, have %q", name, seconds)
				}
				if strings.Contains(have.Message, errBroken.Error()) {
					t.Errorf("%s: want our insides kept to ourselves, have %s", name, have.Message)
				}
				time.Sleep(time.Minute)
			}
			fail = false
			for _, id := range []string{"b", "c"} {
				if have := post(t, c, good(id)); have.status != http.StatusOK {
					t.Fatalf("%s: want 200, have %+v", name, have)
				}
			}
			headers, events := r.kept(t)
			if want := []string{good("b"), good("c")}; !slices.Equal(events, want) {
				t.Errorf("%s: want %v kept, have %v", name, want, events)
			}
			sequence(t, headers, 4)
			for i, want := range [][]uint64{nil, {1}, {1, 2}, {1, 2, 3}, nil} {
				if !slices.Equal(seen[i].Void, want) {
					t.Errorf("%s: record %d: want void %v, have %v", name, i+1, want, seen[i].Void)
				}
			}
		})
	}
}

// TestVoidOfTheLastRecords: a collector that ends tells of numbers that no record has told of yet.
func TestVoidOfTheLastRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &road{append: func(_ context.Context, h event.Header) error {
			if h.Seq == 1 {
				return errBroken
			}
			return nil
		}}
		c := start(t, r, nil)
		post(t, c, good("a"))
		for range 2 { // the second time there is nothing left to tell
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			headers, events := r.kept(t)
			if len(headers) != 1 || len(events) != 0 || headers[0].Seq != 2 || !slices.Equal(headers[0].Void, []uint64{1}) {
				t.Errorf("want a record of no events that says 1 is void, have %+v with %v", headers, events)
			}
		}
	})
}

// TestSettled: a record tells up to which number the outcomes are known; those of appends under way are not.
func TestSettled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := make(chan struct{})
		var mu sync.Mutex
		settled := map[uint64]uint64{}
		r := &road{append: func(_ context.Context, h event.Header) error {
			mu.Lock()
			settled[h.Seq] = h.Settled
			mu.Unlock()
			if h.Seq == 1 {
				<-slow
			}
			if h.Seq == 3 {
				return errBroken
			}
			return nil
		}}
		c := start(t, r, func(o *Options) { o.Appends = 2 })
		first := make(chan struct{})
		go func() {
			defer close(first)
			post(t, c, good("a"))
		}()
		synctest.Wait()
		for _, id := range []string{"b", "c"} {
			post(t, c, good(id))
		}
		close(slow)
		<-first
		time.Sleep(time.Minute)
		post(t, c, good("d"))
		// 1 was under way until 3 had failed; 4 lists 3.
		if want := map[uint64]uint64{1: 0, 2: 0, 3: 0, 4: 3}; !maps.Equal(settled, want) {
			t.Errorf("want %v settled, have %v", want, settled)
		}
	})
}

// TestVoidIsListedInPortions: a stream that was down for long cannot make a header too long to be read.
func TestVoidIsListedInPortions(t *testing.T) {
	t.Parallel()
	r := &road{}
	c := start(t, r, func(o *Options) { o.Appends = 1 })
	for i := range uint64(maxVoid + 10) {
		c.commits.void = append(c.commits.void, i+1)
	}
	c.commits.seq = maxVoid + 10
	for range 3 {
		post(t, c, good("a"))
	}
	headers, _ := r.kept(t)
	for i, want := range []int{maxVoid, 10, 0} {
		if have := len(headers[i].Void); have != want {
			t.Errorf("record %d: want %d void numbers, have %d", i, want, have)
		}
		if want, have := []uint64{maxVoid, maxVoid + 11, maxVoid + 12}[i], headers[i].Settled; have != want {
			t.Errorf("record %d: want the numbers up to %d settled, have %d", i, want, have)
		}
	}
}

// TestPauseAfterFailure: a stream that fails is left alone for a while, and requests are refused at once meanwhile.
func TestPauseAfterFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &road{append: func(context.Context, event.Header) error { return errBroken }}
		c := start(t, r, func(o *Options) { o.Appends = 1 })
		if err := c.Ready(); err != nil {
			t.Errorf("want ready, have %v", err)
		}
		begin := time.Now()
		for time.Since(begin) < time.Minute {
			if have := post(t, c, good("a")); have.Code != "append_failed" || have.header.Get("Retry-After") == "" {
				t.Fatalf("want append_failed, have %+v", have)
			}
			if err := c.Ready(); err == nil {
				t.Fatal("want not ready")
			}
			time.Sleep(10 * time.Millisecond)
		}
		// 0.1, 0.2, 0.4, 0.8, 1.6 seconds apart, then two.
		if have := r.appends(); have < 30 || have > 40 {
			t.Errorf("want an append every two seconds, have %d in a minute", have)
		}
		r.append = nil
		time.Sleep(lastPause)
		if err := c.Ready(); err != nil { // else a balancer would never send what shows that it works again
			t.Errorf("want ready after the pause, have %v", err)
		}
		if have := post(t, c, good("a")); have.status != http.StatusOK {
			t.Errorf("want 200, have %+v", have)
		}
	})
}

// TestHangingAppend: an append without an answer ends as one of unknown outcome.
func TestHangingAppend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &road{append: func(ctx context.Context, h event.Header) error {
			if h.Seq > 1 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}}
		c := start(t, r, nil)
		begin := time.Now()
		if have := post(t, c, good("a")); have.Code != "append_failed" {
			t.Errorf("want append_failed, have %+v", have)
		}
		if have := time.Since(begin); have != 30*time.Second {
			t.Errorf("want 30 s, have %v", have)
		}
	})
}

// TestReadyKnowsTheRoom: readiness is off while the stream is full, and on again as soon as it says that it has room.
func TestReadyKnowsTheRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		size := stream.Stat{Bytes: 10 << 20, Limit: 100 << 20}
		var unknown error
		full := false
		r := &road{
			stat: func() (stream.Stat, error) { return size, unknown },
			append: func(context.Context, event.Header) error {
				if full {
					return stream.ErrFull
				}
				return nil
			},
		}
		c := start(t, r, nil)
		ready := func(want bool, when string) {
			t.Helper()
			if err := c.Ready(); (err == nil) != want {
				t.Errorf("%s: want ready %v, have %v", when, want, err)
			}
		}
		ready(true, "with room")
		unknown = errBroken
		ready(false, "without an answer")
		unknown = nil
		size.Bytes = 99 << 20
		ready(false, "with too little room")
		full = true
		if have := post(t, c, good("a")); have.Code != "stream_full" {
			t.Errorf("want stream_full, have %+v", have)
		}
		ready(false, "when full")
		time.Sleep(time.Minute)
		ready(false, "while it is full")
		size.Bytes, full = 50<<20, false
		ready(true, "when there is room again")
		size.Limit = 0
		ready(true, "without a limit")
	})
}

// TestClientGone: what has been taken is appended, whether or not somebody waits for the answer.
func TestClientGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := &road{append: func(context.Context, event.Header) error { <-release; return nil }}
		c := start(t, r, nil)
		ctx, gone := context.WithCancel(t.Context())
		answered := make(chan told, 1)
		go func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "/whole", strings.NewReader(good("a")))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("X-Write-Key", "k")
			c.ServeHTTP(discard{}, req)
			answered <- told{}
		}()
		synctest.Wait()
		gone()
		synctest.Wait()
		close(release)
		<-answered
		if _, events := r.kept(t); !slices.Equal(events, []string{good("a")}) {
			t.Errorf("want the event kept, have %v", events)
		}
	})
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

// TestDrain: whoever is inside is answered, whoever comes later is sent away, and nothing is lost.
func TestDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := &road{append: func(context.Context, event.Header) error { <-release; return nil }}
		c := start(t, r, nil)
		inside := make(chan told, 5)
		for i := range 5 {
			go func() { inside <- post(t, c, good(fmt.Sprint(i))) }()
		}
		synctest.Wait()
		drained := make(chan error, 1)
		go func() { drained <- c.Drain(t.Context()) }()
		synctest.Wait()
		late := post(t, c, good("late"))
		if late.status != http.StatusServiceUnavailable || late.Code != "draining" || late.header.Get("Connection") != "close" || late.header.Get("Retry-After") != "1" {
			t.Errorf("want 503, to go elsewhere; have %+v", late)
		}
		if err := c.Ready(); err == nil {
			t.Error("want not ready")
		}
		if len(drained) > 0 || len(inside) > 0 {
			t.Fatal("want the drain to wait for those inside")
		}
		close(release)
		if err := <-drained; err != nil {
			t.Error(err)
		}
		for range 5 {
			if have := <-inside; have.status != http.StatusOK {
				t.Errorf("want 200, have %+v", have)
			}
		}
		if _, events := r.kept(t); len(events) != 5 {
			t.Errorf("want 5 events kept, have %v", events)
		}
	})
}

// TestDrainGivesUp: a body that never ends does not stop the collector from ending.
func TestDrainGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := start(t, &road{}, nil)
		endless := make(chan struct{})
		answered := make(chan told, 1)
		go func() { answered <- ask(t, c, http.MethodPost, "/whole", blocked{endless}) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("want the deadline's error, have %v", err)
		}
		close(endless)
		if have := <-answered; have.Code != "draining" {
			t.Errorf("want the late body refused, have %+v", have)
		}
	})
}

// blocked is a body that says nothing until its channel is closed, and then one event.
type blocked struct{ until chan struct{} }

func (b blocked) Read(p []byte) (int, error) {
	<-b.until
	return copy(p, good("late")), io.EOF
}
