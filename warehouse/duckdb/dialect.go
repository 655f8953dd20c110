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

func (dialect) Quote(s string) string   { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
func (dialect) Literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func (d dialect) Property(column, name string, kind event.PropertyKind) string {
	path := d.Literal(`$."` + strings.ReplaceAll(name, `"`, `\"`) + `"`)
	text := fmt.Sprintf("json_extract_string(%s, %s)", column, path)
	switch kind {
	case event.KindInteger:
		return "try_cast(" + text + " as bigint)"
	case event.KindNumber:
		return "try_cast(" + text + " as double)"
	case event.KindBoolean:
		return "try_cast(" + text + " as boolean)"
	case event.KindObject, event.KindArray:
		return fmt.Sprintf("json_extract(%s, %s)", column, path)
	default:
		return text
	}
}
