package event

import (
	"bytes"
	"slices"
	"unsafe"

	"github.com/zeebo/xxh3"

	"github.com/spoorhq/spoor/internal/jsonscan"
)

// Parser reads events out of JSON text without allocating per event. It is for one goroutine.
type Parser struct {
	// arena holds what could not be a view of the input: unescaped strings, cleaned and merged objects.
	arena   []byte
	scratch []byte
	names   []uint64
}

// Reset forgets the strings that were given out, so that their memory is used again.
func (p *Parser) Reset() { p.arena = p.arena[:0] }

// Inspect reads the top level of an event, which is all that the door must know: v is its text, scanned, and typ the
// type that it has when it names none. The event is reset first; its strings hold until Reset. The loader comes to
// the same verdict, for it calls the same function.
func (p *Parser) Inspect(v jsonscan.Value, typ string, e *Event) Verdict {
	e.reset()
	e.Raw = v.Raw
	if len(v.Raw) > MaxEventBytes {
		return tooLarge(v.Raw)
	}
	if v.Kind != jsonscan.Object {
		return refuse(NotAnObject, "an event is a JSON object; got %s", shorten(v.Raw))
	}
	if verdict := p.members(v, typ, e); !verdict.OK() {
		return verdict
	}
	return judge(e)
}

func (p *Parser) members(v jsonscan.Value, typ string, e *Event) Verdict {
	extra := p.build()
	var event, name named
	m := jsonscan.ValidMembers(v.Raw)
	for m.Next() {
		value := m.Value()
		if value.Kind == jsonscan.Null {
			continue
		}
		var field *string
		switch string(m.Key()) {
		case "type":
			field = &e.Type
		case "event":
			event.value, field = value, &event.text
		case "name":
			name.value, field = value, &name.text
		case "messageId":
			field = &e.MessageID
		case "userId":
			field = &e.UserID
		case "anonymousId":
			field = &e.AnonymousID
		case "groupId":
			field = &e.GroupID
		case "previousId":
			field = &e.PreviousID
		case "category":
			field = &e.Category
		case "properties":
			if e.Properties = p.object(value); e.Properties != nil {
				continue
			}
			e.Mark("properties:not_an_object")
		case "traits":
			if e.Traits = p.object(value); e.Traits != nil {
				continue
			}
			e.Mark("traits:not_an_object")
		case "context":
			if e.Context = p.object(value); e.Context != nil {
				continue
			}
			e.Mark("context:not_an_object")
		case "originalTimestamp":
			// What Rudder's SDKs send, and what wins where both stand.
			if t, ok := ParseTime(value); ok {
				e.OriginalTimestamp = t
				continue
			}
			e.Mark("timestamp:unreadable")
		case "timestamp":
			if t, ok := ParseTime(value); ok {
				if e.OriginalTimestamp == NoTime {
					e.OriginalTimestamp = t
				}
				continue
			}
			e.Mark("timestamp:unreadable")
		case "sentAt":
			if t, ok := ParseTime(value); ok {
				e.SentAt = t
				continue
			}
			e.Mark("sent_at:unreadable")
		case "writeKey":
			continue
		}
		if field == nil {
			extra.add(m.Key(), value)
			continue
		}
		text, ok := p.text(value)
		if !ok {
			return refuse(WrongKind, "%s must be a string; got %s", m.Key(), shorten(value.Raw))
		}
		*field = text
	}
	if e.Type == "" {
		e.Type = typ
	}
	first, second, key := event, name, "name"
	if e.Type != TypeTrack {
		first, second, key = name, event, "event"
	}
	if e.Name = first.text; e.Name == "" {
		e.Name = second.text
	} else if second.text != "" {
		extra.add([]byte(key), second.value)
	}
	e.Extra = extra.end()
	return Verdict{}
}

// named is a member that may be the event's name: "event" of a track, "name" of a page; the other one where that is
// not there, and else an extra.
type named struct {
	value jsonscan.Value
	text  string
}

// judge holds the rules that an event must keep to be loaded.
func judge(e *Event) Verdict {
	switch e.Type {
	case TypeTrack:
		if e.Name == "" {
			return refuse(MissingName, "a track event needs its name in \"event\"")
		}
	case TypePage, TypeScreen, TypeIdentify, TypeGroup, TypeAlias:
	case "":
		return refuse(MissingType, "an event needs a \"type\"")
	default:
		return refuse(UnknownType, "type must be track, page, screen, identify, group or alias; got %s", shorten([]byte(e.Type)))
	}
	if e.UserID == "" && e.AnonymousID == "" {
		return refuse(MissingID, "an event needs a userId or an anonymousId")
	}
	if len(e.MessageID) > MaxMessageIDBytes {
		return refuse(MessageIDTooLong, "messageId is %d bytes at most; got %d", MaxMessageIDBytes, len(e.MessageID))
	}
	return Verdict{}
}

// Parse reads an event whole: Inspect, then what the request and the context know of it.
func (p *Parser) Parse(v jsonscan.Value, req *Request, e *Event) Verdict {
	verdict := p.Inspect(v, req.Type, e)
	e.Request = req
	e.ReceivedAt = req.ReceivedAt
	if !verdict.OK() {
		return verdict
	}
	if e.SentAt == NoTime && req.SentAt != nil {
		if sent, _, err := jsonscan.Scan(req.SentAt, MaxDepth); err == nil {
			e.SentAt, _ = ParseTime(sent)
		}
	}
	e.Context = p.merge(e.Context, req.Context)
	if req.Integrations != nil {
		extra := p.build()
		extra.add([]byte("integrations"), jsonscan.Value{Kind: jsonscan.Object, Raw: req.Integrations})
		e.Extra = p.merge(e.Extra, extra.end())
	}
	p.context(e)
	p.properties(e)
	return verdict
}

// PropertySet is the object whose members are an event's columns in its typed view: the traits of identify and
// group, the properties of all else.
func (e *Event) PropertySet() []byte {
	if e.Type == TypeIdentify || e.Type == TypeGroup {
		return e.Traits
	}
	return e.Properties
}

// PropertyKind is the kind of a property's value.
type PropertyKind byte

// The kinds of property.
const (
	KindNone    PropertyKind = 0 // null: no kind at all
	KindString  PropertyKind = 's'
	KindInteger PropertyKind = 'i'
	KindNumber  PropertyKind = 'n'
	KindBoolean PropertyKind = 'b'
	KindObject  PropertyKind = 'o'
	KindArray   PropertyKind = 'a'
)

// String gives the kind's name, as the catalog keeps it.
func (k PropertyKind) String() string {
	switch k {
	case KindString:
		return "string"
	case KindInteger:
		return "integer"
	case KindNumber:
		return "number"
	case KindBoolean:
		return "boolean"
	case KindObject:
		return "object"
	case KindArray:
		return "array"
	default:
		return ""
	}
}

// ParsePropertyKind reads a kind's name; KindNone when it is none.
func ParsePropertyKind(name string) PropertyKind {
	for _, k := range []PropertyKind{KindString, KindInteger, KindNumber, KindBoolean, KindObject, KindArray} {
		if k.String() == name {
			return k
		}
	}
	return KindNone
}

// KindOf tells a value's kind; a number is an integer when it is written as one that an int64 holds.
func KindOf(v jsonscan.Value) PropertyKind {
	switch v.Kind {
	case jsonscan.String:
		return KindString
	case jsonscan.Number:
		if _, ok := v.Int(); ok {
			return KindInteger
		}
		return KindNumber
	case jsonscan.True, jsonscan.False:
		return KindBoolean
	case jsonscan.Object:
		return KindObject
	case jsonscan.Array:
		return KindArray
	default:
		return KindNone
	}
}

