package query

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestWholeDays: each moment of a period is in whole days of its bucket, or in what is left, and in one of them only.
func TestWholeDays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone     string
		from, to string
		interval Interval
		want     string
	}{
		{"UTC", "2026-03-02", "2026-03-15", ByWeek, "0:02-09 1:09-16 |"},
		{"UTC", "2026-03-02", "2026-03-04", ByDay, "0:02-03 1:03-04 2:04-05 |"},
		{"UTC", "2026-03-02", "2026-03-02", ByHour, "| 02T00:00-03T00:00"},
		{"Europe/Vienna", "2026-03-23", "2026-04-05", ByWeek, "0:23-29 1:30-05 | 22T23:00-23T00:00 29T00:00-30T00:00 05T00:00-05T22:00"},
		{"Europe/Vienna", "2026-03-02", "2026-03-03", ByDay, "| 01T23:00-03T23:00"},
		{"Asia/Kolkata", "2026-03-02", "2026-03-15", ByWeek, "0:02-08 1:09-15 | 01T18:30-02T00:00 08T00:00-09T00:00 15T00:00-15T18:30"},
	} {
		p, err := Range{From: c.from, To: c.to, Zone: c.zone, Interval: c.interval}.resolve("", time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), true)
		if err != nil {
			t.Fatal(err)
		}
		whole, rest := wholeDays(p)
		var have []string
		for _, d := range whole {
			have = append(have, fmt.Sprintf("%d:%s-%s", d.place, d.from.Format("02"), d.to.Format("02")))
		}
		have = append(have, "|")
		for _, s := range rest {
			have = append(have, s.from.UTC().Format("02T15:04")+"-"+s.to.UTC().Format("02T15:04"))
		}
		if strings.Join(have, " ") != c.want {
			t.Errorf("%s %s to %s by %s: want %s; have %s", c.zone, c.from, c.to, c.interval, c.want, strings.Join(have, " "))
		}
	}
}
