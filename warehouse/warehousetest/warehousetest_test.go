package warehousetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

// mutant is a driver that is right but for one thing.
type mutant struct {
	warehouse.Warehouse
	load    func(context.Context, warehouse.Warehouse, *warehouse.Batch) (warehouse.Receipt, error)
	query   func(context.Context, warehouse.Warehouse, string, []any) (warehouse.Rows, error)
	erase   func(context.Context, warehouse.Warehouse, warehouse.Subject) (warehouse.Erasure, error)
	stream  func(string) string
	dialect warehouse.Dialect
}

func (m *mutant) Load(ctx context.Context, b *warehouse.Batch) (warehouse.Receipt, error) {
	if m.load == nil {
		return m.Warehouse.Load(ctx, b)
	}
	return m.load(ctx, m.Warehouse, b)
}

func (m *mutant) Query(ctx context.Context, query string, args ...any) (warehouse.Rows, error) {
	if m.query == nil {
		return m.Warehouse.Query(ctx, query, args...)
	}
	return m.query(ctx, m.Warehouse, query, args)
}

func (m *mutant) Erase(ctx context.Context, subject warehouse.Subject) (warehouse.Erasure, error) {
	if m.erase == nil {
		return m.Warehouse.Erase(ctx, subject)
	}
	return m.erase(ctx, m.Warehouse, subject)
}

func (m *mutant) Positions(ctx context.Context, stream string) (map[string]string, error) {
	if m.stream != nil {
		stream = m.stream(stream)
	}
	return m.Warehouse.Positions(ctx, stream)
}

func (m *mutant) Dialect() warehouse.Dialect {
	if m.dialect == nil {
		return m.Warehouse.Dialect()
	}
	return m.dialect
}

// altered is a mutant that loads something else than it is given.
func altered(alter func(*warehouse.Batch)) mutant {
	return mutant{load: func(ctx context.Context, w warehouse.Warehouse, b *warehouse.Batch) (warehouse.Receipt, error) {
		other := *b
		alter(&other)
		if other.Events != nil && other.Events != b.Events {
			defer other.Events.Release()
		}
		return w.Load(ctx, &other)
	}}
}

// texts is a mutant that changes the texts of some columns.
func texts(change func(string) string, columns ...string) mutant {
	return mutant{load: func(ctx context.Context, w warehouse.Warehouse, b *warehouse.Batch) (warehouse.Receipt, error) {
		if b.Events == nil {
			return w.Load(ctx, b)
		}
		other := *b
		schema := b.Events.Schema()
		list := slices.Clone(b.Events.Columns())
		for i, f := range schema.Fields() {
			if slices.Contains(columns, f.Name) {
				builder := array.NewStringBuilder(memory.DefaultAllocator)
				for row, column := 0, list[i].(*array.String); row < column.Len(); row++ {
					builder.Append(change(column.Value(row)))
				}
				list[i] = builder.NewArray()
			}
		}
		other.Events = array.NewRecordBatch(schema, list, b.Events.NumRows())
		defer other.Events.Release()
		return w.Load(ctx, &other)
	}}
}

// kinds is a dialect that reads properties in another way.
type kinds struct {
	warehouse.Dialect
	property func(d warehouse.Dialect, column string, path []string, kind event.PropertyKind) string
	micros   func(d warehouse.Dialect, instant string) string
	matches  func(d warehouse.Dialect, text, pattern string) string
	bytewise func(text string) string
}

func (k kinds) Micros(instant string) string {
	if k.micros == nil {
		return k.Dialect.Micros(instant)
	}
	return k.micros(k.Dialect, instant)
}

func (k kinds) Matches(text, pattern string) string {
	if k.matches == nil {
		return k.Dialect.Matches(text, pattern)
	}
	return k.matches(k.Dialect, text, pattern)
}

func (k kinds) Bytewise(text string) string {
	if k.bytewise == nil {
		return k.Dialect.Bytewise(text)
	}
	return k.bytewise(text)
}

func (k kinds) Property(column string, path []string, kind event.PropertyKind) string {
	if k.property == nil {
		return k.Dialect.Property(column, path, kind)
	}
	return k.property(k.Dialect, column, path, kind)
}

