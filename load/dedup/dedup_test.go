package dedup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// ids returns the keys of n ids of one prefix.
func ids(s *Set, prefix string, n int) []Key {
	keys := make([]Key, n)
	for i := range keys {
		keys[i] = s.Fingerprint("web", fmt.Sprint(prefix, i))
	}
	return keys
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newSet(t *testing.T, l limits) *Set {
	t.Helper()
	s, err := open(t.TempDir(), time.Hour, l)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// seen returns how many of the keys are duplicates at the second at, without a trace.
func seen(t *testing.T, s *Set, keys []Key, at int64) int {
	t.Helper()
	n := 0
	for some := range slices.Chunk(keys, s.limits.chunk) {
		b, duplicate := s.Begin(), make([]bool, len(some))
		must(t, b.Check(some, times(len(some), at), duplicate))
		b.Rollback()
		for _, d := range duplicate {
			if d {
				n++
			}
		}
	}
	return n
}

func stage(t *testing.T, b *Batch, keys []Key, at int64) {
	t.Helper()
	must(t, b.Check(keys, times(len(keys), at), make([]bool, len(keys))))
}

func load(t *testing.T, s *Set, keys []Key, at int64) {
	t.Helper()
	for some := range slices.Chunk(keys, s.limits.staged) {
		b := s.Begin()
		stage(t, b, some, at)
		must(t, b.Commit())
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]Options{
		"set of seen ids needs a directory":               {},
		"window cannot be under 1s; got 10ms":             {Dir: t.TempDir(), Window: 10 * time.Millisecond},
		"window cannot be under 1s; got -1h0m0s":          {Dir: t.TempDir(), Window: -time.Hour},
		"memory cannot be under 1048576 bytes; got 65536": {Dir: t.TempDir(), Memory: 64 << 10},
	} {
		if _, err := Open(o); err == nil || err.Error() != want {
			t.Errorf("want %q, have %v", want, err)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	if _, err := Open(Options{Dir: file}); err == nil {
		t.Error("want an error for a directory that is a file, have none")
	}

	dir := filepath.Join(t.TempDir(), "a", "b")
	must(t, os.MkdirAll(dir, 0o755))
	for _, name := range []string{"seen-1.run", "my.run", "precious.txt"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600))
	}
	s, err := Open(Options{Dir: dir})
	must(t, err)
	left, err := os.ReadDir(dir)
	must(t, err)
	if len(left) != 2 || left[0].Name() != "my.run" {
		t.Errorf("want the old runs removed and nothing else, have %v", left)
	}
	if st := s.Stat(); st.Memory > 64<<10 || st.IDs != 0 || st.Disk != 0 || st.Runs != 0 {
		t.Errorf("want an idle set to be small, have %+v", st)
	}
	b := s.Begin()
	must(t, s.Close())
	must(t, s.Close())
	for name, err := range map[string]error{
		"check":             b.Check(make([]Key, 1), make([]time.Time, 1), make([]bool, 1)),
		"check of a new":    s.Begin().Check(make([]Key, 1), make([]time.Time, 1), make([]bool, 1)),
		"commit":            b.Commit(),
		"add":               s.Add(make([]Key, 1), make([]time.Time, 1)),
		"commit of nothing": s.Begin().Commit(),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after close: want ErrClosed, have %v", name, err)
		}
	}
	s.Forget(time.Now())
	b.Rollback()
	if st := s.Stat(); st != (Stat{}) {
		t.Errorf("want nothing after close, have %+v", st)
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	s := newSet(t, tiny(64, 0))
	long := strings.Repeat("x", 5000)
	seen := map[Key][2]string{}
	for _, id := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"", "abc"}, {"abc", ""}, {"", ""}, {"b", "c"}, {"a", long}, {"a", long + "x"}, {long, "a"}} {
		key := s.Fingerprint(id[0], id[1])
		if other, ok := seen[key]; ok {
			t.Errorf("want other keys for %.20q and %.20q, have one", id, other)
		}
		seen[key] = id
		if key != s.Fingerprint(id[0], id[1]) {
			t.Errorf("want the same key again for %.20q", id)
		}
	}
	if newSet(t, tiny(64, 0)).Fingerprint("a", "b") == s.Fingerprint("a", "b") {
		t.Error("want keys that nobody can foretell, have those of another set")
	}
}

