package event

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/klauspost/compress/zstd"

	"github.com/spoorhq/spoor/internal/kpl"
)

// Origin tells where a record was read, for what a foreign record does not say of itself.
type Origin struct {
	Stream, Shard, Position string
	Source                  string // the source that foreign records are counted under
	Time                    Time   // when the stream took the record
}

// RecordReader reads the events of stream records: Spoor's own, and by sniffing those of other producers: a JSON
// object, an array, NDJSON or concatenated JSON, gzip of these, and records of these that the Kinesis Producer Library
// has aggregated. It is reused and is for one goroutine.
type RecordReader struct {
	parser  Parser
	decoder *zstd.Decoder

	origin  Origin
	header  Header
	foreign bool
	body    []byte // what is left to read
	buffer  []byte // body's memory, when it was compressed
	request *Request
	left    int          // events that the current request still owes
	index   int          // of the next event
	array   bool         // body is within a foreign array
	parts   []kpl.Record // what is left of an aggregated record
	// What a door has added to the last foreign event that had it, as text and read; those of a request have the same.
	doorLine    []byte
	doorRequest *Request
}

// NewRecordReader makes a reader.
func NewRecordReader() *RecordReader {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxRecordBytes+1),
		zstd.WithDecoderLowmem(true))
	if err != nil {
		panic(fmt.Sprintf("zstd refuses constant options: %v", err))
	}
	return &RecordReader{decoder: decoder}
}

// Open begins a record. What Next gave before is no longer valid. An error: the record is in no known format, or
// damaged; none of it can be read. data must stay untouched while its events are in use.
func (r *RecordReader) Open(data []byte, origin Origin) error {
	r.parser.Reset()
	r.origin, r.header, r.request, r.array = origin, Header{}, nil, false
	r.left, r.index, r.body, r.parts = 0, 0, nil, r.parts[:0]
	r.doorLine, r.doorRequest = nil, nil
	r.foreign = !IsRecord(data)
	if r.foreign {
		return r.openForeign(data)
	}
	header, frame, err := ReadHeader(data)
	if err != nil {
		return err
	}
	if r.buffer, err = r.decoder.DecodeAll(frame, r.buffer[:0]); err != nil {
		return fmt.Errorf("record's body: %w", err)
	}
	if len(r.buffer) != header.Bytes {
		return fmt.Errorf("record's body is %d bytes; its header says %d", len(r.buffer), header.Bytes)
	}
	r.header, r.body = header, r.buffer
	return nil
}

// Header gives the open record's header; of a foreign record, the zero Header.
func (r *RecordReader) Header() Header { return r.header }

// Foreign tells whether the open record is another producer's.
func (r *RecordReader) Foreign() bool { return r.foreign }

// Events is how many events Next has given of the open record.
func (r *RecordReader) Events() int { return r.index }

// Next reads the next event into e, with the verdict on it: a refused event has its Raw and Request, and whatever
// else could be read. Every event that loads has a MessageID. false: the record is at its end.
func (r *RecordReader) Next(e *Event) (Verdict, bool) {
	var verdict Verdict
	var ok bool
	if r.foreign {
		verdict, ok = r.nextForeign(e)
	} else {
		verdict, ok = r.nextOwn(e)
	}
	if !ok {
		return verdict, false
	}
	e.Index = r.index
	r.index++
	if e.MessageID == "" && e.Request.Events == 1 {
		e.MessageID = e.Request.MessageID
	}
	if e.MessageID == "" {
		e.MessageID = r.messageID(e.Index)
	}
	return verdict, true
}

// messageID makes the id of an event that came without one: reading its record twice gives the same.
func (r *RecordReader) messageID(index int) string {
	id := make([]byte, 0, 64)
	if r.foreign {
		id = fmt.Appendf(id, "%s:%s:%s", r.origin.Stream, r.origin.Shard, r.origin.Position)
	} else {
		id = fmt.Appendf(id, "%s:%d", r.header.Boot, r.header.Seq)
	}
	return string(strconv.AppendInt(append(id, ':'), int64(index), 10))
}

func (r *RecordReader) nextOwn(e *Event) (Verdict, bool) {
	for r.left == 0 {
		if len(r.body) == 0 {
			return r.missing(e)
		}
		line := r.line()
		request, err := r.parser.parseRequest(line)
		if err != nil {
			// Without its request line nothing behind it can be told apart: the rest is one dead letter.
			e.reset()
			e.Raw, e.Request = line, r.unknownRequest()
			e.ReceivedAt = e.Request.ReceivedAt
			r.body = nil
			return refuse(UnreadableRequest, "%v", err), true
		}
		r.request, r.left = request, request.Events
	}
	if len(r.body) == 0 {
		r.left = 0
		return r.missing(e)
	}
	r.left--
	return r.parse(r.line(), e), true
}

// missing accounts for the events that the header promised and the body does not hold, one by one.
func (r *RecordReader) missing(e *Event) (Verdict, bool) {
	if r.index >= r.header.Events {
		return Verdict{}, false
	}
	e.reset()
	e.Request = r.unknownRequest()
	e.ReceivedAt = e.Request.ReceivedAt
	return refuse(TruncatedRecord, "the record holds %d events; its header says %d", r.index, r.header.Events), true
}

// unknownRequest stands in where a request cannot be read.
func (r *RecordReader) unknownRequest() *Request {
	if r.request != nil {
		return r.request
	}
	return &Request{Source: r.origin.Source, ReceivedAt: r.origin.Time}
}

func (r *RecordReader) line() []byte {
	line := r.body
	if i := bytes.IndexByte(r.body, '\n'); i >= 0 {
		line, r.body = r.body[:i], r.body[i+1:]
	} else {
		r.body = nil
	}
	return line
}

func (r *RecordReader) parse(line []byte, e *Event) Verdict {
	v, verdict := Scan(line)
	if !verdict.OK() {
		return r.unreadable(line, e, verdict)
	}
	return r.parser.Parse(v, r.request, e)
}

func (r *RecordReader) unreadable(raw []byte, e *Event, verdict Verdict) Verdict {
	e.reset()
	e.Raw, e.Request, e.ReceivedAt = raw, r.request, r.request.ReceivedAt
	return verdict
}
