package event

import (
	"github.com/apache/arrow-go/v18/arrow"
)

// ColumnKind is a column's logical type; each warehouse's Dialect names its own for it.
type ColumnKind uint8

// The kinds of column.
const (
	Text      ColumnKind = iota // UTF-8
	JSON                        // the text of a JSON value, clean as jsonscan.AppendClean makes it
	Timestamp                   // microseconds, UTC
	Bool
	Int32
	Int64
	Bytes
)

// Column is one column of the warehouse's tables.
type Column struct {
	Name string
	Kind ColumnKind
	// Required: never null.
	Required bool
	Doc      string
}

// eventColumn is a column of the table events and how an event fills it.
type eventColumn struct {
	Column
	text  func(*Event) string
	json  func(*Event) []byte
	time  func(*Event) Time
	bool  func(*Event) bool
	int32 func(*Event) int32
}

func text(name, doc string, get func(*Event) string) eventColumn {
	return eventColumn{Column: Column{Name: name, Kind: Text, Doc: doc}, text: get}
}

func required(c eventColumn) eventColumn {
	c.Required = true
	return c
}

func jsonText(name, doc string, get func(*Event) []byte) eventColumn {
	return eventColumn{Column: Column{Name: name, Kind: JSON, Doc: doc}, json: get}
}

func instant(name, doc string, get func(*Event) Time) eventColumn {
	return eventColumn{Column: Column{Name: name, Kind: Timestamp, Doc: doc}, time: get}
}

func integer(name, doc string, get func(*Event) int32) eventColumn {
	return eventColumn{Column: Column{Name: name, Kind: Int32, Doc: doc}, int32: get}
}

