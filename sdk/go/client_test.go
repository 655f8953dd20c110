package spoor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakePublisher writes down what it is given. answer, where it is set, is asked about each call, counted from 1.
type fakePublisher struct {
	answer func(call int, batch []Message) ([]Rejection, error)
	gate   chan struct{} // where it is set, each call waits for a value, or for its context

	mu      sync.Mutex
	batches [][]string // the names of the events
	at      []time.Time
}

func (p *fakePublisher) Publish(ctx context.Context, batch []Message) ([]Rejection, error) {
	if p.gate != nil {
		select {
		case <-p.gate:
		case <-ctx.Done():
			return nil, &UnavailableError{Err: ctx.Err()}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for _, m := range batch {
		names = append(names, m.Name)
	}
	p.batches, p.at = append(p.batches, names), append(p.at, time.Now())
	if p.answer == nil {
		return nil, nil
	}
	return p.answer(len(p.batches), batch)
}

func (p *fakePublisher) names() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Concat(p.batches...)
}

func numbered(n int) Event { return Event{UserID: "ada", Name: fmt.Sprint(n)} }

func numbers(from, to int) []string {
	var names []string
	for n := from; n <= to; n++ {
		names = append(names, fmt.Sprint(n))
	}
	return names
}

func mustNew(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// track tracks the numbers from … to.
func track(t *testing.T, c *Client, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		if err := c.Track(t.Context(), numbered(n)); err != nil {
			t.Fatalf("event %d: %v", n, err)
		}
	}
}

func wantStats(t *testing.T, c *Client, want Stats) {
	t.Helper()
	if have := c.Stats(); have != want {
		t.Errorf("want %+v; have %+v", want, have)
	}
}

func TestBatchesAreCutByCountSizeAndTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &fakePublisher{}
		c := mustNew(t, Options{Publisher: p})
		began := time.Now()
		track(t, c, 1, 250)
		synctest.Wait()
		if want, have := numbers(1, 200), p.names(); !slices.Equal(have, want) {
			t.Errorf("want two batches of 100 at once; have %d events", len(have))
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if want, have := numbers(1, 250), p.names(); !slices.Equal(have, want) {
			t.Errorf("want the other 50 after the interval; have %d", len(have))
		}
		if have := p.at[2].Sub(began); have != 5*time.Second {
			t.Errorf("want the last batch after 5s; have %v", have)
		}

		large := numbered(1)
		large.Properties = Map{"text": strings.Repeat("x", 30_000)}
		for range 17 { // 16 of them fit into 500,000 bytes
			if err := c.Track(t.Context(), large); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if have := len(p.batches[3]); len(p.batches) != 4 || have != 16 {
			t.Errorf("want a fourth batch of the 16 events that fit; have %d batches, the last of %d", len(p.batches), have)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
		wantStats(t, c, Stats{Taken: 267, Stored: 267})
	})
}

// A queue that is smaller than a batch is sent when it is full, and whoever waits for room does not wait for company.
func TestASmallQueueDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &fakePublisher{}
		c := mustNew(t, Options{Publisher: p, QueueEvents: 3})
		began := time.Now()
		track(t, c, 1, 9)
		if have := time.Since(began); have > 0 {
			t.Errorf("want no wait for the interval; have %v", have)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
		wantStats(t, c, Stats{Taken: 9, Stored: 9})
	})
}

func TestFlushSendsWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &fakePublisher{gate: make(chan struct{})}
		c := mustNew(t, Options{Publisher: p, BatchEvents: 10})
		track(t, c, 1, 13)
		flushed := make(chan error, 1)
		go func() { flushed <- c.Flush(t.Context()) }()
		synctest.Wait()
		track(t, c, 14, 14)
		p.gate <- struct{}{}
		synctest.Wait()
		select {
		case err := <-flushed:
			t.Fatalf("want Flush to wait for the second batch; have it return %v", err)
		default:
		}
		p.gate <- struct{}{}
		if err := <-flushed; err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		track(t, c, 15, 15)
		if err := c.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("want Flush to end with its context; have %v", err)
		}
		close(p.gate)
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if want, have := numbers(1, 15), p.names(); !slices.Equal(have, want) {
			t.Errorf("want %v; have %v", want, have)
		}
	})
}

