package redshift

import (
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/klauspost/compress/zstd"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
	"github.com/spoorhq/spoor/internal/pgsql"
)

// maxRow is the longest row that COPY takes.
const maxRow = 4 << 20

// jsonRows writes Arrow rows as JSON objects, one a line, for a table of staged rows: times are texts there, for COPY reads
// fewer of them than a cast does. A null is left out. more, if given, writes further members of a row.
type jsonRows struct {
	columns []event.Column
	names   [][]byte // "name": with the comma in front
	more    func(dst []byte, row int) []byte
	buffer  []byte
}

func newJSONRows(columns []event.Column, more func([]byte, int) []byte) *jsonRows {
	j := &jsonRows{columns: columns, more: more}
	for _, c := range columns {
		j.names = append(j.names, fmt.Appendf(nil, `,"%s":`, c.Name))
	}
	return j
}

// write writes the rows from one to before another.
func (j *jsonRows) write(w io.Writer, batch arrow.RecordBatch, from, to int) error {
	values := batch.Columns()
	for row := from; row < to; row++ {
		b := j.buffer[:0]
		for i, column := range values {
			if column.IsNull(row) {
				continue
			}
			b = append(b, j.names[i]...)
			var err error
			if b, err = j.value(b, i, column, row); err != nil {
				return fmt.Errorf("column %s: %w", j.columns[i].Name, err)
			}
		}
		if j.more != nil {
			b = j.more(b, row)
		}
		if len(b) == 0 {
			b = append(b, '{')
		}
		b[0] = '{'
		b = append(b, '}', '\n')
		if len(b) > maxRow {
			return fmt.Errorf("a row of %d bytes is over what COPY takes, %d", len(b), maxRow)
		}
		j.buffer = b
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

func (j *jsonRows) value(b []byte, i int, column arrow.Array, row int) ([]byte, error) {
	switch column := column.(type) {
	case *array.String:
		if j.columns[i].Kind == event.JSON {
			return appendSuper(b, column.Value(row)), nil
		}
		stored := pgsql.Encode(column.Value(row))
		if len(stored) > limits().Text {
			return nil, fmt.Errorf("a text of %d bytes is over %d", len(stored), limits().Text)
		}
		return jsonscan.AppendQuoted(b, stored), nil
	case *array.Timestamp:
		return append(appendTime(append(b, '"'), event.Time(column.Value(row))), '"'), nil
	case *array.Boolean:
		return strconv.AppendBool(b, column.Value(row)), nil
	case *array.Int32:
		return strconv.AppendInt(b, int64(column.Value(row)), 10), nil
	case *array.Int64:
		return strconv.AppendInt(b, column.Value(row), 10), nil
	}
	panic(fmt.Sprintf("no column of events is a %T", column))
}

func appendTime(b []byte, at event.Time) []byte {
	t := event.GoTime(at)
	if t.Year() <= 0 {
		return append(b, pgsql.Time(t)...)
	}
	return t.AppendFormat(b, "2006-01-02 15:04:05.999999+00")
}

// appendSuper writes a JSON text as a SUPER holds it: without NUL, and with numbers that it might change, or that would
// fail the COPY of everybody's rows, as strings with a mark in front. pgsql.Decode takes both out again.
func appendSuper(dst []byte, text string) []byte {
	text = pgsql.EncodeJSON(text)
	copied := 0
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			i++
		case c == '-' || '0' <= c && c <= '9':
			end := i + 1
			for end < len(text) && strings.IndexByte("0123456789.eE+-", text[end]) >= 0 {
				end++
			}
			if mark := numberMark(text[i:end]); mark != "" {
				dst = append(dst, text[copied:i]...)
				dst = append(append(append(append(dst, '"'), mark...), text[i:end]...), '"')
				copied = end
			}
			i = end
		default:
			i++
		}
	}
	return append(dst, text[copied:]...)
}

// exactDigits is how many digits a number may have and still be read back the same from a double.
const exactDigits = 17

// numberMark tells whether a number's text must be kept as a string, and with which mark; "": it need not.
func numberMark(text string) string {
	digits := 0
	for i := 0; i < len(text) && text[i]|0x20 != 'e'; i++ {
		if '0' <= text[i] && text[i] <= '9' {
			digits++
		}
	}
	if digits <= exactDigits && len(text) <= 2*exactDigits && !strings.ContainsAny(text, "eE") {
		return ""
	}
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		return ""
	}
	value, err := strconv.ParseFloat(text, 64)
	zero := strings.Trim(strings.FieldsFunc(text, func(r rune) bool { return r|0x20 == 'e' })[0], "-0.") == ""
	switch size := math.Abs(value); {
	case err != nil:
		return pgsql.NumberLarge
	case size < 1e-300 && !zero:
		return pgsql.NumberSmall
	case digits > exactDigits, size > 1e300:
		return pgsql.NumberExact
	}
	return ""
}

// maxPart is how many bytes of a dead letter go into one row; hex doubles them.
const maxPart = 1_500_000

// csvLetters writes dead letters for COPY, which reads VARBYTE from CSV and not from JSON. Every text begins with =, so that
// none can be taken for a null. A letter too long for a row is cut: the parts after the first have the reason
// event.Continued. It gives the number of rows.
func csvLetters(w io.Writer, batch arrow.RecordBatch, columns []event.Column) (int64, error) {
	out := csv.NewWriter(w)
	rows := int64(0)
	fields := make([]string, len(columns))
	for row := range int(batch.NumRows()) {
		var raw []byte
		at, reason := 0, 0
		for i, c := range columns {
			fields[i] = ""
			if batch.Column(i).IsNull(row) {
				continue
			}
			switch column := batch.Column(i).(type) {
			case *array.String:
				stored := pgsql.Encode(column.Value(row))
				if len(stored) >= limits().Text {
					stored = strings.ToValidUTF8(stored[:limits().Text-1], "")
				}
				fields[i] = "=" + stored
			case *array.Timestamp:
				fields[i] = "=" + string(appendTime(nil, event.Time(column.Value(row))))
			case *array.Int32:
				fields[i] = strconv.Itoa(int(column.Value(row)))
			case *array.Binary:
				raw, at = column.Value(row), i
			default:
				panic(fmt.Sprintf("no column of dead letters is a %T", column))
			}
			if c.Name == "reason" {
				reason = i
			}
		}
		for part := 0; part == 0 || len(raw) > 0; part++ {
			n := min(len(raw), maxPart)
			fields[at] = hex.EncodeToString(raw[:n])
			raw = raw[n:]
			if part > 0 {
				fields[reason] = "=" + string(event.Continued)
			}
			if err := out.Write(fields); err != nil {
				return 0, err
			}
			rows++
		}
	}
	out.Flush()
	return rows, out.Error()
}

// packed is what staged files go through.
func packed(w io.Writer) (io.WriteCloser, error) {
	return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
}
