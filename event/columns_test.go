package event

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

func TestColumns(t *testing.T) {
	t.Parallel()
	columns := Columns()
	seen := map[string]bool{}
	for i, c := range columns {
		if c.Name == "" || seen[c.Name] || c.Name != strings.ToLower(c.Name) {
			t.Errorf("column %d: want a name of its own in lower case, have %q", i, c.Name)
		}
		seen[c.Name] = true
	}
	schema := Schema(columns)
	for i, f := range schema.Fields() {
		c := columns[i]
		if f.Name != c.Name || f.Nullable == c.Required || !arrow.TypeEqual(f.Type, c.Kind.ArrowType()) {
			t.Errorf("%s: want the column's field, have %v", c.Name, f)
		}
		extension, _ := f.Metadata.GetValue("ARROW:extension:name")
		if want := map[bool]string{true: "arrow.json"}[c.Kind == JSON]; extension != want {
			t.Errorf("%s: want extension %q, have %q", c.Name, want, extension)
		}
	}
	for kind, want := range map[ColumnKind]string{
		Text: "utf8", JSON: "utf8", Timestamp: "timestamp[us, tz=UTC]", Bool: "bool", Int32: "int32", Int64: "int64", Bytes: "binary",
	} {
		if have := kind.ArrowType().String(); have != want {
			t.Errorf("kind %d: want %s, have %s", kind, want, have)
		}
	}
}

// fill sets every settable field below v to a value of its own, so that no two columns can be mixed up unnoticed.
func fill(v reflect.Value, n *int) {
	for _, f := range v.Fields() {
		*n++
		switch {
		case !f.CanSet():
		case f.Kind() == reflect.Struct:
			fill(f, n)
		case f.Kind() == reflect.String:
			f.SetString(fmt.Sprintf("v%d", *n))
		case f.Kind() == reflect.Int32, f.Kind() == reflect.Int64:
			f.SetInt(int64(*n))
		case f.Kind() == reflect.Bool:
			f.SetBool(true)
		case f.Type() == reflect.TypeFor[[]byte]():
			f.SetBytes(fmt.Appendf(nil, `{"v":%d}`, *n))
		}
	}
}

// TestRowsHoldEveryField: each field of an event stands in exactly one column, and an absent one is null.
func TestRowsHoldEveryField(t *testing.T) {
	t.Parallel()
	allocator := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer allocator.AssertSize(t, 0)
	rows := NewRows(allocator, 2)
	defer rows.Release()

	full := &Event{Request: &Request{Source: "source", Protocol: "protocol"}}
	n := 100
	fill(reflect.ValueOf(full).Elem(), &n)
	full.Mark("one:x")
	full.Mark("two:y")
	rows.Append(full)
	blank := &Event{}
	blank.reset()
	blank.Request = full.Request
	blank.ReceivedAt, blank.MessageID, blank.Type = 42, "m", TypePage
	rows.Append(blank)
	if rows.Len() != 2 || rows.Bytes() == 0 {
		t.Errorf("want 2 rows and their size, have %d and %d", rows.Len(), rows.Bytes())
	}
	batch := rows.Take()
	defer batch.Release()
	if batch.NumRows() != 2 || rows.Len() != 0 || rows.Bytes() != 0 {
		t.Fatalf("want 2 rows taken and none left, have %d and %d", batch.NumRows(), rows.Len())
	}
	seen := map[string]string{}
	for i, c := range Columns() {
		column := batch.Column(i)
		value := column.ValueStr(0)
		if column.IsNull(0) {
			t.Errorf("%s: want a value of a full event", c.Name)
		}
		if other := seen[value]; other != "" && c.Kind != Bool {
			t.Errorf("%s and %s have the same value, %s", c.Name, other, value)
		}
		seen[value] = c.Name
		if column.IsNull(1) == c.Required {
			t.Errorf("%s: want null only if not required, have %s of a blank event", c.Name, column.ValueStr(1))
		}
	}
	if have := seen["one:x,two:y"]; have != "marks" {
		t.Errorf("want the marks in their column, have them in %q", have)
	}
	if have, want := batch.Column(index(t, "timestamp")).ValueStr(1), batch.Column(index(t, "received_at")).ValueStr(1); have != want {
		t.Errorf("want the time of receipt %s where there is no better one, have %s", want, have)
	}
}

func index(t *testing.T, name string) int {
	t.Helper()
	for i, c := range Columns() {
		if c.Name == name {
			return i
		}
	}
	t.Fatalf("no column %s", name)
	return 0
}
