package pgsql

import (
	"fmt"
	"strings"
)

// OneOf is a condition: a column is one of the values, which are SQL.
func OneOf(column string, values []string) string {
	return column + " in (" + strings.Join(values, ", ") + ")"
}

// Place tells which of the values a column is, from 1 on; NULL: none.
func Place(column string, values []string) string {
	var b strings.Builder
	b.WriteString("case " + column)
	for i, v := range values {
		fmt.Fprintf(&b, " when %s then %d", v, i+1)
	}
	return b.String() + " end"
}
