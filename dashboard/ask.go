package dashboard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/tail"
)

// Bounds on what is asked.
const (
	maxSQLBytes = 1 << 20
	maxWait     = 5 * time.Minute
	keepAlive   = 15 * time.Second
)

// sql answers {"sql": "...", "limit": n} with an array of objects, or as ?format= says: json, csv or parquet.
func (d *Dashboard) sql(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		SQL   string `json:"sql"`
		Limit int    `json:"limit"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSQLBytes)).Decode(&ask); err != nil {
		refuse(w, http.StatusBadRequest, "bad_request", fmt.Errorf("the body must be {\"sql\": \"...\"}: %w", err))
		return
	}
	if ask.Limit < 0 {
		refuse(w, http.StatusBadRequest, "bad_request", fmt.Errorf("limit cannot be below 0; got %d", ask.Limit))
		return
	}
	format := r.FormValue("format")
	types := map[string]string{"": "application/json", "json": "application/json", "csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
	if types[format] == "" {
		refuse(w, http.StatusBadRequest, "bad_request", fmt.Errorf("format must be json, csv or parquet; got %q", format))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), d.options.QueryFor)
	defer cancel()
	result, err := query.SQL(ctx, d.options.Warehouse, ask.SQL, ask.Limit)
	if err != nil {
		if ctx.Err() != nil {
			d.failed(w, r, ctx.Err())
			return
		}
		refuse(w, http.StatusBadRequest, "bad_sql", err)
		return
	}
	defer result.Close()
	w.Header().Set("Content-Type", types[format])
	w.Header().Set("Cache-Control", "no-store")
	// A fault after the first row cannot change the status any more: the trailer tells it.
	w.Header().Set("Trailer", "Spoor-Error")
	write := result.WriteJSON
	switch format {
	case "csv":
		write = result.WriteCSV
	case "parquet":
		write = result.WriteParquet
	}
	if err := write(w); err != nil {
		d.options.Logger.Warn("an answer was cut off", "err", err)
		w.Header().Set("Spoor-Error", strings.ReplaceAll(err.Error(), "\n", " "))
	}
}

// tail streams events as they are accepted: server-sent events, or NDJSON for whoever accepts that.
func (d *Dashboard) tail(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	sample, err := strconv.Atoi(cmp.Or(q.Get("sample"), "0"))
	if err != nil || sample < 0 {
		refuse(w, http.StatusBadRequest, "bad_request", fmt.Errorf("sample must be a number of events a second; got %q", q.Get("sample")))
		return
	}
	viewer := d.options.Watcher.View(tail.Filter{
		Sources: q["source"], Types: q["type"], Events: q["event"], Person: q.Get("person"), Text: q.Get("text"),
		Refused: q.Get("refused") == "true",
	}, sample, 4096)
	defer viewer.Close()

	send := ndjson(w, r)
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		select {
		case item := <-viewer.C:
			text, err := json.Marshal(item)
			if err != nil || send("event", text) != nil {
				return
			}
		case <-alive.C:
			text, _ := json.Marshal(map[string]int64{"missed": viewer.Missed()})
			if send("alive", text) != nil {
				return
			}
		case <-d.hub.done:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// ndjson gives the function that sends one object: as an event, or as a line.
func ndjson(w http.ResponseWriter, r *http.Request) func(name string, text []byte) error {
	if !strings.Contains(r.Header.Get("Accept"), "application/x-ndjson") {
		return newSSE(w).send
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	_ = control.Flush()
	return func(_ string, text []byte) error {
		_ = control.SetWriteDeadline(time.Now().Add(writeFor))
		if _, err := w.Write(append(text, '\n')); err != nil {
			return err
		}
		return control.Flush()
	}
}

// audit answers ?from=&to=&wait=: times in RFC 3339, wait as a duration. By default the last 24 hours.
func (d *Dashboard) audit(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	now := time.Now()
	from, errFrom := timeOr(q.Get("from"), now.Add(-24*time.Hour))
	to, errTo := timeOr(q.Get("to"), now.Add(time.Minute))
	wait, errWait := time.ParseDuration(cmp.Or(q.Get("wait"), "10s"))
	if err := errors.Join(errFrom, errTo, errWait); err != nil {
		refuse(w, http.StatusBadRequest, "bad_request", err)
		return
	}
	if !from.Before(to) {
		refuse(w, http.StatusBadRequest, "bad_request", fmt.Errorf("from must be before to; got %s and %s", q.Get("from"), q.Get("to")))
		return
	}
	report, err := d.options.Audit(r.Context(), from, to, min(wait, maxWait))
	if err != nil {
		d.failed(w, r, err)
		return
	}
	answer(w, report)
}

func timeOr(text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("a time is written like 2006-01-02T15:04:05Z; got %q", text)
	}
	return t, nil
}
