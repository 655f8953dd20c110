package collect

import (
	"crypto/tls"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/event"
)

// TestKeys: a write key is found in every place where some SDK puts it.
func TestKeys(t *testing.T) {
	t.Parallel()
	c := start(t, &road{}, nil)
	basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	for name, q := range map[string]struct {
		path, body string
		headers    [2]string
		code       string
	}{
		"basic":                     {"/whole", "", [2]string{"Authorization", basic("k:")}, ""},
		"basic without a colon":     {"/whole", "", [2]string{"Authorization", basic("k")}, ""},
		"basic with a password":     {"/whole", "", [2]string{"Authorization", basic("k:secret")}, ""},
		"basic without padding":     {"/whole", "", [2]string{"Authorization", strings.TrimRight(basic("k"), "=")}, ""},
		"basic in lower case":       {"/whole", "", [2]string{"Authorization", strings.Replace(basic("k:"), "Basic", "basic", 1)}, ""},
		"bearer":                    {"/whole", "", [2]string{"Authorization", "Bearer k"}, ""},
		"bearer token and body":     {"/whole", "key k\n", [2]string{"Authorization", "Bearer token"}, ""},
		"header":                    {"/whole", "", [2]string{"X-Write-Key", "k"}, ""},
		"query":                     {"/whole?writeKey=k", "", [2]string{}, ""},
		"query with more":           {"/whole?a=b&writeKey=k", "", [2]string{}, ""},
		"body":                      {"/whole", "key k\n", [2]string{}, ""},
		"body, if basic is unknown": {"/whole", "key k\n", [2]string{"Authorization", basic("other:")}, ""},
		"header for lines":          {"/lines", "", [2]string{"X-Write-Key", "k"}, ""},
		"none":                      {"/whole", "", [2]string{}, "missing_write_key"},
		"none for lines":            {"/lines", "", [2]string{}, "missing_write_key"},
		"body of lines":             {"/lines", "key k\n", [2]string{}, "missing_write_key"},
		"unknown in basic":          {"/whole", "", [2]string{"Authorization", basic("other:")}, "unknown_write_key"},
		"unknown in header":         {"/whole", "", [2]string{"X-Write-Key", "K"}, "unknown_write_key"},
		"unknown in query":          {"/whole?writeKey=other", "", [2]string{}, "unknown_write_key"},
		"unknown in body":           {"/whole", "key other\n", [2]string{}, "unknown_write_key"},
		"empty in query":            {"/whole?writeKey=", "", [2]string{}, "unknown_write_key"},
		"no base64":                 {"/whole", "", [2]string{"Authorization", "Basic ???"}, "unknown_write_key"},
		"very long":                 {"/whole", "", [2]string{"Authorization", basic(strings.Repeat("k", 1000))}, "unknown_write_key"},
		"empty":                     {"/whole", "", [2]string{"Authorization", ""}, "missing_write_key"},
		"a source's name":           {"/whole", "", [2]string{"X-Write-Key", "web"}, "unknown_write_key"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, q.path, strings.NewReader(q.body+good("a")))
		if q.headers[0] != "" {
			r.Header.Set(q.headers[0], q.headers[1])
		}
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		status := http.StatusOK
		if q.code != "" {
			status = http.StatusUnauthorized
		}
		if w.Code != status || !strings.Contains(w.Body.String(), q.code) {
			t.Errorf("%s: want %d %s, have %d %s", name, status, q.code, w.Code, w.Body)
		}
	}
}

