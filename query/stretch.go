package query

import (
	"iter"
	"slices"
	"time"
)

// stretch is a time in which events are looked for; a zero end is open. Rows lie about as they came, so that a warehouse reads the
// rows of a stretch and passes over the rest.
type stretch struct{ from, to time.Time }

// condition is that a moment lies in the stretch; empty: each does.
func (s stretch) condition(moment string) part {
	p := part{}
	if !s.from.IsZero() {
		p = say("$ >= $", moment, value(s.from.UTC()))
	}
	if !s.to.IsZero() {
		p = all(p, say("$ < $", moment, value(s.to.UTC())))
	}
	return p
}

// on gives the part of the stretch from the first to the last of some days, the newest first, that lie in it, and whether any do.
// nil: it is not known which days.
func (s stretch) on(days []time.Time) (stretch, bool) {
	if days == nil {
		return s, true
	}
	some := slices.DeleteFunc(slices.Clone(days), func(d time.Time) bool { return d.Before(s.from) || !d.Before(s.to) })
	if len(some) == 0 {
		return s, false
	}
	if end := some[0].Add(day); end.Before(s.to) {
		s.to = end
	}
	s.from = some[len(some)-1]
	return s, true
}

const day = 24 * time.Hour

// lookback is how far the newest events are looked for, in steps: most people did something lately. 0: all the way.
func lookback() []time.Duration { return []time.Duration{2 * day, 14 * day, 90 * day, 0} }

// lately is lookback in stretches before a moment; zero: of all that is there.
func lately(before, now time.Time) []stretch {
	var list []stretch
	newest := stretch{to: before}
	if !before.IsZero() {
		now = before
	}
	for _, back := range lookback() {
		newest.from = time.Time{}
		if back > 0 {
			newest.from = now.Add(-back)
		}
		list = append(list, newest)
		newest.to = newest.from
	}
	return list
}

// maxStretches is how many times events are looked for on their days; the last time is for all that is left.
const maxStretches = 10

// firstDays is how many days are looked at first: many a page is of no more.
const firstDays = 3

// onDays is where the events of some days, in UTC and the newest first, are looked for until so many are wanted as found says: at
// first on a few days, and then on as many as it takes if the others are like those before, with no long gap between two.
func onDays(days []time.Time, before time.Time, wanted int, found func() int) iter.Seq[stretch] {
	return func(yield func(stretch) bool) {
		for done, times, some := 0, 1, firstDays; len(days) > 0; times++ {
			if n := found(); n > 0 && done > 0 {
				some = min((wanted-n)*done*5/(n*4)+1, 4*done)
			} else if done > 0 {
				some = 2 * done
			}
			end := 1
			for end < len(days) && (times == maxStretches || end < some && days[end-1].Sub(days[end]) <= 3*day) {
				end++
			}
			s := stretch{from: days[end-1], to: days[0].Add(day)}
			if !before.IsZero() && before.Before(s.to) {
				s.to = before
			}
			if s.from.Before(s.to) && !yield(s) {
				return
			}
			done += end
			days = days[end:]
		}
	}
}
