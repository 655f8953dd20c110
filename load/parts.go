package load

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spoorhq/spoor/warehouse"
)

// A collector spreads its records over the stream's shards, so that on each the numbers are full of gaps, and their list
// grows without end. It is kept in parts: what has grown long is left as it is, under the shard's name alone or with the number
// that it begins with behind, and only the last part is written with every batch. The parts of all shards together are the
// numbers that have come.

// partBytes is how long the last part's list may become before the next begins. No warehouse has a shorter text.
const partBytes = 16 << 10

// partMark stands between a shard's name and the number that a part begins with.
const partMark = "#"

// partOf takes a part's name apart.
func partOf(name string) (shard string, from uint64, err error) {
	i := strings.LastIndex(name, partMark)
	if i < 0 {
		return name, 0, nil
	}
	if from, err = strconv.ParseUint(name[i+1:], 10, 64); err != nil {
		return "", 0, fmt.Errorf("a part of a collector's sequence cannot be called %q", name)
	}
	return name[:i], from, nil
}

// touch says that the number has come, so that its part must be written.
func (l *sequenceLine) touch(n uint64) {
	i, found := slices.BinarySearch(l.parts, n)
	if !found {
		i--
	}
	l.touched[i] = true
}

// rows gives the parts that have changed, and the last, which has what is known of the whole.
func (l *sequenceLine) rows() []warehouse.Sequence {
	last := len(l.parts) - 1
	l.touched[last] = true
	var rows []warehouse.Sequence
	for i, from := range l.parts {
		if !l.touched[i] {
			continue
		}
		to := uint64(0)
		name := l.shard
		if i < last {
			to = l.parts[i+1]
		}
		if i > 0 {
			name += partMark + strconv.FormatUint(from, 10)
		}
		rows = append(rows, warehouse.Sequence{
			Shard: name, Collector: l.collector, Boot: l.boot, Seen: l.seen.between(from, to).String(), Void: l.void.between(from, to).String(),
			Settled: l.settled, Records: l.records, Doubled: l.doubled, SeenAt: l.seenAt,
		})
	}
	clear(l.touched)
	if tail := rows[len(rows)-1]; len(tail.Seen)+len(tail.Void) > partBytes && len(l.seen) > 0 {
		if begin := l.seen[len(l.seen)-1].to + 1; begin > l.parts[last] {
			l.parts = append(l.parts, begin)
		}
	}
	return rows
}

// take takes a part that was written.
func (l *sequenceLine) take(row warehouse.Sequence, from uint64) error {
	for _, list := range []struct {
		text string
		to   *ranges
	}{{row.Seen, &l.seen}, {row.Void, &l.void}} {
		more, err := parseRanges(list.text)
		if err != nil {
			return err
		}
		*list.to = list.to.with(more)
	}
	if i, found := slices.BinarySearch(l.parts, from); !found {
		l.parts = slices.Insert(l.parts, i, from)
	}
	l.settled, l.records, l.doubled = max(l.settled, row.Settled), max(l.records, row.Records), max(l.doubled, row.Doubled)
	l.seenAt = max(l.seenAt, row.SeenAt)
	return nil
}

// between gives what is not under from, and under to; 0: without an end.
func (r ranges) between(from, to uint64) ranges {
	begin, _ := slices.BinarySearchFunc(r, from, func(s span, n uint64) int {
		if s.to < n {
			return -1
		}
		return 1
	})
	var out ranges
	for _, s := range r[begin:] {
		if to > 0 && s.from >= to {
			break
		}
		s.from = max(s.from, from)
		if to > 0 {
			s.to = min(s.to, to-1)
		}
		out = append(out, s)
	}
	return out
}

// with gives both.
func (r ranges) with(more ranges) ranges {
	all := slices.Concat(r, more)
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var out ranges
	for _, s := range all {
		if n := len(out); n > 0 && out[n-1].to+1 >= s.from {
			out[n-1].to = max(out[n-1].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}
