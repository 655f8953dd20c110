// Package replay puts dead letters on the stream again, with their original bytes and the facts of the request that
// brought them, so that the loader judges them anew: after an upgrade that reads more, or a limit that was raised.
//
// Only letters that would load now are sent; the others would die again, and be there twice. A letter whose event is in
// the warehouse already is left out too, and one that is sent twice all the same, by two replays at a time, is a
// duplicate to the loader: it has the id and the time of receipt that it had. So a replay can be run again.
//
// In the ledger a replayed event counts in the minute in which it first came: there it is accepted once more and loaded,
// beside the one that was accepted and died. accepted = loaded + duplicate + dead holds before, meanwhile and after.
package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/warehouse"
)

// Options say which dead letters, and where they go.
type Options struct {
	Warehouse Warehouse
	Log       stream.Log
	Stream    string // its name
	// Window is how far apart by receipt two events of one id are duplicates: the loader's. Default 24 h.
	Window time.Duration

	Ask
	// Progress, if given, is told how far the replay is, now and then.
	Progress func(Report)
}

// Ask chooses dead letters. What is zero chooses all.
type Ask struct {
	Reason string    `json:"reason,omitempty"`
	Source string    `json:"source,omitempty"`
	From   time.Time `json:"from,omitzero"` // of receipt, inclusive
	To     time.Time `json:"to,omitzero"`   // exclusive
	// DryRun judges, and sends nothing.
	DryRun bool `json:"dry_run"`
}

// Warehouse is the part of one that a replay asks.
type Warehouse interface {
	Query(ctx context.Context, query string, args ...any) (warehouse.Rows, error)
	Dialect() warehouse.Dialect
}

// Report says what became, or would become, of the dead letters.
type Report struct {
	DryRun bool  `json:"dry_run"`
	Done   bool  `json:"done"`
	Total  int64 `json:"total"` // letters that were chosen
	Sent   int64 `json:"sent"`  // events that are on the stream
	Outcome
	// Reasons divides the letters by the reason they died of, the most frequent first.
	Reasons []Outcome `json:"reasons"`
}

// Outcome counts dead letters by what a replay finds.
type Outcome struct {
	Reason  string `json:"reason,omitempty"`
	Letters int64  `json:"letters"` // looked at
	Loads   int64  `json:"loads"`   // events that load now
	Already int64  `json:"already"` // in the warehouse by now, or a repeat of one that loads
	Dead    int64  `json:"dead"`    // would die again
	Lost    int64  `json:"lost"`    // of which no bytes were kept that could be sent
	// Now is why those die that would die again.
	Now map[string]int64 `json:"now,omitempty"`
}

const (
	atOnce      = 500       // letters that are looked up together, and the most events in a record
	recordBytes = 256 << 10 // a record's NDJSON, about
	remembered  = 1 << 20   // ids that are known to be sent; past them a repeat is a duplicate to the loader
	tellEvery   = 200 * time.Millisecond
	collector   = "replay" // the name that its records carry
)

// Run replays. An error: what Report says was done was done, and running it again does the rest.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Window == 0 {
		o.Window = 24 * time.Hour
	}
	r := &run{
		Options: o, reader: event.NewRecordReader(), writer: event.NewRecordWriter(), boot: ulid.Make().String(),
		sent: map[key]bool{}, reasons: map[string]*Outcome{}, report: Report{DryRun: o.DryRun},
	}
	err := r.all(ctx)
	if err == nil {
		err = r.flush(ctx)
	}
	r.report.Done = err == nil
	return r.sum(), err
}

// key tells events apart as the loader does.
type key struct{ source, id string }

// run is one replay.
type run struct {
	Options
	reader *event.RecordReader
	parser event.Parser
	writer *event.RecordWriter
	boot   string
	seq    uint64

	waiting []candidate

	sent    map[key]bool
	report  Report
	reasons map[string]*Outcome
	told    time.Time
}

// letter is a row of dead_letters.
type letter struct {
	receivedAt                                   time.Time
	source, reason, id, request, shard, position string
	raw                                          []byte
	index                                        int32
}

