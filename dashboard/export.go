package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/spoorhq/spoor/query"
)

// exportFor is how long one part of an export may take.
const exportFor = 30 * time.Minute

// rowsTrailer tells how many rows an export has.
const rowsTrailer = "Spoor-Rows"

type exportParams struct {
	From   string   `query:"from" format:"date-time" required:"true" description:"Received from this time on."`
	To     string   `query:"to" format:"date-time" required:"true" description:"Up to this time."`
	Format string   `query:"format" enum:"parquet,csv,ndjson" default:"parquet"`
	Event  []string `query:"event" nullable:"false" description:"Only of these names."`
}

func (d *Dashboard) exportOperations() []operation {
	return []operation{{
		route: "GET /api/export", id: "export", group: groupAsk, title: "Events as a file", scope: scopeRead,
		about: "The rows of the table events that were received in a range, with all columns, in the order in which they were received. The trailer Spoor-Rows tells how many there are, " +
			"and Spoor-Error why the answer was cut off. `spoor export` asks for it hour by hour, and goes on where it was interrupted.",
		params: exportParams{}, types: []string{"application/vnd.apache.parquet", "text/csv", "application/x-ndjson"}, refuse: []int{400}, handle: d.export,
	}}
}

// maxExportEvents bounds how many names an export may be of.
const maxExportEvents = 200

func (d *Dashboard) export(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from, errFrom := timeOr(q.Get("from"), time.Time{})
	to, errTo := timeOr(q.Get("to"), time.Time{})
	if err := errors.Join(errFrom, errTo); err != nil {
		refuse(w, http.StatusBadRequest, codeBadRequest, err)
		return
	}
	if from.IsZero() || !from.Before(to) {
		refuseField(w, "from", q.Get("from"), fmt.Errorf("from must be before to; got %q and %q", q.Get("from"), q.Get("to")))
		return
	}
	as, known := formatOf(cmp.Or(q.Get("format"), "parquet"))
	if !known || as.name == "json" || as.name == "lines" {
		refuseField(w, "format", q.Get("format"), fmt.Errorf("format must be parquet, csv or ndjson; got %q", q.Get("format")))
		return
	}
	if n := len(q["event"]); n > maxExportEvents {
		refuseField(w, "event", n, fmt.Errorf("event cannot name over %d events; got %d", maxExportEvents, n))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), exportFor)
	defer cancel()
	result, err := query.Export(ctx, d.options.Warehouse, from, to, q["event"])
	if err != nil {
		d.failed(w, r, err)
		return
	}
	defer result.Close()
	w.Header().Add("Trailer", rowsTrailer)
	d.write(ctx, w, r, result, d.options.Now(), as, false)
	w.Header().Set(rowsTrailer, strconv.FormatInt(result.Read(), 10))
}
