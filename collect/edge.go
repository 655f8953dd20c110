package collect

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
)

// routes builds the collector's mux.
func (c *Collector) routes() (mux *http.ServeMux, err error) {
	mux = http.NewServeMux()
	var pattern string
	defer func() {
		// ServeMux has no other way to say that a pattern is malformed or taken.
		if p := recover(); p != nil {
			err = fmt.Errorf("route %q: %v", pattern, p)
		}
	}()
	mux.HandleFunc(nowhere, c.unknown)
	for _, p := range c.options.Protocols {
		for _, pattern = range p.Routes() {
			mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { c.serve(w, r, p) })
		}
		if a, ok := p.(Answerer); ok {
			for route, handler := range a.Handlers() {
				pattern = route
				mux.Handle(pattern, c.aside(handler))
			}
		}
	}
	return mux, nil
}

// nowhere is the pattern of all requests that are not the collector's.
const nowhere = "/"

// ServeHTTP answers a request.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = tidy(r)
	crossOrigin(w.Header(), r)
	switch r.Method {
	case http.MethodOptions:
		c.preflight(w, r)
	case http.MethodConnect:
		c.unknown(w, r)
	default:
		c.mux.ServeHTTP(w, r)
	}
}

// Match tells whether a request is the collector's, so that it can share a port with other handlers. A preflight is, if
// the request is that it asks for.
func (c *Collector) Match(r *http.Request) bool {
	method := r.Method
	if method == http.MethodOptions {
		if method = r.Header.Get("Access-Control-Request-Method"); method == "" {
			method = http.MethodPost
		}
	}
	return method != http.MethodConnect && c.has(method, r)
}

func (c *Collector) has(method string, r *http.Request) bool {
	_, pattern := c.mux.Handler(&http.Request{Method: method, Host: r.Host, URL: &url.URL{Path: tidyPath(r.URL.Path)}})
	return pattern != nowhere
}

// tidyPath has no slash at the end and none twice: SDKs put a host that ends in one before a path that begins with one.
func tidyPath(p string) string {
	if p == "" || p[0] != '/' {
		p = "/" + p
	}
	return path.Clean(p)
}

// tidy gives the request with a tidy path: a redirect, as http.ServeMux would answer, is a failure to some SDKs and a
// success to others.
func tidy(r *http.Request) *http.Request {
	p := tidyPath(r.URL.Path)
	if p == r.URL.Path {
		return r
	}
	r = r.WithContext(r.Context()) // a shallow copy
	r.URL = &url.URL{Path: p, RawQuery: r.URL.RawQuery}
	return r
}

func (c *Collector) unknown(w http.ResponseWriter, r *http.Request) {
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		if c.has(method, r) {
			w.Header().Set("Allow", method+", OPTIONS")
			c.refuse(w, &refusal{http.StatusMethodNotAllowed, "method_not_allowed", "want " + method + ", got " + r.Method, 0, false})
			return
		}
	}
	c.refuse(w, &refusal{http.StatusNotFound, "not_found", "there is nothing at " + r.URL.Path, 0, false})
}

// aside serves a request that brings no events.
func (c *Collector) aside(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(r.Context()) // a shallow copy
		at := *r.URL
		at.Scheme = c.scheme(r)
		r.URL = &at
		next.ServeHTTP(w, r)
	})
}

// allowedHeaders are what the official SDKs ask to send.
const allowedHeaders = "authorization, content-type, content-encoding, anonymousid, sentat, x-write-key, x-retry-count"

// crossOrigin lets pages of any origin read the answer. There is nothing in it for others: no cookie is ever looked at,
// and whoever has a write key may use it.
func crossOrigin(h http.Header, r *http.Request) {
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Expose-Headers", "Retry-After, X-RateLimit-Reset")
}

