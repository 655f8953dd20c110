package jetstream_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/jetstream"
)

// fill appends numbered records until the stream is full, and tells the number that comes next.
func fill(t *testing.T, log stream.Log, from int) int {
	t.Helper()
	for n := from; ; n++ {
		err := log.Append(t.Context(), []stream.Record{numberedRecord(n)})
		if errors.Is(err, stream.ErrFull) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// take reads n numbered records after a position, which must be from, from+1 and so on, and gives the position of the
// last of them.
func take(t *testing.T, log stream.Log, after stream.Position, from, n int) stream.Position {
	t.Helper()
	reader, err := log.Read(t.Context(), "0", after)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for want := from; want < from+n; {
		records, err := reader.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range records {
			if have, err := numberOf(record); err != nil || have != want {
				t.Fatalf("want record %d; have %d, %v", want, have, err)
			}
			want++
			after = record.Position
			if want == from+n {
				break
			}
		}
	}
	return after
}

func appendNumbered(t *testing.T, log stream.Log, from, n int) {
	t.Helper()
	for i := range n {
		if err := log.Append(t.Context(), []stream.Record{numberedRecord(from + i)}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLimitChanges: a stream takes on a new limit when it is opened, and loses nothing to a lower one.
func TestLimitChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := 0
	for _, step := range []struct {
		ask, want int64
		more      bool
	}{
		{1 << 20, 1 << 20, true}, {3 << 20, 3 << 20, true}, {2 << 20, 2 << 20, false}, {0, 2 << 20, false}, {4 << 20, 4 << 20, true},
	} {
		log, err := jetstream.OpenEmbedded(t.Context(), jetstream.Options{Dir: dir, MaxBytes: step.ask})
		if err != nil {
			t.Fatal(err)
		}
		before := n
		if n = fill(t, log, n); (n > before) != step.more {
			t.Errorf("limit %d: want more to go in: %t; there went %d", step.ask, step.more, n-before)
		}
		take(t, log, "", 0, n)
		stat, err := log.Stat(t.Context())
		if err != nil || stat.Limit != step.want || stat.Records != int64(n) {
			t.Errorf("limit %d: want %d records and a limit of %d; have %+v, %v", step.ask, n, step.want, stat, err)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReserve: a disk with too little left is a full stream, and not a failed one.
func TestReserve(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, err := jetstream.OpenEmbedded(t.Context(), jetstream.Options{Dir: dir, Reserve: 1 << 60})
	if err != nil {
		t.Fatal(err)
	}
	err = log.Append(t.Context(), []stream.Record{numberedRecord(0)})
	if !errors.Is(err, stream.ErrFull) || !strings.Contains(err.Error(), dir) {
		t.Errorf("want ErrFull about %s; have %v", dir, err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	log = open(t, jetstream.Options{Dir: dir})
	appendNumbered(t, log, 0, 1)
	take(t, log, "", 0, 1)
}

// TestOpenTwice: two servers on one directory would ruin it.
func TestOpenTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log := open(t, jetstream.Options{Dir: dir})
	appendNumbered(t, log, 0, 1)
	second, err := jetstream.OpenEmbedded(t.Context(), jetstream.Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "is open already") {
		t.Fatalf("want a second opening to be refused; have %v, %v", second, err)
	}
	appendNumbered(t, log, 1, 1)
	take(t, log, "", 0, 2)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	take(t, open(t, jetstream.Options{Dir: dir}), "", 0, 2)
}

// TestTwoStreams: two streams in one process do not know of each other.
func TestTwoStreams(t *testing.T) {
	t.Parallel()
	a, b := open(t, jetstream.Options{Dir: t.TempDir()}), open(t, jetstream.Options{Dir: t.TempDir()})
	appendNumbered(t, a, 0, 3)
	appendNumbered(t, b, 100, 2)
	take(t, a, "", 0, 3)
	take(t, b, "", 100, 2)
}

// TestStreamMadeAnew: a position that was kept from an earlier stream in the same place is refused, however many
// records the new one has.
func TestStreamMadeAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, err := jetstream.OpenEmbedded(t.Context(), jetstream.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	appendNumbered(t, log, 0, 5)
	kept := take(t, log, "", 0, 3)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "jetstream")); err != nil {
		t.Fatal(err)
	}
	log = open(t, jetstream.Options{Dir: dir})
	for _, n := range []int{0, 12} {
		appendNumbered(t, log, 0, n)
		if _, err := log.Read(t.Context(), "0", kept); !errors.Is(err, stream.ErrTrimmed) {
			t.Errorf("with %d records: want ErrTrimmed; have %v", n, err)
		}
	}
}

// TestStreamSetBack: a position from beyond the end of the stream, as after a backup was put in its place, is refused.
func TestStreamSetBack(t *testing.T) {
	t.Parallel()
	dir, backup := t.TempDir(), t.TempDir()
	log := open(t, jetstream.Options{Dir: dir})
	appendNumbered(t, log, 0, 3)
	if err := os.CopyFS(backup, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	appendNumbered(t, log, 3, 1)
	kept := take(t, log, "", 0, 4)
	log = open(t, jetstream.Options{Dir: backup})
	if _, err := log.Read(t.Context(), "0", kept); !errors.Is(err, stream.ErrUnknownPosition) {
		t.Errorf("want ErrUnknownPosition; have %v", err)
	}
	if err := log.Trim(t.Context(), "0", kept, time.Now().Add(time.Hour)); !errors.Is(err, stream.ErrUnknownPosition) {
		t.Errorf("want ErrUnknownPosition; have %v", err)
	}
	take(t, log, "", 0, 3)
}

// TestDamagedDescription: the server passes over a stream whose description it cannot read. That must not end in a new
// stream on top of the old one's records.
func TestDamagedDescription(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(streamDir string) error{
		"garbled":    func(dir string) error { return os.WriteFile(filepath.Join(dir, "meta.inf"), []byte("{}"), 0o600) },
		"missing":    func(dir string) error { return os.Remove(filepath.Join(dir, "meta.inf")) },
		"unverified": func(dir string) error { return os.Remove(filepath.Join(dir, "meta.sum")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			log, err := jetstream.OpenEmbedded(t.Context(), jetstream.Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			appendNumbered(t, log, 0, 3)
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
			sound := t.TempDir()
			if err := os.CopyFS(sound, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			streamDir := filepath.Join(dir, "jetstream", "$G", "streams", "spoor")
			if err := damage(streamDir); err != nil {
				t.Fatal(err)
			}
			var complaints warnings
			for range 2 {
				log, err = jetstream.OpenEmbedded(t.Context(), jetstream.Options{Dir: dir, Warn: complaints.add})
				if err == nil {
					log.Close()
				}
				if err == nil || !strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), streamDir) {
					t.Fatalf("want an error that names the damaged %s; have %v", streamDir, err)
				}
			}
			if len(complaints.all()) == 0 {
				t.Error("want the server's warning passed on")
			}
			// What is left must be as good as before, for whoever mends it.
			for _, meta := range []string{"meta.inf", "meta.sum"} {
				whole, err := os.ReadFile(filepath.Join(sound, "jetstream", "$G", "streams", "spoor", meta))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(streamDir, meta), whole, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			take(t, open(t, jetstream.Options{Dir: dir}), "", 0, 3)
		})
	}
}

// TestHalfMade: a crash while the stream was being made leaves half a description, which must not stand in the way.
func TestHalfMade(t *testing.T) {
	t.Parallel()
	for name, missing := range map[string][]string{
		"unverified":   {"meta.sum"},
		"undescribed":  {"meta.sum", "meta.inf"},
		"hardly begun": {"meta.sum", "meta.inf", "msgs", "obs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			log, err := jetstream.OpenEmbedded(t.Context(), jetstream.Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
			for _, part := range append(missing, "msgs/index.db") {
				if err := os.RemoveAll(filepath.Join(dir, "jetstream", "$G", "streams", "spoor", part)); err != nil {
					t.Fatal(err)
				}
			}
			for n := range 3 { // and nothing is amiss later
				log, err := jetstream.OpenEmbedded(t.Context(), jetstream.Options{Dir: dir})
				if err != nil {
					t.Fatal(err)
				}
				appendNumbered(t, log, n, 1)
				take(t, log, "", 0, n+1)
				if err := log.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestDamagedRecord: a record that the disk has garbled is missed, and not passed over. (Where the end of the last block
// is garbled and the process was killed as well, the server cannot tell it from a record that was being written, and
// nothing in the stream can.)
func TestDamagedRecord(t *testing.T) {
	t.Parallel()
	const n = 60
	for _, test := range []struct {
		name    string
		last    bool // the block: the last, or the first
		indexed bool // the stream was closed well
	}{
		{"first block", false, true}, {"first block after a crash", false, false}, {"last block", true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			log, err := jetstream.OpenEmbedded(t.Context(), jetstream.Options{Dir: dir, MaxBytes: 8 << 20})
			if err != nil {
				t.Fatal(err)
			}
			appendNumbered(t, log, 0, n)
			first := take(t, log, "", 0, 1)
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
			files := blocks(t, dir)
			if len(files) < 2 {
				t.Fatalf("want several blocks; have %v", files)
			}
			block := files[0]
			if test.last {
				block = files[len(files)-1]
			}
			data, err := os.ReadFile(block)
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)/2] ^= 0xff
			if err := os.WriteFile(block, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if !test.indexed {
				if err := os.Remove(filepath.Join(filepath.Dir(block), "index.db")); err != nil {
					t.Fatal(err)
				}
			}
			log = open(t, jetstream.Options{Dir: dir})
			appendNumbered(t, log, n, 1)
			reader, err := log.Read(t.Context(), "0", first)
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			for want := 1; ; {
				records, err := reader.Next(t.Context())
				if errors.Is(err, stream.ErrTrimmed) && want > 1 && want < n {
					return
				}
				if err != nil {
					t.Fatalf("after %d records: want ErrTrimmed; have %v", want, err)
				}
				for _, record := range records {
					if have, err := numberOf(record); err != nil || have != want {
						t.Fatalf("want record %d or ErrTrimmed; have %d, %v", want, have, err)
					}
					want++
				}
			}
		})
	}
}

// TestNoDirectory: what cannot be a directory is an error and not a stream.
func TestNoDirectory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, options := range []jetstream.Options{{}, {Dir: file}, {Dir: filepath.Join(file, "below")}, {Dir: t.TempDir(), Name: "a b"}, {Dir: t.TempDir(), Name: "../x"}} {
		if log, err := jetstream.OpenEmbedded(t.Context(), options); err == nil {
			log.Close()
			t.Errorf("want %+v to be refused", options)
		}
	}
}

// warnings keeps what an embedded server complains about.
type warnings struct {
	mu   sync.Mutex
	said []string
}

func (w *warnings) add(complaint string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, complaint)
}

func (w *warnings) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.said)
}
