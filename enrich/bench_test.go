package enrich

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/spoorhq/spoor/event"
)

// newMix makes n events such as a shop gets: mostly from browsers, some from phones and servers, a few with an address in
// their context.
func newMix(t testing.TB, n, userAgents, ips, people int) []event.Event {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var known []string
	for i := range userAgents {
		known = append(known, userAgentOf(i))
	}
	referrers := []string{"", "", "", "https://www.google.com/", "https://shop.example.com/", "https://shop.example.com/cart", "https://l.facebook.com/", "https://blog.example.org/post/1"}
	queries := []string{"", "", "", "", "?q=shoes&page=2", "?utm_source=newsletter&utm_medium=email&utm_campaign=spring%20sale", "?gclid=Cj0KCQiA_abcdefghij", "?ref=a&b=c&d=e"}
	mix := make([]event.Event, n)
	for i := range mix {
		person := r.IntN(people)
		ip := fmt.Sprintf("203.0.%d.%d", r.IntN(max(1, ips/250)), r.IntN(250))
		at := instant(t, noon) + event.Time(i)*1000
		time := event.GoTime(at).Format("2006-01-02T15:04:05.000Z")
		request := event.Request{Source: "web", Protocol: "segment", IP: ip, UserAgent: known[person%userAgents], ReceivedAt: at + 200_000}
		var text string
		switch kind := r.IntN(20); {
		case kind == 0:
			text = fmt.Sprintf(`{"type":"track","event":"Order Paid","userId":"u%d","messageId":"m%d","timestamp":"%s","sentAt":"%s","properties":{"total":12.5},"context":{"library":{"name":"analytics-go","version":"3.0.0"}}}`, person, i, time, time)
			request.UserAgent = "analytics-go (version: 3.0.0)"
		case kind == 1:
			text = fmt.Sprintf(`{"type":"track","event":"Order Shipped","anonymousId":"a%d","messageId":"m%d","timestamp":"%s","sentAt":"%s","context":{"ip":"%s","userAgent":"%s","library":{"name":"analytics-python","version":"2.3.4"}}}`,
				person, i, time, time, ip, request.UserAgent)
		case kind < 5:
			text = fmt.Sprintf(`{"type":"screen","name":"Cart","anonymousId":"a%d","messageId":"m%d","timestamp":"%s","sentAt":"%s","context":{"app":{"name":"Shop","version":"3.1"},"device":{"type":"ios","model":"iPhone17,1","manufacturer":"Apple"},"os":{"name":"iOS","version":"26.1"},"library":{"name":"analytics-swift","version":"1.6"},"locale":"de-DE","timezone":"Europe/Berlin"}}`, person, i, time, time)
		default:
			path := fmt.Sprintf("/products/%d", r.IntN(1000))
			query := queries[r.IntN(len(queries))]
			text = fmt.Sprintf(`{"type":"track","event":"Product Viewed","anonymousId":"a%d","messageId":"m%d","timestamp":"%s","sentAt":"%s","properties":{"sku":"A-%d","price":19.9},"context":{"page":{"path":"%s","referrer":"%s","search":"%s","title":"A page of the shop, with a title of some length","url":"https://shop.example.com%s%s"},"userAgent":"%s","userAgentData":{"brands":[{"brand":"Not:A-Brand","version":"8"},{"brand":"Chromium","version":"142"}],"mobile":false,"platform":"macOS"},"locale":"en-US","library":{"name":"analytics.js","version":"npm:next-1.84.3"},"campaign":{},"timezone":"Europe/Berlin","screen":{"width":1440,"height":900}}}`,
				person, i, time, time, i, path, referrers[r.IntN(len(referrers))], query, path, query, request.UserAgent)
		}
		mix[i] = *read(t, request, text)
	}
	return mix
}

// userAgentOf gives one of any number of user agents of people.
func userAgentOf(i int) string {
	const people = 54 // programs follow in the list
	return fmt.Sprintf("%s v/%d", agents[i%people].ua, i)
}

// BenchmarkApply is the cost of all steps for one event of the mix, which the loader has just parsed and which is
// therefore near; the people, addresses and user agents are many. The cost of preparing the event, which prepare tells,
// is in it.
func BenchmarkApply(b *testing.B) {
	const userAgents, ips, people = 200, 5000, 50_000
	mix := newMix(b, 40, userAgents, ips, people)
	path := geoFile(b, append(city, network{"203.0.0.0/16", inCity("DE", "Land Berlin", "Berlin")}))
	var person, ip, ua []string
	for i := range people {
		person = append(person, fmt.Sprintf("3f9c2b1e-%08d", i*7919%people))
	}
	for i := range ips {
		ip = append(ip, fmt.Sprintf("203.%d.%d.%d", i%7, i/250, i%250))
	}
	for i := range userAgents {
		ua = append(ua, userAgentOf(i))
	}
	at := instant(b, noon)
	e, request := new(event.Event), new(event.Request)
	var near [3][]byte
	copied := func(i int, s string) string {
		near[i] = append(near[i][:0], s...)
		return view(near[i])
	}
	prepare := func(i int) {
		who := i * 1789 % people
		*e = mix[i%len(mix)]
		*request = *e.Request
		e.Request = request
		e.ReceivedAt = at + event.Time(i)*100
		e.OriginalTimestamp, e.SentAt = e.ReceivedAt-300_000, e.ReceivedAt-200_000
		e.AnonymousID, request.IP, request.UserAgent = copied(0, person[who]), copied(1, ip[who%ips]), copied(2, ua[who%userAgents])
		if e.UserAgent != "" {
			e.UserAgent = request.UserAgent
		}
	}
	b.Run("prepare", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			prepare(i)
		}
	})
	for _, file := range []string{"", path} {
		b.Run(map[bool]string{true: "without geo", false: "with geo"}[file == ""], func(b *testing.B) {
			p := open(b, Options{GeoFile: file})
			run := func(i int) {
				if i%1000 == 0 {
					p.Reset()
				}
				prepare(i)
				p.Apply(e)
			}
			for i := range people {
				run(i)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				run(i)
			}
			if stats := p.Stats(); stats.People != people {
				b.Fatalf("want %d people; have %d", people, stats.People)
			}
		})
	}
}

func BenchmarkParseAgent(b *testing.B) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		parseAgent(agents[i%len(agents)].ua)
	}
}
