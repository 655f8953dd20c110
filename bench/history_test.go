package bench

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/spoorhq/spoor/stream"
)

func history(t *testing.T, rows uint64) *History {
	t.Helper()
	h, err := NewHistory(rows, 90, time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	h.read = make(chan struct{}, 1)
	return h
}

// readAll gives the records after a position, up to the one at which the reader has no more.
func readAll(ctx context.Context, t *testing.T, h *History, after stream.Position) []stream.Record {
	t.Helper()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	reader, err := h.Read(ctx, historyShard, after)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		select {
		case <-h.read:
		case <-ctx.Done():
		}
		stop()
	}()
	var all []stream.Record
	for {
		records, err := reader.Next(ctx)
		if errors.Is(err, context.Canceled) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, records...)
	}
}

func TestHistoryGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	h := history(t, 100_000)
	all := readAll(ctx, t, h, "")
	if have, want := all[len(all)-1].Position, h.End(); have != want {
		t.Errorf("the last record is at %s; want %s", have, want)
	}
	events := 0
	for i, record := range all {
		events += bytes.Count(record.Data, []byte("\n"))
		if record.Time.Before(h.From) || i > 0 && record.Time.Before(all[i-1].Time) {
			t.Errorf("record %d is of %v", i, record.Time)
		}
	}
	if events != 100_000 || h.Made() != 100_000 {
		t.Errorf("there are %d events, and %d are told; want 100000", events, h.Made())
	}
	// How many events there are by the last day is known roughly: of so few it is the doings of some hundred people.
	if end := all[len(all)-1].Time; end.Before(h.To.AddDate(0, 0, -30)) || end.After(h.To.AddDate(0, 0, 30)) {
		t.Errorf("the history ends at %v; want about %v", end, h.To)
	}
	rest := readAll(ctx, t, h, all[10].Position)
	if len(rest) != len(all)-11 {
		t.Fatalf("%d records come after the eleventh of %d", len(rest), len(all))
	}
	for i, record := range rest {
		if want := all[11+i]; record.Position != want.Position || !record.Time.Equal(want.Time) || !bytes.Equal(record.Data, want.Data) {
			t.Fatalf("record %d is another one when reading begins after the eleventh", 11+i)
		}
	}
	if _, err := h.Read(ctx, historyShard, "x"); !errors.Is(err, stream.ErrUnknownPosition) {
		t.Errorf("reading after x gives %v", err)
	}
}

// forgetful is a loader that takes some records and leaves the last one it was given, as one does that is told to end.
type forgetful struct {
	log   stream.Log
	at    *stream.Position
	stuck bool
}

func (f forgetful) Run(ctx context.Context) error {
	if f.stuck {
		<-ctx.Done()
		return nil
	}
	reader, err := f.log.Read(ctx, historyShard, *f.at)
	if err != nil {
		return err
	}
	for rest := (*stream.Position)(nil); ; {
		records, err := reader.Next(ctx)
		if err != nil {
			if rest != nil && *f.at == "" {
				*f.at = position(2) // the first session ends early
			} else if rest != nil {
				*f.at = *rest
			}
			return nil //nolint:nilerr // a loader's end is no fault
		}
		rest = &records[len(records)-1].Position
	}
}

func TestFillLoadsUntilAllIsThere(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	h, at, sessions := history(t, 100_000), stream.Position(""), 0
	f := Filling{
		History: h,
		Carrier: func(log stream.Log) (Carrier, error) {
			sessions++
			return forgetful{log: log, at: &at}, nil
		},
		Position: func(context.Context) (stream.Position, error) { return at, nil },
	}
	if err := Fill(ctx, f); err != nil || at != h.End() || sessions != 2 {
		t.Errorf("filling ends at %s after %d sessions with %v; want %s, 2, nil", at, sessions, err, h.End())
	}
	if err := Fill(ctx, f); err != nil || sessions != 2 {
		t.Errorf("filling what is full gives %v and session %d", err, sessions)
	}
	gone, stop := context.WithCancel(ctx)
	stop()
	at = ""
	f.Carrier = func(log stream.Log) (Carrier, error) { return forgetful{stuck: true}, nil }
	if err := Fill(gone, f); !errors.Is(err, context.Canceled) {
		t.Errorf("filling that was interrupted gives %v", err)
	}
}
