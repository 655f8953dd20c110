package simulate

import (
	"cmp"
	"slices"
	"time"
)

// hours is how busy the hours of a day are by the people's own clocks, 1 the busiest.
var hours = [24]float64{.14, .08, .05, .04, .05, .10, .24, .44, .64, .78, .86, .90, .92, .88, .85, .85, .87, .90, .95, 1, 1, .88, .58, .28}

// weekdays is how busy the days are, from Sunday, 1 the busiest.
var weekdays = [7]float64{.66, 1, 1, .98, .97, .88, .62}

// weekday returns 0 for Sunday; days counts from the epoch, which was a Thursday.
func weekday(days int64) int { return int(((days+int64(time.Thursday))%7 + 7) % 7) }

// busy returns how busy a local time is, above 0 and at most 1. Between the full hours it rises and falls evenly.
func busy(local int64) float64 {
	days := floorDiv(local, day)
	minute := int(local-days*day) / 60_000
	hour, rest := minute/60, float64(minute%60)/60
	level := hours[hour]*(1-rest) + hours[(hour+1)%24]*rest
	return level * weekdays[weekday(days)]
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// arrivals says when each of the people came first. They come in the order of their numbers, day by day (UTC), fewer on
// weekends.
type arrivals struct {
	crowd   *crowd
	today   int64      // the day, since the epoch, on which the stream begins
	already int        // how many came before that day
	perDay  float64    // how many come on a mean day from then on
	past    float64    // how many came a day until then
	week    [7]float64 // what the days of a week before each weigh, from the epoch's weekday on
}

// newArrivals spreads the people of c, of which there are count when c.To is reached (or at c.From without an end).
func newArrivals(c Config, crowd *crowd, count int) arrivals {
	a := arrivals{crowd: crowd, today: floorDiv(c.From.UnixMilli(), day), already: count}
	sum := 0.0
	for i := range a.week {
		a.week[i] = sum
		sum += weekdays[weekday(int64(i))]
	}
	for i := range a.week {
		a.week[i] *= 7 / sum
	}
	a.perDay = c.Growth * float64(count) / 30
	if !c.To.IsZero() {
		// Where the span is longer than the growth reaches back, the shop opened with a twentieth of its people.
		days := a.days(floorDiv(c.To.UnixMilli()+day-1, day))
		a.already = max(count-int(a.perDay*days), count/20, 1)
		a.perDay = float64(count-a.already) / days
	}
	a.past = a.perDay
	if a.past == 0 {
		a.past = float64(a.already) / 730
	}
	return a
}

// days returns how many mean days lie between the beginning and the start of a day, weekends counting less.
func (a *arrivals) days(until int64) float64 { return a.weight(until) - a.weight(a.today) }

// weight returns the sum of the weights of all days before one, in mean days.
func (a *arrivals) weight(days int64) float64 {
	week := floorDiv(days, 7)
	return float64(week)*7 + a.week[days-week*7]
}

// count returns how many people have come before the start of a day, the first day or a later one.
func (a *arrivals) count(days int64) int {
	return min(a.already+int(a.perDay*a.days(days)), 2*mostPeople)
}

// at returns when person p came first.
func (a *arrivals) at(p *person) int64 {
	n := int(p.number)
	if n < a.already {
		return a.today*day - int64(float64(a.already-n)/a.past*float64(day))
	}
	on := a.today + int64(float64(n-a.already)/a.perDay)
	for a.count(on) > n {
		on--
	}
	for a.count(on+1) <= n {
		on++
	}
	return a.within(p, on)
}

// within returns the time of a day at which p came.
func (a *arrivals) within(p *person, on int64) int64 {
	d := throwFor(a.crowd.seed, uint64(p.number), forBirth)
	for {
		local := int64(d.below(int(day)))
		if d.chance(hours[local/3_600_000]) {
			return on*day + (local-int64(p.zone)+day)%day
		}
	}
}

// arrival is one person's first visit.
type arrival struct {
	at     int64
	person uint32
}

// on lists the arrivals of a day in order.
func (a *arrivals) on(days int64) []arrival {
	list := make([]arrival, 0, a.count(days+1)-a.count(days))
	for n := a.count(days); n < a.count(days+1); n++ {
		p := a.crowd.person(uint32(n))
		list = append(list, arrival{a.within(&p, days), p.number})
	}
	slices.SortFunc(list, func(a, b arrival) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.person, b.person))
	})
	return list
}
