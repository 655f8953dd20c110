package redshift

import (
	"fmt"
	"strings"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/pgsql"
	"github.com/spoorhq/spoor/warehouse"
)

// dialect is a warehouse.Dialect.
type dialect struct{}

func (dialect) Name() string { return "redshift" }

// maxBytes is the longest VARBYTE.
const maxBytes = 16 << 20

// noBytes is an expression for no bytes.
const noBytes = "cast('' as varbyte)"

func (dialect) Type(k event.ColumnKind) string {
	switch k {
	case event.JSON:
		return "super"
	case event.Timestamp:
		return "timestamp with time zone"
	case event.Bool:
		return "boolean"
	case event.Int32:
		return "integer"
	case event.Int64:
		return "bigint"
	case event.Bytes:
		return fmt.Sprintf("varbyte(%d)", maxBytes)
	default:
		return text
	}
}

func (dialect) Quote(s string) string { return pgsql.Quote(s) }

// Literal doubles backslashes, too: they escape in every string. NUL is written as it is stored.
func (dialect) Literal(s string) string { return literal(pgsql.Encode(s)) }

func literal(s string) string {
	return "'" + strings.NewReplacer("'", "''", `\`, `\\`).Replace(s) + "'"
}

// JSONText gives no text for what is too long for a VARCHAR, which JSON_SERIALIZE would fail on.
func (dialect) JSONText(column string) string {
	return fmt.Sprintf("case when json_size(%[1]s) <= %[2]d then json_serialize(%[1]s) end", column, limits().Text)
}

// maxIdentifier is how long a name in a statement may be, in bytes.
const maxIdentifier = 127

// Reachable tells whether a member of that name can be asked for: PartiQL writes it as an identifier.
func Reachable(name string) bool { return name != "" && len(pgsql.EncodeName(name)) <= maxIdentifier }

// Property navigates to the member. Its kind is asked for first, so that no cast meets what it cannot read, and its
// text only where it is short enough for a VARCHAR. Numbers that a SUPER would not hold to the digit are strings with
// a mark (see appendSuper).
func (dialect) Property(column string, path []string, kind event.PropertyKind) string {
	way := []string{column}
	for _, name := range path {
		if !Reachable(name) {
			return "cast(null as " + typeOf(kind) + ")"
		}
		way = append(way, pgsql.Quote(pgsql.EncodeName(name)))
	}
	v := strings.Join(way, ".")
	is := func(kind string) string { return fmt.Sprintf("json_typeof(%s) = '%s'", v, kind) }
	raw := fmt.Sprintf("json_serialize(%s)", v)
	str := fmt.Sprintf("cast(%s as %s)", v, text)
	marked := fmt.Sprintf("substring(%s, 1, 2) in ('%s', '%s', '%s')", str, pgsql.NumberExact, pgsql.NumberLarge, pgsql.NumberSmall)
	digits := fmt.Sprintf("substring(%s, 3)", str)
	switch kind {
	case event.KindString:
		return fmt.Sprintf("case when %s then case when not (%s) then %s end end", is("string"), marked, pgsql.FromJSON(str))
	case event.KindInteger:
		return fmt.Sprintf(`case when %[1]s then case when %[2]s ~ '^-?[0-9]{1,18}$' then cast(%[2]s as bigint)
			when %[2]s ~ '^-?[0-9]{19}$' then case when cast(%[2]s as decimal(19, 0)) between -9223372036854775808 and 9223372036854775807
				then cast(%[2]s as bigint) end end end`, is("number"), raw)
	case event.KindNumber:
		return fmt.Sprintf(`case when %s then cast(%s as double precision) when %s then case substring(%s, 1, 2) when '%s' then cast(%s as double precision)
			when '%s' then cast(0 as double precision) end end`, is("number"), raw, is("string"), str, pgsql.NumberExact, digits, pgsql.NumberSmall)
	case event.KindBoolean:
		return fmt.Sprintf("case when %s then %s = 'true' end", is("boolean"), raw)
	case event.KindObject:
		return fmt.Sprintf("case when %s then %s end", is("object"), v)
	case event.KindArray:
		return fmt.Sprintf("case when %s then %s end", is("array"), v)
	default:
		return fmt.Sprintf("case when %s then case when %s then %s else %s end when %s then null when json_size(%s) <= %d then %s end",
			is("string"), marked, digits, pgsql.FromJSON(str), is("null"), v, limits().Text, raw)
	}
}

// Micros takes the seconds and what is below them apart, for extract gives a double; it gives the microseconds with or
// without the seconds.
func (dialect) Micros(instant string) string {
	return fmt.Sprintf("(cast(extract(epoch from date_trunc('second', %[1]s)) as bigint) * 1000000 + mod(cast(extract(microseconds from %[1]s) as bigint), 1000000))", instant)
}

func (dialect) Matches(text, pattern string) string { return "(" + text + " ~ " + pattern + ")" }

// Bytewise: there is no other way.
func (dialect) Bytewise(text string) string { return text }

func (dialect) Key(text string) string { return "coalesce(" + text + ", '')" }

func (dialect) OneOf(column string, values []string) string { return pgsql.OneOf(column, values) }

func (dialect) Place(column string, values []string) string { return pgsql.Place(column, values) }

// Days: they are not kept.
func (dialect) Days(_, _ []string) string { return "" }

func (dialect) Active() string { return "" }

func (dialect) Stored(id string) string { return id }

func typeOf(kind event.PropertyKind) string {
	switch kind {
	case event.KindInteger:
		return "bigint"
	case event.KindNumber:
		return "double precision"
	case event.KindBoolean:
		return "boolean"
	case event.KindObject, event.KindArray:
		return "super"
	default:
		return text
	}
}

// limits are Redshift's: of a VARCHAR and of a string in a SUPER, of what COPY takes as a row, and of a SUPER. A SUPER is
// never longer than the row that brings it; the rest is room for a row's other values and for what escaping adds.
func limits() warehouse.Limits {
	return warehouse.Limits{Text: 65_535, JSON: 2 << 20, Row: 3 << 20, Stored: pgsql.Encode}
}

// createTable gives the statement that makes a table; docs/adr/0012-redshift-keys.md gives the reasons.
func createTable(t warehouse.Table) []string {
	sorted := map[string]string{
		"events": "received_at", "dead_letters": "received_at", "identities": "anonymous_id", "users": "user_id", "loads": "loaded_at",
		"ledger": "minute", "volumes": "minute",
	}[t.Name]
	columns := t.ColumnsSQL(dialect{}, func(c event.Column) string {
		switch {
		case c.Name == sorted:
			return " encode raw" // a block of a compressed sort key spans more rows than those of the other columns
		case c.Kind == event.Timestamp, c.Kind == event.Int32, c.Kind == event.Int64:
			return " encode az64"
		case c.Kind == event.Bool:
			return " encode raw"
		}
		return " encode zstd"
	})
	statement := fmt.Sprintf("create table %s (%s)", t.Name, columns)
	switch t.Name {
	case "events":
		statement += " diststyle key distkey (message_id)"
	case "identities", "users":
		statement += " diststyle key distkey (" + sorted + ")"
	case "positions", "sequences", "catalog":
		statement += " diststyle all"
	default:
		statement += " diststyle even"
	}
	if sorted != "" {
		statement += " sortkey (" + sorted + ")"
	}
	return []string{statement}
}
