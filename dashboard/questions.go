package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/saved"
)

// question is a report that can be asked for: its parameters are the same JSON in the API, in a saved report and in a
// page's address.
type question struct {
	name, title, about string
	params, answer     any // the types, for the document
	sample             query.Question
	// check refuses parameters that mean nothing, with a *query.Invalid.
	check func(params []byte) error
	// ask answers parameters.
	ask func(ctx context.Context, params []byte) (any, error)
	// read reads parameters.
	read func(params []byte) (query.Question, error)
}

// questions are all reports. A new one is a line here, and stands in the API, in its document, in saved reports and in
// spoor query.
func (d *Dashboard) questions() []question {
	e := d.engine
	return []question{
		questionOf(d.cohort, "trend", "Numbers over time", "Counts, people, sessions, or sums, averages and percentiles of a property, in each interval; with breakdown, formulas and the previous period.",
			query.Trend{Range: query.Range{Last: 7, Unit: query.ByDay}, Series: []query.Series{{Event: query.Selection{Event: "Order Completed"}}}}, e.Trend),
		questionOf(d.cohort, "funnel", "How many go through steps", "How many people do one thing after another, how many drop out at each step and how long they take; in order, directly one after the other or in any order.",
			query.Funnel{Range: query.Range{Last: 30, Unit: query.ByDay}, Steps: []query.Step{{Event: query.Selection{Event: "Product Viewed"}}, {Event: query.Selection{Event: "Order Completed"}}}}, e.Funnel),
		questionOf(d.cohort, "retention", "How many come back", "Of those who start in the same day, week or month, how many return in that one, in the next, and so on.",
			query.Retention{
				Range: query.Range{Last: 8, Unit: query.ByWeek, Interval: query.ByWeek}, Start: query.Step{Event: query.Selection{Event: "Signed Up"}}, Ever: true,
			}, e.Retention),
		questionOf(d.cohort, "paths", "What comes next", "The ways that people take after an event, or before it, step by step: nodes, the links between them, and the most frequent ways.",
			query.Paths{Range: query.Range{Last: 7, Unit: query.ByDay}, From: query.Step{Event: query.Selection{Event: "Product Viewed"}}}, e.Paths),
		questionOf(d.cohort, "people", "Who is behind a number", "The people who did something in a range, or who are one number of a trend: as many as the number says, those seen last first.",
			query.PeopleList{Events: &query.Doers{Range: &query.Range{Last: 7, Unit: query.ByDay}}, Limit: 10}, e.People),
		questionOf(d.cohort, "person", "One person", "Who it is, by traits and devices, and what they did, the newest first.",
			query.PersonQuestion{Person: "ada", Limit: 10}, e.Person),
		questionOf(d.cohort, "catalog", "The events there are", "Every name that was sent, with its volume in each interval, when it was seen first and last, and how many properties it has.",
			query.CatalogQuestion{Range: query.Range{Last: 30, Unit: query.ByDay}}, e.Catalog),
		questionOf(d.cohort, "properties", "What events carry", "The properties of the newest events of a name: their types, how often they are missing, and their most frequent values.",
			query.PropertiesQuestion{Event: query.Selection{Event: "Order Completed"}}, e.Properties),
	}
}

func questionOf[Q query.Question, A any](cohorts query.Cohorts, name, title, about string, sample Q, ask func(context.Context, Q) (A, error)) question {
	var params Q
	var gives A
	read := func(text []byte) (query.Question, error) {
		q, err := query.Read[Q](text)
		if err == nil {
			q, err = query.Resolve(q, cohorts)
		}
		return q, err
	}
	return question{
		name: name, title: title, about: about, params: params, answer: gives, sample: sample, read: read,
		check: func(text []byte) error {
			_, err := read(text)
			return err
		},
		ask: func(ctx context.Context, text []byte) (any, error) {
			q, err := query.Read[Q](text)
			if err != nil {
				return nil, err
			}
			return ask(ctx, q)
		},
	}
}

func (d *Dashboard) questionOperations() []operation {
	var all []operation
	for _, q := range d.questions() {
		all = append(all, operation{
			route: "POST /api/query/" + q.name, id: q.name, group: groupAsk, title: q.title, scope: scopeRead,
			about: q.about + " A fault in the parameters has the code `invalid`, and names the field and its value.",
			body:  q.params, gives: q.answer, refuse: []int{400, 413, 504}, sample: map[string]any{q.name: q.sample},
			handle: func(w http.ResponseWriter, r *http.Request) { d.askQuestion(w, r, q) },
		})
	}
	return all
}

func (d *Dashboard) askQuestion(w http.ResponseWriter, r *http.Request, q question) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, query.MaxQuestionBytes))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			refuse(w, http.StatusRequestEntityTooLarge, codeTooLarge, fmt.Errorf("the body cannot be over %d bytes", query.MaxQuestionBytes))
		}
		return // the client has left
	}
	d.answerLong(w, r, func(ctx context.Context) (any, error) { return q.ask(ctx, text) })
}

// questionOfReport finds the question of a saved report, and checks its parameters.
func (d *Dashboard) questionOfReport(report saved.Report) (question, error) {
	var names []string
	for _, q := range d.questions() {
		if q.name != report.Question {
			names = append(names, q.name)
			continue
		}
		if err := q.check(report.Params); err != nil {
			if wrong, ok := errors.AsType[*query.Invalid](err); ok {
				return q, &query.Invalid{Field: "body.params." + wrong.Field, Value: wrong.Value, Reason: wrong.Reason}
			}
			return q, err
		}
		return q, nil
	}
	slices.Sort(names)
	return question{}, &query.Invalid{Field: "body.question", Value: report.Question, Reason: fmt.Sprintf("must be one of %q", names)}
}
