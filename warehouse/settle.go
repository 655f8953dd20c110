package warehouse

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/spoorhq/spoor/event"
)

// Settle gives the batch's counts and volumes when the rows given, ascending, proved to be duplicates.
func (b *Batch) Settle(duplicates []int32) ([]Count, []Volume) {
	if len(duplicates) == 0 {
		return b.Counts, b.Volumes
	}
	counts, volumes := slices.Clone(b.Counts), slices.Clone(b.Volumes)
	column := func(name string) *array.String {
		return b.Events.Column(b.Events.Schema().FieldIndices(name)[0]).(*array.String)
	}
	source, typ, name := column("source"), column("type"), column("event")
	received := b.Events.Column(b.Events.Schema().FieldIndices("received_at")[0]).(*array.Timestamp)
	for _, row := range duplicates {
		minute := event.Minute(event.Time(received.Value(int(row))))
		for i := range counts {
			if c := &counts[i]; c.Minute == minute && c.Source == source.Value(int(row)) {
				c.Loaded--
				c.Duplicate++
			}
		}
		key := VolumeName(typ.Value(int(row)), name.Value(int(row)))
		for i := range volumes {
			v := &volumes[i]
			if v.Minute == minute && v.Source == source.Value(int(row)) && v.Type == typ.Value(int(row)) && v.Event == key {
				v.Loaded--
			}
		}
	}
	return counts, volumes
}

// VolumeName is the name that an event is counted under in volumes: its own for track calls. The other types are
// counted as a whole: page titles are too many.
func VolumeName(typ, name string) string {
	if typ == event.TypeTrack {
		return name
	}
	return ""
}

// Totals sums counts.
func Totals(counts []Count) (accepted, loaded, duplicate, dead int64) {
	for _, c := range counts {
		accepted += c.Accepted
		loaded += c.Loaded
		duplicate += c.Duplicate
		dead += c.Dead
	}
	return accepted, loaded, duplicate, dead
}

// MergeTraits gives a user's traits after newer ones have come: each member of newer replaces the one of the same
// name, a null removes it; the others stay. Nested objects are replaced whole, as Segment's are. Members stand sorted
// by name, so that the same traits are the same text. Both are JSON objects; older may be empty.
func MergeTraits(older, newer []byte) ([]byte, error) {
	merged := map[string]json.RawMessage{}
	for _, text := range [][]byte{older, newer} {
		if len(text) == 0 {
			continue
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(text, &members); err != nil {
			return nil, err
		}
		for name, value := range members {
			if string(value) == "null" {
				delete(merged, name)
				continue
			}
			merged[name] = value
		}
	}
	return json.Marshal(merged)
}

// MergeUser gives the row of a user after more was seen of it. What was seen earlier than the row's SeenAt only adds
// the traits that the row lacks.
func MergeUser(row, more User) (User, error) {
	older, newer := row, more
	if more.SeenAt < row.SeenAt {
		older, newer = more, row
	}
	traits, err := MergeTraits(older.Traits, newer.Traits)
	if err != nil {
		return User{}, err
	}
	return User{UserID: row.UserID, Traits: traits, FirstSeen: min(row.FirstSeen, more.FirstSeen), SeenAt: newer.SeenAt}, nil
}

// Later tells whether identity b replaces a of the same anonymous id.
func (a Identity) Later(b Identity) bool {
	return cmp.Or(cmp.Compare(a.SeenAt, b.SeenAt), cmp.Compare(a.UserID, b.UserID)) < 0
}

// Without gives the batch's events but for the rows given, ascending, as stretches of it; nothing is copied. The caller
// releases them.
func (b *Batch) Without(rows []int32) []arrow.RecordBatch {
	if b.Events == nil {
		return nil
	}
	var parts []arrow.RecordBatch
	from := int64(0)
	for _, row := range append(rows, int32(b.Events.NumRows())) {
		if int64(row) > from {
			parts = append(parts, b.Events.NewSlice(from, int64(row)))
		}
		from = int64(row) + 1
	}
	return parts
}