// butLast gives the rows of a batch without the last.
func butLast(b *warehouse.Batch) arrow.RecordBatch {
	if b.Events == nil || b.Events.NumRows() < 2 {
		return b.Events
	}
	return b.Events.NewSlice(0, b.Events.NumRows()-1)
}

func open(t *testing.T) func(ctx context.Context, name string, fault func(string) error) (warehouse.Warehouse, error) {
	dir := t.TempDir()
	return func(ctx context.Context, name string, fault func(string) error) (warehouse.Warehouse, error) {
		return duckdb.Open(ctx, duckdb.Options{Path: filepath.Join(dir, name+".duckdb"), Fault: fault})
	}
}

// TestMutants holds the suite itself to account: each of these drivers is wrong in one way, and the case named must see
// it. The others are not asked, for time.
func TestMutants(t *testing.T) {
	t.Parallel()
	var ghosts atomic.Int64
	for _, c := range []struct {
		wrong, caught string
		mutant        mutant
	}{
		{"loses the last row of a batch", "a large batch is loaded to the row", altered(func(b *warehouse.Batch) { b.Events = butLast(b) })},
		{"loads a row twice", "a large batch is loaded to the row", mutant{load: func(ctx context.Context, w warehouse.Warehouse, b *warehouse.Batch) (warehouse.Receipt, error) {
			receipt, err := w.Load(ctx, b)
			if err != nil || b.Events == nil {
				return receipt, err
			}
			ghost := &warehouse.Batch{ID: fmt.Sprint("ghost-", ghosts.Add(1)), Stream: "ghost", Events: b.Events.NewSlice(0, 1)}
			defer ghost.Events.Release()
			_, err = w.Load(ctx, ghost)
			return receipt, err
		}}},
		{"moves the position without the rows", "a batch is loaded whole", altered(func(b *warehouse.Batch) { b.Events = nil })},
		{"loads the rows without moving the position", "loaded twice is loaded once", altered(func(b *warehouse.Batch) { b.Moves = nil })},
		{"moves only the first of several positions", "positions are where the loads left them", altered(func(b *warehouse.Batch) { b.Moves = b.Moves[:1] })},
		{"ignores fencing", "a fenced batch changes nothing", mutant{load: unfenced}},
		{"checks the fence outside of the transaction", "of two loaders on one shard one is fenced", mutant{load: fencedEarly}},
		{"loads in two transactions", "readers see a batch wholly or not at all", mutant{load: inTwo}},
		{"leaves half of a batch after a fault", "a load that fails at any step changes nothing", mutant{load: inTwo}},
		{"says nothing of a fault", "a load that fails at any step changes nothing", mutant{load: func(ctx context.Context, w warehouse.Warehouse, b *warehouse.Batch) (warehouse.Receipt, error) {
			receipt, err := w.Load(ctx, b)
			if err != nil && !strings.Contains(err.Error(), "another loader") {
				err = nil
			}
			return receipt, err
		}}},
		{"goes on when ctx is over", "a load whose ctx is over changes nothing", mutant{load: func(ctx context.Context, w warehouse.Warehouse, b *warehouse.Batch) (warehouse.Receipt, error) {
			return w.Load(context.WithoutCancel(ctx), b)
		}}},
		{"trusts all suspects", "suspects that are there are left out", altered(func(b *warehouse.Batch) { b.Suspects = nil })},
		{"suspects rows that are not", "suspects that are there are left out", altered(func(b *warehouse.Batch) {
			b.Suspects = nil
			for i := range int32(b.Events.NumRows()) {
				b.Suspects = append(b.Suspects, i)
			}
		})},
		{"has no end to the window", "suspects that are there are left out", altered(func(b *warehouse.Batch) { b.Window = 1000 * time.Hour })},
		{"drops dead letters", "a batch is loaded whole", altered(func(b *warehouse.Batch) { b.DeadLetters = nil })},
		{"drops volumes", "the ledger and the volumes add up over batches", altered(func(b *warehouse.Batch) { b.Volumes = nil })},
		{"counts the dead as loaded", "the ledger and the volumes add up over batches", altered(func(b *warehouse.Batch) {
			b.Counts = slices.Clone(b.Counts)
			for i := range b.Counts {
				b.Counts[i].Loaded, b.Counts[i].Dead = b.Counts[i].Loaded+b.Counts[i].Dead, 0
			}
		})},
		{"drops sequences", "a sequence replaces the one before", altered(func(b *warehouse.Batch) { b.Sequences = nil })},
		{"drops the catalog", "the catalog keeps what was seen first", altered(func(b *warehouse.Batch) { b.Properties = nil })},
		{"leaves the views as they are", "a view is kept current, and a property whose kind changes loses nothing", altered(func(b *warehouse.Batch) {
			if b.Moves[0].From != "" {
				b.Views = nil
			}
		})},
		{"keeps the first identity", "the identity seen last holds", altered(func(b *warehouse.Batch) {
			if b.Moves[0].From != "" {
				b.Identities = nil
			}
		})},
		{"takes the identity of the last batch", "the identity seen last holds", altered(func(b *warehouse.Batch) {
			b.Identities = slices.Clone(b.Identities)
			for i := range b.Identities {
				b.Identities[i].SeenAt += int64(len(b.Moves[0].From)) * 1e9
			}
		})},
		{"takes the traits of the last batch", "traits are merged in the order of time", altered(func(b *warehouse.Batch) {
			b.Users = slices.Clone(b.Users)
			for i := range b.Users {
				b.Users[i].SeenAt += int64(len(b.Moves[0].From)) * 1e9
			}
		})},
		{"keeps the traits that a null removes", "traits are merged in the order of time", altered(func(b *warehouse.Batch) {
			b.Users = slices.Clone(b.Users)
			for i := range b.Users {
				b.Users[i].Traits = bytes.ReplaceAll(b.Users[i].Traits, []byte(`"email":null,`), nil)
			}
		})},
		{"forgets people in a crowd", "many people at once", altered(func(b *warehouse.Batch) { b.Users = b.Users[:min(len(b.Users), 2048)] })},
		{"ends texts at NUL", "nasty texts come back to the byte", texts(func(s string) string { s, _, _ = strings.Cut(s, "\x00"); return s }, "page_title")},
		{"cuts long texts", "nasty texts come back to the byte", texts(func(s string) string { return s[:min(len(s), 65535)] }, "page_title")},
		{"trims texts", "nasty texts come back to the byte", texts(strings.TrimSpace, "page_title", "user_agent")},
		{"swaps two columns", "every column keeps its values and its nulls", texts(strings.ToUpper, "city")},
		{"reads numbers as doubles", "nasty JSON comes back as it was and poisons no query", texts(func(s string) string {
			return strings.ReplaceAll(s, "9223372036854775808", "9.223372036854776e18")
		}, "properties")},
		{"drops members that are null", "nasty JSON comes back as it was and poisons no query", texts(func(s string) string { return strings.ReplaceAll(s, `{"x":null}`, `{}`) }, "extra")},
		{"keeps Arrow memory", "a batch is loaded whole", altered(func(b *warehouse.Batch) {
			if b.Events != nil {
				b.Events.Retain()
			}
		})},
		{"mixes up streams", "positions are where the loads left them", mutant{stream: func(string) string { return "main" }}},
		{"reads every property as text", "a property is read as its kind", mutant{dialect: kinds{property: func(d warehouse.Dialect, column string, path []string, _ event.PropertyKind) string {
			return d.Property(column, path, event.KindNone)
		}}}},
		{"reads fractions as integers", "a property is read as its kind", mutant{dialect: kinds{property: func(d warehouse.Dialect, column string, path []string, kind event.PropertyKind) string {
			if kind == event.KindInteger {
				return "cast(" + d.Property(column, path, event.KindNumber) + " as bigint)"
			}
			return d.Property(column, path, kind)
		}}}},
		{"takes a dot in a name for a path", "a property of any name is read", mutant{dialect: kinds{property: func(d warehouse.Dialect, column string, path []string, kind event.PropertyKind) string {
			return d.Property(column, strings.Split(path[0], "."), kind)
		}}}},
		{"goes into arrays by number", "a member deep in an object is read", mutant{dialect: kinds{property: func(_ warehouse.Dialect, column string, path []string, _ event.PropertyKind) string {
			return "json_extract_string(" + column + ", '/" + strings.ReplaceAll(strings.Join(path, "/"), "'", "''") + "')"
		}}}},
		{"forgets the microseconds", "a moment is microseconds", mutant{dialect: kinds{micros: func(d warehouse.Dialect, instant string) string {
			return d.Micros("date_trunc('millisecond', " + instant + ")")
		}}}},
		{"matches whole texts", "a pattern matches as it is spelled", mutant{dialect: kinds{matches: func(_ warehouse.Dialect, text, pattern string) string {
			return "regexp_full_match(" + text + ", " + pattern + ")"
		}}}},
		{"matches whatever the case", "a pattern matches as it is spelled", mutant{dialect: kinds{matches: func(d warehouse.Dialect, text, pattern string) string {
			return d.Matches("lower("+text+")", "lower("+pattern+")")
		}}}},
		{"orders as a dictionary does", "texts are ordered by their bytes", mutant{dialect: kinds{bytewise: func(text string) string { return "lower(" + text + ")" }}}},
		{"erases only users", "an erasure removes a person everywhere, and nobody else", mutant{erase: func(ctx context.Context, w warehouse.Warehouse, s warehouse.Subject) (warehouse.Erasure, error) {
			s.AnonymousIDs = nil
			return w.Erase(ctx, s)
		}}},
		{"takes a device's id for a user's", "an erasure removes a person everywhere, and nobody else", mutant{erase: func(ctx context.Context, w warehouse.Warehouse, s warehouse.Subject) (warehouse.Erasure, error) {
			s.UserIDs = append(slices.Clone(s.UserIDs), s.AnonymousIDs...)
			return w.Erase(ctx, s)
		}}},
		{"says that nothing was erased", "an erasure removes a person everywhere, and nobody else", mutant{erase: func(ctx context.Context, w warehouse.Warehouse, s warehouse.Subject) (warehouse.Erasure, error) {
			_, err := w.Erase(ctx, s)
			return warehouse.Erasure{}, err
		}}},
		{"erases nobody without a word", "an erasure of nobody is refused", mutant{erase: func(ctx context.Context, w warehouse.Warehouse, s warehouse.Subject) (warehouse.Erasure, error) {
			if len(s.UserIDs)+len(s.AnonymousIDs) == 0 {
				return nil, nil
			}
			return w.Erase(ctx, s)
		}}},
		{"answers what it should refuse", "a query can only read", mutant{query: func(ctx context.Context, w warehouse.Warehouse, query string, args []any) (warehouse.Rows, error) {
			if strings.HasPrefix(query, "drop") {
				query = "select 1"
			}
			return w.Query(ctx, query, args...)
		}}},
		{"puts arguments into the text", "arguments are values, never text of the query", mutant{query: func(ctx context.Context, w warehouse.Warehouse, query string, args []any) (warehouse.Rows, error) {
			for _, a := range args {
				query = strings.Replace(query, "?", fmt.Sprintf("'%v'", a), 1)
			}
			return w.Query(ctx, query)
		}}},
		{"answers wrong queries", "a query that is wrong harms nobody", mutant{query: func(ctx context.Context, w warehouse.Warehouse, query string, args []any) (warehouse.Rows, error) {
			return w.Query(ctx, strings.ReplaceAll(query, "nowhere", "(select 1 as nothing)"), args...)
		}}},
		{"counts every letter", "the pipeline page's questions are answered", asked("where received_at >= ? and received_at < ?", "where (received_at >= ? or received_at < ?)")},
		{"knows of no load", "dead letters are chosen, and what was loaded since is known", asked("on l.load_id = e.load_id", "on false")},
		{"counts another minute", "an event is traced", asked("from ledger where minute in (?", "from ledger where minute not in (?")},
		{"finds no letter of an id", "an event is traced", asked("d.message_id = ?", "d.message_id > ?")},
		{"counts sources of all time", "sources are counted", asked("case when minute >= ?", "case when minute < ? or true")},
		{"has a table less", "the schema is told, and can be asked", asked("from sequences", "from nowhere")},
		{"puts those that no client dated first", "the newest events come in one order", asked("then 1 else 0 end", "then 0 else 1 end")},
		{"loses connections to wrong queries", "a query that is wrong harms nobody", mutant{query: leaking()}},
	} {
		t.Run(c.wrong, func(t *testing.T) {
			t.Parallel()
			right := open(t)
			harness := warehousetest.Harness{
				Deadline: 40 * time.Second,
				Open: func(ctx context.Context, name string, fault func(string) error) (warehouse.Warehouse, error) {
					w, err := right(ctx, name, fault)
					m := c.mutant
					m.Warehouse = w
					if k, ok := m.dialect.(kinds); ok && err == nil {
						k.Dialect = w.Dialect()
						m.dialect = k
					}
					return &m, err
				},
			}
			failures := warehousetest.Failures(t.Context(), harness, c.caught)
			if failures[c.caught] == nil {
				t.Errorf("want case %q to fail; it passes", c.caught)
			} else {
				t.Log(failures[c.caught])
			}
		})
	}
}

