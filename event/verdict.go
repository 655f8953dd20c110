package event

import "fmt"

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
)

// Verdict is the answer to "can this event be loaded?".
type Verdict struct {
	Reason Reason // OK: it can
	Detail string // names the field and the value, for a person
}

// OK tells whether the event can be loaded.
func (v Verdict) OK() bool { return v.Reason == OK }

func refuse(reason Reason, format string, args ...any) Verdict {
	return Verdict{reason, fmt.Sprintf(format, args...)}
}

// shorten cuts a value for a message.
func shorten(s []byte) string {
	const most = 60
	if len(s) <= most {
		return string(s)
	}
	return string(s[:most]) + "…"
}
