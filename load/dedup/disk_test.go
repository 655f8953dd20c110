package dedup

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// TestDiskGone takes the directory away under the Set: nothing may be forgotten over that, and when the disk is back, so is the Set.
func TestDiskGone(t *testing.T) {
	t.Parallel()
	s := newSet(t, tiny(200, 64<<10))
	must(t, os.RemoveAll(s.dir))
	at := int64(1_000_000)
	var known []Key
	failures := 0
	for i := 0; failures < 3; i++ {
		if i == 100 {
			t.Fatal("want an error from a disk that is gone, have none")
		}
		keys := ids(s, fmt.Sprint(i, "-"), 50)
		b := s.Begin()
		if err := b.Check(keys, times(len(keys), at), make([]bool, len(keys))); err != nil {
			if !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("want the disk's own error, have %v", err)
			}
			if err := b.Commit(); !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("want no commit of a batch that failed, have %v", err)
			}
			b.Rollback()
			failures++
			quiet(s)
			continue
		}
		must(t, b.Commit())
		known = append(known, keys...)
	}
	must(t, os.MkdirAll(s.dir, 0o755))
	for i := 0; ; i++ {
		b := s.Begin()
		keys := ids(s, "back", 50)
		if err := b.Check(keys, times(len(keys), at), make([]bool, len(keys))); err != nil {
			if i > 2 {
				t.Fatalf("want the disk to be tried again, have %v", err)
			}
			b.Rollback()
			quiet(s)
			continue
		}
		must(t, b.Commit())
		break
	}
	if n := seen(t, s, known, at); n != len(known) {
		t.Errorf("want all %d seen, have %d", len(known), n)
	}
	load(t, s, ids(s, "more", 2000), at) // and it is not spoken of again
}

// TestFiltersShareTheMemory has four times as many ids as there is memory for fine filters.
func TestFiltersShareTheMemory(t *testing.T) {
	t.Parallel()
	const limit = 12 << 10
	s := newSet(t, tiny(500, limit))
	for i := range 50 {
		load(t, s, ids(s, fmt.Sprint(i, "-"), 500), 1_000_000)
		quiet(s)
		if have := s.filters(); have > limit {
			t.Fatalf("want at most %d bytes of filters and indexes, have %d", limit, have)
		}
	}
	fewest, most := maxPlanes, 0
	for _, r := range s.runs {
		n := len(r.filter.planes)
		fewest, most = min(fewest, n), max(most, n)
	}
	if fewest == 0 || most == maxPlanes || most-fewest > 2 {
		t.Errorf("want all filters about as fine, have %d to %d planes", fewest, most)
	}
	if have := s.filters(); have < limit/2 {
		t.Errorf("want the better part of %d bytes used, have %d", limit, have)
	}
}

// TestDamage has the disk lose what was written. An error is the only right answer to a question that needs it.
func TestDamage(t *testing.T) {
	t.Parallel()
	zeros := func(name string) error {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		return os.WriteFile(name, make([]byte, info.Size()), 0o600)
	}
	for name, c := range map[string]struct {
		table int
		harm  func(name string) error
		want  error
	}{
		"cut off":                 {8000, func(name string) error { return os.Truncate(name, 0) }, io.ErrUnexpectedEOF},
		"zeros":                   {8000, zeros, errDamaged},
		"zeros in a single slice": {800, zeros, errDamaged},
		"another's": {8000, func(name string) error {
			info, err := os.Stat(name)
			if err != nil {
				return err
			}
			return os.WriteFile(name, []byte(strings.Repeat("z", int(info.Size()))), 0o600)
		}, errDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := tiny(c.table, 64<<10)
			l.fanout = 1 << 30
			s := newSet(t, l)
			at := int64(1_000_000)
			keys := ids(s, "a", 5*c.table/2)
			load(t, s, keys, at)
			quiet(s)
			for _, r := range s.runs {
				must(t, c.harm(r.file.Name()))
			}
			b := s.Begin()
			defer b.Rollback()
			duplicate := make([]bool, 100)
			if err := b.Check(keys[:100], times(100, at), duplicate); !errors.Is(err, c.want) {
				t.Errorf("want %v, have %v", c.want, err)
			}
			// What is in memory, and what the filters rule out, needs no disk.
			if n := seen(t, s, keys[len(keys)-100:], at); n != 100 {
				t.Errorf("want 100 seen, have %d", n)
			}
			// A merge does not carry it over.
			quiet(s)
			s.mu.Lock()
			runs := len(s.runs)
			s.limits.fanout, s.limits.runs = 2, 2
			s.work()
			s.mu.Unlock()
			quiet(s)
			s.mu.Lock()
			defer s.mu.Unlock()
			if !errors.Is(s.failed, c.want) || len(s.runs) != runs {
				t.Errorf("want %v and still %d runs, have %v and %d", c.want, runs, s.failed, len(s.runs))
			}
		})
	}
}
