package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// plainSample is requests of all that can be odd about them.
func plainSample(w *RecordWriter) int {
	large := `{"type":"track","event":"x","userId":"u","pad":"` + strings.Repeat("p", MaxEventBytes-50) + `"}`
	if len(large) != MaxEventBytes {
		panic(len(large))
	}
	w.Add(&Request{
		Source: "web", Protocol: "segment", ReceivedAt: 1_795_394_452_000_123, SentAt: []byte(`"2026-11-23T00:40:51.312Z"`),
		IP: "203.0.113.7", UserAgent: "Mozilla/5.0 \"é\"", Context: []byte(`{"library":{"name":"analytics-go"}}`),
	}, [][]byte{
		[]byte(`{"type":"identify","userId":"u1","messageId":"m-1","traits":{"plan":"pro"}}`),
		[]byte("{\n \"type\": \"track\",\r\n \"event\": \"Order \\n Completed\",\n \"anonymousId\": \"a1\",\n \"messageId\":null }"),
		[]byte(`{"type":"track","userId":"u1","messageId":"m-3"}`),
		[]byte(`{}`), []byte(`["an", "array"]`), []byte(`{"broken":`), []byte(large), []byte(strings.Replace(large, "pp", "ppp", 1)),
		[]byte(`{"type":"page","userId":"u1","properties":{"x":{"_spoor":{"source":"evil","receivedAt":"2026-11-23T00:40:51Z"}}}}`),
		[]byte(`{"type":"page","userId":"u1","_spoor":{"source":"evil","receivedAt":"2026-11-23T00:40:51Z"}}`),
	})
	w.Add(&Request{Source: "shop", Protocol: "ndjson", Type: "page", ReceivedAt: 1_795_394_460_000_000}, [][]byte{
		[]byte(`{"anonymousId":"a1","messageId":"m-4","name":"Home"}`), []byte(`{"type":"track","event":"x","userId":"u1"}`),
	})
	return 12
}

// What the loader makes of an event must not hang on the form in which the door put it on the stream.
func TestPlainIsReadAsCompactIs(t *testing.T) {
	t.Parallel()
	header := Header{Collector: "door-1", Boot: "01KAQ5M0000000000000000000", Seq: 7}
	read := func(records ...[]byte) (events []string) {
		r := NewRecordReader()
		for i, data := range records {
			if err := r.Open(data, Origin{Stream: "s", Shard: "0", Position: fmt.Sprint(i), Source: "foreign", Time: 1_795_394_452_000_123}); err != nil {
				t.Fatal(err)
			}
			var e Event
			for {
				verdict, ok := r.Next(&e)
				if !ok {
					break
				}
				id := e.MessageID
				if !verdict.OK() {
					id, e.Context = "", nil
				}
				events = append(events, fmt.Sprintf("%t %s %s %s %s %s %s %s %d %s %s %s %s", verdict.OK(), id, e.Type, e.Name, e.UserID, e.AnonymousID,
					e.Request.Source, e.Request.Protocol, e.SentAt, e.Request.IP, e.Request.UserAgent, e.Context, e.Properties))
			}
		}
		return events
	}
	w := NewRecordWriter()
	plainSample(w)
	want := read(w.Seal(nil, header))

	total := plainSample(w)
	var records [][]byte
	var people []string
	w.Plain(header, func(p PlainEvent) {
		text := p.AppendTo(nil, false)
		if !json.Valid(text) || bytes.ContainsAny(text, "\r\n") {
			t.Errorf("want one line of JSON; have %s", text)
		}
		people, records = append(people, strings.Clone(p.Person)), append(records, text)
	})
	if w.Len() != 0 || w.Events() != 0 || len(records) != total {
		t.Fatalf("want %d records and an empty writer; have %d, and %d bytes left", total, len(records), w.Len())
	}
	if want := []string{"u1", "a1", "u1", "", "", "", "u", "", "u1", "u1", "a1", "u1"}; !slices.Equal(want, people) {
		t.Errorf("want the people %q; have %q", want, people)
	}
	have := read(records...)
	for i := range want {
		// Ids that the door had no room for, and what is refused, are told apart from here on; both are dead or new each way.
		if i == 6 {
			want[i], have[i] = strings.Replace(want[i], "01KAQ5M0000000000000000000:7:6", "s:0:6:0", 1), strings.Clone(have[i])
		}
		if strings.HasPrefix(want[i], "false") && strings.HasPrefix(have[i], "false") {
			continue
		}
		if i == 9 {
			continue // a client's own member of that name is covered by the door's
		}
		if want[i] != have[i] {
			t.Errorf("event %d:\nwant %s\nhave %s\nfrom %s", i, want[i], have[i], records[i])
		}
	}
	if strings.Contains(have[8]+have[9], "evil") && !strings.Contains(have[8], "{\"x\":{\"_spoor\"") {
		t.Errorf("a client has spoken for the door:\n%s\n%s", have[8], have[9])
	}
	for _, i := range []int{8, 9} {
		if !strings.Contains(have[i], " web segment ") {
			t.Errorf("event %d: want the door's source; have %s", i, have[i])
		}
	}
}

// In an aggregated record an event says in short that it was in the request of the one before it.
func TestPlainFollows(t *testing.T) {
	t.Parallel()
	w := NewRecordWriter()
	w.Add(&Request{Source: "web", Protocol: "segment", ReceivedAt: 1, IP: "203.0.113.7"}, [][]byte{
		[]byte(`{"type":"page","userId":"u1","messageId":"a"}`), []byte(`{"type":"page","userId":"u1","messageId":"b"}`),
	})
	w.Add(&Request{Source: "shop", Protocol: "ndjson", ReceivedAt: 2}, [][]byte{[]byte(`{"type":"page","userId":"u1","messageId":"c"}`)})
	var records []string
	last := 0
	w.Plain(Header{}, func(p PlainEvent) {
		records = append(records, string(p.AppendTo(nil, p.Request == last)))
		last = p.Request
	})
	r := NewRecordReader()
	sources := func(records ...string) string {
		if err := r.Open([]byte(aggregated(records...)), Origin{Source: "foreign"}); err != nil {
			t.Fatal(err)
		}
		var have []string
		var e Event
		for {
			if _, ok := r.Next(&e); !ok {
				return strings.Join(have, " ")
			}
			have = append(have, e.MessageID+" "+e.Request.Source+e.Request.IP)
		}
	}
	if want, have := "a web203.0.113.7 b web203.0.113.7 c shop", sources(records...); want != have {
		t.Errorf("want %q; have %q of %q", want, have, records)
	}
	// Alone it is another producer's, for nobody can tell whose request it was.
	if want, have := "b foreign", sources(records[1]); want != have {
		t.Errorf("want %q; have %q", want, have)
	}
}
