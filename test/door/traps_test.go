package door

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/spoorhq/spoor/collect"
	"github.com/spoorhq/spoor/collect/segment"
	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/stream"
)

const basic = "Basic d2tfdGVzdDo=" // wk_test:

func track(id string) string {
	return `{"type":"track","event":"x","userId":"u","messageId":"` + id + `"}`
}

// TestPaths: every path that an SDK is known to call, with and without a slash at the end and with one too many before.
func TestPaths(t *testing.T) {
	t.Parallel()
	d := open(t)
	batch := `{"batch":[` + track("b") + `]}`
	for _, route := range segment.New().Routes() {
		path := strings.TrimSuffix(strings.TrimPrefix(route, "POST "), "{$}")
		body := batch
		switch name := path[strings.LastIndexByte(path, '/')+1:]; name {
		case "", "b", "v1", "batch", "import":
		default:
			body = track("s")
		}
		for _, path := range []string{path, path + "/", "/" + path} {
			if status, answer := d.post(t, path, body, "Authorization", basic); status != http.StatusOK || !strings.Contains(answer, `"accepted":1`) {
				t.Errorf("%s: want 200, have %d %s", path, status, answer)
			}
		}
	}
	for _, path := range []string{
		"/v1/identify", "/v1/track", "/v1/page", "/v1/screen", "/v1/group", "/v1/alias", "/v1/batch", "/v1/import",
		"/v1/b", "/v1/i", "/v1/t", "/v1/p", "/v1/g", "/v1/a", "/v1/s", "/b", "/", "/v1",
	} {
		if !slices.ContainsFunc(segment.New().Routes(), func(r string) bool { return strings.TrimSuffix(r, "{$}") == "POST "+path }) {
			t.Errorf("want %s among the routes", path)
		}
	}
	if status, answer := d.post(t, "/v1/m", "anything", "Content-Type", "text/plain"); status != http.StatusOK || answer != `{"success":true}` {
		t.Errorf("want measurements taken, have %d %s", status, answer)
	}
}

// TestContentTypes: browsers send text/plain, axios a form, some nothing.
func TestContentTypes(t *testing.T) {
	t.Parallel()
	d := open(t)
	for _, contentType := range []string{"application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""} {
		if status, answer := d.post(t, "/v1/t", track("m"), "Authorization", basic, "Content-Type", contentType); status != http.StatusOK {
			t.Errorf("%q: want 200, have %d %s", contentType, status, answer)
		}
	}
}

// TestKeysOfSDKs: where each SDK puts its write key.
func TestKeysOfSDKs(t *testing.T) {
	t.Parallel()
	d := open(t)
	in := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	keyed := `{"writeKey":"wk_shop","batch":[` + track("m") + `]}`
	for name, q := range map[string]struct {
		path, body    string
		header, value string
		want          string
	}{
		"analytics-go":             {"/v1/batch", `{"batch":[` + track("m") + `]}`, "Authorization", in("wk_shop:"), "shop"},
		"old SDKs, no colon":       {"/v1/batch", `{"batch":[` + track("m") + `]}`, "Authorization", in("wk_shop"), "shop"},
		"analytics-python":         {"/v1/batch", keyed, "", "", "shop"},
		"analytics-node, OAuth":    {"/v1/batch", keyed, "Authorization", "Bearer some.token", "shop"},
		"analytics.js":             {"/v1/t", strings.Replace(track("m"), "{", `{"writeKey":"wk_shop",`, 1), "Authorization", in("wk_shop:"), "shop"},
		"analytics-kotlin":         {"/b", keyed, "", "", "shop"},
		"React Native":             {"/", keyed, "", "", "shop"},
		"RudderStack's beacon":     {"/beacon/v1/batch?writeKey=wk_shop", `{"batch":[` + track("m") + `]}`, "", "", "shop"},
		"Jitsu's header":           {"/v1/track", strings.Replace(track("m"), "{", `{"writeKey":"wk_s:***",`, 1), "X-Write-Key", "wk_shop", "shop"},
		"header before body":       {"/v1/batch", keyed, "Authorization", basic, "web"},
		"another key of the same":  {"/v1/batch", keyed, "X-Write-Key", "wk_old", "web"},
		"unknown everywhere":       {"/v1/batch", strings.Replace(keyed, "wk_shop", "nobody", 1), "Authorization", in("nobody:"), ""},
		"none":                     {"/v1/batch", `{"batch":[` + track("m") + `]}`, "", "", ""},
		"within an event of batch": {"/v1/batch", `{"batch":[{"writeKey":"wk_shop","type":"page","userId":"u"}]}`, "", "", ""},
	} {
		status, answer := d.post(t, q.path, q.body, q.header, q.value)
		if q.want == "" {
			if status != http.StatusUnauthorized {
				t.Errorf("%s: want 401, have %d %s", name, status, answer)
			}
			continue
		}
		sources := d.events(t, func(e *event.Event, _ event.Verdict) string { return e.Request.Source })
		if status != http.StatusOK || len(sources) == 0 || sources[len(sources)-1] != q.want {
			t.Errorf("%s: want an event of %s, have %d %s, %v", name, q.want, status, answer, sources)
		}
	}
}

