package dashboard

import (
	"encoding/json"
	"net/http"
	"strings"
)

// apiPage lists the operations, from the same table that the routes and the document are made of.
func apiPage() room {
	return room{Name: "API", Path: "/api", file: "api", body: func(o Options, r *http.Request) any {
		return map[string]any{"Groups": operationGroups((&Dashboard{options: o}).operations()), "Base": base(r)}
	}}
}

type operationGroup struct {
	Name       string
	Operations []operationShown
}

type operationShown struct {
	ID, Method, Path, Scope, Sample string
	About                           []piece
}

// piece is a part of a sentence: plain words, or code, which stands between backquotes where the sentence is written.
type piece struct {
	Text string
	Code bool
}

// pieces divides sentences at their backquotes.
func pieces(title, about string) []piece {
	if !strings.HasSuffix(title, "?") {
		title += "."
	}
	var all []piece
	for i, text := range strings.Split(strings.TrimSpace(title+" "+about), "`") {
		if text != "" {
			all = append(all, piece{text, i%2 == 1})
		}
	}
	return all
}

func operationGroups(operations []operation) []operationGroup {
	var groups []operationGroup
	for _, o := range operations {
		at := -1
		for i := range groups {
			if groups[i].Name == o.group {
				at = i
			}
		}
		if at < 0 {
			at = len(groups)
			groups = append(groups, operationGroup{Name: o.group})
		}
		method, path, _ := strings.Cut(o.route, " ")
		shown := operationShown{ID: o.id, Method: method, Path: path, About: pieces(o.title, o.about), Scope: string(o.scope)}
		for _, sample := range o.sample {
			if text, err := json.MarshalIndent(sample, "", "  "); err == nil {
				shown.Sample = string(text)
			}
		}
		groups[at].Operations = append(groups[at].Operations, shown)
	}
	return groups
}