func TestNothingIsAllocatedPerID(t *testing.T) {
	s := newSet(t, limitsFor(16<<20))
	keys, at, duplicate := ids(s, "a", 8000), times(8000, 1_000_000), make([]bool, 8000)
	must(t, s.Add(ids(s, "b", 20_000), times(20_000, 1_000_000))) // so that the table need not grow below
	if n := testing.AllocsPerRun(10, func() {
		b := s.Begin()
		must(t, b.Check(keys, at, duplicate))
		b.Rollback()
	}); n > 10 {
		t.Errorf("want a handful of allocations for 8000 ids, have %v", n)
	}
	if n := testing.AllocsPerRun(10, func() { s.Fingerprint("web", "ajs-next-1718000000000-6f1c7a52-7d0b-4a68-9b6a-0c7d1f1c2e3d") }); n > 0 {
		t.Errorf("want no allocation for a fingerprint, have %v", n)
	}
}

func TestWindowCountsBothWays(t *testing.T) {
	t.Parallel()
	s := newSet(t, tiny(64, 0))
	key := ids(s, "a", 1)
	at := int64(1_000_000)
	load(t, s, key, at)
	for _, c := range []struct {
		at   int64
		want int
	}{{at, 1}, {at + 3600, 1}, {at + 3601, 0}, {at - 3600, 1}, {at - 3601, 0}, {-5, 0}, {1 << 40, 0}} {
		if have := seen(t, s, key, c.at); have != c.want {
			t.Errorf("seen at %d, asked at %d: want %d, have %d", at, c.at, c.want, have)
		}
	}
	// Seen a second time outside the window, it is seen at both, wherever that is written down.
	load(t, s, key, at+10_000)
	for _, more := range []int{0, 2000} {
		load(t, s, ids(s, "more", more), at+10_000)
		quiet(s)
		for _, c := range []struct {
			at   int64
			want int
		}{{at - 3600, 1}, {at + 3600, 1}, {at + 5000, 0}, {at + 6400, 1}, {at + 13_600, 1}, {at + 13_601, 0}} {
			if have := seen(t, s, key, c.at); have != c.want {
				t.Errorf("with %d more, asked at %d: want %d, have %d", more, c.at-at, c.want, have)
			}
		}
	}
}

func TestBatchesEndInOrder(t *testing.T) {
	t.Parallel()
	s := newSet(t, tiny(800, 64<<10))
	at := int64(1_000_000)
	load(t, s, ids(s, "before", 600), at)
	var keys [4][]Key
	var b [4]*Batch
	for i := range b {
		keys[i] = ids(s, fmt.Sprint(i, "-"), 70)
		b[i] = s.Begin()
		stage(t, b[i], keys[i], at)
		if n := seen(t, s, keys[i], at); n != 70 {
			t.Fatalf("want staged ids to be seen by those behind, have %d of 70", n)
		}
	}
	// The table was full meanwhile, and was written without what was staged.
	quiet(s)
	if st := s.Stat(); st.Runs != 1 || st.Disk != 600*entrySize || st.IDs != 880 {
		t.Fatalf("want 600 ids in a run, and 280 in memory, have %+v", st)
	}
	if err := b[1].Commit(); err != errOrder {
		t.Errorf("want %v, have %v", errOrder, err)
	}
	must(t, b[0].Commit())
	must(t, b[1].Commit())
	if err := b[1].Commit(); err != errCommitted {
		t.Errorf("want %v, have %v", errCommitted, err)
	}
	b[1].Rollback()
	b[2].Rollback()
	for i, want := range []int{70, 70, 0, 0} {
		if have := seen(t, s, keys[i], at); have != want {
			t.Errorf("batch %d: want %d seen, have %d", i, want, have)
		}
	}
	for _, err := range []error{b[3].Commit(), b[3].Check(keys[3], times(70, at), make([]bool, 70)), b[2].Commit()} {
		if err != errRolledBack {
			t.Errorf("want %v, have %v", errRolledBack, err)
		}
	}
	again := s.Begin()
	if err := again.Check(keys[3], times(1, at), make([]bool, 70)); err == nil {
		t.Error("want an error for times that are too few, have none")
	}
	stage(t, again, keys[3], at)
	more := ids(s, "more", 70)
	must(t, s.Add(more, times(70, at)))
	must(t, again.Commit())
	if err := s.Add(keys[0], times(1, at)); err == nil {
		t.Error("want an error for times that are too few, have none")
	}
	if have := seen(t, s, append(more, keys[3]...), at); have != 140 {
		t.Errorf("want all 140 seen, have %d", have)
	}
}

