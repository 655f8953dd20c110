package enrich

import (
	"strings"
	"unicode/utf8"
	"unsafe"
)

// arena holds the texts that steps make up, until reset. Growing leaves what was given out where it is.
type arena struct{ b []byte }

// maxArena is the memory that is kept from record to record.
const maxArena = 8 << 20

func (a *arena) reset() {
	if cap(a.b) > maxArena {
		a.b = nil
	}
	a.b = a.b[:0]
}

// since gives what was appended to the arena from start on.
func (a *arena) since(start int) string { return view(a.b[start:]) }

// view is b as a string without a copy: it holds as long as b is not written again.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// lower gives s with its ASCII letters in lower case; s itself where they are.
func (a *arena) lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			start := len(a.b)
			a.b = append(a.b, s...)
			for j := start + i; j < len(a.b); j++ {
				if c := a.b[j]; 'A' <= c && c <= 'Z' {
					a.b[j] = c | 0x20
				}
			}
			return a.since(start)
		}
	}
	return s
}

// unescape decodes a value of a URL's query; s itself where there is nothing to decode. Broken escapes and those of
// control characters, which no warehouse wants in a text, stay as they are.
func (a *arena) unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	start := len(a.b)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(s):
			high, low := unhex(s[i+1]), unhex(s[i+2])
			if d := high<<4 | low; high < 16 && low < 16 && d >= ' ' && d != 0x7f {
				c = d
				i += 2
			}
		}
		a.b = append(a.b, c)
	}
	text := a.since(start)
	if !utf8.ValidString(text) {
		return strings.ToValidUTF8(text, "\uFFFD")
	}
	return text
}

// unhex gives the value of a hexadecimal digit; 16 when it is none.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	default:
		return 16
	}
}

// cache remembers what compute gives for a key, for at most twice limit keys: when the young generation is full it
// becomes the old one, and the old one, but for the keys that were asked for since, is forgotten.
type cache[V any] struct {
	limit      int
	longest    int // bytes of a key that count
	compute    func(key string) V
	young, old map[string]*remembered[V]
	last       *remembered[V] // mostly asked for again, by the next step or the next event
}

type remembered[V any] struct {
	key   string
	value V
}

func newCache[V any](limit, longest int, compute func(key string) V) *cache[V] {
	return &cache[V]{limit: limit, longest: longest, compute: compute, young: map[string]*remembered[V]{}}
}

// get gives the value of key, of which only the longest first bytes count. key may be of passing memory: what is
// remembered, and what compute gets, is a copy.
func (c *cache[V]) get(key string) *V {
	if len(key) > c.longest {
		key = strings.ToValidUTF8(key[:c.longest], "")
	}
	if c.last != nil && c.last.key == key {
		return &c.last.value
	}
	r, ok := c.young[key]
	if !ok {
		if r, ok = c.old[key]; !ok {
			key = strings.Clone(key)
			r = &remembered[V]{key, c.compute(key)}
		}
		if len(c.young) >= c.limit {
			c.old, c.young = c.young, map[string]*remembered[V]{}
		}
		c.young[r.key] = r
	}
	c.last = r
	return &r.value
}
