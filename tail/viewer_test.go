package tail_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/memory"
	"github.com/spoorhq/spoor/tail"
)

func TestItem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memory.Options{})
		v := l.watch().View(tail.Filter{}, 0, 10)
		defer v.Close()
		now := time.Now().UTC()
		l.accept("web",
			`{"type":"track","event":"Order Completed","messageId":"m1","userId":"ada","anonymousId":"dev","timestamp":"2026-01-02T03:04:05Z","properties":{"revenue":12},"context":{"locale":"de"}}`,
			`{"type":"identify","userId":"ada","traits":{"plan":"pro"}}`,
			`{"type":"track","userId":"ada"}`,
			"{broken \xff",
		)
		first := take(t, v)
		want := tail.Item{
			MessageID: "m1", Source: "web", Type: "track", Event: "Order Completed", UserID: "ada", AnonymousID: "dev",
			Protocol: "segment",
		}
		if first.MessageID != want.MessageID || first.Source != want.Source || first.Type != want.Type || first.Event != want.Event ||
			first.UserID != want.UserID || first.AnonymousID != want.AnonymousID || first.Protocol != want.Protocol {
			t.Errorf("want %+v; have %+v", want, first)
		}
		if !first.ReceivedAt.Equal(now) || first.Timestamp == nil || first.Timestamp.Format(time.RFC3339) != "2026-01-02T03:04:05Z" {
			t.Errorf("want received at %v, happened at 2026-01-02T03:04:05Z; have %v and %v", now, first.ReceivedAt, first.Timestamp)
		}
		if string(first.Properties) != `{"revenue":12}` || !strings.Contains(string(first.Context), `"locale":"de"`) || first.Raw != "" {
			t.Errorf("want properties and context, and no raw text of what loads; have %s, %s, %q", first.Properties, first.Context, first.Raw)
		}
		if second := take(t, v); string(second.Traits) != `{"plan":"pro"}` || second.MessageID != "b:1:1" || second.Timestamp != nil {
			t.Errorf("want traits, the id that the loader gives and no timestamp; have %+v", second)
		}
		if third := take(t, v); third.Refused != event.MissingName || third.Detail == "" || third.Raw != `{"type":"track","userId":"ada"}` {
			t.Errorf("want refused as %s with its text; have %+v", event.MissingName, third)
		}
		if fourth := take(t, v); fourth.Refused != event.InvalidJSON || fourth.Raw != "{broken \uFFFD" {
			t.Errorf("want refused as %s with its text made valid; have %+v", event.InvalidJSON, fourth)
		}
	})
}

// What a viewer holds is a copy: the record's memory is used again for the next one.
func TestItemsAreCopies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memory.Options{})
		v := l.watch().View(tail.Filter{}, 0, 10)
		defer v.Close()
		l.accept("web", track("first"))
		l.accept("web", strings.ReplaceAll(track("other"), `"n":1`, `"n":2`))
		if a := take(t, v); a.Event != "first" || string(a.Properties) != `{"n":1}` {
			t.Errorf("want the first event as it was; have %+v", a)
		}
	})
}

func TestFilter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memory.Options{})
		w := l.watch()
		cases := []struct {
			name   string
			filter tail.Filter
			want   string // message ids
		}{
			{"none", tail.Filter{}, "a b c d e"},
			{"a source", tail.Filter{Sources: []string{"app"}}, "d e"},
			{"two sources", tail.Filter{Sources: []string{"app", "web"}}, "a b c d e"},
			{"a type", tail.Filter{Types: []string{"page"}}, "c"},
			{"names", tail.Filter{Events: []string{"Buy", "Home"}}, "a c"},
			{"a user", tail.Filter{Person: "ada"}, "a d"},
			{"a device", tail.Filter{Person: "dev-1"}, "b"},
			{"text, whatever its case", tail.Filter{Text: "SHOES"}, "a d"},
			{"refused", tail.Filter{Refused: true}, "e"},
			{"all of it together", tail.Filter{Sources: []string{"app"}, Text: "shoes", Person: "ada"}, "d"},
			{"nothing fits", tail.Filter{Events: []string{"buy"}}, ""},
		}
		viewers := make([]*tail.Viewer, len(cases))
		for i, c := range cases {
			viewers[i] = w.View(c.filter, 0, 10)
		}
		if have := w.Viewers(); have != len(cases) {
			t.Errorf("want %d who look; have %d", len(cases), have)
		}
		l.accept("web",
			`{"type":"track","event":"Buy","messageId":"a","userId":"ada","properties":{"what":"Shoes"}}`,
			`{"type":"track","event":"Look","messageId":"b","anonymousId":"dev-1"}`,
			`{"type":"page","name":"Home","messageId":"c","userId":"bob"}`)
		l.accept("app",
			`{"type":"track","event":"Look","messageId":"d","userId":"ada","properties":{"at":"shoes"}}`,
			`{"type":"nonsense","messageId":"e","userId":"eve"}`)
		for i, c := range cases {
			viewers[i].Close()
			var have []string
			for len(viewers[i].C) > 0 {
				item := <-viewers[i].C
				have = append(have, item.MessageID)
			}
			if strings.Join(have, " ") != c.want {
				t.Errorf("%s: want %q; have %q", c.name, c.want, have)
			}
		}
		if have := w.Viewers(); have != 0 {
			t.Errorf("want nobody who looks; have %d", have)
		}
		l.accept("web", track("later"))
		for _, v := range viewers {
			nothing(t, v)
		}
	})
}

