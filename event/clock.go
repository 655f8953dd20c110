package event

import (
	"math"
	"time"

	"github.com/spoorhq/spoor/internal/jsonscan"
)

// TimeOf converts a time.Time.
func TimeOf(t time.Time) Time { return t.UnixMicro() }

// GoTime converts to a time.Time in UTC; NoTime gives the zero time.Time.
func GoTime(t Time) time.Time {
	if t == NoTime {
		return time.Time{}
	}
	return time.UnixMicro(t).UTC()
}

// layouts are tried in order on times that are not in the form that every official SDK writes.
var layouts = [...]string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999 -0700 MST", "2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04Z07:00", "2006-01-02", time.RFC1123, time.RFC1123Z,
}

// The years a Time is read for: what every warehouse can hold.
const minYear, maxYear = 0, 9999

// ParseTime reads a client's time: ISO 8601 in its usual spellings, or a number of seconds or milliseconds since the
// epoch (told apart by size, as analytics.js does). A time without a zone is UTC. false: it is none of these.
func ParseTime(v jsonscan.Value) (Time, bool) {
	switch v.Kind {
	case jsonscan.String:
		if v.Flags&jsonscan.Escaped != 0 {
			return NoTime, false
		}
		return parseTimeText(v.Raw[1 : len(v.Raw)-1])
	case jsonscan.Number:
		n, ok := v.Float()
		if !ok {
			return NoTime, false
		}
		return epoch(n)
	default:
		return NoTime, false
	}
}

// epoch reads seconds, or milliseconds from 1e11 on: as seconds that would be the year 5138.
func epoch(n float64) (Time, bool) {
	if math.Abs(n) < 1e11 {
		n *= 1000
	}
	if n < -62167219200000 || n > 253402300799999 {
		return NoTime, false
	}
	return Time(math.Round(n * 1000)), true
}

func parseTimeText(s []byte) (Time, bool) {
	if t, ok := parseISO(s); ok {
		return t, true
	}
	if len(s) == 0 || len(s) > 64 {
		return NoTime, false
	}
	text := string(s)
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			if y := t.UTC().Year(); y < minYear || y > maxYear {
				return NoTime, false
			}
			return t.UnixMicro(), true
		}
	}
	return NoTime, false
}

// parseISO reads 2006-01-02T15:04:05[.fraction]Z, in any number of fraction digits, without allocating.
func parseISO(s []byte) (Time, bool) {
	if len(s) < 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' || s[len(s)-1] != 'Z' {
		return NoTime, false
	}
	digits := func(from, n int) int {
		v := 0
		for _, c := range s[from : from+n] {
			if c < '0' || c > '9' {
				return -1
			}
			v = v*10 + int(c-'0')
		}
		return v
	}
	y, mo, d := digits(0, 4), digits(5, 2), digits(8, 2)
	h, mi, sec := digits(11, 2), digits(14, 2), digits(17, 2)
	if y < 0 || mo < 1 || mo > 12 || d < 1 || d > daysIn(y, mo) || h < 0 || h > 23 || mi < 0 || mi > 59 || sec < 0 || sec > 59 {
		return NoTime, false
	}
	micros := 0
	if frac := s[19 : len(s)-1]; len(frac) > 0 {
		if frac[0] != '.' || len(frac) == 1 {
			return NoTime, false
		}
		scale := 100000
		for _, c := range frac[1:] {
			if c < '0' || c > '9' {
				return NoTime, false
			}
			micros += int(c-'0') * scale
			scale /= 10
		}
	}
	return (daysFromCivil(y, mo, d)*86400+int64(h)*3600+int64(mi)*60+int64(sec))*1e6 + int64(micros), true
}

func daysIn(y, m int) int {
	switch m {
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	default:
		return 31
	}
}

// daysFromCivil counts days since 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant, "chrono-Compatible
// Low-Level Date Algorithms").
func daysFromCivil(y, m, d int) int64 {
	if m <= 2 {
		y--
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	doy := (153*((m+9)%12)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return int64(era)*146097 + int64(doe) - 719468
}
