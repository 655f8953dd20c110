package query

import (
	"fmt"
	"strings"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// reading is one pass over the table events, called e, while its SQL is put together. Say first what is wanted of the
// events; from then joins what that needs.
type reading struct {
	dialect warehouse.Dialect
	now     time.Time
	bots    bool
	table   part // the events that are read; the zero one: all

	identities bool
	keyed      bool
	users      bool
	dids       []part // joined as d0, d1 …
}

// person is who did the event, by name.
func (r *reading) person() part {
	r.identities = true
	return part{text: "coalesce(i.user_id, e.user_id, e.anonymous_id)"}
}

// key stands for who did the event where the names are not wanted: people are counted, grouped and sorted by it for much
// less than by their names (Dialect.Key).
func (r *reading) key() part {
	if r.identities || r.users {
		return part{text: r.dialect.Key(r.person().text)} // they are joined by name already
	}
	r.keyed = true
	return part{text: "case when k.user_id is not null then k.user_id else " + r.ownKey() + " end"}
}

// who is the event's person, by name or by key.
func (r *reading) who(named bool) part {
	if named {
		return r.person()
	}
	return r.key()
}

// eachRow tells whether who did an event must be known for every row anyway. Where it need not be, ids come first.
func (r *reading) eachRow() bool { return r.identities || r.keyed || r.users || len(r.dids) > 0 }

// ownKey is the key of an event's person where no identity tells whose the device is.
func (r *reading) ownKey() string {
	return fmt.Sprintf("case when e.user_id is not null then %s else %s end", r.dialect.Key("e.user_id"), r.dialect.Key("e.anonymous_id"))
}

// ids are an event's user and device, by name or by key, u and d, and how many of the rows name a user, named. Rows of many
// events of the same two, grouped by the first two columns and called e, then get their person by join.
type ids struct{ columns, join string }

const idsPerson = "case when i.user_id is not null then i.user_id when e.named > 0 then e.u else e.d end"

func (r *reading) ids(byName bool) ids {
	if byName {
		return ids{"e.user_id as u, e.anonymous_id as d, count(e.user_id) as named", " left join identities i on i.anonymous_id = e.d"}
	}
	return ids{r.dialect.Key("e.user_id") + " as u, " + r.dialect.Key("e.anonymous_id") + " as d, count(e.user_id) as named", joinKeys(r.dialect, "i", "e.d")}
}

// everybody adds the statement called name, of aggregates for each person, p, for conditions that most events fit. columns are
// the aggregates' names, and gathered what becomes of them where a person has several rows.
//
// It groups by one key at a time, which leaves the fewest rows in memory: by the device's, mostly. What names no device is
// grouped by user, and a device of which no identity tells, but whose events name a user, which is seldom, has its events
// read again.
func (r *reading) everybody(w *with, name string, aggregates, condition part, columns, gathered string) {
	device, user := r.dialect.Key("e.anonymous_id"), r.dialect.Key("e.user_id")
	w.add("devices", say("select $ as d, count(e.user_id) as named, $ from events e where $ group by 1", device, aggregates, condition))
	w.add("placed", say("select i.user_id, x.* from devices x$ where x.d <> $", joinKeys(r.dialect, "i", "x.d"), r.dialect.Key("cast(null as varchar)")))
	w.add(name, say(`select e.p, $ from (select case when user_id is not null then user_id else d end as p, $ from placed where user_id is not null or named = 0
			union all select $, $ from events e where $ and e.anonymous_id is null group by 1
			union all select $, $ from events e join placed x on x.d = $ where $ and x.user_id is null and x.named > 0 group by 1) e group by 1`,
		gathered, columns, user, aggregates, condition, r.ownKey(), aggregates, device, condition))
}

// joinKeys joins identities by keys.
func joinKeys(d warehouse.Dialect, as, device string) string {
	return fmt.Sprintf(" left join (select %s as anonymous_id, %s as user_id from identities) %s on %s.anonymous_id = %s", d.Key("anonymous_id"), d.Key("user_id"), as, as, device)
}

// from gives the tables, after all else has been asked of the reading.
func (r *reading) from() part {
	if r.users {
		r.identities = true
	}
	r.keyed = r.keyed || len(r.dids) > 0 && !r.identities
	p := part{text: " from events e"}
	if r.table.text != "" {
		p = say(" from ($) e", r.table)
	}
	if r.identities {
		p.text += " left join identities i on i.anonymous_id = e.anonymous_id"
	}
	if r.keyed {
		p.text += joinKeys(r.dialect, "k", r.dialect.Key("e.anonymous_id"))
	}
	if r.users {
		p = say("$ left join users u on u.user_id = $", p, r.person())
	}
	for i, did := range r.dids {
		p = say("$ left join ($) d$ on d$.person = $", p, did, fmt.Sprint(i), fmt.Sprint(i), r.key())
	}
	return p
}

// within is the condition that an event happened in a period, and was done by no program.
func (r *reading) within(from, to time.Time) part {
	p := say(`e."timestamp" >= $ and e."timestamp" < $`, value(from.UTC()), value(to.UTC()))
	if !r.bots {
		p.text += " and not e.is_bot"
	}
	return p
}

// selected is the condition that an event is one of a selection.
func (r *reading) selected(s Selection) part {
	switch {
	case s.Event == "" && s.Type == "":
		return part{}
	case s.Event == "":
		return say("e.type = $", value(s.Type))
	case s.Type == "":
		return say("e.type = $ and e.event = $", value(event.TypeTrack), value(s.Event))
	}
	return say("e.type = $ and e.event = $", value(s.Type), value(s.Event))
}

// named is the condition that an event has one of the names, which are values; place tells which, from 1 on.
func (r *reading) named(names []part) part {
	return filled(r.dialect.OneOf("e.event", texts(names)), names)
}

func (r *reading) place(names []part) part {
	return filled(r.dialect.Place("e.event", texts(names)), names)
}

func texts(parts []part) []string {
	list := make([]string, len(parts))
	for i, p := range parts {
		list[i] = p.text
	}
	return list
}

// all joins conditions, leaving out the empty ones.
func all(conditions ...part) part {
	var some []part
	for _, c := range conditions {
		if c.text != "" {
			some = append(some, c)
		}
	}
	return joined(" and ", some...)
}

// where is a filter's condition. It is true or false and never NULL; empty where the filter lets all through.
func (r *reading) where(f *Filter) part {
	if f == nil || f.IsZero() {
		return part{}
	}
	children, operator := f.All, " and "
	if len(f.Any) > 0 {
		children, operator = f.Any, " or "
	}
	switch {
	case len(children) > 0:
		var list []part
		for i := range children {
			c := r.where(&children[i])
			if c.text == "" {
				c = part{text: "1 = 1"}
			}
			list = append(list, c)
		}
		return say("($)", joined(operator, list...))
	case f.Did != nil:
		return not(r.did(*f.Did), f.Not)
	case f.Cohort != nil:
		return not(r.where(&f.Cohort.Filter), f.Not)
	}
	return r.compare(*f)
}

func not(condition part, negated bool) part {
	if !negated {
		return condition
	}
	return say("not ($)", condition)
}

// did is the condition that the person did something a number of times. Who did is found once, and joined.
func (r *reading) did(d Did) part {
	least, most := d.AtLeast, d.AtMost
	if least == 0 && most == nil {
		least = 1
	}
	inner := reading{dialect: r.dialect, now: r.now, bots: r.bots}
	condition := all(inner.selected(d.Event), inner.where(d.Where))
	if d.Range != nil {
		// It was validated; what a range of the last units is depends on the moment only.
		if p, err := d.Range.resolve("", r.now, false); err == nil {
			condition = all(inner.within(p.From, p.To), condition)
		}
	} else if !r.bots {
		condition = all(part{text: "not e.is_bot"}, condition)
	}
	if !d.known.IsZero() {
		condition = all(condition, say(`e."timestamp" < $`, value(d.known.UTC())))
	}
	if condition.text != "" {
		condition = say(" where $", condition)
	}
	// Counting by ids first makes few rows of many, which then get their person.
	ids := inner.ids(false)
	counts := say("select $ as person from (select $, count(*) as n from events e$ group by 1, 2) e$ group by 1", idsPerson, ids.columns, condition, ids.join)
	join := func(having part) string {
		r.dids = append(r.dids, say("$ having $", counts, having))
		return fmt.Sprintf("d%d.person", len(r.dids)-1)
	}
	if least == 0 {
		// Who never did it has done it at most so many times, too.
		return part{text: join(say("sum(e.n) > $", value(int64(*most)))) + " is null"}
	}
	having := say("sum(e.n) >= $", value(int64(least)))
	if most != nil {
		having = say("sum(e.n) between $ and $", value(int64(least)), value(int64(*most)))
	}
	return part{text: join(having) + " is not null"}
}

// column gives a field as text, or as what its column is. ofKind is the kind of a JSON member that is wanted.
func (r *reading) column(f Field, ofKind event.PropertyKind) string {
	p, err := f.place("")
	if err != nil {
		panic(err) // the question was validated
	}
	switch {
	case p.person && len(p.path) == 0:
		return r.person().text
	case p.person:
		r.users = true
		return r.dialect.Property("u.traits", p.path, ofKind)
	}
	name := "e." + r.dialect.Quote(p.column.Name)
	if p.column.Kind == event.JSON {
		return r.dialect.Property(name, p.path, ofKind)
	}
	return name
}

// group is a breakdown's field as text; NULL: missing.
func (r *reading) group(f Field) string {
	p, err := f.place("")
	if err != nil {
		panic(err) // the question was validated
	}
	column := r.column(f, event.KindNone)
	switch p.kind() {
	case event.Bool:
		return fmt.Sprintf("case when %s then 'true' else 'false' end", column)
	case event.Int32:
		return fmt.Sprintf("cast(%s as varchar)", column)
	}
	return column
}

// compare is a comparison's condition.
func (r *reading) compare(f Filter) part {
	op, negated := f.Op.positive()
	p, err := f.Field.place("")
	if err != nil {
		panic(err) // the question was validated
	}
	if op == Set {
		return part{text: r.column(f.Field, event.KindNone) + map[bool]string{false: " is not null", true: " is null"}[negated]}
	}
	var conditions []part
	switch op {
	case Is, In:
		conditions = r.equal(f, p)
	case Contains, Regex:
		spelled, err := pattern(op, f.Values[0].(string))
		if err != nil {
			panic(err) // the question was validated
		}
		// A bound pattern is text to PostgreSQL, and is taken as one by all.
		conditions = append(conditions, say("$", part{r.dialect.Matches(r.column(f.Field, event.KindNone), "?"), []any{spelled}}))
	case Between:
		low, high := r.operand(f, p, 0), r.operand(f, p, 1)
		conditions = append(conditions, say("$ between $ and $", r.ordered(f, p), low, high))
	default:
		conditions = append(conditions, say("$ $ $", r.ordered(f, p), string(op), r.operand(f, p, 0)))
	}
	return not(say("coalesce($, false)", joined(" or ", conditions...)), negated)
}

// ordered is the field as what its values are compared as.
func (r *reading) ordered(f Filter, p place) string {
	if p.kind() != event.JSON {
		column := r.column(f.Field, event.KindNone)
		if p.kind() == event.Text {
			return r.dialect.Bytewise(column)
		}
		return column
	}
	if kindOf(f.Values[0]) == "number" {
		return r.column(f.Field, event.KindNumber)
	}
	return r.dialect.Bytewise(r.column(f.Field, event.KindString))
}

// operand is one of a comparison's values, bound.
func (r *reading) operand(f Filter, p place, i int) part {
	switch v := f.Values[i].(type) {
	case string:
		if p.kind() == event.Timestamp {
			at, err := time.Parse(time.RFC3339Nano, v)
			if err != nil {
				panic(err) // the question was validated
			}
			return value(at.UTC())
		}
		return text(v)
	case bool:
		return value(v)
	default:
		n, _ := number(v)
		return say("cast($ as double precision)", value(n))
	}
}

// equal gives a condition for each kind of value: a text is compared with any value's text, a number with numbers, a
// boolean with booleans.
func (r *reading) equal(f Filter, p place) []part {
	var conditions []part
	for _, kind := range []string{"text", "number", "boolean"} {
		var values []part
		for i, v := range f.Values {
			if kindOf(v) == kind {
				values = append(values, r.operand(f, p, i))
			}
		}
		if len(values) == 0 {
			continue
		}
		as := map[string]event.PropertyKind{"text": event.KindNone, "number": event.KindNumber, "boolean": event.KindBoolean}[kind]
		column := r.column(f.Field, as)
		if kind == "number" && p.kind() == event.Int32 {
			column = "cast(" + column + " as double precision)"
		}
		if len(values) == 1 {
			conditions = append(conditions, say("$ = $", column, values[0]))
			continue
		}
		conditions = append(conditions, say("$ in ($)", column, joined(", ", values...)))
	}
	return conditions
}

// clause puts a word before a condition, if there is one.
func clause(word string, condition part) part {
	if strings.TrimSpace(condition.text) == "" {
		return part{}
	}
	return say(word+" $", condition)
}