// TestAnswersOfSDKs: what each SDK reads of an answer.
func TestAnswersOfSDKs(t *testing.T) {
	t.Parallel()
	d := open(t)
	_, good := d.post(t, "/v1/import/", `{"batch":[`+track("m")+`]}`, "Authorization", basic)
	var success struct {
		Success *bool
		Error   any
	}
	// analytics-java reads success; analytics-ruby wants JSON, and no error in it.
	if err := json.Unmarshal([]byte(good), &success); err != nil || success.Success == nil || !*success.Success || success.Error != nil {
		t.Errorf("want success and no error, have %s", good)
	}
	for _, q := range []struct{ body, auth string }{{`{"batch":`, basic}, {`{"batch":[]}`, basic}, {track("m"), ""}} {
		_, bad := d.post(t, "/v1/batch", q.body, "Authorization", q.auth)
		var failure map[string]any
		if err := json.Unmarshal([]byte(bad), &failure); err != nil {
			t.Fatal(err)
		}
		// analytics-python raises an error of its own without code and message, and sends again.
		for _, name := range []string{"code", "message", "error"} {
			if text, _ := failure[name].(string); text == "" {
				t.Errorf("%s: want %s, have %s", q.body, name, bad)
			}
		}
		if success, is := failure["success"].(bool); !is || success {
			t.Errorf("%s: want no success, have %s", q.body, bad)
		}
	}
}

// TestStatuses: no answer to an SDK's request has a status that some SDK takes the wrong way: 202 and 204 are sent again by
// analytics-python, 3xx are a success to some and a failure to others, 413, 501, 505 and 511 lose the batch.
func TestStatuses(t *testing.T) {
	t.Parallel()
	full := &failing{}
	d := open(t)
	broken := open(t, func(o *collect.Options) { o.Log = full })
	slow := open(t, func(o *collect.Options) { o.Sources[0].RatePerSecond = 1 })
	allowed := []int{http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusServiceUnavailable}
	check := func(d *door, path, body string, headers ...string) {
		t.Helper()
		have := d.do(t, http.MethodPost, path, strings.NewReader(body), headers...)
		if !slices.Contains(allowed, have.status) || !json.Valid([]byte(have.body)) || have.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %.60s: want one of %v in JSON, have %d %s", path, body, allowed, have.status, have.body)
		}
		if have.status == http.StatusTooManyRequests || have.status == http.StatusServiceUnavailable {
			if seconds, err := strconv.Atoi(have.header.Get("Retry-After")); err != nil || seconds < 1 {
				t.Errorf("%s: want whole seconds to wait, have %q", path, have.header.Get("Retry-After"))
			}
		}
	}
	large := strings.Repeat(" ", event.MaxBatchBytes+1)
	for _, path := range []string{"/v1/batch", "/v1/t", "/", "/v1/import/", "//v1//b//"} {
		for _, body := range []string{"", "{}", "[]", "null", "nonsense", `{"batch":[]}`, `{"batch":[1,{},"x"]}`, large, "\x1f\x8bnonsense", "\x28\xb5\x2f\xfdx"} {
			check(d, path, body, "Authorization", basic)
			check(d, path, body)
			check(d, path, body, "Authorization", basic, "Content-Encoding", "gzip")
			check(d, path, body, "Authorization", basic, "Content-Encoding", "br")
			check(d, path, body, "Authorization", "Basic ***")
		}
	}
	many := `{"batch":[` + strings.Repeat(track("m")+",", 1999) + track("m") + `]}`
	for range 3 {
		check(broken, "/v1/batch", many, "Authorization", basic)
		check(slow, "/v1/batch", many, "Authorization", basic)
	}
}

