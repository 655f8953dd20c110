package pgsql

import "strings"

// NUL stands in no text of these servers, and JSON that spells it is taken in and then fails every query that meets it.
// So the character escape, the last of those for private use, introduces it: followed by 0 it is NUL in a text, by u
// the six characters \u0000 in a JSON text, and by e itself. Nothing else follows it.
const (
	escape     = "\U0010FFFD"
	textNUL    = escape + "0"
	jsonNUL    = escape + "u"
	itself     = escape + "e"
	spelledNUL = `\u0000`

	// Numbers that a server might change go as JSON strings with a mark in front; see Decode.
	NumberExact = escape + "n" // more digits than a double holds
	NumberLarge = escape + "x" // past what a double holds
	NumberSmall = escape + "z" // nearer to 0 than a double gets
)

// Encode gives a text as it is stored.
func Encode(text string) string {
	if strings.IndexByte(text, 0) < 0 && !strings.Contains(text, escape) {
		return text
	}
	return strings.NewReplacer("\x00", textNUL, escape, itself).Replace(text)
}

// EncodeJSON gives a JSON text, clean as jsonscan makes it, as it is stored.
func EncodeJSON(text string) string {
	if !strings.Contains(text, spelledNUL) && !strings.Contains(text, escape) && !strings.Contains(text, `\u`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		rest := text[i:]
		switch {
		case strings.HasPrefix(rest, spelledNUL):
			b.WriteString(jsonNUL)
			i += len(spelledNUL)
		case len(rest) >= 12 && strings.EqualFold(rest[:12], `\udbff\udffd`):
			b.WriteString(itself)
			i += 12
		case strings.HasPrefix(rest, escape):
			b.WriteString(itself)
			i += len(escape)
		case rest[0] == '\\' && len(rest) > 1:
			b.WriteString(rest[:2])
			i += 2
		default:
			next := 1 + strings.IndexAny(rest[1:], "\\"+escape)
			if next == 0 {
				next = len(rest)
			}
			b.WriteString(rest[:next])
			i += next
		}
	}
	return b.String()
}

// EncodeName gives the name of a JSON object's member as it is stored.
func EncodeName(name string) string {
	return strings.NewReplacer("\x00", jsonNUL, escape, itself).Replace(name)
}

// FromJSON wraps an expression for a string taken out of a JSON text, so that it is a text as Encode makes it.
func FromJSON(expression string) string {
	return "replace(" + expression + ", '" + jsonNUL + "', '" + textNUL + "')"
}

// Decode gives what was stored.
func Decode(stored string) string {
	if !strings.Contains(stored, escape) {
		return stored
	}
	for _, mark := range []string{NumberExact, NumberLarge, NumberSmall} {
		stored = unmark(stored, mark)
	}
	return strings.NewReplacer(textNUL, "\x00", jsonNUL, spelledNUL, itself, escape).Replace(stored)
}

// unmark makes strings with a mark in front the numbers that they are.
func unmark(stored, mark string) string {
	if !strings.Contains(stored, mark) {
		return stored
	}
	stored = strings.TrimPrefix(stored, mark) // one that was taken out of its JSON text
	parts := strings.Split(stored, `"`+mark)
	for i, part := range parts[1:] {
		parts[i+1] = strings.Replace(part, `"`, "", 1)
	}
	return strings.Join(parts, "")
}
