package query_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/query/querytest"
	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

const (
	daily    = `"range":{"last":7,"unit":"day"}`
	looks    = `"series":[{"event":{"event":"Look"}},{"event":{"event":"Add"},"measure":{"of":"people"}}],"formulas":["A","B / A * 100"]`
	shopping = `"steps":[{"event":{"event":"Look"}},{"event":{"event":"Add"}},{"event":{"event":"Buy"},"label":"Purchase"}]`
	again    = `"start":{"event":{"event":"Look"}},"return":{"event":{"event":"Add"}}`
)

// question reads one by its name.
func question(t *testing.T, name, text string) query.Question {
	t.Helper()
	var q query.Question
	var err error
	switch name {
	case "trend":
		q, err = query.Read[query.Trend]([]byte(text))
	case "funnel":
		q, err = query.Read[query.Funnel]([]byte(text))
	case "retention":
		q, err = query.Read[query.Retention]([]byte(text))
	default:
		q, err = query.Read[query.Paths]([]byte(text))
	}
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// A number is as it stood at a moment: what happened after it does not count, be it within the report's range or not.
func TestNumbers(t *testing.T) {
	t.Parallel()
	opened, err := duckdb.Open(t.Context(), duckdb.Options{Path: filepath.Join(t.TempDir(), "spoor.duckdb")})
	w := warehousetest.Ready(t, opened, err)
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	var events []event.Event
	did := func(name string, users int, at time.Time) {
		for i := range users {
			e := happened(fmt.Sprint(name, i, at.Unix()), fmt.Sprint("u", i), "", at)
			e.Name = name
			events = append(events, e)
		}
	}
	did("Look", 4, day.Add(-38*time.Hour)) // 10:00 on the 20th
	did("Add", 2, day.Add(-37*time.Hour))
	did("Add", 1, day.Add(-13*time.Hour))            // u0 again, on the next day
	did("Look", 1, day.Add(9*time.Hour+time.Minute)) // today
	did("Add", 3, day.Add(14*time.Hour))             // after noon
	world := &querytest.World{}
	if err := world.Add(t.Context(), w, events...); err != nil {
		t.Fatal(err)
	}
	noon := day.Add(12 * time.Hour)
	for _, c := range []struct {
		name, question, params string
		number                 query.Number
		at                     time.Time
		want                   string
	}{
		{"a trend's first series", "trend", `{` + daily + `,` + looks + `}`, query.Number{}, noon, "5 of 0 count"},
		{"before the second day", "trend", `{` + daily + `,` + looks + `}`, query.Number{}, day, "4 of 0 count"},
		{"before anything", "trend", `{` + daily + `,` + looks + `}`, query.Number{}, day.Add(-39 * time.Hour), "0 of 0 count"},
		{"another series", "trend", `{` + daily + `,` + looks + `}`, query.Number{Series: new(1)}, noon, "2 of 0 count"},
		{"in the evening", "trend", `{` + daily + `,` + looks + `}`, query.Number{Series: new(1)}, noon.Add(3 * time.Hour), "3 of 0 count"},
		{"a formula", "trend", `{` + daily + `,` + looks + `}`, query.Number{Formula: new(1)}, noon, "40 of 0 other"},
		{"no number", "trend", `{` + daily + `,` + looks + `}`, query.Number{Formula: new(1)}, day.Add(-39 * time.Hour), "none of 0 other"},
		{"of all groups", "trend", `{` + daily + `,` + looks + `,"breakdown":{"by":["user_id"],"top":1}}`, query.Number{}, noon, "5 of 0 count"},
		{"today so far", "trend", `{"range":{"last":1,"unit":"day"},` + looks + `}`, query.Number{}, noon, "1 of 0 count"},
		{"that day so far", "trend", `{"range":{"last":1,"unit":"day"},` + looks + `}`, query.Number{}, day.Add(-38 * time.Hour), "0 of 0 count"},
		{"yesterday", "trend", `{` + daily + `,` + looks + `}`, query.Number{Series: new(1), Of: query.LastInterval}, noon, "1 of 0 count"},
		{"the day before", "trend", `{` + daily + `,` + looks + `}`, query.Number{Series: new(1), Of: query.LastInterval}, day.Add(-time.Hour), "2 of 0 count"},
		{"the last hour", "trend", `{"range":{"last":1,"unit":"day","interval":"hour"},` + looks + `}`, query.Number{Of: query.LastInterval}, day.Add(10 * time.Hour), "1 of 0 count"},
		{"fixed dates", "trend", `{"range":{"from":"2026-11-19","to":"2026-11-20"},` + looks + `}`, query.Number{}, noon, "4 of 0 count"},
		{"the last whole one of fixed dates", "trend", `{"range":{"from":"2026-11-19","to":"2026-11-25"},` + looks + `}`, query.Number{Series: new(1), Of: query.LastInterval}, noon, "1 of 0 count"},
		{"not begun", "trend", `{"range":{"from":"2026-11-24","to":"2026-11-25"},` + looks + `}`, query.Number{}, noon, "none of 0 count"},
		{"conversion to a step", "funnel", `{` + daily + `,` + shopping + `}`, query.Number{Step: new(1)}, noon, "0.5 of 4 share"},
		{"conversion, in the evening", "funnel", `{` + daily + `,` + shopping + `}`, query.Number{Step: new(1)}, noon.Add(3 * time.Hour), "0.75 of 4 share"},
		{"conversion with a filter", "funnel", `{` + daily + `,` + shopping + `,"where":{"field":"user_id","op":"!=","values":["u3"]}}`, query.Number{Step: new(1)}, noon, "0.6666666666666666 of 3 share"},
		{"conversion to the last step", "funnel", `{` + daily + `,` + shopping + `}`, query.Number{}, noon, "0 of 4 share"},
		{"of the step before", "funnel", `{` + daily + `,` + shopping + `}`, query.Number{Of: query.OfPrevious}, noon, "0 of 2 share"},
		{"of nobody", "funnel", `{` + daily + `,` + shopping + `}`, query.Number{}, day.Add(-39 * time.Hour), "none of 0 share"},
		{"people", "funnel", `{` + daily + `,` + shopping + `,"breakdown":{"by":["user_id"]},"breakdown_step":1}`, query.Number{Step: new(0), Of: query.OfPeople}, noon, "4 of 0 count"},
		{"who comes back", "retention", `{` + daily + `,` + again + `}`, query.Number{}, noon, "0.25 of 4 share"},
		{"who comes back, as people", "retention", `{` + daily + `,` + again + `}`, query.Number{Period: new(0), Of: query.OfPeople}, noon, "2 of 0 count"},
		{"of a group", "trend", `{` + daily + `,` + looks + `,"breakdown":{"by":["user_id"]}}`, query.Number{Group: query.Group{new("u0")}}, noon, "2 of 0 count"},
		{"of a group that is not among the top", "trend", `{` + daily + `,` + looks + `,"breakdown":{"by":["user_id"],"top":1}}`, query.Number{Group: query.Group{new("u3")}}, noon, "1 of 0 count"},
		{"of the others", "trend", `{` + daily + `,` + looks + `,"breakdown":{"by":["user_id"],"top":1}}`, query.Number{Other: true}, noon, "3 of 0 count"},
		{"of others, of whom there are none", "trend", `{` + daily + `,` + looks + `,"breakdown":{"by":["user_id"]}}`, query.Number{Other: true}, noon, "0 of 0 count"},
		{"of those without a value", "trend", `{` + daily + `,` + looks + `,"breakdown":{"by":["country"]}}`, query.Number{Group: query.Group{nil}}, noon, "5 of 0 count"},
		{"of the empty value", "trend", `{` + daily + `,` + looks + `,"breakdown":{"by":["country"]}}`, query.Number{Group: query.Group{new("")}}, noon, "0 of 0 count"},
		{"of a group that never was", "trend", `{` + daily + `,` + looks + `,"breakdown":{"by":["user_id","country"]}}`, query.Number{Group: query.Group{new("u9"), nil}}, noon, "0 of 0 count"},
		{"a group's formula", "trend", `{` + daily + `,` + looks + `,"breakdown":{"by":["user_id"],"top":1}}`, query.Number{Formula: new(1), Group: query.Group{new("u1")}}, noon, "100 of 0 other"},
		{"a group's formula of nothing", "trend", `{` + daily + `,` + looks + `,"breakdown":{"by":["user_id"]}}`, query.Number{Formula: new(1), Group: query.Group{new("u9")}}, noon, "none of 0 other"},
		{"a group in the last day", "trend", `{` + daily + `,` + looks + `,"breakdown":{"by":["user_id"],"top":1}}`, query.Number{Of: query.LastInterval, Group: query.Group{new("u3")}}, day, "0 of 0 count"},
		{"the others of the whole range, in its last day", "trend", `{` + daily + `,` + looks + `,"breakdown":{"by":["user_id"],"top":1}}`, query.Number{Of: query.LastInterval, Other: true}, day.Add(-time.Hour), "3 of 0 count"},
		{"a group's conversion", "funnel", `{` + daily + `,` + shopping + `,"breakdown":{"by":["user_id"],"top":1}}`, query.Number{Step: new(1), Group: query.Group{new("u1")}}, noon, "1 of 1 share"},
		{"of the others, the conversion", "funnel", `{` + daily + `,` + shopping + `,"breakdown":{"by":["user_id"],"top":1}}`, query.Number{Step: new(1), Other: true}, noon, "0.3333333333333333 of 3 share"},
		{"those who do not come to the breakdown's step", "funnel", `{` + daily + `,` + shopping + `,"breakdown":{"by":["user_id"]},"breakdown_step":1}`, query.Number{Step: new(0), Of: query.OfPeople, Group: query.Group{nil}}, noon, "2 of 0 count"},
		{"a group of nobody", "funnel", `{` + daily + `,` + shopping + `,"breakdown":{"by":["user_id"]}}`, query.Number{Group: query.Group{new("u9")}}, noon, "none of 0 share"},
		{"who of a group comes back", "retention", `{` + daily + `,` + again + `,"breakdown":{"by":["user_id"],"top":1}}`, query.Number{Group: query.Group{new("u0")}}, noon, "1 of 1 share"},
		{"who of the others comes back", "retention", `{` + daily + `,` + again + `,"breakdown":{"by":["user_id"],"top":1}}`, query.Number{Other: true}, noon, "0 of 3 share"},
		{"who of a group of nobody comes back", "retention", `{` + daily + `,` + again + `,"breakdown":{"by":["user_id"]}}`, query.Number{Group: query.Group{new("u9")}, Of: query.OfPeople}, noon, "0 of 0 count"},
		{"what people did since does not count", "trend", `{` + daily + `,` + looks + `,"where":{"did":{"event":{"event":"Add"},"at_least":2}}}`, query.Number{}, noon, "2 of 0 count"},
		{"and then it does", "trend", `{` + daily + `,` + looks + `,"where":{"did":{"event":{"event":"Add"},"at_least":2}}}`, query.Number{}, noon.Add(3 * time.Hour), "3 of 0 count"},
		{"not over for anybody", "retention", `{` + daily + `,` + again + `}`, query.Number{Period: new(2)}, day.Add(-39 * time.Hour), "none of 0 share"},
		{"a period that there is not", "retention", `{` + daily + `,` + again + `}`, query.Number{Period: new(50)}, noon, "none of 0 share"},
	} {
		q := question(t, c.question, c.params)
		if err := c.number.Validate("number", q); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		a, err := query.AskNumber(t.Context(), w, q, c.number, c.at)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		have := "none"
		if a.Value != nil {
			have = fmt.Sprint(*a.Value)
		}
		if have = fmt.Sprintf("%s of %v %s", have, a.Of, a.Kind); have != c.want {
			t.Errorf("%s: want %s; have %s", c.name, c.want, have)
		}
	}
}

func TestNumbersThatAreRefused(t *testing.T) {
	t.Parallel()
	trend := question(t, "trend", `{`+daily+`,`+looks+`}`)
	plain := question(t, "trend", `{`+daily+`,"series":[{}]}`)
	funnel := question(t, "funnel", `{`+daily+`,`+shopping+`}`)
	retention := question(t, "retention", `{`+daily+`,`+again+`}`)
	grouped := question(t, "funnel", `{`+daily+`,`+shopping+`,"breakdown":{"by":["country","properties.plan"]}}`)
	for _, c := range []struct {
		q      query.Question
		number query.Number
		want   string
	}{
		{trend, query.Number{Series: new(2)}, "number.series must be the index of one of the 2 series; got 2"},
		{trend, query.Number{Series: new(-1)}, "number.series must be the index of one of the 2 series; got -1"},
		{trend, query.Number{Formula: new(2)}, "number.formula must be the index of one of the 2 formulas; got 2"},
		{plain, query.Number{Formula: new(0)}, "number.formula needs a trend that has formulas; got 0"},
		{trend, query.Number{Series: new(0), Formula: new(0)}, "number.formula stands instead of series"},
		{trend, query.Number{Step: new(1)}, "number.step does not go with a trend; got 1"},
		{trend, query.Number{Of: "share"}, `number.of must be one of total, last; got "share"`},
		{funnel, query.Number{Step: new(3)}, "number.step must be the index of one of the 3 steps; got 3"},
		{funnel, query.Number{Step: new(0)}, "number.step must have a step before it"},
		{funnel, query.Number{Series: new(0)}, "number.series does not go with a funnel"},
		{funnel, query.Number{Of: "total"}, `number.of must be one of of_first, of_previous, people; got "total"`},
		{retention, query.Number{Period: new(60)}, "number.period must be 0 to 59; got 60"},
		{retention, query.Number{Formula: new(0)}, "number.formula does not go with a retention"},
		{retention, query.Number{Of: "last"}, `number.of must be one of share, people; got "last"`},
		{trend, query.Number{Group: query.Group{new("AT")}}, `number.group needs a report with a breakdown; got ["AT"]`},
		{trend, query.Number{Other: true}, "number.other needs a report with a breakdown; got true"},
		{grouped, query.Number{Group: query.Group{new("AT")}}, `number.group must have a value for each of the breakdown's fields, country, properties.plan; got ["AT"]`},
		{grouped, query.Number{Group: query.Group{}}, `number.group must have a value for each of the breakdown's fields, country, properties.plan; got []`},
		{grouped, query.Number{Group: query.Group{nil, new("a\x00")}}, `number.group[1] cannot hold NUL; got "a\u0000"`},
		{grouped, query.Number{Group: query.Group{nil, new(strings.Repeat("x", 9000))}}, `number.group[1] cannot be over 8192 bytes; got 9000`},
		{grouped, query.Number{Group: query.Group{nil, nil}, Other: true}, `number.other goes with no group; one of them is watched; got true`},
		{question(t, "paths", `{`+daily+`}`), query.Number{}, "number must be of a trend, a funnel or a retention"},
	} {
		err := c.number.Validate("number", c.q)
		if _, is := errors.AsType[*query.Invalid](err); !is || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("want %s; have %v", c.want, err)
		}
	}
}

