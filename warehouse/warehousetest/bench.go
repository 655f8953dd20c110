package warehousetest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// Realistic makes the nth batch as browsers send it, about 1 KB an event: some columns unique, most of few values or null.
// Every 40th row brings a user and an identity. The caller releases its events.
func Realistic(n, rows int) *warehouse.Batch {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	builder := event.NewRows(memory.DefaultAllocator, rows)
	defer builder.Release()
	now := event.Time(1795435200e6) + int64(n)*1e6 // 23 November 2026
	request := &event.Request{Source: "web", Protocol: "segment"}
	var people []warehouse.User
	var identities []warehouse.Identity
	for i := range rows {
		person := r.IntN(400_000)
		at := now + int64(i)*1e6/int64(rows)
		path := fmt.Sprintf("/shop/products/%d", r.IntN(5000))
		e := event.Event{
			Request: request, Type: event.TypeTrack, Name: fmt.Sprintf("Event %d", r.IntN(40)), MessageID: fmt.Sprintf("ajs-next-%016x%016x", r.Uint64(), r.Uint64()),
			AnonymousID: fmt.Sprintf("%08x-aaaa-4bbb-8ccc-%012x", person*7919, person*104729), SessionID: fmt.Sprint(person, "-", n/1800),
			Timestamp: at, OriginalTimestamp: at - 7000, SentAt: at + 400, ReceivedAt: at + 9000,
			Page:     event.Page{URL: "https://www.example.com" + path, Host: "www.example.com", Path: path, Title: "Product " + path[15:] + " | Example", Referrer: "https://www.google.com/"},
			Referrer: event.Referrer{Host: "www.google.com", Kind: pick("search", "direct", "social"), Name: pick("Google", "Bing", "")},
			Campaign: event.Campaign{Source: pick("", "", "", "newsletter"), Medium: pick("", "", "", "email")},
			Device:   event.Device{Type: pick("desktop", "mobile", "tablet")}, OS: event.Software{Name: pick("macOS", "Windows", "iOS", "Android"), Version: pick("15.1", "14.7", "10", "18.2")},
			Browser: event.Software{Name: pick("Chrome", "Safari", "Firefox"), Version: fmt.Sprintf("%d.0", 120+r.IntN(10))}, Library: event.Software{Name: "analytics.js", Version: "2.11." + pick("1", "2")},
			Geo: event.Geo{Country: pick("NL", "DE", "US", "GB"), Region: pick("NH", "BE", "CA", ""), City: fmt.Sprintf("City %d", r.IntN(300))}, Screen: event.Screen{Width: 1920, Height: 1080},
			Locale: pick("en-US", "nl-NL", "de-DE"), Timezone: pick("Europe/Amsterdam", "America/New_York"), IP: fmt.Sprintf("203.0.%d.0", r.IntN(256)),
			UserAgent:  fmt.Sprintf("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", 120+r.IntN(10)),
			Properties: fmt.Appendf(nil, `{"product_id":"sku-%d","category":"%s","price":%d.%02d,"quantity":%d,"currency":"EUR","coupon":null,"position":%d,"in_stock":true}`, r.IntN(5000), pick("shoes", "hats", "coats"), r.IntN(300), r.IntN(100), 1+r.IntN(5), r.IntN(100)),
			Context:    []byte(`{"library":{"name":"analytics.js","version":"2.11.1"},"locale":"en-GB","screen":{"width":1920,"height":1080,"density":2},"timezone":"Europe/Amsterdam"}`),
		}
		if person%3 == 0 {
			e.UserID = fmt.Sprint("user-", person)
		}
		builder.Append(&e)
		if i%40 == 0 {
			people = append(people, warehouse.User{UserID: fmt.Sprintf("user-%d-%d", person, i), Traits: []byte(`{"plan":"pro","email":"someone@example.com"}`), FirstSeen: at, SeenAt: at})
			identities = append(identities, warehouse.Identity{AnonymousID: e.AnonymousID, UserID: fmt.Sprint("user-", person), SeenAt: at})
		}
	}
	b := &warehouse.Batch{
		ID: fmt.Sprint("load-", n), Stream: "main", Moves: []warehouse.Move{{Shard: "0", To: fmt.Sprint(n)}}, Events: builder.Take(), Users: people, Identities: identities,
		Counts: []warehouse.Count{{Source: "web", Minute: event.Minute(now), Accepted: int64(rows), Loaded: int64(rows)}},
	}
	if n > 1 {
		b.Moves[0].From = fmt.Sprint(n - 1)
	}
	for i := range 40 {
		b.Volumes = append(b.Volumes, warehouse.Volume{Source: "web", Type: "track", Event: fmt.Sprintf("Event %d", i), Minute: event.Minute(now), Loaded: int64(rows / 40)})
	}
	return b
}

// Bench loads batches of each size into one growing warehouse, and says what a row costs.
func Bench(b *testing.B, harness Harness, sizes ...int) {
	for _, rows := range sizes {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			w, err := harness.Open(b.Context(), b.Name(), nil)
			if err != nil {
				b.Fatal(err)
			}
			defer w.Close()
			if err := w.Migrate(b.Context()); err != nil {
				b.Fatal(err)
			}
			n := 0
			for b.Loop() {
				b.StopTimer()
				n++
				batch := Realistic(n, rows)
				b.StartTimer()
				if _, err := w.Load(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
				batch.Events.Release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
		})
	}
}
