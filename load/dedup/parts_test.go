package dedup

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
)

// in returns the table's entries as they stand, having looked that they stand as they must.
func in(t *testing.T, tb *table) []entry {
	t.Helper()
	var have []entry
	for i, e := range tb.slots {
		if e.at == 0 {
			continue
		}
		if len(have) > 0 && !have[len(have)-1].before(&e) {
			t.Fatalf("slot %d: want order, have %x behind %x", i, e, have[len(have)-1])
		}
		for k := int(tb.home(e.Key)); k < i; k++ {
			if tb.slots[k].at == 0 {
				t.Fatalf("slot %d: want no gap from the home of %x on, have one at %d", i, e, k)
			}
		}
		have = append(have, e)
	}
	if len(have) != tb.n {
		t.Fatalf("want %d entries, have %d", tb.n, len(have))
	}
	return have
}

func TestTableIsASortedSlice(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		tb := newTable(1 + r.IntN(200))
		var want []entry
		for range 400 {
			e := entry{Key{r.Uint64() | seed%3*0xfff<<52, r.Uint64N(3)}, 1 + r.Uint32N(5)}
			if len(want) > 0 && r.IntN(3) == 0 {
				e.Key = want[r.IntN(len(want))].Key // for another time, or the same
			}
			i, there := slices.BinarySearchFunc(want, e, func(a, b entry) int {
				if a.before(&b) {
					return -1
				} else if b.before(&a) {
					return 1
				}
				return 0
			})
			switch r.IntN(8) {
			case 0:
				tb.remove(&e)
				if there {
					want = slices.Delete(want, i, i+1)
				}
			case 1:
				tb = tb.grown(max(1, tb.n/2+r.IntN(300)))
			case 2:
				if r.IntN(10) == 0 {
					cutoff := 1 + r.Uint32N(5)
					tb.drop(cutoff)
					want = slices.DeleteFunc(want, func(e entry) bool { return e.at < cutoff })
				}
			default:
				if seen := tb.admit(e.Key, e.at, e.at, e.at); seen != there {
					t.Fatalf("seed %d: admit %x: want seen: %v, have: %v", seed, e, there, seen)
				}
				if !there {
					want = slices.Insert(want, i, e)
				}
			}
			if have := in(t, tb); !slices.Equal(have, want) {
				t.Fatalf("seed %d: want\n%x\nhave\n%x", seed, want, have)
			}
		}
		for _, e := range want {
			if !tb.has(e.Key, e.at, e.at) || !tb.has(e.Key, 0, math.MaxUint32) || tb.has(Key{e.hi, e.lo + 10}, 0, math.MaxUint32) {
				t.Fatalf("seed %d: want %x, and not its neighbour", seed, e)
			}
			if len(tb.maybe([]Key{e.Key}, []uint16{0}, make([]uint16, 1))) != 1 {
				t.Fatalf("seed %d: want maybe for %x, have no", seed, e)
			}
		}
	}
}

func TestFilterNeverDenies(t *testing.T) {
	t.Parallel()
	const n = 20_000
	r := rand.New(rand.NewPCG(1, 2))
	keys, strange := make([]Key, n), make([]Key, n)
	draw(r, keys)
	draw(r, strange)
	all := make([]uint16, n)
	for i := range all {
		all[i] = uint16(i)
	}
	f := newFilter(n, maxPlanes)
	for _, key := range keys {
		f.add(key)
	}
	for planes := maxPlanes; ; planes-- {
		if want := int64(planes) * planeBytes(n); f.bytes() != want {
			t.Errorf("%d planes: want %d bytes, have %d", planes, want, f.bytes())
		}
		if have := f.maybe(keys, all, make([]uint16, n)); !slices.Equal(have, all) {
			t.Errorf("%d planes: want all ids that are in to pass, have %d of %d", planes, len(have), n)
		}
		want := math.Pow(1-math.Exp(-0.5), float64(planes))
		if have := float64(len(f.maybe(strange, all, make([]uint16, n)))) / n; have > want*1.3+0.0005 || have < want*0.7-0.0005 {
			t.Errorf("%d planes: want %.4f of strange ids to pass, have %.4f", planes, want, have)
		}
		if planes == 0 {
			break
		}
		f.coarsen()
	}
}

// TestRunFindsAll looks for what is in a run and for what is just beside it, where keys are spread evenly, where they are not, and
// where one key stands there more often than a read can hold.
func TestRunFindsAll(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for name, draw := range map[string]func(i int) entry{
		"even":         func(int) entry { return entry{Key{r.Uint64(), r.Uint64()}, 1 + r.Uint32N(100)} },
		"in a corner":  func(int) entry { return entry{Key{r.Uint64() >> 40, r.Uint64()}, 1 + r.Uint32N(100)} },
		"growing":      func(i int) entry { return entry{Key{math.MaxUint64 - uint64(i)*uint64(i), 0}, 1} },
		"one key":      func(i int) entry { return entry{Key{1 << 40, 7}, uint32(3*i + 3)} },
		"a few keys":   func(i int) entry { return entry{Key{uint64(i%3) << 62, 7}, uint32(3*i + 3)} },
		"the last key": func(i int) entry { return entry{Key{math.MaxUint64, math.MaxUint64}, math.MaxUint32 - uint32(i)*3} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{1, 2, perRead, perRead + 1, 3000} {
				for _, slots := range []int{1, 5} {
					tb := newTable(n)
					for i := range n {
						e := draw(i)
						tb.admit(e.Key, e.at, e.at, e.at)
					}
					want, held := in(t, tb), map[Key]bool{}
					for _, e := range want {
						held[e.Key] = true
					}
					var stop atomic.Bool
					w, err := newWriter(t.TempDir(), plan{most: int64(n), slices: slots}, 1000, &stop)
					must(t, err)
					must(t, tb.walk(w.add))
					must(t, w.finish())
					run, buf := w.run, make([]byte, readBytes)
					for i, e := range want {
						for _, c := range []struct {
							key      Key
							from, to uint32
							want     bool
						}{
							{e.Key, e.at, e.at, true},
							{e.Key, 0, math.MaxUint32, true},
							{e.Key, e.at + 1, e.at + 1, i+1 < len(want) && want[i+1] == entry{e.Key, e.at + 1}},
							{e.Key, e.at - 1, e.at - 1, i > 0 && want[i-1] == entry{e.Key, e.at - 1}},
							{Key{e.hi, e.lo ^ 1<<60}, 0, math.MaxUint32, false},
							{Key{e.hi ^ 1<<20, e.lo}, 0, math.MaxUint32, false},
						} {
							if c.to < c.from || c.key != e.Key && held[c.key] {
								continue
							}
							have, err := run.has(buf, c.key, c.from, c.to)
							must(t, err)
							if have != c.want {
								t.Fatalf("%d entries, %d slices: %x from %d to %d: want %v, have %v", n, slots, c.key, c.from, c.to, c.want, have)
							}
						}
					}
					must(t, run.discard())
				}
			}
		})
	}
}
