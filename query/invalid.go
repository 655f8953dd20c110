package query

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Invalid says what is wrong with a question: which of its fields, and the value that it has.
type Invalid struct { //nolint:errname // it is part of what the API answers: invalid, of which field
	Field  string `json:"field"` // such as series[0].measure.field
	Value  any    `json:"value,omitempty"`
	Reason string `json:"reason"` // such as "must be one of minute, hour"
}

func (e *Invalid) Error() string {
	if e.Value == nil {
		return e.Field + " " + e.Reason
	}
	value, err := json.Marshal(e.Value)
	if err != nil {
		value = fmt.Appendf(nil, "%v", e.Value)
	}
	return fmt.Sprintf("%s %s; got %s", e.Field, e.Reason, value)
}

func invalid(field string, value any, format string, args ...any) error {
	return &Invalid{Field: field, Value: value, Reason: fmt.Sprintf(format, args...)}
}

// at names a member of the question's part that is called path; "" is the whole.
func at(path, member string) string {
	if path == "" {
		return member
	}
	return path + "." + member
}

// nth names an element of a list.
func nth(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// within says of an error about a part of a question where the part is.
func within(path string, err error) error {
	if wrong, ok := errors.AsType[*Invalid](err); ok {
		return &Invalid{Field: at(path, wrong.Field), Value: wrong.Value, Reason: wrong.Reason}
	}
	return err
}
