package query

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spoorhq/spoor/warehouse"
)

// keys are the names of a breakdown's columns: k1, k2.
func (b *Breakdown) keys() []string {
	if b == nil {
		return nil
	}
	return []string{"k1", "k2"}[:len(b.By)]
}

func list(names []string, format string) string {
	var b strings.Builder
	for _, n := range names {
		b.WriteString(strings.ReplaceAll(format, "$", n))
	}
	return b.String()
}

// missing is the name of the column that tells whether a key is missing: 1, or 0.
func missing(key string) string { return "no_" + key }

// topGroups is the groups with the greatest numbers: rank, and for each key its text, empty where it is missing, and whether
// it is. numbers has a row a group: its keys and its number.
func topGroups(d warehouse.Dialect, keys []string, numbers part, most int) part {
	order := []string{"number desc nulls last"}
	for _, k := range keys {
		order = append(order, missing(k), d.Bytewise(k))
	}
	named := list(keys, ", coalesce($, '') as $") + list(keys, ", case when $ is null then 1 else 0 end as no_$")
	return say("select row_number() over (order by $) as rank, $ from (select number$ from ($) groups) named order by 1 limit $",
		strings.Join(order, ", "), strings.TrimPrefix(list(keys, ", $, no_$"), ", "), named, numbers, strconv.Itoa(most))
}

// givenGroups is what topGroups is, of groups that are known already.
func givenGroups(keys []string, groups []Group) part {
	rows := make([]part, len(groups))
	for i, g := range groups {
		row := say("select $ as rank", strconv.Itoa(i+1))
		for j, v := range g {
			is, no := text(""), "1"
			if v != nil {
				is, no = text(*v), "0"
			}
			row = say("$, $ as $, $ as $", row, is, keys[j], no, missing(keys[j]))
		}
		rows[i] = row
	}
	return joined(" union all ", rows...)
}

// withTop gives what is needed to join rows called f to the groups that are shown, called t: the columns that tell which one
// it is, the condition, and the names to group by.
func withTop(keys []string) (shown, same string, by []string) {
	var conditions []string
	by = []string{"rank"}
	for _, k := range keys {
		conditions = append(conditions, fmt.Sprintf("coalesce(f.%[1]s, '') = t.%[1]s and (case when f.%[1]s is null then 1 else 0 end) = t.no_%[1]s", k))
		by = append(by, "shown_"+k, "shown_no_"+k)
	}
	return list(keys, ", coalesce(t.$, '') as shown_$, coalesce(t.no_$, 0) as shown_no_$"), strings.Join(conditions, " and "), by
}

// breakdown adds the keys of an event's group to columns.
func (r *reading) breakdown(b *Breakdown) string {
	var columns strings.Builder
	for i, k := range b.keys() {
		columns.WriteString(", " + r.group(b.By[i]) + " as " + k)
	}
	return columns.String()
}

// with is a list of named statements, each of which may use those before it.
type with []part

func (w *with) add(name string, statement part) {
	*w = append(*w, say("$ as ($)", name, statement))
}

// then gives the whole statement.
func (w with) then(statement part) part {
	return say("with $ $", joined(", ", w...), statement)
}

// grouped adds who is in which group: the named statement one, which has a row a person, p, gets the columns k1 and k2, of the
// row of valued that comes first, and rank: 0 where the group is not among those that are meant, or else of those with the most people.
func (w *with) grouped(d warehouse.Dialect, b *Breakdown, valued part) {
	keys := b.keys()
	var order []string
	for _, k := range keys {
		order = append(order, "case when v."+k+" is null then 1 else 0 end", d.Bytewise("v."+k))
	}
	// Of several events at the same moment, the one with the smallest value counts.
	w.add("valued", say("select v.*, row_number() over (partition by v.p order by $) as place from ($) v", strings.Join(order, ", "), valued))
	w.add("found", say("select o.*$ from one o left join valued v on v.p = o.p and v.place = 1", list(keys, ", v.$")))
	names := strings.Join(keys, ", ")
	top := givenGroups(keys, b.only)
	if b.only == nil {
		top = topGroups(d, keys, say("select $, count(*) as number from found group by $", names, names), b.Groups())
	}
	w.add("top", top)
	shown, same, _ := withTop(keys)
	w.add("ranked", say("select f.*, coalesce(t.rank, 0) as rank$ from found f left join top t on $", shown, same))
}

// member is the condition that a row of ranked is of a group, or of the others.
func member(b *Breakdown, g Group, other bool) part {
	if other {
		return part{text: "rank = 0"}
	}
	var conditions []part
	for i := range g {
		if k := b.keys()[i]; g[i] == nil {
			conditions = append(conditions, part{text: k + " is null"})
		} else {
			conditions = append(conditions, say("$ = $", k, text(*g[i])))
		}
	}
	return all(conditions...)
}

// scanGroups are where the keys of a row are read to.
type scanGroups struct {
	rank   int64
	texts  []string
	absent []int64
}

func newScanGroups(b *Breakdown) *scanGroups {
	n := len(b.keys())
	return &scanGroups{texts: make([]string, n), absent: make([]int64, n)}
}

func (s *scanGroups) dest() []any {
	dest := []any{&s.rank}
	for i := range s.texts {
		dest = append(dest, &s.texts[i], &s.absent[i])
	}
	return dest
}

func (s *scanGroups) group() Group {
	g := make(Group, len(s.texts))
	for i := range g {
		if s.absent[i] == 0 {
			g[i] = new(s.texts[i])
		}
	}
	return g
}
