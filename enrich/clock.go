package enrich

import "github.com/spoorhq/spoor/event"

const (
	// agreement is how near to the door's clock a client's must be to be believed as it is. Within it, the difference
	// is mostly the network, and correcting for that would swap events that a client sent one by one.
	agreement = 1e6
	// future is how much later than its arrival an event may have happened, by the corrected clock.
	future = 60 * 1e6
)

// clock sets the event's timestamp by the rule of Segment's spec, receivedAt − (sentAt − originalTimestamp), which is
// the client's time moved by the difference of the two clocks. A difference of less than a second moves nothing. Times
// within the years 0 and 9999, which event.ParseTime keeps to, cannot overflow here.
func clock(e *event.Event) error {
	e.Timestamp = e.ReceivedAt
	if e.OriginalTimestamp == event.NoTime {
		return nil
	}
	at := e.OriginalTimestamp
	if e.SentAt != event.NoTime {
		if behind := e.ReceivedAt - e.SentAt; behind >= agreement || behind <= -agreement {
			at += behind
		}
	}
	switch {
	case at > e.ReceivedAt+future:
		mark(e, "clock:future")
	case at < 0:
		mark(e, "clock:past")
	default:
		e.Timestamp = at
	}
	return nil
}
