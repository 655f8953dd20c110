package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal gives a pseudo-terminal for a program to write to, and what is seen on it.
func terminal(t *testing.T) (tty, screen *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatalf("a pseudo-terminal is wanted: %v", err)
	}
	t.Cleanup(func() { screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return tty, screen
}

// A statement that takes long shows on a terminal how far it is, and ends when it is interrupted; a pipe sees nothing of that.
func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	url, _ := running(t)
	out := filepath.Join(t.TempDir(), "out.csv")
	for name, args := range map[string][]string{
		"sql":  {"sql", "--server", url, "select count(*) from range(3000000) a, range(3000000) b where a.range + b.range = 7"},
		"file": {"sql", "--server", url, "-o", out, "select a.range as n from range(3000000) a, range(3000000) b"},
	} {
		tty, screen := terminal(t)
		ctx, interrupt := context.WithTimeout(t.Context(), time.Minute)
		done := make(chan int, 1)
		var stdout bytes.Buffer
		go func() { done <- run(ctx, args, process{&stdout, tty, strings.NewReader("")}) }()
		want := map[string]*regexp.Regexp{
			"sql": regexp.MustCompile(`asking, \d+s of at most 30m0s \(Ctrl-C cancels\)`), "file": regexp.MustCompile(`[\d,]+ rows, [\d.]+ .?i?B, \d+s \(Ctrl-C cancels\)`),
		}[name]
		var seen bytes.Buffer
		block := make([]byte, 4096)
		for !want.Match(seen.Bytes()) {
			n, err := screen.Read(block)
			seen.Write(block[:n])
			if err != nil || ctx.Err() != nil {
				t.Fatalf("%s: want %s on the terminal; have %q, %v", name, want, seen.String(), err)
			}
		}
		interrupt()
		if code := <-done; code != exitOK {
			t.Errorf("%s: want what is interrupted to end with %d; have %d, %q", name, exitOK, code, seen.String())
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: want no file of a part", name)
		}
	}
	if _, said := client(t, exitOK, "sql", "--server", url, "select 1"); said != "" {
		t.Errorf("want nothing on a pipe; have %q", said)
	}
	if _, said := client(t, exitFault, "sql", "--server", url, "-o", out, "select cast(case when range < 200000 then '1' else 'none' end as integer) from range(200001)"); !strings.Contains(said, "none") && !strings.Contains(said, "does not say why") {
		t.Errorf("want to be told why the answer was cut off; have %q", said)
	}
	if files, _ := filepath.Glob(filepath.Dir(out) + "/*"); len(files) > 0 {
		t.Errorf("want no file of a part; have %q", files)
	}
}
