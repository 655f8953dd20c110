package sdk

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

// row is a row of the table events: nil where a column is empty, a time.Time, or text, JSON as canonical text. A
// wanted row names only the columns that matter, and its JSON may be written in any way.
type row map[string]any

var (
	jsonColumns = []string{"properties", "traits", "context"}
	timeColumns = []string{"timestamp", "original_timestamp", "sent_at", "received_at"}
)

// lacks tells in which columns a row is not what is wanted.
func (want row) lacks(have row) []string {
	var lacking []string
	for _, column := range slices.Sorted(maps.Keys(want)) {
		w := want[column]
		if text, ok := w.(string); ok && slices.Contains(jsonColumns, column) {
			w = canonical(text)
		}
		if have[column] != w {
			lacking = append(lacking, fmt.Sprintf("%s: want %v; have %v", column, w, have[column]))
		}
	}
	return lacking
}

func (want row) in(have row) bool { return len(want.lacks(have)) == 0 }

// with is the row with some columns changed.
func (want row) with(changed row) row {
	out := maps.Clone(want)
	maps.Copy(out, changed)
	return out
}

// canonical writes JSON in the one way in which equal documents are equal texts.
func canonical(text string) string {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return fmt.Sprintf("no JSON: %s: %v", text, err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("no JSON: %s: %v", text, err)
	}
	return string(out)
}

// wantRows wants these rows, in any order, and no others; and of every row what all rows of one SDK have.
func wantRows(t *testing.T, rows []row, sdk library, want []row) {
	t.Helper()
	if len(rows) != len(want) {
		t.Errorf("want %d rows; have %d", len(want), len(rows))
	}
	always := row{"source": "dev", "protocol": "segment", "library_name": sdk.name, "library_version": sdk.version}
	ids := map[any]bool{}
	for _, r := range rows {
		ids[r["message_id"]] = true
		if lacking := always.lacks(r); lacking != nil || r["context"] == nil {
			t.Errorf("%v: %q; want a context; have %v", r["message_id"], lacking, r["context"])
		}
		wantTimes(t, r)
	}
	if len(ids) != len(rows) {
		t.Errorf("want each event once; have %d message ids in %d rows", len(ids), len(rows))
	}
	left := slices.Clone(rows)
	for _, w := range want {
		if at := slices.IndexFunc(left, w.in); at >= 0 {
			left = slices.Delete(left, at, at+1)
			continue
		}
		t.Errorf("want a row %v", w)
		for _, r := range left {
			if r["type"] == w["type"] && r["event"] == w["event"] {
				t.Logf("the nearest: %q", w.lacks(r))
				break
			}
		}
	}
}

// wantTimes wants all the times of a row, and that the door and the client, whose clock is the same, agree on them.
func wantTimes(t *testing.T, r row) {
	t.Helper()
	at := map[string]time.Time{}
	for _, column := range timeColumns {
		when, ok := r[column].(time.Time)
		if !ok {
			t.Errorf("%v: want a time in %s; have %v", r["message_id"], column, r[column])
		}
		at[column] = when
	}
	if d := at["received_at"].Sub(at["sent_at"]).Abs(); d > patience {
		t.Errorf("%v: received %s from when it was sent", r["message_id"], d)
	}
	if d := at["timestamp"].Sub(at["original_timestamp"]).Abs(); d > patience {
		t.Errorf("%v: want the client's clock believed; the time was moved by %s", r["message_id"], d)
	}
}

// wantSent wants a row for each event of which an SDK says that it has sent it.
func wantSent(t *testing.T, rows []row, sent []message) {
	t.Helper()
	for _, m := range sent {
		want := row{"message_id": m.MessageID, "type": m.Type, "original_timestamp": m.Timestamp.UTC()}
		if !slices.ContainsFunc(rows, want.in) {
			t.Errorf("want a row %v", want)
		}
	}
	if len(sent) != len(rows) {
		t.Errorf("want a row for each of the %d events sent; have %d", len(sent), len(rows))
	}
}
