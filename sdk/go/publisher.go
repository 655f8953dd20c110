package spoor

import (
	"context"
	"fmt"
	"time"
)

// Message is an event on its way.
type Message struct {
	ID, Type, Name string
	Body           []byte // a JSON object on one line

	sequence uint64
	queued   time.Time
}

// Publisher takes messages to where they are safe: Spoor's door, unless Options name another. The client queues,
// batches and tries again; a Publisher does none of it.
type Publisher interface {
	// Publish returns nil when every message is durable but those in rejected, which were refused for good. An
	// *UnavailableError asks for another try with the messages that it names. Any other error refuses all of them for good.
	// It may be called by several goroutines at once, and keeps nothing of the messages.
	Publish(ctx context.Context, batch []Message) (rejected []Rejection, err error)
}

// Rejection is a message that was refused while others of its batch were taken.
type Rejection struct {
	Index          int // of the message in its batch
	Reason, Detail string
}

// UnavailableError says that messages could not be taken now.
type UnavailableError struct {
	// Messages to send again, as indices into the batch; nil: all of it. The others are durable.
	Messages []int
	After    time.Duration // not before; 0: when the client thinks fit
	Err      error         // why
}

func (e *UnavailableError) Error() string {
	if e.After > 0 {
		return fmt.Sprintf("%v; asked to wait %v", e.Err, e.After)
	}
	return e.Err.Error()
}

// Unwrap gives the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }
