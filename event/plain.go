package event

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/spoorhq/spoor/internal/jsonscan"
)

// plainMember is the last member of an event that was written as plain JSON: its request line, with all that only the
// door knows. It is the last, so that it is found without reading the event, and taken off again. In an aggregated record
// it is plainSame, where the event before it was in the same request.
const (
	plainMember = `"_spoor":`
	plainSame   = `{}`
)

// PlainEvent is an event as plain JSON. It is good until the function that it is given to returns.
type PlainEvent struct {
	Person  string // the userId, or else the anonymousId
	Request int    // which of the writer's requests it was in
	text    []byte // up to where the plain member goes
	line    []byte // the request's
}

// AppendTo writes the event. follows: it comes within one record behind another event of its request.
func (p PlainEvent) AppendTo(dst []byte, follows bool) []byte {
	dst = append(append(dst, p.text...), plainMember...)
	if follows {
		return append(append(dst, plainSame...), '}')
	}
	return append(append(dst, p.line...), '}')
}

// Plain gives the events one by one as plain JSON, for whoever reads the stream beside Spoor: each as the client sent it,
// with a messageId, with its type, and with what the door knows. What is no JSON object comes within one. The writer is
// empty afterwards.
func (w *RecordWriter) Plain(h Header, give func(PlainEvent)) {
	var parser Parser
	var e Event
	var p PlainEvent
	rest, index := w.body, 0
	next := func() []byte {
		line, after, _ := bytes.Cut(rest, []byte{'\n'})
		rest = after
		return line
	}
	for len(rest) > 0 {
		line := next()
		req, err := parser.parseRequest(line)
		if err != nil {
			break // it was written by Add
		}
		p.Request++
		p.line = line
		if at := bytes.LastIndex(line, []byte(`,"events":`)); at > 0 {
			p.line = append(line[:at:at], '}') // how many there were is of no use in an event
		}
		for range req.Events {
			raw := bytes.TrimSpace(next())
			parser.Reset()
			e.reset()
			p.text = appendPlain(p.text[:0], &parser, &e, raw, req.Type, func(dst []byte) []byte {
				dst = append(append(append(dst, h.Boot...), ':'), strconv.FormatUint(h.Seq, 10)...)
				return strconv.AppendInt(append(dst, ':'), int64(index), 10)
			})
			if p.Person = e.UserID; p.Person == "" {
				p.Person = e.AnonymousID
			}
			give(p)
			index++
		}
	}
	w.body, w.accepted, w.events = w.body[:0], w.accepted[:0], 0
}

// appendPlain writes an event up to where the plain member goes.
func appendPlain(dst []byte, parser *Parser, e *Event, raw []byte, typ string, id func([]byte) []byte) []byte {
	v, verdict := Scan(raw)
	if !verdict.OK() || v.Kind != jsonscan.Object {
		return append(jsonscan.AppendQuoted(append(dst, `{"refused":`...), string(raw)), ',')
	}
	fit := parser.Inspect(v, typ, e).OK()
	named := e.Type == typ && typ != "" && !names(v, "type")
	dst = bytes.TrimRight(append(dst, v.Raw[:len(v.Raw)-1]...), " \t")
	comma := func() {
		if len(dst) > 0 && dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
	}
	before := len(dst)
	if named {
		comma()
		dst = jsonscan.AppendQuoted(append(dst, `"type":`...), typ)
	}
	if fit && e.MessageID == "" {
		comma()
		dst = append(id(append(dst, `"messageId":"`...)), '"')
	}
	if len(dst)+1 > MaxEventBytes {
		// What was added must not make the event too large: the loader finds a type and an id for it too.
		dst = dst[:before]
	}
	comma()
	return dst
}

// names tells whether an object has a member of that name that is not null.
func names(v jsonscan.Value, name string) bool {
	m := jsonscan.ValidMembers(v.Raw)
	for m.Next() {
		if string(m.Key()) == name && m.Value().Kind != jsonscan.Null {
			return true
		}
	}
	return false
}

// plainRequest finds what a door has added to a foreign event, and gives the event without it. Not ok: nothing was added.
// The time at which the stream took the record stays the time at which the event was received, for what was loaded up to
// then is known by that.
func (r *RecordReader) plainRequest(raw []byte) (text []byte, request *Request, ok bool) {
	at := bytes.LastIndex(raw, []byte(plainMember))
	if at < 1 || raw[len(raw)-1] != '}' {
		return nil, nil, false
	}
	line := raw[at+len(plainMember) : len(raw)-1]
	if string(line) == plainSame {
		if r.doorRequest == nil {
			return nil, nil, false
		}
	} else if !bytes.Equal(line, r.doorLine) || r.doorRequest == nil {
		request, err := r.parser.parseRequest(line)
		if err != nil {
			return nil, nil, false
		}
		if request.Source == "" {
			request.Source = r.origin.Source
		}
		r.doorLine, r.doorRequest = slices.Clone(line), request
	}
	r.doorRequest.ReceivedAt = r.origin.Time
	text = bytes.TrimRight(raw[:at], ", \t\r\n")
	return append(slices.Clip(text), '}'), r.doorRequest, true
}
