package dashboard

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// counted makes snapshots whose Seen counts them.
func counted() (make func(context.Context) (Snapshot, error), made *atomic.Int64) {
	made = &atomic.Int64{}
	return func(context.Context) (Snapshot, error) { return Snapshot{Seen: made.Add(1)}, nil }, made
}

func newest(t *testing.T, c <-chan message) string {
	t.Helper()
	synctest.Wait()
	select {
	case m := <-c:
		return m.name + " " + string(m.text)
	default:
		return ""
	}
}

func TestHubMakesNothingUnwatched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		make, made := counted()
		h := newHub(make)
		defer h.close()
		time.Sleep(time.Hour)
		if have := made.Load(); have != 0 {
			t.Errorf("before anybody watched: want nothing made; have %d", have)
		}
		_, leave := h.watch()
		time.Sleep(10*snapshotEvery + snapshotEvery/2)
		synctest.Wait()
		leave()
		synctest.Wait()
		before := made.Load()
		if before != 11 {
			t.Errorf("in ten and a half seconds: want 11 made; have %d", before)
		}
		time.Sleep(time.Hour)
		if have := made.Load(); have != before {
			t.Errorf("after all have left: want nothing more made; have %d", have-before)
		}
		c, leave := h.watch()
		defer leave()
		if have := newest(t, c); !strings.Contains(have, fmt.Sprintf(`"seen":%d`, before+1)) {
			t.Errorf("who comes later: want a fresh snapshot at once, not an old one; have %q", have)
		}
	})
}

func TestHubSharesSnapshots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		make, made := counted()
		h := newHub(make)
		defer h.close()
		var all []<-chan message
		for range 50 {
			c, leave := h.watch()
			t.Cleanup(leave)
			all = append(all, c)
		}
		for second := range 5 {
			want := newest(t, all[0])
			for _, c := range all[1:] {
				if have := newest(t, c); have != want || want == "" {
					t.Fatalf("second %d: want all to have %q; have %q", second, want, have)
				}
			}
			time.Sleep(snapshotEvery)
		}
		if have := made.Load(); have < 5 || have > 6 {
			t.Errorf("want one made a second for all 50; have %d", have)
		}
		late, leave := h.watch()
		defer leave()
		if have := newest(t, late); have == "" {
			t.Error("who comes between two: want the newest one at once; have none")
		}
	})
}

// Who does not take its snapshots holds up nobody, and then gets the newest.
func TestHubSlowWatcher(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		make, made := counted()
		h := newHub(make)
		defer h.close()
		slow, leaveSlow := h.watch()
		defer leaveSlow()
		quick, leaveQuick := h.watch()
		defer leaveQuick()
		for range 10 {
			if newest(t, quick) == "" {
				t.Fatal("want a snapshot a second for the quick one; have none")
			}
			time.Sleep(snapshotEvery)
		}
		synctest.Wait()
		if have, want := newest(t, slow), fmt.Sprintf(`"seen":%d`, made.Load()); !strings.Contains(have, want) {
			t.Errorf("want the newest, with %s, for the slow one; have %q", want, have)
		}
		if have := newest(t, slow); have != "" {
			t.Errorf("want no older one behind it; have %q", have)
		}
	})
}

func TestHubFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		broken.Store(true)
		h := newHub(func(context.Context) (Snapshot, error) {
			if broken.Load() {
				return Snapshot{}, errors.New("the warehouse is on fire")
			}
			return Snapshot{Seen: 1}, nil
		})
		defer h.close()
		c, leave := h.watch()
		defer leave()
		if have, want := newest(t, c), `fault {"error":"the warehouse is on fire","code":"failed"}`; have != want {
			t.Errorf("want %s; have %s", want, have)
		}
		broken.Store(false)
		time.Sleep(snapshotEvery)
		if have := newest(t, c); !strings.HasPrefix(have, "snapshot ") {
			t.Errorf("want a snapshot once there is one; have %q", have)
		}
	})
}

// A making that takes long, for those who have left, is not sent to those who came after.
func TestHubLateSnapshot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		h := newHub(func(ctx context.Context) (Snapshot, error) {
			mine := n.Add(1)
			if mine == 1 {
				time.Sleep(10 * time.Second)
			}
			return Snapshot{Seen: mine}, ctx.Err()
		})
		defer h.close()
		_, leave := h.watch()
		synctest.Wait()
		leave()
		c, leaveLater := h.watch()
		defer leaveLater()
		if have := newest(t, c); !strings.Contains(have, `"seen":2`) {
			t.Errorf("want a making of one's own; have %q", have)
		}
		time.Sleep(10*time.Second + snapshotEvery/2)
		if have := newest(t, c); strings.Contains(have, `"seen":1,`) || strings.Contains(have, "fault") {
			t.Errorf("want nothing of the making before; have %q", have)
		}
	})
}

func TestHubClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		make, made := counted()
		h := newHub(make)
		_, leave := h.watch()
		synctest.Wait()
		h.close()
		h.close()
		leave()
		_, leave = h.watch()
		before := made.Load()
		time.Sleep(time.Minute)
		leave()
		if have := made.Load(); have != before {
			t.Errorf("after the end: want nothing made; have %d", have-before)
		}
	})
}
