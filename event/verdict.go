package event

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/spoorhq/spoor/internal/jsonscan"
)

// Reason is why an event cannot be loaded. Its values are stable: they are counted, shown and searched for.
type Reason string

// The reasons.
const (
	OK                Reason = ""
	InvalidJSON       Reason = "invalid_json"
	NotAnObject       Reason = "not_an_object"
	TooLarge          Reason = "event_too_large"
	TooDeep           Reason = "too_deep"
	MissingType       Reason = "missing_type"
	UnknownType       Reason = "unknown_type"
	MissingName       Reason = "missing_event"
	MissingID         Reason = "missing_id"
	WrongKind         Reason = "wrong_kind"
	MessageIDTooLong  Reason = "message_id_too_long"
	UnreadableRecord  Reason = "unreadable_record"  // a stream record that is in no known format
	TruncatedRecord   Reason = "truncated_record"   // a record that holds fewer events than it says
	UnreadableRequest Reason = "unreadable_request" // a request line that cannot be read

	// These are dead letters beside an event's ending, which the ledger does not count.
	OversizeValue Reason = "oversize_value" // a value that the warehouse cannot hold; the rest of its event is a row
	Continued     Reason = "continued"      // the next part of a dead letter that is too long for one row
)

// Verdict is the answer to "can this event be loaded?".
type Verdict struct {
	Reason Reason // OK: it can
	Detail string // names the field and the value, for a person
}

// OK tells whether the event can be loaded.
func (v Verdict) OK() bool { return v.Reason == OK }

// Scan reads the text of one event, with or without white space around it. What it refuses is no event, whatever may be
// in it; what it gives may go to Parser.Inspect. The door and the loader both begin here.
func Scan(raw []byte) (jsonscan.Value, Verdict) {
	if len(raw) > MaxEventBytes {
		return jsonscan.Value{Raw: raw}, tooLarge(raw)
	}
	v, rest, err := jsonscan.Scan(raw, MaxDepth)
	if err == nil && len(bytes.TrimSpace(rest)) > 0 {
		err = fmt.Errorf("text behind the event: %s", shorten(rest))
	}
	if err != nil {
		return jsonscan.Value{Raw: raw}, Unreadable(err)
	}
	return v, Verdict{}
}

// Unreadable gives the verdict on a text that jsonscan refused with err.
func Unreadable(err error) Verdict {
	if errors.Is(err, jsonscan.ErrDepth) {
		return refuse(TooDeep, "an event nests %d deep at most", MaxDepth)
	}
	return refuse(InvalidJSON, "%v", err)
}

func tooLarge(raw []byte) Verdict {
	return refuse(TooLarge, "an event is %d bytes at most; got %d", MaxEventBytes, len(raw))
}

func refuse(reason Reason, format string, args ...any) Verdict {
	return Verdict{reason, fmt.Sprintf(format, args...)}
}

// shorten cuts a value for a message.
func shorten(s []byte) string {
	const most = 60
	if len(s) <= most {
		return string(s)
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return string(s[:end]) + "…"
}
