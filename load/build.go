package load

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/oklog/ulid/v2"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/load/dedup"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/warehouse"
)

// builder turns records into batches. It lives as long as a session, and is for one goroutine.
type builder struct {
	loader *Loader
	reader *event.RecordReader
	event  event.Event

	seen      *dedup.Set
	tally     *tally
	people    *people
	sequences *sequences
	positions map[string]string // how far each shard is in batches already taken

	// the batch that is being built
	ids      *dedup.Batch
	rows     *event.Rows
	dead     *array.RecordBuilder
	moves    map[string]warehouse.Move
	suspects []int32
	bytes    int
	began    time.Time
	oldest   event.Time
}

// begin makes a builder that knows what the warehouse knows.
func (l *Loader) begin(ctx context.Context, positions map[string]string) (*builder, error) {
	o := &l.options
	seen, err := dedup.Open(dedup.Options{Dir: o.SeenDir, Window: o.Window, Memory: o.SeenBytes})
	if err != nil {
		return nil, fmt.Errorf("opening the set of seen ids: %w", err)
	}
	b := &builder{
		loader: l, reader: event.NewRecordReader(), seen: seen, tally: newTally(), people: newPeople(),
		sequences: newSequences(), positions: positions, moves: map[string]warehouse.Move{},
		rows:   event.NewRows(memory.DefaultAllocator, 0),
		dead:   array.NewRecordBuilder(memory.DefaultAllocator, event.Schema(warehouse.DeadLetterColumns())),
		oldest: event.NoTime,
	}
	if err := b.remember(ctx); err != nil {
		b.close()
		return nil, err
	}
	b.ids = seen.Begin()
	return b, nil
}

func (b *builder) close() {
	b.rows.Release()
	b.dead.Release()
	if err := b.seen.Close(); err != nil {
		b.loader.log.Warn("closing the set of seen ids", "err", err)
	}
}

func (b *builder) empty() bool { return len(b.moves) == 0 }

// full: the batch takes no more records.
func (b *builder) full() bool {
	return b.rows.Len() >= b.loader.options.MaxRows || b.rows.Bytes()+b.bytes >= b.loader.options.MaxBytes
}

// add puts one record's events into the batch. An error is this process's or the disk's, never the record's: what
// cannot be read becomes a dead letter.
func (b *builder) add(shard stream.ShardID, record stream.Record) error {
	if b.empty() {
		b.began = time.Now()
	}
	name := string(shard)
	move, ok := b.moves[name]
	if !ok {
		move = warehouse.Move{Shard: name, From: b.positions[name]}
	}
	move.To = string(record.Position)
	b.moves[name] = move

	origin := event.Origin{
		Stream: b.loader.options.Stream, Shard: name, Position: move.To,
		Source: b.loader.options.ForeignSource, Time: event.TimeOf(record.Time),
	}
	if err := b.reader.Open(record.Data, origin); err != nil {
		b.event = event.Event{
			Raw: record.Data, ReceivedAt: origin.Time,
			Request: &event.Request{Source: origin.Source, Protocol: "unknown", ReceivedAt: origin.Time},
		}
		b.tally.count(b.event.Request).Accepted++
		b.bury(event.Verdict{Reason: event.UnreadableRecord, Detail: err.Error()}, origin)
		return nil
	}
	if !b.reader.Foreign() {
		header := b.reader.Header()
		if !b.sequences.add(name, header, origin.Time) {
			b.loader.metrics.doubled.Inc()
			return nil
		}
		for _, a := range header.Accepted {
			b.tally.line(a.Source, a.Minute).Accepted += int64(a.Events)
		}
	}
	for {
		verdict, ok := b.reader.Next(&b.event)
		if !ok {
			return nil
		}
		if err := b.place(verdict, origin); err != nil {
			return err
		}
	}
}

// place gives the event its ending: loaded, duplicate or dead.
func (b *builder) place(verdict event.Verdict, origin event.Origin) error {
	e := &b.event
	count := b.tally.count(e.Request)
	if b.reader.Foreign() {
		count.Accepted++
	}
	if b.oldest == event.NoTime || e.ReceivedAt < b.oldest {
		b.oldest = e.ReceivedAt
	}
	if !verdict.OK() {
		b.bury(verdict, origin)
		return nil
	}
	duplicate, err := b.ids.Check(dedup.Fingerprint(e.Request.Source, e.MessageID), e.ReceivedAt)
	if err != nil {
		return fmt.Errorf("looking for a duplicate: %w", err)
	}
	if duplicate {
		count.Duplicate++
		return nil
	}
	b.loader.options.Enrich.Apply(e)
	if e.Timestamp == event.NoTime {
		e.Timestamp = e.ReceivedAt
	}
	if err := b.people.meet(e); err != nil {
		return err
	}
	b.tally.loaded(e)
	if b.loader.options.Shared {
		b.suspects = append(b.suspects, int32(b.rows.Len()))
	}
	b.rows.Append(e)
	return nil
}

// bury makes the event a dead letter.
func (b *builder) bury(v event.Verdict, origin event.Origin) {
	e := &b.event
	b.tally.count(e.Request).Dead++
	b.loader.metrics.refused(v.Reason)
	text := func(column int, s string) { b.dead.Field(column).(*array.StringBuilder).Append(strings.ToValidUTF8(s, "\uFFFD")) }
	optional := func(column int, s string) {
		if s == "" {
			b.dead.Field(column).AppendNull()
			return
		}
		text(column, s)
	}
	b.dead.Field(0).(*array.TimestampBuilder).Append(timestamp(e.ReceivedAt))
	text(1, e.Request.Source)
	text(2, e.Request.Protocol)
	text(3, string(v.Reason))
	text(4, v.Detail)
	optional(5, e.MessageID)
	optional(6, e.Type)
	optional(7, e.Name)
	text(8, string(e.Request.Line()))
	b.dead.Field(9).(*array.BinaryBuilder).Append(e.Raw)
	text(10, origin.Shard)
	text(11, origin.Position)
	b.dead.Field(12).(*array.Int32Builder).Append(int32(e.Index))
	b.bytes += len(e.Raw)
}

// take gives the finished batch, and begins the next.
func (b *builder) take() (*pending, error) {
	batch := &warehouse.Batch{
		ID: ulid.Make().String(), Stream: b.loader.options.Stream,
		Suspects: b.suspects, Window: b.loader.options.Window,
	}
	for _, m := range b.moves {
		batch.Moves = append(batch.Moves, m)
		b.positions[m.Shard] = m.To
	}
	if b.rows.Len() > 0 {
		batch.Events = b.rows.Take()
	}
	if b.dead.Field(0).Len() > 0 {
		batch.DeadLetters = b.dead.NewRecordBatch()
	}
	b.tally.settle(batch)
	b.people.settle(batch)
	b.sequences.settle(batch)
	p := &pending{Batch: batch, seen: b.ids, oldest: event.GoTime(b.oldest)}
	b.ids = b.seen.Begin()
	clear(b.moves)
	b.suspects, b.bytes, b.oldest = nil, 0, event.NoTime
	return p, nil
}
