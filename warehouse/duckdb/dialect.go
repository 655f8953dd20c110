package duckdb

import (
	"fmt"
	"strings"

	"github.com/spoorhq/spoor/event"
)

// dialect is a warehouse.Dialect.
type dialect struct{}

func (dialect) Name() string { return "duckdb" }

func (dialect) Type(k event.ColumnKind) string {
	switch k {
	case event.JSON:
		return "json"
	case event.Timestamp:
		return "timestamptz"
	case event.Bool:
		return "boolean"
	case event.Int32:
		return "integer"
	case event.Int64:
		return "bigint"
	case event.Bytes:
		return "blob"
	default:
		return "varchar"
	}
}

func (dialect) Quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// Literal takes any text, NUL too, at which DuckDB would see the statement end.
func (dialect) Literal(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if !strings.Contains(s, "\x00") {
		return quoted
	}
	return "(" + strings.ReplaceAll(quoted, "\x00", "' || chr(0) || '") + ")"
}

func (dialect) JSONText(column string) string { return "cast(" + column + " as varchar)" }

// Property names the member by JSON Pointer (RFC 6901), which can say any name; DuckDB's own paths can not.
func (d dialect) Property(column string, path []string, kind event.PropertyKind) string {
	pointer := d.Literal(pointerTo(path))
	text := fmt.Sprintf("json_extract_string(%s, %s)", column, pointer)
	// A pointer goes into arrays too, by number.
	var through strings.Builder
	for i, name := range path {
		if i > 0 && strings.Trim(name, "0123456789") == "" {
			fmt.Fprintf(&through, "json_type(%s, %s) = 'OBJECT' and ", column, d.Literal(pointerTo(path[:i])))
		}
	}
	is := func(then string, types ...string) string {
		return fmt.Sprintf("case when %sjson_type(%s, %s) in ('%s') then %s end", through.String(), column, pointer, strings.Join(types, "', '"), then)
	}
	switch kind {
	case event.KindString:
		return is(text, "VARCHAR")
	case event.KindInteger:
		return is("try_cast("+text+" as bigint)", "UBIGINT", "BIGINT")
	case event.KindNumber:
		return is("try_cast("+text+" as double)", "UBIGINT", "BIGINT", "DOUBLE")
	case event.KindBoolean:
		return is("cast("+text+" as boolean)", "BOOLEAN")
	case event.KindObject:
		return is(fmt.Sprintf("json_extract(%s, %s)", column, pointer), "OBJECT")
	case event.KindArray:
		return is(fmt.Sprintf("json_extract(%s, %s)", column, pointer), "ARRAY")
	default:
		if through.Len() > 0 {
			return fmt.Sprintf("case when %strue then %s end", through.String(), text)
		}
		return text
	}
}

func pointerTo(path []string) string {
	var b strings.Builder
	for _, name := range path {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	return b.String()
}

func (dialect) Micros(instant string) string { return "epoch_us(" + instant + ")" }

func (dialect) Matches(text, pattern string) string {
	return "regexp_matches(" + text + ", " + pattern + ")"
}

func (dialect) Bytewise(text string) string { return text }

// Key is computed once for each entry of a column's dictionary, as every function of one column is. DuckDB's hash of NULL is a number.
func (dialect) Key(text string) string {
	return "hash(" + text + ")"
}

// OneOf is a function, for the same reason: with IN alone each row would be compared. By IN row groups without any of the values are
// passed over; it compares what the function left.
func (dialect) OneOf(column string, values []string) string {
	list := strings.Join(values, ", ")
	return "list_contains([" + list + "], " + column + ") and " + column + " in (" + list + ")"
}

func (dialect) Place(column string, values []string) string {
	return "list_position([" + strings.Join(values, ", ") + "], " + column + ")"
}
