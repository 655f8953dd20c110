package event

import (
	"bytes"
	"strconv"

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
// a text becomes U+FFFD.
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
			dst = appendWithoutNUL(dst, s)
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

// appendWithoutNUL appends a JSON text with U+FFFD in place of each NUL.
func appendWithoutNUL(dst, text []byte) []byte {
	const nul = `\u0000`
	for {
		at := bytes.IndexByte(text, '\\')
		if at < 0 {
			return append(dst, text...)
		}
		if bytes.HasPrefix(text[at:], []byte(nul)) {
			dst = append(append(dst, text[:at]...), `\ufffd`...)
			text = text[at+len(nul):]
			continue
		}
		dst = append(dst, text[:at+2]...)
		text = text[at+2:]
	}
}
