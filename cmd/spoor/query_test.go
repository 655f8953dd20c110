package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/query"
)

func TestQueryCommands(t *testing.T) {
	t.Parallel()
	longToday(t)
	url, _ := running(t)
	for _, name := range []string{"Buy", "Buy", "Search"} {
		sendOne(t, url, `{"event":"`+name+`","userId":"ada","anonymousId":"d1","properties":{"n":7}}`)
	}
	for _, name := range []string{"Buyers", "Twice", "twice"} {
		keepCohort(t, url, name, `{"did":{"event":{"event":"Buy"}}}`)
	}
	keepCohort(t, url, "Sellers", `{"did":{"event":{"event":"Sell"}}}`)
	ask := func(args ...string) string {
		out, _ := client(t, exitOK, append(append([]string{"query"}, args...), "--server", url)...)
		return out
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"trend", "--event", "Buy", "--last", "3d"}, []string{"Buy: 2\n", time.Now().UTC().Format("2006-01-02 Mon") + "  2* ████", "* not complete yet", "complete up to"}},
		{[]string{"trend", "--event", "Buy", "--event", "Search", "--last", "2d", "--compare"}, []string{"Buy     2 (before: 0)  ·█", "Search  1 (before: 0)  ·█", ", by day"}},
		{[]string{"trend", "--event", "Buy", "--of", "sum", "--field", "properties.n", "--last", "2d"}, []string{"Buy: 14\n"}},
		{[]string{"trend", "--event", "Buy", "--last", "3d", "--cohort", "buyers"}, []string{"Buy: 2\n"}},
		{[]string{"trend", "--event", "Buy", "--last", "3d", "--cohort", "sellers-id"}, []string{"Buy: 0\n"}},
		{[]string{"people", "--last", "1d", "--cohort", "Sellers"}, []string{"0 people, 0 shown"}},
		{[]string{"funnel", "--step", "Buy", "--step", "Search", "--last", "2d", "--cohort", "Sellers"}, []string{"1. Buy             0 "}},
		{[]string{"paths", "--event", "Buy", "--last", "2d", "--cohort", "Sellers"}, []string{"nothing happened in this time"}},
		{[]string{"retention", "--start", "Buy", "--by", "day", "--last", "2d", "--cohort", "Sellers"}, []string{"started  people", "       0 "}},
		{[]string{"trend", "--event", "Buy", "--json"}, []string{`"lines":[{"series":0,`}},
		{[]string{"funnel", "--step", "Buy", "--step", "Search", "--last", "2d"}, []string{"1. Buy             1   100.0 %          –          –  ██", "2. Search          1   100.0 %    100.0 %         "}},
		{[]string{"paths", "--event", "Buy", "--last", "2d"}, []string{"paths  people", "Buy → ", "most frequent ways"}},
		{[]string{"paths", "--event", "Buy", "--before", "--last", "2d"}, []string{"Buy ← "}},
		{[]string{"retention", "--start", "Buy", "--by", "day", "--last", "2d"}, []string{"started  people", "       1  100.0 %*", "who came back so many days later"}},
		{[]string{"people", "--last", "1d"}, []string{"ada     3 ", "1 people, 1 shown"}},
		{[]string{"person", "ada"}, []string{"device d1", `Buy     {"n":7}`}},
		{[]string{"catalog"}, []string{"track  Buy     2 ", "Search"}},
		{[]string{"catalog", "--by", "happened"}, []string{"track  Buy     2 ", "Search"}},
		{[]string{"properties", "Buy"}, []string{"properties.n  integer  0 %", "7 ×2", "of the newest 2 events"}},
		{[]string{"ask", "trend", `{"range":{"last":1,"unit":"day"},"series":[{"event":{"event":"Buy"}}]}`}, []string{"lines\n", "complete: {"}},
	} {
		have := ask(c.args...)
		for _, want := range c.want {
			if !strings.Contains(have, want) {
				t.Errorf("%v: want %q; have\n%s", c.args, want, have)
			}
		}
		if strings.Contains(have, "\x1b") {
			t.Errorf("%v: want no colours where no terminal is; have %q", c.args, have)
		}
	}
	for _, c := range []struct {
		code int
		args []string
		want string
	}{
		{exitUsage, []string{"trend", "--last", "1y"}, `--last must be a number and m, h, d, w or mo, such as 30d; got "1y"`},
		{exitFault, []string{"trend", "--of", "sum"}, "series[0].measure.field"},
		{exitUsage, []string{"trend", "--cohort", "Byers"}, `--cohort must be the id or the name of a saved cohort: "Buyers", "Sellers", "Twice", "twice"; got "Byers"`},
		{exitUsage, []string{"trend", "--cohort", "Twice"}, `"Twice" is the name of several, whose ids are `},
		{exitUsage, []string{"ask", "trend", "{"}, "must be JSON"},
		{exitFault, []string{"ask", "nothing", "{}"}, "there is no /api/query/nothing"},
	} {
		if _, said := client(t, c.code, append(append([]string{"query"}, c.args...), "--server", url)...); !strings.Contains(said, c.want) {
			t.Errorf("%v: want %q; have %s", c.args, c.want, said)
		}
	}
}

