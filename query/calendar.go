package query

import "time"

// The calendar: where units begin in a time zone. All of it is computed here, and warehouses are given moments: what a
// time zone does differs between their databases of time zones, and most cannot use an index through one.

// dayStart gives the first moment of a day. Where clocks go forward at midnight it is 1 o'clock; where they go back over
// midnight, the first of the two.
func dayStart(year int, month time.Month, day int, zone *time.Location) time.Time {
	t := time.Date(year, month, day, 0, 0, 0, 0, zone)
	began, ends := t.ZoneBounds()
	if t.Hour() != 0 { // midnight was left out, and t is as far off as the clocks went
		if t.Hour() >= 12 {
			return ends
		}
		return began
	}
	if began.IsZero() {
		return t
	}
	_, now := t.Zone()
	_, before := began.Add(-time.Second).Zone()
	if earlier := t.Add(time.Duration(now-before) * time.Second); earlier.Before(began) && earlier.Hour() == 0 && earlier.Day() == t.Day() {
		return earlier
	}
	return t
}

// start gives the beginning of the unit that t lies in.
func start(t time.Time, unit Interval) time.Time {
	switch unit {
	case ByMinute, ByHour:
		into := time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
		if unit == ByHour {
			into += time.Duration(t.Minute()) * time.Minute
		}
		// Where the clocks were changed by less than an hour, the hour begins anew.
		begun := t.Add(-into)
		if changed, _ := t.ZoneBounds(); !changed.IsZero() && begun.Before(changed) {
			return changed
		}
		return begun
	case ByWeek:
		return dayStart(t.Year(), t.Month(), t.Day()-int(t.Weekday()+6)%7, t.Location())
	case ByMonth:
		return dayStart(t.Year(), t.Month(), 1, t.Location())
	default:
		return dayStart(t.Year(), t.Month(), t.Day(), t.Location())
	}
}

// next gives the beginning of the unit after the one that begins at t.
func next(t time.Time, unit Interval) time.Time {
	switch unit {
	case ByMinute, ByHour:
		length := time.Minute
		into := time.Duration(t.Second()) * time.Second
		if unit == ByHour {
			length = time.Hour
			into += time.Duration(t.Minute()) * time.Minute
		}
		after := t.Add(length - into)
		if _, changes := t.ZoneBounds(); !changes.IsZero() && changes.Before(after) {
			return changes
		}
		return after
	}
	return shift(t, unit, 1)
}

// shift gives the beginning of the unit that is n after the one that begins at t; n may be negative.
func shift(t time.Time, unit Interval, n int) time.Time {
	switch unit {
	case ByMinute:
		return t.Add(time.Duration(n) * time.Minute)
	case ByHour:
		return t.Add(time.Duration(n) * time.Hour)
	case ByWeek:
		n *= 7
	case ByMonth:
		return dayStart(t.Year(), t.Month()+time.Month(n), 1, t.Location())
	}
	return dayStart(t.Year(), t.Month(), t.Day()+n, t.Location())
}

// buckets cuts a range. The first and the last may be less than a unit.
func buckets(from, to time.Time, unit Interval) []Bucket {
	var list []Bucket
	for begun := start(from, unit); begun.Before(to); {
		end := next(begun, unit)
		b := Bucket{From: begun, To: end}
		if begun.Before(from) {
			b.From, b.Incomplete = from, true
		}
		if end.After(to) {
			b.To, b.Incomplete = to, true
		}
		list = append(list, b)
		begun = end
	}
	return list
}
