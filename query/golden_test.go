package query_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/postgres"
	"github.com/spoorhq/spoor/warehouse/redshift"
)

// recorder writes down what it is asked, and answers nothing.
type recorder struct {
	dialect warehouse.Dialect
	text    strings.Builder
}

var errRecorded = errors.New("recorded")

func (r *recorder) Dialect() warehouse.Dialect { return r.dialect }

func (r *recorder) Query(_ context.Context, query string, args ...any) (warehouse.Rows, error) {
	fmt.Fprintf(&r.text, "%s;\n", query)
	for i, a := range args {
		if at, ok := a.(time.Time); ok {
			a = at.Format(time.RFC3339Nano)
		}
		fmt.Fprintf(&r.text, "-- %d: %v\n", i+1, a)
	}
	return nil, errRecorded
}

// golden is a question whose first statement is written down.
type golden struct {
	name string
	ask  func(ctx context.Context, w query.Source, now time.Time) error
}

func goldens() []golden {
	filter := &query.Filter{All: []query.Filter{
		{Field: "country", Op: query.In, Values: []any{"DE", "it's"}},
		{Any: []query.Filter{
			{Field: "properties.cart.total", Op: query.Between, Values: []any{1.0, 2.5}}, {Field: `properties.a\.b`, Op: query.NotContains, Values: []any{"k"}},
			{Field: "is_bot", Op: query.Is, Values: []any{true}}, {Field: "received_at", Op: query.Less, Values: []any{"2026-11-24T00:00:00Z"}},
		}},
		{Field: "person.plan", Op: query.IsNot, Values: []any{"pro"}},
		{Cohort: &query.Cohort{Name: "some", Filter: query.Filter{Did: &query.Did{
			Event: query.Selection{Event: "Buy"}, AtLeast: 2, Range: &query.Range{Last: 4, Unit: query.ByWeek}, Where: &query.Filter{Field: "properties.price", Op: query.Set},
		}}}, Not: true},
	}}
	week := query.Range{Last: 7, Unit: query.ByDay}
	month, weeks := query.Range{Last: 30, Unit: query.ByDay}, query.Range{Last: 4, Unit: query.ByWeek, Interval: query.ByWeek}
	steps := []query.Step{{Event: query.Selection{Event: "View"}}, {Event: query.Selection{Event: "Add"}}, {Event: query.Selection{Event: "Buy"}}}
	trend := func(t query.Trend) func(context.Context, query.Source, time.Time) error {
		return func(ctx context.Context, w query.Source, now time.Time) error {
			_, err := query.AskTrend(ctx, w, t, now)
			return err
		}
	}
	measured := func(m query.Measure, b *query.Breakdown) query.Trend {
		return query.Trend{Range: week, Series: []query.Series{{Event: query.Selection{Event: "Buy"}, Measure: m}}, Breakdown: b}
	}
	return []golden{
		{"a count by day", trend(measured(query.Measure{}, nil))},
		{"a count by hour, where clocks change", trend(query.Trend{
			Range: query.Range{From: "2026-10-03", To: "2026-10-04", Zone: "Australia/Lord_Howe", Interval: query.ByHour}, Series: []query.Series{{Event: query.Selection{Type: "page"}}}, Bots: true,
		})},
		{"people", trend(measured(query.Measure{Of: query.People}, nil))},
		{"people of the greatest countries", trend(measured(query.Measure{Of: query.People}, &query.Breakdown{By: []query.Field{"country"}, Top: 3}))},
		{"sessions by a trait and a flag", trend(measured(query.Measure{Of: query.Sessions}, &query.Breakdown{By: []query.Field{"person.plan", "is_bot"}}))},
		{"a percentile of a nested number", trend(measured(query.Measure{Of: query.Percentile, Percentile: 95, Field: "properties.cart.total"}, nil))},
		{"an average with all kinds of conditions", trend(query.Trend{Range: week, Where: filter, Series: []query.Series{{Measure: query.Measure{Of: query.Average, Field: "screen_width"}}}})},
		{"a funnel", func(ctx context.Context, w query.Source, now time.Time) error {
			_, err := query.AskFunnel(ctx, w, query.Funnel{Range: month, Steps: steps}, now)
			return err
		}},
		{"a funnel of steps that overlap, with an exclusion, by country", func(ctx context.Context, w query.Source, now time.Time) error {
			_, err := query.AskFunnel(ctx, w, query.Funnel{
				Range: month, Steps: []query.Step{steps[0], {Event: steps[0].Event, Where: filter}, steps[1]}, Window: query.Span{Length: 2, Unit: query.ByHour},
				Exclude: []query.Exclusion{{Event: query.Selection{Event: "Help"}, After: 1, Before: 2}}, Breakdown: &query.Breakdown{By: []query.Field{"country"}},
			}, now)
			return err
		}},
		{"a funnel in any order", func(ctx context.Context, w query.Source, now time.Time) error {
			_, err := query.AskFunnel(ctx, w, query.Funnel{Range: month, Steps: steps, Order: query.AnyOrder}, now)
			return err
		}},
		{"a strict funnel", func(ctx context.Context, w query.Source, now time.Time) error {
			_, err := query.AskFunnel(ctx, w, query.Funnel{Range: month, Steps: steps, Order: query.Strict}, now)
			return err
		}},
		{"people who dropped", func(ctx context.Context, w query.Source, now time.Time) error {
			_, err := query.AskPeople(ctx, w, query.PeopleList{Funnel: &query.FunnelPoint{Funnel: query.Funnel{Range: month, Steps: steps}, Step: 1, Dropped: true}}, now)
			return err
		}},
		{"retention by week", func(ctx context.Context, w query.Source, now time.Time) error {
			_, err := query.AskRetention(ctx, w, query.Retention{Range: weeks}, now)
			return err
		}},
		{"rolling retention of those who buy for the first time ever", func(ctx context.Context, w query.Source, now time.Time) error {
			_, err := query.AskRetention(ctx, w, query.Retention{Range: weeks, Start: steps[2], OrAfter: true, Ever: true, Rolling: true}, now)
			return err
		}},
		{"paths", func(ctx context.Context, w query.Source, now time.Time) error {
			_, err := query.AskPaths(ctx, w, query.Paths{Range: week, From: steps[0], Steps: 2}, now)
			return err
		}},
		{"people behind a group", func(ctx context.Context, w query.Source, now time.Time) error {
			country := "DE"
			_, err := query.AskPeople(ctx, w, query.PeopleList{Search: "ada", Trend: &query.TrendPoint{
				Trend: measured(query.Measure{}, &query.Breakdown{By: []query.Field{"country"}}), Group: query.Group{&country},
			}}, now)
			return err
		}},
	}
}

