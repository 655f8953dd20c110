package query

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spoorhq/spoor/event"
)

// Filter is a condition on an event or on the person who did it. It is one of: a group (All or Any), a comparison
// (Field, Op, Values), something the person did (Did), a cohort the person is in (Cohort). The zero Filter lets all
// through. docs/queries.md has what each operator means, on a missing value too.
type Filter struct {
	All []Filter `json:"all,omitempty"` // all of these
	Any []Filter `json:"any,omitempty"` // at least one of these

	Field  Field `json:"field,omitempty"`
	Op     Op    `json:"op,omitempty"`
	Values []any `json:"values,omitempty"` // strings, numbers and booleans

	Did    *Did    `json:"did,omitempty"`
	Cohort *Cohort `json:"cohort,omitempty"`
	// Not turns Did or Cohort round.
	Not bool `json:"not,omitempty"`
}

// Op is how a comparison compares.
type Op string

// The operators. The negative ones are the exact opposites of the positive ones, for missing values too.
const (
	Is          Op = "="
	IsNot       Op = "!="
	In          Op = "in"
	NotIn       Op = "not in"
	Contains    Op = "contains" // whatever the case
	NotContains Op = "not contains"
	Regex       Op = "regex"
	NotRegex    Op = "not regex"
	Greater     Op = ">"
	AtLeast     Op = ">="
	Less        Op = "<"
	AtMost      Op = "<="
	Between     Op = "between" // both ends belong to it
	Set         Op = "set"
	NotSet      Op = "not set"
)

// Ops gives the operators in the order of a menu.
func Ops() []Op {
	return []Op{Is, IsNot, In, NotIn, Contains, NotContains, Regex, NotRegex, Greater, AtLeast, Less, AtMost, Between, Set, NotSet}
}

// positive gives the operator without its negation, and whether it was negated.
func (o Op) positive() (Op, bool) {
	switch o {
	case IsNot:
		return Is, true
	case NotIn:
		return In, true
	case NotContains:
		return Contains, true
	case NotRegex:
		return Regex, true
	case NotSet:
		return Set, true
	}
	return o, false
}

// Did is something that a person did a number of times in a range, up to now where there is none.
type Did struct {
	Event Selection `json:"event"`
	// Where is a condition on those events; it cannot be about the person.
	Where *Filter `json:"where,omitempty"`
	Range *Range  `json:"range,omitempty"` // without an interval
	// AtLeast and AtMost bound the number of times. Without either: at least once.
	AtLeast int  `json:"at_least,omitempty"`
	AtMost  *int `json:"at_most,omitempty"`

	known time.Time // what happened from then on is not counted; zero: all is
}

// Bounds of a question's parts.
const (
	maxConditions = 100
	maxFilterNest = 8
	maxValues     = 1000
	maxValueBytes = 8 << 10
	maxRegexBytes = 1 << 10
)

// IsZero tells whether the filter lets all through.
func (f Filter) IsZero() bool {
	return len(f.All) == 0 && len(f.Any) == 0 && f.Field == "" && f.Op == "" && len(f.Values) == 0 && f.Did == nil && f.Cohort == nil && !f.Not
}

// scope says what a filter may be about.
type scope int

const (
	aboutAll    scope = iota
	aboutEvent        // Did.Where
	aboutPerson       // Cohort.Filter
)

// Validate refuses a filter that means nothing, with an *Invalid. path is what the filter is called in its question.
func (f Filter) Validate(path string) error {
	conditions := 0
	return f.validate(path, aboutAll, 0, &conditions)
}

func (f Filter) validate(path string, about scope, depth int, conditions *int) error {
	if f.IsZero() {
		return nil
	}
	if *conditions++; *conditions > maxConditions {
		return invalid(path, nil, "has over %d conditions", maxConditions)
	}
	if depth > maxFilterNest {
		return invalid(path, nil, "is nested over %d deep", maxFilterNest)
	}
	forms := 0
	for _, is := range []bool{len(f.All) > 0, len(f.Any) > 0, f.Field != "" || f.Op != "" || len(f.Values) > 0, f.Did != nil, f.Cohort != nil} {
		if is {
			forms++
		}
	}
	if forms != 1 {
		return invalid(path, nil, "must be one of all, any, a comparison, did and cohort; has %d of them", forms)
	}
	if f.Not && f.Did == nil && f.Cohort == nil {
		return invalid(at(path, "not"), true, "goes with did or cohort only; comparisons have negative operators")
	}
	name, children := "all", f.All
	if len(f.Any) > 0 {
		name, children = "any", f.Any
	}
	for i, child := range children {
		if err := child.validate(nth(at(path, name), i), about, depth+1, conditions); err != nil {
			return err
		}
	}
	switch {
	case f.Did != nil && about == aboutEvent:
		return invalid(at(path, "did"), nil, "cannot stand here: a condition on what was done is about events only")
	case f.Did != nil:
		return f.Did.validate(at(path, "did"), depth, conditions)
	case f.Cohort != nil && about == aboutEvent:
		return invalid(at(path, "cohort"), nil, "cannot stand here: a condition on what was done is about events only")
	case f.Cohort != nil:
		return f.Cohort.validate(at(path, "cohort"), depth, conditions)
	case f.Field != "" || f.Op != "" || len(f.Values) > 0:
		return f.compare(path, about)
	}
	return nil
}

