package dedup

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const perBatch = 8192

// report gives the mean cost of a key over all batches, and that of the batch at the first decile: what it is where nothing else
// wants the processor.
func report(b *testing.B, spent []time.Duration) {
	var sum time.Duration
	for _, d := range spent {
		sum += d
	}
	slices.Sort(spent)
	b.ReportMetric(float64(sum.Nanoseconds())/float64(len(spent)*perBatch), "mean-ns/key")
	b.ReportMetric(float64(spent[len(spent)/10].Nanoseconds())/perBatch, "p10-ns/key")
}

// BenchmarkLoad is the loader's whole use of a Set with ids that are all new: stage, commit, freeze, merge, forget.
func BenchmarkLoad(b *testing.B) {
	for _, memory := range []int64{128 << 20, 1 << 30} {
		b.Run(fmt.Sprintf("memory=%dM", memory>>20), func(b *testing.B) {
			s, err := Open(Options{Dir: b.TempDir(), Memory: memory})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			r := rand.New(rand.NewPCG(1, 2))
			keys, at, duplicate := make([]Key, perBatch), times(perBatch, 1_000_000), make([]bool, perBatch)
			var spent []time.Duration
			b.ReportAllocs()
			for done := 0; done < b.N; done += perBatch {
				draw(r, keys)
				start := time.Now()
				batch := s.Begin()
				if err := batch.Check(keys, at, duplicate); err != nil {
					b.Fatal(err)
				}
				if err := batch.Commit(); err != nil {
					b.Fatal(err)
				}
				spent = append(spent, time.Since(start))
			}
			report(b, spent)
			st := s.Stat()
			b.ReportMetric(float64(st.Memory)/(1<<20), "MiB")
			b.ReportMetric(float64(st.Runs), "runs")
		})
	}
}

// BenchmarkCheck is one lookup, in batches of 8192 ids, with a Set of 128 MiB, its table half full, and so many runs of
// a million ids: of a new id, of a new one where fewer ids are checked together, of one that is in the table, and of one
// that is in a run.
func BenchmarkCheck(b *testing.B) {
	for _, runs := range []int{0, 4, 16} {
		l := limitsFor(128 << 20)
		l.fanout = 1 << 30
		s, err := open(b.TempDir(), defaultWindow, l)
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close() //nolint:revive,gocritic // a few, till the benchmark ends
		r := rand.New(rand.NewPCG(3, 4))
		var written []Key
		for range runs {
			t := newTable(1 << 20)
			keys := make([]Key, 1<<20)
			draw(r, keys)
			for _, key := range keys {
				t.admit(key, 1_000_000, 1_000_000, 1_000_000)
			}
			written = append(written, keys[:len(keys)/runs]...)
			s.mu.Lock()
			s.write(s.plan(int64(t.n), s.kept()+int64(t.n)), t.walk, func(error) {})
			s.mu.Unlock()
		}
		quiet(s)
		recent := make([]Key, l.table/2)
		draw(r, recent)
		if err := s.Add(recent, times(len(recent), 1_000_000)); err != nil {
			b.Fatal(err)
		}
		for _, what := range []struct {
			name string
			from []Key
			each int // ids a Check
		}{{"new", nil, perBatch}, {"new by 128", nil, 128}, {"recent", recent, perBatch}, {"written", written, perBatch}} {
			if what.name == "written" && runs == 0 {
				continue
			}
			b.Run(fmt.Sprintf("%s/runs=%d", what.name, runs), func(b *testing.B) {
				keys, at, duplicate := make([]Key, perBatch), times(perBatch, 1_000_000), make([]bool, perBatch)
				var spent []time.Duration
				b.ReportAllocs()
				for done := 0; done < b.N; done += perBatch {
					draw(r, keys)
					for i := range keys {
						if what.from != nil {
							keys[i] = what.from[r.IntN(len(what.from))]
						}
					}
					start := time.Now()
					batch := s.Begin()
					for i := 0; i < perBatch; i += what.each {
						if err := batch.Check(keys[i:i+what.each], at[i:i+what.each], duplicate[i:i+what.each]); err != nil {
							b.Fatal(err)
						}
					}
					spent = append(spent, time.Since(start))
					batch.Rollback()
				}
				report(b, spent)
			})
		}
	}
}

// BenchmarkFingerprint is the key of a messageId as the browser's SDK makes them.
func BenchmarkFingerprint(b *testing.B) {
	s := &Set{seed: 42}
	b.ReportAllocs()
	for b.Loop() {
		s.Fingerprint("web", "ajs-next-1718000000000-6f1c7a52-7d0b-4a68-9b6a-0c7d1f1c2e3d")
	}
}

// BenchmarkFilter is what a run more costs a new id.
func BenchmarkFilter(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	f := newFilter(1<<20, 7)
	keys := make([]Key, 1<<20)
	draw(r, keys)
	for _, k := range keys {
		f.add(k)
	}
	draw(r, keys)
	var c, out [1024]uint16
	for i := range c {
		c[i] = uint16(i)
	}
	b.ResetTimer()
	for i := 0; i < b.N; i += 1024 {
		f.maybe(keys[i&(1<<20-1):][:1024], c[:], out[:])
	}
}
