package dashboard

import "net/http"

func livePage() room {
	return room{Name: "Live", Path: "/", file: "live", charts: true, body: func(o Options, r *http.Request) any {
		body := map[string]any{"Base": base(r), "Minutes": liveMinutes}
		if len(o.Sources) > 0 {
			body["Snippets"] = snippets(base(r), o.Sources[0].WriteKey)[:firstSnippets]
		}
		return body
	}}
}
