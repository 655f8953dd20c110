package event

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/spoorhq/spoor/internal/kpl"
)

// sampleHeader, and what sampleRecord adds, are what testdata/record-v1.spr was written of.
var sampleHeader = Header{Collector: "door-1", Boot: "01KAQ5M0000000000000000000", Seq: 7, Void: []uint64{5}, Settled: 6}

func fillSample(w *RecordWriter) {
	w.Add(&Request{
		Source: "web", Protocol: "segment", ReceivedAt: 1_795_394_452_000_123, SentAt: []byte(`"2026-11-23T00:40:51.312Z"`),
		IP: "203.0.113.7", UserAgent: "Mozilla/5.0 \"é\"", Context: []byte("{\"library\":\n {\"name\":\"analytics-go\"}}"),
	}, [][]byte{
		[]byte(`{"type":"identify","userId":"u1","messageId":"m-1","traits":{"plan":"pro"}}`),
		[]byte("{\n \"type\": \"track\",\r\n \"event\": \"Order \\n Completed\",\n \"userId\": \"u1\",\n \"properties\": {\"revenue\": 39.95}\n}"),
		[]byte(`{"type":"track","userId":"u1","messageId":"m-3"}`),
	})
	w.Add(&Request{Source: "shop", Protocol: "ndjson", Type: "page", ReceivedAt: 1_795_394_460_000_000}, [][]byte{
		[]byte(`{"anonymousId":"a1","messageId":"m-4","name":"Home"}`),
		[]byte(`{"anonymousId":"a1",`),
	})
}

// sampleEvents is how the sample's events are read.
const sampleEvents = `web segment 203.0.113.7 0 m-1 identify "" u1  2026-11-23T00:40:51.312Z {"library":	 {"name":"analytics-go"}} {"plan":"pro"}: ok
web segment 203.0.113.7 1 01KAQ5M0000000000000000000:7:1 track "Order \n Completed" u1  2026-11-23T00:40:51.312Z {"library":	 {"name":"analytics-go"}} {"revenue": 39.95}: ok
web segment 203.0.113.7 2 m-3 track "" u1  0001-01-01T00:00:00Z  : missing_event
shop ndjson  3 m-4 page "Home"  a1 0001-01-01T00:00:00Z  : ok
shop ndjson  4 01KAQ5M0000000000000000000:7:4  ""   0001-01-01T00:00:00Z  : invalid_json
`

// describe reads a record, one line an event.
func describe(t testing.TB, r *RecordReader, data []byte, origin Origin) string {
	t.Helper()
	if err := r.Open(data, origin); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	var e Event
	for {
		verdict, ok := r.Next(&e)
		if !ok {
			break
		}
		reason := verdict.Reason
		if verdict.OK() {
			reason = "ok"
		}
		fmt.Fprintf(&lines, "%s %s %s %d %s %s %q %s %s %s %s %s: %s\n", e.Request.Source, e.Request.Protocol, e.Request.IP, e.Index,
			e.MessageID, e.Type, e.Name, e.UserID, e.AnonymousID, sent(&e),
			e.Context, e.PropertySet(), reason)
	}
	if r.Events() != strings.Count(lines.String(), "\n") {
		t.Errorf("want %d events counted, have %d", strings.Count(lines.String(), "\n"), r.Events())
	}
	return lines.String()
}

func sent(e *Event) string { return GoTime(e.SentAt).Format("2006-01-02T15:04:05.999Z07:00") }

// TestRecordV1 reads a record that was written once and for all: streams hold such records for years.
func TestRecordV1(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/record-v1.spr")
	if err != nil {
		t.Fatal(err)
	}
	r := NewRecordReader()
	if have := describe(t, r, data, Origin{}); have != sampleEvents {
		t.Errorf("want\n%shave\n%s", sampleEvents, have)
	}
	want := sampleHeader
	want.Events, want.Bytes = 5, 639
	want.Accepted = []Accepted{{"web", 29923240, 3}, {"shop", 29923241, 2}}
	if have := r.Header(); fmt.Sprint(have) != fmt.Sprint(want) {
		t.Errorf("want %+v, have %+v", want, have)
	}
	if r.Foreign() || !IsRecord(data) {
		t.Error("want a record of our own")
	}
}

