package dedup

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// draw fills keys at random, spread as fingerprints are.
func draw(r *rand.Rand, keys []Key) {
	for i := range keys {
		keys[i] = Key{r.Uint64(), r.Uint64()}
	}
}

// times returns n times the second at.
func times(n int, at int64) []time.Time {
	return slices.Repeat([]time.Time{time.Unix(at, 0)}, n)
}

// quiet waits for the jobs in the background.
func quiet(s *Set) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.jobs > 0 {
		s.ended.Wait()
	}
}

// tiny are limits with which a table is full after so many ids.
func tiny(table int, filters int64) limits {
	return limits{table: table, staged: table * 3 / 4, chunk: min(table/4, chunkSize), filters: filters, buffer: 10 * entrySize, fanout: 3, merges: 2, runs: 24}
}

// model is a Set as one would write it if there were no end of memory: every sighting in a map.
type model struct {
	seen   map[Key][]int64
	window int64
	cutoff int64
}

// ask returns what a Set must answer, and what it may: sightings of before the cutoff may be forgotten, or not yet.
func (m *model) ask(key Key, at int64) (must, may bool) {
	for _, seen := range m.seen[key] {
		if max(at-seen, seen-at) <= m.window {
			may = true
			must = must || seen >= m.cutoff
		}
	}
	return must, may
}

// modelBatch is an open batch, there and here.
type modelBatch struct {
	*Batch
	keys []Key
	at   []int64
}

// play has a Set and the model do the same, which next, a source of numbers below n, decides until it says that there are no more.
func play(t *testing.T, s *Set, m *model, next func(n int) (int, bool), keys []Key) {
	t.Helper()
	const start = 1_000_000
	now := int64(start)
	var open []*modelBatch
	rollback := func(from int) {
		open[from].Rollback()
		for _, b := range open[from:] {
			for i, key := range slices.Backward(b.keys) {
				m.seen[key] = slices.DeleteFunc(m.seen[key], func(at int64) bool { return at == b.at[i] })
			}
			b.Rollback() // of one that has ended: nothing
		}
		open = open[:from]
	}
	for step := 0; ; step++ {
		what, more := next(20)
		if !more {
			break
		}
		switch {
		case what == 0 && len(open) < 3 || len(open) == 0:
			open = append(open, &modelBatch{Batch: s.Begin()})
		case what == 1:
			if err := open[0].Commit(); err != nil {
				t.Fatalf("step %d: commit: %v", step, err)
			}
			open = open[1:]
		case what == 2:
			from, _ := next(len(open))
			rollback(from)
		case what == 3:
			before := now - m.window/2
			s.Forget(time.Unix(before, 0))
			m.cutoff = max(m.cutoff, before-m.window)
		case what == 4 && len(open) == 1 && open[0].keys == nil:
			open[0].Rollback()
			open = nil
			k, _ := next(len(keys))
			at := now - m.window/2
			if err := s.Add(keys[k:k+1], times(1, at)); err != nil {
				t.Fatalf("step %d: add: %v", step, err)
			}
			m.seen[keys[k]] = append(m.seen[keys[k]], at)
		default:
			b := open[len(open)-1]
			n, _ := next(min(s.limits.staged, 500))
			n = min(n, s.limits.staged-s.staged)
			some, at := make([]Key, n), make([]time.Time, n)
			for i := range some {
				k, _ := next(len(keys))
				back, _ := next(int(m.window) * 3 / 4) // some of what a cutoff may have taken
				some[i], at[i] = keys[k], time.Unix(now-int64(back), 0)
			}
			forth, _ := next(int(m.window) / 8)
			now += int64(forth)
			duplicate := make([]bool, n)
			for i := range duplicate {
				duplicate[i] = i%2 == 0 // to be overwritten
			}
			if err := b.Check(some, at, duplicate); err != nil {
				t.Fatalf("step %d: check of %d ids with %d staged: %v", step, n, s.staged, err)
			}
			for i, key := range some {
				must, may := m.ask(key, at[i].Unix())
				if have := duplicate[i]; must && !have || have && !may {
					t.Fatalf("step %d: id %x at %d with cutoff %d, seen at %v\nwant duplicate: %v or %v\nhave: %v",
						step, key, at[i].Unix(), m.cutoff, m.seen[key], must, may, have)
				}
				if !duplicate[i] {
					m.seen[key] = append(m.seen[key], at[i].Unix())
					b.keys, b.at = append(b.keys, key), append(b.at, at[i].Unix())
				}
			}
		}
	}
	if len(open) > 0 {
		rollback(0)
	}
	// What remains is what was committed, and what was added.
	for _, key := range keys {
		b, duplicate := s.Begin(), make([]bool, 1)
		if err := b.Check([]Key{key}, times(1, now), duplicate); err != nil {
			t.Fatal(err)
		}
		if must, may := m.ask(key, now); must && !duplicate[0] || duplicate[0] && !may {
			t.Fatalf("at the end: id %x at %d, seen at %v\nwant duplicate: %v or %v\nhave: %v", key, now, m.seen[key], must, may, duplicate[0])
		}
		b.Rollback()
	}
}

