package tail_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spoorhq/spoor/stream/memory"
	"github.com/spoorhq/spoor/tail"
)

// An event is found wherever the stream still holds it, with whether the warehouse has come to it.
func TestFind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testFind)
}

func testFind(t *testing.T) {
	l := newLine(t, memory.Options{})
	l.accept("web", `{"type":"track","event":"Buy","userId":"ada","messageId":"m-1"}`, track("Look"))
	l.accept("web", track("Look"), `{"type":"tracks","messageId":"m-2"}`)
	l.accept("app", `{"type":"track","event":"Buy","userId":"ada","messageId":"m-1"}`)
	w := l.watch()
	look := func(id string) (found []tail.Found) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		searched, err := w.Find(ctx, id, func(f tail.Found) error { found = append(found, f); return nil }, nil)
		if err != nil || !searched.Done || searched.Records != 3 || searched.Events != 5 || searched.From == nil || searched.To.Before(*searched.From) {
			t.Errorf("want all 3 records and 5 events looked at; have %+v, %v", searched, err)
		}
		return found
	}
	all := look("m-1")
	if len(all) != 2 || all[0].Source != "web" || all[1].Source != "app" || !all[0].InFlight || all[0].Event != "Buy" || all[0].TakenAt.IsZero() {
		t.Fatalf("want both events of the id, in flight; have %+v", all)
	}
	l.load(all[0].Shard, all[0].Position)
	if again := look("m-1"); len(again) != 2 || again[0].InFlight || !again[1].InFlight {
		t.Errorf("want the first one loaded and the other in flight; have %+v", again)
	}
	if refused := look("m-2"); len(refused) != 1 || refused[0].Refused != "unknown_type" || refused[0].Raw == "" {
		t.Errorf("want why it cannot be loaded, and its text; have %+v", refused)
	}
	if none := look("nothing"); len(none) != 0 {
		t.Errorf("want nothing; have %+v", none)
	}
	enough := errors.New("enough")
	if _, err := w.Find(t.Context(), "m-1", func(tail.Found) error { return enough }, nil); !errors.Is(err, enough) {
		t.Errorf("want the search ended by whom it tells; have %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if searched, err := w.Find(ctx, "m-1", func(tail.Found) error { return nil }, nil); !errors.Is(err, context.Canceled) || searched.Done {
		t.Errorf("want a search that was cancelled not to be done; have %+v, %v", searched, err)
	}
}
