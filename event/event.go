// Package event says what an event is: its fields and limits, how it is read from what a client sent, the record
// that carries events through the stream, and the columns that it becomes in the warehouse. It does no I/O.
//
// The way of one event through this package: the door calls Parser.Inspect and RecordWriter.Add; the loader calls
// RecordReader.Next, which parses the event whole, and Rows.Append, which puts it into Arrow columns.
package event

import "math"

// Types of events: the six calls of the Segment spec.
const (
	TypeTrack    = "track"
	TypePage     = "page"
	TypeScreen   = "screen"
	TypeIdentify = "identify"
	TypeGroup    = "group"
	TypeAlias    = "alias"
)

// Limits of one event. The first four are Segment's; an event past them is rejected alone, never with its batch.
const (
	MaxEventBytes     = 32 << 10
	MaxBatchBytes     = 500 << 10
	MaxBatchEvents    = 2500
	MaxMessageIDBytes = 255
	// MaxDepth bounds nesting: what reads JSON later, in any warehouse, may recurse.
	MaxDepth = 128
)

// Time is microseconds since the Unix epoch, UTC: what every warehouse's timestamp can hold.
type Time = int64

// NoTime stands for an absent Time.
const NoTime Time = math.MinInt64

// Request is what only the door knows about one request: it stands once before the events that came in it.
type Request struct {
	Source     string // name of the source whose write key was used
	Protocol   string // how it came: segment, ndjson, pixel …
	Type       string // what an event without a type is: the path's, as in /v1/track; "" where the path says nothing
	ReceivedAt Time
	SentAt     []byte // the envelope's sentAt as raw JSON, unaltered; nil: none
	IP         string // of the client
	UserAgent  string // the request's header
	// Context and Integrations are the envelope's, raw JSON objects, merged into each event that lacks their members.
	Context      []byte
	Integrations []byte
	// MessageID is the id of the request's one event, where the event has none of its own: a replayed event keeps the id
	// that it got when it was first read. Empty in all other requests.
	MessageID string
	Events    int // how many events follow
}

// Event is one event, read. Strings and byte slices alias the record it was read from and the parser's memory:
// they hold until the RecordReader's next Open. The empty string stands for an absent one.
type Event struct {
	Request *Request
	Index   int    // of the event in its record
	Raw     []byte // what the client sent, unaltered but for line ends, which are tabs

	MessageID   string
	Type        string
	Name        string // track: the event's name; page and screen: the page's
	UserID      string
	AnonymousID string
	SessionID   string
	GroupID     string
	PreviousID  string
	Category    string

	Timestamp         Time // when it happened by the best clock; set by the clock step
	OriginalTimestamp Time // when it happened by the client's clock
	SentAt            Time // when it was sent by the client's clock
	// ReceivedAt is the door's clock: the request's.
	ReceivedAt Time

	Page     Page
	Referrer Referrer
	Campaign Campaign
	Device   Device
	OS       Software
	Browser  Software
	Library  Software
	App      App
	Geo      Geo
	Screen   Screen

	Locale    string
	Timezone  string
	IP        string
	UserAgent string
	IsBot     bool

	// JSON objects, strict and clean (see jsonscan.AppendClean); nil: absent.
	Properties []byte
	Traits     []byte
	Context    []byte
	// Extra holds the top-level members that have no column, integrations among them, so that nothing is lost.
	Extra []byte

	// Shape tells apart sets of property names and kinds: two events of equal Type, Name and Shape have the same
	// properties with the same kinds. 0: no properties.
	Shape uint64

	marks []byte
}

// Page is the page or screen an event happened on.
type Page struct{ URL, Host, Path, Search, Title, Referrer string }

// Referrer is where a visit came from; Kind is one of search, social, email, internal, link, direct.
type Referrer struct{ Host, Kind, Name string }

// Campaign is what brought a visit, by its UTM parameters.
type Campaign struct{ Source, Medium, Name, Term, Content string }

// Device is what the event happened on; Type is one of desktop, mobile, tablet, tv, console, watch, bot, server.
type Device struct{ ID, Type, Manufacturer, Model, Name string }

// Software is a name and a version.
type Software struct{ Name, Version string }

// App is the client's application.
type App struct{ Name, Version, Build, Namespace string }

// Geo is a place; Country is its ISO 3166-1 alpha-2 code.
type Geo struct{ Country, Region, City string }

// Screen is a display in CSS pixels; 0: unknown.
type Screen struct{ Width, Height int32 }

// Mark notes on the event that something was done to it or could not be (a step's name and why, such as
// "geo:failed"). Marks are kept in the row.
func (e *Event) Mark(name string) {
	if len(e.marks) > 0 {
		e.marks = append(e.marks, ',')
	}
	e.marks = append(e.marks, name...)
}

// Marks gives the event's marks, joined by commas. The string holds until the event is reset.
func (e *Event) Marks() string { return view(e.marks) }

// reset makes the event blank, keeping its memory.
func (e *Event) reset() {
	*e = Event{
		marks: e.marks[:0], Timestamp: NoTime, OriginalTimestamp: NoTime, SentAt: NoTime, ReceivedAt: NoTime,
	}
}
