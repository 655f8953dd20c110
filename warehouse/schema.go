package warehouse

import "github.com/spoorhq/spoor/event"

// SchemaVersion is the version of the tables below; drivers keep it in the table schema_version.
const SchemaVersion = 1

// Table is a table of the warehouse, the same in all of them but for the names of types.
type Table struct {
	Name    string
	Columns []event.Column
	// Key is what identifies a row, where rows are replaced. Not every warehouse enforces it.
	Key []string
	Doc string
}

// Tables gives all tables in the order in which they are made.
func Tables() []Table {
	text := func(name, doc string) event.Column {
		return event.Column{Name: name, Kind: event.Text, Required: true, Doc: doc}
	}
	count := func(name, doc string) event.Column {
		return event.Column{Name: name, Kind: event.Int64, Required: true, Doc: doc}
	}
	at := func(name, doc string) event.Column {
		return event.Column{Name: name, Kind: event.Timestamp, Required: true, Doc: doc}
	}
	loadID := event.Column{Name: "load_id", Kind: event.Text, Required: true, Doc: "the line in loads that brought the row"}
	return []Table{
		{Name: "events", Columns: append(event.Columns(), loadID), Doc: "one row an event"},
		{Name: "dead_letters", Columns: append(DeadLetterColumns(), loadID), Doc: "what could not be loaded, with its bytes and why"},
		{Name: "identities", Key: []string{"anonymous_id"}, Doc: "whose device it is", Columns: []event.Column{
			text("anonymous_id", ""), text("user_id", ""), at("seen_at", "when the two were last seen together"),
		}},
		{Name: "users", Key: []string{"user_id"}, Doc: "the latest traits of each user", Columns: []event.Column{
			text("user_id", ""), {Name: "traits", Kind: event.JSON, Required: true, Doc: "all traits ever sent, the latest value of each"},
			at("first_seen", "the first identify"), at("seen_at", "the latest identify"),
		}},
		{Name: "positions", Key: []string{"stream", "shard"}, Doc: "how far each shard has been loaded", Columns: []event.Column{
			text("stream", ""), text("shard", ""), text("position", ""), at("moved_at", ""),
		}},
		{Name: "loads", Doc: "the ledger of loads, one line a batch", Columns: []event.Column{
			text("load_id", ""), text("stream", ""),
			{Name: "moves", Kind: event.JSON, Required: true, Doc: "[{shard, from, to}]"}, at("loaded_at", "when it was committed"),
			count("loaded", "rows"), count("duplicate", ""), count("dead", ""),
		}},
		{Name: "ledger", Key: []string{"minute", "source"}, Doc: "what became of the events accepted in each minute: accepted = loaded + duplicate + dead", Columns: []event.Column{
			at("minute", "of received_at"), text("source", ""),
			count("accepted", "by the collectors' record headers"), count("loaded", ""), count("duplicate", ""), count("dead", ""),
			count("erased", "of the loaded, how many rows an erasure has removed since"),
		}},
		{Name: "volumes", Key: []string{"minute", "source", "type", "event"}, Doc: "rows by name and minute", Columns: []event.Column{
			at("minute", "of received_at"), text("source", ""), text("type", ""), text("event", "empty where the type has no names"), count("loaded", ""),
		}},
		{Name: "sequences", Key: []string{"stream", "shard", "collector", "boot"}, Doc: "which records of each collector have come through", Columns: []event.Column{
			text("stream", ""), text("shard", "with # and a number behind it: a further part of a long list"), text("collector", ""), text("boot", ""),
			text("seen", "closed ranges, such as 1-41,43-90"), text("void", "numbers whose record was never known to be durable"),
			count("settled", "the collector knew the outcome of each number up to this one"),
			count("records", ""), count("doubled", "records that came twice"), at("seen_at", "the last record"),
		}},
		{Name: "catalog", Key: []string{"type", "event", "property", "kind"}, Doc: "the event names seen, and the properties of each by kind", Columns: []event.Column{
			text("type", ""), text("event", ""), text("property", "empty: the name itself"),
			text("kind", "string, integer, number, boolean, object or array; empty: the name itself"),
			text("view", "the view that shows the name"), at("first_seen", ""),
		}},
	}
}

// DeadLetterColumns gives the columns of Batch.DeadLetters.
func DeadLetterColumns() []event.Column {
	return []event.Column{
		{Name: "received_at", Kind: event.Timestamp, Required: true, Doc: "when the door, or the stream, took it"},
		{Name: "source", Kind: event.Text, Required: true},
		{Name: "protocol", Kind: event.Text, Required: true},
		{Name: "reason", Kind: event.Text, Required: true, Doc: "one of a fixed list, to count by"},
		{Name: "detail", Kind: event.Text, Required: true, Doc: "the field and the value"},
		{Name: "message_id", Kind: event.Text, Doc: "where one could be read"},
		{Name: "type", Kind: event.Text},
		{Name: "event", Kind: event.Text},
		{Name: "request", Kind: event.Text, Doc: "the record's request line, to send the event again as it came"},
		{Name: "raw", Kind: event.Bytes, Required: true, Doc: "what the client sent"},
		{Name: "shard", Kind: event.Text, Required: true},
		{Name: "position", Kind: event.Text, Required: true, Doc: "of the record"},
		{Name: "index", Kind: event.Int32, Required: true, Doc: "of the event in the record"},
	}
}

// Dialect is how a warehouse's SQL differs.
type Dialect interface {
	// Name is duckdb, postgres, redshift …
	Name() string
	// Type names the column type of a kind.
	Type(event.ColumnKind) string
	// Quote quotes an identifier.
	Quote(identifier string) string
	// Literal quotes a text value. For DDL, where nothing can be bound.
	Literal(text string) string
	// JSONText is an expression for a JSON column's value as text.
	JSONText(column string) string
	// Property is an expression that gives a member of a JSON column as a kind: NULL where it is absent or of another
	// kind; KindNone gives any value as text, strings without their quotes. path is its name, or the names on the way to
	// it: a way leads through objects only.
	Property(column string, path []string, kind event.PropertyKind) string
	// Micros is an expression for a timestamp as microseconds since the Unix epoch, a bigint.
	Micros(instant string) string
	// Matches is a condition: a part of the text matches the pattern. Patterns hold literal characters, sets of ranges,
	// (), |, *, +, ?, {n,m}, ^ for the text's beginning and $ for its end, and \ before what is no letter or digit.
	Matches(text, pattern string) string
	// Bytewise is a text that is compared and ordered by its bytes.
	Bytewise(text string) string
	// Key stands for a text where many rows are grouped, joined or sorted by it: equal for equal texts, and for two others
	// by a chance of 1 in 2^64. It is the text itself where nothing is cheaper. NULL has a key that no id has.
	Key(text string) string
	// OneOf is a condition, or several joined by and: a text column is one of the values, which may stand in it more than once, all of
	// them each time and in their order. Place tells which it is, from 1 on; of others it gives 0 or NULL.
	OneOf(column string, values []string) string
	Place(column string, values []string) string
	// Days is a statement for the days, in UTC and the newest first, on which something was done under one of some users, or on one of some devices
	// (anonymous_id) by nobody of these users, and under which id: from 1 on, users before devices. There are one or more of both. There may be a few
	// more days, and none less. Empty: the warehouse keeps no such list.
	Days(users, devices []string) string
	// Active is a table of who did something on each day in UTC: day (a date), user_id and anonymous_id as Stored gives the text of an id
	// (a number; of NULL 0), and is_bot, a line for each combination that some event has. Empty: the warehouse keeps none.
	Active() string
	Stored(id string) string
}
