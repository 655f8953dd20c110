// Package jsonscan reads JSON in place: one pass, no tree, no recursion and no allocation. It validates a text, cuts it into
// raw values that alias the input, and says of each what a strict consumer would choke on, so that the caller can hand most
// texts on unaltered and clean only the few that need it.
//
// The grammar is RFC 8259 with one addition, NaN, Infinity and -Infinity where a number may stand, because Python's
// json.dumps writes them. Strings may hold bytes that are no UTF-8 and escapes of lone surrogates, as with encoding/json.
// Whatever is tolerated is flagged.
package jsonscan

import (
	"errors"
	"fmt"
)

// Kind says what a value is.
type Kind uint8

// The kinds of a value. Invalid is the kind of the zero Value.
const (
	Invalid Kind = iota
	Null
	False
	True
	Number
	String
	Object
	Array
)

// Flags is a bit set that says what a text holds that a strict consumer would choke on.
type Flags uint8

const (
	// Escaped: a string or a key has a backslash in it, so its text is not the value itself.
	Escaped Flags = 1 << iota
	// NonFinite: NaN, Infinity or -Infinity stood where a number may stand.
	NonFinite
	// LoneSurrogate: half of a UTF-16 pair was escaped without its partner, as in "\ud800".
	LoneSurrogate
	// NUL: \u0000 was escaped, which is JSON and which Postgres and Redshift refuse.
	NUL
	// InvalidUTF8: a string or a key holds bytes that are no UTF-8.
	InvalidUTF8
)

// Value is one JSON value in place.
type Value struct {
	Kind  Kind
	Flags Flags  // of a container: the union over all that is in it, keys included
	Raw   []byte // the value's text without the white space around it, aliasing the input
}

// SyntaxError says where a text stops being JSON.
type SyntaxError struct {
	Offset int    // of the offending byte, from the start of the text that was given; its length when the text is cut off
	Msg    string // what is wrong there
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("invalid JSON at byte %d: %s", e.Offset, e.Msg)
}

// ErrDepth means that containers are nested deeper than the caller allows.
var ErrDepth = errors.New("invalid JSON: nested too deep")

// Scan reads the one value at the start of b, white space before it allowed, and validates all of it. A scalar has depth 0,
// [] has depth 1; anything deeper than maxDepth is ErrDepth. Any other err is a *SyntaxError. The rest is what follows the
// value, untouched: white space, the next value of a sequence, or garbage that the caller must refuse. Only a number or a
// literal that runs into further text, such as 01 or truth, is refused here, because it isn't a value at all.
//
// Scan allocates nothing for a text without error unless it is nested deeper than 576.
func Scan(b []byte, maxDepth int) (v Value, rest []byte, err error) {
	i := skipSpace(b, 0)
	kind, flags, end, f := scan(b, i, maxDepth)
	if f == none && kind <= Number && end < len(b) && isWord(b[end]) {
		f = badDelimiter
	}
	if f != none {
		return Value{}, nil, f.at(end)
	}
	return Value{Kind: kind, Flags: flags, Raw: b[i:end:end]}, b[end:], nil
}

// isWord reports whether c right after a number or a literal would belong to it.
func isWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '.' || c == '+' || c == '-' || c == '_' || c >= 0x80
}
