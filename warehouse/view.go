package warehouse

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/spoorhq/spoor/event"
)

// View is the typed view of one event name (event_search_used) or of one type (pages, identifies …): the columns of
// events, and one column for each property seen.
type View struct {
	Name, Type string
	// Event is the track event's name; empty for the view of a type.
	Event   string
	Columns []ViewColumn
}

// ViewColumn is one property's column. Kind is KindNone when the property has come with kinds that no one type
// holds: the column is text then, and nothing is lost.
type ViewColumn struct {
	Name, Property string
	Kind           event.PropertyKind
}

// MaxViewColumns bounds a view; the properties past it stay reachable in the JSON column.
const MaxViewColumns = 500

// maxName bounds what Snake gives, in bytes. PostgreSQL cuts names at 63, without a word, and a prefix and a number go
// with it.
const maxName = 48

// typeViews are Segment's table names for the types.
func typeViews() map[string]string {
	return map[string]string{
		event.TypeTrack: "tracks", event.TypePage: "pages", event.TypeScreen: "screens",
		event.TypeIdentify: "identifies", event.TypeGroup: "groups", event.TypeAlias: "aliases",
	}
}

// ViewName gives the name of the view that shows an event, by Segment's convention for a name: lower case, each run
// of other characters one underscore. Names that fall together are told apart by the caller.
func ViewName(typ, name string) string {
	if typ == event.TypeTrack && name != "" {
		return "event_" + Snake(name)
	}
	return typeViews()[typ]
}

// Snake turns a name into an identifier: "Search Used" and "searchUsed" become search_used.
func Snake(name string) string {
	var b strings.Builder
	gap, lower := false, false
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			gap = true
			continue
		}
		if (gap || (lower && unicode.IsUpper(r))) && b.Len() > 0 {
			b.WriteByte('_')
		}
		gap = false
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
		if b.WriteRune(unicode.ToLower(r)); b.Len() >= maxName {
			break
		}
	}
	if b.Len() == 0 {
		return "_"
	}
	return b.String()
}

// NewView makes a view from the kinds seen of each property. Columns are in the order of their properties' names; one
// that would hide a column of events, or another property's, gets a number behind it.
func NewView(name, typ, eventName string, kinds map[string][]event.PropertyKind) View {
	view := View{Name: name, Type: typ, Event: eventName}
	taken := map[string]bool{}
	for _, c := range event.Columns() {
		taken[c.Name] = true
	}
	properties := make([]string, 0, len(kinds))
	for property := range kinds {
		properties = append(properties, property)
	}
	slices.Sort(properties)
	for _, property := range properties[:min(len(properties), MaxViewColumns)] {
		base := Snake(property)
		column := base
		for n := 2; taken[column]; n++ {
			column = fmt.Sprintf("%s_%d", base, n)
		}
		taken[column] = true
		view.Columns = append(view.Columns, ViewColumn{column, property, unite(kinds[property])})
	}
	return view
}

// unite gives the one kind that holds values of all the kinds given.
func unite(kinds []event.PropertyKind) event.PropertyKind {
	united := kinds[0]
	for _, k := range kinds[1:] {
		switch {
		case k == united:
		case k == event.KindInteger && united == event.KindNumber, k == event.KindNumber && united == event.KindInteger:
			united = event.KindNumber
		default:
			return event.KindNone
		}
	}
	return united
}

// SQL gives the statement that makes the view, or makes it anew.
func (v View) SQL(d Dialect) string {
	var b strings.Builder
	set := "properties"
	if v.Type == event.TypeIdentify || v.Type == event.TypeGroup {
		set = "traits"
	}
	fmt.Fprintf(&b, "create or replace view %s as select", d.Quote(v.Name))
	for i, c := range event.Columns() {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " %s", d.Quote(c.Name))
	}
	for _, c := range v.Columns {
		fmt.Fprintf(&b, ", %s as %s", d.Property(set, []string{c.Property}, c.Kind), d.Quote(c.Name))
	}
	fmt.Fprintf(&b, " from events where type = %s", d.Literal(v.Type))
	if v.Event != "" {
		fmt.Fprintf(&b, " and event = %s", d.Literal(v.Event))
	}
	return b.String()
}

// EventsOnce gives the view events_once, for a warehouse that something else than Spoor's loader loads: of the copies of
// an event, which such a carrier and retrying clients make, it has the one that came first.
func EventsOnce(d Dialect) string {
	var columns []string
	for _, c := range TableNamed("events").Columns {
		columns = append(columns, d.Quote(c.Name))
	}
	return fmt.Sprintf(`create view events_once as
select %s
from (
  select *, row_number() over (partition by source, message_id order by received_at, load_id) as copy_number
  from events
) as copies
where copy_number = 1`, strings.Join(columns, ", "))
}
