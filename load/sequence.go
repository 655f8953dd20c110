package load

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ranges is a set of sequence numbers as ascending closed ranges that neither touch nor overlap.
type ranges []span

type span struct{ from, to uint64 }

// add puts n in; false: it was there already. The usual n is the one behind the last, and costs nothing.
func (r *ranges) add(n uint64) bool {
	s := *r
	if len(s) > 0 && n > 0 && s[len(s)-1].to == n-1 {
		s[len(s)-1].to = n
		return true
	}
	// The first span that ends at n-1 or later is the only one that can hold or touch n from below.
	i := len(s)
	for i > 0 && (s[i-1].to >= n || s[i-1].to == n-1) {
		i--
	}
	switch {
	case i == len(s) || s[i].from > n && s[i].from-1 > n:
		s = slices.Insert(s, i, span{n, n})
	case s[i].from > n:
		s[i].from = n
	case s[i].to >= n:
		return false
	default: // s[i].to+1 == n
		s[i].to = n
		if i+1 < len(s) && s[i+1].from-1 == n {
			s[i].to = s[i+1].to
			s = append(s[:i+1], s[i+2:]...)
		}
	}
	*r = s
	return true
}

// String writes the ranges as 1-41,43-90; a range of one is 1-1.
func (r ranges) String() string {
	var b []byte
	for i, s := range r {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, s.from, 10)
		b = append(b, '-')
		b = strconv.AppendUint(b, s.to, 10)
	}
	return string(b)
}

// parseRanges reads what String wrote.
func parseRanges(text string) (ranges, error) {
	if text == "" {
		return nil, nil
	}
	var r ranges
	for part := range strings.SplitSeq(text, ",") {
		low, high, ok := strings.Cut(part, "-")
		from, err := strconv.ParseUint(low, 10, 64)
		to, err2 := strconv.ParseUint(high, 10, 64)
		if !ok || err != nil || err2 != nil || to < from || (len(r) > 0 && (from == 0 || r[len(r)-1].to >= from-1)) {
			return nil, fmt.Errorf("sequence ranges cannot be read at %q", part)
		}
		r = append(r, span{from, to})
	}
	return r, nil
}
