package dashboard

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/tail"
)

func tracePage() room { return room{Name: "Trace", Path: "/trace", file: "trace"} }

type traceParams struct {
	ID  string `query:"id" required:"true" description:"The event's message id."`
	At  string `query:"at" format:"date-time" description:"About when it came, where that is known: it is looked for around then first."`
	All bool   `query:"all" description:"Look through all events, instead of stopping where it was found."`
}

// traceLine is one line of a trace: one of its members.
type traceLine struct {
	Warehouse *query.Trace   `json:"warehouse,omitempty"`
	Found     *tail.Found    `json:"found,omitempty"`
	Searched  *tail.Searched `json:"searched,omitempty"`
	Error     string         `json:"error,omitempty" description:"why the stream could not be looked through; what came before holds"`
	Code      string         `json:"code,omitempty"`
}

// searchFor is how long the stream is looked through.
const searchFor = 2 * time.Minute

// trace answers one JSON object a line: what the warehouse knows, then what the stream still holds, as it is found.
func (d *Dashboard) trace(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("id")
	if id == "" {
		refuseField(w, "id", "", errors.New("id must be a message id"))
		return
	}
	at, err := timeOr(r.URL.Query().Get("at"), time.Time{})
	if err != nil {
		refuseField(w, "at", r.URL.Query().Get("at"), err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), d.options.QueryFor)
	defer cancel()
	known, err := query.AskTrace(ctx, d.options.Warehouse, query.TraceQuestion{ID: id, At: at, All: r.URL.Query().Get("all") == "true"}, time.Now())
	if err != nil {
		d.failed(w, r, err)
		return
	}
	out := newNDJSON(w)
	say := func(line traceLine) error {
		if err := sendJSON(out, "", line); err != nil {
			return err
		}
		return out.flush()
	}
	if say(traceLine{Warehouse: &known}) != nil {
		return
	}
	looking, stop := context.WithTimeout(r.Context(), searchFor)
	defer stop()
	searched, err := d.options.Watcher.Find(looking, id,
		func(f tail.Found) error { return say(traceLine{Found: &f}) },
		func(s tail.Searched) error { return say(traceLine{Searched: &s}) })
	if r.Context().Err() != nil {
		return
	}
	line := traceLine{Searched: &searched}
	if err != nil {
		line.Error, line.Code = err.Error(), "failed"
		if errors.Is(err, context.DeadlineExceeded) {
			line.Error, line.Code = "the stream holds more than can be looked through in "+inWords(searchFor), "timeout"
		}
	}
	_ = say(line)
}
