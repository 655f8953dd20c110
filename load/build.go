package load

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/oklog/ulid/v2"

	"github.com/spoorhq/spoor/enrich"
	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/load/dedup"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/warehouse"
)

// builder turns records into batches. It lives as long as a session, and is for one goroutine.
type builder struct {
	loader *Loader
	reader *event.RecordReader
	chunk  chunk

	pipeline  *enrich.Pipeline // its own: sessions are as the warehouse has them
	failed    []uint64         // events that each step failed on, as far as they are counted
	seen      *dedup.Set
	tally     *tally
	people    *people
	sequences *sequences
	reached   *reaches
	limits    warehouse.Limits
	positions map[string]string // how far each shard is in batches already taken
	// sure is from when on seen knows all ids that an event could be a duplicate of. One that was received before is a
	// suspect: the warehouse is asked as well. forgotten is the latest that seen was told to forget by, and sure is never
	// earlier.
	sure, forgotten event.Time

	// the batch that is being built
	ids      *dedup.Batch
	rows     *event.Rows
	dead     *array.RecordBuilder
	origin   event.Origin // of the event that is being placed
	moves    map[string]warehouse.Move
	suspects []int32
	bytes    int
	began    time.Time
	oldest   event.Time
	partings []parting
	behind   bool // the last record had waited in the stream for more than an interval
}

