package dashboard

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// guard asks for the password, and refuses what another site makes a browser send.
func guard(next http.Handler, o Options) http.Handler {
	want := sha256.Sum256([]byte(o.Password))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy",
			"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
		if o.Password == "" && !trusted(r.Host, o.Hosts) {
			refuse(w, http.StatusForbidden, "wrong_host",
				fmt.Errorf("without a password these pages answer to addresses and to localhost, not to the name %q; with a password any name will do", r.Host))
			return
		}
		if foreign(r) {
			refuse(w, http.StatusForbidden, "cross_site", errors.New("the pages and the API answer only to themselves"))
			return
		}
		if o.Password != "" {
			_, given, _ := r.BasicAuth()
			have := sha256.Sum256([]byte(given))
			if subtle.ConstantTimeCompare(want[:], have[:]) != 1 {
				h.Set("WWW-Authenticate", `Basic realm="Spoor", charset="UTF-8"`)
				refuse(w, http.StatusUnauthorized, "unauthorized", errors.New("the password is needed, with any user name"))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// trusted tells whether a Host header can be believed without a password. A name of another's can be made to point
// here by its owner, whose page a browser then takes for ours (DNS rebinding); an address cannot, nor can localhost.
func trusted(hostport string, allowed []string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") ||
		slices.ContainsFunc(allowed, func(name string) bool { return strings.EqualFold(name, host) })
}

// foreign tells whether a browser sent the request from another site's page.
func foreign(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		return true
	}
	origin := r.Header.Get("Origin")
	if origin == "" || origin == "null" {
		return origin == "null"
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host != r.Host
}
