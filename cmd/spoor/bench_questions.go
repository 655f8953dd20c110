package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spoorhq/spoor/bench"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
)

// questions are those that are timed, as one asks them first of a shop, at the end of its history.
func (c *benchQueriesCommand) questions(_ context.Context, w warehouse.Warehouse, history *bench.History) ([]bench.Question, error) {
	month := query.Range{Last: 30, Unit: query.ByDay, Interval: query.ByDay}
	viewed := query.Selection{Event: "Product Viewed"}
	trend := func(name string, target time.Duration, of query.Selection, measure query.Measure, by ...query.Field) bench.Question {
		t := query.Trend{Range: month, Series: []query.Series{{Event: of, Measure: measure}}}
		if len(by) > 0 {
			t.Breakdown = &query.Breakdown{By: by}
		}
		return bench.Question{Name: name, Target: target, Ask: func(ctx context.Context, _ int) error {
			_, err := query.AskTrend(ctx, w, t, history.To)
			return err
		}}
	}
	people := query.Measure{Of: query.People}
	all := []bench.Question{
		trend("trend, 30 days by day: events of one name", 500*time.Millisecond, viewed, query.Measure{}),
		trend("trend, 30 days by day: all events", 0, query.Selection{}, query.Measure{}),
		trend("trend, 30 days by day: people of one event", 0, viewed, people),
		trend("trend, 30 days by day: people of any event", 0, query.Selection{}, people),
		trend("trend, 30 days by day, breakdown by country", time.Second, viewed, query.Measure{}, "country"),
		trend("trend, 30 days by day, breakdown by a property", time.Second, viewed, query.Measure{}, "properties.category"),
	}
	if len(c.Only) == 0 {
		return all, nil
	}
	return slices.DeleteFunc(all, func(q bench.Question) bool {
		return !slices.ContainsFunc(c.Only, func(part string) bool { return strings.Contains(q.Name, part) })
	}), nil
}