// A flush is not over when newer events were dropped while the ones that it waits for are on their way.
func TestFlushIsNotFooledByDrops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &fakePublisher{gate: make(chan struct{})}
		c := mustNew(t, Options{Publisher: p, BatchEvents: 3, QueueEvents: 3, WhenFull: DropOldest})
		track(t, c, 1, 3)
		synctest.Wait()
		flushed := make(chan error, 1)
		go func() { flushed <- c.Flush(t.Context()) }()
		track(t, c, 4, 20)
		synctest.Wait()
		if len(flushed) > 0 {
			t.Error("want Flush to wait for the batch on its way")
		}
		close(p.gate)
		if err := <-flushed; err != nil {
			t.Error(err)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
		wantStats(t, c, Stats{Taken: 20, Stored: 6, Dropped: 14})
	})
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	// The first two events are on their way for as long as the gate is closed; three have room in the queue.
	fill := func(t *testing.T, policy Policy, failed func(Failure)) (*Client, *fakePublisher) {
		t.Helper()
		p := &fakePublisher{gate: make(chan struct{})}
		c := mustNew(t, Options{Publisher: p, BatchEvents: 2, QueueEvents: 3, WhenFull: policy, OnError: failed})
		track(t, c, 1, 2)
		synctest.Wait()
		track(t, c, 3, 5)
		return c, p
	}
	finish := func(t *testing.T, c *Client, p *fakePublisher, want []string, stats Stats) {
		t.Helper()
		close(p.gate)
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if have := p.names(); !slices.Equal(have, want) {
			t.Errorf("want %v; have %v", want, have)
		}
		wantStats(t, c, stats)
	}
	t.Run("block", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, p := fill(t, Block, nil)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := c.Track(ctx, numbered(6)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("want the call to block until its context ends; have %v", err)
			}
			done := make(chan error, 1)
			go func() { done <- c.Track(t.Context(), numbered(7)) }()
			p.gate <- struct{}{}
			if err := <-done; err != nil {
				t.Errorf("want the call to go on when there is room; have %v", err)
			}
			finish(t, c, p, append(numbers(1, 5), "7"), Stats{Taken: 6, Stored: 6})
		})
	})
	t.Run("drop newest", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, p := fill(t, DropNewest, nil)
			if err := c.Track(t.Context(), numbered(6)); !errors.Is(err, ErrQueueFull) {
				t.Errorf("want %v; have %v", ErrQueueFull, err)
			}
			finish(t, c, p, numbers(1, 5), Stats{Taken: 6, Stored: 5, Dropped: 1})
		})
	})
	t.Run("drop oldest", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var lost []string
			c, p := fill(t, DropOldest, func(f Failure) {
				if errors.Is(f.Err, ErrQueueFull) {
					lost = append(lost, f.Name)
				}
			})
			track(t, c, 6, 7)
			finish(t, c, p, []string{"1", "2", "5", "6", "7"}, Stats{Taken: 7, Stored: 5, Dropped: 2})
			if want := []string{"3", "4"}; !slices.Equal(lost, want) {
				t.Errorf("want %v reported; have %v", want, lost)
			}
		})
	})
	t.Run("bytes", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := &fakePublisher{}
			c := mustNew(t, Options{Publisher: p, QueueBytes: MaxEventBytes, WhenFull: DropNewest})
			e := numbered(1)
			e.Properties = Map{"text": strings.Repeat("x", 20_000)}
			if err := c.Track(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			if err := c.Track(t.Context(), e); !errors.Is(err, ErrQueueFull) {
				t.Errorf("want no room for the bytes of a second event; have %v", err)
			}
			finish(t, c, &fakePublisher{gate: make(chan struct{}), batches: [][]string{{"1"}}}, []string{"1"}, Stats{Taken: 2, Stored: 1, Dropped: 1})
		})
	})
}

func TestRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("down")
		p := &fakePublisher{answer: func(call int, batch []Message) ([]Rejection, error) {
			switch call {
			case 1, 2, 3:
				return nil, &UnavailableError{Err: down}
			case 4:
				return nil, &UnavailableError{Err: down, After: 90 * time.Second}
			case 5: // the second and the fourth did not go in
				return nil, &UnavailableError{Err: down, Messages: []int{1, 3}}
			default:
				return []Rejection{{Index: 1, Reason: "missing_id", Detail: "who?"}}, nil
			}
		}}
		var failures []Failure
		c := mustNew(t, Options{Publisher: p, OnError: func(f Failure) { failures = append(failures, f) }})
		track(t, c, 1, 4)
		if err := c.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if have := p.batches[5]; !slices.Equal(have, []string{"2", "4"}) {
			t.Errorf("want only the two that are named sent again; have %v", have)
		}
		for i, most := range []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond} {
			if have := p.at[i+1].Sub(p.at[i]); have < most/2 || have > most {
				t.Errorf("pause %d: want it from %v to %v; have %v", i+1, most/2, most, have)
			}
		}
		if have := p.at[4].Sub(p.at[3]); have != 90*time.Second {
			t.Errorf("want the 90s that were asked for; have %v", have)
		}
		var rejected *RejectedError
		if len(failures) != 1 || failures[0].Name != "4" || !errors.As(failures[0].Err, &rejected) || rejected.Reason != "missing_id" {
			t.Errorf("want event 4 reported as rejected with missing_id; have %+v", failures)
		}
		wantStats(t, c, Stats{Taken: 4, Stored: 3, Rejected: 1, Retries: 5})
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatIsRefusedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &fakePublisher{answer: func(int, []Message) ([]Rejection, error) { return nil, errors.New("401 unknown key") }}
		failures := 0
		c := mustNew(t, Options{Publisher: p, OnError: func(Failure) { failures++ }})
		track(t, c, 1, 2)
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if failures != 2 || len(p.batches) != 1 {
			t.Errorf("want one request and both events reported; have %d requests, %d reports", len(p.batches), failures)
		}
		wantStats(t, c, Stats{Taken: 2, Rejected: 2})
	})
}

func TestCloseGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &fakePublisher{gate: make(chan struct{})}
		var failures []Failure
		c := mustNew(t, Options{Publisher: p, BatchEvents: 2, OnError: func(f Failure) { failures = append(failures, f) }})
		track(t, c, 1, 5)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := c.Close(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "5 events") {
			t.Errorf("want the five events named that were not sent; have %v", err)
		}
		if len(failures) != 5 || !errors.Is(failures[4].Err, ErrClosed) {
			t.Errorf("want five events reported with %v; have %+v", ErrClosed, failures)
		}
		if err := c.Track(t.Context(), numbered(6)); !errors.Is(err, ErrClosed) {
			t.Errorf("want %v; have %v", ErrClosed, err)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Errorf("want a second Close to do nothing; have %v", err)
		}
		wantStats(t, c, Stats{Taken: 5, Dropped: 5})
	})
}

func TestSyncReturnsWhenTheEventIsStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &fakePublisher{answer: func(call int, _ []Message) ([]Rejection, error) {
			switch call {
			case 1:
				return nil, &UnavailableError{Err: errors.New("down")}
			case 2:
				return nil, nil
			case 3:
				return []Rejection{{Reason: "missing_id"}}, nil
			default:
				return nil, &UnavailableError{Err: errors.New("down")}
			}
		}}
		c := mustNew(t, Options{Publisher: p, Sync: true})
		track(t, c, 1, 1)
		if want, have := []string{"1", "1"}, p.names(); !slices.Equal(have, want) {
			t.Errorf("want the event sent, and again, before the call returns; have %v", have)
		}
		var rejected *RejectedError
		if err := c.Track(t.Context(), numbered(2)); !errors.As(err, &rejected) {
			t.Errorf("want the rejection returned; have %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Track(ctx, numbered(3)); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "down") {
			t.Errorf("want the call to end with its context, and to say why it had to; have %v", err)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := c.Track(t.Context(), numbered(4)); !errors.Is(err, ErrClosed) {
			t.Errorf("want %v; have %v", ErrClosed, err)
		}
	})
}

