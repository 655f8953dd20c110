package query_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/query"
)

// TestRefusals: what is wrong with a question is said by field and value.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const good = `"range":{"last":7,"unit":"day"},"series":[{"event":{}}]`
	series := func(s string) string { return `{"range":{"last":7,"unit":"day"},"series":[` + s + `]}` }
	where := func(s string) string { return `{` + good + `,"where":` + s + `}` }
	between := func(s string) string { return `{"series":[{"event":{}}],"range":` + s + `}` }
	for _, c := range []struct{ question, want string }{
		{`{` + good + `}`, ""},
		{`{}`, "range.from must be a date or a time"},
		{`{` + good + `,"serie":1}`, "serie is not known"},
		{`{` + good + `} x`, "question must be one JSON object"},
		{`[]`, "question must be a JSON object"},
		{`{"range":{"last":"7"}}`, "range.last must be of type int, not string"},
		{between(`{"last":7}`), `range.unit must be one of minute, hour, day, week, month; got ""`},
		{between(`{"last":0,"unit":"day"}`), "range.last must be 1 to 1500; got 0"},
		{between(`{"last":7,"unit":"day","from":"2026-01-01"}`), "range.last stands instead of from and to"},
		{between(`{"from":"2026-01-01"}`), "range.to must be a date or a time"},
		{between(`{"from":"2026-01-32","to":"2026-01-01"}`), `range.from must be a date such as 2026-03-01 or a time such as 2026-03-01T12:00:00Z; got "2026-01-32"`},
		{between(`{"from":"2026-01-02","to":"2026-01-01"}`), `range.to must be after from, 2026-01-02; got "2026-01-01"`},
		{between(`{"from":"1026-01-02","to":"2026-01-01"}`), `range.from must lie in the years 1970 to 2200; got "1026-01-02"`},
		{between(`{"from":"2026-01-01","to":"2026-01-01"}`), ""},
		{between(`{"from":"2026-01-01","to":"2026-01-31","interval":"minute"}`), `range.interval cuts the range into over 1500 buckets, about 44640; take a longer interval or a shorter range; got "minute"`},
		{between(`{"last":3,"unit":"day","interval":"minute"}`), "range.interval cuts the range into over 1500 buckets"},
		{between(`{"last":7,"unit":"day","zone":"Berlin"}`), `range.zone must be a time zone such as Europe/Berlin; got "Berlin"`},
		{between(`{"last":7,"unit":"day","zone":"Local"}`), "range.zone must be a time zone"},
		{between(`{"last":7,"unit":"day","interval":"fortnight"}`), `range.interval must be one of minute, hour, day, week, month; got "fortnight"`},
		{`{"range":{"last":7,"unit":"day"}}`, "series must be 1 to 10; got 0"},
		{series(`{"event":{"type":"click"}}`), `series[0].event.type must be one of track, page, screen, identify, group, alias; got "click"`},
		{series(`{"event":{},"measure":{"of":"sum"}}`), "series[0].measure.field must name a field"},
		{series(`{"event":{},"measure":{"of":"sum","field":"country"}}`), `series[0].measure.field must hold numbers for sum; got "country"`},
		{series(`{"event":{},"measure":{"of":"median"}}`), `series[0].measure.of must be one of count, people`},
		{series(`{"event":{},"measure":{"of":"percentile","field":"properties.x","percentile":100}}`), "series[0].measure.percentile must be over 0 and under 100; got 100"},
		{series(`{"event":{},"measure":{"field":"properties.x"}}`), `series[0].measure.field does not go with count; got "properties.x"`},
		{where(`{"field":"nation","op":"=","values":["x"]}`), `where.field must be a column of events, or begin with properties`},
		{where(`{"field":"properties","op":"set"}`), `where.field must name a member, such as properties.plan; got "properties"`},
		{where(`{"field":"country.x","op":"set"}`), `where.field cannot go into country, which is not JSON; got "country.x"`},
		{where(`{"field":"country","op":"is","values":["x"]}`), `where.op must be one of =, !=, in, not in`},
		{where(`{"field":"country","op":"=","values":["x","y"]}`), `where.values must be one value for =; got ["x","y"]`},
		{where(`{"field":"country","op":"set","values":["x"]}`), `where.values must be no value for set; got ["x"]`},
		{where(`{"field":"properties.x","op":"between","values":[1,"x"]}`), `where.values must be two of one kind; got [1,"x"]`},
		{where(`{"field":"properties.x","op":">","values":[true]}`), `where.values[0] must be a number or a text for >; got true`},
		{where(`{"field":"properties.x","op":"in","values":[1,[2]]}`), `where.values[1] must be a string, a number or a boolean; got [2]`},
		{where(`{"field":"is_bot","op":"=","values":["true"]}`), `where.values[0] must be true or false; got "true"`},
		{where(`{"field":"timestamp","op":">","values":["yesterday"]}`), `where.values[0] must be a time such as`},
		{where(`{"field":"country","op":"regex","values":["a(b"]}`), `where.values[0] is no regular expression`},
		{where(`{"field":"country","op":"regex","values":["\\bb"]}`), `not every warehouse knows`},
		{where(`{"field":"country","op":"regex","values":["b{300}"]}`), `where.values[0] cannot repeat over 255 times`},
		{where(`{"all":[{"field":"country","op":"set"},{"any":[{"field":"x","op":"set"}]}]}`), `where.all[1].any[0].field must be a column`},
		{where(`{"all":[{"field":"country","op":"set"}],"op":"set"}`), `where must be one of all, any, a comparison, did and cohort; has 2 of them`},
		{where(`{"did":{"event":{"event":"Buy"},"at_least":2,"range":{"last":4,"unit":"week"}}}`), ""},
		{where(`{"did":{"event":{"event":"Buy"},"at_least":-1}}`), "where.did.at_least cannot be under 0; got -1"},
		{where(`{"did":{"event":{"event":"Buy"},"at_least":2,"at_most":1}}`), "where.did.at_most cannot be under at_least, 2; got 1"},
		{where(`{"did":{"event":{"event":"Buy"},"where":{"field":"person.plan","op":"set"}}}`), "where.did.where.field cannot be a person's"},
		{where(`{"cohort":{"name":"Buyers","filter":{"field":"country","op":"set"}}}`), "where.cohort.filter.field must be a person's"},
		{where(`{"cohort":{"name":"Buyers","filter":{}}}`), "where.cohort.filter must say who is in the cohort"},
		{where(`{"cohort":{"id":"buyers","name":"Buyers"},"not":true}`), ""},
		{where(`{"cohort":{"id":"buyers","filter":{"field":"person.plan","op":"set"}}}`), `where.cohort.id stands instead of filter, not beside it; got "buyers"`},
		{where(`{"did":{"event":{},"where":{"cohort":{"id":"buyers"}}}}`), "where.did.where.cohort cannot stand here"},
		{`{` + good + `,"formulas":["A/B"]}`, `formulas[0] cannot be read at position 3, at "B": there is no such series; the last one is A; got "A/B"`},
		{`{` + good + `,"formulas":["(A+1"]}`, `formulas[0] cannot be read at position 5, at the end: ) is wanted`},
		{`{` + good + `,"formulas":["A 1"]}`, `formulas[0] cannot be read at position 3, at "1": an operator or the end is wanted`},
		{`{` + good + `,"formulas":["A * -é"]}`, `formulas[0] cannot be read at position 6, at "é": a number`},
		{`{` + good + `,"formulas":["1.2.3"]}`, `formulas[0] cannot be read at position 1, at "1": this is no number`},
		{`{` + good + `,"formulas":["` + strings.Repeat("(", 60) + `"]}`, `nested over 50 deep`},
		{`{` + good + `,"breakdown":{"by":[]}}`, "breakdown.by must be one or two fields"},
		{`{` + good + `,"breakdown":{"by":["country"],"top":101}}`, "breakdown.top must be 1 to 100; got 101"},
		{`{` + good + `,"breakdown":{"by":["timestamp"]}}`, "breakdown.by[0] is a time"},
	} {
		_, err := query.Read[query.Trend]([]byte(c.question))
		switch wrong, is := errors.AsType[*query.Invalid](err); {
		case c.want == "" && err != nil:
			t.Errorf("%s: want no complaint; have %v", c.question, err)
		case c.want != "" && (!is || !strings.Contains(wrong.Error(), c.want)):
			t.Errorf("%s: want %q; have %v", c.question, c.want, err)
		}
	}
}

