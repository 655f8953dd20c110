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

// guard asks for the password or a token, and refuses what another site makes a browser send.
func (d *Dashboard) guard(mux *http.ServeMux) http.Handler {
	o := d.options
	want := sha256.Sum256([]byte(o.Password))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy",
			"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
		next, need := d.route(mux, r)
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if o.Password == "" && !bearer && !trusted(r.Host, o.Hosts) {
			refuse(w, http.StatusForbidden, codeWrongHost,
				fmt.Errorf("without a password these pages answer to addresses and to localhost, not to the name %q; with a password any name will do", r.Host))
			return
		}
		if foreign(r) {
			refuse(w, http.StatusForbidden, codeCrossSite, errors.New("the pages and the API answer only to themselves"))
			return
		}
		switch {
		case bearer: // also where no password is asked for: who shows a token wants no more than it allows
			has, err := d.checkToken(r.Context(), token)
			switch {
			case errors.Is(err, errToken):
				h.Set("WWW-Authenticate", challenge)
				refuse(w, http.StatusUnauthorized, codeUnauthorized, err)
				return
			case err != nil:
				d.failed(w, r, err)
				return
			case !has.allows(need):
				refuse(w, http.StatusForbidden, codeScope, fmt.Errorf("this needs a token of the scope %s; this one has %s", need, has))
				return
			}
		case o.Password != "":
			_, given, _ := r.BasicAuth()
			have := sha256.Sum256([]byte(given))
			if subtle.ConstantTimeCompare(want[:], have[:]) != 1 {
				h.Set("WWW-Authenticate", challenge)
				refuse(w, http.StatusUnauthorized, codeUnauthorized, errors.New("the password is needed, with any user name, or a token"))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// challenge has a browser ask for the password.
const challenge = `Basic realm="Spoor", charset="UTF-8"`

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
