package dashboard

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/spoorhq/spoor/query"
)

func sourcesPage() room { return room{Name: "Sources", Path: "/sources", file: "sources"} }

// sourcesAnswer is the sources that this server takes events of, and those that the warehouse has events of.
type sourcesAnswer struct {
	Base    string        `json:"base" description:"this server's address, as it stands in the snippets"`
	Sources []sourceShown `json:"sources" required:"true" nullable:"false"`
}

// sourceShown is a source, with what sends from it and how events are sent to it.
type sourceShown struct {
	Name string `json:"name"`
	// WriteKey and Snippets are of a source that is configured here; others' are at their collectors.
	WriteKey string             `json:"write_key,omitempty"`
	Snippets []snippet          `json:"snippets" nullable:"false" required:"true"`
	Seen     *query.SourceState `json:"seen" description:"null: no event of it has come"`
}

// sources answers with the sources, their snippets, and what came of them.
func (d *Dashboard) sources(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), d.options.QueryFor)
	defer cancel()
	seen, err := query.AskSources(ctx, d.options.Warehouse, time.Now().Add(-24*time.Hour))
	if err != nil {
		d.failed(w, r, err)
		return
	}
	out := sourcesAnswer{Base: base(r), Sources: []sourceShown{}}
	for _, s := range d.options.Sources {
		shown := sourceShown{Name: s.Name, WriteKey: s.WriteKey, Snippets: snippets(base(r), s.WriteKey)}
		if i := slices.IndexFunc(seen, func(have query.SourceState) bool { return have.Source == s.Name }); i >= 0 {
			shown.Seen = &seen[i]
		}
		out.Sources = append(out.Sources, shown)
	}
	for i := range seen {
		if !slices.ContainsFunc(d.options.Sources, func(s Source) bool { return s.Name == seen[i].Source }) {
			out.Sources = append(out.Sources, sourceShown{Name: seen[i].Source, Snippets: []snippet{}, Seen: &seen[i]})
		}
	}
	answer(w, out)
}