// candidate is an event that would load.
type candidate struct {
	key
	request *event.Request
	raw     []byte
	outcome *Outcome
}

// all looks at every letter that is chosen.
func (r *run) all(ctx context.Context) error {
	where, args := r.where()
	counted, err := r.Warehouse.Query(ctx, "select count(*) from dead_letters"+where, args...)
	if err != nil {
		return fmt.Errorf("counting the dead letters: %w", err)
	}
	for counted.Next() {
		err = errors.Join(err, counted.Scan(&r.report.Total))
	}
	if err := errors.Join(err, counted.Err(), counted.Close()); err != nil {
		return fmt.Errorf("counting the dead letters: %w", err)
	}
	rows, err := r.Warehouse.Query(ctx, fmt.Sprintf(`select received_at, source, reason, coalesce(message_id, ''), coalesce(request, ''), raw, shard, position, %s
		from dead_letters%s order by received_at, shard, position, %[1]s`, r.Warehouse.Dialect().Quote("index"), where), args...)
	if err != nil {
		return fmt.Errorf("reading the dead letters: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var l letter
		if err := rows.Scan(&l.receivedAt, &l.source, &l.reason, &l.id, &l.request, &l.raw, &l.shard, &l.position, &l.index); err != nil {
			return fmt.Errorf("reading the dead letters: %w", err)
		}
		r.judge(l)
		if len(r.waiting) >= atOnce {
			if err := r.send(ctx); err != nil {
				return err
			}
		}
		r.tell()
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading the dead letters: %w", err)
	}
	return r.send(ctx)
}

// where gives the condition on dead_letters.
func (r *run) where() (condition string, args []any) {
	var parts []string
	add := func(part string, arg any) {
		parts = append(parts, part)
		args = append(args, arg)
	}
	if r.Reason != "" {
		add("reason = ?", r.Reason)
	}
	if r.Source != "" {
		add("source = ?", r.Source)
	}
	if !r.From.IsZero() {
		add("received_at >= ?", r.From.UTC())
	}
	if !r.To.IsZero() {
		add("received_at < ?", r.To.UTC())
	}
	if len(parts) == 0 {
		return "", nil
	}
	return " where " + strings.Join(parts, " and "), args
}

func (r *run) outcome(reason string) *Outcome {
	if r.reasons[reason] == nil {
		r.reasons[reason] = &Outcome{Reason: reason, Now: map[string]int64{}}
	}
	return r.reasons[reason]
}

// judge finds out what would become of a letter.
func (r *run) judge(l letter) {
	out := r.outcome(l.reason)
	out.Letters++
	switch event.Reason(l.reason) {
	case event.TruncatedRecord, event.UnreadableRequest:
		out.Lost++ // the events are not in the letter
		return
	case event.UnreadableRecord:
		r.judgeRecord(l, out)
		return
	}
	request, err := event.ParseRequest([]byte(l.request))
	if err != nil || len(l.raw) == 0 {
		out.Lost++
		return
	}
	r.parser.Reset()
	v, verdict := event.Scan(l.raw)
	var e event.Event
	if verdict.OK() {
		verdict = r.parser.Parse(v, request, &e)
	}
	if !verdict.OK() {
		out.Dead++
		out.Now[string(verdict.Reason)]++
		return
	}
	id := e.MessageID
	if id == "" {
		id = l.id
	}
	if id == "" {
		id = fmt.Sprintf("%s:%s:%s:%d", r.Stream, l.shard, l.position, l.index)
	}
	r.add(request, id, l.raw, out)
}

// judgeRecord looks into a whole record that could not be read. Its events get the ids that they would have got.
func (r *run) judgeRecord(l letter, out *Outcome) {
	origin := event.Origin{Stream: r.Stream, Shard: l.shard, Position: l.position, Source: l.source, Time: event.TimeOf(l.receivedAt)}
	if err := r.reader.Open(l.raw, origin); err != nil {
		out.Dead++
		out.Now[string(event.UnreadableRecord)]++
		return
	}
	var e event.Event
	for {
		verdict, ok := r.reader.Next(&e)
		if !ok {
			return
		}
		if !verdict.OK() {
			out.Dead++
			out.Now[string(verdict.Reason)]++
			continue
		}
		request := *e.Request
		r.add(&request, e.MessageID, e.Raw, out)
	}
}

// add takes an event that would load, unless one of its id was taken already.
func (r *run) add(request *event.Request, id string, raw []byte, out *Outcome) {
	k := key{request.Source, strings.Clone(id)}
	if r.sent[k] {
		out.Already++
		return
	}
	if len(r.sent) >= remembered {
		clear(r.sent)
	}
	r.sent[k] = true
	request.MessageID = k.id
	r.waiting = append(r.waiting, candidate{k, request, slices.Clone(raw), out})
}

// send puts those that wait on the stream, but for what the warehouse has.
func (r *run) send(ctx context.Context) error {
	if len(r.waiting) == 0 {
		return nil
	}
	known, err := r.known(ctx)
	if err != nil {
		return fmt.Errorf("looking for what is loaded already: %w", err)
	}
	for _, c := range r.waiting {
		if known[c.key] {
			c.outcome.Already++
			continue
		}
		if !r.DryRun {
			r.writer.Add(c.request, [][]byte{c.raw})
		}
		c.outcome.Loads++
		if r.writer.Len() >= recordBytes || r.writer.Events() >= atOnce {
			if err := r.flush(ctx); err != nil {
				return err
			}
		}
	}
	r.waiting = r.waiting[:0]
	return nil
}

// known gives those that wait whose event is in the warehouse.
func (r *run) known(ctx context.Context) (map[key]bool, error) {
	first, last := r.waiting[0].request.ReceivedAt, r.waiting[0].request.ReceivedAt
	args := make([]any, 0, len(r.waiting)+2)
	for _, c := range r.waiting {
		args = append(args, c.id)
		first, last = min(first, c.request.ReceivedAt), max(last, c.request.ReceivedAt)
	}
	args = append(args, event.GoTime(first).Add(-r.Window), event.GoTime(last).Add(r.Window))
	rows, err := r.Warehouse.Query(ctx, `select distinct source, message_id from events where message_id in (?`+
		strings.Repeat(", ?", len(r.waiting)-1)+`) and received_at >= ? and received_at <= ?`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := map[key]bool{}
	for rows.Next() {
		var k key
		if err := rows.Scan(&k.source, &k.id); err != nil {
			return nil, err
		}
		known[k] = true
	}
	return known, rows.Err()
}

// flush appends the record that is being gathered.
func (r *run) flush(ctx context.Context) error {
	if r.writer.Events() == 0 {
		return nil
	}
	r.seq++
	n := r.writer.Events()
	data := r.writer.Seal(nil, event.Header{Collector: collector, Boot: r.boot, Seq: r.seq, Settled: r.seq - 1})
	if err := r.Log.Append(ctx, []stream.Record{{Data: data}}); err != nil {
		return fmt.Errorf("putting %d events on the stream: %w", n, err)
	}
	r.report.Sent += int64(n)
	return nil
}

func (r *run) tell() {
	if r.Progress == nil || time.Since(r.told) < tellEvery {
		return
	}
	r.told = time.Now()
	r.Progress(r.sum())
}

// sum gives the report as it stands.
func (r *run) sum() Report {
	report := r.report
	report.Outcome = Outcome{}
	report.Reasons = []Outcome{}
	for _, o := range r.reasons {
		kept := *o
		kept.Now = maps.Clone(o.Now)
		report.Reasons = append(report.Reasons, kept)
		report.Letters += o.Letters
		report.Loads += o.Loads
		report.Already += o.Already
		report.Dead += o.Dead
		report.Lost += o.Lost
	}
	slices.SortFunc(report.Reasons, func(a, b Outcome) int {
		if a.Letters != b.Letters {
			return int(b.Letters - a.Letters)
		}
		return strings.Compare(a.Reason, b.Reason)
	})
	return report
}
