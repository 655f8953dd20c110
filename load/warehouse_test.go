package load

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// fault is what goes wrong in one Load.
type fault int

const (
	none       fault = iota
	refused          // the warehouse is down
	lostAfter        // committed, but the answer does not arrive
	lostBefore       // the connection is lost before the commit
	hung             // no answer until ctx ends
)

// fakeWarehouse keeps batches in memory, and commits each whole or not at all.
type fakeWarehouse struct {
	warehouse.Warehouse // what a loader never calls

	mu         sync.Mutex
	positions  map[string]string
	rows       []row
	dead       []row
	batches    []warehouse.Batch // without their Arrow columns
	sizes      []int64           // of the batches: rows and dead letters
	counts     map[line]warehouse.Count
	volumes    map[string]int64 // by type and name
	sequences  map[sequenceKey]warehouse.Sequence
	properties []warehouse.Property
	views      map[string]warehouse.View
	identities map[string]warehouse.Identity
	users      map[string]warehouse.User

	limits warehouse.Limits

	// fault, where it is set, is asked about each Load, counted from 1, before it does anything.
	fault    func(load int, b *warehouse.Batch) fault
	attempts int
}

// line is one of the ledger.
type line struct {
	source string
	minute int64
}

// row has a row's columns by name: string, []byte, int32 or event.Time.
type row map[string]any

func (r row) text(column string) string { s, _ := r[column].(string); return s }

func newWarehouse() *fakeWarehouse {
	return &fakeWarehouse{
		positions: map[string]string{}, counts: map[line]warehouse.Count{}, volumes: map[string]int64{},
		sequences: map[sequenceKey]warehouse.Sequence{}, views: map[string]warehouse.View{},
		identities: map[string]warehouse.Identity{}, users: map[string]warehouse.User{},
	}
}

func (w *fakeWarehouse) Limits() warehouse.Limits { return w.limits }

func (w *fakeWarehouse) Positions(context.Context, string) (map[string]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.positions), nil
}

func (w *fakeWarehouse) Load(ctx context.Context, b *warehouse.Batch) (warehouse.Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempts++
	fault := none
	if w.fault != nil {
		fault = w.fault(w.attempts, b)
	}
	switch fault {
	case refused:
		return warehouse.Receipt{}, errors.New("connection refused")
	case lostBefore:
		return warehouse.Receipt{}, fmt.Errorf("%w: connection reset", warehouse.ErrUnknownOutcome)
	case hung:
		w.mu.Unlock()
		<-ctx.Done()
		w.mu.Lock()
		return warehouse.Receipt{}, ctx.Err()
	}
	receipt, err := w.commit(b)
	if err == nil && fault == lostAfter {
		return warehouse.Receipt{}, fmt.Errorf("%w: connection reset", warehouse.ErrUnknownOutcome)
	}
	return receipt, err
}

// commit takes the batch, or nothing. The lock is held.
func (w *fakeWarehouse) commit(b *warehouse.Batch) (warehouse.Receipt, error) {
	for _, m := range b.Moves {
		if w.positions[m.Shard] != m.From {
			return warehouse.Receipt{}, fmt.Errorf("%w: shard %s", warehouse.ErrFenced, m.Shard)
		}
	}
	rows := rowsIn(b.Events)
	duplicates := w.known(rows, b)
	counts, volumes := b.Settle(duplicates)
	for i, r := range rows {
		if !slices.Contains(duplicates, int32(i)) {
			w.rows = append(w.rows, r)
		}
	}
	w.dead = append(w.dead, rowsIn(b.DeadLetters)...)
	for _, m := range b.Moves {
		w.positions[m.Shard] = m.To
	}
	for _, c := range counts {
		key := line{c.Source, c.Minute}
		sum := w.counts[key]
		sum.Accepted, sum.Loaded = sum.Accepted+c.Accepted, sum.Loaded+c.Loaded
		sum.Duplicate, sum.Dead = sum.Duplicate+c.Duplicate, sum.Dead+c.Dead
		w.counts[key] = sum
	}
	for _, v := range volumes {
		w.volumes[v.Type+" "+v.Event] += v.Loaded
	}
	for _, s := range b.Sequences {
		w.sequences[sequenceKey{s.Shard, s.Collector, s.Boot}] = s
	}
	w.properties = append(w.properties, b.Properties...)
	for _, v := range b.Views {
		w.views[v.Name] = v
	}
	for _, next := range b.Identities {
		if old, ok := w.identities[next.AnonymousID]; !ok || old.Later(next) {
			w.identities[next.AnonymousID] = next
		}
	}
	for _, next := range b.Users {
		if old, ok := w.users[next.UserID]; ok {
			merged, err := warehouse.MergeUser(old, next)
			if err != nil {
				return warehouse.Receipt{}, err
			}
			next = merged
		}
		w.users[next.UserID] = next
	}
	kept := *b
	kept.Events, kept.DeadLetters = nil, nil
	w.batches = append(w.batches, kept)
	w.sizes = append(w.sizes, rowsOf(b.Events)+rowsOf(b.DeadLetters))
	_, loaded, duplicate, dead := warehouse.Totals(counts)
	return warehouse.Receipt{Loaded: loaded, Duplicate: duplicate, Dead: dead, Committed: time.Now()}, nil
}

