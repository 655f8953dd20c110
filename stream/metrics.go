package stream

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// statWait bounds how long a scrape waits for the size of the stream.
const statWait = time.Second

// Measure wraps a Log so that what goes through it is counted, once per call and never per event, and registers the
// collectors; a Log that is a Statter is also asked for its size at every scrape, one that is a Lagger for its lag. Put it directly around the driver,
// below Retry, so that every try counts. Two Logs on one registry must differ in the
// value of a label (prometheus.WrapRegistererWith), else the registration of the second fails.
func Measure(log Log, registry prometheus.Registerer) (Log, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "spoor_stream_" + name, Help: help})
	}
	byOutcome := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "spoor_stream_" + name, Help: help}, []string{"outcome"})
	}
	m := &measured{
		Log: log,
		appends: byOutcome("appends_total",
			"Appends by outcome: ok, partial (some records went in), full (no room for any), throttled (none, for now), failed (unknown or none)."),
		appended:      counter("appended_records_total", "Records that the stream acknowledged."),
		appendedBytes: counter("appended_bytes_total", "Bytes of the records that the stream acknowledged."),
		appendSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "spoor_stream_append_seconds",
			Help:    "Time of one Append, whatever its outcome.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
		}),
		reads:     byOutcome("reads_total", "Batches read, and reads that failed; a wait that was called off is neither."),
		read:      counter("read_records_total", "Records read."),
		readBytes: counter("read_bytes_total", "Bytes of the records read."),
	}
	collectors := []prometheus.Collector{m.appends, m.appended, m.appendedBytes, m.appendSeconds, m.reads, m.read, m.readBytes}
	if statter, ok := As[Statter](log); ok {
		collectors = append(collectors, newSize(statter))
	}
	if lagger, ok := As[Lagger](log); ok {
		collectors = append(collectors, newLag(lagger))
	}
	for _, c := range collectors {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

type measured struct {
	Log
	appends       *prometheus.CounterVec
	appended      prometheus.Counter
	appendedBytes prometheus.Counter
	appendSeconds prometheus.Histogram
	reads         *prometheus.CounterVec
	read          prometheus.Counter
	readBytes     prometheus.Counter
}

// Unwrap lets As find the powers of the Log inside.
func (m *measured) Unwrap() Log { return m.Log }

func (m *measured) Append(ctx context.Context, records []Record) error {
	start := time.Now()
	err := m.Log.Append(ctx, records)
	m.appendSeconds.Observe(time.Since(start).Seconds())

	partial, told := errors.AsType[*PartialError](err)
	outcome := "ok"
	switch {
	case told && len(partial.Failed) < len(records):
		outcome = "partial"
	case errors.Is(err, ErrFull):
		outcome = "full"
	case errors.Is(err, ErrThrottled):
		outcome = "throttled"
	case err != nil:
		outcome = "failed"
	}
	m.appends.WithLabelValues(outcome).Inc()
	if err != nil && outcome != "partial" {
		return err
	}
	count, bytes := 0, 0
	for i, record := range records {
		if !told || partial.Failed[i] == nil {
			count++
			bytes += len(record.Data)
		}
	}
	m.appended.Add(float64(count))
	m.appendedBytes.Add(float64(bytes))
	return err
}

func (m *measured) Read(ctx context.Context, shard ShardID, after Position) (Reader, error) {
	reader, err := m.Log.Read(ctx, shard, after)
	if err != nil {
		m.countRead(ctx, nil, err)
		return nil, err
	}
	return &measuredReader{Reader: reader, log: m}, nil
}

func (m *measured) countRead(ctx context.Context, records []Record, err error) {
	switch {
	case err == nil:
		bytes := 0
		for _, record := range records {
			bytes += len(record.Data)
		}
		m.reads.WithLabelValues("ok").Inc()
		m.read.Add(float64(len(records)))
		m.readBytes.Add(float64(bytes))
	case errors.Is(err, io.EOF), errors.Is(err, ErrClosed), ctx.Err() != nil:
	default:
		m.reads.WithLabelValues("failed").Inc()
	}
}

type measuredReader struct {
	Reader
	log *measured
}

func (r *measuredReader) Next(ctx context.Context) ([]Record, error) {
	records, err := r.Reader.Next(ctx)
	r.log.countRead(ctx, records, err)
	return records, err
}

// size collects what a Statter says. When it does not answer, the scrape goes on without it.
type size struct {
	statter                       Statter
	records, bytes, limit, oldest *prometheus.Desc
}

func newSize(statter Statter) *size {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("spoor_stream_"+name, help, nil, nil)
	}
	return &size{
		statter: statter,
		records: desc("records", "Records kept now."),
		bytes:   desc("bytes", "Bytes kept now."),
		limit:   desc("limit_bytes", "Bytes that the stream has room for; 0: none known."),
		oldest:  desc("oldest_timestamp_seconds", "When the stream took the oldest record kept; absent when it is empty."),
	}
}

func (s *size) Describe(descs chan<- *prometheus.Desc) {
	descs <- s.records
	descs <- s.bytes
	descs <- s.limit
	descs <- s.oldest
}

func (s *size) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), statWait)
	defer cancel()
	stat, err := s.statter.Stat(ctx)
	if err != nil {
		return
	}
	gauge := func(desc *prometheus.Desc, value float64) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
	gauge(s.records, float64(stat.Records))
	gauge(s.bytes, float64(stat.Bytes))
	gauge(s.limit, float64(stat.Limit))
	if !stat.Oldest.IsZero() {
		gauge(s.oldest, float64(stat.Oldest.UnixMilli())/1000)
	}
}

// lag collects what a Lagger says.
type lag struct {
	lagger Lagger
	desc   *prometheus.Desc
}

func newLag(lagger Lagger) *lag {
	return &lag{lagger, prometheus.NewDesc("spoor_stream_lag_seconds",
		"How much older than the newest record of a shard what was read last of it is.", []string{"shard"}, nil)}
}

func (l *lag) Describe(descs chan<- *prometheus.Desc) { descs <- l.desc }

func (l *lag) Collect(metrics chan<- prometheus.Metric) {
	for shard, behind := range l.lagger.Lag() {
		metrics <- prometheus.MustNewConstMetric(l.desc, prometheus.GaugeValue, behind.Seconds(), string(shard))
	}
}
