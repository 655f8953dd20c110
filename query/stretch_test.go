package query

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// Every moment of a day on which something was done is looked at, once, the newest first, in few statements.
func TestOnDays(t *testing.T) {
	t.Parallel()
	at := func(n int) time.Time { return time.Unix(0, 0).UTC().AddDate(0, 0, n) }
	run := func(from, to int) (days []time.Time) {
		for n := from; n > to; n-- {
			days = append(days, at(n))
		}
		return days
	}
	for name, c := range map[string]struct {
		days   []time.Time
		before time.Time
		daily  int // events on each day; 100 are wanted
		want   string
	}{
		"nobody":        {nil, time.Time{}, 1, "[]"},
		"one day":       {run(100, 99), time.Time{}, 1, "[100-101]"},
		"nothing fits":  {run(100, 80), time.Time{}, 0, "[98-101 92-98 81-92]"},
		"little a day":  {run(100, 80), time.Time{}, 1, "[98-101 86-98 81-86]"},
		"ten a day":     {run(100, 70), time.Time{}, 10, "[98-101 89-98]"},
		"much a day":    {run(100, 70), time.Time{}, 33, "[98-101 97-98]"},
		"a gap":         {[]time.Time{at(100), at(99), at(90), at(89)}, time.Time{}, 1, "[99-101 89-91]"},
		"before":        {run(100, 97), at(99).Add(time.Hour), 1, "[98-99.04]"},
		"before it all": {run(100, 97), at(98), 1, "[]"},
		"now and then":  {slices.Concat(run(400, 399), run(300, 299), run(200, 199), run(100, 99)), time.Time{}, 1, "[400-401 300-301 200-201 100-101]"},
	} {
		var got []string
		found := 0
		for s := range onDays(c.days, c.before, 100, func() int { return found }) {
			found += c.daily * int(s.to.Sub(s.from)/day)
			date := func(t time.Time) string { return fmt.Sprintf("%.4g", t.Sub(at(0)).Hours()/24) }
			got = append(got, date(s.from)+"-"+date(s.to))
			if found >= 100 {
				break
			}
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
	between := stretch{at(90), at(95).Add(time.Hour)}
	for name, c := range map[string]struct {
		days []time.Time
		want stretch
		some bool
	}{
		"any day":   {nil, between, true},
		"no day":    {[]time.Time{}, between, false},
		"outside":   {[]time.Time{at(96), at(89)}, between, false},
		"some":      {[]time.Time{at(99), at(94), at(93), at(91), at(80)}, stretch{at(91), at(95)}, true},
		"to an end": {[]time.Time{at(95), at(90)}, between, true},
	} {
		if got, some := between.on(c.days); got != c.want || some != c.some {
			t.Errorf("%s: %v %t, want %v %t", name, got, some, c.want, c.some)
		}
	}
	var sparse []time.Time
	for n := 5000; n > 0; n -= 10 {
		sparse = append(sparse, at(n))
	}
	list := slices.Collect(onDays(sparse, time.Time{}, 100, func() int { return 0 }))
	if len(list) != maxStretches || !list[maxStretches-1].from.Equal(at(10)) {
		t.Errorf("days far apart are looked at in %d stretches, the last one from %s", len(list), list[len(list)-1].from)
	}
}

func TestLately(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	list := lately(time.Time{}, now)
	if len(list) != 4 || !list[0].to.IsZero() || !list[0].from.Equal(now.Add(-2*day)) || !list[1].to.Equal(list[0].from) || !list[3].from.IsZero() {
		t.Errorf("got %v", list)
	}
	before := now.AddDate(0, -2, 0)
	if list = lately(before, now); !list[0].to.Equal(before) || !list[0].from.Equal(before.Add(-2*day)) {
		t.Errorf("before %s: got %v", before, list)
	}
}
