package dashboard

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/spoorhq/spoor/query"
)

// Of an answer that takes longer than patience its asker hears how far it is, and from then on each tellEvery.
const (
	patience  = 400 * time.Millisecond
	tellEvery = 500 * time.Millisecond
)

// lineOf is a line of an answer that takes long: one of its members. A fault has a line of its own.
type lineOf[A any] struct {
	Progress *query.Progress `json:"progress,omitempty"`
	Answer   A               `json:"answer,omitempty"`
}

// patiently runs do, and calls tell now and then from when it has taken long.
func patiently[A any](do func() (A, error), tell func()) (A, error) {
	type outcome struct {
		a   A
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		a, err := do()
		done <- outcome{a, err}
	}()
	tick := time.NewTicker(patience)
	defer tick.Stop()
	for told := false; ; told = true {
		select {
		case o := <-done:
			return o.a, o.err
		case <-tick.C:
			if !told {
				tick.Reset(tellEvery)
			}
			tell()
		}
	}
}

// lines are an answer's lines, which begin when the first is sent: until then the answer may yet be of another kind. Once
// they cannot be sent, gone is called, and no more are.
type lines struct {
	w    http.ResponseWriter
	gone func()
	out  *ndjson // nil: they have not begun
	lost bool
}

func (l *lines) send(v any) {
	if l.lost {
		return
	}
	if l.out == nil {
		l.out = newNDJSON(l.w)
	}
	if sendJSON(l.out, "", v) != nil || l.out.flush() != nil {
		l.lost = true
		l.gone()
	}
}

func (l *lines) begun() bool { return l.out != nil }

// answerLong answers what may take long. Who accepts NDJSON hears, if it does, how far it is, a line each time, before the
// line with the answer or the fault; what comes at once is answered as to anybody.
func (d *Dashboard) answerLong(w http.ResponseWriter, r *http.Request, ask func(ctx context.Context) (any, error)) {
	if !strings.Contains(r.Header.Get("Accept"), "application/x-ndjson") {
		found, err := ask(r.Context())
		if err != nil {
			d.failed(w, r, err)
			return
		}
		answer(w, found)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var follower query.Follower
	out := &lines{w: w, gone: cancel}
	found, err := patiently(func() (any, error) { return ask(follower.Following(ctx)) }, func() {
		if p, known := follower.Progress(); known {
			out.send(lineOf[any]{Progress: &p})
		}
	})
	switch {
	case err != nil && !out.begun():
		d.failed(w, r, err)
	case err != nil:
		if _, f := d.faultOf(r, err); f.Code != "" {
			out.send(f)
		}
	case !out.begun():
		answer(w, found)
	default:
		out.send(lineOf[any]{Answer: found})
	}
}

// answerLines answers with a statement's rows as lines (query.Result.WriteLines), before which stands how far it is.
func (d *Dashboard) answerLines(w http.ResponseWriter, r *http.Request, ask sqlAsk, asked time.Time) {
	ctx, cancel := context.WithTimeout(r.Context(), d.options.QueryFor)
	defer cancel()
	work := query.NewWork(d.options.QueryFor)
	out := &lines{w: w, gone: cancel}
	result, err := patiently(func() (*query.Result, error) {
		return query.SQL(ctx, work.Watched(d.options.Warehouse), ask.SQL, ask.Limit)
	}, func() {
		out.send(lineOf[any]{Progress: new(work.Progress())})
	})
	if err != nil {
		if !out.begun() {
			d.badSQL(ctx, w, r, err)
			return
		}
		f := fault{Error: err.Error(), Code: codeBadSQL}
		if ctx.Err() != nil {
			_, f = d.faultOf(r, ctx.Err())
		}
		if f.Code != "" {
			out.send(f)
		}
		return
	}
	defer result.Close()
	as, _ := formatOf("lines")
	d.write(ctx, w, r, result, asked, as, out.begun())
}