// TestRoundTrip: a question is its JSON.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	once := 1
	want := query.Trend{
		Range: query.Range{Last: 12, Unit: query.ByWeek, Zone: "Asia/Tokyo", Interval: query.ByWeek},
		Series: []query.Series{{
			Event: query.Selection{Event: "Buy"}, Measure: query.Measure{Of: query.Percentile, Field: query.FieldOf("properties", "a.b", `c\`), Percentile: 95},
			Where: &query.Filter{Any: []query.Filter{
				{Field: "country", Op: query.In, Values: []any{"DE", "FR"}},
				{Did: &query.Did{Event: query.Selection{Type: "page"}, AtMost: &once}, Not: true},
			}},
		}},
		Formulas: []query.Formula{"A * 2"}, Breakdown: &query.Breakdown{By: []query.Field{"person.plan"}, Top: 3}, Compare: true, Bots: true,
	}
	text := query.JSON(want)
	have, err := query.Read[query.Trend]([]byte(text))
	if err != nil || !reflect.DeepEqual(want, have) {
		t.Errorf("want %#v; have %#v of %s (%v)", want, have, text, err)
	}
}

// TestPeriods: units of the calendar, where days are longer and shorter.
func TestPeriods(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 30, 9, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		name            string
		r               query.Range
		from, to        string
		buckets, before int
		lengths         string // of buckets, in the order met, each once
	}{
		{"the last days, over a change of clocks", query.Range{Last: 3, Unit: query.ByDay, Zone: "Europe/Berlin"}, "2026-03-27T23:00:00Z", "2026-03-30T22:00:00Z", 3, 3, "24h0m0s 23h0m0s"},
		{"dates, the last one in it", query.Range{From: "2026-10-24", To: "2026-10-26", Zone: "Europe/Berlin"}, "2026-10-23T22:00:00Z", "2026-10-26T23:00:00Z", 3, 3, "24h0m0s 25h0m0s"},
		{"hours over a change of clocks", query.Range{From: "2026-10-25", To: "2026-10-25", Zone: "Europe/Berlin", Interval: query.ByHour}, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 25, 25, "1h0m0s"},
		{"hours over a change of half an hour", query.Range{From: "2026-04-05", To: "2026-04-05", Zone: "Australia/Lord_Howe", Interval: query.ByHour}, "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z", 25, 25, "1h0m0s 30m0s"},
		{"a midnight that was left out", query.Range{From: "2018-11-03", To: "2018-11-05", Zone: "America/Sao_Paulo"}, "2018-11-03T03:00:00Z", "2018-11-06T02:00:00Z", 3, 3, "24h0m0s 23h0m0s"},
		{"a midnight that came twice", query.Range{From: "2025-11-01", To: "2025-11-03", Zone: "America/Havana"}, "2025-11-01T04:00:00Z", "2025-11-04T05:00:00Z", 3, 3, "24h0m0s 25h0m0s"},
		{"weeks begin on Monday", query.Range{Last: 2, Unit: query.ByWeek, Interval: query.ByWeek}, "2026-03-23T00:00:00Z", "2026-04-06T00:00:00Z", 2, 2, "168h0m0s"},
		{"months", query.Range{Last: 3, Unit: query.ByMonth, Interval: query.ByMonth}, "2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z", 3, 3, "744h0m0s 672h0m0s"},
		{"times within a unit", query.Range{From: "2026-03-30T09:30:00Z", To: "2026-03-30T11:45:00+00:00", Interval: query.ByHour}, "2026-03-30T09:30:00Z", "2026-03-30T11:45:00Z", 3, 3, "30m0s 1h0m0s 45m0s"},
		{"minutes", query.Range{Last: 60, Unit: query.ByMinute, Interval: query.ByMinute, Zone: "Asia/Kathmandu"}, "2026-03-30T08:31:00Z", "2026-03-30T09:31:00Z", 60, 60, "1m0s"},
		{"an hour of a zone that is off by three quarters", query.Range{Last: 1, Unit: query.ByHour, Interval: query.ByHour, Zone: "Asia/Kathmandu"}, "2026-03-30T09:15:00Z", "2026-03-30T10:15:00Z", 1, 1, "1h0m0s"},
	} {
		p, err := c.r.Resolve(now)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var lengths []string
		for i, b := range p.Buckets {
			if i > 0 && !b.From.Equal(p.Buckets[i-1].To) {
				t.Errorf("%s: bucket %d begins at %s, not where the last one ends", c.name, i, b.From)
			}
			if l := b.To.Sub(b.From).String(); !strings.Contains(" "+strings.Join(lengths, " ")+" ", " "+l+" ") {
				lengths = append(lengths, l)
			}
		}
		from, to := p.From.UTC().Format(time.RFC3339), p.To.UTC().Format(time.RFC3339)
		if from != c.from || to != c.to || len(p.Buckets) != c.buckets || strings.Join(lengths, " ") != c.lengths {
			t.Errorf("%s: want %s to %s in %d of %s; have %s to %s in %d of %v", c.name, c.from, c.to, c.buckets, c.lengths, from, to, len(p.Buckets), lengths)
		}
		if before := p.Previous(); len(before.Buckets) != c.before || before.To.After(p.From) {
			t.Errorf("%s: want %d buckets before; have %d, %s to %s", c.name, c.before, len(before.Buckets), before.From, before.To)
		}
	}
}
