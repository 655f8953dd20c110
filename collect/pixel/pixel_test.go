package pixel

import (
	"bytes"
	"encoding/base64"
	"errors"
	"image/gif"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/spoorhq/spoor/event"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	sent := `{"type":"track","event":"Opened?>","userId":"ü","properties":{"n":1}}`
	generated := regexp.MustCompile(`"anonymousId":"[0-9A-Z]{26}"`)
	for _, q := range []struct{ target, referer, typ, want string }{
		{"/v1/pixel.gif?userId=u", "", "page", `{"userId":"u"}`},
		{"/v1/pixel.gif?userId=u&event=Mail+Opened&messageId=m1", "", "track", `{"event":"Mail Opened","userId":"u","messageId":"m1"}`},
		{"/pixel/v1/track?anonymousId=a&event=x&writeKey=k", "", "track", `{"event":"x","anonymousId":"a"}`},
		{"/pixel/v1/track/?anonymousId=a", "", "track", `{"anonymousId":"a"}`},
		{"/pixel/v1/page?anonymousId=a&name=Home&properties.b=2&properties.a=%22&properties.=x", "", "page",
			`{"name":"Home","anonymousId":"a","properties":{"a":"\"","b":"2"}}`},
		{"/v1/pixel.gif?type=screen&name=x&userId=u&other=ignored", "", "page", `{"type":"screen","name":"x","userId":"u"}`},
		{"/v1/pixel.gif?userId=u", "https://shop.example/?a=1&b=2", "page", `{"userId":"u","context":{"page":{"url":"https://shop.example/?a=1&b=2"}}}`},
		{"/v1/pixel.gif", "", "page", `{"anonymousId":"GENERATED","context":{"anonymousIdGenerated":true}}`},
		{"/v1/pixel.gif?userId=&event=x", "https://a.example/", "track",
			`{"event":"x","anonymousId":"GENERATED","context":{"anonymousIdGenerated":true,"page":{"url":"https://a.example/"}}}`},
		{"/v1/pixel.gif?data=" + base64.RawURLEncoding.EncodeToString([]byte(sent)), "", "page", sent},
		{"/v1/pixel.gif?data=" + base64.URLEncoding.EncodeToString([]byte(sent)), "", "page", sent},
		{"/v1/pixel.gif?data=" + base64.StdEncoding.EncodeToString([]byte(sent)), "", "page", sent},
		{"/v1/pixel.gif?data=" + base64.RawURLEncoding.EncodeToString([]byte("hello")), "", "page", "hello"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, q.target, nil)
		r.Header.Set("Referer", q.referer)
		var req event.Request
		key, events, err := New().Decode(r, nil, &req, nil)
		if err != nil || len(events) != 1 || key != nil {
			t.Errorf("%s: want one event, have %d, %v", q.target, len(events), err)
			continue
		}
		have := generated.ReplaceAllString(string(events[0].Raw), `"anonymousId":"GENERATED"`)
		if have != q.want || req.Type != q.typ {
			t.Errorf("%s:\nwant %s %s\nhave %s %s", q.target, q.typ, q.want, req.Type, have)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/v1/pixel.gif?data=***", "/v1/pixel.gif?a=%zz", "/v1/pixel.gif?a;b"} {
		r := &http.Request{Method: http.MethodGet, Header: http.Header{}, URL: httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil).URL}
		r.URL.Path, r.URL.RawQuery = "/v1/pixel.gif", target[len("/v1/pixel.gif?"):]
		_, _, err := New().Decode(r, nil, &event.Request{}, nil)
		var coded interface{ Code() string }
		if !errors.As(err, &coded) || coded.Code() != "invalid_query" {
			t.Errorf("%s: want invalid_query, have %v", target, err)
		}
	}
}

// TestHead: asking for the picture's headers is not seeing it.
func TestHead(t *testing.T) {
	t.Parallel()
	_, events, err := New().Decode(httptest.NewRequestWithContext(t.Context(), http.MethodHead, "/v1/pixel.gif?event=x&userId=u", nil), nil, &event.Request{}, nil)
	if err != nil || len(events) != 0 {
		t.Errorf("want no event, have %d, %v", len(events), err)
	}
}

// TestGeneratedIDs: two people without an id are two people.
func TestGeneratedIDs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		_, events, err := New().Decode(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/pixel.gif", nil), nil, &event.Request{}, nil)
		if err != nil || seen[string(events[0].Raw)] {
			t.Fatalf("want another id each time, have %s, %v", events[0].Raw, err)
		}
		seen[string(events[0].Raw)] = true
	}
}

func TestPicture(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	New().Answer(w, http.StatusUnauthorized, []byte("{}"))
	if w.Code != http.StatusUnauthorized || w.Body.Len() != 43 || w.Header().Get("Content-Type") != "image/gif" {
		t.Errorf("want 401 and 43 bytes of GIF, have %d and %d of %s", w.Code, w.Body.Len(), w.Header().Get("Content-Type"))
	}
	if w.Header().Get("Cache-Control") == "" {
		t.Error("want no cache to keep it")
	}
	picture, err := gif.Decode(bytes.NewReader(w.Body.Bytes()))
	if err != nil || picture.Bounds().Dx() != 1 || picture.Bounds().Dy() != 1 {
		t.Fatalf("want a picture of one point, have %v", err)
	}
	if _, _, _, alpha := picture.At(0, 0).RGBA(); alpha != 0 {
		t.Errorf("want it transparent, have alpha %d", alpha)
	}
}
