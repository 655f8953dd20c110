package kinesis

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spoorhq/spoor/stream"
)

// at starts a Log that calls nothing, and tells the time since then.
func at() (*Log, func() time.Duration) {
	l := &Log{options: Options{}.withDefaults(), paces: map[stream.ShardID]*pace{}}
	l.closing, l.close = context.WithCancel(context.Background())
	began := time.Now()
	return l, func() time.Duration { return time.Since(began) }
}

// Readers of one shard share its five calls a second; another shard has its own.
func TestCallsArePaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, since := at()
		for i := range 11 {
			if err := l.turn(t.Context(), l.pace("a")); err != nil {
				t.Fatal(err)
			}
			if want := time.Duration(i) * 200 * time.Millisecond; since() != want {
				t.Errorf("call %d: want it at %s; have %s", i, want, since())
			}
		}
		if err := l.turn(t.Context(), l.pace("b")); err != nil || since() != 2*time.Second {
			t.Errorf("want another shard's call at once; have it at %s, %v", since(), err)
		}
	})
}

// An answer of ten megabytes is not followed by a call within five seconds.
func TestBytesArePaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, since := at()
		p := l.pace("a")
		for _, step := range []struct {
			bytes int
			want  time.Duration
		}{{0, 0}, {10 << 20, 200 * time.Millisecond}, {1 << 20, 5200 * time.Millisecond}, {1000, 5700 * time.Millisecond}, {0, 5900 * time.Millisecond}} {
			if err := l.turn(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			if since() != step.want {
				t.Errorf("want the call at %s; have it at %s", step.want, since())
			}
			l.took(p, step.bytes)
		}
	})
}

// Who is told to slow down waits longer each time, and no longer than makes sense.
func TestBackOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, since := at()
		var pause, before time.Duration
		for i, seconds := range []int{1, 2, 4, 8, 8, 8} {
			most := time.Duration(seconds) * time.Second
			var err error
			if pause, err = l.backOff(t.Context(), pause); err != nil {
				t.Fatal(err)
			}
			if have := since() - before; have < most/2 || have > most {
				t.Errorf("pause %d: want %s at the most, and half of it at least; have %s", i, most, have)
			}
			before = since()
		}
		go l.close()
		if _, err := l.backOff(t.Context(), pause); err != stream.ErrClosed || since() != before {
			t.Errorf("want the pause to end with the Log; have %v after %s", err, since()-before)
		}
	})
}