// What can be compared with the same hour of other days, and why not.
func TestNumbersThatAreUsual(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		question, params string
		number           query.Number
		words, want      string
	}{
		{"trend", `{` + daily + `,` + looks + `}`, query.Number{}, "Look in the last 7 days", ""},
		{"trend", `{` + daily + `,` + looks + `}`, query.Number{Series: new(1), Of: "last"}, "Add, people in the last full day", ""},
		{"trend", `{"range":{"last":1,"unit":"hour","interval":"minute"},` + looks + `}`, query.Number{Formula: new(1)}, "B / A * 100 in this hour", ""},
		{"trend", `{"range":{"last":3,"unit":"month","interval":"day"},"series":[{"measure":{"of":"percentile","percentile":95,"field":"properties.ms"}}]}`, query.Number{Of: "last"}, "any event, 95th percentile of properties.ms in the last full day", ""},
		{"trend", `{"range":{"last":3,"unit":"week"},` + looks + `}`, query.Number{}, "Look in the last 3 weeks", `got "the last 3 week"`},
		{"trend", `{"range":{"last":70,"unit":"day","interval":"week"},` + looks + `}`, query.Number{Of: "last"}, "Look in the last full week", `got "an interval of a week"`},
		{"trend", `{"range":{"from":"2026-01-01","to":"2026-02-01"},` + looks + `}`, query.Number{}, "Look from 2026-01-01 to 2026-02-01", `the number is the same at each hour; got "2026-01-01 to 2026-02-01"`},
		{"funnel", `{` + daily + `,` + shopping + `}`, query.Number{}, "conversion from Look to Purchase in the last 7 days", ""},
		{"funnel", `{` + daily + `,` + shopping + `}`, query.Number{Of: "of_previous"}, "conversion from Add to Purchase in the last 7 days", ""},
		{"funnel", `{` + daily + `,` + shopping + `,"breakdown":{"by":["country","properties.plan"]}}`, query.Number{Group: query.Group{new("AT"), nil}}, `conversion from Look to Purchase in the last 7 days, where country is "AT" and properties.plan is not set`, ""},
		{"trend", `{` + daily + `,` + looks + `,"breakdown":{"by":["country","properties.plan"]}}`, query.Number{Other: true}, "Look in the last 7 days, of all other groups by country and properties.plan", ""},
		{"funnel", `{"range":{"last":1,"unit":"month"},` + shopping + `}`, query.Number{Step: new(0), Of: "people"}, "people who came to Look in this month", `got "the last 1 month"`},
		{"retention", `{` + daily + `,` + again + `}`, query.Number{}, "share of people who come back in day 1 in the last 7 days", ""},
		{"retention", `{"range":{"last":70,"unit":"day","interval":"month"},` + again + `}`, query.Number{Period: new(2), Of: "people"}, "people who come back in month 2 in the last 70 days", `got "an interval of a month"`},
	} {
		q := question(t, c.question, c.params)
		if have := c.number.Words(q); have != c.words {
			t.Errorf("want it called %q; have %q", c.words, have)
		}
		err := c.number.HasUsual("usual", q)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), "usual compares with the same hour") || !strings.HasSuffix(err.Error(), c.want)) {
			t.Errorf("%s: want %q; have %v", c.words, c.want, err)
		}
	}
}