// properties computes the event's shape, and takes the page of a page call from its properties where the context
// names none, as the server SDKs send it.
func (p *Parser) properties(e *Event) {
	set := e.PropertySet()
	if set == nil {
		return
	}
	page := e.Type == TypePage && e.Page == Page{}
	shape := uint64(0)
	m := jsonscan.ValidMembers(set)
	for m.Next() {
		v := m.Value()
		kind := KindOf(v)
		if kind == KindNone {
			continue
		}
		shape = (shape^xxh3.Hash(m.Key())^uint64(kind))*0x9E3779B97F4A7C15 + 1
		if page && kind == KindString {
			switch string(m.Key()) {
			case "url":
				e.Page.URL, _ = p.text(v)
			case "path":
				e.Page.Path, _ = p.text(v)
			case "search":
				e.Page.Search, _ = p.text(v)
			case "title":
				e.Page.Title, _ = p.text(v)
			case "referrer":
				e.Page.Referrer, _ = p.text(v)
			}
		}
	}
	e.Shape = shape
}

// text gives the value of a string, or a number or boolean as it is written; false: it is neither. A NUL, which some
// warehouses' text cannot hold, becomes U+FFFD.
func (p *Parser) text(v jsonscan.Value) (string, bool) {
	switch v.Kind {
	case jsonscan.String:
		if v.Flags&(jsonscan.Escaped|jsonscan.InvalidUTF8) == 0 {
			return view(v.Raw[1 : len(v.Raw)-1]), true
		}
		start := len(p.arena)
		p.arena = v.AppendString(p.arena)
		if v.Flags&jsonscan.NUL != 0 {
			p.arena = append(p.arena[:start], bytes.ReplaceAll(p.arena[start:], []byte{0}, []byte("\ufffd"))...)
		}
		return view(p.arena[start:]), true
	case jsonscan.Number, jsonscan.True, jsonscan.False:
		return view(v.Raw), true
	default:
		return "", false
	}
}

// unclean are the things in a JSON text that some warehouse refuses.
const unclean = jsonscan.NonFinite | jsonscan.LoneSurrogate | jsonscan.InvalidUTF8

// object gives an object's strict text; nil: it is no object.
func (p *Parser) object(v jsonscan.Value) []byte {
	if v.Kind != jsonscan.Object {
		return nil
	}
	if v.Flags&unclean == 0 {
		return v.Raw
	}
	start := len(p.arena)
	p.arena = jsonscan.AppendClean(p.arena, v.Raw)
	return p.arena[start:len(p.arena):len(p.arena)]
}

// merge gives the members of over, and those of under whose names over lacks. Both are objects or nil.
func (p *Parser) merge(over, under []byte) []byte {
	switch {
	case under == nil:
		return over
	case over == nil:
		return under
	}
	// Names are compared by sorted 64-bit hashes, so that two objects of thousands of members cost no more than
	// two of ten do.
	names := p.names[:0]
	merged := p.build()
	top := jsonscan.ValidMembers(over)
	for top.Next() {
		names = append(names, xxh3.Hash(top.Key()))
		merged.add(top.Key(), top.Value())
	}
	slices.Sort(names)
	low := jsonscan.ValidMembers(under)
	for low.Next() {
		if _, has := slices.BinarySearch(names, xxh3.Hash(low.Key())); !has {
			merged.add(low.Key(), low.Value())
		}
	}
	p.names = names
	return merged.end()
}

// objectBuilder writes a JSON object in the parser's scratch memory; one is at work at a time.
type objectBuilder struct{ p *Parser }

func (p *Parser) build() objectBuilder {
	p.scratch = p.scratch[:0]
	return objectBuilder{p}
}

func (b objectBuilder) add(key []byte, v jsonscan.Value) {
	text := b.p.scratch
	if len(text) == 0 {
		text = append(text, '{')
	} else {
		text = append(text, ',')
	}
	text = append(jsonscan.AppendQuoted(text, view(key)), ':')
	if v.Flags&unclean == 0 {
		text = append(text, v.Raw...)
	} else {
		text = jsonscan.AppendClean(text, v.Raw)
	}
	b.p.scratch = text
}

// end gives the object's text, moved into the arena; nil when nothing was added.
func (b objectBuilder) end() []byte {
	if len(b.p.scratch) == 0 {
		return nil
	}
	start := len(b.p.arena)
	b.p.arena = append(append(b.p.arena, b.p.scratch...), '}')
	return b.p.arena[start:len(b.p.arena):len(b.p.arena)]
}

// view is b as a string without a copy: it holds as long as b is not written again.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
