package jsonscan

import "unicode/utf8"

// AppendClean appends to dst the same JSON text as strict JSON that every database takes: null for non-finite numbers, U+FFFD
// for lone surrogates and for bytes that are no UTF-8, escapes for raw control characters in strings, and no insignificant
// white space. Numbers, the order of keys, duplicates and valid escapes, \u0000 among them, stay as they are. raw is one value
// that Scan accepts, or would but for raw control characters in strings; of anything else the result is unspecified.
func AppendClean(dst, raw []byte) []byte {
	kept := 0 // raw[kept:i] is good as it is and not appended yet
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '"':
			end, flags, f := scanString(raw, i+1)
			if f == none && flags&(LoneSurrogate|InvalidUTF8) == 0 {
				i = end
				continue
			}
			dst = append(dst, raw[kept:i+1]...)
			dst, i = appendRepaired(dst, raw, i+1)
			kept = i
		case c <= ' ':
			dst = append(dst, raw[kept:i]...)
			i = max(skipSpaces(raw, i), i+1)
			kept = i
		case c == 'N' || c == 'I' || c == '-' && i+1 < len(raw) && raw[i+1] == 'I':
			dst = append(dst, raw[kept:i]...)
			dst = append(dst, "null"...)
			for i < len(raw) && isWord(raw[i]) {
				i++
			}
			kept = i
		default:
			i++
		}
	}
	return append(dst, raw[kept:]...)
}

// appendRepaired appends the string whose opening quote is before raw[i], up to and with its closing quote, and returns what
// follows it.
func appendRepaired(dst, raw []byte, i int) ([]byte, int) {
	kept := i
	for i < len(raw) {
		c, n, instead := raw[i], 1, ""
		switch {
		case c == '"':
			return append(dst, raw[kept:i+1]...), i + 1
		case c == '\\':
			n = min(2, len(raw)-i)
			if n == 2 && raw[i+1] == 'u' {
				r, end := unicodeEscape(raw, i)
				n = end - i
				if r >= 0 && !utf8.ValidRune(r) {
					instead = replacement
				}
			}
		case c < ' ':
			dst = append(dst, raw[kept:i]...)
			dst = appendControl(dst, c)
			kept = i + 1
		case c >= utf8.RuneSelf:
			var r rune
			if r, n = utf8.DecodeRune(raw[i:]); r == utf8.RuneError && n == 1 {
				instead = replacement
			}
		}
		if instead != "" {
			dst = append(dst, raw[kept:i]...)
			dst = append(dst, instead...)
			kept = i + n
		}
		i += n
	}
	return append(dst, raw[kept:]...), i
}

// appendControl appends the escape of a control character.
func appendControl(dst []byte, c byte) []byte {
	switch c {
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// AppendQuoted appends s as a JSON string to dst, with U+FFFD for every byte that is no UTF-8.
func AppendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	kept := 0
	for i := 0; i < len(s); {
		c, n := s[i], 1
		switch {
		case c >= utf8.RuneSelf:
			var r rune
			if r, n = utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && n == 1 {
				dst = append(dst, s[kept:i]...)
				dst = append(dst, replacement...)
				kept = i + 1
			}
		case c == '"' || c == '\\':
			dst = append(dst, s[kept:i]...)
			dst = append(dst, '\\', c)
			kept = i + 1
		case c < ' ':
			dst = append(dst, s[kept:i]...)
			dst = appendControl(dst, c)
			kept = i + 1
		}
		i += n
	}
	dst = append(dst, s[kept:]...)
	return append(dst, '"')
}