// preflight answers a browser that asks before it sends.
func (c *Collector) preflight(w http.ResponseWriter, r *http.Request) {
	if !c.Match(r) {
		c.unknown(w, r)
		return
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", allowHeaders(r.Header.Get("Access-Control-Request-Headers")))
	h.Set("Access-Control-Max-Age", "7200")
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	w.WriteHeader(http.StatusNoContent)
}

// allowHeaders is what SDKs are known to send, and what this one asks for beside that, if it looks like names of headers.
func allowHeaders(asked string) string {
	allowed := allowedHeaders
	if len(asked) > 512 {
		return allowed
	}
	for name := range strings.SplitSeq(strings.ToLower(asked), ",") {
		name = strings.TrimSpace(name)
		odd := strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.")
		if name != "" && odd == "" && !strings.Contains(allowed, name) {
			allowed += ", " + name
		}
	}
	return allowed
}

// sourceOf finds the source by a write key that stands outside the body; nil: there is none that is known.
func (c *Collector) sourceOf(r *http.Request) *source {
	scheme, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case strings.EqualFold(scheme, "Basic"):
		var buf [256]byte
		credentials = strings.TrimRight(strings.TrimSpace(credentials), "=")
		if n := base64.RawStdEncoding.DecodedLen(len(credentials)); n <= len(buf) {
			if n, err := base64.RawStdEncoding.Decode(buf[:], []byte(credentials)); err == nil {
				user := buf[:n]
				if i := slices.Index(user, ':'); i >= 0 {
					user = user[:i]
				}
				if s := c.sources[string(user)]; s != nil {
					return s
				}
			}
		}
	case strings.EqualFold(scheme, "Bearer"):
		if s := c.sources[strings.TrimSpace(credentials)]; s != nil {
			return s
		}
	}
	if key := r.Header.Get("X-Write-Key"); key != "" {
		if s := c.sources[key]; s != nil {
			return s
		}
	}
	if strings.Contains(r.URL.RawQuery, "writeKey=") {
		return c.sources[r.URL.Query().Get("writeKey")]
	}
	return nil
}

// unauthorized is the answer to a request without a key that is known. It does not repeat the key: answers end up in logs.
func (c *Collector) unauthorized(r *http.Request, bodyKey []byte) *refusal {
	e := &refusal{status: http.StatusUnauthorized, code: "unknown_write_key", message: "no source has this write key"}
	if len(bodyKey) == 0 && r.Header.Get("Authorization") == "" && r.Header.Get("X-Write-Key") == "" && !r.URL.Query().Has("writeKey") {
		e.code = "missing_write_key"
		e.message = "a write key is needed: as the user of Basic authorization, as writeKey in the body or the query, or in X-Write-Key"
	}
	return e
}

// clientIP is the address that the request comes from: the connection's, or what a trusted proxy says it is. "": unknown.
func (c *Collector) clientIP(r *http.Request) string {
	peer, ok := peerOf(r)
	if !ok {
		return ""
	}
	if !c.trusted(peer) {
		return peer.String()
	}
	// From the right, for each proxy appends whom it heard: the first that is not ours is as far as the word of ours goes.
	client := peer
	for _, text := range slices.Backward(forwarded(r.Header)) {
		hop, ok := parseAddress(text)
		if !ok {
			break
		}
		client = hop
		if !c.trusted(hop) {
			break
		}
	}
	return client.String()
}

func (c *Collector) trusted(a netip.Addr) bool {
	return slices.ContainsFunc(c.options.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

func peerOf(r *http.Request) (netip.Addr, bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return peer.Addr().Unmap().WithZone(""), err == nil
}

// forwarded lists the hops of X-Forwarded-For or, where that is not there, of Forwarded (RFC 7239). A proxy that sets the
// latter must remove the former from what clients send.
func forwarded(h http.Header) []string {
	if lines := h.Values("X-Forwarded-For"); len(lines) > 0 {
		return strings.Split(strings.Join(lines, ","), ",")
	}
	var hops []string
	for element := range strings.SplitSeq(strings.Join(h.Values("Forwarded"), ","), ",") {
		for pair := range strings.SplitSeq(element, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if strings.EqualFold(name, "for") {
				hops = append(hops, strings.Trim(value, `"`))
			}
		}
	}
	return hops
}

// parseAddress reads an address with or without a port and brackets.
func parseAddress(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return a.Unmap().WithZone(""), err == nil
}

// scheme is how the client reached us: http or https.
func (c *Collector) scheme(r *http.Request) string {
	if peer, ok := peerOf(r); ok && c.trusted(peer) {
		if proto := r.Header.Get("X-Forwarded-Proto"); proto == "http" || proto == "https" {
			return proto
		}
	}
	if r.TLS != nil {
		return "https"
	}
	return "http"
}
