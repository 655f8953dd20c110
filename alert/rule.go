// Package alert watches numbers: an event's volume, or a number of a saved report, against a threshold or against what is
// usual at this hour; and, without being asked to, the events that normally come and have stopped coming. It tells
// webhooks and mailboxes. docs/alerts.md says exactly what each word means.
//
// Rules are saved documents; so is what became of them, so that a restart neither forgets that an alert fires nor tells it
// twice. Of several processes on one folder one evaluates.
package alert

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"net/url"
	"strconv"
	"time"

	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/saved"
)

// Rule is the body of a saved alert. Of Event, Report and Tracking it has one.
type Rule struct {
	Event  *Volume `json:"event,omitempty" description:"the volume of an event"`
	Report string  `json:"report,omitempty" description:"the id of a saved trend, funnel or retention"`
	// Number is of Report.
	Number   query.Number `json:"number,omitzero" description:"which of the report's numbers; by default the one that its page says first"`
	Tracking bool         `json:"tracking,omitempty" description:"events that normally come and have stopped coming"`
	// Ignore is of tracking.
	Ignore []string `json:"ignore,omitempty" description:"names of events that may stop coming"`

	// Above and Below are thresholds; Usual stands instead of them.
	Above *float64 `json:"above,omitempty" description:"fire over this; of a share 0 to 1"`
	Below *float64 `json:"below,omitempty" description:"fire under this; of a share 0 to 1"`
	Usual *Usual   `json:"usual,omitempty" description:"fire outside of what is usual at this hour"`

	For    int        `json:"for,omitempty" description:"so many evaluations in a row must agree before the alert fires or ends: 1 to 60, by default 2"`
	Notify []Receiver `json:"notify,omitempty" description:"who is told; without anybody it is shown and logged"`
	Paused bool       `json:"paused,omitempty"`
}

// Volume is the number of rows of a name that were received in a stretch of time.
type Volume struct {
	Event   string `json:"event,omitempty" description:"the name; empty: all of the type"`
	Type    string `json:"type,omitempty" description:"track, page, screen, identify, group or alias; empty: all"`
	Source  string `json:"source,omitempty" description:"only of this source; empty: of all"`
	Minutes int    `json:"minutes,omitempty" description:"how long the stretch is, 5 to 10080; by default 60"`
}

// Usual is the range in which a number usually lies.
type Usual struct {
	K    float64 `json:"k,omitempty" description:"how many standard deviations, estimated from the median, are still usual: 1 to 20, by default 4"`
	Side string  `json:"side,omitempty" enum:"above,below,both" description:"which side fires; by default both"`
}

// Receiver is somebody who is told: a webhook or a mailbox.
type Receiver struct {
	Webhook string `json:"webhook,omitempty" description:"a URL that is sent a signed POST"`
	Email   string `json:"email,omitempty" description:"an address that is sent a mail"`
}

// String gives the receiver without what may be a secret in its URL.
func (r Receiver) String() string {
	if r.Email != "" {
		return "e-mail to " + r.Email
	}
	u, err := url.Parse(r.Webhook)
	if err != nil {
		return "webhook"
	}
	return "webhook to " + u.Host
}

// Bounds and defaults of a rule.
const (
	defaultMinutes = 60
	minMinutes     = 5
	maxMinutes     = 7 * 24 * 60
	defaultK       = 4
	defaultFor     = 2
	maxFor         = 60
	maxReceivers   = 20
	maxURL         = 2000
)

func (v *Volume) window() time.Duration {
	if v.Minutes == 0 {
		return defaultMinutes * time.Minute
	}
	return time.Duration(v.Minutes) * time.Minute
}

func (u *Usual) k() float64 {
	if u.K == 0 {
		return defaultK
	}
	return u.K
}

func (r *Rule) inARow() int {
	if r.For == 0 {
		return defaultFor
	}
	return r.For
}

// ReadRule reads a saved alert's body. Its error is a *saved.FieldError.
func ReadRule(body json.RawMessage) (Rule, error) {
	var r Rule
	err := saved.Decode(body, &r)
	if err == nil {
		err = r.check()
	}
	return r, err
}

func (r *Rule) check() error {
	subjects := 0
	for _, has := range []bool{r.Event != nil, r.Report != "", r.Tracking} {
		if has {
			subjects++
		}
	}
	if subjects != 1 {
		return wrong("", fmt.Sprintf("%d of them", subjects), "must have one of event, report and tracking")
	}
	threshold := r.Above != nil || r.Below != nil
	switch {
	case r.Tracking && (threshold || r.Usual != nil):
		return wrong("tracking", "true", "goes with no threshold: what normally comes is found out")
	case r.Report == "" && !r.Number.IsZero():
		return wrong("number", numberText(r.Number), "goes with report")
	case !r.Tracking && len(r.Ignore) > 0:
		return wrong("ignore", fmt.Sprintf("%d names", len(r.Ignore)), "goes with tracking")
	case !r.Tracking && threshold == (r.Usual != nil):
		return wrong("", fmt.Sprintf("%s and usual %t", map[bool]string{true: "a threshold", false: "no threshold"}[threshold], r.Usual != nil), "must have a threshold, above or below, or usual")
	case r.Above != nil && r.Below != nil && *r.Below > *r.Above:
		return wrong("below", strconv.FormatFloat(*r.Below, 'g', -1, 64), "cannot be over above")
	case r.For < 0 || r.For > maxFor:
		return wrong("for", strconv.Itoa(r.For), fmt.Sprintf("must be 1 to %d", maxFor))
	}
	if v := r.Event; v != nil && v.Minutes != 0 && (v.Minutes < minMinutes || v.Minutes > maxMinutes) {
		return wrong("event.minutes", strconv.Itoa(v.Minutes), fmt.Sprintf("must be %d to %d", minMinutes, maxMinutes))
	}
	if u := r.Usual; u != nil {
		if u.K != 0 && (u.K < 1 || u.K > 20) {
			return wrong("usual.k", strconv.FormatFloat(u.K, 'g', -1, 64), "must be 1 to 20")
		}
		if u.Side != "" && u.Side != "above" && u.Side != "below" && u.Side != "both" {
			return wrong("usual.side", strconv.Quote(u.Side), "must be above, below or both")
		}
	}
	if len(r.Notify) > maxReceivers {
		return wrong("notify", strconv.Itoa(len(r.Notify)), fmt.Sprintf("cannot be over %d", maxReceivers))
	}
	for i, to := range r.Notify {
		if err := to.check(fmt.Sprintf("notify[%d]", i)); err != nil {
			return err
		}
	}
	return nil
}

func (r Receiver) check(at string) error {
	switch {
	case (r.Webhook == "") == (r.Email == ""):
		return wrong(at, fmt.Sprintf("webhook %q and email %q", r.Webhook, r.Email), "must have one of webhook and email")
	case r.Email != "":
		if address, err := mail.ParseAddress(r.Email); err != nil || address.Address != r.Email {
			return wrong(at+".email", strconv.Quote(r.Email), "must be an address such as ops@example.com")
		}
	default:
		u, err := url.Parse(r.Webhook)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || len(r.Webhook) > maxURL {
			return wrong(at+".webhook", strconv.Quote(r.Webhook), "must be a URL with http or https")
		}
	}
	return nil
}

func wrong(field, value, why string) error {
	if field == "" {
		field = "body"
	} else {
		field = "body." + field
	}
	return &saved.FieldError{Field: field, Value: value, Why: why}
}

func numberText(n query.Number) string {
	text, err := json.Marshal(n)
	if err != nil {
		return "a number"
	}
	return string(text)
}
