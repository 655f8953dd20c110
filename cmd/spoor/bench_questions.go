package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spoorhq/spoor/bench"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
)

// questions are those that are timed, as one asks them first of a shop, at the end of its history.
func (c *benchQueriesCommand) questions(ctx context.Context, w warehouse.Warehouse, history *bench.History) ([]bench.Question, error) {
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
	everyday, err := peopleOf(ctx, w, c.Runs, "select distinct user_id from (select user_id from events where user_id is not null and timestamp < ? order by timestamp desc limit 20000) lately order by 1 limit ?", history.To)
	if err != nil {
		return nil, err
	}
	passing, err := peopleOf(ctx, w, c.Runs, "select anonymous_id from events where user_id is null and type = 'page' and timestamp >= ? order by timestamp limit ?", history.From.AddDate(0, 0, 10))
	if err != nil {
		return nil, err
	}
	person := func(name string, target time.Duration, who []string) bench.Question {
		return bench.Question{Name: name, Target: target, Ask: func(ctx context.Context, n int) error {
			a, err := query.AskPerson(ctx, w, query.PersonQuestion{Person: who[n%len(who)]}, history.To)
			if err == nil && len(a.Events) == 0 {
				err = fmt.Errorf("%s did nothing", who[n%len(who)])
			}
			return err
		}}
	}
	steps := query.Funnel{Range: query.Range{Last: 30, Unit: query.ByDay}}
	for _, name := range []string{"Product Viewed", "Product Added", "Checkout Started", "Order Completed"} {
		steps.Steps = append(steps.Steps, query.Step{Event: query.Selection{Event: name}})
	}
	weeks := query.Range{Last: 12, Unit: query.ByWeek, Interval: query.ByWeek}
	retention := func(name string, begin, again query.Step) bench.Question {
		r := query.Retention{Range: weeks, Start: begin, Return: again}
		return bench.Question{Name: name, Target: 2 * time.Second, Ask: func(ctx context.Context, _ int) error {
			_, err := query.AskRetention(ctx, w, r, history.To)
			return err
		}}
	}
	all = append(all,
		bench.Question{Name: "funnel of 4 steps, 30 days", Target: 2 * time.Second, Ask: func(ctx context.Context, _ int) error {
			_, err := query.AskFunnel(ctx, w, steps, history.To)
			return err
		}},
		retention("retention, 12 weeks by week: any event, and any again", query.Step{}, query.Step{}),
		retention("retention, 12 weeks by week: of one event, to another", query.Step{Event: viewed}, query.Step{Event: query.Selection{Event: "Order Completed"}}),
		person("one person's timeline, the last 100 events of a user", 200*time.Millisecond, everyday),
		person("one person's timeline, of a visitor of eleven weeks ago", 200*time.Millisecond, passing),
	)
	if len(c.Only) == 0 {
		return all, nil
	}
	return slices.DeleteFunc(all, func(q bench.Question) bool {
		return !slices.ContainsFunc(c.Only, func(part string) bool { return strings.Contains(q.Name, part) })
	}), nil
}

// peopleOf gives so many people, another one for each run.
func peopleOf(ctx context.Context, w warehouse.Warehouse, runs int, sql string, at time.Time) (people []string, err error) {
	rows, err := w.Query(ctx, sql, at, runs)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var person string
		if err := rows.Scan(&person); err != nil {
			return nil, err
		}
		people = append(people, person)
	}
	if len(people) == 0 && rows.Err() == nil {
		return nil, errors.New("the history has nobody to ask for")
	}
	return people, rows.Err()
}
