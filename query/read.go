package query

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// Question is the parameters of a report. Its JSON is what the API takes, what a saved report is and what stands in a
// page's URL.
type Question interface {
	// Validate gives an *Invalid for the first thing that is wrong.
	Validate() error
}

// MaxQuestionBytes bounds a question's JSON.
const MaxQuestionBytes = 64 << 10

// Read reads a question's JSON and validates it. What is wrong with it is an *Invalid.
func Read[Q Question](text []byte) (Q, error) {
	var q Q
	if len(text) > MaxQuestionBytes {
		return q, invalid("question", len(text), "cannot be over %d bytes", MaxQuestionBytes)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		return q, unreadable(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return q, invalid("question", nil, "must be one JSON object, with nothing behind it")
	}
	return q, q.Validate()
}

// JSON gives a question's JSON, without what has its default.
func JSON(q Question) string {
	text, err := json.Marshal(q)
	if err != nil {
		panic(err) // questions hold nothing that JSON cannot
	}
	return string(text)
}

// unreadable says which field of a question's JSON is wrong, as far as encoding/json tells.
func unreadable(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return invalid(wrong.Field, nil, "must be of type %s, not %s", wrong.Type, wrong.Value)
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return invalid(strings.Trim(field, `"`), nil, "is not known")
	}
	return invalid("question", nil, "must be a JSON object: %s", strings.TrimPrefix(err.Error(), "json: "))
}
