package query

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// madeAt gives when a message id was made, as far as it tells: a UUID of version 7 and a ULID do, and the ids of Segment's
// JavaScript SDKs, such as ajs-next-1795394441324-cccd3072-175c-4ca8-9b5c-000000000000. Zero: it does not tell, or tells of a
// time that cannot be.
func madeAt(id string, now time.Time) time.Time {
	made := time.Time{}
	fields := strings.Split(id, "-")
	if len(fields) == 5 && len(id) == 36 && strings.HasPrefix(fields[2], "7") {
		if b, err := hex.DecodeString(fields[0] + fields[1]); err == nil && len(b) == 6 {
			made = time.UnixMilli(int64(b[0])<<40 | int64(b[1])<<32 | int64(b[2])<<24 | int64(b[3])<<16 | int64(b[4])<<8 | int64(b[5]))
		}
	} else if u, err := ulid.ParseStrict(strings.ToUpper(id)); err == nil {
		made = ulid.Time(u.Time())
	} else if len(fields) > 3 && fields[1] == "next" && len(fields[2]) == 13 {
		if ms, err := strconv.ParseInt(fields[2], 10, 64); err == nil {
			made = time.UnixMilli(ms)
		}
	}
	if made.Year() < firstMade || made.After(now.Add(wrongClock)) {
		return time.Time{}
	}
	return made.UTC()
}

// firstMade is the year before which no id was made: a clock that was never set says 1970 or 2000.
const firstMade = 2012

// bootOf gives when the collector began that made an id, which it does for an event that comes without one: its boot's
// ULID, the record's number and the event's. Zero: it is none of these.
func bootOf(id string) time.Time {
	boot, _, numbered := strings.Cut(id, ":")
	if !numbered {
		return time.Time{}
	}
	u, err := ulid.ParseStrict(boot)
	if err != nil {
		return time.Time{}
	}
	return ulid.Time(u.Time()).UTC().Add(-time.Minute) // of its own clock, which may be set back a little
}
