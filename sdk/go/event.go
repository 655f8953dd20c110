package spoor

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"
)

// MaxEventBytes is the size up to which a server takes an event, as JSON.
const MaxEventBytes = 32 << 10

// maxMessageID is how long a message id may be, in bytes.
const maxMessageID = 255

// Map is a JSON object.
type Map = map[string]any

// Event is something that happened. Which call it goes to says what kind it is; a call takes the fields that it names,
// and refuses others so that none is lost in silence. Every event names a person: UserID, AnonymousID or both.
type Event struct {
	UserID      string // who it was, as your system knows them
	AnonymousID string // who it was before they logged in, or a device

	Name       string // Track: what happened, such as "Order Completed"; Page and Screen: which one
	Category   string // Page and Screen
	GroupID    string // Group
	PreviousID string // Alias
	Properties Map    // Track, Page and Screen
	Traits     Map    // Identify and Group

	Context      Map       // where and how it happened: ip, locale, page, userAgent …
	Integrations Map       // carried along
	Timestamp    time.Time // when it happened; default now
	MessageID    string    // by which a second copy is known; default a new UUID of version 7
}

// TooLargeError says that an event is larger than servers take. It was not sent.
type TooLargeError struct {
	Type, Name, MessageID string
	Bytes                 int
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s %q (message id %s) is %d bytes of JSON; %d are the most", e.Type, e.Name, e.MessageID, e.Bytes, MaxEventBytes)
}

// wire is an event as it is sent.
type wire struct {
	Type         string `json:"type"`
	MessageID    string `json:"messageId"`
	Timestamp    string `json:"timestamp"`
	UserID       string `json:"userId,omitempty"`
	AnonymousID  string `json:"anonymousId,omitempty"`
	Event        string `json:"event,omitempty"`
	Name         string `json:"name,omitempty"`
	Category     string `json:"category,omitempty"`
	GroupID      string `json:"groupId,omitempty"`
	PreviousID   string `json:"previousId,omitempty"`
	Properties   Map    `json:"properties,omitempty"`
	Traits       Map    `json:"traits,omitempty"`
	Context      Map    `json:"context"`
	Integrations Map    `json:"integrations,omitempty"`
}

// encode makes the message of an event, or says what is wrong with it.
func encode(kind string, e Event, now time.Time) (Message, error) {
	if err := e.fits(kind); err != nil {
		return Message{}, err
	}
	if e.MessageID == "" {
		e.MessageID = newID(now)
	}
	if e.Timestamp.IsZero() {
		e.Timestamp = now
	}
	w := wire{
		Type: kind, MessageID: e.MessageID, Timestamp: e.Timestamp.UTC().Format(time.RFC3339Nano),
		UserID: e.UserID, AnonymousID: e.AnonymousID, Category: e.Category, GroupID: e.GroupID, PreviousID: e.PreviousID,
		Properties: e.Properties, Traits: e.Traits, Context: withLibrary(e.Context), Integrations: e.Integrations,
	}
	if kind == typeTrack {
		w.Event = e.Name
	} else {
		w.Name = e.Name
	}
	var body bytes.Buffer
	out := json.NewEncoder(&body)
	out.SetEscapeHTML(false) // it is no HTML, and would be longer
	if err := out.Encode(w); err != nil {
		return Message{}, fmt.Errorf("%s %q cannot be written as JSON: %w", kind, e.Name, err)
	}
	text := bytes.TrimSuffix(body.Bytes(), []byte("\n"))
	if len(text) > MaxEventBytes {
		return Message{}, &TooLargeError{Type: kind, Name: e.Name, MessageID: e.MessageID, Bytes: len(text)}
	}
	return Message{ID: e.MessageID, Type: kind, Name: e.Name, Body: text}, nil
}

// The kinds of events: the six calls of the Segment spec.
const (
	typeTrack    = "track"
	typeIdentify = "identify"
	typePage     = "page"
	typeScreen   = "screen"
	typeGroup    = "group"
	typeAlias    = "alias"
)

// fits tells what keeps the event from being one of this kind.
func (e *Event) fits(kind string) error {
	named := kind == typePage || kind == typeScreen
	for _, field := range []struct {
		name          string
		set           bool
		needed, taken bool
	}{
		{"Name", e.Name != "", kind == typeTrack, kind == typeTrack || named},
		{"Category", e.Category != "", false, named},
		{"GroupID", e.GroupID != "", kind == typeGroup, kind == typeGroup},
		{"PreviousID", e.PreviousID != "", kind == typeAlias, kind == typeAlias},
		{"UserID", e.UserID != "", kind == typeAlias, true},
		{"Properties", e.Properties != nil, false, kind == typeTrack || named},
		{"Traits", e.Traits != nil, false, kind == typeIdentify || kind == typeGroup},
	} {
		switch {
		case field.needed && !field.set:
			return fmt.Errorf("%s needs %s", kind, field.name)
		case field.set && !field.taken:
			return fmt.Errorf("%s takes no %s", kind, field.name)
		}
	}
	if e.UserID == "" && e.AnonymousID == "" {
		return fmt.Errorf("%s %q needs a UserID or an AnonymousID", kind, e.Name)
	}
	if len(e.MessageID) > maxMessageID {
		return fmt.Errorf("%s %q: a MessageID is %d bytes at most; got %d", kind, e.Name, maxMessageID, len(e.MessageID))
	}
	return nil
}

// withLibrary adds to an event's context what sent it.
func withLibrary(context Map) Map {
	if context["library"] != nil {
		return context
	}
	with := make(Map, len(context)+1)
	maps.Copy(with, context)
	with["library"] = Map{"name": "spoor-go", "version": Version}
	return with
}

// newID makes a UUID of version 7 (RFC 9562): milliseconds first, so that ids sort by time, and 74 bits of chance.
func newID(now time.Time) string {
	var id [16]byte
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(now.UnixMilli())<<16)
	copy(id[:6], at[:6])
	_, _ = rand.Read(id[6:]) // never fails: it would end the program
	id[6] = 0x70 | id[6]&0x0f
	id[8] = 0x80 | id[8]&0x3f

	var text [36]byte
	hex.Encode(text[0:8], id[0:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:36], id[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

// Failure is an event that did not arrive, and never will.
type Failure struct {
	MessageID, Type, Name string
	Err                   error
}

// The reasons of a Failure, beside what a server says.
var (
	// ErrQueueFull: there was no room, and the policy was to drop an event.
	ErrQueueFull = errors.New("the queue of events is full")
	// ErrClosed: the client was closed before the event was sent.
	ErrClosed = errors.New("the client is closed")
)

// RejectedError says that the server has refused one event of a batch, and keeps it only as a dead letter.
type RejectedError struct {
	Reason string // stable, such as missing_id
	Detail string // for a person
}

func (e *RejectedError) Error() string { return fmt.Sprintf("rejected: %s: %s", e.Reason, e.Detail) }
