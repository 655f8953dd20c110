package alert

import (
	"context"
	"fmt"
	"time"

	"github.com/spoorhq/spoor/query"
)

// Reading is a report's number at a moment.
type Reading struct {
	query.NumberAnswer
	Name string `json:"name"` // which number it is, in words
}

// Measured is what a rule sees at a moment.
type Measured struct {
	Name  string           `json:"name" required:"true" description:"the number, in words"`
	Kind  query.NumberKind `json:"kind" required:"true" enum:"count,share,other"`
	At    time.Time        `json:"at" required:"true" description:"up to when what has happened was looked at"`
	Value *float64         `json:"value,omitempty" description:"without it the number has no value"`
	Low   *float64         `json:"low,omitempty" description:"the least that does not fire"`
	High  *float64         `json:"high,omitempty" description:"the most that does not fire"`
	Known bool             `json:"known" required:"true" description:"false: too little of the past is there to say what is usual"`
}

// verdict says whether the number is fine.
func (m *Measured) verdict() verdict {
	switch {
	case !m.Known || m.Value == nil:
		return unknown
	case (m.Low != nil && *m.Value < *m.Low) || (m.High != nil && *m.Value > *m.High):
		return breach
	}
	return fine
}

// number evaluates a rule about one number.
func (e *Evaluator) number(ctx context.Context, a *Alert, end time.Time) error {
	s := &a.State
	m, err := e.measure(ctx, &a.Rule, end)
	if err != nil {
		return err
	}
	s.Value, s.Low, s.High, s.Kind, s.NoData = m.Value, m.Low, m.High, m.Kind, m.Value == nil
	var changed bool
	if s.Phase, changed = s.next(m.verdict(), a.Rule.inARow(), end); !changed {
		return nil
	}
	if s.Status == Firing {
		s.begin(Episode{Since: end, Value: m.Value, Low: m.Low, High: m.High})
	} else {
		s.end(end, none)
	}
	e.tell(a, notification{State: s.Status, Summary: m.summary(a.Rule.Usual != nil), Kind: m.Kind, Value: m.Value, Low: m.Low, High: m.High}, end)
	return nil
}

// Measure tells what a rule about a number would see now. It is not one about tracking.
func (e *Evaluator) Measure(ctx context.Context, rule *Rule) (Measured, error) {
	end := e.options.Now()
	if e.options.CompleteTo != nil {
		if complete := e.options.CompleteTo(); !complete.IsZero() {
			end = complete
		}
	}
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	return e.measure(ctx, rule, end.UTC().Truncate(time.Minute))
}

// measure gives the number and the range in which it is fine.
func (e *Evaluator) measure(ctx context.Context, rule *Rule, end time.Time) (Measured, error) {
	m := Measured{At: end, Low: rule.Below, High: rule.Above, Known: true}
	if rule.Event != nil {
		windows := []window{{end.Add(-rule.Event.window()), end}}
		if rule.Usual != nil {
			windows = sameHour(end, rule.Event.window())
		}
		samples, err := volumes(ctx, e.options.Warehouse, rule.Event, windows)
		if err != nil {
			return m, err
		}
		m.Name = fmt.Sprintf("%s in the %s to %s UTC", rule.Event, length(rule.Event.window()), end.Format("2006-01-02 15:04"))
		m.Value, m.Kind = &samples[0].value, query.Counted
		if rule.Usual != nil {
			m.within(rule.Usual, usualRange(learned(samples[1:]), rule.Usual.k(), countChance))
		}
		return m, nil
	}
	reading, err := e.options.Number(ctx, rule.Report, rule.Number, end)
	if err != nil {
		return m, fmt.Errorf("asking the report: %w", err)
	}
	m.Name, m.Kind, m.Value = reading.Name, reading.Kind, reading.Value
	if rule.Usual == nil {
		return m, nil
	}
	usual, err := e.usualOfReport(ctx, rule, end)
	m.within(rule.Usual, usual)
	return m, err
}

// within says that what is usual is fine.
func (m *Measured) within(u *Usual, usual spread) {
	m.Low, m.High = nil, nil
	if m.Known = usual.ok; !usual.ok {
		return
	}
	if m.Kind == query.Part {
		usual.high = min(usual.high, 1)
	}
	if u.Side != "above" {
		m.Low = &usual.low
	}
	if u.Side != "below" {
		m.High = &usual.high
	}
}

// usualOfReport asks the report what it showed at this time of other days.
func (e *Evaluator) usualOfReport(ctx context.Context, rule *Rule, end time.Time) (spread, error) {
	var samples []sample
	var wholes []float64
	chance := noChance
	for _, w := range sameHour(end, time.Hour)[1:] {
		was, err := e.options.Number(ctx, rule.Report, rule.Number, w.to)
		if err != nil {
			return spread{}, fmt.Errorf("asking the report of %s: %w", w.to.Format(time.DateOnly), err)
		}
		if was.Value == nil {
			continue
		}
		samples, wholes = append(samples, sample{*was.Value, true}), append(wholes, was.Of)
		switch was.Kind {
		case query.Counted:
			chance = countChance
		case query.Part:
			chance = shareChance(median(wholes))
		}
	}
	return usualRange(learned(samples), rule.Usual.k(), chance), nil
}

// summary says in words how a number stands.
func (m *Measured) summary(usual bool) string {
	value := "none"
	if m.Value != nil {
		value = written(*m.Value, m.Kind)
	}
	fine := map[bool]string{false: "fine", true: "usual"}[usual]
	switch {
	case m.Low != nil && m.High != nil:
		return fmt.Sprintf("%s: %s; %s is %s to %s", m.Name, value, fine, written(*m.Low, m.Kind), written(*m.High, m.Kind))
	case m.Low != nil:
		return fmt.Sprintf("%s: %s; %s is %s or more", m.Name, value, fine, written(*m.Low, m.Kind))
	case m.High != nil:
		return fmt.Sprintf("%s: %s; %s is %s or less", m.Name, value, fine, written(*m.High, m.Kind))
	}
	return fmt.Sprintf("%s: %s", m.Name, value)
}
