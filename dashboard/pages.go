package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

// pages are the HTML pages: a layout around one template each.
type pages struct {
	options   Options
	assets    *assets
	templates map[string]*template.Template
}

// room is a page in the navigation.
type room struct {
	Name, Path string
	Current    bool
}

// rooms are all pages, in the navigation's order.
func rooms(current string) []room {
	all := []room{{Name: "Live", Path: "/"}}
	for i := range all {
		all[i].Current = all[i].Path == current
	}
	return all
}

// page is what the layout shows.
type page struct {
	Title   string
	Rooms   []room
	Version string
	Body    any
}

func newPages(o Options) (*pages, error) {
	assets, err := newAssets()
	if err != nil {
		return nil, fmt.Errorf("reading the assets: %w", err)
	}
	p := &pages{options: o, assets: assets, templates: map[string]*template.Template{}}
	for _, name := range []string{"live"} {
		t := template.New("layout.html").Funcs(template.FuncMap{"asset": assets.url})
		if p.templates[name], err = t.ParseFS(embedded, "templates/layout.html", "templates/"+name+".html"); err != nil {
			return nil, fmt.Errorf("reading the page %s: %w", name, err)
		}
	}
	return p, nil
}

// show answers with a page.
func (p *pages) show(w http.ResponseWriter, r *http.Request, name, title string, body any) {
	var out bytes.Buffer
	err := p.templates[name].Execute(&out, page{Title: title, Rooms: rooms(r.URL.Path), Version: p.options.Version, Body: body})
	if err != nil {
		p.options.Logger.Error("a page could not be made", "page", name, "err", err)
		refuse(w, http.StatusInternalServerError, "failed", err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(out.Bytes()) // the client is gone: there is nobody to tell
}

// snippet is a way to send a first event, ready to be copied.
type snippet struct{ Title, Hint, Text string }

func (p *pages) live(w http.ResponseWriter, r *http.Request) {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	p.show(w, r, "live", "Live", map[string]any{
		"Base":     scheme + "://" + r.Host,
		"Snippets": snippets(scheme, r.Host, p.options.Sources),
		"Minutes":  liveMinutes,
	})
}

// snippets are written for the first source. The page's script puts the browser's idea of the server's address in the
// place of ours, which may be behind a proxy.
func snippets(scheme, host string, sources []Source) []snippet {
	if len(sources) == 0 {
		return nil
	}
	base, key := scheme+"://"+host, sources[0].WriteKey
	return []snippet{
		{"From a terminal", "Any event, from anywhere that speaks HTTP.", fmt.Sprintf(`curl %s/v1/track -u %s \
  -H 'Content-Type: application/json' \
  -d '{"event": "Hello Spoor", "userId": "ada", "properties": {"from": "a terminal"}}'`, base, shellQuote(key+":"))},
		{"From a web page", "With Segment's SDK from npm, @segment/analytics-next.", fmt.Sprintf(`import { AnalyticsBrowser } from '@segment/analytics-next'

const analytics = AnalyticsBrowser.load({ writeKey: %s, cdnURL: '%s' })
analytics.page()
analytics.track('Hello Spoor', { from: 'a web page' })`, scriptQuote(key), base)},
		{"From a server", "With Segment's SDK from npm, @segment/analytics-node. The SDKs for other languages take the same two settings.", fmt.Sprintf(`import { Analytics } from '@segment/analytics-node'

const analytics = new Analytics({ writeKey: %s, host: '%s' })
analytics.track({ userId: 'ada', event: 'Hello Spoor', properties: { from: 'a server' } })`, scriptQuote(key), base)},
	}
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func scriptQuote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("a string cannot be JSON: %v", err))
	}
	return "'" + strings.ReplaceAll(string(text[1:len(text)-1]), "'", `\'`) + "'"
}
