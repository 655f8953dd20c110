package dashboard

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	sendAtOnce  = 256 // events before a flush
)

// sqlAsk is what sql is asked.
type sqlAsk struct {
	SQL   string `json:"sql" required:"true" description:"one SELECT, or EXPLAIN"`
	Limit int    `json:"limit,omitempty" minimum:"0" description:"the most rows; 0: all"`
}

// sql answers {"sql": "...", "limit": n} with an array of objects, or as ?format= says: json, csv, parquet, or
// lines, of which a page shows what has come (query.Result.WriteLines).
func (d *Dashboard) sql(w http.ResponseWriter, r *http.Request) {
	var ask sqlAsk
	if !read(w, r, maxSQLBytes, &ask) {
		return
	}
	if ask.Limit < 0 {
		refuse(w, http.StatusBadRequest, "bad_request", fmt.Errorf("limit cannot be below 0; got %d", ask.Limit))
		return
	}
	format := r.URL.Query().Get("format")
	types := map[string]string{
		"": "application/json", "json": "application/json", "csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet",
		"lines": "application/x-ndjson",
	}
	if types[format] == "" {
		refuse(w, http.StatusBadRequest, "bad_request", fmt.Errorf("format must be json, csv, parquet or lines; got %q", format))
		return
	}
	asked := time.Now()
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
	d.write(ctx, w, r, result, asked, format, types[format])
}

// write sends an answer's rows as they come. A fault before anything has left is answered as such; after that the
// status cannot change any more, and the trailer tells it.
func (d *Dashboard) write(ctx context.Context, w http.ResponseWriter, r *http.Request, result *query.Result, asked time.Time, format, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Add("Trailer", errorTrailer)
	left := &leaving{w: w}
	out := bufio.NewWriterSize(left, 64<<10)
	write := result.WriteJSON
	switch format {
	case "csv":
		write = result.WriteCSV
	case "parquet":
		write = result.WriteParquet
	case "ndjson":
		write = result.WriteNDJSON
	case "lines":
		write = func(io.Writer) error {
			return result.WriteLines(out, asked, func() error { return errors.Join(out.Flush(), push(http.NewResponseController(w))) })
		}
	}
	err := write(out)
	if err == nil {
		err = out.Flush()
	}
	switch {
	case err == nil:
	case left.yes:
		_ = out.Flush() // what was read before the fault
		d.options.Logger.Warn("an answer was cut off", "err", err)
		h.Set(errorTrailer, strings.ReplaceAll(err.Error(), "\n", " "))
		if format == "lines" { // a page cannot read a trailer
			_ = sendJSON(&ndjson{w: w}, "", fault{Error: err.Error(), Code: "cut_off"})
		}
	case ctx.Err() != nil:
		h.Del("Trailer")
		d.failed(w, r, ctx.Err())
	default:
		h.Del("Trailer")
		refuse(w, http.StatusBadRequest, "bad_sql", err)
	}
}

// errorTrailer tells why an answer that had begun was cut off.
const errorTrailer = "Spoor-Error"

// leaving notes whether anything has been written.
type leaving struct {
	w   io.Writer
	yes bool
}

func (l *leaving) Write(p []byte) (int, error) {
	l.yes = true
	return l.w.Write(p)
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

	var out sender
	if strings.Contains(r.Header.Get("Accept"), "application/x-ndjson") {
		out = newNDJSON(w)
	} else {
		out = newSSE(w)
	}
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		var err error
		select {
		case item := <-viewer.C:
			err = sendItems(out, viewer, item)
		case <-alive.C:
			err = sendJSON(out, "alive", map[string]int64{"missed": viewer.Missed()})
		case <-d.hub.done:
			return
		case <-r.Context().Done():
			return
		}
		if err != nil || out.flush() != nil {
			return
		}
	}
}

// sender sends named objects; nothing need arrive before flush.
type sender interface {
	send(name string, text []byte) error
	flush() error
}

// sendItems sends an event and those that wait behind it, so that a crowd is flushed at once.
func sendItems(out sender, viewer *tail.Viewer, item tail.Item) error {
	for range sendAtOnce {
		if err := sendJSON(out, "event", item); err != nil {
			return err
		}
		select {
		case item = <-viewer.C:
		default:
			return nil
		}
	}
	return sendJSON(out, "event", item)
}

func sendJSON(out sender, name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return out.send(name, text)
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
