package dashboard

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spoorhq/spoor/alert"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/saved"
)

// watched is a number of a saved report.
type watched struct {
	report   string // its name
	question query.Question
	number   query.Number
}

// name says which number it is.
func (w *watched) name() string { return w.report + ": " + w.number.Words(w.question) }

// watchedBy finds the number of a saved report. saved.ErrNotFound: there is no such report; *query.Invalid: it has no such
// number.
func (d *Dashboard) watchedBy(id string, n query.Number) (watched, error) {
	document, err := d.options.Saved.Get(saved.Reports, id)
	if err != nil {
		return watched{}, fmt.Errorf("the report %s: %w", id, err)
	}
	report, err := saved.ReadReport(document.Body)
	if err != nil {
		return watched{}, err
	}
	asked, err := d.questionOfReport(report)
	if err != nil {
		return watched{}, err
	}
	w := watched{report: document.Name, number: n}
	if w.question, err = asked.read(report.Params); err == nil {
		err = n.Validate("number", w.question)
	}
	return w, err
}

// ReportNumber gives a number of a saved report as it stood at a moment. It is what alerts watch.
func (d *Dashboard) ReportNumber(ctx context.Context, id string, n query.Number, at time.Time) (alert.Reading, error) {
	w, err := d.watchedBy(id, n)
	if err != nil {
		return alert.Reading{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, d.options.QueryFor)
	defer cancel()
	a, err := query.AskNumber(ctx, d.options.Warehouse, w.question, n, at)
	return alert.Reading{NumberAnswer: a, Name: w.name()}, err
}

// checkNumber wants a rule about a report to be about a number that it has and that can be compared as the rule says.
func (d *Dashboard) checkNumber(rule *alert.Rule) error {
	w, err := d.watchedBy(rule.Report, rule.Number)
	if errors.Is(err, saved.ErrNotFound) {
		return &saved.FieldError{Field: "body.report", Value: strconv.Quote(rule.Report), Why: "must be the id of a saved report"}
	}
	if err == nil && rule.Usual != nil {
		err = w.number.HasUsual("usual", w.question)
	}
	if wrong, ok := errors.AsType[*query.Invalid](err); ok {
		if wrong.Field == "number" { // the report has none
			return &saved.FieldError{Field: "body.report", Value: strconv.Quote(rule.Report), Why: "must be a trend, a funnel or a retention"}
		}
		return &query.Invalid{Field: "body." + wrong.Field, Value: wrong.Value, Reason: wrong.Reason}
	}
	if err != nil || w.number.Kind(w.question) != query.Part {
		return err
	}
	for _, bound := range []struct {
		field string
		value *float64
	}{{"body.above", rule.Above}, {"body.below", rule.Below}} {
		if v := bound.value; v != nil && (*v < 0 || *v > 1) {
			return &saved.FieldError{Field: bound.field, Value: strconv.FormatFloat(*v, 'f', -1, 64), Why: "must be 0 to 1, for the number is a share: 0.25 is 25%"}
		}
	}
	return nil
}
