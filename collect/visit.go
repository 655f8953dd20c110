package collect

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
)

// maxUserAgent is how much of a User-Agent header is kept; real ones are a tenth of it.
const maxUserAgent = 2 << 10

// visit is one request on its way through the door, and the memory that it needs there, which is used again.
type visit struct {
	c        *Collector
	protocol Protocol
	source   *source // nil: not known yet

	request event.Request
	events  []jsonscan.Value
	raws    [][]byte
	bytes   int64 // of raws
	parser  event.Parser
	event   event.Event
	seen    map[string]struct{}  // the messageIds in raws
	reasons map[event.Reason]int // how many of raws were rejected
	report  report
}

func newVisit(c *Collector) *visit {
	return &visit{c: c, seen: map[string]struct{}{}, reasons: map[event.Reason]int{}}
}

// serve answers a request that brings events.
func (c *Collector) serve(w http.ResponseWriter, r *http.Request, p Protocol) {
	v := c.visits.Get().(*visit)
	v.protocol, v.source = p, nil
	v.report.reset()
	if c.gate.enter() {
		defer c.gate.leave()
		v.answer(w, v.take(w, r))
	} else {
		v.answer(w, errDraining)
	}
	clear(v.events)
	clear(v.raws)
	c.visits.Put(v)
}

// take brings the events of a request into the stream. A body without a bound goes this way piece by piece.
func (v *visit) take(w http.ResponseWriter, r *http.Request) error {
	v.source = v.c.sourceOf(r)
	if v.source == nil && v.protocol.MaxBody() == 0 {
		return v.c.unauthorized(r, nil)
	}
	body, err := v.c.open(w, r, v.protocol.MaxBody())
	if err != nil {
		return err
	}
	defer body.close()
	for {
		text, err := body.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		key, err := v.decode(r, text)
		if err != nil {
			return err
		}
		if err := v.authorize(r, key); err != nil {
			return err
		}
		if err := v.limit(r.Context()); err != nil {
			return err
		}
		durable := v.report
		v.validate()
		v.stamp(r)
		if err := v.append(body); err != nil {
			v.report = durable
			return err
		}
	}
}

func (v *visit) decode(r *http.Request, text []byte) (key []byte, err error) {
	v.request = event.Request{}
	key, v.events, err = v.protocol.Decode(r, text, &v.request, v.events[:0])
	if err != nil {
		return nil, unreadable(err)
	}
	return key, nil
}

func (v *visit) authorize(r *http.Request, key []byte) error {
	if v.source == nil {
		v.source = v.c.sources[string(key)]
	}
	if v.source == nil {
		return v.c.unauthorized(r, key)
	}
	return nil
}

// limit holds the source to its rate. A client that is told to come back later does; one in the middle of an endless body is
// slowed down instead.
func (v *visit) limit(ctx context.Context) error {
	if v.source.limit == nil || len(v.events) == 0 {
		return nil
	}
	reservation := v.source.limit.ReserveN(time.Now(), min(len(v.events), v.source.limit.Burst()))
	delay := reservation.Delay()
	if delay == 0 {
		return nil
	}
	if v.report.durable == 0 {
		reservation.Cancel()
		return rateLimited(v.source.name, delay)
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errGone
	}
}

// validate gives each event its verdict and puts all of them, good and bad, into what is appended.
func (v *visit) validate() {
	v.raws, v.bytes = v.raws[:0], 0
	v.parser.Reset()
	clear(v.reasons)
	for i, value := range v.events {
		var verdict event.Verdict
		id := ""
		if value.Kind == jsonscan.Invalid {
			_, verdict = event.Scan(value.Raw)
		} else {
			verdict = v.parser.Inspect(value, v.request.Type, &v.event)
			id = v.event.MessageID
		}
		if !verdict.OK() {
			v.report.reject(v.report.durable+i, id, verdict)
			v.reasons[verdict.Reason]++
		} else {
			v.report.accepted++
			if v.repeated(id) {
				v.report.duplicates++
			}
		}
		v.raws = append(v.raws, value.Raw)
		v.bytes += int64(len(value.Raw))
	}
	clear(v.seen)
	v.report.durable += len(v.events)
}

// repeated tells whether an event of this id came before in the same text.
func (v *visit) repeated(id string) bool {
	if id == "" || len(v.events) < 2 {
		return false
	}
	before := len(v.seen)
	v.seen[id] = struct{}{}
	return len(v.seen) == before
}

// stamp adds what only the door knows.
func (v *visit) stamp(r *http.Request) {
	v.request.Source = v.source.name
	v.request.Protocol = v.protocol.Name()
	v.request.ReceivedAt = event.TimeOf(v.c.options.Now())
	v.request.IP = v.c.clientIP(r)
	v.request.UserAgent = r.UserAgent()
	if len(v.request.UserAgent) > maxUserAgent {
		v.request.UserAgent = strings.ToValidUTF8(v.request.UserAgent[:maxUserAgent], "")
	}
}

// append makes the events durable, together with those of whoever else waits.
func (v *visit) append(body *body) error {
	if len(v.raws) == 0 {
		return nil
	}
	start := time.Now()
	if !body.setAside(v.bytes) {
		return errBusy
	}
	batch, err := v.c.commits.put(&v.request, v.raws, v.bytes)
	if err != nil {
		v.c.budget.give(v.bytes)
		return err
	}
	body.copied()
	<-batch.done
	v.c.metrics.waited.Observe(time.Since(start).Seconds())
	if batch.err != nil {
		return batch.err
	}
	v.source.events.Add(float64(len(v.raws)))
	for reason, n := range v.reasons {
		v.c.metrics.rejected.WithLabelValues(v.source.name, string(reason)).Add(float64(n))
	}
	return nil
}
