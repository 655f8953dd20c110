package querytest

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/query"
)

// Person is who did an event: whose device it was, else the user, else the device.
func (w *World) Person(e *event.Event) string {
	if user, ok := w.Identities[e.AnonymousID]; ok && e.AnonymousID != "" {
		return user
	}
	if e.UserID != "" {
		return e.UserID
	}
	return e.AnonymousID
}

// member walks into a JSON object; "" is nothing.
func member(text string, path []string) string {
	for _, name := range path {
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &object) != nil {
			return ""
		}
		text = string(object[name])
	}
	if text == "null" {
		return ""
	}
	return text
}

// split takes a field apart at its dots.
func split(f query.Field) []string {
	var names []string
	name := ""
	for i := 0; i < len(f); i++ {
		switch f[i] {
		case '\\':
			i++
			name += string(f[i])
		case '.':
			names = append(names, name)
			name = ""
		default:
			name += string(f[i])
		}
	}
	return append(names, name)
}

// raw is a field's value as JSON; "" is a missing one.
func (w *World) raw(e *event.Event, person string, f query.Field) string {
	quote := func(s string) string {
		if s == "" {
			return ""
		}
		text, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		return string(text)
	}
	names := split(f)
	if names[0] == "person" {
		if len(names) == 1 {
			return quote(person)
		}
		return member(w.Traits[person][names[1]], names[2:])
	}
	switch names[0] {
	case "properties":
		return member(string(e.Properties), names[1:])
	case "context":
		return member(string(e.Context), names[1:])
	case "country":
		return quote(e.Geo.Country)
	case "source":
		return quote(e.Request.Source)
	case "event":
		return quote(e.Name)
	case "user_id":
		return quote(e.UserID)
	case "is_bot":
		return strconv.FormatBool(e.IsBot)
	case "screen_width":
		if e.Screen.Width == 0 {
			return ""
		}
		return strconv.Itoa(int(e.Screen.Width))
	case "timestamp":
		return quote(event.GoTime(e.Timestamp).Format(time.RFC3339Nano))
	}
	panic("the oracle does not know the column " + names[0])
}

// unquote gives a value's text, and whether it is a text itself.
func unquote(raw string) (string, bool) {
	var s string
	if json.Unmarshal([]byte(raw), &s) == nil && raw != "null" {
		return s, true
	}
	return raw, false
}

func numberOf(raw string) (float64, bool) {
	if raw == "" || !strings.ContainsRune("-0123456789", rune(raw[0])) {
		return 0, false
	}
	n, err := strconv.ParseFloat(raw, 64)
	return n, err == nil
}

// matches tells whether an event, of a person, is let through by a filter.
func (w *World) matches(e *event.Event, person string, f *query.Filter, bots bool) bool {
	switch {
	case f == nil || f.IsZero():
		return true
	case len(f.All) > 0:
		for i := range f.All {
			if !w.matches(e, person, &f.All[i], bots) {
				return false
			}
		}
		return true
	case len(f.Any) > 0:
		for i := range f.Any {
			if w.matches(e, person, &f.Any[i], bots) {
				return true
			}
		}
		return false
	case f.Did != nil:
		return w.did(person, f.Did, bots) != f.Not
	case f.Cohort != nil:
		return w.matches(e, person, &f.Cohort.Filter, bots) != f.Not
	}
	raw := w.raw(e, person, f.Field)
	switch f.Op {
	case query.Set:
		return raw != ""
	case query.NotSet:
		return raw == ""
	case query.Is, query.In:
		return equalsAny(raw, f.Values)
	case query.IsNot, query.NotIn:
		return !equalsAny(raw, f.Values)
	case query.Contains, query.NotContains:
		text, _ := unquote(raw)
		// Case is folded as regular expressions do.
		has := raw != "" && regexp.MustCompile("(?i)"+regexp.QuoteMeta(f.Values[0].(string))).MatchString(text)
		return has == (f.Op == query.Contains)
	case query.Regex, query.NotRegex:
		text, _ := unquote(raw)
		has := raw != "" && regexp.MustCompile(f.Values[0].(string)).MatchString(text)
		return has == (f.Op == query.Regex)
	case query.Greater:
		c, ok := compare(raw, f.Values[0])
		return ok && c > 0
	case query.AtLeast:
		c, ok := compare(raw, f.Values[0])
		return ok && c >= 0
	case query.Less:
		c, ok := compare(raw, f.Values[0])
		return ok && c < 0
	case query.AtMost:
		c, ok := compare(raw, f.Values[0])
		return ok && c <= 0
	case query.Between:
		low, ok := compare(raw, f.Values[0])
		high, ok2 := compare(raw, f.Values[1])
		return ok && ok2 && low >= 0 && high <= 0
	}
	panic("the oracle does not know the operator " + f.Op)
}

// equalsAny: a text equals any value's text, a number a number, a boolean a boolean.
func equalsAny(raw string, values []any) bool {
	if raw == "" {
		return false
	}
	for _, v := range values {
		switch v := v.(type) {
		case string:
			if text, _ := unquote(raw); text == v {
				return true
			}
			if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
				if text, _ := unquote(raw); text == at.UTC().Format(time.RFC3339Nano) {
					return true
				}
			}
		case float64:
			if n, ok := numberOf(raw); ok && n == v {
				return true
			}
		case bool:
			if raw == strconv.FormatBool(v) {
				return true
			}
		}
	}
	return false
}

// compare compares numbers with a number, texts with a text by their bytes, and moments.
func compare(raw string, with any) (int, bool) {
	switch with := with.(type) {
	case float64:
		n, ok := numberOf(raw)
		if !ok {
			return 0, false
		}
		switch {
		case n < with:
			return -1, true
		case n > with:
			return 1, true
		}
		return 0, true
	case string:
		text, is := unquote(raw)
		if !is {
			return 0, false
		}
		if a, err := time.Parse(time.RFC3339Nano, text); err == nil {
			if b, err := time.Parse(time.RFC3339Nano, with); err == nil {
				return a.Compare(b), true
			}
		}
		return strings.Compare(text, with), true
	}
	return 0, false
}

// did tells whether a person did something as many times as wanted.
func (w *World) did(person string, d *query.Did, bots bool) bool {
	times := 0
	within := func(time.Time) bool { return true }
	if d.Range != nil {
		p, err := d.Range.Resolve(w.Now)
		if err != nil {
			panic(err)
		}
		within = func(at time.Time) bool { return !at.Before(p.From) && at.Before(p.To) }
	}
	for i := range w.Events {
		e := &w.Events[i]
		if w.Person(e) != person || e.IsBot && !bots || !selected(e, d.Event) || !w.matches(e, person, d.Where, bots) || !within(event.GoTime(e.Timestamp)) {
			continue
		}
		times++
	}
	if d.AtLeast == 0 && d.AtMost == nil {
		return times >= 1
	}
	return times >= d.AtLeast && (d.AtMost == nil || times <= *d.AtMost)
}

func selected(e *event.Event, s query.Selection) bool {
	typ := s.Type
	if s.Event != "" && typ == "" {
		typ = event.TypeTrack
	}
	return (typ == "" || e.Type == typ) && (s.Event == "" || e.Name == s.Event)
}
