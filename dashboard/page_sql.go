package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/spoorhq/spoor/query"
)

func sqlPage() room {
	return room{Name: "SQL", Path: "/sql", file: "sql", charts: true, body: func(o Options, _ *http.Request) any {
		return map[string]any{"QueryFor": inWords(o.QueryFor), "Dialect": o.Dialect}
	}}
}

// inWords writes a duration for a person: 1 min, 90 s.
func inWords(d time.Duration) string {
	if d >= time.Minute && d%time.Minute == 0 {
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%g s", d.Seconds())
}

// schema answers with the tables and views that SQL can ask.
func (d *Dashboard) schema(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), d.options.QueryFor)
	defer cancel()
	tables, err := query.AskSchema(ctx, d.options.Warehouse)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	answer(w, schemaAnswer{Dialect: d.options.Dialect, Tables: tables})
}
