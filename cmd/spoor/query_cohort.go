package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spoorhq/spoor/query"
)

// cohortFlags keep to the people of a saved cohort.
type cohortFlags struct {
	Cohort string `help:"Only people in this saved cohort: its id, or its name." placeholder:"COHORT"`
}

// where gives the condition that --cohort is; nil without it. The server replaces the id when it is asked.
func (f *cohortFlags) where(ctx context.Context, client *clientFlags) (*query.Filter, error) {
	if f.Cohort == "" {
		return nil, nil
	}
	var saved struct {
		Documents []struct{ ID, Name string }
	}
	if err := client.ask(ctx, http.MethodGet, "/api/saved/cohorts", nil, nil, &saved); err != nil {
		return nil, fmt.Errorf("looking for the cohort: %w", err)
	}
	var ids, names []string
	for _, d := range saved.Documents {
		if d.ID == f.Cohort {
			ids = []string{d.ID}
			break
		}
		if strings.EqualFold(d.Name, f.Cohort) {
			ids = append(ids, d.ID)
		}
		names = append(names, fmt.Sprintf("%q", d.Name))
	}
	switch {
	case len(ids) > 1:
		return nil, usagef("--cohort must be one cohort; %q is the name of several, whose ids are %s", f.Cohort, strings.Join(ids, ", "))
	case len(ids) == 1:
		return &query.Filter{Cohort: &query.Cohort{ID: ids[0]}}, nil
	case len(names) == 0:
		return nil, usagef("--cohort must be a saved cohort, and none is saved yet; the page Cohorts makes one; got %q", f.Cohort)
	}
	slices.Sort(names)
	return nil, usagef("--cohort must be the id or the name of a saved cohort: %s; got %q", strings.Join(names, ", "), f.Cohort)
}
