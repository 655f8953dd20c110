package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/saved"
)

// cohortBody is the body of a saved cohort.
type cohortBody struct {
	Filter query.Filter `json:"filter" description:"conditions on a person's traits, on what a person did, and on other cohorts"`
	About  string       `json:"about,omitempty" description:"a line or two for those who read it"`
}

// cohort gives a saved cohort. It implements query.Cohorts.
func (d *Dashboard) cohort(id string) (query.Cohort, error) {
	document, err := d.options.Saved.Get(saved.Cohorts, id)
	if errors.Is(err, saved.ErrNotFound) {
		return query.Cohort{}, query.ErrNoCohort
	}
	if err != nil {
		return query.Cohort{}, err
	}
	var body cohortBody
	if err := saved.Decode(document.Body, &body); err != nil {
		return query.Cohort{}, fmt.Errorf("the cohort %q: %w", document.Name, err)
	}
	return query.Cohort{Name: document.Name, Filter: body.Filter}, nil
}

// checkCohort wants the cohorts that it names to be there, and none of them to lead back to it.
func (d *Dashboard) checkCohort(_ context.Context, id string, body json.RawMessage) error {
	var c cohortBody
	if err := saved.Decode(body, &c); err != nil {
		return err
	}
	name := ""
	if before, err := d.options.Saved.Get(saved.Cohorts, id); err == nil {
		name = before.Name
	}
	return query.Cohort{ID: id, Name: name, Filter: c.Filter}.Savable("body", d.cohort)
}
