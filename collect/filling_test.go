package collect

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/kpl"
	"github.com/spoorhq/spoor/stream"
)

// metered is a stream that bills by units, and keeps what is appended.
type metered struct {
	stream.Log
	mu      sync.Mutex
	records []stream.Record
}

func (m *metered) Sizes() stream.Sizes {
	return stream.Sizes{Largest: 1<<20 - 12, Unit: 25 << 10, Frame: 12}
}

func (m *metered) Append(_ context.Context, records []stream.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range records {
		m.records = append(m.records, stream.Record{Key: r.Key, Data: bytes.Clone(r.Data)})
	}
	return nil
}

func (m *metered) kept() []stream.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.records)
}

// units is what a record is billed as.
func units(r stream.Record) int { return (len(r.Data) + max(len(r.Key), 12) + 25<<10 - 1) / (25 << 10) }

// door starts a collector on a metered stream.
func door(t testing.TB, m *metered, change func(*Options)) *Collector {
	return start(t, nil, func(o *Options) {
		o.Log = m
		if change != nil {
			change(o)
		}
	})
}

// visitor makes an event of some 500 bytes, whose text compresses as such texts do.
func visitor(dice *rand.Rand, i int) string {
	pages := []string{"/", "/pricing", "/docs/install", "/blog/what-a-spoor-is", "/account"}
	return fmt.Sprintf(`{"type":"track","event":"Product Viewed","messageId":"%016x%016x","anonymousId":"%016x-%08x","timestamp":"2026-11-25T21:%02d:%02d.%03dZ",`+
		`"properties":{"product_id":"p-%d","price":%d.%02d,"currency":"EUR","position":%d,"category":"shoes"},`+
		`"context":{"library":{"name":"analytics.js","version":"4.2.1"},"locale":"de-DE","page":{"path":"%s","title":"Welcome","url":"https://shop.example.com%s"}}}`,
		dice.Uint64(), dice.Uint64(), dice.Uint64(), i, dice.IntN(60), dice.IntN(60), dice.IntN(1000), dice.IntN(5000), dice.IntN(200), dice.IntN(100),
		dice.IntN(40), pages[dice.IntN(len(pages))], pages[dice.IntN(len(pages))])
}

// TestRecordsFillUnits: on a stream that bills by units, records end just before the next one would begin.
func TestRecordsFillUnits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &metered{}
		c := door(t, m, nil)
		dice := rand.New(rand.NewPCG(1, 2))
		const events, at = 24_000, 20
		for from := 0; from < events; from += 40 * at {
			var all sync.WaitGroup
			for range 40 {
				var body []string
				for i := range at {
					body = append(body, visitor(dice, from+i))
				}
				all.Go(func() {
					if have := post(t, c, strings.Join(body, "\n")); have.status != http.StatusOK || have.Accepted != at {
						t.Errorf("want %d events accepted, have %+v", at, have)
					}
				})
			}
			all.Wait()
		}
		billed, bytes := 0, 0
		for _, r := range m.kept() {
			billed += units(r)
			bytes += len(r.Data)
		}
		t.Logf("%d events in %d records, %d bytes: %d units, %d events each, filled to %d %%",
			events, len(m.kept()), bytes, billed, events/billed, 100*bytes/billed/(25<<10))
		if events/billed < 200 {
			t.Errorf("want 200 events in a unit; have %d units for %d", billed, events)
		}
	})
}

// TestRecordWaitsForCompany: a lone event waits as long as told, and no longer; without units it does not wait at all.
func TestRecordWaitsForCompany(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		set, want time.Duration
		plain     bool
		format    Format
	}{
		{0, 100 * time.Millisecond, false, Compact}, {time.Second, time.Second, false, KPL}, {-1, 0, false, Compact},
		{time.Second, 0, true, Compact}, {time.Second, 0, false, JSON},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := &metered{}
			d := door(t, m, func(o *Options) {
				o.RecordWait, o.Format = c.set, c.format
				if c.plain {
					o.Log = struct{ stream.Log }{m} // without its Sizes
				}
			})
			began := time.Now()
			post(t, d, good("a"))
			if have := time.Since(began); have != c.want || len(m.kept()) != 1 {
				t.Errorf("%+v: want an answer after %s; have it after %s, and %d records", c, c.want, have, len(m.kept()))
			}
		})
	}
}

