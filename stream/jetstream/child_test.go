package jetstream_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/jetstream"
)

// roleVariable makes the test binary do one of the children's parts instead of running tests.
const roleVariable = "SPOOR_TEST_JETSTREAM_CHILD"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(roleVariable) {
	case "":
		m.Run()
	case "append":
		err = appendForEver(os.Getenv("DIR"), os.Getenv("FROM"))
	case "break":
		err = appendUntilBroken(os.Getenv("DIR"))
	}
	if err != nil {
		panic(err)
	}
}

// child is this test binary in another role. What it prints goes to the reader given back.
func child(t *testing.T, role string, env ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), append(env, roleVariable+"="+role)...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the child said: %s", complaints.Bytes())
		}
	})
	return cmd, bufio.NewScanner(out)
}

// numberedRecord makes a record that tells its number, a size that goes with it, and a checksum.
func numberedRecord(n int) stream.Record {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	data := make([]byte, 12+random.IntN(200<<10))
	for i := 12; i < len(data); i++ {
		data[i] = byte(random.Uint32())
	}
	binary.LittleEndian.PutUint64(data, uint64(n))
	binary.LittleEndian.PutUint32(data[8:], crc32.ChecksumIEEE(data[12:]))
	return stream.Record{Data: data}
}

func numberOf(r stream.Record) (int, error) {
	if len(r.Data) < 12 || binary.LittleEndian.Uint32(r.Data[8:]) != crc32.ChecksumIEEE(r.Data[12:]) {
		return 0, fmt.Errorf("the record at %s is not whole", r.Position)
	}
	return int(binary.LittleEndian.Uint64(r.Data)), nil
}

// appendForEver appends numbered records, tells of each Append that was acknowledged, and now and then trims, telling
// of it before. It ends by being killed.
func appendForEver(dir, from string) error {
	ctx := context.Background()
	n, err := strconv.Atoi(from)
	if err != nil {
		return err
	}
	log, err := jetstream.OpenEmbedded(ctx, jetstream.Options{Dir: dir, MaxBytes: 64 << 20})
	if err != nil {
		return err
	}
	reader, err := log.Read(ctx, "0", "")
	if err != nil {
		return err
	}
	positions := map[int]stream.Position{}
	for round := 1; ; round++ {
		var records []stream.Record
		for range round%5 + 1 {
			records = append(records, numberedRecord(n))
			n++
		}
		if err := log.Append(ctx, records); err != nil {
			return err
		}
		fmt.Println("acked", n-1)
		for positions[n-1] == "" {
			read, err := reader.Next(ctx)
			if err != nil {
				return err
			}
			for _, record := range read {
				number, err := numberOf(record)
				if err != nil {
					return err
				}
				positions[number] = record.Position
				fmt.Println("record", number, "is at", record.Position)
			}
		}
		// Every third time that is everything.
		if through := n - 1 - round%3; round%4 == 0 && positions[through] != "" {
			fmt.Println("trimming", through)
			if err := log.Trim(ctx, "0", positions[through], time.Now().Add(time.Hour)); err != nil {
				return err
			}
		}
	}
}

// TestKill kills a process amid its writing, time and again. What was acknowledged must be there, in order and once,
// save what was trimmed, and stand where it stood; a record or a few may stand behind it, that were written and not
// acknowledged in time. No position is ever given twice.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	from, places := 0, map[int]stream.Position{}
	for round := range 6 {
		cmd, out := child(t, "append", "DIR="+dir, "FROM="+strconv.Itoa(from))
		acked, trimmed := from-1, from-1
		for lines := 4 + random.IntN(40); out.Scan(); lines-- {
			var n int
			var at stream.Position
			if _, err := fmt.Sscanf(out.Text(), "acked %d", &n); err == nil {
				acked = n
			} else if _, err := fmt.Sscanf(out.Text(), "record %d is at %s", &n, &at); err == nil {
				places[n] = at
			} else if _, err := fmt.Sscanf(out.Text(), "trimming %d", &trimmed); err != nil {
				t.Fatalf("round %d: the child said %q", round, out.Text())
			}
			if lines == 0 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatalf("round %d: want the child to be killed; it ended well", round)
		}
		if acked < from {
			t.Fatalf("round %d: the child got nothing acknowledged", round)
		}
		left := survivors(t, dir)
		first, last := acked+1, acked // of an empty stream
		if len(left) > 0 {
			first, last = slices.Min(slices.Collect(maps.Keys(left))), slices.Max(slices.Collect(maps.Keys(left)))
		}
		if first > trimmed+1 && first > 0 || last < acked {
			t.Fatalf("round %d: want the records from %d at the latest, through %d, which was acknowledged; have %d through %d",
				round, trimmed+1, acked, first, last)
		}
		for n, at := range left {
			if places[n] != "" && places[n] != at {
				t.Fatalf("round %d: record %d stood at %s; now it stands at %s", round, n, places[n], at)
			}
			places[n] = at
		}
		taken := map[stream.Position]int{}
		for n, at := range places {
			if other, twice := taken[at]; twice {
				t.Fatalf("round %d: position %s was given to record %d and to record %d", round, at, n, other)
			}
			taken[at] = n
		}
		from = last + 1
	}
}

// survivors opens the stream in dir and tells where each record stands. They must be whole and in order, without gaps.
func survivors(t *testing.T, dir string) map[int]stream.Position {
	t.Helper()
	log, err := jetstream.OpenEmbedded(t.Context(), jetstream.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	stat, err := log.Stat(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reader, err := log.Read(t.Context(), "0", "")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	left, last := map[int]stream.Position{}, -1
	for int64(len(left)) < stat.Records {
		records, err := reader.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range records {
			n, err := numberOf(record)
			if err != nil {
				t.Fatal(err)
			}
			if len(left) > 0 && n != last+1 {
				t.Fatalf("want record %d next; have %d", last+1, n)
			}
			left[n], last = record.Position, n
		}
	}
	return left
}
