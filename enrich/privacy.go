package enrich

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
)

// IPPolicy is what is kept of the addresses of clients.
type IPPolicy string

// The policies.
const (
	TruncateIP IPPolicy = "truncate" // the network: /24 of IPv4, /48 of IPv6
	DropIP     IPPolicy = "drop"     // nothing
	KeepIP     IPPolicy = "keep"     // all
)

// The members of the stored JSON that hold the client's address: in the context by Segment's spec, and beside it in what
// RudderStack puts on a stream.
var (
	inContext = [...]string{"ip"}
	inExtra   = [...]string{"ip", "request_ip"}
)

// privacy takes the client's address away, from the event and from the JSON that is stored with it. It fails closed:
// what it has not come to is gone.
type privacy struct {
	policy    IPPolicy
	addresses *addresses
	memory    *arena
}

func (p privacy) apply(e *event.Event) error {
	if p.policy == KeepIP {
		return nil
	}
	ip, context, extra := e.IP, e.Context, e.Extra
	e.IP, e.Context, e.Extra = "", nil, nil
	if e.IP = p.reduce(ip); e.IP == "" && ip != "" && p.policy == TruncateIP {
		mark(e, "ip:unreadable")
	}
	e.Context = p.scrub(context, inContext[:])
	e.Extra = p.scrub(extra, inExtra[:])
	return nil
}

// reduce gives what may be kept of an address; "": nothing, or it is no address.
func (p privacy) reduce(ip string) string {
	if ip == "" || p.policy == DropIP {
		return ""
	}
	return p.addresses.known.get(ip).network
}

// scrub gives an object with its members of these names reduced, or without them where nothing may be kept. The text
// itself stays as it is, for the events of one request may share it: what is altered is a copy.
func (p privacy) scrub(object []byte, names []string) []byte {
	if len(object) < len(`{"ip":0}`) || !mayHold(object) {
		return object
	}
	start, copied := len(p.memory.b), 0
	m := jsonscan.ValidMembers(object)
	for m.Next() {
		if !slices.Contains(names, string(m.Key())) {
			continue
		}
		v := m.Value()
		network := ""
		if v.Kind == jsonscan.String {
			network = p.reduce(view(v.Raw[1 : len(v.Raw)-1]))
		}
		if network == "" {
			p.memory.b = p.memory.b[:start]
			return p.without(object, names)
		}
		// What stands before the value is copied as it is, white space too.
		p.memory.b = jsonscan.AppendQuoted(append(p.memory.b, object[copied:m.Offset()]...), network)
		copied = m.Offset() + len(v.Raw)
	}
	if copied == 0 {
		return object
	}
	p.memory.b = append(p.memory.b, object[copied:]...)
	return p.memory.b[start:len(p.memory.b):len(p.memory.b)]
}

// without gives a copy of an object that lacks the members of these names.
func (p privacy) without(object []byte, names []string) []byte {
	start := len(p.memory.b)
	out := append(p.memory.b, '{')
	m := jsonscan.ValidMembers(object)
	for m.Next() {
		if slices.Contains(names, string(m.Key())) {
			continue
		}
		if len(out) > start+1 {
			out = append(out, ',')
		}
		out = append(append(jsonscan.AppendQuoted(out, view(m.Key())), ':'), m.Value().Raw...)
	}
	p.memory.b = append(out, '}')
	return p.memory.b[start:len(p.memory.b):len(p.memory.b)]
}

// mayHold tells, without reading it as JSON, whether an object can have a member whose name ends in ip: few do, and the
// others need not be read. A name may be written with escapes, as in "\u0069p".
//
// This is the larger part of what privacy costs an event, hence the way it searches: sixteen bytes at a time for an i
// that a p follows. In x and y a byte is zero where one is, and only there or right above one does the arithmetic, which
// is that of the C library's strlen, set a high bit.
func mayHold(object []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	rest := object
	for len(rest) >= 18 {
		x := binary.LittleEndian.Uint64(rest) ^ 'i'*ones | binary.LittleEndian.Uint64(rest[1:]) ^ 'p'*ones
		y := binary.LittleEndian.Uint64(rest[8:]) ^ 'i'*ones | binary.LittleEndian.Uint64(rest[9:]) ^ 'p'*ones
		if ((x-ones)&^x|(y-ones)&^y)&highs != 0 && bytes.Contains(rest[:18], []byte(`ip"`)) {
			return true
		}
		rest = rest[16:]
	}
	return bytes.Contains(rest, []byte(`ip"`)) || bytes.Contains(object, []byte(`\u00`))
}