// longToday waits, where the day is about to end, until the next has begun: what is asked of today must have come today.
func longToday(t *testing.T) {
	t.Helper()
	now := time.Now().UTC()
	if left := now.Truncate(24*time.Hour).AddDate(0, 0, 1).Sub(now); left < 2*time.Minute {
		t.Logf("waiting %v for tomorrow", left)
		<-time.After(left)
	}
}

// keepCohort saves one under an id made of its name.
func keepCohort(t *testing.T, url, name, filter string) {
	t.Helper()
	id := strings.ToLower(name) + "-id"
	if name == "twice" {
		id = "again-id"
	}
	body := strings.NewReader(`{"name":"` + name + `","body":{"filter":` + filter + `}}`)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url+"/api/saved/cohorts/"+id, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("If-None-Match", "*")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("want the cohort %s kept; have %s", name, response.Status)
	}
}

// A chart is as wide as it may be, and no wider.
func TestChart(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	a := query.TrendAnswer{Period: query.Period{Interval: query.ByMonth}, Complete: query.Completeness{UpTo: &at}}
	values := []float64{0, 1, 1000, 2000}
	line := query.Line{Total: new(3001.0), PreviousTotal: new(1500.5)}
	for i := range values {
		a.Period.Buckets = append(a.Period.Buckets, query.Bucket{From: at.AddDate(0, i, 0), To: at.AddDate(0, i+1, 0), Incomplete: i == 3})
		line.Values = append(line.Values, &values[i])
	}
	line.Values = append(line.Values, nil)
	a.Period.Buckets = append(a.Period.Buckets, query.Bucket{From: at.AddDate(0, 4, 0)})
	a.Lines = []query.Line{line}
	var out bytes.Buffer
	if err := (chart{width: 40}).trend(&out, &a, []string{"Orders"}); err != nil {
		t.Fatal(err)
	}
	want := `Orders: 3,001 (+100.0 %)
2026-11      0
2026-12      1  ▏
2027-01  1,000  ███████████▌
2027-02  2,000* ███████████████████████
2027-03      –
* not complete yet
complete up to `
	for l := range strings.SplitSeq(out.String(), "\n") {
		if n := len([]rune(l)); n > 40 && !strings.HasPrefix(l, "complete") {
			t.Errorf("want no line over 40; have %d: %s", n, l)
		}
	}
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("want\n%s\nhave\n%s", want, out.String())
	}
	if have := sparkline([]float64{0, 1, 4, 8}); have != "·▂▅█" {
		t.Errorf("want ·▂▅█; have %s", have)
	}
	if have := squeeze([]int64{1, 2, 3, 4, 5}, 2); len(have) != 2 || have[0] != 6 || have[1] != 9 {
		t.Errorf("want 6 and 9; have %v", have)
	}
}