// failing is a stream that is full.
type failing struct{ stream.Log }

func (failing) Append(context.Context, []stream.Record) error {
	return &stream.PartialError{Failed: map[int]error{0: stream.ErrFull}}
}
func (failing) Unwrap() stream.Log { return nil }

// TestBadEventsAreAnswered200: the Go SDKs send what is answered 400 ten times over, and others for ever.
func TestBadEventsAreAnswered200(t *testing.T) {
	t.Parallel()
	d := open(t)
	large := `{"type":"track","event":"x","userId":"u","messageId":"large","properties":{"p":"` + strings.Repeat("x", event.MaxEventBytes) + `"}}`
	deep := `{"type":"track","event":"x","userId":"u","properties":` + strings.Repeat(`[`, 200) + strings.Repeat(`]`, 200) + `}`
	body := `{"batch":[` + strings.Join([]string{track("a"), large, `{"type":"track","userId":"u"}`, deep, `[]`, track("b"), track("a")}, ",\n") + `]}`
	status, answer := d.post(t, "/v1/batch", body, "Authorization", basic)
	var have struct {
		Accepted, Duplicates int
		Rejected             []struct {
			Index             int
			MessageID, Reason string
		}
	}
	if err := json.Unmarshal([]byte(answer), &have); err != nil {
		t.Fatal(err)
	}
	want := "[{1  event_too_large} {2  missing_event} {3  too_deep} {4  not_an_object}]"
	if status != http.StatusOK || have.Accepted != 3 || have.Duplicates != 1 || fmt.Sprint(have.Rejected) != want {
		t.Errorf("want 3 accepted, 1 of them twice, and %s; have %d %s", want, status, answer)
	}
	stored := d.events(t, brief)
	if len(stored) != 7 {
		t.Fatalf("want all seven stored, have %v", stored)
	}
	for i, prefix := range []string{"a", "!event_too_large", "!missing_event", "!too_deep", "!not_an_object", "b", "a"} {
		if !strings.HasPrefix(stored[i], prefix) {
			t.Errorf("event %d: want %s, as the answer says; have %s", i, prefix, stored[i])
		}
	}
}

// TestLimits: a batch at its limit is taken, one beyond it refused whole.
func TestLimits(t *testing.T) {
	t.Parallel()
	d := open(t)
	of := func(n int) string {
		return `{"batch":[` + strings.Repeat(`{"type":"page","userId":"u"},`, n-1) + `{"type":"page","userId":"u"}]}`
	}
	padded := func(n int) string { return of(1) + strings.Repeat(" ", n-len(of(1))) }
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte(padded(event.MaxBatchBytes + 1))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]struct {
		body   string
		status int
		want   string
	}{
		"2500 events":    {of(2500), http.StatusOK, `"accepted":2500`},
		"2501 events":    {of(2501), http.StatusBadRequest, `"too_many_events"`},
		"500 KiB":        {padded(event.MaxBatchBytes), http.StatusOK, `"accepted":1`},
		"more":           {padded(event.MaxBatchBytes + 1), http.StatusBadRequest, `"body_too_large"`},
		"more, unpacked": {zipped.String(), http.StatusBadRequest, `"body_too_large"`},
	} {
		if status, answer := d.post(t, "/v1/batch", q.body, "Authorization", basic); status != q.status || !strings.Contains(answer, q.want) {
			t.Errorf("%s: want %d %s, have %d %.200s", name, q.status, q.want, status, answer)
		}
	}
}