// TestWriterKeepsTheFormat: what is written today is, but for the compressor's choices, the record of testdata.
func TestWriterKeepsTheFormat(t *testing.T) {
	t.Parallel()
	w := NewRecordWriter()
	fillSample(w)
	have := w.Seal([]byte("before"), sampleHeader)
	if !bytes.HasPrefix(have, []byte("before")) {
		t.Fatal("want the record appended")
	}
	have = have[len("before"):]
	if w.Len() != 0 || w.Events() != 0 {
		t.Error("want an empty writer after Seal")
	}
	const golden = "testdata/record-v1.spr"
	if os.Getenv("SPOOR_TEST_UPDATE") == "record-v1" {
		if err := os.WriteFile(golden, have, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	haveHeader, haveBody := unpack(t, have)
	wantHeader, wantBody := unpack(t, want)
	if haveHeader != wantHeader {
		t.Errorf("want header\n%s\nhave\n%s", wantHeader, haveHeader)
	}
	if haveBody != wantBody {
		t.Errorf("want body\n%s\nhave\n%s", wantBody, haveBody)
	}
	fillSample(w)
	if again := w.Seal(nil, sampleHeader); !bytes.Equal(again, have) {
		t.Error("want the same record of the same events from a writer that is used again")
	}
}

// unpack reads a record by what the document says, without the code that is tested.
func unpack(t testing.TB, data []byte) (header, body string) {
	t.Helper()
	if string(data[:4]) != "SPR\x01" {
		t.Fatalf("no magic: %q", data[:4])
	}
	n := binary.LittleEndian.Uint32(data[4:])
	d, err := zstd.NewReader(bytes.NewReader(data[8+n:]))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(d); err != nil {
		t.Fatal(err)
	}
	return string(data[8 : 8+n]), text.String()
}

// TestDocument: the example in the format's document is the record of testdata.
func TestDocument(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../docs/formats/record-v1.md")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("testdata/record-v1.spr")
	if err != nil {
		t.Fatal(err)
	}
	header, body := unpack(t, data)
	if have := fenced(t, document, "ndjson"); have != body {
		t.Errorf("the document's body:\n%s\nthe record's:\n%s", have, body)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(fenced(t, document, "json"))); err != nil {
		t.Fatal(err)
	}
	if compact.String() != header {
		t.Errorf("the document's header:\n%s\nthe record's:\n%s", compact.String(), header)
	}
	if want := fmt.Sprintf("% x", data[:8]); !strings.Contains(string(document), want) {
		t.Errorf("the document does not show the record's first bytes, %s", want)
	}
}

func fenced(t testing.TB, document []byte, language string) string {
	t.Helper()
	_, text, found := strings.Cut(string(document), "\n```"+language+"\n")
	text, _, ended := strings.Cut(text, "```\n")
	if !found || !ended {
		t.Fatalf("the document has no block of %s", language)
	}
	return text
}

// seal packs a body as it stands behind a header that may lie.
func seal(t testing.TB, h Header, body string) []byte {
	t.Helper()
	header, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	data := append([]byte(recordMagic), 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(data[4:], uint32(len(header)))
	return e.EncodeAll([]byte(body), append(data, header...))
}

const (
	requestLine = `{"source":"web","protocol":"segment","receivedAt":"2026-11-23T00:40:52.000000Z","events":2}`
	goodLine    = `{"type":"track","event":"x","userId":"u","messageId":"m"}`
)

// TestDamagedRecords: whatever is wrong inside a record, each event that its header counts has one verdict.
func TestDamagedRecords(t *testing.T) {
	t.Parallel()
	r := NewRecordReader()
	for name, c := range map[string]struct {
		body   string
		events int
		want   []Reason
	}{
		"whole":               {requestLine + "\n" + goodLine + "\n" + goodLine + "\n", 2, []Reason{OK, OK}},
		"no last line end":    {requestLine + "\n" + goodLine + "\n" + goodLine, 2, []Reason{OK, OK}},
		"an event is missing": {requestLine + "\n" + goodLine + "\n", 2, []Reason{OK, TruncatedRecord}},
		"all are missing":     {"", 2, nil},
		"request alone":       {requestLine, 2, []Reason{TruncatedRecord, TruncatedRecord}},
		"a bad request line":  {"{}\n" + goodLine + "\n" + goodLine + "\n", 2, []Reason{UnreadableRequest, TruncatedRecord}},
		"a bad second one": {requestLine + "\n" + goodLine + "\n" + goodLine + "\nx\n" + goodLine, 4,
			[]Reason{OK, OK, UnreadableRequest, TruncatedRecord}},
		"a negative count":  {strings.Replace(requestLine, ":2}", ":-2}", 1) + "\n" + goodLine, 1, []Reason{UnreadableRequest}},
		"an empty line":     {requestLine + "\n\n" + goodLine + "\n", 2, []Reason{InvalidJSON, OK}},
		"one line of two":   {requestLine + "\n" + goodLine + goodLine + "\n" + goodLine + "\n", 2, []Reason{InvalidJSON, OK}},
		"a request of none": {strings.Replace(requestLine, ":2}", ":0}", 1) + "\n" + requestLine + "\n" + goodLine + "\n" + goodLine, 2, []Reason{OK, OK}},
	} {
		h := Header{Boot: "B", Seq: 1, Events: c.events, Bytes: len(c.body)}
		err := r.Open(seal(t, h, c.body), Origin{Source: "stream", Time: 7})
		if c.want == nil {
			if err == nil {
				t.Errorf("%s: want an error", name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var have []Reason
		var e Event
		for {
			verdict, ok := r.Next(&e)
			if !ok {
				break
			}
			have = append(have, verdict.Reason)
			if e.Request == nil || e.Request.Source == "" || e.ReceivedAt == NoTime || e.MessageID == "" {
				t.Errorf("%s: want a source, a time and an id of every event; have %+v", name, e)
			}
			if len(have) > 10 {
				break
			}
		}
		if !slices.Equal(have, c.want) {
			t.Errorf("%s: want %q, have %q", name, c.want, have)
		}
	}
}

// TestRefusedRecords: what is no record at all is refused whole, with the reason.
func TestRefusedRecords(t *testing.T) {
	t.Parallel()
	body := requestLine + "\n" + goodLine + "\n" + goodLine + "\n"
	good := seal(t, Header{Events: 2, Bytes: len(body)}, body)
	at := func(i int, b byte) []byte {
		c := bytes.Clone(good)
		c[i] = b
		return c
	}
	bomb := seal(t, Header{Events: 1, Bytes: 10}, strings.Repeat("\x00", MaxRecordBytes+2))
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":               {nil, "neither"},
		"text":                {[]byte("hello"), "neither"},
		"white space":         {[]byte(" \n"), "neither"},
		"version 2":           {at(3, 2), "version 2"},
		"no version":          {[]byte("SPR"), "not a Spoor record"},
		"cut in the prefix":   {good[:6], "after 6 bytes"},
		"cut in the header":   {good[:20], "header"},
		"cut in the body":     {good[:len(good)-3], "body"},
		"no body":             {good[:8+int(good[4])], "0 bytes"},
		"header's length":     {at(6, 0xff), "header"},
		"header is no JSON":   {at(8, '['), "header"},
		"damaged body":        {at(len(good)-1, good[len(good)-1]+1), "body"},
		"other size":          {seal(t, Header{Bytes: len(body) + 1}, body), "its header says"},
		"negative size":       {seal(t, Header{Bytes: -1}, body), "cannot be over"},
		"enormous size":       {seal(t, Header{Bytes: MaxRecordBytes + 1}, body), "cannot be over"},
		"more than fits":      {seal(t, Header{Bytes: len(body), Events: len(body) + 1}, body), "cannot hold"},
		"negative count":      {seal(t, Header{Bytes: len(body), Events: -1}, body), "cannot hold"},
		"bomb":                {bomb, "body"},
		"gzip of nothing":     {[]byte("\x1f\x8b"), "gzip"},
		"gzip of no JSON":     {zipped(t, "hello"), "neither"},
		"gzip that is cut":    {zipped(t, goodLine)[:20], "gzip"},
		"gzip that is a bomb": {zipped(t, strings.Repeat(" ", MaxRecordBytes+1)), "over"},
	} {
		r := NewRecordReader()
		err := r.Open(c.data, Origin{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want an error with %q, have %v", name, c.want, err)
		}
		if err := r.Open(good, Origin{}); err != nil {
			t.Errorf("%s: want the next record read, have %v", name, err)
		}
	}
}

func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestForeignRecords reads what other producers put on a stream.
// aggregated makes a record as the Kinesis Producer Library does.
func aggregated(records ...string) string {
	var w kpl.Writer
	w.Reset("a key")
	for _, r := range records {
		w.Add([]byte(r))
	}
	return string(w.Seal(nil))
}

// A record that begins as an aggregated one and is none is read as any other, which it then is not either.
func TestDamagedAggregateIsUnreadable(t *testing.T) {
	t.Parallel()
	whole := aggregated(goodLine)
	for _, data := range []string{whole[:len(whole)-1] + "x", whole[:len(whole)-1], whole[:4]} {
		if err := NewRecordReader().Open([]byte(data), Origin{}); err == nil || !strings.Contains(err.Error(), "neither") {
			t.Errorf("%q: want it to be neither; have %v", data, err)
		}
	}
}

func TestForeignRecords(t *testing.T) {
	t.Parallel()
	event := func(id string) string { return `{"type":"track","event":"x","userId":"u","messageId":"` + id + `"}` }
	deep := strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1)
	const own = "s:0:42:"
	for name, c := range map[string]struct{ data, want string }{
		"an object":        {event("a"), "a"},
		"indented":         {"\ufeff\n {\n \"type\":\n\"page\", \"userId\":\"u\"}\n", own + "0"},
		"lines":            {event("a") + "\n" + event("b") + "\r\n\n" + event("c") + "\n", "a b c"},
		"one behind other": {event("a") + event("b") + " " + event("c"), "a b c"},
		"an array":         {"[" + event("a") + ",\n" + event("b") + " , " + event("c") + "]", "a b c"},
		"arrays":           {"[" + event("a") + "]\n[]\n[" + event("b") + "]", "a b"},
		"array, object":    {"[" + event("a") + "]" + event("b"), "a b"},
		"gzip":             {string(zipped(t, event("a")+"\n"+event("b"))), "a b"},
		"bad line":         {event("a") + "\n{\"type\":\n" + event("b"), "a !" + own + "1 b"},
		"bad in array":     {"[" + event("a") + ",{\"x\":},\n" + event("b") + "]", "a !" + own + "1"},
		"not objects":      {"[1,null,[" + event("a") + "]," + event("b") + "]", "!" + own + "0 !" + own + "1 !" + own + "2 b"},
		"array of arrays":  {event("a") + deep + event("b"), "a !" + own + "1 b"},
		"too deep in one":  {"[" + event("a") + "," + deep + "," + event("b") + "]", "a !" + own + "1 b"},
		"too deep lines":   {"{\"a\":" + deep + "}\n" + event("b"), "!" + own + "0 b"},
		"aggregated":       {aggregated(event("a"), event("b")+"\n"+event("c"), "["+event("d")+"]", event("e")), "a b c d e"},
		"aggregated gzip":  {aggregated(string(zipped(t, event("a"))), string(zipped(t, event("b"))), event("c")), "a b c"},
		"aggregated, poor": {aggregated(event("a"), "no JSON", string(zipped(t, event("b"))[:20]), "["+event("c"), event("d")), "a !" + own + "1 !" + own + "2 c d"},
		"aggregated, idle": {aggregated(`{"type":"page","userId":"u"}`, `{"type":"page","userId":"u"}`), own + "0 " + own + "1"},
		"no ids":           {"[{\"type\":\"page\",\"userId\":\"u\"},{\"type\":\"page\",\"userId\":\"u\"}]", own + "0 " + own + "1"},
	} {
		r := NewRecordReader()
		for range 2 {
			if err := r.Open([]byte(c.data), Origin{Stream: "s", Shard: "0", Position: "42", Source: "clicks", Time: 99}); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			var have []string
			var e Event
			for {
				verdict, ok := r.Next(&e)
				if !ok {
					break
				}
				id := e.MessageID
				if !verdict.OK() {
					id = "!" + id
				}
				have = append(have, id)
				if e.Request.Source != "clicks" || e.Request.Protocol != "foreign" || e.ReceivedAt != 99 || len(e.Raw) == 0 {
					t.Errorf("%s: want the origin's source and time, have %+v", name, e)
				}
			}
			if strings.Join(have, " ") != c.want {
				t.Errorf("%s: want %s, have %s", name, c.want, strings.Join(have, " "))
			}
			if !r.Foreign() || r.Header().Events != 0 {
				t.Errorf("%s: want a foreign record", name)
			}
		}
	}
}

// TestRequestOutlivesItsRecord: the loader may keep a request while the reader goes on.
func TestRequestOutlivesItsRecord(t *testing.T) {
	t.Parallel()
	w, r := NewRecordWriter(), NewRecordReader()
	fillSample(w)
	data := w.Seal(nil, Header{})
	if err := r.Open(data, Origin{}); err != nil {
		t.Fatal(err)
	}
	var e Event
	r.Next(&e)
	request := e.Request
	want := fmt.Sprintf("%+v", *request)
	w.Add(&Request{Source: "other"}, [][]byte{bytes.Repeat([]byte("z"), 5000)})
	if err := r.Open(w.Seal(nil, Header{}), Origin{}); err != nil {
		t.Fatal(err)
	}
	for ok := true; ok; {
		_, ok = r.Next(&e)
	}
	if have := fmt.Sprintf("%+v", *request); have != want {
		t.Errorf("want %s, have %s", want, have)
	}
}

// TestAcceptedIsCountedBySourceAndMinute holds the header's ledger to the events.
func TestAcceptedIsCountedBySourceAndMinute(t *testing.T) {
	t.Parallel()
	w := NewRecordWriter()
	add := func(source string, at Time, n int) {
		w.Add(&Request{Source: source, ReceivedAt: at}, slices.Repeat([][]byte{[]byte("{}")}, n))
	}
	add("a", 59_999_999, 2)
	add("b", 59_999_999, 1)
	add("a", 60_000_000, 3)
	add("a", 0, 4)
	add("b", 1, 0)
	if w.Events() != 10 {
		t.Errorf("want 10 events, have %d", w.Events())
	}
	h, _, err := ReadHeader(w.Seal(nil, Header{}))
	if err != nil {
		t.Fatal(err)
	}
	want := []Accepted{{"a", 0, 6}, {"b", 0, 1}, {"a", 1, 3}}
	if !slices.Equal(h.Accepted, want) {
		t.Errorf("want %v, have %v", want, h.Accepted)
	}
}