// TestUnauthorizedLinesAreNotRead: an upload without bound is refused before it comes.
func TestUnauthorizedLinesAreNotRead(t *testing.T) {
	t.Parallel()
	c := start(t, &road{}, nil)
	body := chunked(strings.Repeat(good("a")+"\n", 1000)).(*pieces)
	if have := ask(t, c, http.MethodPost, "/lines", body, "X-Write-Key", "other"); have.status != http.StatusUnauthorized {
		t.Errorf("want 401, have %+v", have)
	}
	if left := body.Reader.(*strings.Reader); int64(left.Len()) != left.Size() {
		t.Error("want the body untouched")
	}
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	r := &road{}
	c := start(t, r, func(o *Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	})
	for _, q := range []struct{ peer, header, value, want string }{
		{"203.0.113.7:1234", "", "", "203.0.113.7"},
		{"[2001:db8::1]:1234", "", "", "2001:db8::1"},
		{"[::ffff:203.0.113.7]:1234", "", "", "203.0.113.7"},
		{"[fe80::1%eth0]:1234", "", "", "fe80::1"},
		{"203.0.113.7:1234", "X-Forwarded-For", "198.51.100.1", "203.0.113.7"},
		{"10.0.0.1:1234", "", "", "10.0.0.1"},
		{"10.0.0.1:1234", "X-Forwarded-For", "198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:1234", "X-Forwarded-For", "192.0.2.66, 198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:1234", "X-Forwarded-For", "192.0.2.66, 198.51.100.1, 10.0.0.2,10.0.0.3", "198.51.100.1"},
		{"10.0.0.1:1234", "X-Forwarded-For", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
		{"10.0.0.1:1234", "X-Forwarded-For", "198.51.100.1, unknown, 10.0.0.2", "10.0.0.2"},
		{"10.0.0.1:1234", "X-Forwarded-For", "nonsense", "10.0.0.1"},
		{"10.0.0.1:1234", "X-Forwarded-For", "198.51.100.1:5555", "198.51.100.1"},
		{"[fd00::1]:1234", "X-Forwarded-For", "2001:db8::7", "2001:db8::7"},
		{"10.0.0.1:1234", "X-Forwarded-For", "[2001:db8::7]:443", "2001:db8::7"},
		{"10.0.0.1:1234", "Forwarded", `for=192.0.2.66, for=198.51.100.1;proto=https;by=10.0.0.1`, "198.51.100.1"},
		{"10.0.0.1:1234", "Forwarded", `For="[2001:db8:cafe::17]:4711"`, "2001:db8:cafe::17"},
		{"10.0.0.1:1234", "Forwarded", `for=_hidden, for=198.51.100.1`, "198.51.100.1"},
		{"10.0.0.1:1234", "Forwarded", `for=198.51.100.1, for=_hidden`, "10.0.0.1"},
		{"203.0.113.7:1234", "Forwarded", `for=198.51.100.1`, "203.0.113.7"},
		{"@", "", "", ""},
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/whole", strings.NewReader(good("a")))
		req.RemoteAddr = q.peer
		req.Header.Set("X-Write-Key", "k")
		if q.header != "" {
			req.Header.Set(q.header, q.value)
		}
		r.records = nil
		c.ServeHTTP(httptest.NewRecorder(), req)
		reader := event.NewRecordReader()
		if err := reader.Open(r.records[0], event.Origin{}); err != nil {
			t.Fatal(err)
		}
		var e event.Event
		reader.Next(&e)
		if e.Request.IP != q.want {
			t.Errorf("%s with %s %s: want %s, have %s", q.peer, q.header, q.value, q.want, e.Request.IP)
		}
	}
}

func TestScheme(t *testing.T) {
	t.Parallel()
	c := start(t, &road{}, func(o *Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	for _, q := range []struct {
		peer, proto string
		tls         bool
		want        string
	}{
		{"203.0.113.7:1", "", false, "http"}, {"203.0.113.7:1", "", true, "https"}, {"203.0.113.7:1", "https", false, "http"},
		{"10.0.0.1:1", "https", false, "https"}, {"10.0.0.1:1", "http", true, "http"}, {"10.0.0.1:1", "gopher", false, "http"}, {"10.0.0.1:1", "", false, "http"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/scheme/whole", nil)
		r.RemoteAddr = q.peer
		r.Header.Set("X-Forwarded-Proto", q.proto)
		if q.tls {
			r.TLS = &tls.ConnectionState{}
		}
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		if w.Body.String() != q.want || r.URL.Scheme != "" {
			t.Errorf("%+v: want %s and the request untouched, have %s", q, q.want, w.Body)
		}
	}
}

// TestPaths: a path is taken however its slashes stand; nothing is ever redirected.
func TestPaths(t *testing.T) {
	t.Parallel()
	c := start(t, &road{}, nil)
	for path, want := range map[string]int{
		"/whole": 200, "/whole/": 200, "//whole": 200, "//whole//": 200, "/./whole": 200, "/a/../whole": 200, "/%77hole": 200, "/whole%2F": 200,
		"": 404, "/": 404, "/Whole": 404, "/whole/more": 404, "/wholes": 404, "//": 404,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://host"+path, strings.NewReader(good("a")))
		r.Header.Set("X-Write-Key", "k")
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: want %d, have %d %s", path, want, w.Code, w.Body)
		}
		if have := c.Match(r); have != (want == 200) {
			t.Errorf("%q: want match %v, have %v", path, want == 200, have)
		}
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	c := start(t, &road{}, nil)
	for _, q := range []struct {
		method, path string
		status       int
		code         string
	}{
		{"POST", "/whole", 200, ""}, {"GET", "/whole", 405, "method_not_allowed"}, {"PUT", "/whole", 405, "method_not_allowed"},
		{"CONNECT", "/whole", 405, "method_not_allowed"}, {"POST", "/scheme/whole", 405, "method_not_allowed"}, {"GET", "/", 404, "not_found"},
		{"POST", "/nowhere", 404, "not_found"}, {"OPTIONS", "/nowhere", 404, "not_found"},
	} {
		have := ask(t, c, q.method, q.path, strings.NewReader(good("a")))
		if have.status != q.status || have.Code != q.code {
			t.Errorf("%s %s: want %d %s, have %+v", q.method, q.path, q.status, q.code, have)
		}
	}
	if have := ask(t, c, "PUT", "/whole", nil); have.header.Get("Allow") != "POST, OPTIONS" {
		t.Errorf("want to be told what is allowed, have %q", have.header.Get("Allow"))
	}
}

// TestPreflight: a browser may send what it asks for, to paths that are the collector's only: another handler on the same
// port may look at cookies.
func TestPreflight(t *testing.T) {
	t.Parallel()
	c := start(t, &road{}, nil)
	preflight := func(path string, headers ...string) told {
		return ask(t, c, http.MethodOptions, path, nil, append([]string{"Origin", "https://shop.example"}, headers...)...)
	}
	have := preflight("/whole/", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization, X-Custom,b\"ad,content-type")
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin":      "https://shop.example",
		"Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Methods":     "GET, POST, OPTIONS",
		"Access-Control-Allow-Headers":     allowedHeaders + ", x-custom",
		"Access-Control-Max-Age":           "7200",
		"Vary":                             "Origin",
	} {
		if have.header.Get(name) != want {
			t.Errorf("%s: want %q, have %q", name, want, have.header.Get(name))
		}
	}
	if have.status != http.StatusNoContent {
		t.Errorf("want 204, have %d", have.status)
	}
	if have := preflight("/whole"); have.status != http.StatusNoContent {
		t.Errorf("want a preflight of POST where no method is named, have %d", have.status)
	}
	if have := preflight("/whole", "Access-Control-Request-Headers", strings.Repeat("x", 1000)); have.header.Get("Access-Control-Allow-Headers") != allowedHeaders {
		t.Errorf("want no long list repeated, have %q", have.header.Get("Access-Control-Allow-Headers"))
	}
	if have := preflight("/whole", "Access-Control-Request-Private-Network", "true"); have.header.Get("Access-Control-Allow-Private-Network") != "true" {
		t.Error("want a page of another network let in")
	}
	for path, method := range map[string]string{"/whole": "GET", "/pages": "POST", "/scheme/whole": "POST"} {
		have := preflight(path, "Access-Control-Request-Method", method)
		if have.status != http.StatusNotFound && have.status != http.StatusMethodNotAllowed {
			t.Errorf("%s %s: want no leave, have %d", method, path, have.status)
		}
	}
	if have := ask(t, c, http.MethodPost, "/whole", strings.NewReader(good("a")), "Origin", "null"); have.header.Get("Access-Control-Allow-Origin") != "null" ||
		have.header.Get("Access-Control-Expose-Headers") == "" {
		t.Errorf("want the answer open to its page, have %v", have.header)
	}
	if have := post(t, c, good("a")); have.header.Get("Access-Control-Allow-Origin") != "" || have.header.Get("Vary") != "Origin" {
		t.Errorf("want no origin where none asks, have %v", have.header)
	}
}
