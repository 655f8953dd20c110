package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/spoorhq/spoor/query"
)

func pipelinePage() room {
	return room{Name: "Pipeline", Path: "/pipeline", file: "pipeline", charts: true}
}

type (
	rangeParams struct {
		From string `query:"from" format:"date-time" description:"Received from this time on; by default 24 hours ago."`
		To   string `query:"to" format:"date-time" description:"Before this time; by default now."`
	}
	lettersParams struct {
		rangeParams
		Reason string `query:"reason" description:"Only of this reason."`
		Source string `query:"source" description:"Only of this source."`
		Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"20"`
	}
)

// lettersMost bounds the dead letters of one answer.
const lettersMost = 200

// span reads ?from= and ?to=. When it gives false it has answered.
func span(w http.ResponseWriter, r *http.Request) (from, to time.Time, ok bool) {
	q := r.URL.Query()
	now := time.Now().UTC()
	to, err := timeOr(q.Get("to"), now.Add(time.Minute))
	if err != nil {
		refuseField(w, "to", q.Get("to"), err)
		return from, to, false
	}
	from, err = timeOr(q.Get("from"), now.Add(-24*time.Hour))
	if err != nil {
		refuseField(w, "from", q.Get("from"), err)
		return from, to, false
	}
	if !from.Before(to) {
		refuseField(w, "from", q.Get("from"), fmt.Errorf("from must be before to; got %s and %s", from.Format(time.RFC3339), to.Format(time.RFC3339)))
		return from, to, false
	}
	return from, to, true
}

// pipeline answers with the ledger, the dead letters by reason and the latest loads.
func (d *Dashboard) pipeline(w http.ResponseWriter, r *http.Request) {
	from, to, ok := span(w, r)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), d.options.QueryFor)
	defer cancel()
	found, err := query.AskPipeline(ctx, d.options.Warehouse, from, to)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	answer(w, found)
}

// deadLetters answers with the latest of them.
func (d *Dashboard) deadLetters(w http.ResponseWriter, r *http.Request) {
	from, to, ok := span(w, r)
	if !ok {
		return
	}
	q := r.URL.Query()
	limit, err := strconv.Atoi(cmp.Or(q.Get("limit"), "20"))
	if err != nil || limit < 1 || limit > lettersMost {
		refuseField(w, "limit", q.Get("limit"), fmt.Errorf("limit must be a number from 1 to %d; got %q", lettersMost, q.Get("limit")))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), d.options.QueryFor)
	defer cancel()
	letters, err := query.AskDeadLetters(ctx, d.options.Warehouse, query.DeadLetters{
		Reason: q.Get("reason"), Source: q.Get("source"), From: from, To: to, Limit: limit,
	})
	if err != nil {
		d.failed(w, r, err)
		return
	}
	answer(w, letters)
}
