package event

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/klauspost/compress/zstd"

	"github.com/spoorhq/spoor/internal/jsonscan"
)

// Record format v1 (docs/formats/record-v1.md):
//
//	"SPR" 0x01 | uint32 little-endian: length of the header | header, JSON | one zstd frame of NDJSON
//
// The NDJSON is, for each request, one line of the request and then one line for each of its events, as the client
// sent it, but for line ends, which become tabs.
const (
	recordMagic = "SPR\x01"
	prefixBytes = len(recordMagic) + 4
	// MaxRecordBytes bounds a record's NDJSON: a reader refuses more, so that no record can eat its memory.
	MaxRecordBytes = 16 << 20
	maxHeaderBytes = 1 << 20
)

// Header is what can be known of a record without decompressing it.
type Header struct {
	Collector string `json:"collector"` // the collector's id
	Boot      string `json:"boot"`      // one run of that collector
	// Seq counts the records of a boot from 1 without a gap. A number that was given but whose record was never
	// known to be durable stands in a later record's Void.
	Seq  uint64   `json:"seq"`
	Void []uint64 `json:"void,omitempty"`
	// Settled: the outcome of each number up to it was known when this record was sealed, and those that were not
	// known to be durable stand in Void, here or in an earlier record. So a number up to some record's Settled that
	// neither came nor is void is a record that the stream lost; of those above it nobody can tell.
	Settled uint64 `json:"settled,omitempty"`
	// Events is how many the record holds, rejected ones included; Accepted is the same by source and minute.
	Events   int        `json:"events"`
	Accepted []Accepted `json:"accepted"`
	Bytes    int        `json:"bytes"` // of the NDJSON
}

// Accepted counts the events that one source brought in one minute.
type Accepted struct {
	Source string `json:"source"`
	Minute int64  `json:"minute"` // minutes since the Unix epoch, by the door's clock
	Events int    `json:"events"`
}

// Minute gives the minute, counted from the Unix epoch, that a time falls into.
func Minute(t Time) int64 {
	const micros = 60 * 1e6
	m := t / micros
	if t%micros < 0 {
		m--
	}
	return m
}

// RecordWriter gathers requests into one record. It is reused, and is for one goroutine at a time.
type RecordWriter struct {
	body     []byte
	accepted []Accepted
	events   int
	encoder  *zstd.Encoder
}

// NewRecordWriter makes a writer.
func NewRecordWriter() *RecordWriter {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(fmt.Sprintf("zstd refuses constant options: %v", err))
	}
	return &RecordWriter{encoder: encoder}
}

// Add appends a request and the raw texts of its events; req.Events is set to their number. Nothing is retained.
func (w *RecordWriter) Add(req *Request, events [][]byte) {
	req.Events = len(events)
	w.body = append(appendRequest(w.body, req), '\n')
	for _, raw := range events {
		start := len(w.body)
		w.body = append(w.body, raw...)
		flatten(w.body[start:])
		w.body = append(w.body, '\n')
	}
	w.events += len(events)
	w.accepted = AddAccepted(w.accepted, Accepted{req.Source, Minute(req.ReceivedAt), len(events)})
}

// AddAccepted adds counts to those of the same source and minute.
func AddAccepted(to []Accepted, more ...Accepted) []Accepted {
next:
	for _, m := range more {
		for i := range to {
			if to[i].Minute == m.Minute && to[i].Source == m.Source {
				to[i].Events += m.Events
				continue next
			}
		}
		to = append(to, m)
	}
	return to
}

// flatten turns line ends into tabs, so that an event is one line. Between tokens both are white space; within a string
// JSON allows neither, so that a text which is refused before is refused after, and never the other way round.
func flatten(line []byte) {
	for _, end := range []byte{'\n', '\r'} {
		for rest := line; ; {
			i := bytes.IndexByte(rest, end)
			if i < 0 {
				break
			}
			rest[i] = '\t'
			rest = rest[i+1:]
		}
	}
}

// Len is the size of the NDJSON so far; Events the number of events.
func (w *RecordWriter) Len() int    { return len(w.body) }
func (w *RecordWriter) Events() int { return w.events }

// Seal appends the finished record to dst; collector, boot, seq, void and settled come from h. The writer is empty afterwards.
func (w *RecordWriter) Seal(dst []byte, h Header) []byte {
	h.Events, h.Accepted, h.Bytes = w.events, w.accepted, len(w.body)
	header, err := json.Marshal(h)
	if err != nil {
		panic(fmt.Sprintf("a header of strings and numbers cannot be written: %v", err))
	}
	dst = slices.Grow(dst, prefixBytes+len(header)+len(w.body)/4)
	dst = append(dst, recordMagic...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(header)))
	dst = append(dst, header...)
	dst = w.encoder.EncodeAll(w.body, dst)
	w.body, w.accepted, w.events = w.body[:0], w.accepted[:0], 0
	return dst
}

