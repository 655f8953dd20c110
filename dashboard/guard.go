package dashboard

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
)

// guard asks for the password, and refuses what another site makes a browser send.
func guard(next http.Handler, password string) http.Handler {
	want := sha256.Sum256([]byte(password))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Content-Security-Policy",
			"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
		if foreign(r) {
			refuse(w, http.StatusForbidden, "cross_site", errors.New("the pages and the API answer only to themselves"))
			return
		}
		if password != "" {
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
