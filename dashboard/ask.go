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
		refuse(w, http.StatusBadRequest, codeBadRequest, fmt.Errorf("limit cannot be below 0; got %d", ask.Limit))
		return
	}
	name := cmp.Or(r.URL.Query().Get("format"), "json")
	as, known := formatOf(name)
	if !known || name == "ndjson" {
		refuse(w, http.StatusBadRequest, codeBadRequest, fmt.Errorf("format must be json, csv, parquet or lines; got %q", name))
		return
	}
	asked := time.Now()
	if name == "lines" {
		d.answerLines(w, r, ask, asked)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), d.options.QueryFor)
	defer cancel()
	result, err := query.SQL(ctx, d.options.Warehouse, ask.SQL, ask.Limit)
	if err != nil {
		d.badSQL(ctx, w, r, err)
		return
	}
	defer result.Close()
	d.write(ctx, w, r, result, asked, as, false)
}

// badSQL answers that a statement could not be asked.
func (d *Dashboard) badSQL(ctx context.Context, w http.ResponseWriter, r *http.Request, err error) {
	if ctx.Err() != nil {
		d.failed(w, r, ctx.Err())
		return
	}
	refuse(w, http.StatusBadRequest, codeBadSQL, err)
}

// tail streams events as they are accepted: server-sent events, or NDJSON for whoever accepts that.
func (d *Dashboard) tail(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	sample, err := strconv.Atoi(cmp.Or(q.Get("sample"), "0"))
	if err != nil || sample < 0 {
		refuse(w, http.StatusBadRequest, codeBadRequest, fmt.Errorf("sample must be a number of events a second; got %q", q.Get("sample")))
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
		refuse(w, http.StatusBadRequest, codeBadRequest, err)
		return
	}
	if !from.Before(to) {
		refuse(w, http.StatusBadRequest, codeBadRequest, fmt.Errorf("from must be before to; got %s and %s", q.Get("from"), q.Get("to")))
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
