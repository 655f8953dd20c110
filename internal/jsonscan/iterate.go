package jsonscan

// iteratorDepth is how deep the values that an iterator validates may be nested: what encoding/json allows.
const iteratorDepth = 10_000

// cursor walks the values of one container.
type cursor struct {
	b       []byte
	i       int // what comes next
	value   Value
	err     error
	trusted bool // the text was scanned before
	started bool // past the opening bracket
	ended   bool // past the closing bracket, or failed
}

// step moves to the text of the next member or element and reports whether there is one.
func (c *cursor) step(open, close byte, wrong, unended fault) bool {
	if c.ended {
		return false
	}
	i := skipSpace(c.b, c.i)
	if !c.started {
		c.started = true
		if i >= len(c.b) || c.b[i] != open {
			return c.fail(wrong.orCutOff(c.b, i), i)
		}
		i = skipSpace(c.b, i+1)
		if i >= len(c.b) || c.b[i] != close {
			c.i = i
			return true
		}
	}
	if i >= len(c.b) {
		return c.fail(cutOff, i)
	}
	switch c.b[i] {
	case ',':
		c.i = skipSpace(c.b, i+1)
		return true
	case close:
		c.i, c.ended, c.value = i+1, true, Value{}
		return false
	}
	return c.fail(unended, i)
}

// read takes the value at c.i.
func (c *cursor) read() bool {
	kind, flags, end, f := Invalid, Flags(0), c.i, cutOff
	if c.i < len(c.b) {
		switch first := c.b[c.i]; {
		case first == '"':
			kind = String
			end, flags, f = scanString(c.b, c.i+1)
		case first != '{' && first != '[':
			kind, flags, end, f = scanScalar(c.b, c.i)
		case c.trusted:
			kind, flags, end, f = skip(c.b, c.i)
		default:
			kind, flags, end, f = scan(c.b, c.i, iteratorDepth)
		}
	}
	if f != none {
		return c.fail(f, end)
	}
	c.value = Value{Kind: kind, Flags: flags, Raw: c.b[c.i:end:end]}
	c.i = end
	return true
}

func (c *cursor) fail(f fault, offset int) bool {
	c.err, c.ended, c.value = f.at(offset), true, Value{}
	return false
}

func (c *cursor) rest() []byte {
	if !c.ended || c.err != nil {
		return nil
	}
	return c.b[c.i:]
}

// skip returns the end of the container at b[i], which is known to be valid, and its flags.
func skip(b []byte, i int) (kind Kind, flags Flags, end int, f fault) {
	kind = Object
	if b[i] == '[' {
		kind = Array
	}
	for depth := 0; i < len(b); {
		switch b[i] {
		case '"':
			var more Flags
			if i, more, f = scanString(b, i+1); f != none {
				return Invalid, 0, i, f
			}
			flags |= more
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return kind, flags, i + 1, none
			}
		case 'N', 'I':
			flags |= NonFinite
		}
		i++
	}
	return Invalid, 0, i, cutOff
}

// Members iterates over the members of an object, in their order, duplicates included.
type Members struct {
	cursor
	key []byte
	buf []byte // holds keys that aren't written as they are
}

// NewMembers iterates over the object that raw begins with, white space before it allowed, and validates it on the way: what
// Next has passed is valid JSON. Values nested deeper than 10,000 are ErrDepth. Offsets of errors count from the start of raw.
func NewMembers(raw []byte) Members { return Members{cursor: cursor{b: raw}} }

// ValidMembers is NewMembers for a text that Scan has accepted; it trusts the inside of nested containers.
func ValidMembers(raw []byte) Members { return Members{cursor: cursor{b: raw, trusted: true}} }

// Next moves to the next member. It returns false at the end of the object and at the first error, which Err tells apart.
func (m *Members) Next() bool {
	if !m.step('{', '}', noObject, noObjectEnd) {
		return false
	}
	if m.i >= len(m.b) || m.b[m.i] != '"' {
		return m.fail(noKey.orCutOff(m.b, m.i), m.i)
	}
	end, flags, f := scanString(m.b, m.i+1)
	if f != none {
		return m.fail(f, end)
	}
	m.key = m.b[m.i+1 : end-1 : end-1]
	if flags&(Escaped|InvalidUTF8) != 0 {
		m.buf = appendUnescaped(m.buf[:0], m.key)
		m.key = m.buf
	}
	m.i = skipSpace(m.b, end)
	if m.i >= len(m.b) || m.b[m.i] != ':' {
		return m.fail(noColon.orCutOff(m.b, m.i), m.i)
	}
	m.i = skipSpace(m.b, m.i+1)
	return m.read()
}

// Key is the key of the current member, unescaped as by AppendString. It is valid until the next call of Next.
func (m *Members) Key() []byte { return m.key }

// Value is the value of the current member.
func (m *Members) Value() Value { return m.value }

// Offset is where the current value begins, counted from the start of the object's text.
func (m *Members) Offset() int { return m.i - len(m.value.Raw) }

// Err is what ended the iteration early: ErrDepth, a *SyntaxError, or nil.
func (m *Members) Err() error { return m.err }

// Rest is what follows the object, once Next has returned false without an error; nil before.
func (m *Members) Rest() []byte { return m.rest() }

// Elements iterates over the elements of an array.
type Elements struct {
	cursor
}

// NewElements iterates over the array that raw begins with, white space before it allowed, and validates it on the way: what
// Next has passed is valid JSON. Values nested deeper than 10,000 are ErrDepth. Offsets of errors count from the start of raw.
func NewElements(raw []byte) Elements { return Elements{cursor{b: raw}} }

// ValidElements is NewElements for a text that Scan has accepted; it trusts the inside of nested containers.
func ValidElements(raw []byte) Elements { return Elements{cursor{b: raw, trusted: true}} }

// Next moves to the next element. It returns false at the end of the array and at the first error, which Err tells apart.
func (e *Elements) Next() bool { return e.step('[', ']', noArray, noArrayEnd) && e.read() }

// Value is the current element.
func (e *Elements) Value() Value { return e.value }

// Err is what ended the iteration early: ErrDepth, a *SyntaxError, or nil.
func (e *Elements) Err() error { return e.err }

// Rest is what follows the array, once Next has returned false without an error; nil before.
func (e *Elements) Rest() []byte { return e.rest() }
