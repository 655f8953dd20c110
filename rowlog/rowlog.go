// Package rowlog is a stream of rows. It stands before a stream whose records go to a warehouse without Spoor's loader, as
// a Firehose delivery stream's do, and makes the rows that the loader would make: the door appends its records, and what
// goes on is lines of JSON in the columns of the table events.
//
// It reads, enriches and names columns with the parts that the loader is made of, so that a row is the same either way.
// What it cannot do, because nobody reads the warehouse back for it: it drops no duplicates, and sessions that it cuts
// begin anew with the process.
package rowlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spoorhq/spoor/enrich"
	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/stream"
)

// Options are what a Log is made of.
type Options struct {
	// Rows takes the rows of the table events, DeadLetters those of dead_letters. Without DeadLetters an event that cannot
	// be loaded is counted, and its client is told; its bytes are gone. Both are tried again by whoever needs that: a record
	// that fails here is made into rows anew.
	Rows, DeadLetters stream.Log
	Enrich            enrich.Options
	// RecordBytes is where a record of rows is full, and the most that one may be. Required.
	RecordBytes int
	// TextBytes is the longest text that the warehouse takes. Required.
	TextBytes int
	Metrics   prometheus.Registerer
}

// Log is a stream.Log that can only be appended to. Use New.
type Log struct {
	options Options
	metrics metrics

	mu       sync.Mutex // for what reads and enriches
	reader   *event.RecordReader
	pipeline *enrich.Pipeline
	rows     *event.JSONRows
	event    event.Event
}

type metrics struct {
	rows prometheus.Counter
	dead *prometheus.CounterVec // by reason
	left prometheus.Counter
}

// tooLarge is the reason of an event whose row is larger than a record may be.
const tooLarge event.Reason = "row_too_large"

// New makes a Log.
func New(o Options) (*Log, error) {
	if o.Rows == nil || o.RecordBytes < 1 || o.TextBytes < 1 {
		return nil, errors.New("a stream of rows needs a stream, and the sizes of its records and texts")
	}
	pipeline, err := enrich.New(o.Enrich)
	if err != nil {
		return nil, err
	}
	l := &Log{options: o, reader: event.NewRecordReader(), pipeline: pipeline, rows: event.NewJSONRows(o.TextBytes)}
	l.metrics = metrics{
		rows: prometheus.NewCounter(prometheus.CounterOpts{Name: "spoor_rows_total", Help: "Rows made of events; those of a record that is tried again count again."}),
		dead: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "spoor_rows_dead_total", Help: "Events that cannot be loaded, by reason."}, []string{"reason"}),
		left: prometheus.NewCounter(prometheus.CounterOpts{Name: "spoor_rows_left_out_total", Help: "Values left out of rows, because the warehouse takes none so long, or no such time."}),
	}
	if o.Metrics != nil {
		for _, c := range []prometheus.Collector{l.metrics.rows, l.metrics.dead, l.metrics.left} {
			if err := o.Metrics.Register(c); err != nil {
				return nil, errors.Join(err, pipeline.Close())
			}
		}
	}
	return l, nil
}

// Append makes rows of the records' events and appends these. Where some rows of a record were not taken, the record
// failed, though others of its rows may arrive: the client sends its events again, under the same message ids.
func (l *Log) Append(ctx context.Context, records []stream.Record) error {
	b, err := l.build(records)
	if err != nil {
		return err
	}
	failed := map[int]error{}
	whole := errors.Join(
		b.rows.appendTo(ctx, l.options.Rows, failed),
		b.dead.appendTo(ctx, l.options.DeadLetters, failed),
	)
	switch {
	case whole != nil:
		return whole
	case len(failed) > 0:
		return &stream.PartialError{Failed: failed}
	}
	return nil
}

// built is what records have become.
type built struct{ rows, dead lines }

// lines are gathered into records, of which each holds lines of one record of the door.
type lines struct {
	records []stream.Record
	of      []int // which of the door's records each is made of
	full    int
}

// add appends a line, and its end, to the lines of the door's record.
func (l *lines) add(of int, line []byte) {
	last := len(l.records) - 1
	if last < 0 || l.of[last] != of || len(l.records[last].Data)+len(line)+1 > l.full {
		l.records, l.of = append(l.records, stream.Record{}), append(l.of, of)
		last++
	}
	r := &l.records[last]
	r.Data = append(append(r.Data, line...), '\n')
}

// appendTo appends the records to a log, and notes in failed which of the door's were not taken whole. An error says so of
// all.
func (l *lines) appendTo(ctx context.Context, log stream.Log, failed map[int]error) error {
	if len(l.records) == 0 || log == nil {
		return nil
	}
	err := log.Append(ctx, l.records)
	partial, ok := errors.AsType[*stream.PartialError](err)
	if !ok {
		return err
	}
	for at, cause := range partial.Failed {
		failed[l.of[at]] = cause
	}
	return nil
}

// build makes rows of the events of records, which are the door's own.
func (l *Log) build(records []stream.Record) (*built, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := &built{rows: lines{full: l.options.RecordBytes}, dead: lines{full: l.options.RecordBytes}}
	for i, record := range records {
		if err := l.reader.Open(record.Data, event.Origin{}); err != nil || l.reader.Foreign() {
			return nil, fmt.Errorf("only the door's own records can be made into rows: %w", err)
		}
		l.record(i, b)
		l.pipeline.Reset()
	}
	return b, nil
}

func (l *Log) record(i int, b *built) {
	header := l.reader.Header()
	position := fmt.Sprintf("%s:%d", header.Boot, header.Seq)
	var line []byte
	for {
		e := &l.event
		verdict, ok := l.reader.Next(e)
		if !ok {
			return
		}
		left := 0
		if verdict.OK() {
			l.pipeline.Apply(e)
			line, left = l.rows.Append(line[:0], e)
			line = withLoad(line, "door:"+position)
			if len(line)+1 > l.options.RecordBytes {
				verdict = event.Verdict{Reason: tooLarge, Detail: fmt.Sprintf("the row is %d bytes; %d are the most", len(line), l.options.RecordBytes-1)}
			}
		}
		l.metrics.left.Add(float64(left))
		if verdict.OK() {
			l.metrics.rows.Inc()
			b.rows.add(i, line)
			continue
		}
		l.metrics.dead.WithLabelValues(string(verdict.Reason)).Inc()
		b.dead.add(i, l.deadLetter(e, verdict, header.Collector, position))
	}
}

// withLoad adds the last column of the table: what brought the row, here the door's record.
func withLoad(row []byte, id string) []byte {
	return append(append(append(row[:len(row)-1], `,"load_id":"`...), id...), `"}`...)
}

// Shards and Read are the stream's own.
func (l *Log) Shards(ctx context.Context) ([]stream.Shard, error) { return l.options.Rows.Shards(ctx) }

// Read reads the stream of rows, if it can be read.
func (l *Log) Read(ctx context.Context, shard stream.ShardID, after stream.Position) (stream.Reader, error) {
	return l.options.Rows.Read(ctx, shard, after)
}

// Close ends the Log and those that it stands before.
func (l *Log) Close() error {
	err := errors.Join(l.options.Rows.Close(), l.pipeline.Close())
	if l.options.DeadLetters != nil {
		err = errors.Join(err, l.options.DeadLetters.Close())
	}
	return err
}

// clean makes a text one that every warehouse takes.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
