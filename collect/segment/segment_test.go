package segment

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
)

// decode reads a body that came to a path.
func decode(path, body string) (key string, req event.Request, events []jsonscan.Value, err error) {
	var k []byte
	k, events, err = New().Decode(&http.Request{Method: http.MethodPost, URL: &url.URL{Path: path}}, []byte(body), &req, nil)
	return string(k), req, events, err
}

// describe writes down all that was read of a batch.
func describe(key string, req event.Request, events []jsonscan.Value) string {
	out := []string{"key=" + key}
	for _, member := range []struct {
		name  string
		value []byte
	}{{"sentAt", req.SentAt}, {"context", req.Context}, {"integrations", req.Integrations}} {
		if member.value != nil {
			out = append(out, member.name+"="+string(member.value))
		}
	}
	for _, v := range events {
		text := string(v.Raw)
		if v.Kind == jsonscan.Invalid {
			text = "!" + text
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func TestBatch(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	objects := strings.Repeat(`{"a":`, event.MaxDepth-1) + `1` + strings.Repeat(`}`, event.MaxDepth-1)
	for body, want := range map[string]string{
		`{"batch":[{"a":1}]}`: `key= {"a":1}`,
		` { "batch" : [ {"a":1} , {"b":2},3 ] , "writeKey" : "k" } ` + "\n":                               `key=k {"a":1} {"b":2} 3`,
		`{"writeKey":"k\u0041","sentAt":"x","context":{"c":1},"integrations":{"All":false},"batch":[{}]}`: `key=kA sentAt="x" context={"c":1} integrations={"All":false} {}`,
		`{"sentAt":1795394441328,"context":null,"integrations":[],"messageId":"m","batch":[{}]}`:          `key= sentAt=1795394441328 {}`,
		`{"sentAt":{"a":1},"writeKey":7,"batch":[{}]}`:                                                    `key= {}`,
		`{"sentAt":"` + strings.Repeat("2", 100) + `","batch":[{}]}`:                                      `key= {}`,
		`{"batch":[{"a":1}],"batch":[{"b":2}]}`:                                                           `key= {"a":1} {"b":2}`,
		`{"batch":[` + deep(event.MaxDepth) + `]}`:                                                        `key= ` + deep(event.MaxDepth),
		`{"batch":[{},` + deep(event.MaxDepth+1) + `,{}]}`:                                                `key= {} !` + deep(event.MaxDepth+1) + ` {}`,
		`{"context":` + objects + `,"batch":[1]}`:                                                         `key= context=` + objects + ` 1`,
	} {
		key, req, events, err := decode("/v1/batch", body)
		if have := describe(key, req, events); err != nil || have != want {
			t.Errorf("%s:\nwant %s\nhave %s, %v", body, want, have, err)
		}
	}
}

func TestRefusedBatches(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("{},", event.MaxBatchEvents)
	for body, code := range map[string]string{
		``: "", `  `: "", `{`: "", `[]`: "", `"x"`: "", `{}x`: "", `{"batch":[]`: "", `{"batch":[{}]`: "", `{"batch":[{}]}}`: "", `{"batch":[{}]}` + "\x00": "",
		`{"batch":[{},]}`: "", `{"batch":[,{}]}`: "", `{"batch":[{} {}]}`: "", `{"batch":[{}],}`: "", `{,"batch":[{}]}`: "", `{"batch" [{}]}`: "", `{batch:[{}]}`: "",
		`{"batch":[{}] "writeKey":"k"}`: "", `{"batch":[01]}`: "", "{\"batch\":[{\"a\":\"\n\"}]}": "", `{"batch":[{}],"context":{"a"}}`: "",
		`{"context":` + strings.Repeat("[", event.MaxDepth) + strings.Repeat("]", event.MaxDepth) + `,"batch":[{}]}`: "",
		`{"batch":[` + strings.Repeat("[", maxDeep+1) + strings.Repeat("]", maxDeep+1) + `]}`:                        "",
		`{}`: "missing_batch", `{"type":"track","event":"x","userId":"u"}`: "missing_batch", `{"batch":{}}`: "missing_batch", `{"batch":null}`: "missing_batch",
		`{"batch":[]}`: "empty_batch", `{"batch":[` + many + `{}]}`: "too_many_events",
		`{"context":{"a":"` + strings.Repeat("x", 5000) + `"},"batch":[` + many[:len("{},")*1000-1] + `]}`: "context_too_large",
	} {
		_, _, _, err := decode("/v1/b", body)
		var coded interface{ Code() string }
		errors.As(err, &coded)
		_, syntax := errors.AsType[*jsonscan.SyntaxError](err)
		switch {
		case err == nil:
			t.Errorf("%.80s: want an error", body)
		case code != "" && (coded == nil || coded.Code() != code):
			t.Errorf("%.80s: want %s, have %v", body, code, err)
		case code == "" && !syntax && !errors.Is(err, jsonscan.ErrDepth):
			t.Errorf("%.80s: want a syntax error, have %v", body, err)
		}
	}
	if _, _, events, err := decode("/v1/b", `{"batch":[`+many[:len(many)-1]+`]}`); err != nil || len(events) != event.MaxBatchEvents {
		t.Errorf("want the largest batch taken, have %d, %v", len(events), err)
	}
	_, _, _, err := decode("/v1/batch", `{"batch":[{"a":1},{"b":}]}`)
	if syntax, ok := errors.AsType[*jsonscan.SyntaxError](err); !ok || syntax.Offset != 23 {
		t.Errorf("want the fault at byte 23, have %v", err)
	}
}

func TestSingle(t *testing.T) {
	t.Parallel()
	for _, q := range []struct{ body, key, event, err string }{
		{`{"a":1}`, "", `{"a":1}`, ""},
		{" {\"a\":1,\"writeKey\":\"k\"} \r\n", "k", `{"a":1,"writeKey":"k"}`, ""},
		{`{"writeKey":null,"a":{"writeKey":"no"}}`, "", `{"writeKey":null,"a":{"writeKey":"no"}}`, ""},
		{`[1]`, "", `[1]`, ""},
		{`{"a":1}{}`, "", "", "end of the body"},
		{``, "", "", "ends"},
		{`{"a":`, "", "", "ends"},
		{strings.Repeat("[", 200) + strings.Repeat("]", 200), "", "!" + strings.Repeat("[", 200) + strings.Repeat("]", 200), ""},
	} {
		key, _, events, err := decode("/v1/t", q.body)
		if q.err != "" {
			if err == nil || !strings.Contains(err.Error(), q.err) {
				t.Errorf("%s: want an error with %q, have %v", q.body, q.err, err)
			}
			continue
		}
		if err != nil || len(events) != 1 {
			t.Errorf("%s: want one event, have %d, %v", q.body, len(events), err)
			continue
		}
		have := string(events[0].Raw)
		if events[0].Kind == jsonscan.Invalid {
			have = "!" + have
		}
		if key != q.key || have != q.event {
			t.Errorf("%s: want %q %s, have %q %s", q.body, q.key, q.event, key, have)
		}
	}
}

func TestTypesOfPaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/v1/identify": "identify", "/v1/i": "identify", "/v1/track": "track", "/v1/t": "track", "/v1/page": "page", "/v1/p": "page",
		"/v1/screen": "screen", "/v1/s": "screen", "/v1/group": "group", "/v1/g": "group", "/v1/alias": "alias", "/v1/a/": "alias",
		"/v1/v1/t": "track", "/": "", "/v1": "", "/b": "", "/v1/b": "", "/v1/batch": "", "/v1/import/": "", "/beacon/v1/batch": "",
	} {
		if have := typeOf(path); have != want {
			t.Errorf("%s: want %q, have %q", path, want, have)
		}
		if want == "" {
			continue
		}
		if _, req, _, err := decode(path, "{}"); err != nil || req.Type != want {
			t.Errorf("%s: want events of type %q, have %q, %v", path, want, req.Type, err)
		}
	}
	if routes := New().Routes(); len(slices.Compact(slices.Sorted(slices.Values(routes)))) != len(routes) {
		t.Errorf("want each route once, have %v", routes)
	}
}

// FuzzDecode: what is taken is what encoding/json takes, and its events are the elements of its batch.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"batch":[{"type":"track","event":"x","userId":"u"},[1,2.5e3,null]],"writeKey":"k","sentAt":"2026-11-23T00:00:00Z","context":{"a":{}}}`,
		`{"batch":[],"batch":[true]}`, `{"a":1}`, `{"batch":[{"a":"\u00e9\ud800"}]} `, `{"batch":[`, `{"\u0062atch":[1]}`,
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, body string, batch bool) {
		path := map[bool]string{true: "/v1/batch", false: "/v1/track"}[batch]
		_, req, events, err := decode(path, body)
		if err != nil {
			if _, mine := errors.AsType[*invalid](err); !mine && !errors.Is(err, jsonscan.ErrDepth) && json.Valid([]byte(body)) && (!batch || strings.HasPrefix(strings.TrimSpace(body), "{")) {
				t.Fatalf("%q: refused though it is JSON: %v", body, err)
			}
			return
		}
		for _, raw := range [][]byte{req.SentAt, req.Context, req.Integrations} {
			if _, rest, err := jsonscan.Scan(raw, event.MaxDepth-1); raw != nil && (err != nil || len(rest) > 0) {
				t.Fatalf("%q: %q cannot stand in a request line: %v", body, raw, err)
			}
		}
		for _, v := range events {
			if scanned, verdict := event.Scan(v.Raw); v.Kind != scanned.Kind && verdict.Reason != event.TooLarge {
				t.Fatalf("%q: event %q: want kind %d, have %d", body, v.Raw, scanned.Kind, v.Kind)
			}
		}
		var want struct{ Batch []json.RawMessage }
		if !batch || strings.Count(strings.ToLower(body), "batch")+strings.Count(body, `\`) > 1 || json.Unmarshal([]byte(body), &want) != nil {
			return // encoding/json takes the last of equal names, in any case, and no NaN
		}
		if len(want.Batch) != len(events) {
			t.Fatalf("%q: want %d events, have %d", body, len(want.Batch), len(events))
		}
		for i, v := range events {
			if string(v.Raw) != string(want.Batch[i]) {
				t.Fatalf("%q: event %d: want %s, have %s", body, i, want.Batch[i], v.Raw)
			}
		}
	})
}
