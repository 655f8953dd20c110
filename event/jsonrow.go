package event

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"github.com/spoorhq/spoor/internal/jsonscan"
)

// JSONRows writes events as JSON objects with a member for each column of the table events that has a value, for a
// stream whose records a warehouse loads by their members' names, without Spoor's loader. What is in a column is what
// Rows puts there. It is for one goroutine.
type JSONRows struct {
	columns []eventColumn
	longest int
}

// NewJSONRows makes a writer. A text of over longest bytes, in a column or anywhere within its JSON, is one that the
// warehouse would refuse with all that stands in the same file, so the column is left out.
func NewJSONRows(longest int) *JSONRows {
	return &JSONRows{columns: eventColumns(), longest: longest}
}

// rowTime is how a time is written: UTC, in a form that every warehouse reads.
const rowTime = "2006-01-02 15:04:05.000000+00"

// Append appends the event's row to dst, as one line without its end. left is how many columns were left out, because
// they are too long or hold a time before the year 1, which no warehouse has; each is marked "<column>:left_out". A NUL in
// a text becomes U+FFFD, and a number in JSON that no 64 bits hold becomes a text.
func (w *JSONRows) Append(dst []byte, e *Event) (row []byte, left int) {
	dst = append(dst, '{')
	for i := range w.columns {
		c := &w.columns[i]
		start := len(dst)
		dst = append(append(append(dst, '"'), c.Name...), `":`...)
		fits, null := true, false
		switch c.Kind {
		case Text:
			s := c.text(e)
			null, fits = s == "" && !c.Required, len(s) <= w.longest
			dst = jsonscan.AppendQuoted(dst, s)
		case JSON:
			s := c.json(e)
			null, fits = s == nil, w.fits(s)
			dst = appendLoadable(dst, s)
		case Timestamp:
			t := c.time(e)
			null = t == NoTime
			at := GoTime(t)
			fits = null || at.Year() >= 1
			dst = append(at.AppendFormat(append(dst, '"'), rowTime), '"')
		case Bool:
			dst = strconv.AppendBool(dst, c.bool(e))
		case Int32:
			n := c.int32(e)
			null = n == 0
			dst = strconv.AppendInt(dst, int64(n), 10)
		}
		switch {
		case null:
			dst = dst[:start]
			continue
		case !fits:
			dst = dst[:start]
			left++
			e.Mark(c.Name + ":left_out")
			continue
		}
		dst = append(dst, ',')
	}
	dst[len(dst)-1] = '}' // there is a comma: some columns are required
	return dst, left
}

// fits tells whether no string in a JSON text is longer than the longest. A string is measured as it is written, which is
// never shorter than what it says.
func (w *JSONRows) fits(text []byte) bool {
	if len(text) <= w.longest {
		return true
	}
	for {
		begin := bytes.IndexByte(text, '"')
		if begin < 0 {
			return true
		}
		text = text[begin+1:]
		end := 0
		for text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		if end > w.longest {
			return false
		}
		text = text[end+1:]
	}
}

// appendLoadable appends a JSON text with U+FFFD in place of each NUL, and with numbers that a warehouse would change or fail
// on written as texts.
func appendLoadable(dst, text []byte) []byte {
	const nul = `\u0000`
	for i := 0; i < len(text); {
		from := i
		switch c := text[i]; {
		case c == '"':
			for i++; text[i] != '"'; i++ {
				if text[i] != '\\' {
					continue
				}
				if bytes.HasPrefix(text[i:], []byte(nul)) {
					dst = append(append(dst, text[from:i]...), `\ufffd`...)
					i += len(nul) - 1
					from = i + 1
					continue
				}
				i++
			}
			i++
		case c == '-' || '0' <= c && c <= '9':
			for i++; i < len(text) && strings.IndexByte("0123456789.eE+-", text[i]) >= 0; i++ {
			}
			if !exact(view(text[from:i])) {
				dst = append(append(append(dst, '"'), text[from:i]...), '"')
				continue
			}
		default:
			i++
		}
		dst = append(dst, text[from:i]...)
	}
	return dst
}

// exact tells whether a number is one that an integer or a double of 64 bits holds as it is written. Redshift fails a whole
// file for one that is far outside of these.
func exact(number string) bool {
	if _, err := strconv.ParseInt(number, 10, 64); err == nil {
		return true
	}
	digits, zero := 0, true
	for i := 0; i < len(number) && number[i]|0x20 != 'e'; i++ {
		if '0' <= number[i] && number[i] <= '9' {
			digits++
			zero = zero && number[i] == '0'
		}
	}
	value, err := strconv.ParseFloat(number, 64)
	size := math.Abs(value)
	return err == nil && digits <= 17 && (zero || size >= 1e-300) && size <= 1e300
}