// asked is a mutant that asks something else where a question says one thing.
func asked(right, wrong string) mutant {
	return mutant{query: func(ctx context.Context, w warehouse.Warehouse, query string, args []any) (warehouse.Rows, error) {
		return w.Query(ctx, strings.ReplaceAll(query, right, wrong), args...)
	}}
}

// unfenced takes the warehouse's own position for the batch's.
func unfenced(ctx context.Context, w warehouse.Warehouse, b *warehouse.Batch) (warehouse.Receipt, error) {
	have, err := w.Positions(ctx, b.Stream)
	if err != nil {
		return warehouse.Receipt{}, err
	}
	other := *b
	other.Moves = slices.Clone(b.Moves)
	for i := range other.Moves {
		other.Moves[i].From = have[other.Moves[i].Shard]
	}
	return w.Load(ctx, &other)
}

// fencedEarly looks at the positions, and then moves them from wherever they are.
func fencedEarly(ctx context.Context, w warehouse.Warehouse, b *warehouse.Batch) (warehouse.Receipt, error) {
	have, err := w.Positions(ctx, b.Stream)
	if err != nil {
		return warehouse.Receipt{}, err
	}
	for _, m := range b.Moves {
		if have[m.Shard] != m.From {
			return warehouse.Receipt{}, warehouse.ErrFenced
		}
	}
	for {
		receipt, err := unfenced(ctx, w, b)
		if !errors.Is(err, warehouse.ErrFenced) {
			return receipt, err
		}
	}
}

