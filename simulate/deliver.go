package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"
)

// The bounds of the time between two tries, as in the official SDKs: it doubles each time, and a Retry-After of the
// server's is followed up to a bound of its own.
const (
	firstPause      = 500 * time.Millisecond
	longestPause    = time.Minute
	longestAskedFor = 5 * time.Minute
)

// outcome is what became of a parcel's events.
type outcome struct {
	rejected map[int]bool // by their place in the parcel; the others are acknowledged
	unclear  bool         // it cannot be told, of any of them
}

// deliver posts a parcel until the server has answered for it, and notes what became of it.
func (s *sender) deliver(ctx context.Context, p *parcel) {
	if ctx.Err() != nil {
		return // not sent at all
	}
	if p.due.IsZero() {
		p.due = time.Now()
	}
	sent := false // an earlier try may have arrived
	for try := 0; ; try++ {
		a := s.post(ctx, p, try)
		if a.kind != "" {
			s.tally.failed(a.kind, a.what)
		}
		switch {
		case a.refused && !sent:
			a.rejected = make(map[int]bool, len(p.numbers))
			for i := range p.numbers {
				a.rejected[i] = true
			}
			fallthrough
		case a.taken:
			s.tally.over(p, outcome{rejected: a.rejected})
			return
		case a.refused || a.unreadable || try+1 >= s.delivery.Tries || !pause(ctx, try, a.after):
			s.tally.over(p, outcome{unclear: true})
			return
		}
		sent = true
	}
}

// answer is what came of one try.
type answer struct {
	kind, what string // of failure, see Progress; empty: none
	taken      bool   // all are acknowledged, but for
	rejected   map[int]bool
	unreadable bool          // some are acknowledged, but it cannot be told which
	refused    bool          // it will not be taken however often it is sent
	after      time.Duration // the server asks to wait this long
}

// post sends a parcel once. The request is not cut short when ctx is done, as its fate would be unclear then.
func (s *sender) post(ctx context.Context, p *parcel, try int) answer {
	// The transport may read a body for longer than the call takes, so each try has its own.
	body := make([]byte, len(p.body), len(p.body)+len(s.tail)+32)
	copy(body, p.body)
	body = append(body, s.tail...)
	body = time.Now().UTC().AppendFormat(body, "2006-01-02T15:04:05.000Z")
	body = append(body, `"}`...)

	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.delivery.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(limited, http.MethodPost, s.delivery.Server+"/v1/"+p.path, bytes.NewReader(body))
	if err != nil {
		return answer{kind: "network", what: err.Error(), refused: true}
	}
	request.SetBasicAuth(s.delivery.WriteKey, "")
	request.Header.Set("Content-Type", "application/json")
	if p.plain {
		request.Header.Set("Content-Type", "text/plain")
	}
	request.Header.Set("User-Agent", "spoor-simulate")
	if try > 0 {
		request.Header.Set("X-Retry-Count", strconv.Itoa(try))
	}
	s.tally.posted(len(body), try > 0)
	response, err := s.client.Do(request)
	if err != nil {
		return failure(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err != nil {
		return failure(err)
	}
	return s.judge(response, text, p)
}

func failure(err error) answer {
	kind := "network"
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		kind = "timeout"
	}
	return answer{kind: kind, what: err.Error()}
}

// judge decides what an answer means, as the official SDKs do.
func (s *sender) judge(response *http.Response, text []byte, p *parcel) answer {
	status := response.StatusCode
	if status/100 == 2 {
		rejected, err := rejections(text, p)
		if err != nil {
			return answer{kind: "answer", what: err.Error(), unreadable: true}
		}
		return answer{taken: true, rejected: rejected}
	}
	a := answer{kind: strconv.Itoa(status), what: fmt.Sprintf("status %d: %.200s", status, bytes.TrimSpace(text))}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		a.refused = true
		s.tally.stop(fmt.Errorf("%s refused the write key: %s", s.delivery.Server, a.what))
	case status == http.StatusNotFound || status < 400:
		a.refused = true
		s.tally.stop(fmt.Errorf("%s is not a collector: %s", response.Request.URL, a.what))
	case status == http.StatusRequestTimeout, status == http.StatusGone, status == http.StatusTooManyRequests, status == 460:
		a.after = retryAfter(response.Header.Get("Retry-After"), time.Now())
	case status < 500, status == http.StatusNotImplemented, status == http.StatusHTTPVersionNotSupported, status == http.StatusNetworkAuthenticationRequired:
		a.refused = true
	default:
		a.after = retryAfter(response.Header.Get("Retry-After"), time.Now())
	}
	return a
}

// rejections reads which events of a parcel a successful answer takes exception to.
func rejections(text []byte, p *parcel) (map[int]bool, error) {
	if !bytes.Contains(text, []byte(`"rejected"`)) {
		return nil, nil
	}
	var body struct {
		Rejected json.RawMessage `json:"rejected"`
		Total    int             `json:"rejectedTotal"` // where not all are listed
	}
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, fmt.Errorf("read the answer %.200q: %w", text, err)
	}
	if rejected := string(body.Rejected); rejected == "0" || rejected == "null" || rejected == "" {
		return nil, nil
	}
	var list []struct {
		Index *int `json:"index"`
	}
	if err := json.Unmarshal(body.Rejected, &list); err != nil {
		return nil, fmt.Errorf("which events were rejected cannot be told from the answer %.200q: %w", text, err)
	}
	rejected := make(map[int]bool, len(list))
	for _, one := range list {
		if one.Index == nil || *one.Index < 0 || *one.Index >= len(p.numbers) {
			return nil, fmt.Errorf("which events were rejected cannot be told from the answer %.200q", text)
		}
		rejected[*one.Index] = true
	}
	if len(rejected) < body.Total && body.Total < len(p.numbers) {
		return nil, fmt.Errorf("which events were rejected cannot be told: %d of %d are listed", len(rejected), body.Total)
	}
	if body.Total == len(p.numbers) {
		for i := range p.numbers {
			rejected[i] = true
		}
	}
	return rejected, nil
}

// retryAfter reads the header of that name: seconds or a date. It returns 0 for none.
func retryAfter(header string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(header); err == nil {
		wait = date.Sub(now)
	}
	return min(max(wait, 0), longestAskedFor)
}

// pause waits before the next try and returns false when ctx is done first.
func pause(ctx context.Context, try int, asked time.Duration) bool {
	wait := min(firstPause<<min(try, 16), longestPause)
	wait += time.Duration(rand.Int64N(int64(wait)/10 + 1))
	if asked > 0 {
		wait = asked
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
