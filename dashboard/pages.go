package dashboard

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"

	"github.com/spoorhq/spoor/alert"
)

// room is a page. Each has a file of its own, page_<file>.go, a template templates/<file>.html, a module js/<file>.js
// and, where the shared styles do not do, css/<file>.css.
type room struct {
	Name, Path string
	file       string
	charts     bool // draws with the chart library
	// body gives what the template shows; nil: nothing that a request changes. Numbers do not belong here: the frame is
	// painted before any is known, and the page's module asks the API for them.
	body func(o Options, r *http.Request) any
}

// group is a part of the navigation.
type group struct {
	Name  string
	rooms []room
}

// navigation lists all pages, as people look for them.
func navigation() []group {
	return []group{
		{"Watch", []room{livePage(), dashboardsPage(), alertsPage()}},
		{"Ask", []room{trendsPage(), funnelsPage(), retentionPage(), pathsPage(), sqlPage()}},
		{"Look up", []room{peoplePage(), cohortsPage(), eventsPage(), tracePage()}},
		{"Run", []room{pipelinePage(), sourcesPage(), settingsPage(), apiPage()}},
	}
}

// pages are the HTML pages: a layout around one template each.
type pages struct {
	options   Options
	assets    *assets
	groups    []group
	templates map[string]*template.Template
}

func newPages(o Options) (*pages, error) {
	assets, err := newAssets()
	if err != nil {
		return nil, fmt.Errorf("reading the assets: %w", err)
	}
	p := &pages{options: o, assets: assets, groups: navigation(), templates: map[string]*template.Template{}}
	for _, g := range p.groups {
		for _, room := range g.rooms {
			t := template.New("layout.html").Funcs(template.FuncMap{"asset": assets.url})
			if p.templates[room.file], err = t.ParseFS(embedded, "templates/layout.html", "templates/"+room.file+".html"); err != nil {
				return nil, fmt.Errorf("reading the page %s: %w", room.Name, err)
			}
		}
	}
	return p, nil
}

// mount adds the pages to a server.
func (p *pages) mount(mux *http.ServeMux) {
	for _, g := range p.groups {
		for _, room := range g.rooms {
			path := room.Path
			if path == "/" {
				path = "/{$}"
			}
			mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { p.show(w, r, room) })
		}
	}
	mux.Handle("GET /assets/", p.assets)
}

// page is what the layout shows.
type page struct {
	Title   string
	Groups  []linkGroup
	Version string
	Charts  bool
	Style   string   // of the page alone; empty: none
	Modules []string // to load early: those that the page's own one needs
	Module  string
	Firing  int // alerts that fire
	Body    any
}

type linkGroup struct {
	Name  string
	Links []link
}

type link struct {
	Name, Path string
	Current    bool
}

func (p *pages) links(current room) []linkGroup {
	var groups []linkGroup
	for _, g := range p.groups {
		if len(g.rooms) == 0 {
			continue
		}
		links := linkGroup{Name: g.Name}
		for _, room := range g.rooms {
			links.Links = append(links.Links, link{room.Name, room.Path, room.Path == current.Path})
		}
		groups = append(groups, links)
	}
	return groups
}

// firing counts the alerts that fire. Each page says so, for tracking that broke is watched without a receiver.
func (p *pages) firing() int {
	alerts, err := alert.Alerts(p.options.Saved)
	if err != nil {
		p.options.Logger.Error("the alerts could not be read", "err", err)
	}
	n := 0
	for i := range alerts {
		if alerts[i].State.Status == alert.Firing {
			n++
		}
	}
	return n
}

// show answers with a page.
func (p *pages) show(w http.ResponseWriter, r *http.Request, room room) {
	module := "js/" + room.file + ".js"
	shown := page{
		Title: room.Name, Groups: p.links(room), Version: p.options.Version, Charts: room.charts,
		Module: module, Modules: p.assets.needs(module), Firing: p.firing(),
	}
	if style := "css/" + room.file + ".css"; p.assets.files[style] != nil {
		shown.Style = style
	}
	if room.body != nil {
		shown.Body = room.body(p.options, r)
	}
	var out bytes.Buffer
	if err := p.templates[room.file].Execute(&out, shown); err != nil {
		p.options.Logger.Error("a page could not be made", "page", room.Name, "err", err)
		refuse(w, http.StatusInternalServerError, codeFailed, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(out.Bytes()) // the client is gone: there is nobody to tell
}