// TestRecordFitsTheStream: whatever the text, no record is larger than what the stream takes.
func TestRecordFitsTheStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &metered{}
		c := door(t, m, func(o *Options) { o.RecordBytes = event.MaxRecordBytes / 2 })
		dice := rand.NewChaCha8([32]byte{1})
		var all sync.WaitGroup
		for range 60 {
			noise := make([]byte, 28<<10)
			_, _ = dice.Read(noise)
			for i := range noise {
				noise[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[noise[i]%64]
			}
			all.Go(func() { post(t, c, strings.Replace(good("m"), `"u"`, `"`+string(noise)+`"`, 1)) })
		}
		all.Wait()
		for _, r := range m.kept() {
			if len(r.Data) > 1<<20-12 {
				t.Errorf("a record has %d bytes, and the stream takes none like that", len(r.Data))
			}
		}
		if c.commits.filling.most > 1<<19 {
			t.Errorf("want batches of half of what the stream takes; have %d", c.commits.filling.most)
		}
	})
}

// TestFormats: what is put on the stream for others is one event a record, or aggregated, and has its ids and its person.
func TestFormats(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{JSON, KPL} {
		synctest.Test(t, func(t *testing.T) {
			m := &metered{}
			c := door(t, m, func(o *Options) { o.Format = format })
			dice := rand.New(rand.NewPCG(1, 2))
			var body []string
			for i := range 100 {
				body = append(body, visitor(dice, i))
			}
			body[7] = `{"type":"page","userId":"u-7"}`
			post(t, c, strings.Join(body, "\n"))
			var texts [][]byte
			billed := 0
			for _, r := range m.kept() {
				billed += units(r)
				inner, ok := kpl.Read(r.Data, nil)
				if ok != (format == KPL) {
					t.Fatalf("%s: aggregated: %t", format, ok)
				}
				for _, i := range inner {
					if string(i.Key) != r.Key {
						t.Errorf("want the record's key %q within it; have %q", r.Key, i.Key)
					}
					texts = append(texts, i.Data)
				}
				if format == JSON {
					texts = append(texts, r.Data)
				}
			}
			if len(texts) != len(body) {
				t.Fatalf("%s: want %d events; have %d", format, len(body), len(texts))
			}
			if want := `"messageId":"` + c.commits.boot + `:1:7"`; !bytes.Contains(texts[7], []byte(want)) {
				t.Errorf("%s: want the event without an id to have %s; have %s", format, want, texts[7])
			}
			if !bytes.HasPrefix(texts[8], []byte(body[8][:len(body[8])-1])) ||
				!bytes.Contains(texts[0], []byte(`,"_spoor":{"source":"web",`)) || !bytes.Contains(texts[8], []byte(`,"_spoor":{`)) {
				t.Errorf("%s: want what the client sent and what the door knows; have %s", format, texts[8])
			}
			if format == JSON && m.kept()[7].Key != "u-7" {
				t.Errorf("want the person as key; have %q", m.kept()[7].Key)
			}
			if most := map[Format]int{JSON: 100, KPL: 3}[format]; billed > most {
				t.Errorf("%s: want %d units at most; have %d", format, most, billed)
			}
		})
	}
}

func TestFormatIsChecked(t *testing.T) {
	t.Parallel()
	_, err := New(Options{Log: &metered{}, ID: "door", Protocols: []Protocol{lines{wholeMost, "/whole"}}, Format: "xml"})
	if err == nil || !strings.Contains(err.Error(), `got "xml"`) {
		t.Errorf("want the format refused; have %v", err)
	}
}
