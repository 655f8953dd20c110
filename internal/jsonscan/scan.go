package jsonscan

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// fault says what is wrong with a text; its offset travels beside it. The hot functions return it in a register; it becomes
// an error, which allocates, only at the edge of the package.
type fault uint8

const (
	none fault = iota
	cutOff
	noValue
	badLiteral
	badNumber
	badControl
	badEscape
	badDelimiter
	noKey
	noColon
	noObjectEnd
	noArrayEnd
	noObject
	noArray
	tooDeep
)

// at makes f, found at offset, the error that callers see.
func (f fault) at(offset int) error {
	switch f {
	case tooDeep:
		return ErrDepth
	case cutOff:
		return &SyntaxError{offset, "the text ends within a value"}
	case noValue:
		return &SyntaxError{offset, "want a value"}
	case badLiteral:
		return &SyntaxError{offset, "no such literal"}
	case badNumber:
		return &SyntaxError{offset, "want a digit"}
	case badControl:
		return &SyntaxError{offset, "control character in a string must be escaped"}
	case badEscape:
		return &SyntaxError{offset, "no such escape in a string"}
	case badDelimiter:
		return &SyntaxError{offset, "want the end of the number or literal"}
	case noKey:
		return &SyntaxError{offset, "want a key in double quotes"}
	case noColon:
		return &SyntaxError{offset, "want a colon after the key"}
	case noObjectEnd:
		return &SyntaxError{offset, "want a comma or } after a member"}
	case noArrayEnd:
		return &SyntaxError{offset, "want a comma or ] after an element"}
	case noObject:
		return &SyntaxError{offset, "want an object"}
	default:
		return &SyntaxError{offset, "want an array"}
	}
}

// orCutOff is f, or cutOff when there is no byte at i that could be at fault.
func (f fault) orCutOff(b []byte, i int) fault {
	if i >= len(b) {
		return cutOff
	}
	return f
}

// scan validates the value that begins at b[i]. On a fault end is its offset.
//
// Which container is open on which level is a stack of bits, 1 for an object. The innermost 64 levels are in a register,
// those around them in spilled.
func scan(b []byte, i, maxDepth int) (kind Kind, flags Flags, end int, f fault) {
	var (
		buf     [8]uint64
		spilled = buf[:0]
		open    uint64
		depth   int
		more    Flags
	)
value:
	if i >= len(b) {
		return Invalid, 0, i, cutOff
	}
	switch b[i] {
	case '"':
		if i, more, f = scanString(b, i+1); f != none {
			return Invalid, 0, i, f
		}
		kind, flags = String, flags|more
	case '{', '[':
		if depth >= maxDepth {
			return Invalid, 0, i, tooDeep
		}
		if depth&63 == 0 && depth > 0 {
			spilled = append(spilled, open)
		}
		depth++
		open <<= 1
		if b[i] == '[' {
			i = skipSpace(b, i+1)
			if i < len(b) && b[i] == ']' {
				goto closed
			}
			goto value
		}
		open |= 1
		i = skipSpace(b, i+1)
		if i < len(b) && b[i] == '}' {
			goto closed
		}
		goto key
	default:
		if kind, more, i, f = scanScalar(b, i); f != none {
			return Invalid, 0, i, f
		}
		flags |= more
	}

after: // a value that ends before i
	if depth == 0 {
		return kind, flags, i, none
	}
	i = skipSpace(b, i)
	if open&1 == 0 {
		if i < len(b) {
			switch b[i] {
			case ',':
				i = skipSpace(b, i+1)
				goto value
			case ']':
				goto closed
			}
		}
		return Invalid, 0, i, noArrayEnd.orCutOff(b, i)
	}
	if i >= len(b) {
		return Invalid, 0, i, cutOff
	}
	switch b[i] {
	case ',':
		i = skipSpace(b, i+1)
		goto key
	case '}':
		goto closed
	}
	return Invalid, 0, i, noObjectEnd

key:
	if i >= len(b) || b[i] != '"' {
		return Invalid, 0, i, noKey.orCutOff(b, i)
	}
	if i, more, f = scanString(b, i+1); f != none {
		return Invalid, 0, i, f
	}
	flags |= more
	i = skipSpace(b, i)
	if i >= len(b) || b[i] != ':' {
		return Invalid, 0, i, noColon.orCutOff(b, i)
	}
	i = skipSpace(b, i+1)
	goto value

closed: // the innermost container, by the bracket at i
	kind = Array
	if open&1 != 0 {
		kind = Object
	}
	i++
	depth--
	open >>= 1
	if depth&63 == 0 && depth > 0 {
		open = spilled[len(spilled)-1]
		spilled = spilled[:len(spilled)-1]
	}
	goto after
}

// skipSpace returns the index of the first byte from i on that is no white space, or len(b).
func skipSpace(b []byte, i int) int {
	if i < len(b) && b[i] <= ' ' {
		return skipSpaces(b, i)
	}
	return i
}

