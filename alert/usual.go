package alert

import (
	"math"
	"slices"
	"time"
)

// lookBack is how far back what is usual is learned from.
const lookBack = 28 // days

// leastSamples is how many days of the same kind there must be before anything counts as usual.
const leastSamples = 5

// window is a stretch of time, without its end.
type window struct{ from, to time.Time }

// sameHour gives the window that ends at a moment, and behind it the same hours of each of the last 28 days that are of
// the same kind, the youngest first: Monday to Friday, or Saturday and Sunday, by the window's last minute in UTC.
func sameHour(end time.Time, length time.Duration) []window {
	end = end.UTC()
	windows := []window{{end.Add(-length), end}}
	kind := weekend(end)
	for day := 1; day <= lookBack; day++ {
		to := end.Add(-time.Duration(day) * 24 * time.Hour)
		if weekend(to) == kind {
			windows = append(windows, window{to.Add(-length), to})
		}
	}
	return windows
}

func weekend(end time.Time) bool {
	day := end.Add(-time.Minute).Weekday()
	return day == time.Saturday || day == time.Sunday
}

// sample is a number in one window; alive tells whether anything at all was received then.
type sample struct {
	value float64
	alive bool
}

// learned leaves out the windows in which nothing at all was received, for then it was Spoor that was away, and those
// before the number was first over zero, for then there was no such thing yet. The youngest is first.
func learned(samples []sample) []float64 {
	var values []float64
	for _, s := range samples {
		if s.alive {
			values = append(values, s.value)
		}
	}
	for len(values) > 0 && values[len(values)-1] == 0 {
		values = values[:len(values)-1]
	}
	return values
}

// spread is the range that is usual; ok is false while too little is known.
type spread struct {
	low, high float64
	ok        bool
}

// usualRange is the median, and to both sides of it k standard deviations: 1.4826 times the median absolute deviation,
// which is the standard deviation where numbers are spread normally, but at least what chance alone does to such a number
// and a twentieth of the median. Nothing is usual below zero when nothing ever was.
func usualRange(values []float64, k float64, chance func(middle float64) float64) spread {
	if len(values) < leastSamples {
		return spread{}
	}
	middle := median(values)
	away := make([]float64, len(values))
	for i, v := range values {
		away[i] = math.Abs(v - middle)
	}
	deviation := max(1.4826*median(away), chance(middle), math.Abs(middle)/20)
	low, high := middle-k*deviation, middle+k*deviation
	if low < 0 && slices.Min(values) >= 0 {
		low = 0
	}
	return spread{low, high, true}
}

// countChance is what chance does to a count: its square root, and at least 1.
func countChance(middle float64) float64 { return max(math.Sqrt(math.Abs(middle)), 1) }

// shareChance is what chance does to a share of so many: the deviation of a binomial's, with one more on either side, so that a
// share of none or of all is not taken for certain.
func shareChance(of float64) func(float64) float64 {
	return func(middle float64) float64 {
		n := max(of, 1)
		p := (middle*n + 1) / (n + 2)
		return math.Sqrt(p * (1 - p) / n)
	}
}

// noChance is of a number of which it is not known what chance does to it.
func noChance(float64) float64 { return 0 }

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}
