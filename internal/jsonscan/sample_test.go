package jsonscan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// trackEvent is what analytics.js posts for a track call, with a short user agent.
const trackEvent = `{"timestamp":"2026-11-23T00:40:41.324Z","integrations":{"Segment.io":true},"event":"Order Completed","type":"track",` +
	`"properties":{"revenue":39.95,"currency":"EUR","products":["sku-17","sku-4"]},"context":{"page":{"path":"/checkout/done","referrer":"",` +
	`"search":"?step=3","title":"Thank you","url":"https://shop.example.com/checkout/done?step=3"},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) ` +
	`Gecko/20100101 Firefox/145.0","locale":"en-US","library":{"name":"analytics.js","version":"npm:next-1.84.3"},"timezone":"UTC"},` +
	`"messageId":"ajs-next-1795394441324-cccd3072-175c-4ca8-9b5c-d62540d08705","userId":"u1","anonymousId":"aed7cccd-3072-475c-9ca8-5b5cd62540d0"}`

type sample struct {
	name string
	text []byte
}

// events are n events of about the size of trackEvent that differ in what they hold and in the lengths of it.
func events(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	word := func(size int) string {
		b := make([]byte, 1+r.IntN(size))
		for i := range b {
			b[i] = 'a' + byte(r.IntN(26))
		}
		return string(b)
	}
	all := make([]string, n)
	for i := range all {
		path := "/" + word(12) + "/" + word(20)
		kind := fmt.Sprintf(`"type":"page","name":%q,"properties":{"path":%q,"title":%q}`, word(16), path, word(30))
		switch r.IntN(3) {
		case 0:
			kind = fmt.Sprintf(`"type":"identify","traits":{"email":"%s@example.com","plan":%q,"seats":%d}`, word(12), word(8), r.IntN(1000))
		case 1:
			kind = fmt.Sprintf(`"event":%q,"type":"track","properties":{"revenue":%.2f,%q:[%q,%q],%q:%t}`,
				word(20), r.Float64()*100, word(12), word(8), word(8), word(10), r.IntN(2) == 0)
		}
		all[i] = fmt.Sprintf(`{"timestamp":"2026-11-23T00:40:41.324Z","integrations":{},%s,"context":{"page":{"path":%q,"referrer":"",`+
			`"search":"?q=%s","title":%q,"url":"https://shop.example.com%s"},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/%d.36 (%s)",`+
			`"locale":"en-US","library":{"name":"analytics.js","version":"npm:next-1.84.3"},"timezone":"UTC"},"messageId":"ajs-next-1795394441324-%016x%016x",`+
			`"userId":%q,"anonymousId":"%016x%016x"}`,
			kind, path, word(12), word(30), path, r.IntN(1000), word(30), r.Uint64(), r.Uint64(), word(12), r.Uint64(), r.Uint64())
	}
	return all
}

// samples are the texts that the benchmarks read and the tests cut to pieces.
func samples() []sample {
	batch := `{"batch":[` + strings.Join(events(100), ",") + `],"writeKey":"wk_test","sentAt":"2026-11-23T00:40:41.328Z"}`
	nested := strings.Repeat(`{"a":[`, 250) + `1` + strings.Repeat(`]}`, 250)
	escapes := `{"message":"` + strings.Repeat(`C:\\Users\\name\tsaid \"caf\u00e9\" \ud83d\ude00\n`, 12) + `"}`
	foreign := `{"title":"` + strings.Repeat(`Заказ оформлен — спасибо за покупку 漢字 `, 8) + `"}`
	numbers := `[` + strings.Repeat(`0,-12,1795394441324,39.95,1.5e-7,`, 20) + `1]`
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(trackEvent), "", "    "); err != nil {
		panic(err)
	}
	return []sample{
		{"event", []byte(trackEvent)},
		{"batch", []byte(batch)},
		{"nested", []byte(nested)},
		{"escapes", []byte(escapes)},
		{"foreign", []byte(foreign)},
		{"numbers", []byte(numbers)},
		{"indented", indented.Bytes()},
	}
}

func BenchmarkScan(b *testing.B) {
	for _, s := range samples() {
		b.Run(s.name, func(b *testing.B) {
			b.SetBytes(int64(len(s.text)))
			for b.Loop() {
				if _, _, err := Scan(s.text, 1000); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncodingJSONValid(b *testing.B) {
	for _, s := range samples() {
		b.Run(s.name, func(b *testing.B) {
			b.SetBytes(int64(len(s.text)))
			for b.Loop() {
				if !json.Valid(s.text) {
					b.Fatal("invalid")
				}
			}
		})
	}
}

func BenchmarkMembers(b *testing.B) {
	for name, start := range map[string]func([]byte) Members{"new": NewMembers, "valid": ValidMembers} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(trackEvent)))
			text := []byte(trackEvent)
			for b.Loop() {
				keys := 0
				for m := start(text); m.Next(); {
					keys += len(m.Key())
				}
				if keys == 0 {
					b.Fatal("no members")
				}
			}
		})
	}
}

func BenchmarkElements(b *testing.B) {
	text := []byte(`[` + strings.Join(events(100), ",") + `]`)
	for name, start := range map[string]func([]byte) Elements{"new": NewElements, "valid": ValidElements} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				n := 0
				for e := start(text); e.Next(); n++ {
				}
				if n != 100 {
					b.Fatalf("want 100 events, have %d", n)
				}
			}
		})
	}
}

func BenchmarkAppendClean(b *testing.B) {
	for _, s := range samples() {
		b.Run(s.name, func(b *testing.B) {
			b.SetBytes(int64(len(s.text)))
			var dst []byte
			for b.Loop() {
				dst = AppendClean(dst[:0], s.text)
			}
		})
	}
}

func BenchmarkAppendString(b *testing.B) {
	for _, text := range []string{`"Order Completed"`, `"C:\\Users\\name\tsaid \"caf\u00e9\" \ud83d\ude00\n"`} {
		v, err := full([]byte(text))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(text[1:4], func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			var dst []byte
			for b.Loop() {
				dst = v.AppendString(dst[:0])
			}
		})
	}
}

func BenchmarkNumber(b *testing.B) {
	for _, text := range []string{"39.95", "1795394441324"} {
		v := Value{Kind: Number, Raw: []byte(text)}
		b.Run("Int/"+text, func(b *testing.B) {
			for b.Loop() {
				v.Int()
			}
		})
		b.Run("Float/"+text, func(b *testing.B) {
			for b.Loop() {
				v.Float()
			}
		})
	}
}