// begin makes a builder that knows what the warehouse knows.
func (l *Loader) begin(ctx context.Context, positions map[string]string) (*builder, error) {
	o := &l.options
	seen, err := dedup.Open(dedup.Options{Dir: o.SeenDir, Window: o.Window, Memory: o.SeenBytes})
	if err != nil {
		return nil, fmt.Errorf("opening the set of seen ids: %w", err)
	}
	pipeline, err := enrich.New(o.Enrich)
	if err != nil {
		return nil, errors.Join(err, seen.Close())
	}
	b := &builder{
		loader: l, pipeline: pipeline, reader: event.NewRecordReader(), seen: seen, tally: newTally(), people: newPeople(),
		sequences: newSequences(), reached: newReaches(), positions: positions, moves: map[string]warehouse.Move{},
		rows:   event.NewRows(memory.DefaultAllocator, 0),
		dead:   array.NewRecordBuilder(memory.DefaultAllocator, event.Schema(warehouse.DeadLetterColumns())),
		oldest: event.NoTime, forgotten: event.NoTime,
	}
	if limited, ok := o.Warehouse.(warehouse.Limited); ok {
		b.limit(limited.Limits())
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
	if err := errors.Join(b.seen.Close(), b.pipeline.Close()); err != nil {
		b.loader.log.Warn("closing what the loader knew", "err", err)
	}
}

func (b *builder) empty() bool { return len(b.moves) == 0 && len(b.partings) == 0 && !b.tally.again }

// full: the batch takes no more records.
func (b *builder) full() bool {
	return b.rows.Len()+b.dead.Field(0).Len() >= b.loader.options.MaxRows || b.rows.Bytes()+b.bytes >= b.loader.options.MaxBytes
}

// longestBehind bounds how long a batch of late events gathers, where Options.Interval itself is shorter.
const longestBehind = 2 * time.Second

// patience is how long the batch gathers; see Options.Interval.
func (b *builder) patience() time.Duration {
	if len(b.partings) > 0 || len(b.moves) == 0 {
		return 0 // somebody waits for the shard; or nothing has come that could wait
	}
	interval := b.loader.options.Interval
	if b.behind {
		return max(interval, min(4*interval, longestBehind))
	}
	return interval
}

// add puts one record's events into the batch. An error is this process's or the disk's, never the record's: what
// cannot be read becomes a dead letter.
func (b *builder) add(ctx context.Context, shard stream.ShardID, record stream.Record) error {
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

	b.behind = time.Since(record.Time) > b.loader.options.Interval
	b.reached.took(shard, record.Time)
	origin := event.Origin{
		Stream: b.loader.options.Stream, Shard: name, Position: move.To,
		Source: b.loader.options.ForeignSource, Time: event.TimeOf(record.Time),
	}
	if err := b.reader.Open(record.Data, origin); err != nil {
		e := &event.Event{
			Raw: record.Data, ReceivedAt: origin.Time,
			Request: &event.Request{Source: origin.Source, Protocol: "unknown", ReceivedAt: origin.Time},
		}
		b.tally.count(e.Request).Accepted++
		b.bury(e, event.Verdict{Reason: event.UnreadableRecord, Detail: err.Error()}, origin)
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
	if err := b.reachBack(ctx, oldest(b.reader.Header(), origin)); err != nil {
		return err
	}
	defer b.pipeline.Reset()
	for more := true; more; {
		var err error
		if more, err = b.next(origin); err != nil {
			return err
		}
	}
	return nil
}

// oldest gives when the oldest event of a record was received: as its header says, to the minute; of another producer's,
// when the stream took it.
func oldest(h event.Header, origin event.Origin) event.Time {
	at := origin.Time
	for _, a := range h.Accepted {
		at = min(at, a.Minute*60*1e6)
	}
	return at
}

// chunkEvents is how many events are checked for duplicates at once: enough to hide the memory's latency, few enough
// to stay in the processor's cache.
const chunkEvents = 128

// chunk is a run of events of one record.
type chunk struct {
	events     [chunkEvents]event.Event
	loadable   [chunkEvents]*event.Event // those that are no dead letters
	keys       [chunkEvents]dedup.Key
	at         [chunkEvents]time.Time
	duplicates [chunkEvents]bool
}

// next gives the next chunk's events their endings: loaded, duplicate or dead. false: the record is at its end.
func (b *builder) next(origin event.Origin) (more bool, err error) {
	c, n := &b.chunk, 0
	for i := range c.events {
		e := &c.events[i]
		var verdict event.Verdict
		if verdict, more = b.reader.Next(e); !more {
			break
		}
		if b.reader.Foreign() {
			b.tally.count(e.Request).Accepted++
		}
		if b.oldest == event.NoTime || e.ReceivedAt < b.oldest {
			b.oldest = e.ReceivedAt
		}
		if !verdict.OK() {
			b.bury(e, verdict, origin)
			continue
		}
		c.loadable[n], c.at[n] = e, event.GoTime(e.ReceivedAt)
		c.keys[n] = b.seen.Fingerprint(e.Request.Source, e.MessageID)
		n++
	}
	if err := b.ids.Check(c.keys[:n], c.at[:n], c.duplicates[:n]); err != nil {
		return false, fmt.Errorf("looking for duplicates: %w", err)
	}
	for i, e := range c.loadable[:n] {
		if c.duplicates[i] {
			b.tally.count(e.Request).Duplicate++
			continue
		}
		if err := b.place(e, origin); err != nil {
			return false, err
		}
	}
	return more, nil
}

// place puts an event into the table.
func (b *builder) place(e *event.Event, origin event.Origin) error {
	b.origin = origin
	b.pipeline.Apply(e)
	if e.Timestamp == event.NoTime {
		e.Timestamp = e.ReceivedAt
	}
	if err := b.fit(e); err != nil {
		return err
	}
	if err := b.people.meet(e); err != nil {
		return err
	}
	b.tally.loaded(e)
	if b.loader.options.Shared || e.ReceivedAt < b.sure {
		b.suspects = append(b.suspects, int32(b.rows.Len()))
	}
	b.rows.Append(e)
	return nil
}

// bury makes the event a dead letter.
func (b *builder) bury(e *event.Event, v event.Verdict, origin event.Origin) {
	b.tally.count(e.Request).Dead++
	b.write(e, v, origin)
}

// write writes a dead letter. A text that the warehouse cannot hold is left out of it, and is a letter of its own.
func (b *builder) write(e *event.Event, v event.Verdict, origin event.Origin) {
	b.loader.metrics.refused(v.Reason)
	var left []string
	text := func(column int, s string) {
		if !b.limits.HoldsText(s) {
			left = append(left, s)
			s = ""
		}
		b.dead.Field(column).(*array.StringBuilder).Append(strings.ToValidUTF8(s, "\uFFFD"))
	}
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
	request := *e.Request
	request.IP = b.pipeline.Address(request.IP)
	text(8, string(request.Line()))
	b.dead.Field(9).(*array.BinaryBuilder).Append(e.Raw)
	text(10, origin.Shard)
	text(11, origin.Position)
	b.dead.Field(12).(*array.Int32Builder).Append(int32(e.Index))
	b.bytes += len(e.Raw)
	for _, s := range left {
		short := &event.Event{Raw: []byte(s), ReceivedAt: e.ReceivedAt, Index: e.Index, Request: &event.Request{Source: e.Request.Source, Protocol: e.Request.Protocol}}
		b.write(short, event.Verdict{Reason: event.OversizeValue, Detail: "of the dead letter with the same position and index"}, origin)
	}
}

// take gives the finished batch, and begins the next.
func (b *builder) take() *pending {
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
	b.countFailures()
	b.tally.settle(batch)
	b.people.settle(batch)
	b.sequences.settle(batch)
	p := &pending{Batch: batch, seen: b.ids, oldest: event.GoTime(b.oldest), partings: b.partings}
	b.ids = b.seen.Begin()
	b.forget()
	clear(b.moves)
	b.suspects, b.partings, b.bytes, b.oldest = nil, nil, 0, event.NoTime
	return p
}

// countFailures tells the metrics what the steps failed on since the last batch.
func (b *builder) countFailures() {
	stats := b.pipeline.Stats()
	if b.failed == nil {
		b.failed = make([]uint64, len(stats.Steps))
	}
	for i, step := range stats.Steps {
		if step.Failed == b.failed[i] {
			continue
		}
		if b.failed[i] == 0 {
			b.loader.log.Error("an enrichment step failed on an event; the event is kept and marked", "step", step.Step, "err", step.First)
		}
		b.loader.metrics.steps.WithLabelValues(step.Step).Add(float64(step.Failed - b.failed[i]))
		b.failed[i] = step.Failed
	}
}

// forget lets go of the ids that no event still to come can be a duplicate of.
func (b *builder) forget() {
	behind, ok := b.reached.behind(time.Now())
	if !ok {
		return
	}
	before := whole(behind.Add(-late))
	b.seen.Forget(event.GoTime(before))
	b.forgotten = max(b.forgotten, before)
	b.sure = max(b.sure, before)
}
