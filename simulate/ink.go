package simulate

import (
	"strconv"
	"time"
)

// ink writes what every event has.
type ink struct {
	run  string
	day  int64
	date []byte // of day, up to the T
}

func newInk(run string) ink { return ink{run: run, day: -1 << 62} }

// time appends a time as the browser's SDK writes it: 2026-11-23T00:40:41.324Z.
func (k *ink) time(b []byte, ms int64) []byte {
	days := floorDiv(ms, day)
	if days != k.day {
		k.day = days
		k.date = time.UnixMilli(ms).UTC().AppendFormat(k.date[:0], "2006-01-02T")
	}
	b = append(b, k.date...)
	ms -= days * day
	b = appendPadded(b, uint64(ms/3_600_000), 2)
	b = append(b, ':')
	b = appendPadded(b, uint64(ms/60_000%60), 2)
	b = append(b, ':')
	b = appendPadded(b, uint64(ms/1000%60), 2)
	b = append(b, '.')
	b = appendPadded(b, uint64(ms%1000), 3)
	return append(b, 'Z')
}

// date appends the day of a time: 2026-11-23.
func appendDate(b []byte, ms int64) []byte {
	return time.UnixMilli(ms).UTC().AppendFormat(b, time.DateOnly)
}

func appendInt(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }

// appendPadded writes n with at least this many digits.
func appendPadded(b []byte, n uint64, digits int) []byte {
	var text [20]byte
	i := len(text)
	for n > 0 || digits > 0 {
		i--
		text[i] = '0' + byte(n%10)
		n /= 10
		digits--
	}
	return append(b, text[i:]...)
}

// appendMoney writes an amount with two decimals.
func appendMoney(b []byte, cents int) []byte {
	if cents < 0 {
		b, cents = append(b, '-'), -cents
	}
	b = appendInt(b, cents/100)
	b = append(b, '.')
	return appendPadded(b, uint64(cents%100), 2)
}

// appendUUID writes a random (version 4) UUID made of these throws.
func appendUUID(b []byte, d dice) []byte {
	const hex = "0123456789abcdef"
	var text [36]byte
	hi, lo := d.next(), d.next()
	hi = hi&^0xf000 | 0x4000
	lo = lo&^(3<<62) | 2<<62
	for i, nibble := 0, 0; i < len(text); i++ {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			text[i] = '-'
			continue
		}
		word := hi
		if nibble >= 16 {
			word = lo
		}
		text[i] = hex[word>>(60-4*(nibble&15))&15]
		nibble++
	}
	return append(b, text[:]...)
}

// appendUserID writes the user id of a person.
func appendUserID(b []byte, person uint32) []byte {
	return appendInt(append(b, "u-"...), int(person))
}