func TestManyCallersAtOnce(t *testing.T) {
	t.Parallel()
	p := &fakePublisher{}
	c := mustNew(t, Options{Publisher: p, QueueEvents: 50})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for n := range 500 {
				if err := c.Track(t.Context(), numbered(1000*g+n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	names := p.names()
	slices.Sort(names)
	if have := len(slices.Compact(names)); have != 4000 {
		t.Errorf("want each of 4000 events once; have %d", have)
	}
	wantStats(t, c, Stats{Taken: 4000, Stored: 4000})
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]Options{
		"URL":         {WriteKey: "k"},
		`"ftp://x"`:   {URL: "ftp://x", WriteKey: "k"},
		"WriteKey":    {URL: "http://x"},
		"BatchEvents": {BatchEvents: 1001, Publisher: &fakePublisher{}},
		"BatchBytes":  {BatchBytes: 600_000, Publisher: &fakePublisher{}},
		"QueueBytes":  {QueueBytes: 10, Publisher: &fakePublisher{}},
		"QueueEvents": {QueueEvents: -1, Publisher: &fakePublisher{}},
		"WhenFull":    {WhenFull: 7, Publisher: &fakePublisher{}},
		"MaxPause":    {MaxPause: 1, Publisher: &fakePublisher{}},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: want an error about %s; have %v", o, want, err)
		}
	}
}

func TestEventsAreChecked(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind  string
		event Event
		want  string
	}{
		{typeTrack, Event{UserID: "a"}, "track needs Name"},
		{typeTrack, Event{Name: "x"}, "UserID or an AnonymousID"},
		{typeTrack, Event{UserID: "a", Name: "x", Traits: Map{}}, "takes no Traits"},
		{typeIdentify, Event{UserID: "a", Properties: Map{"x": 1}}, "takes no Properties"},
		{typeIdentify, Event{UserID: "a", Name: "x"}, "takes no Name"},
		{typeGroup, Event{UserID: "a"}, "group needs GroupID"},
		{typeAlias, Event{UserID: "a"}, "alias needs PreviousID"},
		{typeAlias, Event{PreviousID: "a", AnonymousID: "b"}, "alias needs UserID"},
		{typePage, Event{UserID: "a", GroupID: "x"}, "takes no GroupID"},
		{typeTrack, Event{UserID: "a", Name: "x", MessageID: strings.Repeat("x", 256)}, "255 bytes"},
		{typeTrack, Event{UserID: "a", Name: "x", Properties: Map{"f": func() {}}}, "JSON"},
	} {
		if _, err := encode(test.kind, test.event, time.Now()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %+v: want %q; have %v", test.kind, test.event, test.want, err)
		}
	}
	_, err := encode(typeTrack, Event{UserID: "a", Name: "Big", MessageID: "m1", Properties: Map{"x": strings.Repeat("x", MaxEventBytes)}}, time.Now())
	var large *TooLargeError
	if !errors.As(err, &large) || large.Name != "Big" || large.MessageID != "m1" || large.Bytes <= MaxEventBytes {
		t.Errorf("want a *TooLargeError that names the event; have %v", err)
	}
}

func TestEventOnTheWire(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.FixedZone("", 3600))
	m, err := encode(typeTrack, Event{
		UserID: "ada", AnonymousID: "d1", Name: "Order <Completed>", Properties: Map{"revenue": 12}, MessageID: "m1",
		Context: Map{"ip": "203.0.113.7"}, Timestamp: at,
	}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type":"track","messageId":"m1","timestamp":"2026-01-02T02:04:05.678Z","userId":"ada","anonymousId":"d1",` +
		`"event":"Order <Completed>","properties":{"revenue":12},"context":{"ip":"203.0.113.7","library":{"name":"spoor-go","version":"` + Version + `"}}}`
	if have := string(m.Body); have != want {
		t.Errorf("want %s\nhave %s", want, have)
	}
	own := Map{"library": Map{"name": "shop"}}
	if m, err = encode(typePage, Event{UserID: "ada", Name: "Start", Context: own}, at); err != nil {
		t.Fatal(err)
	}
	var page struct {
		Name      string
		MessageID string `json:"messageId"`
		Timestamp time.Time
		Context   Map
	}
	if err := json.Unmarshal(m.Body, &page); err != nil || page.Name != "Start" || page.MessageID != m.ID || !page.Timestamp.Equal(at) {
		t.Errorf("want a page with a name, the message's id and the time of the call; have %s, %v", m.Body, err)
	}
	if have := page.Context["library"].(Map)["name"]; have != "shop" {
		t.Errorf("want the caller's own library kept; have %v", have)
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(0x0123456789ab)
	seen := map[string]bool{}
	for range 1000 {
		id := newID(now)
		if len(id) != 36 || !strings.HasPrefix(id, "01234567-89ab-7") || !strings.ContainsAny(id[19:20], "89ab") {
			t.Fatalf("want a UUID of version 7 of that millisecond; have %s", id)
		}
		seen[id] = true
	}
	if len(seen) != 1000 {
		t.Errorf("want 1000 different ids; have %d", len(seen))
	}
}

func BenchmarkTrack(b *testing.B) {
	c, err := New(Options{Publisher: &discard{}, BatchEvents: 1000})
	if err != nil {
		b.Fatal(err)
	}
	e := Event{UserID: "user-123", Name: "Product Viewed", Properties: Map{"sku": "A-1", "price": 39.95, "category": "shoes"}}
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Track(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
	if err := c.Close(context.Background()); err != nil {
		b.Error(err)
	}
}

type discard struct{}

func (discard) Publish(context.Context, []Message) ([]Rejection, error) { return nil, nil }
