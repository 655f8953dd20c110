package segment

import (
	"errors"
	"fmt"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
)

// envelope is the object around a batch. Its text is walked by hand, so that each event is read once, by itself: one that
// is too deep does not stop the others.
type envelope struct {
	text   []byte
	at     int
	key    []byte
	batch  bool // there was one
	events []jsonscan.Value
}

// invalid is an envelope that JSON allows and the API does not.
type invalid struct{ code, message string }

func (e *invalid) Error() string { return e.message }

// Code names the fault to programs.
func (e *invalid) Code() string { return e.code }

// read walks the whole body.
func (e *envelope) read(req *event.Request) error {
	if !e.is('{') {
		return e.fault("want an object with a batch")
	}
	for first := true; !e.is('}'); first = false {
		if !first && !e.is(',') {
			return e.fault("want a comma or } after a member")
		}
		name, err := e.scan(0)
		if err != nil {
			return err
		}
		if name.Kind != jsonscan.String || !e.is(':') {
			return e.fault("want a key in double quotes and a colon")
		}
		if err := e.member(string(stringOf(name)), req); err != nil {
			return err
		}
	}
	if err := e.end(); err != nil {
		return err
	}
	merged := len(e.events) * (len(req.Context) + len(req.Integrations))
	switch {
	case !e.batch:
		return &invalid{"missing_batch", `want an array of events in "batch"`}
	case len(e.events) == 0:
		return &invalid{"empty_batch", "the batch has no events"}
	case merged > maxMerged:
		return &invalid{"context_too_large", fmt.Sprintf("the batch's context and integrations come to %d bytes for %d events; %d are allowed",
			merged, len(e.events), maxMerged)}
	}
	return nil
}

func (e *envelope) member(name string, req *event.Request) error {
	if name == "batch" && e.is('[') {
		return e.elements()
	}
	v, err := e.scan(event.MaxDepth - 1)
	if err != nil {
		return err
	}
	switch {
	case name == "writeKey":
		e.key = stringOf(v)
	case name == "sentAt" && (v.Kind == jsonscan.String || v.Kind == jsonscan.Number) && len(v.Raw) <= 64:
		req.SentAt = v.Raw
	case name == "context" && v.Kind == jsonscan.Object:
		req.Context = v.Raw
	case name == "integrations" && v.Kind == jsonscan.Object:
		req.Integrations = v.Raw
	}
	return nil
}

func (e *envelope) elements() error {
	e.batch = true
	for first := true; !e.is(']'); first = false {
		if !first && !e.is(',') {
			return e.fault("want a comma or ] after an event")
		}
		v, err := e.event()
		if err != nil {
			return err
		}
		if len(e.events) == event.MaxBatchEvents {
			return &invalid{"too_many_events", fmt.Sprintf("a batch is %d events at most", event.MaxBatchEvents)}
		}
		e.events = append(e.events, v)
	}
	return nil
}

// event reads a value that is to be an event. One that is too deep is of no kind.
func (e *envelope) event() (jsonscan.Value, error) {
	v, err := e.scan(event.MaxDepth)
	if !errors.Is(err, jsonscan.ErrDepth) {
		return v, err
	}
	v, err = e.scan(maxDeep)
	return jsonscan.Value{Raw: v.Raw}, err
}

// scan reads a value.
func (e *envelope) scan(depth int) (jsonscan.Value, error) {
	v, rest, err := jsonscan.Scan(e.text[e.at:], depth)
	if syntax, ok := errors.AsType[*jsonscan.SyntaxError](err); ok {
		syntax.Offset += e.at
	}
	if err == nil {
		e.at = len(e.text) - len(rest)
	}
	return v, err
}

// is passes over white space, and over the byte b, if that comes next.
func (e *envelope) is(b byte) bool {
	e.space()
	if e.at == len(e.text) || e.text[e.at] != b {
		return false
	}
	e.at++
	return true
}

func (e *envelope) space() {
	for ; e.at < len(e.text); e.at++ {
		switch e.text[e.at] {
		case ' ', '\t', '\r', '\n':
		default:
			return
		}
	}
}

// end tells whether nothing but white space is left.
func (e *envelope) end() error {
	if e.space(); e.at < len(e.text) {
		return e.fault("want the end of the body")
	}
	return nil
}

func (e *envelope) fault(want string) error {
	return &jsonscan.SyntaxError{Offset: e.at, Msg: want}
}
