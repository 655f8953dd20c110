package query

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Cohort is a set of people: those that its Filter lets through, which can be about people only. A question either has
// the filter in it, or names a saved cohort by its ID; what that is, is looked up when the question is asked.
type Cohort struct {
	ID string `json:"id,omitempty"`
	// Name is what people call it; it changes nothing. Beside an ID it tells which one is meant when there is none any more.
	Name   string `json:"name,omitempty"`
	Filter Filter `json:"filter,omitzero"`
}

// Cohorts gives the saved cohort of an id, or ErrNoCohort. Its filter may name other saved cohorts.
type Cohorts func(id string) (Cohort, error)

// ErrNoCohort says that no cohort is saved under an id.
var ErrNoCohort = errors.New("there is no such cohort")

// maxNamed bounds how many cohorts a question names, with those that they name.
const maxNamed = 100

// Validate refuses a cohort that means nothing, with an *Invalid. path is what the cohort is called in its question.
func (c Cohort) Validate(path string) error {
	conditions := 0
	return c.validate(path, 0, &conditions)
}

func (c Cohort) validate(path string, depth int, conditions *int) error {
	if c.ID != "" {
		if !c.Filter.IsZero() {
			return invalid(at(path, "id"), c.ID, "stands instead of filter, not beside it")
		}
		return nil
	}
	if c.Filter.IsZero() {
		return invalid(at(path, "filter"), nil, "must say who is in the cohort, or id must name a saved one")
	}
	return c.Filter.validate(at(path, "filter"), aboutPerson, depth+1, conditions)
}

// Resolve gives a question with the filter of each saved cohort that it names in the place of its id. What is not saved,
// and a cohort that comes to name itself, is an *Invalid; so is all that is named, where cohorts is nil.
func Resolve[Q Question](q Q, cohorts Cohorts) (Q, error) {
	named := false
	walk(reflect.ValueOf(q), func(c Cohort) { named = named || c.ID != "" })
	if !named {
		return q, nil
	}
	var resolved Q
	if err := json.Unmarshal([]byte(JSON(q)), &resolved); err != nil {
		return q, fmt.Errorf("copying a question: %w", err)
	}
	r := resolving{cohorts: cohorts}
	if err := r.in(reflect.ValueOf(&resolved).Elem(), "", nil); err != nil {
		return q, err
	}
	return resolved, resolved.Validate()
}

// Savable refuses a cohort that is to be saved under its ID, with an *Invalid: one that means nothing, that names one that
// is not saved, or that comes to name itself. path is what the cohort is called where it is asked to be saved.
func (c Cohort) Savable(path string, cohorts Cohorts) error {
	if err := (Cohort{Filter: c.Filter}).Validate(path); err != nil {
		return err
	}
	filter, err := c.Filter.copied()
	if err != nil {
		return err
	}
	r := resolving{cohorts: cohorts}
	if err := r.in(reflect.ValueOf(&filter).Elem(), at(path, "filter"), []link{{c.ID, c.Name}}); err != nil {
		return err
	}
	return Cohort{Filter: filter}.Validate(path)
}

// copied gives a copy that has no part in common with the filter.
func (f Filter) copied() (Filter, error) {
	var c Filter
	text, err := json.Marshal(f)
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		return c, fmt.Errorf("copying a filter: %w", err)
	}
	return c, nil
}

// resolving is one question's.
type resolving struct {
	cohorts Cohorts
	named   int
	sent    string // where the cohort is named in the question itself, which leads to the one that is looked at
}

// link is a cohort on the way to another that it names.
type link struct{ id, name string }

// in resolves what is in a part of the question that can be set; way are the cohorts that it is in.
func (r *resolving) in(v reflect.Value, path string, way []link) error {
	switch v.Kind() {
	case reflect.Pointer:
		if c, ok := reflect.TypeAssert[*Cohort](v); ok && c != nil && c.ID != "" {
			if r.sent == "" {
				r.sent = path
				defer func() { r.sent = "" }()
			}
			return r.cohort(c, path, way)
		}
		if !v.IsNil() {
			return r.in(v.Elem(), path, way)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				continue
			}
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			if err := r.in(v.Field(i), at(path, name), way); err != nil {
				return err
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if err := r.in(v.Index(i), nth(path, i), way); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *resolving) cohort(c *Cohort, path string, way []link) error {
	refused := func(format string, args ...any) error {
		if path != r.sent {
			format, args = format+"; %q names it", append(args, way[len(way)-1].name)
		}
		return invalid(at(r.sent, "id"), c.ID, format, args...)
	}
	if r.named++; r.named > maxNamed {
		return refused("is one too many: a question names at most %d cohorts, with those that they name", maxNamed)
	}
	if r.cohorts == nil {
		return refused("cannot stand here: there are no saved cohorts")
	}
	if i := slices.IndexFunc(way, func(l link) bool { return l.id == c.ID }); i >= 0 {
		var names []string
		for _, l := range append(way[i:len(way):len(way)], way[i]) {
			names = append(names, fmt.Sprintf("%q", l.name))
		}
		return invalid(at(r.sent, "id"), c.ID, "makes a cohort name itself: %s", strings.Join(names, " → "))
	}
	found, err := r.cohorts(c.ID)
	switch {
	case errors.Is(err, ErrNoCohort) && c.Name != "":
		return refused("must be the id of a saved cohort, and %q is not saved, or not any more", c.Name)
	case errors.Is(err, ErrNoCohort):
		return refused("must be the id of a saved cohort, and there is none of this id, or not any more")
	case err != nil:
		return fmt.Errorf("reading the cohort %s: %w", c.ID, err)
	}
	way = append(slices.Clip(way), link{c.ID, found.Name})
	*c = Cohort{Name: found.Name}
	// The filter is whose it was found with: what it names is replaced in a copy.
	if c.Filter, err = found.Filter.copied(); err != nil {
		return err
	}
	return r.in(reflect.ValueOf(&c.Filter).Elem(), at(path, "filter"), way)
}

// askable refuses a question that means nothing, and one that still names saved cohorts: an answer without them would be
// about everybody.
func askable[Q Question](q Q) error {
	if err := q.Validate(); err != nil {
		return err
	}
	_, err := Resolve(q, nil)
	return err
}
