package warehouse

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/spoorhq/spoor/event"
)

// RowSet gathers a few rows for one of the small tables as Arrow columns.
type RowSet struct {
	Table   Table
	builder *array.RecordBuilder
	n       int
}

// NewRowSet begins rows for the table of that name.
func NewRowSet(name string) *RowSet {
	t := TableNamed(name)
	return &RowSet{Table: t, builder: array.NewRecordBuilder(memory.DefaultAllocator, event.Schema(t.Columns))}
}

// TableNamed gives one of Tables.
func TableNamed(name string) Table {
	tables := Tables()
	return tables[slices.IndexFunc(tables, func(t Table) bool { return t.Name == name })]
}

// Add takes one row, in the order of the table's columns: strings and int64s, which are counts or event.Times by the
// column's type.
func (s *RowSet) Add(values ...any) {
	for i, value := range values {
		switch b := s.builder.Field(i).(type) {
		case *array.StringBuilder:
			b.Append(value.(string))
		case *array.Int64Builder:
			b.Append(value.(int64))
		case *array.TimestampBuilder:
			b.Append(arrow.Timestamp(value.(int64)))
		default:
			panic(fmt.Sprintf("no column of %s is a %T", s.Table.Name, b))
		}
	}
	s.n++
}

// Len is the number of rows.
func (s *RowSet) Len() int { return s.n }

// Take gives the rows, which the caller releases; the set is empty afterwards.
func (s *RowSet) Take() arrow.RecordBatch {
	s.n = 0
	return s.builder.NewRecordBatch()
}

// Release frees the set's memory.
func (s *RowSet) Release() { s.builder.Release() }

// instant is a minute as an event.Time.
func instant(minute int64) event.Time { return minute * 60 * 1e6 }

// CountRows gives rows of ledger.
func CountRows(counts []Count) *RowSet {
	rows := NewRowSet("ledger")
	for _, c := range counts {
		rows.Add(instant(c.Minute), c.Source, c.Accepted, c.Loaded, c.Duplicate, c.Dead, int64(0))
	}
	return rows
}

// VolumeRows gives rows of volumes.
func VolumeRows(volumes []Volume) *RowSet {
	rows := NewRowSet("volumes")
	for _, v := range volumes {
		rows.Add(instant(v.Minute), v.Source, v.Type, v.Event, v.Loaded)
	}
	return rows
}

// SequenceRows gives the batch's rows of sequences.
func (b *Batch) SequenceRows() *RowSet {
	rows := NewRowSet("sequences")
	for _, s := range b.Sequences {
		rows.Add(b.Stream, s.Shard, s.Collector, s.Boot, s.Seen, s.Void, s.Settled, s.Records, s.Doubled, s.SeenAt)
	}
	return rows
}

// PropertyRows gives the batch's rows of catalog.
func (b *Batch) PropertyRows() *RowSet {
	rows := NewRowSet("catalog")
	for _, p := range b.Properties {
		rows.Add(p.Type, p.Event, p.Name, p.Kind, p.View, p.SeenAt)
	}
	return rows
}

// LoadRows gives the batch's row of loads; counts are the settled ones.
func (b *Batch) LoadRows(now event.Time, counts []Count) (*RowSet, error) {
	type move struct {
		Shard string `json:"shard"`
		From  string `json:"from"`
		To    string `json:"to"`
	}
	list := make([]move, len(b.Moves))
	for i, m := range b.Moves {
		list[i] = move(m)
	}
	moves, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	_, loaded, duplicate, dead := Totals(counts)
	rows := NewRowSet("loads")
	rows.Add(b.ID, b.Stream, string(moves), now, loaded, duplicate, dead)
	return rows, nil
}

// LatestIdentities gives, of several identities of one anonymous id, the one that holds.
func LatestIdentities(list []Identity) map[string]Identity {
	latest := make(map[string]Identity, len(list))
	for _, i := range list {
		if other, ok := latest[i.AnonymousID]; !ok || other.Later(i) {
			latest[i.AnonymousID] = i
		}
	}
	return latest
}

// IdentityRows gives rows of identities.
func IdentityRows(identities map[string]Identity) *RowSet {
	rows := NewRowSet("identities")
	for _, i := range identities {
		rows.Add(i.AnonymousID, i.UserID, i.SeenAt)
	}
	return rows
}

// Crowd is a batch's users, on their way to be merged with those that are stored.
type Crowd struct {
	// Limits are the warehouse's. Traits that are not within them lose their largest members, which the rows of the events
	// that brought them, or dead letters, still hold: nobody's traits may keep a batch from being loaded.
	Limits Limits

	users map[string]User
	found map[string]bool
}

// NewCrowd takes a batch's users.
func NewCrowd(users []User) *Crowd {
	c := &Crowd{users: make(map[string]User, len(users)), found: map[string]bool{}}
	for _, u := range users {
		c.users[u.UserID] = u
	}
	return c
}

// IDs gives the users' ids.
func (c *Crowd) IDs() []string {
	ids := make([]string, 0, len(c.users))
	for id := range c.users {
		ids = append(ids, id)
	}
	return ids
}

// Merge takes a user as stored.
func (c *Crowd) Merge(stored User) error {
	c.found[stored.UserID] = true
	merged, err := MergeUser(stored, c.users[stored.UserID])
	if err != nil {
		return fmt.Errorf("traits of user %q: %w", stored.UserID, err)
	}
	c.users[stored.UserID] = merged
	return nil
}

// Rows gives the rows of users that replace those merged, and the new ones.
func (c *Crowd) Rows() (*RowSet, error) {
	rows := NewRowSet("users")
	for id, u := range c.users {
		if !c.found[id] {
			// Merged with nothing, new traits lose their nulls and stand in the same order as those merged later.
			if err := c.Merge(User{UserID: id, FirstSeen: u.FirstSeen, SeenAt: u.SeenAt}); err != nil {
				rows.Release()
				return nil, err
			}
		}
		u = c.users[id]
		traits, err := c.Limits.TrimObject(u.Traits)
		if err != nil {
			rows.Release()
			return nil, fmt.Errorf("traits of user %q: %w", id, err)
		}
		u.Traits = traits
		rows.Add(u.UserID, string(u.Traits), u.FirstSeen, u.SeenAt)
	}
	return rows, nil
}
