//go:build linux || darwin || freebsd

package jetstream_test

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/jetstream"
)

// limitFiles makes every write past a size fail, in this process.
func limitFiles(size uint64) error {
	signal.Ignore(unix.SIGXFSZ)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = size
	return unix.Setrlimit(unix.RLIMIT_FSIZE, &limit)
}

// appendUntilBroken appends under a limit on the size of files, which is the disk failing to write, and tells how it
// went.
func appendUntilBroken(dir string) error {
	if err := limitFiles(3 << 20); err != nil {
		return err
	}
	ctx := context.Background()
	log, err := jetstream.OpenEmbedded(ctx, jetstream.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer log.Close()
	for n := 0; ; n++ {
		if log.Append(ctx, []stream.Record{numberedRecord(n)}) == nil {
			fmt.Println("acked", n)
			continue
		}
		// A store that has failed says so itself: who appends must not wait until the time is over.
		within, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := log.Append(within, []stream.Record{numberedRecord(n)})
		cancel()
		if err == nil || errors.Is(err, stream.ErrFull) {
			return fmt.Errorf("want a store that has failed to say so; have %v", err)
		}
		fmt.Printf("broken: %v\n", err)
		return nil
	}
}

// TestFailingDisk: a record that could not be written is an error, soon; so is every record after it; and what was
// acknowledged before is there when the stream is opened again.
func TestFailingDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd, out := child(t, "break", "DIR="+dir)
	acked, broken := -1, ""
	for out.Scan() {
		if _, err := fmt.Sscanf(out.Text(), "acked %d", &acked); err != nil {
			broken = out.Text()
		}
	}
	if err := errors.Join(out.Err(), cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	if want := "broken: the stream in " + dir + " has failed"; !strings.HasPrefix(broken, want) {
		t.Errorf("want %q…; have %q", want, broken)
	}
	left := survivors(t, dir)
	if left[0] == "" || len(left) <= acked || acked < 5 {
		t.Errorf("want the records 0 through %d; have %d of them", acked, len(left))
	}
	log := open(t, jetstream.Options{Dir: dir})
	if err := log.Append(t.Context(), []stream.Record{numberedRecord(len(left))}); err != nil {
		t.Errorf("want a stream that is opened again to take records; have %v", err)
	}
}
