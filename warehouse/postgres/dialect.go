package postgres

import (
	"fmt"
	"strings"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/pgsql"
)

// dialect is a warehouse.Dialect.
type dialect struct{}

func (dialect) Name() string { return "postgres" }

// Type: JSON is json and not jsonb, which would change numbers, keys and their order, and refuses some numbers.
func (dialect) Type(k event.ColumnKind) string {
	switch k {
	case event.JSON:
		return "json"
	case event.Timestamp:
		return "timestamp with time zone"
	case event.Bool:
		return "boolean"
	case event.Int32:
		return "integer"
	case event.Int64:
		return "bigint"
	case event.Bytes:
		return "bytea"
	default:
		return "text"
	}
}

func (dialect) Quote(s string) string { return pgsql.Quote(s) }

// Literal does not depend on how the server takes backslashes. NUL is written as it is stored.
func (dialect) Literal(s string) string { return literal(pgsql.Encode(s)) }

func literal(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

func (dialect) JSONText(column string) string { return "cast(" + column + " as text)" }

// numberFunction reads the numbers that a plain cast would fail on: past the range of a double there is none, and what is
// too small is 0.
const numberFunction = `create or replace function spoor_number(digits text) returns double precision
	language plpgsql immutable strict parallel safe as $$
begin
	return digits::double precision;
exception when numeric_value_out_of_range then
	return case when digits ~* 'e-' or digits ~ '^-?0\.' then 0 end;
end $$`

// Property reads the member's text once and tells its kind by its first character, for JSON texts are clean.
func (dialect) Property(column string, path []string, kind event.PropertyKind) string {
	for _, name := range path[:len(path)-1] {
		column += " -> " + literal(pgsql.EncodeName(name))
	}
	key := literal(pgsql.EncodeName(path[len(path)-1]))
	value := fmt.Sprintf("(%s -> %s)", column, key)
	raw := fmt.Sprintf("cast(%s as text)", value)
	text := fmt.Sprintf("(%s ->> %s)", column, key)
	switch kind {
	case event.KindString:
		return fmt.Sprintf("case when %s like '\"%%' then %s end", raw, pgsql.FromJSON(text))
	case event.KindInteger:
		return fmt.Sprintf(`case when %[1]s ~ '^-?[0-9]{1,18}$' then cast(%[1]s as bigint)
			when %[1]s ~ '^-?[0-9]{19}$' then case when cast(%[1]s as numeric) between -9223372036854775808 and 9223372036854775807
				then cast(%[1]s as bigint) end end`, raw)
	case event.KindNumber:
		return fmt.Sprintf(`case when %[1]s ~ '^-?[0-9]{1,15}([.][0-9]{1,15})?$' then cast(%[1]s as double precision)
			when %[1]s ~ '^[-0-9]' then spoor_number(%[1]s) end`, raw)
	case event.KindBoolean:
		return fmt.Sprintf("case %s when 'true' then true when 'false' then false end", raw)
	case event.KindObject:
		return fmt.Sprintf("case when %s like '{%%' then %s end", raw, value)
	case event.KindArray:
		return fmt.Sprintf("case when %s like '[%%' then %s end", raw, value)
	default:
		return fmt.Sprintf("case when %s like '\"%%' then %s else %s end", raw, pgsql.FromJSON(text), text)
	}
}

func (dialect) Micros(instant string) string {
	return "cast(extract(epoch from " + instant + ") * 1000000 as bigint)"
}

func (dialect) Matches(text, pattern string) string { return "(" + text + " ~ " + pattern + ")" }

// Bytewise says what the columns are made with, for what was taken out of JSON.
func (dialect) Bytewise(text string) string { return "((" + text + `) collate "C")` }

func (dialect) Key(text string) string { return "coalesce(" + text + ", '')" }

func (dialect) OneOf(column string, values []string) string { return pgsql.OneOf(column, values) }

func (dialect) Place(column string, values []string) string { return pgsql.Place(column, values) }

// Days: events have an index by time only.
func (dialect) Days(_, _ []string) string { return "" }

func (dialect) Active() string { return "" }

func (dialect) Stored(id string) string { return id }
