package dashboard

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spoorhq/spoor/query"
)

// format is how an answer's rows are written.
type format struct {
	name        string // also the ending of a file
	contentType string
	write       func(result *query.Result, out io.Writer) error // nil: lines, which are pushed as they come
}

// formatOf gives a format by its name.
func formatOf(name string) (format, bool) {
	for _, f := range []format{
		{"json", "application/json", (*query.Result).WriteJSON},
		{"csv", "text/csv; charset=utf-8", (*query.Result).WriteCSV},
		{"parquet", "application/vnd.apache.parquet", (*query.Result).WriteParquet},
		{"ndjson", "application/x-ndjson", (*query.Result).WriteNDJSON},
		{"lines", "application/x-ndjson", nil},
	} {
		if f.name == name {
			return f, true
		}
	}
	return format{}, false
}

// send writes rows in blocks.
func (f format) send(result *query.Result, to io.Writer) error {
	out := bufio.NewWriterSize(to, 64<<10)
	if err := f.write(result, out); err != nil {
		return err
	}
	return out.Flush()
}

// write sends an answer's rows as they come. A fault before anything has left is answered as such, unless the answer has
// begun already; after that the status cannot change any more, and the trailer tells it.
func (d *Dashboard) write(ctx context.Context, w http.ResponseWriter, r *http.Request, result *query.Result, asked time.Time, as format, begun bool) {
	h := w.Header()
	h.Set("Content-Type", as.contentType)
	h.Set("Cache-Control", "no-store")
	h.Add("Trailer", errorTrailer)
	left := &leaving{w: w, yes: begun}
	out := bufio.NewWriterSize(left, 64<<10)
	var err error
	if as.write != nil {
		err = as.write(result, out)
	} else {
		err = result.WriteLines(out, asked, func() error { return errors.Join(out.Flush(), push(http.NewResponseController(w))) })
	}
	if err == nil {
		err = out.Flush()
	}
	switch {
	case err == nil:
	case left.yes:
		_ = out.Flush() // what was read before the fault
		d.options.Logger.Warn("an answer was cut off", "err", err)
		h.Set(errorTrailer, strings.ReplaceAll(err.Error(), "\n", " "))
		if as.write == nil { // a page cannot read a trailer
			_ = sendJSON(&ndjson{w: w}, "", fault{Error: err.Error(), Code: codeCutOff})
		}
	default:
		h.Del("Trailer")
		d.badSQL(ctx, w, r, err)
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