// TestKotlin: gzip, chunked, text/plain, the key in the body's last member.
func TestKotlin(t *testing.T) {
	t.Parallel()
	d := open(t)
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	fmt.Fprintf(z, `{ "batch": [%s,%s],"sentAt":"2026-11-23T00:40:51.312Z","writeKey":"wk_test"}`, track("a"), track("b"))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	// A reader of a type that net/http does not know is sent in chunks.
	answer := d.do(t, http.MethodPost, "/v1/b", struct{ *bytes.Buffer }{&body}, "Content-Type", "text/plain", "Content-Encoding", "gzip")
	if answer.status != http.StatusOK || !strings.Contains(answer.body, `"accepted":2`) {
		t.Errorf("want 200, have %d %s", answer.status, answer.body)
	}
	if have := d.events(t, brief); !slices.Equal(have, []string{"a", "b"}) {
		t.Errorf("want a and b, have %v", have)
	}
}

// TestSettingsBehindAProxy: the phones' SDKs send to where the settings say, so that must be what the client called.
func TestSettingsBehindAProxy(t *testing.T) {
	t.Parallel()
	for trusted, want := range map[string]string{"127.0.0.0/8": "https", "10.0.0.0/8": "http"} {
		d := open(t, func(o *collect.Options) { o.TrustedProxies = prefixes(t, trusted) })
		for _, path := range []string{"/v1/projects/wk_test/settings", "/projects/wk%5ftest/settings/"} {
			answer := d.do(t, http.MethodGet, path, nil, "X-Forwarded-Proto", "https")
			var have struct {
				Integrations map[string]struct{ APIHost, APIKey, Protocol string }
				Metrics      map[string]int
			}
			if err := json.Unmarshal([]byte(answer.body), &have); err != nil {
				t.Fatal(err)
			}
			segment := have.Integrations["Segment.io"]
			if segment.APIHost != d.address+"/v1" || segment.Protocol != want || segment.APIKey != "wk_test" {
				t.Errorf("%s: want %s://%s/v1, have %+v", path, want, d.address, segment)
			}
			if rate, there := have.Metrics["sampleRate"]; !there || rate != 0 {
				t.Errorf("want no measurements asked for, have %v", have.Metrics)
			}
		}
	}
}

// TestPixel: the picture comes when its event is durable, and whatever happens.
func TestPixel(t *testing.T) {
	t.Parallel()
	d := open(t)
	for query, want := range map[string]int{
		"writeKey=wk_test&event=Opened&userId=u&messageId=p": http.StatusOK, "event=Opened&userId=u": http.StatusUnauthorized,
		"writeKey=wk_test&data=***": http.StatusBadRequest, "writeKey=wk_test&type=nonsense&userId=u": http.StatusOK,
	} {
		have := d.do(t, http.MethodGet, "/v1/pixel.gif?"+query, nil)
		if have.status != want || len(have.body) != 43 || have.header.Get("Content-Type") != "image/gif" {
			t.Errorf("%s: want %d and a picture, have %d and %d bytes", query, want, have.status, len(have.body))
		}
	}
	have := d.events(t, brief)
	slices.Sort(have)
	if len(have) != 2 || !strings.HasPrefix(have[0], "!unknown_type") || have[1] != "p" {
		t.Errorf("want one good event and one bad, have %v", have)
	}
}