// TestManyStaged stages more at once than tables are made for: a record cannot be cut.
func TestManyStaged(t *testing.T) {
	t.Parallel()
	s := newSet(t, tiny(100, 64<<10))
	load(t, s, ids(s, "before", 60), 1)
	keys, few := ids(s, "many", 5_000), ids(s, "few", 25)
	for _, commit := range []bool{false, true} {
		b, behind := s.Begin(), s.Begin()
		for some := range slices.Chunk(keys, 250) {
			stage(t, b, some, 1)
		}
		if n := seen(t, s, keys, 1); n != len(keys) {
			t.Errorf("want all that is staged seen, have %d", n)
		}
		stage(t, behind, few, 1)
		if !commit {
			b.Rollback()
			if n := seen(t, s, append(keys, few...), 1); n != 0 {
				t.Errorf("want nothing staged after a rollback, have %d", n)
			}
			continue
		}
		must(t, b.Commit())
		must(t, behind.Commit())
	}
	if n := seen(t, s, append(keys, ids(s, "before", 60)...), 1); n != 5_060 {
		t.Errorf("want all 5060 seen, have %d", n)
	}
	for i := range 20 { // the tables are small again
		load(t, s, ids(s, fmt.Sprint("after", i, "-"), 25), 1)
		quiet(s)
	}
	if s.active.capacity != 100 || s.frozen != nil || (s.spare != nil && s.spare.capacity != 100) {
		t.Errorf("want small tables again; have one for %d", s.active.capacity)
	}
}

// TestForgetKeepsWhatIsStaged: an open batch must know its own ids, however old.
func TestForgetKeepsWhatIsStaged(t *testing.T) {
	t.Parallel()
	s := newSet(t, tiny(100, 64<<10))
	load(t, s, ids(s, "older", 25), 500)
	load(t, s, ids(s, "oldest", 25), 400)
	old := ids(s, "old", 20)
	b := s.Begin()
	stage(t, b, old, 1_000)
	s.Forget(time.Unix(100_000, 0))
	for i := range 4 {
		stage(t, b, ids(s, fmt.Sprint("new", i), 10), 200_000)
	}
	if s.swept == 0 {
		t.Fatal("want a table that was swept")
	}
	duplicate := make([]bool, 20)
	must(t, b.Check(old, times(20, 1_000), duplicate))
	if slices.Contains(duplicate, false) {
		t.Errorf("want all 20 seen, have %v", duplicate)
	}
	must(t, b.Commit())
}

func TestForget(t *testing.T) {
	t.Parallel()
	s := newSet(t, tiny(1000, 64<<10))
	hour := int64(3600)
	start := int64(1_000_000)
	var most Stat
	for h := range int64(20) { // 100 tables, of which the last hour's ten and what is not yet cleared away are kept
		at := start + h*hour
		for part := range int64(10) {
			for some := range slices.Chunk(ids(s, fmt.Sprint(h, "-", part, "-"), 500), 250) {
				load(t, s, some, at+part*360)
				if s.active.n > 1000 {
					t.Fatalf("want at most 1000 ids in the table, have %d", s.active.n)
				}
			}
			quiet(s)
			s.Forget(time.Unix(at+part*360, 0))
			st := s.Stat()
			most.IDs, most.Disk = max(most.IDs, st.IDs), max(most.Disk, st.Disk)
		}
	}
	cutoff := s.cutoff
	if s.Forget(time.Unix(start, 0)); s.cutoff != cutoff {
		t.Errorf("want no way back from %d, have %d", cutoff, s.cutoff)
	}
	if most.IDs > 20_000 || most.Disk > 20_000*entrySize {
		t.Errorf("want at most three windows of 5000 ids, and a table; have %+v", most)
	}
	if n := seen(t, s, ids(s, "18-9-", 500), start+19*hour); n != 500 {
		t.Errorf("want all of the window seen, have %d of 500", n)
	}
	s.Forget(time.Unix(start+100*hour, 0))
	quiet(s)
	if st := s.Stat(); st.Disk != 0 || st.Runs != 0 {
		t.Errorf("want no runs left, have %+v", st)
	}
	// The table is cleared by what needs its room.
	load(t, s, ids(s, "last", 900), start+100*hour)
	quiet(s)
	if st := s.Stat(); st.IDs != 900 || st.Runs != 0 {
		t.Errorf("want 900 ids and no run, have %+v", st)
	}
}

