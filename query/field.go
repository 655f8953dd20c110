package query

import (
	"slices"
	"strings"

	"github.com/spoorhq/spoor/event"
)

// Field names a value of an event, or of the person who did it:
//
//	country                  a column of the table events
//	properties.cart.total    a member of a JSON column, however deep: properties, traits, context or extra
//	person                   who did it: see docs/queries.md
//	person.plan              a trait of that person, the latest
//
// A dot inside a name is written \. and a backslash \\.
type Field string

// FieldOf makes a Field of the names on its way.
func FieldOf(names ...string) Field {
	escape := strings.NewReplacer(`\`, `\\`, ".", `\.`)
	escaped := make([]string, len(names))
	for i, n := range names {
		escaped[i] = escape.Replace(n)
	}
	return Field(strings.Join(escaped, "."))
}

// personField is the first name of a person's fields.
const personField = "person"

// place is a Field taken apart.
type place struct {
	column event.Column // of events; the zero Column for a person's fields
	path   []string     // within the column, or of the person's trait
	person bool
}

// names splits the field at its dots.
func (f Field) names() []string {
	var names []string
	var b strings.Builder
	for i := 0; i < len(f); i++ {
		switch {
		case f[i] == '\\' && i+1 < len(f):
			i++
			b.WriteByte(f[i])
		case f[i] == '.':
			names = append(names, b.String())
			b.Reset()
		default:
			b.WriteByte(f[i])
		}
	}
	return append(names, b.String())
}

// maxPath bounds how deep a field may lie.
const maxPath = 16

// place takes the field apart; path is where it stands in the question.
func (f Field) place(path string) (place, error) {
	if f == "" {
		return place{}, invalid(path, nil, "must name a field, such as country or properties.price")
	}
	names := f.names()
	if len(names) > maxPath {
		return place{}, invalid(path, f, "cannot be over %d names deep", maxPath)
	}
	if strings.ContainsRune(string(f), 0) {
		return place{}, invalid(path, f, "cannot hold NUL")
	}
	if names[0] == personField {
		return place{person: true, path: names[1:]}, nil
	}
	columns := event.Columns()
	i := slices.IndexFunc(columns, func(c event.Column) bool { return c.Name == names[0] })
	if i < 0 {
		return place{}, invalid(path, f, "must be a column of events, or begin with properties, traits, context, extra or person")
	}
	p := place{column: columns[i], path: names[1:]}
	if isJSON := p.column.Kind == event.JSON; isJSON && len(p.path) == 0 {
		return place{}, invalid(path, f, "must name a member, such as %s.plan", names[0])
	} else if !isJSON && len(p.path) > 0 {
		return place{}, invalid(path, f, "cannot go into %s, which is not JSON", names[0])
	}
	return p, nil
}

// kind is what the field's column holds; JSON for members of JSON columns and traits.
func (p place) kind() event.ColumnKind {
	switch {
	case p.person && len(p.path) == 0:
		return event.Text
	case p.person:
		return event.JSON
	}
	return p.column.Kind
}