func (d Did) validate(path string, depth int, conditions *int) error {
	if err := d.Event.validate(at(path, "event")); err != nil {
		return err
	}
	if d.AtLeast < 0 {
		return invalid(at(path, "at_least"), d.AtLeast, "cannot be under 0")
	}
	if d.AtMost != nil && *d.AtMost < d.AtLeast {
		return invalid(at(path, "at_most"), *d.AtMost, "cannot be under at_least, %d", d.AtLeast)
	}
	if d.Range != nil {
		if err := d.Range.validate(at(path, "range"), false); err != nil {
			return err
		}
	}
	if d.Where == nil {
		return nil
	}
	return d.Where.validate(at(path, "where"), aboutEvent, depth+1, conditions)
}

// compare checks a comparison: its field, and that its values fit its operator.
func (f Filter) compare(path string, about scope) error {
	p, err := f.Field.place(at(path, "field"))
	switch {
	case err != nil:
		return err
	case p.person && about == aboutEvent:
		return invalid(at(path, "field"), f.Field, "cannot be a person's: a condition on what was done is about events only")
	case !p.person && about == aboutPerson:
		return invalid(at(path, "field"), f.Field, "must be a person's: it says who is in a cohort")
	case !slices.Contains(Ops(), f.Op):
		return invalid(at(path, "op"), f.Op, "must be one of %s", join(Ops()))
	}
	op, _ := f.Op.positive()
	least, most := 1, 1
	switch op {
	case Set:
		least, most = 0, 0
	case Between:
		least, most = 2, 2
	case In:
		most = maxValues
	}
	if n := len(f.Values); n < least || n > most {
		want := map[int]string{0: "no value", 1: "one value", 2: "two values", maxValues: "1 to 1000 values"}[most]
		return invalid(at(path, "values"), f.Values, "must be %s for %s", want, f.Op)
	}
	for i, v := range f.Values {
		if err := operand(nth(at(path, "values"), i), v, op, p.kind()); err != nil {
			return err
		}
	}
	if op == Between && kindOf(f.Values[0]) != kindOf(f.Values[1]) {
		return invalid(at(path, "values"), f.Values, "must be two of one kind")
	}
	return nil
}

// operand checks one value of a comparison.
func operand(path string, v any, op Op, kind event.ColumnKind) error {
	text, isText := v.(string)
	number, isNumber := number(v)
	_, isBool := v.(bool)
	ordered := op == Greater || op == AtLeast || op == Less || op == AtMost || op == Between
	switch {
	case !isText && !isNumber && !isBool:
		return invalid(path, v, "must be a string, a number or a boolean")
	case isNumber && (math.IsNaN(number) || math.IsInf(number, 0)):
		return invalid(path, nil, "must be a finite number")
	case len(text) > maxValueBytes:
		return invalid(path, len(text), "cannot be over %d bytes", maxValueBytes)
	case op == Contains && (!isText || text == ""):
		return invalid(path, v, "must be a text that is not empty for %s", op)
	case op == Regex && !isText:
		return invalid(path, v, "must be a text for %s", op)
	case ordered && isBool:
		return invalid(path, v, "must be a number or a text for %s", op)
	case kind == event.Timestamp:
		if op == Contains || op == Regex {
			return invalid(path, v, "cannot be asked of a time")
		}
		if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
			return invalid(path, v, "must be a time such as 2026-03-01T12:00:00Z")
		}
	case kind == event.Bool && !isBool:
		return invalid(path, v, "must be true or false")
	case kind == event.Int32 && !isNumber:
		return invalid(path, v, "must be a number")
	case kind == event.Text && !isText:
		return invalid(path, v, "must be a text")
	case op == Contains || op == Regex:
		if _, err := pattern(op, text); err != nil {
			return invalid(path, v, "%s", err)
		}
	}
	return nil
}

// number gives a value that is a number.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	}
	return 0, false
}

// kindOf tells apart the kinds of value.
func kindOf(v any) string {
	if _, is := number(v); is {
		return "number"
	}
	if _, is := v.(bool); is {
		return "boolean"
	}
	return "text"
}

func join[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, t := range list {
		texts[i] = string(t)
	}
	return strings.Join(texts, ", ")
}
