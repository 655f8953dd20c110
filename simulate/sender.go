package simulate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// BatchSize is a number of events in a request, and how often it is chosen compared with the other ones.
type BatchSize struct {
	Events int
	Share  float64
}

// RealisticBatches is the mixture of batch sizes that the official SDKs' defaults lead to: apps that flush when they
// are put away, sites that collect ten events, back ends that collect many.
func RealisticBatches() []BatchSize {
	return []BatchSize{{1, 8}, {2, 10}, {5, 20}, {10, 30}, {15, 12}, {20, 14}, {50, 4}, {100, 2}}
}

// maxBatchEvents is the most events that the Segment protocol allows in a batch.
const maxBatchEvents = 2500

// maxBatchBytes keeps a batch below the 500 KB that the Segment protocol allows.
const maxBatchBytes = 450_000

// Delivery describes how Send posts.
type Delivery struct {
	// Server is the collector's address, such as http://127.0.0.1:8080; /v1/batch and the like are added.
	Server string
	// WriteKey is sent as the name of Basic authentication and in the body, as the SDKs do.
	WriteKey string
	// Speed is how many seconds of the stream are sent in a second: 1 is live, 60 plays an hour in a minute. Every
	// request has its due time from that, and none waits for an answer to another one as long as Concurrency allows.
	// Above 1 the stream should begin in the past. 0: as fast as the server takes it.
	Speed float64
	// Live sends each event when its time comes by the clock, and those whose time is past at once: a stream that began
	// last month is sent as fast as the server takes it, and then goes on at the pace of the clock. Speed must be 0.
	Live bool
	// BatchSize, when above 0, is the number of events in each request, and no event is sent alone.
	BatchSize int
	// Batches is the mixture of batch sizes otherwise. Default RealisticBatches.
	Batches []BatchSize
	// Alone is the share of calls from browsers that are posted one by one as text/plain, which the browser's SDK does
	// by default. Default 0.3; negative: none.
	Alone float64
	// Linger is how long an event waits for its batch to fill. Default 2 s. Where Speed is 0 and
	// Live is not set, batches are always filled.
	Linger time.Duration
	// Duplicates is the share of requests that are posted a second time with the same message ids, possibly while the
	// first is under way, as SDKs do when a page is left or an answer is lost. Default 0.
	Duplicates float64
	// Concurrency is how many requests are under way at most. Default 16.
	Concurrency int
	// Tries is how often a request is posted until it is given up. Default 10.
	Tries int
	// Timeout is how long an answer may take. Default 30 s.
	Timeout time.Duration
	// Limit ends the work after that many events. 0: none.
	Limit uint64
	// OnProgress is called from time to time, and once at the end, by one goroutine. It may be nil.
	OnProgress func(Progress)
	// Every is how often OnProgress is called. Default 250 ms.
	Every time.Duration
	// Transport is used instead of one made for Concurrency.
	Transport http.RoundTripper
}

func (d Delivery) resolve() (Delivery, error) {
	u, err := url.Parse(d.Server)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return d, fmt.Errorf("the server must be an http or https address; got %q", d.Server)
	}
	d.Server = strings.TrimSuffix(d.Server, "/")
	if len(d.Batches) == 0 {
		d.Batches = RealisticBatches()
	}
	if d.BatchSize > 0 {
		d.Batches, d.Alone = []BatchSize{{d.BatchSize, 1}}, -1
	}
	for _, b := range d.Batches {
		if b.Events < 1 || b.Events > maxBatchEvents || !(b.Share > 0) || math.IsInf(b.Share, 1) {
			return d, fmt.Errorf("a batch must have 1 to %d events and a share above 0; got %d events, share %v", maxBatchEvents, b.Events, b.Share)
		}
	}
	if d.Alone == 0 {
		d.Alone = .3
	}
	d.Linger = orDefault(d.Linger, 2*time.Second)
	d.Concurrency = orDefault(d.Concurrency, 16)
	d.Tries = orDefault(d.Tries, 10)
	d.Timeout = orDefault(d.Timeout, 30*time.Second)
	d.Every = orDefault(d.Every, 250*time.Millisecond)
	switch {
	case d.WriteKey == "":
		return d, errors.New("a write key is needed")
	case !(d.Speed >= 0) || math.IsInf(d.Speed, 1) || d.Live && d.Speed > 0:
		return d, fmt.Errorf("speed must be finite and not negative, and 0 for live; got %v, live %v", d.Speed, d.Live)
	case d.BatchSize < 0 || d.Concurrency < 1 || d.Tries < 1 || d.Linger < 0 || d.Timeout < 0 || d.Every < 0:
		return d, fmt.Errorf("batch size, concurrency, tries and times cannot be negative; got %d, %d, %d, %v, %v, %v",
			d.BatchSize, d.Concurrency, d.Tries, d.Linger, d.Timeout, d.Every)
	case !(d.Alone <= 1) || !(d.Duplicates >= 0 && d.Duplicates <= 1):
		return d, fmt.Errorf("shares cannot be above 1 or negative; got %v alone, %v duplicates", d.Alone, d.Duplicates)
	}
	return d, nil
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// sender is the work of one Send.
type sender struct {
	delivery Delivery
	client   *http.Client
	tail     string // of every body, up to the time of sending
	tally    *tally
}

// Send posts the events of g until the stream ends, d.Limit is reached or ctx is done, and waits for the answers. Every
// request says that it was sent now, so a collector that corrects clocks by that leaves the events' own times as they
// are, also where they are long past. That
// ctx is done is not an error: requests under way are then waited for, at most for d.Timeout, and none is repeated. An
// error with a Result says that the server refused in a way that will not change, such as an unknown write key.
func Send(ctx context.Context, g *Generator, d Delivery) (*Result, error) {
	d, err := d.resolve()
	if err != nil {
		return nil, err
	}
	transport := d.Transport
	if transport == nil {
		own := &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxConnsPerHost: d.Concurrency, MaxIdleConnsPerHost: d.Concurrency,
			IdleConnTimeout: 90 * time.Second, DisableCompression: true, WriteBufferSize: 64 << 10,
		}
		defer own.CloseIdleConnections()
		transport = own
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &sender{
		delivery: d, tally: newTally(g.Config(), d, cancel), tail: `,"writeKey":` + quoted(d.WriteKey) + `,"sentAt":"`,
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	parcels := make(chan *parcel, d.Concurrency)
	var workers sync.WaitGroup
	for range d.Concurrency {
		workers.Go(func() {
			for p := range parcels {
				s.deliver(ctx, p)
			}
		})
	}
	reported := s.report()
	newPacker(g, d, s.tally).pack(ctx, parcels)
	close(parcels)
	workers.Wait()
	reported()
	return &Result{Progress: s.tally.progress(), Run: g.Config().Run, Started: s.tally.began, Ledger: s.tally.ledger}, s.tally.fatal
}

// report calls OnProgress until the function it returns is called.
func (s *sender) report() (end func()) {
	tell := s.delivery.OnProgress
	if tell == nil {
		return func() {}
	}
	over := make(chan struct{})
	var reporter sync.WaitGroup
	reporter.Go(func() {
		ticker := time.NewTicker(s.delivery.Every)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				tell(s.tally.progress())
			case <-over:
				tell(s.tally.progress())
				return
			}
		}
	})
	return func() {
		close(over)
		reporter.Wait()
	}
}