// eventColumns is the table events, column by column: the one place that says what an event becomes.
func eventColumns() []eventColumn {
	return []eventColumn{
		required(text("source", "the source whose write key brought the event", func(e *Event) string { return e.Request.Source })),
		required(text("message_id", "the client's id of the event, or the one it got; unique with source", func(e *Event) string { return e.MessageID })),
		required(text("type", "track, page, screen, identify, group or alias", func(e *Event) string { return e.Type })),
		text("event", "the event's name; of a page or screen call, the page's", func(e *Event) string { return e.Name }),
		text("user_id", "who, once known", func(e *Event) string { return e.UserID }),
		text("anonymous_id", "the device or browser", func(e *Event) string { return e.AnonymousID }),
		text("session_id", "the SDK's session, or one cut after 30 minutes without an event", func(e *Event) string { return e.SessionID }),
		text("group_id", "the account or team", func(e *Event) string { return e.GroupID }),
		text("previous_id", "alias: the id that user_id replaces", func(e *Event) string { return e.PreviousID }),
		text("category", "of a page or screen", func(e *Event) string { return e.Category }),
		required(instant("timestamp", "when it happened, corrected for the client's clock", func(e *Event) Time {
			if e.Timestamp == NoTime {
				return e.ReceivedAt
			}
			return e.Timestamp
		})),
		instant("original_timestamp", "when it happened by the client's clock", func(e *Event) Time { return e.OriginalTimestamp }),
		instant("sent_at", "when it was sent by the client's clock", func(e *Event) Time { return e.SentAt }),
		required(instant("received_at", "when the door took it", func(e *Event) Time { return e.ReceivedAt })),
		text("page_url", "", func(e *Event) string { return e.Page.URL }),
		text("page_host", "", func(e *Event) string { return e.Page.Host }),
		text("page_path", "", func(e *Event) string { return e.Page.Path }),
		text("page_search", "the URL's query", func(e *Event) string { return e.Page.Search }),
		text("page_title", "", func(e *Event) string { return e.Page.Title }),
		text("page_referrer", "", func(e *Event) string { return e.Page.Referrer }),
		text("referrer_host", "", func(e *Event) string { return e.Referrer.Host }),
		text("referrer_kind", "search, social, email, internal, link or direct", func(e *Event) string { return e.Referrer.Kind }),
		text("referrer_name", "the search engine or network", func(e *Event) string { return e.Referrer.Name }),
		text("campaign_source", "utm_source", func(e *Event) string { return e.Campaign.Source }),
		text("campaign_medium", "utm_medium", func(e *Event) string { return e.Campaign.Medium }),
		text("campaign_name", "utm_campaign", func(e *Event) string { return e.Campaign.Name }),
		text("campaign_term", "utm_term", func(e *Event) string { return e.Campaign.Term }),
		text("campaign_content", "utm_content", func(e *Event) string { return e.Campaign.Content }),
		text("device_id", "", func(e *Event) string { return e.Device.ID }),
		text("device_type", "desktop, mobile, tablet, tv, console, watch, bot or server", func(e *Event) string { return e.Device.Type }),
		text("device_manufacturer", "", func(e *Event) string { return e.Device.Manufacturer }),
		text("device_model", "", func(e *Event) string { return e.Device.Model }),
		text("os_name", "", func(e *Event) string { return e.OS.Name }),
		text("os_version", "", func(e *Event) string { return e.OS.Version }),
		text("browser_name", "", func(e *Event) string { return e.Browser.Name }),
		text("browser_version", "", func(e *Event) string { return e.Browser.Version }),
		integer("screen_width", "CSS pixels", func(e *Event) int32 { return e.Screen.Width }),
		integer("screen_height", "CSS pixels", func(e *Event) int32 { return e.Screen.Height }),
		text("locale", "", func(e *Event) string { return e.Locale }),
		text("timezone", "IANA name", func(e *Event) string { return e.Timezone }),
		text("country", "ISO 3166-1 alpha-2", func(e *Event) string { return e.Geo.Country }),
		text("region", "", func(e *Event) string { return e.Geo.Region }),
		text("city", "", func(e *Event) string { return e.Geo.City }),
		text("library_name", "the SDK", func(e *Event) string { return e.Library.Name }),
		text("library_version", "", func(e *Event) string { return e.Library.Version }),
		text("app_name", "", func(e *Event) string { return e.App.Name }),
		text("app_version", "", func(e *Event) string { return e.App.Version }),
		text("app_build", "", func(e *Event) string { return e.App.Build }),
		text("ip", "the client's, as the privacy setting leaves it", func(e *Event) string { return e.IP }),
		text("user_agent", "", func(e *Event) string { return e.UserAgent }),
		required(eventColumn{Column: Column{Name: "is_bot", Kind: Bool, Doc: "a crawler or another program, by its user agent"}, bool: func(e *Event) bool { return e.IsBot }}),
		required(text("protocol", "how it came: segment, ndjson, pixel …", func(e *Event) string { return e.Request.Protocol })),
		jsonText("properties", "as sent", func(e *Event) []byte { return e.Properties }),
		jsonText("traits", "as sent", func(e *Event) []byte { return e.Traits }),
		jsonText("context", "as sent, the batch's merged in", func(e *Event) []byte { return e.Context }),
		jsonText("extra", "what was sent beside all this", func(e *Event) []byte { return e.Extra }),
		text("marks", "what was done to the event or could not be, comma-separated, such as clock:future", func(e *Event) string { return e.Marks() }),
	}
}

// Columns gives the columns of the table events, in the order of the Arrow schema.
func Columns() []Column {
	columns := eventColumns()
	out := make([]Column, len(columns))
	for i, c := range columns {
		out[i] = c.Column
	}
	return out
}

// ArrowType gives a column kind's Arrow type.
func (k ColumnKind) ArrowType() arrow.DataType {
	switch k {
	case Timestamp:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	case Bool:
		return arrow.FixedWidthTypes.Boolean
	case Int32:
		return arrow.PrimitiveTypes.Int32
	case Int64:
		return arrow.PrimitiveTypes.Int64
	case Bytes:
		return arrow.BinaryTypes.Binary
	default:
		return arrow.BinaryTypes.String
	}
}

// Schema gives the Arrow schema of columns. A JSON column is a string with the extension name arrow.json, so that a
// warehouse that knows it need not check the text again.
func Schema(columns []Column) *arrow.Schema {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: c.Name, Type: c.Kind.ArrowType(), Nullable: !c.Required}
		if c.Kind == JSON {
			fields[i].Metadata = arrow.NewMetadata([]string{"ARROW:extension:name", "ARROW:extension:metadata"}, []string{"arrow.json", ""})
		}
	}
	return arrow.NewSchema(fields, nil)
}
