package event

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// exhaust reads a record to its end and returns how many events it gave.
func exhaust(t *testing.T, r *RecordReader, limit int) int {
	var e Event
	for n := 0; ; n++ {
		verdict, ok := r.Next(&e)
		if !ok {
			return n
		}
		if n > limit {
			t.Fatalf("more than %d events", limit)
		}
		if e.Request == nil || e.MessageID == "" || e.Index != n {
			t.Fatalf("event %d has no request, id or index: %+v", n, e)
		}
		if verdict.OK() && !json.Valid(clean(e.Properties)) || !json.Valid(clean(e.Context)) || !json.Valid(clean(e.Extra)) {
			t.Fatalf("want strict JSON, have %s, %s and %s", e.Properties, e.Context, e.Extra)
		}
	}
}

func clean(object []byte) []byte {
	if object == nil {
		return []byte("{}")
	}
	return object
}

// FuzzRecordReader: no bytes crash the reader, keep it busy for ever or make it forget an event that a header counts.
func FuzzRecordReader(f *testing.F) {
	w := NewRecordWriter()
	fillSample(w)
	f.Add(w.Seal(nil, sampleHeader))
	f.Add([]byte(`[{"type":"page","userId":"u"},{"a":[[1]]}]{"x":1}` + "\n{"))
	f.Add(zipped(f, goodLine))
	r := NewRecordReader()
	f.Fuzz(func(t *testing.T, data []byte) {
		if r.Open(data, Origin{Stream: "s", Shard: "0", Position: "1"}) != nil {
			return
		}
		n := exhaust(t, r, 1<<22)
		if n < r.Header().Events {
			t.Fatalf("want %d events, have %d", r.Header().Events, n)
		}
	})
}

// FuzzRecordBody is FuzzRecordReader behind the compression, which a fuzzer seldom gets through.
func FuzzRecordBody(f *testing.F) {
	f.Add(requestLine+"\n"+goodLine+"\n"+goodLine, 2)
	f.Add(requestLine+"\n"+goodLine+"\n{}\n"+goodLine, 9)
	f.Add(`{"receivedAt":0,"events":1,"context":{"a":1},"integrations":{"All":NaN},"sentAt":1}`+"\n"+`{"type":"page","userId":"u","context":{"a":2}}`, 1)
	r := NewRecordReader()
	w := NewRecordWriter()
	f.Fuzz(func(t *testing.T, body string, events int) {
		w.body, w.events = append(w.body, body...), events
		if r.Open(w.Seal(nil, Header{}), Origin{}) != nil {
			return
		}
		if n := exhaust(t, r, len(body)+events+1); n < events {
			t.Fatalf("want %d events, have %d", events, n)
		}
	})
}

// FuzzVerdict: the door and the loader come to the same verdict on the same text, and it is the same text.
func FuzzVerdict(f *testing.F) {
	for _, seed := range []string{
		goodLine, `{"type":"page",` + "\n" + `"userId":7}`, "{\"event\":\"a\nb\",\"userId\":\"u\",\"type\":\"track\"}", "{\"event\":\"a\rb\"}",
		`{"userId":"u"}`, `{"userId":"\u0000\ud800","properties":{"a":NaN}}`, `[]`, ``, ` `, "\n", `{"a":1}x`, `"` + strings.Repeat("x", MaxEventBytes) + `"`,
		strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1), `{"type":{}}`,
	} {
		f.Add([]byte(seed), "track")
	}
	w, r := NewRecordWriter(), NewRecordReader()
	f.Fuzz(func(t *testing.T, raw []byte, typ string) {
		if !json.Valid([]byte(`"` + typ + `"`)) {
			return
		}
		var p Parser
		var door, loaded Event
		v, want := Scan(raw)
		if want.OK() {
			want = p.Inspect(v, typ, &door)
		}
		w.Add(&Request{Source: "s", Type: typ, ReceivedAt: 1}, [][]byte{raw, raw})
		if err := r.Open(w.Seal(nil, Header{Boot: "b", Seq: 1}), Origin{}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			have, ok := r.Next(&loaded)
			if !ok || have.Reason != want.Reason {
				t.Fatalf("want %q, have %q (%v)", want.Reason, have.Reason, ok)
			}
			if !bytes.Equal(bytes.TrimSpace(loaded.Raw), bytes.TrimSpace(flat(raw))) {
				t.Fatalf("want %q, have %q", raw, loaded.Raw)
			}
			if want.OK() && (door.Type != loaded.Type || door.Name != loaded.Name || door.UserID != loaded.UserID || door.AnonymousID != loaded.AnonymousID) {
				t.Fatalf("want %+v, have %+v", door, loaded)
			}
		}
		if _, ok := r.Next(&loaded); ok {
			t.Fatal("want two events")
		}
	})
}

func flat(raw []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte{'\n'}, []byte{'\t'}), []byte{'\r'}, []byte{'\t'})
}
