package dashboard

import (
	"net/http"
	"strings"
	"testing"
)

func TestPassword(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.options.Password = "ëcret"
	d := h.open()
	basic := func(user, password string) string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(user, password)
		return "Authorization: " + r.Header.Get("Authorization")
	}
	paths := []string{"/", "/api/live", "/api/newest", "/api/version", "/api/audit", "/nothing", d.assetURL(t, "css/spoor.css")}
	for _, path := range paths {
		for _, header := range []string{"X: y", basic("spoor", "wrong"), basic("ëcret", ""), "Authorization: Bearer ëcret", "Authorization: Basic !"} {
			w := get(d, path, header)
			wants(t, path+" with "+header, w, http.StatusUnauthorized, "the password is needed")
			if have := w.Header().Get("WWW-Authenticate"); !strings.HasPrefix(have, "Basic ") {
				t.Errorf("%s: want to be asked for the password; have %q", path, have)
			}
		}
		if w := get(d, path, basic("anybody", "ëcret")); w.Code == http.StatusUnauthorized {
			t.Errorf("%s with the password: have %d %s", path, w.Code, w.Body)
		}
	}
	// With a password any name may lead here: another site's page does not know it.
	wants(t, "by another name", get(d, "/api/version", basic("x", "ëcret"), "Host: spoor.example:8080"), http.StatusOK, "1.2.3")
}

// The URL of an asset, as a page has it.
func (d *Dashboard) assetURL(t *testing.T, name string) string {
	t.Helper()
	assets, err := newAssets()
	if err != nil {
		t.Fatal(err)
	}
	url, err := assets.url(name)
	if err != nil {
		t.Fatal(err)
	}
	return url
}

func TestCrossSite(t *testing.T) {
	t.Parallel()
	d := newHouse(t).open()
	for _, c := range []struct {
		name    string
		headers []string
		refused bool
	}{
		{"no browser at all", nil, false},
		{"the page itself", []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Origin: http://127.0.0.1:8080"}, false},
		{"a link on another site", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}, false},
		{"an address typed in", []string{"Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate"}, false},
		{"another site's script", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}, true},
		{"another site's fetch", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors", "Origin: http://evil.example"}, true},
		{"another site's form", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Origin: http://evil.example"}, true},
		{"another port's fetch", []string{"Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors", "Origin: http://127.0.0.1:9999"}, true},
		{"a sandboxed frame", []string{"Origin: null"}, true},
		{"an old browser", []string{"Origin: http://evil.example"}, true},
		{"an origin that is none", []string{"Origin: %zz"}, true},
	} {
		for _, path := range []string{"/api/live", "/"} {
			w := get(d, path, c.headers...)
			if refused := w.Code == http.StatusForbidden; refused != c.refused {
				t.Errorf("%s, %s: want refused %v; have %d %s", c.name, path, c.refused, w.Code, w.Body)
			}
		}
	}
	w := do(d, http.MethodPost, "/api/sql", `{"sql":"select 1"}`, "Origin: http://evil.example", "Content-Type: text/plain")
	wants(t, "another site's question", w, http.StatusForbidden, "cross_site")
}

// A name that another site's owner makes to point here does not open the pages.
func TestHost(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.options.Hosts = []string{"Spoor.internal"}
	d := h.open()
	for host, want := range map[string]int{
		"127.0.0.1:8080": 200, "127.0.0.1": 200, "[::1]:8080": 200, "[::1]": 200, "localhost:8080": 200, "LOCALHOST": 200, "localhost.:80": 200,
		"app.localhost:8080": 200, "10.0.0.5:8080": 200, "spoor.internal:8080": 200, "SPOOR.internal": 200,
		"evil.example:8080": 403, "evil.example": 403, "localhost.evil.example": 403, "127.0.0.1.evil.example:8080": 403, "": 403, "notlocalhost": 403,
	} {
		if w := get(d, "/api/version", "Host: "+host); w.Code != want {
			t.Errorf("host %q: want %d; have %d %s", host, want, w.Code, w.Body)
		}
	}
	wants(t, "what is said", get(d, "/", "Host: evil.example"), http.StatusForbidden, "not to the name \\\"evil.example\\\"; with a password")
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	d := newHouse(t).open()
	for _, path := range []string{"/", "/api/live", "/nothing", d.assetURL(t, "js/live.js")} {
		h := get(d, path).Header()
		policy := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'self';") || strings.Contains(policy, "script-src") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: want scripts from here only, in no frame; have %q", path, policy)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if have := h.Get(name); have != want {
				t.Errorf("%s: want %s: %s; have %q", path, name, want, have)
			}
		}
	}
}
