package query_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/query"
)

// TestRefusalsOfWays: what is wrong with a funnel, a retention, paths or a point of them is said by field and value.
func TestRefusalsOfWays(t *testing.T) {
	t.Parallel()
	const week = `"range":{"last":7,"unit":"day"}`
	funnel := func(s string) string {
		return `{` + week + `,"steps":[{"event":{}},{"event":{}},{"event":{}}]` + s + `}`
	}
	read := func(report, question string) error {
		var err error
		switch report {
		case "funnel":
			_, err = query.Read[query.Funnel]([]byte(question))
		case "retention":
			_, err = query.Read[query.Retention]([]byte(question))
		case "paths":
			_, err = query.Read[query.Paths]([]byte(question))
		default:
			_, err = query.Read[query.PeopleList]([]byte(question))
		}
		return err
	}
	for _, c := range []struct{ report, question, want string }{
		{"funnel", funnel(""), ""},
		{"funnel", `{` + week + `,"steps":[{"event":{}}]}`, "steps must be 2 to 20; got 1"},
		{"funnel", `{"range":{"last":7,"unit":"day","interval":"day"},"steps":[]}`, `range.interval cannot stand here; got "day"`},
		{"funnel", funnel(`,"order":"loose"`), `order must be one of ordered, strict, any; got "loose"`},
		{"funnel", funnel(`,"window":{"length":1,"unit":"month"}`), `window.unit must be one of minute, hour, day, week; got "month"`},
		{"funnel", funnel(`,"window":{"length":367,"unit":"day"}`), "window.length must be 1 to 366 of day; got 367"},
		{"funnel", funnel(`,"order":"strict","exclude":[{"event":{}}]`), "exclude does not go with strict order"},
		{"funnel", funnel(`,"exclude":[{"event":{},"after":2,"before":3}]`), "exclude[0].after must be the index of a step that has one behind it, 0 to 1; got 2"},
		{"funnel", funnel(`,"exclude":[{"event":{},"after":1,"before":1}]`), "exclude[0].before must be the index of a step behind after, 2 to 2; got 1"},
		{"funnel", funnel(`,"order":"any","exclude":[{"event":{},"before":1}]`), "exclude[0].after does not go with any order"},
		{"funnel", funnel(`,"breakdown_step":1`), "breakdown_step goes with a breakdown; got 1"},
		{"funnel", funnel(`,"breakdown":{"by":["country"]},"breakdown_step":3`), "breakdown_step must be the index of one of the 3 steps; got 3"},
		{"funnel", `{` + week + `,"steps":[{"event":{}},{"event":{"type":"click"}}]}`, `steps[1].event.type must be one of track`},
		{"retention", `{` + week + `}`, ""}, // of all events
		{"retention", `{` + week + `,"start":{"event":{}},"return":{"event":{}}}`, ""},
		{"retention", `{"range":{"last":7,"unit":"day","interval":"hour"}}`, `range.interval must be one of day, week, month; got "hour"`},
		{"retention", `{` + week + `,"return":{"event":{},"where":{"field":"x","op":"set"}}}`, "return.where.field must be a column"},
		{"paths", `{` + week + `}`, ""},
		{"paths", `{` + week + `,"steps":11}`, "steps must be 1 to 10; got 11"},
		{"paths", `{` + week + `,"sessions":true,"gap":{"length":1,"unit":"hour"}}`, "gap does not go with sessions"},
		{"paths", `{` + week + `,"hide":[{"type":"click"}]}`, "hide[0].type must be one of track"},
		{"people", `{"funnel":{"funnel":` + funnel("") + `,"step":3}}`, "funnel.step must be the index of one of the 3 steps; got 3"},
		{"people", `{"funnel":{"funnel":` + funnel("") + `,"step":2,"dropped":true}}`, "funnel.dropped goes with a step that has one behind it"},
		{"people", `{"funnel":{"funnel":` + funnel("") + `,"step":0,"other":true}}`, "funnel.group goes with a breakdown"},
		{"people", `{"retention":{"retention":{` + week + `},"row":60}}`, "retention.row must be 0 to 59; got 60"},
		{"people", `{"retention":{"retention":{` + week + `},"row":0,"lost":true}}`, "retention.lost goes with a cell"},
		{"people", `{"paths":{"paths":{` + week + `},"step":0,"event":{}}}`, "paths.event must be a type and a name, or other, or end"},
		{"people", `{"paths":{"paths":{` + week + `},"step":4,"event":{"end":true},"next":{"end":true}}}`, "paths.next goes with a step that has one behind it"},
		{"people", `{}`, "people must be of one of trend, funnel, retention, paths and events"},
	} {
		err := read(c.report, c.question)
		switch wrong, is := errors.AsType[*query.Invalid](err); {
		case c.want == "" && err != nil:
			t.Errorf("%s: want no complaint; have %v", c.question, err)
		case c.want != "" && (!is || !strings.Contains(wrong.Error(), c.want)):
			t.Errorf("%s: want %q; have %v", c.question, c.want, err)
		}
	}
}