// inTwo loads all but the last row first, and then the rest.
func inTwo(ctx context.Context, w warehouse.Warehouse, b *warehouse.Batch) (warehouse.Receipt, error) {
	if b.Events == nil || b.Events.NumRows() < 2 {
		return w.Load(ctx, b)
	}
	first, second := *b, *b
	first.ID += "-1"
	first.Counts, first.Moves, first.Volumes = nil, nil, nil
	first.Events = butLast(b)
	defer first.Events.Release()
	second.Events = b.Events.NewSlice(b.Events.NumRows()-1, b.Events.NumRows())
	defer second.Events.Release()
	if _, err := w.Load(ctx, &first); err != nil {
		return warehouse.Receipt{}, err
	}
	return w.Load(ctx, &second)
}

// leaking is a pool of 20 connections that a query which fails does not give back.
func leaking() func(context.Context, warehouse.Warehouse, string, []any) (warehouse.Rows, error) {
	pool := make(chan struct{}, 20)
	return func(ctx context.Context, w warehouse.Warehouse, query string, args []any) (warehouse.Rows, error) {
		select {
		case pool <- struct{}{}:
		default:
			return nil, errors.New("there is no connection left")
		}
		rows, err := w.Query(ctx, query, args...)
		if err == nil {
			<-pool
		}
		return rows, err
	}
}

// TestHangs: a driver that does not heed its ctx is reported, not waited for.
func TestHangs(t *testing.T) {
	t.Parallel()
	right, end := open(t), make(chan struct{})
	harness := warehousetest.Harness{
		Deadline: 2 * time.Second,
		Open: func(ctx context.Context, name string, fault func(string) error) (warehouse.Warehouse, error) {
			w, err := right(context.WithoutCancel(ctx), name, fault)
			return &mutant{Warehouse: w, load: func(context.Context, warehouse.Warehouse, *warehouse.Batch) (warehouse.Receipt, error) {
				<-end
				return warehouse.Receipt{}, context.Canceled
			}}, err
		},
	}
	const name = "a batch without rows moves the positions"
	err := warehousetest.Failures(t.Context(), harness, name)[name]
	close(end)
	if err == nil || !strings.Contains(err.Error(), "hangs") {
		t.Errorf("want it to hang; have %v", err)
	}
}
