package alert

import (
	"cmp"
	"slices"
	"time"
)

// What normally comes is looked for in an hour, and for what is rarer in a day.
const (
	shortHours    = 1
	longHours     = 24
	trackingEvery = 15 * time.Minute
	// leastUsual is how many must usually come in a window for none to mean anything.
	leastUsual = 10
	// mostSilent bounds what is kept and told; the most frequent come first.
	mostSilent = 200
)

// judged is what one evaluation says of a name.
type judged struct {
	verdict verdict
	usual   float64
	hours   int
}

// counting counts the rows of every name in each window.
type counting func(windows []window) (map[Name][]sample, error)

// judge looks at every name in the hour that ends at a moment and, on the hour, in the day.
//
// A name normally comes in a window when in the same window of each day that is known, five at least, some came, and half of
// the time ten or more. When it normally comes and now none did, that is a breach; one that came in the last hour is fine.
func judge(count counting, end time.Time) (map[Name]judged, error) {
	short, err := count(sameHour(end, shortHours*time.Hour))
	if err != nil {
		return nil, err
	}
	out := map[Name]judged{}
	for name, samples := range short {
		out[name] = judgeOne(samples, shortHours)
	}
	if !end.Truncate(time.Hour).Equal(end) {
		return out, nil
	}
	long, err := count(sameHour(end, longHours*time.Hour))
	if err != nil {
		return nil, err
	}
	for name, samples := range long {
		if out[name].verdict == unknown {
			out[name] = judgeOne(samples, longHours)
		}
	}
	return out, nil
}

func judgeOne(samples []sample, hours int) judged {
	now, past := samples[0], learned(samples[1:])
	if now.value > 0 {
		if hours == shortHours {
			return judged{fine, 0, hours}
		}
		return judged{unknown, 0, hours}
	}
	if len(past) < leastSamples || slices.Min(past) == 0 || median(past) < leastUsual {
		return judged{unknown, 0, hours}
	}
	return judged{breach, median(past), hours}
}

// track takes what is silent on by one evaluation, and gives those that have newly stopped and those that came back.
func track(silent []Silent, verdicts map[Name]judged, inARow int, at time.Time) (after, stopped, back []Silent) {
	known := map[Name]Silent{}
	for _, s := range silent {
		known[s.Name] = s
	}
	for name, j := range verdicts {
		s, is := known[name]
		if !is {
			if j.verdict != breach {
				continue
			}
			s = Silent{Name: name, Phase: Phase{Status: OK, Since: at}}
		}
		if j.verdict == breach {
			s.Usual, s.Hours = j.usual, j.hours
		}
		var changed bool
		s.Phase, changed = s.next(j.verdict, inARow, at)
		switch {
		case changed && s.Status == Firing:
			stopped = append(stopped, s)
		case changed:
			back = append(back, s)
		}
		known[name] = s
	}
	for _, s := range known {
		if s.Status == Firing || s.Streak > 0 {
			after = append(after, s)
		}
	}
	for _, list := range [][]Silent{after, stopped, back} {
		slices.SortFunc(list, func(a, b Silent) int {
			return cmp.Or(cmp.Compare(b.Usual/float64(max(b.Hours, 1)), a.Usual/float64(max(a.Hours, 1))), cmp.Compare(a.Name.String(), b.Name.String()), cmp.Compare(a.Type, b.Type))
		})
	}
	return after[:min(len(after), mostSilent)], stopped, back
}
