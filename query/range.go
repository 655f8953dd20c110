package query

import (
	"cmp"
	"slices"
	"time"
	_ "time/tzdata" // days are cut in Go, the same on a machine that has no time zones and on every warehouse
)

// Range is a stretch of time as people say it: the last 30 days, or from one date to another, in a time zone.
type Range struct {
	// Last is how many of Unit, the current one among them, which is not over yet: the last 7 days are today and the six
	// before. It stands instead of From and To.
	Last int      `json:"last,omitempty"`
	Unit Interval `json:"unit,omitempty"`
	// From and To are dates (2026-03-01) in the zone, To's day being the last one in the range; or times
	// (2026-03-01T12:00:00Z), To being the first moment that is not in it.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Zone is an IANA name such as Europe/Berlin. Default UTC.
	Zone string `json:"zone,omitempty"`
	// Interval cuts the range into buckets. Default day.
	Interval Interval `json:"interval,omitempty"`
}

// Interval is a unit of the calendar.
type Interval string

// The intervals. A week begins on Monday.
const (
	ByMinute Interval = "minute"
	ByHour   Interval = "hour"
	ByDay    Interval = "day"
	ByWeek   Interval = "week"
	ByMonth  Interval = "month"
)

// Intervals gives them in the order of a menu.
func Intervals() []Interval { return []Interval{ByMinute, ByHour, ByDay, ByWeek, ByMonth} }

// MaxBuckets bounds how finely a range may be cut: a day has 1440 minutes.
const MaxBuckets = 1500

// Years that a range may lie in.
const firstYear, lastYear = 1970, 2200

// Validate refuses a range that means nothing, with an *Invalid. path is what the range is called in its question.
func (r Range) Validate(path string) error { return r.validate(path, true) }

func (r Range) validate(path string, cut bool) error {
	if _, err := r.zone(path); err != nil {
		return err
	}
	if !cut && r.Interval != "" {
		return invalid(at(path, "interval"), r.Interval, "cannot stand here")
	}
	if r.Interval != "" && !slices.Contains(Intervals(), r.Interval) {
		return invalid(at(path, "interval"), r.Interval, "must be one of %s", join(Intervals()))
	}
	if r.Last == 0 && r.Unit == "" {
		from, to, err := r.ends(path)
		if err == nil && cut {
			_, err = cutInto(path, from, to, r.interval())
		}
		return err
	}
	switch {
	case r.From != "" || r.To != "":
		return invalid(at(path, "last"), r.Last, "stands instead of from and to, not beside them")
	case r.Last < 1 || r.Last > MaxBuckets:
		return invalid(at(path, "last"), r.Last, "must be 1 to %d", MaxBuckets)
	case !slices.Contains(Intervals(), r.Unit):
		return invalid(at(path, "unit"), r.Unit, "must be one of %s", join(Intervals()))
	}
	// How many buckets the last months have depends on when one asks; the longest months of all are in July and August.
	_, err := r.resolve(path, time.Date(2027, 8, 31, 12, 0, 0, 0, time.UTC), cut)
	return err
}

func (r Range) zone(path string) (*time.Location, error) {
	if r.Zone == "Local" {
		return nil, invalid(at(path, "zone"), r.Zone, "must be a time zone such as Europe/Berlin")
	}
	zone, err := time.LoadLocation(r.Zone)
	if err != nil {
		return nil, invalid(at(path, "zone"), r.Zone, "must be a time zone such as Europe/Berlin")
	}
	return zone, nil
}

func (r Range) interval() Interval { return cmp.Or(r.Interval, ByDay) }

