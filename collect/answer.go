package collect

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
)

// refusal is every answer but 200. SDKs give a batch up on 400 and 401; they send it again on 408, 429 and 503, after
// retryAfter if they can.
type refusal struct {
	status     int
	code       string // stable, for programs
	message    string // for people
	retryAfter time.Duration
	closing    bool // the connection is of no more use
}

func (e *refusal) Error() string { return e.message }

// The refusals that are always the same.
var (
	errDraining = &refusal{http.StatusServiceUnavailable, "draining", "this collector is shutting down", time.Second, true}
	errClosed   = &refusal{http.StatusServiceUnavailable, "draining", "this collector is shut down", time.Second, true}
	errBusy     = &refusal{http.StatusServiceUnavailable, "busy", "as many bytes are under way as the collector has memory for", time.Second, false}
	errSlow     = &refusal{http.StatusRequestTimeout, "body_too_slow", "the body came too slowly", 0, true}
	errGone     = &refusal{http.StatusRequestTimeout, "client_gone", "the client went away", 0, true}
)

func bodyTooLarge(most int) *refusal {
	return &refusal{http.StatusBadRequest, "body_too_large", fmt.Sprintf("a body is %d bytes at most, unpacked", most), 0, true}
}

// unreadable is the answer to a body that nothing can be read of.
func unreadable(err error) *refusal {
	code := "invalid_body"
	var coded interface{ Code() string }
	_, syntax := errors.AsType[*jsonscan.SyntaxError](err)
	switch {
	case errors.As(err, &coded):
		code = coded.Code()
	case syntax, errors.Is(err, jsonscan.ErrDepth):
		code = string(event.InvalidJSON)
	}
	return &refusal{http.StatusBadRequest, code, err.Error(), 0, false}
}

func rateLimited(source string, delay time.Duration) *refusal {
	return &refusal{http.StatusTooManyRequests, "rate_limited", fmt.Sprintf("source %s sends more events than its rate allows", source), delay, false}
}

// maxListed is how many rejected events an answer lists; the rest is counted.
const maxListed = 1000

// report is what became of a request's events.
type report struct {
	durable    int // events that the stream holds, good and bad
	accepted   int // of these, the good ones
	duplicates int // of the accepted, those whose messageId came before in the same text
	rejected   int // the bad ones
	list       []byte
	body       []byte
}

func (r *report) reset() {
	*r = report{list: r.list[:0], body: r.body[:0]}
}

func (r *report) reject(index int, messageID string, verdict event.Verdict) {
	r.rejected++
	if r.rejected > maxListed {
		return
	}
	if len(r.list) > 0 {
		r.list = append(r.list, ',')
	}
	r.list = strconv.AppendInt(append(r.list, `{"index":`...), int64(index), 10)
	if messageID != "" {
		// One that is too long is cut: an answer has a bound, too.
		messageID = messageID[:min(len(messageID), event.MaxMessageIDBytes)]
		r.list = jsonscan.AppendQuoted(append(r.list, `,"messageId":`...), messageID)
	}
	r.list = jsonscan.AppendQuoted(append(r.list, `,"reason":`...), string(verdict.Reason))
	r.list = jsonscan.AppendQuoted(append(r.list, `,"detail":`...), verdict.Detail)
	r.list = append(r.list, '}')
}

// render writes the report of a request that ended with err, or well with nil.
func (r *report) render(err *refusal) []byte {
	b := r.body[:0]
	b = strconv.AppendBool(append(b, `{"success":`...), err == nil)
	if err != nil {
		b = jsonscan.AppendQuoted(append(b, `,"code":`...), err.code)
		b = jsonscan.AppendQuoted(append(b, `,"message":`...), err.message)
		b = jsonscan.AppendQuoted(append(b, `,"error":`...), err.message)
	}
	if err != nil && r.durable > 0 {
		b = strconv.AppendInt(append(b, `,"durable":`...), int64(r.durable), 10)
	}
	if err == nil || r.durable > 0 {
		b = strconv.AppendInt(append(b, `,"accepted":`...), int64(r.accepted), 10)
		b = strconv.AppendInt(append(b, `,"duplicates":`...), int64(r.duplicates), 10)
		b = append(b, `,"rejected":[`...)
		b = append(b, r.list...)
		b = append(b, ']')
		if r.rejected > maxListed {
			b = strconv.AppendInt(append(b, `,"rejectedTotal":`...), int64(r.rejected), 10)
		}
	}
	b = append(b, '}', '\n')
	r.body = b
	return b
}

// answerFor is how long a client may take to read its answer.
const answerFor = 10 * time.Second

// answer tells the client how its request ended.
func (v *visit) answer(w http.ResponseWriter, err error) {
	refused := refusalOf(err)
	status := http.StatusOK
	if refused != nil {
		status = refused.status
		setRefusal(w.Header(), refused)
	}
	v.c.metrics.request(v.protocol.Name(), status)
	// A connection that cannot have deadlines is a test's; the answer is no worse for it.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerFor))
	v.protocol.Answer(w, status, v.report.render(refused))
}

func refusalOf(err error) *refusal {
	if err == nil {
		return nil
	}
	if refused, ok := errors.AsType[*refusal](err); ok {
		return refused
	}
	return &refusal{http.StatusServiceUnavailable, "unavailable", err.Error(), time.Second, false}
}

func setRefusal(h http.Header, e *refusal) {
	if e.retryAfter > 0 {
		seconds := strconv.Itoa(int(math.Ceil(e.retryAfter.Seconds())))
		h.Set("Retry-After", seconds)
		if e.status == http.StatusTooManyRequests {
			h.Set("X-RateLimit-Reset", seconds)
		}
	}
	if e.closing {
		h.Set("Connection", "close")
	}
}

// refuse answers a request that belongs to no protocol.
func (c *Collector) refuse(w http.ResponseWriter, e *refusal) {
	setRefusal(w.Header(), e)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	var r report
	_, _ = w.Write(r.render(e)) // a client that has gone cannot be told
	c.metrics.request("", e.status)
}