// A sampling viewer gets a small crowd whole, and of a large one no more than it asked for.
func TestSample(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memory.Options{})
		v := l.watch().View(tail.Filter{}, 20, 1000)
		defer v.Close()
		shown := func() int {
			synctest.Wait()
			n := len(v.C)
			for range n {
				<-v.C
			}
			return n
		}
		for second, c := range []struct{ came, want int }{{10, 10}, {10, 10}, {1000, 20}, {1000, 20}, {5, 5}} {
			l.accept("web", tracks(c.came)...)
			if have := shown(); have != c.want {
				t.Errorf("second %d, %d events: want %d shown; have %d", second, c.came, c.want, have)
			}
			sleep(time.Second)
		}
		for range 10 {
			l.accept("web", tracks(100)...)
			sleep(100 * time.Millisecond)
		}
		if have := shown(); have < 20 || have > 40 {
			t.Errorf("a second of 1000 events: want 20 shown, and those saved up; have %d", have)
		}
		if have := v.Missed(); have != 0 {
			t.Errorf("want a sample to miss nothing; have %d", have)
		}
	})
}

// A viewer that does not take its events is told how many it missed, and holds up nobody.
func TestSlowViewer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memory.Options{})
		w := l.watch()
		slow, quick := w.View(tail.Filter{}, 0, 3), w.View(tail.Filter{}, 0, 100)
		defer slow.Close()
		defer quick.Close()
		l.accept("web", tracks(10)...)
		if have := len(quick.C); have != 10 {
			t.Errorf("want all 10 events for the quick one; have %d", have)
		}
		if have, missed := len(slow.C), slow.Missed(); have != 3 || missed != 7 {
			t.Errorf("want 3 events for the slow one and 7 missed; have %d and %d", have, missed)
		}
		if have := slow.Missed(); have != 0 {
			t.Errorf("want the missed told once; have %d", have)
		}
		if have := w.InFlight().Seen; have != 10 {
			t.Errorf("want 10 seen; have %d", have)
		}
	})
}

func BenchmarkPass(b *testing.B) {
	writer := event.NewRecordWriter()
	raw := make([][]byte, 1000)
	for i := range raw {
		raw[i] = fmt.Appendf(nil, `{"type":"track","event":"Product Viewed","userId":"user-%d","messageId":"m-%d","properties":{"sku":"A-%d","price":39.95}}`, i, i, i)
	}
	writer.Add(&event.Request{Source: "web", Protocol: "segment", ReceivedAt: event.TimeOf(time.Now())}, raw)
	record := writer.Seal(nil, event.Header{Collector: "a", Boot: "b", Seq: 1})
	for _, looking := range []struct {
		name   string
		view   bool
		sample int
	}{{"nobody", false, 0}, {"sample", true, 20}, {"everything", true, 0}} {
		b.Run(looking.name, func(b *testing.B) {
			s := memory.New(memory.Options{})
			log := s.Open()
			ctx, cancel := context.WithCancel(b.Context())
			w := tail.New(tail.Options{
				Log: log, Logger: slog.New(slog.DiscardHandler),
				Positions: func(context.Context) (map[string]string, error) { return nil, nil },
			})
			done := make(chan error)
			go func() { done <- w.Run(ctx) }()
			if looking.view {
				v := w.View(tail.Filter{}, looking.sample, 4096)
				go func() {
					for {
						select {
						case <-v.C:
						case <-ctx.Done():
							return
						}
					}
				}()
			}
			records := make([]stream.Record, b.N)
			for i := range records {
				records[i].Data = record
			}
			b.ResetTimer()
			if err := log.Append(ctx, records); err != nil {
				b.Fatal(err)
			}
			for w.InFlight().Seen < int64(b.N)*1000 {
				time.Sleep(time.Millisecond)
			}
			b.StopTimer()
			b.ReportMetric(1000, "events/op")
			cancel()
			<-done
		})
	}
}
