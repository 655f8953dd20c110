// Package collect is the door: it takes events over HTTP and answers 200 only when the stream holds them for good.
//
// Every request goes the same way, limit → auth → decode → validate → stamp → append → answer, which is visit.take. What
// differs between clients is a Protocol, one folder each below this one. Requests that wait at the same time share one
// append (group commit, in commit.go), so that durability costs one write a batch and not one an event.
package collect

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
	"github.com/spoorhq/spoor/stream"
)

// Protocol is one way that clients speak. It turns a body into events and an outcome into an answer; it knows no source,
// no other protocol and no stream. It is used by many requests at once.
type Protocol interface {
	// Name is what is kept of the protocol with each request and what the metrics call it.
	Name() string
	// Routes are the requests that bring events, as patterns of http.ServeMux without a slash at the end. The
	// collector takes each path with and without one, and with slashes doubled.
	Routes() []string
	// MaxBody bounds a body in bytes, unpacked. 0: no bound; the body is lines then, of which Decode gets as many
	// whole ones at a time as fit, each cut behind event.MaxEventBytes+1 bytes, and it cannot hold a key.
	MaxBody() int
	// Decode finds the events of a body and appends them to events, sets what the envelope says in req (its values
	// are JSON, nested less than event.MaxDepth deep), and gives the write key, if the body holds one. All may be
	// views of body. A text that event.Scan refuses, or would, is a Value of kind Invalid with that text.
	// An error means that nothing in the body can be read: the answer is 400, with the error's Code, if it has one.
	Decode(r *http.Request, body []byte, req *event.Request, events []jsonscan.Value) (key []byte, _ []jsonscan.Value, err error)
	// Answer writes an answer. The report is Spoor's, in JSON; headers that every protocol has are set already.
	Answer(w http.ResponseWriter, status int, report []byte)
}

// Answerer is a Protocol with requests that bring no events, by pattern as in Routes. The request's URL has its scheme set
// to what the client used.
type Answerer interface {
	Handlers() map[string]http.Handler
}

// Source is where events come from: a product, an app, a website.
type Source struct {
	Name string
	// Keys are its write keys. A write key can do nothing but write.
	Keys []string
	// RatePerSecond bounds its events in a second, in bursts of one second or of the largest batch; 0: no bound.
	RatePerSecond float64
}

// Options are what a Collector is made of. A zero field takes its default.
type Options struct {
	Log       stream.Log // required
	ID        string     // of this collector, the same after a restart; required
	Sources   []Source   // at least one
	Protocols []Protocol // at least one
	// TrustedProxies may say in X-Forwarded-For, Forwarded and X-Forwarded-Proto whom they speak for.
	TrustedProxies []netip.Prefix
	// MaxInFlight bounds the bytes of bodies being read and of events being appended, together. Default 64 MiB.
	MaxInFlight int64
	// RecordBytes is where a record of the stream is full, before compression, which never lets it grow by more than
	// some hundred bytes: it must be below what the stream takes. One request's events may make it longer, by up to
	// event.MaxBatchBytes. Default 2 MiB.
	RecordBytes int
	// Format is how events are put on the stream. Default Compact.
	Format Format
	// RecordWait is how long a record that is not full waits for company, on a stream that bills records by units of
	// their size. Default 100 ms; negative: not at all. On other streams nothing waits.
	RecordWait time.Duration
	// Appends is how many appends may be under way at a time. Default 2: one is compressed while one is written.
	Appends int
	// AppendFor bounds the time of one append; after that its outcome counts as unknown. Default 30 s.
	AppendFor time.Duration
	// ReadGrace and ReadRate bound how slowly a body may come: it has the grace, and a second more for every ReadRate
	// bytes that have come. Defaults 10 s and 1024.
	ReadGrace time.Duration
	ReadRate  int
	Metrics   prometheus.Registerer // default: a registry that nobody reads
	Logger    *slog.Logger          // default: none
	Now       func() time.Time      // default: time.Now; the clock of what is stamped, not of deadlines
}

