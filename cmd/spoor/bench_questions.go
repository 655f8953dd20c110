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
	everyday, err := peopleOf(ctx, w, c.Runs+1, "select distinct user_id from (select user_id from events where user_id is not null and timestamp < ? order by timestamp desc limit 20000) lately order by 1 limit ?", history.To)
	if err != nil {
		return nil, err
	}
	passing := func(ctx context.Context, runs int) ([]string, error) {
		return peopleOf(ctx, w, runs, visitors, history.From.AddDate(0, 0, 10))
	}
	strangers, err := passing(ctx, c.Runs+1)
	if err != nil {
		return nil, err
	}
	if len(everyday) == 0 || len(strangers) == 0 {
		return nil, errors.New("the history has nobody to ask for")
	}
	person := func(name string, who []string, choose func(context.Context, int) ([]string, error)) bench.Question {
		q := bench.Question{Name: name, Target: 200 * time.Millisecond, Ask: func(ctx context.Context, n int) error {
			a, err := query.AskPerson(ctx, w, query.PersonQuestion{Person: who[n%len(who)]}, history.To)
			if err == nil && len(a.Events) == 0 {
				err = fmt.Errorf("%s did nothing: %w", who[n%len(who)], bench.ErrChanged)
			}
			return err
		}}
		if choose != nil {
			q.Prepare = func(ctx context.Context, n int) error {
				named, err := peopleOf(ctx, w, 1, "select anonymous_id from identities where anonymous_id = ? limit ?", who[n%len(who)])
				if err != nil || len(named) == 0 {
					return err
				}
				if who, err = choose(ctx, len(who)); err == nil && len(who) == 0 {
					err = errors.New("all visitors have signed in by now")
				}
				return err
			}
		}
		return q
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
		person("one person's timeline, the last 100 events of a user", everyday, nil),
		person("one person's timeline, of a visitor of eleven weeks ago", strangers, passing),
	)
	if len(c.Only) == 0 {
		return all, nil
	}
	return slices.DeleteFunc(all, func(q bench.Question) bool {
		return !slices.ContainsFunc(c.Only, func(part string) bool { return strings.Contains(q.Name, part) })
	}), nil
}

// visitors are those who saw a page after a time and whom no event names a user for: events that are loaded meanwhile may, and
// what a visitor did is the user's then.
const visitors = `select min(e.anonymous_id) from (select anonymous_id, timestamp from events where user_id is null and type = 'page' and timestamp >= ? order by timestamp limit 10000) e
	left join identities i on i.anonymous_id = e.anonymous_id where i.user_id is null group by e.anonymous_id order by min(e.timestamp), 1 limit ?`

// peopleOf gives so many people, another one for each run.
func peopleOf(ctx context.Context, w warehouse.Warehouse, runs int, sql string, of any) (people []string, err error) {
	rows, err := w.Query(ctx, sql, of, runs)
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
	return people, rows.Err()
}
