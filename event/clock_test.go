package event

import (
	"testing"
	"time"

	"github.com/spoorhq/spoor/internal/jsonscan"
)

func readTime(t testing.TB, raw string) (Time, bool) {
	t.Helper()
	v, rest, err := jsonscan.Scan([]byte(raw), 1)
	if err != nil || len(rest) > 0 {
		t.Fatalf("%s is not one JSON value: %v", raw, err)
	}
	return ParseTime(v)
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`"2026-11-23T00:40:41.324Z"`:         "2026-11-23T00:40:41.324Z",
		`"2026-11-23T00:40:33.552304919Z"`:   "2026-11-23T00:40:33.552304Z", // analytics-go
		`"2026-11-23T01:06:20.015336+00:00"`: "2026-11-23T01:06:20.015336Z", // analytics-python
		`"2026-11-23T01:06:20+02:00"`:        "2026-11-22T23:06:20Z",
		`"2026-11-23T01:06:20+0200"`:         "2026-11-22T23:06:20Z",
		`"2026-11-23T01:06:20"`:              "2026-11-23T01:06:20Z",
		`"2026-11-23T01:06Z"`:                "2026-11-23T01:06:00Z",
		`"2026-11-23 01:06:20"`:              "2026-11-23T01:06:20Z",
		`"2026-11-23 01:06:20.5+01:00"`:      "2026-11-23T00:06:20.5Z",
		`"2026-11-23 01:06:20.5 +0000 UTC"`:  "2026-11-23T01:06:20.5Z", // Go's time.Time.String
		`"2026-11-23"`:                       "2026-11-23T00:00:00Z",
		`"Mon, 23 Nov 2026 01:06:20 GMT"`:    "2026-11-23T01:06:20Z",
		`"2024-02-29T00:00:00Z"`:             "2024-02-29T00:00:00Z",
		`"0000-01-01T00:00:00Z"`:             "0000-01-01T00:00:00Z",
		`"9999-12-31T23:59:59.999999Z"`:      "9999-12-31T23:59:59.999999Z",
		`"1969-12-31T23:59:59.5Z"`:           "1969-12-31T23:59:59.5Z",
		`1795394441`:                         "2026-11-23T00:40:41Z",
		`1795394441.328`:                     "2026-11-23T00:40:41.328Z",
		`1795394441328`:                      "2026-11-23T00:40:41.328Z",
		`1795394441328.25`:                   "2026-11-23T00:40:41.32825Z",
		`0`:                                  "1970-01-01T00:00:00Z",
		`-1`:                                 "1969-12-31T23:59:59Z",
		`"2026-02-29T00:00:00Z"`:             "", // no leap year
		`"1900-02-29T00:00:00Z"`:             "",
		`"2026-04-31T00:00:00Z"`:             "",
		`"2026-13-01T00:00:00Z"`:             "",
		`"2026-11-23T24:00:00Z"`:             "",
		`"2026-11-23T23:60:00Z"`:             "",
		`"2026-11-23T00:40:41.Z"`:            "",
		`"2026-11-23T00:40:41.3x4Z"`:         "",
		`"soon"`:                             "",
		`""`:                                 "",
		`"1795394441328"`:                    "",
		`"10000-01-01T00:00:00Z"`:            "",
		`NaN`:                                "",
		`Infinity`:                           "",
		`-Infinity`:                          "",
		`1e300`:                              "",
		`-1e15`:                              "",
		`true`:                               "",
		`null`:                               "",
		`{}`:                                 "",
		`"2026-11-23T00:40:41.324Z\n"`:       "",
	} {
		micros, ok := readTime(t, raw)
		have := ""
		if ok {
			have = GoTime(micros).Format("2006-01-02T15:04:05.999999Z07:00")
		} else if micros != NoTime {
			t.Errorf("%s: want NoTime, have %d", raw, micros)
		}
		if have != want {
			t.Errorf("%s: want %q, have %q", raw, want, have)
		}
	}
}

func TestGoTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 0, 40, 41, 324_567_891, time.FixedZone("x", 7200))
	if want, have := at.UTC().Truncate(time.Microsecond), GoTime(TimeOf(at)); !want.Equal(have) || have.Location() != time.UTC {
		t.Errorf("want %v, have %v", want, have)
	}
	if have := GoTime(NoTime); !have.IsZero() {
		t.Errorf("want the zero time, have %v", have)
	}
}

func TestMinute(t *testing.T) {
	t.Parallel()
	for at, want := range map[Time]int64{0: 0, 59_999_999: 0, 60_000_000: 1, -1: -1, -60_000_000: -1, -60_000_001: -2} {
		if have := Minute(at); have != want {
			t.Errorf("%d: want %d, have %d", at, want, have)
		}
	}
}

// FuzzParseISO holds the reader of the usual form against the standard library's.
func FuzzParseISO(f *testing.F) {
	for _, seed := range []string{
		"2026-11-23T00:40:41.324Z", "2026-11-23T00:40:33.552304919Z", "2024-02-29T23:59:59Z", "1900-02-29T00:00:00Z",
		"0000-01-01T00:00:00.0000009Z", "9999-12-31T23:59:59.9999999999Z", "2026-00-10T00:00:00Z", "2026-01-00T00:00:00Z",
		"2026-11-23T00:40:41,5Z", "2026-11-23T00:40:60Z",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		have, ok := parseISO([]byte(text))
		if !ok {
			return
		}
		want, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatalf("%q: read as %v; the standard library says %v", text, GoTime(have), err)
		}
		if want := want.Truncate(time.Microsecond).UnixMicro(); want != have {
			t.Fatalf("%q: want %d, have %d", text, want, have)
		}
	})
}