func TestSetIsTheModel(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]limits{
		"tiny":            tiny(64, 64<<10),
		"no filters":      tiny(64, 0),
		"coarse filters":  tiny(64, 4<<10),
		"small":           tiny(1000, 64<<10),
		"nothing merged":  func() limits { l := tiny(256, 64<<10); l.fanout = 1 << 30; return l }(),
		"all in memory":   tiny(1<<20, 0),
		"few files":       func() limits { l := tiny(64, 64<<10); l.runs = 4; return l }(),
		"as by 1 MiB":     limitsFor(minMemory),
		"merged two by 2": func() limits { l := tiny(64, 64<<10); l.fanout = 2; return l }(),
	} {
		for _, spread := range []string{"even", "on few places"} {
			if spread != "even" && l.table > 256 {
				continue // a big table is lost without even keys
			}
			t.Run(name+"/"+spread, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				places := []uint64{7, 1 << 20, 1 << 63, 1<<64 - 1}
				for seed := range uint64(3) {
					r := rand.New(rand.NewPCG(seed, 7))
					keys := make([]Key, 2000)
					draw(r, keys)
					if spread != "even" {
						for i := range keys {
							// What no fingerprint does must be slow and not wrong.
							keys[i] = Key{places[r.IntN(len(places))] - r.Uint64N(8), keys[i].lo % 500}
						}
					}
					window := int64(100)
					s, err := open(dir, time.Duration(window)*time.Second, l)
					if err != nil {
						t.Fatal(err)
					}
					steps := 300
					m := &model{seen: map[Key][]int64{}, window: window}
					play(t, s, m, func(n int) (int, bool) {
						if n == 20 {
							steps--
						}
						return r.IntN(max(n, 1)), steps >= 0
					}, keys)
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}

func FuzzSet(f *testing.F) {
	f.Add([]byte("\x00\x09\x30\x10\x20\x30\x01\x00\x09\x30\x10\x20\x02\x03\x09\x20"))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = data[:min(len(data), 4000)]
		s, err := open(t.TempDir(), 100*time.Second, tiny(32, 2<<10))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		keys := make([]Key, 200)
		for i := range keys {
			keys[i] = Key{uint64(i) / 3 << 58, uint64(i % 7)}
		}
		play(t, s, &model{seen: map[Key][]int64{}, window: 100}, func(n int) (int, bool) {
			if len(data) == 0 {
				return 0, false
			}
			v := int(data[0]) % max(n, 1)
			data = data[1:]
			return v, true
		}, keys)
	})
}

// TestMillion is the promise in numbers: of a million ids none is taken for another, each is known when it comes again, and the
// memory stays in its bound all the time.
func TestMillion(t *testing.T) {
	t.Parallel()
	const n, memory = 1_000_000, 4 << 20
	dir := t.TempDir()
	s, err := Open(Options{Dir: dir, Memory: memory})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var most Stat
	pass := func(want bool) {
		keys, duplicate := make([]Key, 5000), make([]bool, 5000)
		for i := 0; i < n; i += len(keys) {
			for k := range keys {
				keys[k] = s.Fingerprint("web", fmt.Sprintf("id-%d", i+k))
			}
			b := s.Begin()
			if err := b.Check(keys, times(len(keys), 1_000_000+int64(i)/100), duplicate); err != nil {
				t.Fatal(err)
			}
			if k := slices.Index(duplicate, !want); k >= 0 {
				t.Fatalf("id-%d: want duplicate: %v, have: %v", i+k, want, !want)
			}
			st := s.Stat()
			most = Stat{max(most.IDs, st.IDs), max(most.Memory, st.Memory), max(most.Disk, st.Disk), max(most.Runs, st.Runs)}
			if err := b.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	pass(false)
	pass(true)
	if most.Memory > memory {
		t.Errorf("want at most %d bytes of memory, have %d", memory, most.Memory)
	}
	if most.Disk > 2*n*entrySize || most.Runs < 2 || most.Runs > s.limits.runs || most.IDs != n {
		t.Errorf("want %d ids in 2 to %d runs of together %d bytes or less, have at the most %+v", n, s.limits.runs, 2*n*entrySize, most)
	}
	quiet(s)
	var size int64
	files, err := filepath.Glob(filepath.Join(dir, runName))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if st := s.Stat(); st.Disk != size || st.Runs != len(files) {
		t.Errorf("want what is on disk, %d bytes in %d runs; have %+v", size, len(files), st)
	}
	t.Logf("at the most %+v", most)
}