// TestGoldens shows in a review what a change does to the SQL. SPOOR_TEST_UPDATE=1 writes the files anew.
func TestGoldens(t *testing.T) {
	t.Parallel()
	for _, d := range []warehouse.Dialect{(&duckdb.Warehouse{}).Dialect(), (&postgres.Warehouse{}).Dialect(), (&redshift.Warehouse{}).Dialect()} {
		r := recorder{dialect: d}
		for _, g := range goldens() {
			fmt.Fprintf(&r.text, "-- %s\n", g.name)
			if err := g.ask(t.Context(), &r, time.Date(2026, 11, 25, 9, 30, 0, 0, time.UTC)); !errors.Is(err, errRecorded) {
				t.Fatalf("%s: %v", g.name, err)
			}
			r.text.WriteByte('\n')
		}
		file := filepath.Join("testdata", d.Name()+".sql")
		if os.Getenv("SPOOR_TEST_UPDATE") != "" {
			if err := os.WriteFile(file, []byte(r.text.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if have := r.text.String(); have != string(want) {
			wanted := strings.Split(string(want), "\n")
			for i, line := range strings.Split(have, "\n") {
				if i >= len(wanted) || line != wanted[i] {
					t.Errorf("%s:%d: SPOOR_TEST_UPDATE=1 takes it over if it is right\nhave %s", file, i+1, line)
					break
				}
			}
		}
	}
}

func duckDialect() warehouse.Dialect { return (&duckdb.Warehouse{}).Dialect() }