func (o Options) withDefaults() (Options, error) {
	switch {
	case o.Log == nil:
		return o, errors.New("a collector needs a stream")
	case o.ID == "":
		return o, errors.New("a collector needs an id")
	case len(o.Protocols) == 0:
		return o, errors.New("a collector needs a protocol")
	}
	set(&o.MaxInFlight, 64<<20)
	set(&o.RecordBytes, 2<<20)
	set(&o.RecordWait, 100*time.Millisecond)
	if o.Format == "" {
		o.Format = Compact
	}
	set(&o.Appends, 2)
	set(&o.AppendFor, 30*time.Second)
	set(&o.ReadGrace, 10*time.Second)
	set(&o.ReadRate, 1024)
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := o.Format.check(); err != nil {
		return o, err
	}
	switch {
	case o.MaxInFlight < 4<<20:
		return o, fmt.Errorf("memory in flight cannot be under 4 MiB; got %d", o.MaxInFlight)
	case o.RecordBytes < 64<<10 || o.RecordBytes > event.MaxRecordBytes/2:
		return o, fmt.Errorf("a record must be between 64 KiB and %d bytes; got %d", event.MaxRecordBytes/2, o.RecordBytes)
	case o.Appends < 1:
		return o, fmt.Errorf("at least one append must be allowed; got %d", o.Appends)
	case o.ReadRate < 1 || o.ReadGrace < 0 || o.AppendFor < 0:
		return o, fmt.Errorf("times and rates must be positive; got %v, %v and %d", o.AppendFor, o.ReadGrace, o.ReadRate)
	}
	return o, nil
}

func set[T int | int64 | time.Duration](field *T, standard T) {
	if *field == 0 {
		*field = standard
	}
}

// Collector is the door. It is an http.Handler for the requests that Match names.
type Collector struct {
	options Options
	mux     *http.ServeMux
	sources map[string]*source // by write key
	gate    gate
	budget  budget
	commits *committer
	metrics *metrics

	visits  sync.Pool // of *visit
	buffers buffers
	gzips   sync.Pool // of *gzip.Reader
	zstds   sync.Pool // of *zstd.Decoder
}

// source is a Source at work.
type source struct {
	name   string
	limit  *rate.Limiter      // nil: none
	events prometheus.Counter // made durable
}

// New makes a collector; Drain or Close ends it.
func New(o Options) (*Collector, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	boot, err := ulid.New(ulid.Timestamp(time.Now()), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("naming this boot: %w", err)
	}
	c := &Collector{options: o, budget: budget{most: o.MaxInFlight}}
	c.visits.New = func() any { return newVisit(c) }
	c.zstds.New = func() any { return newZstd() }
	if c.metrics, err = newMetrics(o.Metrics, &c.budget); err != nil {
		return nil, err
	}
	if c.sources, err = c.metrics.sources(o.Sources); err != nil {
		return nil, err
	}
	if c.mux, err = c.routes(); err != nil {
		return nil, err
	}
	c.commits = newCommitter(o, boot.String(), &c.budget, c.metrics)
	return c, nil
}

func newZstd() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
	if err != nil {
		panic(fmt.Sprintf("zstd refuses constant options: %v", err))
	}
	return d
}

// Ready tells whether an event that came now would be stored: nil, or why not.
func (c *Collector) Ready() error {
	if c.gate.closed() {
		return errDraining
	}
	return c.commits.ready()
}

// Drain ends the collector: new requests are refused, those under way are answered, what they brought is appended. It
// gives ctx's error when some were still under way at its end.
func (c *Collector) Drain(ctx context.Context) error {
	var err error
	select {
	case <-c.gate.close():
	case <-ctx.Done():
		err = fmt.Errorf("requests were still under way: %w", context.Cause(ctx))
	}
	c.commits.close()
	return err
}

// Close ends the collector without waiting for bodies that are still being read; what has been read is appended.
func (c *Collector) Close() error {
	c.gate.close()
	c.commits.close()
	return nil
}

// gate counts who is inside, and can be closed.
type gate struct {
	mu     sync.Mutex
	inside int
	shut   bool
	empty  chan struct{}
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut {
		g.inside++
	}
	return !g.shut
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.shut && g.inside == 0 {
		close(g.empty)
	}
}

func (g *gate) closed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shut
}

// close lets nobody in any more. The channel is closed when the last one has left.
func (g *gate) close() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut {
		g.shut, g.empty = true, make(chan struct{})
		if g.inside == 0 {
			close(g.empty)
		}
	}
	return g.empty
}