func skipSpaces(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// scanScalar validates the number or literal at b[i], which is there.
func scanScalar(b []byte, i int) (kind Kind, flags Flags, end int, f fault) {
	switch c := b[i]; c {
	case 't':
		return scanLiteral(b, i, "true", True, 0)
	case 'f':
		return scanLiteral(b, i, "false", False, 0)
	case 'n':
		return scanLiteral(b, i, "null", Null, 0)
	case 'N':
		return scanLiteral(b, i, "NaN", Number, NonFinite)
	case 'I':
		return scanLiteral(b, i, "Infinity", Number, NonFinite)
	case '-':
		if i+1 < len(b) && b[i+1] == 'I' {
			return scanLiteral(b, i, "-Infinity", Number, NonFinite)
		}
	default:
		if c < '0' || c > '9' {
			return Invalid, 0, i, noValue
		}
	}
	end, f = scanNumber(b, i)
	return Number, 0, end, f
}

func scanLiteral(b []byte, i int, want string, kind Kind, flags Flags) (Kind, Flags, int, fault) {
	if len(b)-i >= len(want) && string(b[i:i+len(want)]) == want {
		return kind, flags, i + len(want), none
	}
	for k := range len(want) {
		if i+k >= len(b) {
			return Invalid, 0, len(b), cutOff
		}
		if b[i+k] != want[k] {
			return Invalid, 0, i + k, badLiteral
		}
	}
	return Invalid, 0, i, badLiteral
}

// scanNumber returns the end of the number at b[i], which is a digit or a minus sign.
func scanNumber(b []byte, i int) (end int, f fault) {
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if i, f = scanDigits(b, i); f != none {
		return i, f
	}
	if i < len(b) && b[i] == '.' {
		if i, f = scanDigits(b, i+1); f != none {
			return i, f
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return scanDigits(b, i)
	}
	return i, none
}

// scanDigits returns the end of the one or more digits at b[i].
func scanDigits(b []byte, i int) (end int, f fault) {
	start := i
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	if i == start {
		return i, badNumber.orCutOff(b, i)
	}
	return i, none
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// special returns a word whose lowest set bit is the high bit of the first byte of x, in little-endian order, that ends a
// run of plain text in a string: a quote, a backslash or a control character. Bits above the lowest may be set wrongly,
// since a borrow travels upwards only from a true hit. Bytes from 0x80 on are plain.
//
// Flipping 0x02 maps the quote onto 0x20, next to the control characters, so that one subtraction finds both.
func special(x uint64) uint64 {
	return (((x ^ 0x02*ones) - 0x21*ones) | ((x ^ '\\'*ones) - ones)) &^ x & highs
}

// scanString validates the string whose opening quote is before b[i] and returns what follows its closing quote.
func scanString(b []byte, i int) (end int, flags Flags, f fault) {
	start := i
	var seen uint64 // every byte, in any lane, and maybe some after the end: only a reason to look closer
	for {
		for i >= 0 && i <= len(b)-8 { // said so that the compiler sees that no bound needs a check
			x := binary.LittleEndian.Uint64(b[i:])
			seen |= x
			if hit := special(x); hit != 0 {
				i += bits.TrailingZeros64(hit) >> 3
				goto found
			}
			i += 8
		}
		for ; i < len(b); i++ {
			c := b[i]
			seen |= uint64(c)
			if c == '"' || c == '\\' || c < ' ' {
				goto found
			}
		}
		return i, 0, cutOff
	found:
		switch b[i] {
		case '"':
			if seen&highs != 0 && !utf8.Valid(b[start:i]) {
				flags |= InvalidUTF8
			}
			return i + 1, flags, none
		case '\\':
			var more Flags
			if i, more, f = scanEscape(b, i); f != none {
				return i, 0, f
			}
			flags |= more
		default:
			return i, 0, badControl
		}
	}
}

// scanEscape validates the escape, or the pair of escapes that make one character, whose backslash is b[i].
func scanEscape(b []byte, i int) (end int, flags Flags, f fault) {
	if i+1 >= len(b) {
		return len(b), 0, cutOff
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, Escaped, none
	case 'u':
		r, end := unicodeEscape(b, i)
		switch {
		case r < 0:
			return end, 0, badEscape.orCutOff(b, end)
		case r == 0:
			return end, Escaped | NUL, none
		case utf8.ValidRune(r):
			return end, Escaped, none
		default:
			return end, Escaped | LoneSurrogate, none
		}
	}
	return i + 1, 0, badEscape
}

// unicodeEscape reads the \uXXXX at b[i], and the one after it if both make a pair of surrogates. A lone surrogate is
// returned as it is. r is negative, and end the offset of the fault, when the escape is broken.
func unicodeEscape(b []byte, i int) (r rune, end int) {
	if r, end = hex4(b, i+2); r&^0x3ff != 0xd800 {
		return r, end
	}
	if end+1 < len(b) && b[end] == '\\' && b[end+1] == 'u' {
		if low, after := hex4(b, end+2); low&^0x3ff == 0xdc00 {
			return (r&0x3ff)<<10 | low&0x3ff + 0x10000, after
		}
	}
	return r, end
}

// hex4 reads four hexadecimal digits; r is negative, and end the offset of the first byte that is none, when there are fewer.
func hex4(b []byte, i int) (r rune, end int) {
	for end = i; end < i+4; end++ {
		if end >= len(b) {
			return -1, len(b)
		}
		c := b[end]
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20-'a' <= 5:
			c = c | 0x20 - 'a' + 10
		default:
			return -1, end
		}
		r = r<<4 | rune(c)
	}
	return r, end
}
