package event

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"github.com/spoorhq/spoor/internal/jsonscan"
	"github.com/spoorhq/spoor/internal/kpl"
)

// maxForeignDepth bounds the values that are too deep for an event and are passed over whole.
const maxForeignDepth = 10_000

// openForeign begins a record of another producer. One that only begins as an aggregated record does, but is none, is read
// as any other.
func (r *RecordReader) openForeign(data []byte) error {
	r.request = &Request{Source: r.origin.Source, Protocol: "foreign", ReceivedAt: r.origin.Time}
	r.buffer = r.buffer[:0]
	if parts, ok := kpl.Read(data, r.parts); ok {
		r.parts = parts
		return nil
	}
	return r.openPart(data)
}

// openPart begins a foreign record, or one of those that were aggregated into it.
func (r *RecordReader) openPart(data []byte) error {
	r.body, r.array = data, false
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		if err := r.gunzip(data); err != nil {
			r.body = nil
			return fmt.Errorf("gzip record: %w", err)
		}
	}
	r.body = bytes.TrimSpace(bytes.TrimPrefix(r.body, []byte("\xef\xbb\xbf")))
	if len(r.body) == 0 || (r.body[0] != '{' && r.body[0] != '[') {
		err := fmt.Errorf("record is neither Spoor's, gzip nor JSON: it begins with %q", r.body[:min(8, len(r.body))])
		r.body = nil
		return err
	}
	return nil
}

// gunzip unpacks behind what was unpacked of the same record before, for its events may still be in use.
func (r *RecordReader) gunzip(data []byte) error {
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return err
	}
	before := len(r.buffer)
	buffer := bytes.NewBuffer(r.buffer)
	n, err := io.Copy(buffer, io.LimitReader(zr, int64(MaxRecordBytes+1-before)))
	r.buffer = buffer.Bytes()
	if err != nil {
		return err
	}
	if int64(before)+n > MaxRecordBytes {
		return fmt.Errorf("over %d bytes unpacked", MaxRecordBytes)
	}
	r.body = r.buffer[before:]
	return nil
}

// nextForeign reads the next JSON value, or element of an array, as an event. A text that cannot be read is one
// refused event up to its line's end; in an array, up to the record's, for nothing behind it can be told apart. A record
// that was aggregated with others and cannot be read is one refused event too.
func (r *RecordReader) nextForeign(e *Event) (Verdict, bool) {
	for {
		r.body = bytes.TrimLeft(r.body, " \t\r\n")
		if len(r.body) == 0 {
			if len(r.parts) == 0 {
				return Verdict{}, false
			}
			part := r.parts[0].Data
			r.parts = r.parts[1:]
			if err := r.openPart(part); err != nil {
				return r.unreadable(part, e, refuse(UnreadableRecord, "in an aggregated record: %v", err)), true
			}
			continue
		}
		switch c := r.body[0]; {
		case c == '[' && !r.array, c == ']' && r.array:
			r.array = !r.array
			r.body = r.body[1:]
			continue
		case c == ',' && r.array:
			r.body = r.body[1:]
			continue
		}
		v, rest, err := jsonscan.Scan(r.body, MaxDepth)
		if err == nil {
			r.body = rest
			return r.parseForeign(v, e), true
		}
		verdict := Unreadable(err)
		if errors.Is(err, jsonscan.ErrDepth) {
			v, rest, err = jsonscan.Scan(r.body, maxForeignDepth)
		}
		raw := v.Raw
		switch {
		case err == nil:
			r.body = rest
		case r.array:
			raw, r.body = r.body, nil
		default:
			raw = r.line()
		}
		return r.unreadable(raw, e, verdict), true
	}
}

func (r *RecordReader) parseForeign(v jsonscan.Value, e *Event) Verdict {
	if v.Kind == jsonscan.Object {
		if text, request, ok := r.plainRequest(v.Raw); ok {
			if bare, _, err := jsonscan.Scan(text, MaxDepth); err == nil {
				return r.parser.Parse(bare, request, e)
			}
		}
	}
	return r.parser.Parse(v, r.request, e)
}
