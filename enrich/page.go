package enrich

import (
	"strings"

	"github.com/spoorhq/spoor/event"
)

// page takes the page's host, path and query out of its URL, where the SDK did not name them.
type page struct{ memory *arena }

func (p page) apply(e *event.Event) error {
	if e.Page.URL == "" {
		return nil
	}
	host, path, search := split(e.Page.URL)
	if e.Page.Host == "" {
		e.Page.Host = p.memory.lower(host)
	}
	if e.Page.Path == "" {
		e.Page.Path = path
	}
	if e.Page.Search == "" {
		e.Page.Search = search
	}
	return nil
}

// split gives the host, without user and port and as it is written, the path and the query, with its question mark, of
// a URL: https://host/path?query, //host/path, or /path. Of another text it gives nothing. All are parts of url.
func split(url string) (host, path, search string) {
	path = url
	if i := strings.IndexByte(path, ':'); i > 0 && strings.HasPrefix(path[i:], "://") && isScheme(path[:i]) {
		path = path[i+1:]
	} else if path == "" || path[0] != '/' {
		return "", "", ""
	}
	if i := strings.IndexByte(path, '#'); i >= 0 {
		path = path[:i]
	}
	if i := strings.IndexByte(path, '?'); i >= 0 {
		path, search = path[:i], path[i:]
		if search == "?" {
			search = ""
		}
	}
	if !strings.HasPrefix(path, "//") {
		return "", path, search
	}
	host, path = path[2:], "/"
	if i := strings.IndexByte(host, '/'); i >= 0 {
		host, path = host[:i], host[i:]
	}
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	if strings.HasPrefix(host, "[") {
		host, _, _ = strings.Cut(host[1:], "]")
	} else if i := strings.IndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return host, path, search
}

func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return true
}
