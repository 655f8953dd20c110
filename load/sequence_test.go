package load

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestRangesAgainstASet(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		var r ranges
		model := map[uint64]bool{}
		for range 120 {
			n := random.Uint64N(60)
			if seed%2 == 1 && n >= 30 { // the highest numbers there are
				n = math.MaxUint64 - (n - 30)
			}
			if have := r.add(n); have == model[n] {
				t.Fatalf("seed %d: add(%d) gives %v to a set that holds it: %v", seed, n, have, model[n])
			}
			model[n] = true
			again, err := parseRanges(r.String())
			if err != nil || !slices.Equal(again, r) {
				t.Fatalf("seed %d: %q is read as %v, %v", seed, r, again, err)
			}
		}
		count := 0
		for i, s := range r {
			if i > 0 && (s.from <= r[i-1].to || s.from == r[i-1].to+1) {
				t.Fatalf("seed %d: ranges touch or overlap in %s", seed, r)
			}
			for n := s.from; ; n++ {
				if !model[n] {
					t.Fatalf("seed %d: %s holds %d, which was never added", seed, r, n)
				}
				if count++; n == s.to {
					break
				}
			}
		}
		if count != len(model) {
			t.Fatalf("seed %d: %s holds %d numbers; want %d", seed, r, count, len(model))
		}
	}
}

func TestRangesText(t *testing.T) {
	t.Parallel()
	var r ranges
	for _, n := range []uint64{1, 2, 3, 5, 9, 8, 7} {
		r.add(n)
	}
	want(t, "text", "1-3,5-5,7-9", r.String())
	r.add(4)
	r.add(6)
	want(t, "text when the gaps are closed", "1-9", r.String())
	if r, err := parseRanges(""); err != nil || r != nil {
		t.Errorf("want nothing of nothing, have %v, %v", r, err)
	}
	for _, bad := range []string{"1", "a-b", "1-2,", "3-1", "1-2,2-3", "1-2,3-4", "5-6,1-2", "-", "1-18446744073709551616", "7-18446744073709551615,8-9"} {
		if r, err := parseRanges(bad); err == nil {
			t.Errorf("%q is read as %v", bad, r)
		}
	}
}