// known gives the suspects that are in the table already.
func (w *fakeWarehouse) known(rows []row, b *warehouse.Batch) []int32 {
	var out []int32
	for _, i := range b.Suspects {
		r := rows[i]
		if slices.ContainsFunc(w.rows, func(have row) bool {
			apart := event.GoTime(have["received_at"].(event.Time)).Sub(event.GoTime(r["received_at"].(event.Time)))
			return have["source"] == r["source"] && have["message_id"] == r["message_id"] && apart.Abs() <= b.Window
		}) {
			out = append(out, i)
		}
	}
	return out
}

// rowsIn copies a record batch.
func rowsIn(batch arrow.RecordBatch) []row {
	rows := make([]row, rowsOf(batch))
	if batch == nil {
		return nil
	}
	for i := range rows {
		rows[i] = row{}
		for n, column := range batch.Columns() {
			if column.IsNull(i) {
				continue
			}
			var value any
			switch c := column.(type) {
			case *array.String:
				value = strings.Clone(c.Value(i))
			case *array.Timestamp:
				value = event.Time(c.Value(i))
			case *array.Binary:
				value = slices.Clone(c.Value(i))
			case *array.Int32:
				value = c.Value(i)
			}
			rows[i][batch.ColumnName(n)] = value
		}
	}
	return rows
}

// Query answers the loader's questions, and no other.
func (w *fakeWarehouse) Query(_ context.Context, query string, args ...any) (warehouse.Rows, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case strings.Contains(query, "from catalog"):
		return w.catalog(), nil
	case strings.Contains(query, "from sequences"):
		return w.sequenceRows(), nil
	case strings.Contains(query, "select source, message_id"):
		return w.ids(args), nil
	case strings.Contains(query, "session_id"):
		return w.sessions(args[0].(int64)), nil
	}
	return nil, fmt.Errorf("a loader does not ask %q", query)
}

func (w *fakeWarehouse) catalog() *fakeRows {
	rows := &fakeRows{}
	for _, p := range w.properties {
		rows.add(p.Type, p.Event, p.Name, p.Kind, p.View)
	}
	return rows
}

func (w *fakeWarehouse) sequenceRows() *fakeRows {
	rows := &fakeRows{}
	for _, s := range w.sequences {
		rows.add(s.Shard, s.Collector, s.Boot, s.Seen, s.Void, s.Settled, s.Records, s.Doubled, event.GoTime(s.SeenAt))
	}
	return rows
}

// ids gives those received from one time on and, where there is a second, before it.
func (w *fakeWarehouse) ids(between []any) *fakeRows {
	rows := &fakeRows{}
	for _, r := range w.rows {
		at := event.GoTime(r["received_at"].(event.Time))
		if !at.Before(between[0].(time.Time)) && (len(between) == 1 || at.Before(between[1].(time.Time))) {
			rows.add(r.text("source"), r.text("message_id"), at)
		}
	}
	return rows
}

func (w *fakeWarehouse) sessions(seconds int64) *fakeRows {
	type session struct{ source, person, id string }
	type times struct{ first, last event.Time }
	latest, found := event.NoTime, map[session]times{}
	for _, r := range w.rows {
		latest = max(latest, r["timestamp"].(event.Time))
	}
	for _, r := range w.rows {
		at := r["timestamp"].(event.Time)
		if at < latest-seconds*1e6 || r["session_id"] == nil {
			continue
		}
		key := session{r.text("source"), cmp.Or(r.text("anonymous_id"), r.text("user_id")), r.text("session_id")}
		span, ok := found[key]
		if !ok {
			span = times{at, at}
		}
		found[key] = times{min(span.first, at), max(span.last, at)}
	}
	rows := &fakeRows{}
	for key, span := range found {
		rows.add(key.source, key.person, key.id, event.GoTime(span.first), event.GoTime(span.last))
	}
	return rows
}

// fakeRows are an answer that is known beforehand.
type fakeRows struct {
	rows [][]any
	next int
}

func (r *fakeRows) add(values ...any)                       { r.rows = append(r.rows, values) }
func (r *fakeRows) Next() bool                              { r.next++; return r.next <= len(r.rows) }
func (r *fakeRows) Err() error                              { return nil }
func (r *fakeRows) Close() error                            { return nil }
func (r *fakeRows) Columns() ([]string, error)              { return nil, errors.ErrUnsupported }
func (r *fakeRows) ColumnTypes() ([]*sql.ColumnType, error) { return nil, errors.ErrUnsupported }
func (r *fakeRows) Scan(dest ...any) error {
	values := r.rows[r.next-1]
	if len(dest) != len(values) {
		return fmt.Errorf("%d columns cannot be scanned into %d", len(values), len(dest))
	}
	for i, d := range dest {
		reflect.ValueOf(d).Elem().Set(reflect.ValueOf(values[i]))
	}
	return nil
}
