package jsonscan

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf8"
)

// replacement stands in for what is no character.
const replacement = string(utf8.RuneError)

// AppendString appends the value of a string, unescaped, to dst: always valid UTF-8, with U+FFFD for every lone surrogate and
// for every byte that is no UTF-8. It appends nothing for a value of another kind.
func (v Value) AppendString(dst []byte) []byte {
	if v.Kind != String || len(v.Raw) < 2 {
		return dst
	}
	s := v.Raw[1 : len(v.Raw)-1]
	if v.Flags&(Escaped|InvalidUTF8) == 0 {
		return append(dst, s...)
	}
	return appendUnescaped(dst, s)
}

// appendUnescaped appends what the text between the quotes of a valid string stands for.
func appendUnescaped(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 || i+1 >= len(s) {
			return appendUTF8(dst, s)
		}
		dst = appendUTF8(dst, s[:i])
		if c := s[i+1]; c != 'u' {
			dst = append(dst, unescape(c))
			s = s[i+2:]
			continue
		}
		r, end := unicodeEscape(s, i)
		dst = utf8.AppendRune(dst, r)
		s = s[end:]
	}
}

// unescape is the character that a backslash and c stand for.
func unescape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// appendUTF8 appends s, with U+FFFD for every byte that is no UTF-8.
func appendUTF8(dst, s []byte) []byte {
	for !utf8.Valid(s) {
		n := invalidUTF8(s)
		dst = append(dst, s[:n]...)
		dst = append(dst, replacement...)
		s = s[n+1:]
	}
	return append(dst, s...)
}

// invalidUTF8 is the index of the first byte of s that is no UTF-8, or len(s).
func invalidUTF8(s []byte) int {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRune(s[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(s)
}

// Int is the value of a number that is a whole one and fits, however it is written: 12, 1.2e1 and 12.0 are 12. It is
// exact, and false for every other number or kind.
func (v Value) Int() (int64, bool) {
	if v.Kind != Number || v.Flags&NonFinite != 0 {
		return 0, false
	}
	s, negative := v.Raw, false
	if len(s) > 0 && s[0] == '-' {
		s, negative = s[1:], true
	}
	// The number is mantissa × 10^exponent, where the mantissa doesn't end in 0, so that a negative exponent means a
	// fraction. Zeros wait until a digit after them makes them count.
	var mantissa uint64
	var exponent, zeros int64
	fraction := false
	for i, c := range s {
		if c == '.' {
			fraction = true
			continue
		}
		if c|0x20 == 'e' {
			exponent += parseExponent(s[i+1:])
			break
		}
		if fraction {
			exponent--
		}
		if c == '0' {
			zeros++
			continue
		}
		for ; zeros > 0 && mantissa > 0; zeros-- {
			if mantissa > math.MaxInt64/10 {
				return 0, false
			}
			mantissa *= 10
		}
		zeros = 0
		if mantissa > math.MaxInt64/10 {
			return 0, false
		}
		mantissa = mantissa*10 + uint64(c-'0')
	}
	if mantissa == 0 {
		return 0, true
	}
	if exponent += zeros; exponent < 0 || exponent > 18 {
		return 0, false
	}
	for ; exponent > 0; exponent-- {
		if mantissa > math.MaxInt64/10 {
			return 0, false
		}
		mantissa *= 10
	}
	switch {
	case negative && mantissa <= -math.MinInt64:
		return int64(-mantissa), true
	case !negative && mantissa <= math.MaxInt64:
		return int64(mantissa), true
	}
	return 0, false
}

// parseExponent is the value of the digits, and the sign before them, that follow the e of a number; capped where no text
// could be long enough to make up for it.
func parseExponent(s []byte) int64 {
	n, negative := int64(0), false
	for _, c := range s {
		switch {
		case c == '-':
			negative = true
		case c != '+' && n < 1<<50:
			n = n*10 + int64(c-'0')
		}
	}
	if negative {
		return -n
	}
	return n
}

// Float is the float64 nearest to a number. It is false for NaN, Infinity and -Infinity, for a number beyond the range of
// float64, and for other kinds.
func (v Value) Float() (float64, bool) {
	if v.Kind != Number || v.Flags&NonFinite != 0 {
		return 0, false
	}
	n, err := strconv.ParseFloat(string(v.Raw), 64)
	return n, err == nil
}