// IsRecord tells whether data is in Spoor's own record format, any version.
func IsRecord(data []byte) bool { return bytes.HasPrefix(data, []byte(recordMagic[:3])) }

// ReadHeader reads a record's header and gives its compressed body.
func ReadHeader(data []byte) (h Header, body []byte, err error) {
	if !bytes.HasPrefix(data, []byte(recordMagic)) {
		if IsRecord(data) && len(data) > 3 {
			return h, nil, fmt.Errorf("record is of format version %d; this Spoor reads version 1", data[3])
		}
		return h, nil, fmt.Errorf("not a Spoor record: it begins with %q", data[:min(4, len(data))])
	}
	if len(data) < prefixBytes {
		return h, nil, fmt.Errorf("record ends within its prefix, after %d bytes", len(data))
	}
	n := int64(binary.LittleEndian.Uint32(data[len(recordMagic):]))
	if n > maxHeaderBytes || n > int64(len(data)-prefixBytes) {
		return h, nil, fmt.Errorf("record's header cannot be %d bytes in a record of %d", n, len(data))
	}
	rest := data[prefixBytes:]
	if err := json.Unmarshal(rest[:n], &h); err != nil {
		return h, nil, fmt.Errorf("record's header: %w", err)
	}
	if h.Bytes < 0 || h.Bytes > MaxRecordBytes {
		return h, nil, fmt.Errorf("record's body cannot be over %d bytes; its header says %d", MaxRecordBytes, h.Bytes)
	}
	if h.Events < 0 || h.Events > h.Bytes {
		return h, nil, fmt.Errorf("record cannot hold %d events in %d bytes", h.Events, h.Bytes)
	}
	return h, rest[n:], nil
}

// Line gives the request line, as it stands in a record.
func (r *Request) Line() []byte { return appendRequest(nil, r) }

// appendRequest writes the request line.
func appendRequest(dst []byte, r *Request) []byte {
	text := func(name, value string) {
		if value == "" {
			return
		}
		dst = append(append(dst, name...), ':')
		dst = append(jsonscan.AppendQuoted(dst, value), ',')
	}
	raw := func(name string, value []byte) {
		if value == nil {
			return
		}
		dst = append(append(dst, name...), ':')
		start := len(dst)
		dst = append(dst, value...)
		flatten(dst[start:])
		dst = append(dst, ',')
	}
	dst = append(dst, '{')
	text(`"source"`, r.Source)
	text(`"protocol"`, r.Protocol)
	text(`"type"`, r.Type)
	dst = append(dst, `"receivedAt":"`...)
	dst = GoTime(r.ReceivedAt).AppendFormat(dst, "2006-01-02T15:04:05.000000Z07:00")
	dst = append(dst, `",`...)
	raw(`"sentAt"`, r.SentAt)
	text(`"ip"`, r.IP)
	text(`"userAgent"`, r.UserAgent)
	raw(`"context"`, r.Context)
	raw(`"integrations"`, r.Integrations)
	text(`"messageId"`, r.MessageID)
	dst = append(dst, `"events":`...)
	dst = strconv.AppendInt(dst, int64(r.Events), 10)
	return append(dst, '}')
}

// ParseRequest reads a request line, as Line writes it.
func ParseRequest(line []byte) (*Request, error) { return new(Parser).parseRequest(line) }

// parseRequest reads a request line. All that the request holds are copies: it outlives the record's memory.
func (p *Parser) parseRequest(line []byte) (*Request, error) {
	v, rest, err := jsonscan.Scan(line, MaxDepth)
	if err != nil {
		return nil, err
	}
	if v.Kind != jsonscan.Object || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("a request line is one JSON object; got %s", shorten(line))
	}
	r := &Request{ReceivedAt: NoTime}
	m := jsonscan.ValidMembers(v.Raw)
	for m.Next() {
		value := m.Value()
		text := func() string { return string(value.AppendString(nil)) }
		switch string(m.Key()) {
		case "source":
			r.Source = text()
		case "protocol":
			r.Protocol = text()
		case "type":
			r.Type = text()
		case "receivedAt":
			r.ReceivedAt, _ = ParseTime(value)
		case "sentAt":
			r.SentAt = bytes.Clone(value.Raw)
		case "ip":
			r.IP = text()
		case "userAgent":
			r.UserAgent = text()
		case "context":
			r.Context = bytes.Clone(p.object(value))
		case "integrations":
			r.Integrations = bytes.Clone(p.object(value))
		case "messageId":
			r.MessageID = text()
		case "events":
			n, ok := value.Int()
			if !ok || n < 0 || n > MaxRecordBytes {
				return nil, fmt.Errorf("a request line's events must be a count; got %s", shorten(value.Raw))
			}
			r.Events = int(n)
		}
	}
	if r.ReceivedAt == NoTime {
		return nil, fmt.Errorf("a request line needs receivedAt; got %s", shorten(line))
	}
	return r, nil
}
