package query

import (
	"fmt"
	"slices"
	"strings"
)

// part is a piece of SQL, with the values of its ?s in their order.
type part struct {
	text string
	args []any
}

// say puts a piece together: each $ of the format is replaced by an operand, which is a part, or a string of SQL. What
// comes from outside is neither; see value.
func say(format string, operands ...any) part {
	var p part
	var b strings.Builder
	for _, operand := range operands {
		before, after, found := strings.Cut(format, "$")
		if !found {
			panic("more operands than $s in " + format)
		}
		b.WriteString(before)
		format = after
		switch o := operand.(type) {
		case part:
			b.WriteString(o.text)
			p.args = append(p.args, o.args...)
		case string:
			b.WriteString(o)
		default:
			panic(fmt.Sprintf("a %T cannot stand in SQL", operand))
		}
	}
	b.WriteString(format)
	p.text = b.String()
	return p
}

// value is a bound value.
func value(v any) part { return part{"?", []any{v}} }

// text is a bound text, of the type that a text column has wherever it stands.
func text(s string) part { return part{"cast(? as varchar)", []any{s}} }

// joined puts pieces together with a separator between them.
func joined(separator string, parts ...part) part {
	var p part
	texts := make([]string, len(parts))
	for i, q := range parts {
		texts[i] = q.text
		p.args = append(p.args, q.args...)
	}
	p.text = strings.Join(texts, separator)
	return p
}

// filled is a dialect's SQL with its values, which stand in it once or more often, all of them each time and in their order.
func filled(sql string, values []part) part {
	args := joined("", values...).args
	return part{sql, slices.Repeat(args, strings.Count(sql, "?")/len(args))}
}