// TestConcurrentUse is for the race detector: staging, committing, watching, and jobs in the background, all at once.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	s := newSet(t, tiny(3000, 16<<10))
	const batches, each = 200, 200
	begun := make(chan *Batch, 2)
	var group sync.WaitGroup
	group.Go(func() {
		for b := range begun {
			if err := b.Commit(); err != nil {
				t.Error(err)
			}
		}
	})
	done := make(chan struct{})
	group.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				s.Stat()
				s.Fingerprint("a", "b")
				runtime.Gosched()
			}
		}
	})
	for i := range batches {
		keys, at := ids(s, fmt.Sprint(i, "-"), each), int64(1_000_000+i*60)
		var before []Key
		if i > 0 {
			before = ids(s, fmt.Sprint(i-1, "-"), each)
		}
		duplicate := make([]bool, len(before)+len(keys))
		b := s.Begin()
		if err := b.Check(append(before, keys...), times(len(duplicate), at), duplicate); err != nil {
			t.Fatal(err)
		}
		for k, d := range duplicate {
			if want := k < len(before); d != want {
				t.Fatalf("batch %d, id %d: want duplicate: %v, have: %v", i, k, want, d)
			}
		}
		begun <- b
		s.Forget(time.Unix(at, 0))
	}
	close(begun)
	close(done)
	group.Wait()
	must(t, s.Close()) // with jobs under way, maybe
	left, err := os.ReadDir(s.dir)
	must(t, err)
	if len(left) > 0 {
		t.Errorf("want nothing left behind, have %v", left)
	}
}

// TestRebuild is a restart: a new Set, fed from the warehouse, gives the old one's answers.
func TestRebuild(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var rows []string
	at := int64(1_000_000)
	for life := range 3 {
		s, err := open(dir, time.Hour, tiny(200, 1<<10))
		must(t, err)
		keys := make([]Key, len(rows))
		for i, id := range rows {
			keys[i] = s.Fingerprint("web", id)
		}
		must(t, s.Add(keys, times(len(keys), at)))
		must(t, s.Add(keys[:len(keys)/2], times(len(keys)/2, at))) // as after an error
		if n := seen(t, s, keys, at); n != len(rows) {
			t.Errorf("life %d: want %d seen, have %d", life, len(rows), n)
		}
		for i := range 1000 {
			rows = append(rows, fmt.Sprint(life, "-", i))
		}
		if n := seen(t, s, ids(s, fmt.Sprint(life, "-"), 1000), at); n != 0 {
			t.Errorf("life %d: want none of the new ids seen, have %d", life, n)
		}
		load(t, s, ids(s, fmt.Sprint(life, "-"), 1000), at)
		quiet(s)
		if st := s.Stat(); st.Runs == 0 {
			t.Errorf("life %d: want runs, have %+v", life, st)
		}
		if life == 1 { // it crashes, and leaves its runs behind
			for _, r := range s.runs {
				must(t, r.file.Close())
			}
			continue
		}
		must(t, s.Close())
	}
	left, err := os.ReadDir(dir)
	must(t, err)
	if len(left) > 0 {
		t.Errorf("want nothing left behind, have %v", left)
	}
}