// ends reads From and To.
func (r Range) ends(path string) (from, to time.Time, err error) {
	zone, err := r.zone(path)
	if err != nil {
		return from, to, err
	}
	read := func(name, text string, after int) (time.Time, error) {
		if text == "" {
			return time.Time{}, invalid(at(path, name), nil, "must be a date or a time, or last and unit must stand instead")
		}
		if day, err := time.Parse(time.DateOnly, text); err == nil {
			if y := day.Year(); y < firstYear || y > lastYear {
				return time.Time{}, invalid(at(path, name), text, "must lie in the years %d to %d", firstYear, lastYear)
			}
			return dayStart(day.Year(), day.Month(), day.Day()+after, zone), nil
		}
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return time.Time{}, invalid(at(path, name), text, "must be a date such as 2026-03-01 or a time such as 2026-03-01T12:00:00Z")
		}
		if y := t.Year(); y < firstYear || y > lastYear {
			return time.Time{}, invalid(at(path, name), text, "must lie in the years %d to %d", firstYear, lastYear)
		}
		return t.Truncate(time.Microsecond).In(zone), nil
	}
	if from, err = read("from", r.From, 0); err != nil {
		return from, to, err
	}
	if to, err = read("to", r.To, 1); err != nil {
		return from, to, err
	}
	if !from.Before(to) {
		return from, to, invalid(at(path, "to"), r.To, "must be after from, %s", r.From)
	}
	return from, to, nil
}

// Resolve says what the range is at a moment.
func (r Range) Resolve(now time.Time) (Period, error) { return r.resolve("range", now, true) }

func (r Range) resolve(path string, now time.Time, cut bool) (Period, error) {
	zone, err := r.zone(path)
	if err != nil {
		return Period{}, err
	}
	var from, to time.Time
	if r.Last > 0 {
		current := start(now.In(zone), r.Unit)
		from, to = shift(current, r.Unit, 1-r.Last), next(current, r.Unit)
	} else if from, to, err = r.ends(path); err != nil {
		return Period{}, err
	}
	p := Period{From: from, To: to, Zone: zone.String(), Interval: r.interval(), zone: zone}
	if cut {
		p.Buckets, err = cutInto(path, from, to, p.Interval)
	}
	return p, err
}

// Period is a range with its ends known: from From on, up to To, which is not in it.
type Period struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Zone     string    `json:"zone"`
	Interval Interval  `json:"interval,omitempty"`
	Buckets  []Bucket  `json:"buckets,omitempty"`

	zone *time.Location
}

// Bucket is one unit of the calendar, cut where the range begins or ends within it.
type Bucket struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Incomplete: not all that happened in it is in the warehouse yet, or the range has only a part of it.
	Incomplete bool `json:"incomplete,omitempty"`
}

// Previous gives the period before, which ends where this one begins: as many units of the calendar where this one is
// whole units, as many days where it is whole days, and as long otherwise. Over units that it only has a part of it may
// have another number of buckets.
func (p Period) Previous() Period {
	begins := func(unit Interval) bool { return start(p.From, unit).Equal(p.From) && start(p.To, unit).Equal(p.To) }
	back := func(unit Interval) time.Time { return shift(p.From, unit, -len(buckets(p.From, p.To, unit))) }
	before := Period{From: p.From.Add(p.From.Sub(p.To)), To: p.From, Zone: p.Zone, Interval: p.Interval, zone: p.zone}
	if begins(p.Interval) {
		before.From = back(p.Interval)
	} else if begins(ByDay) {
		before.From = back(ByDay)
	}
	before.Buckets = buckets(before.From, before.To, p.Interval)
	return before
}

// begins gives the index of each bucket by where its unit begins, in microseconds, as bucketSQL tells it.
func (p Period) begins() map[int64]int {
	begins := make(map[int64]int, len(p.Buckets))
	for i, b := range p.Buckets {
		begins[microsOf(start(b.From, p.Interval))] = i
	}
	return begins
}

func cutInto(path string, from, to time.Time, interval Interval) ([]Bucket, error) {
	// Counting first: a long range has millions of minutes.
	shortest := map[Interval]time.Duration{ByMinute: time.Minute, ByHour: time.Hour, ByDay: 25 * time.Hour, ByWeek: 169 * time.Hour, ByMonth: 745 * time.Hour}
	if n := int64(to.Sub(from) / shortest[interval]); n > MaxBuckets {
		return nil, invalid(at(path, "interval"), interval, "cuts the range into over %d buckets, about %d; take a longer interval or a shorter range", MaxBuckets, n)
	}
	list := buckets(from, to, interval)
	if len(list) > MaxBuckets {
		return nil, invalid(at(path, "interval"), interval, "cuts the range into over %d buckets, %d; take a longer interval or a shorter range", MaxBuckets, len(list))
	}
	return list, nil
}
