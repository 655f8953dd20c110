package door

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/collect"
	"github.com/spoorhq/spoor/collect/ndjson"
	"github.com/spoorhq/spoor/collect/segment"
	"github.com/spoorhq/spoor/stream"
)

// browserEvent is what analytics.js posts for a track call, 630 bytes.
func browserEvent(i int) string {
	return fmt.Sprintf(`{"timestamp":"2026-11-23T00:%02d:41.324Z","integrations":{"Segment.io":true},"event":"Order Completed","type":"track",`+
		`"properties":{"revenue":%d.95,"currency":"EUR","products":["sku-%d","sku-4"]},"context":{"page":{"path":"/checkout/done","referrer":"",`+
		`"search":"?step=3","title":"Thank you","url":"https://shop.example.com/checkout/done?step=3"},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) `+
		`Gecko/20100101 Firefox/145.0","locale":"en-US","library":{"name":"analytics.js","version":"npm:next-1.84.3"},"timezone":"UTC"},`+
		`"messageId":"ajs-next-1795394441324-cccd3072-175c-4ca8-%04x-%012x","userId":"u%d","anonymousId":"aed7cccd-3072-475c-9ca8-%012x"}`,
		i%60, i*7%1000, i*31%500, i*40503%65536, i*2654435761, i, i*2246822519)
}

// nowhere is a stream that takes everything, after a while, and keeps nothing.
type nowhere struct {
	stream.Log
	after time.Duration
}

func (n nowhere) Append(context.Context, []stream.Record) error {
	if n.after > 0 {
		time.Sleep(n.after)
	}
	return nil
}
func (nowhere) Unwrap() stream.Log { return nil }

// silence is an answer that nobody reads.
type silence struct {
	header http.Header
	status int
}

func (s *silence) Header() http.Header         { return s.header }
func (s *silence) Write(b []byte) (int, error) { return len(b), nil }
func (s *silence) WriteHeader(status int)      { s.status = status }

// BenchmarkDoor is the way of a request from its parsed headers to its answer, without HTTP and without the stream; the
// compression of the record is in it.
func BenchmarkDoor(b *testing.B) {
	var batch strings.Builder
	batch.WriteString(`{"batch":[`)
	for i := range 100 {
		if i > 0 {
			batch.WriteByte(',')
		}
		batch.WriteString(browserEvent(i))
	}
	batch.WriteString(`],"writeKey":"wk_test","sentAt":"2026-11-23T00:40:51.312Z"}`)
	var bulk strings.Builder
	for i := range 1600 {
		bulk.WriteString(browserEvent(i) + "\n")
	}
	for _, c := range []struct {
		name, path, body string
		events           int
	}{
		{"single", "/v1/t", browserEvent(1), 1},
		{"batch", "/v1/batch", batch.String(), 100},
		{"ndjson", "/v1/ndjson", bulk.String(), 1600},
	} {
		for _, clients := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/clients=%d", c.name, clients), func(b *testing.B) {
				door, err := collect.New(collect.Options{
					Log: nowhere{}, ID: "door", Sources: []collect.Source{{Name: "web", Keys: []string{"wk_test"}}},
					Protocols: []collect.Protocol{segment.New(), ndjson.New()},
				})
				if err != nil {
					b.Fatal(err)
				}
				defer func() {
					if err := door.Close(); err != nil {
						b.Error(err)
					}
				}()
				b.SetBytes(int64(len(c.body)))
				b.ReportAllocs()
				b.SetParallelism(clients)
				b.RunParallel(func(pb *testing.PB) {
					req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, c.path, nil)
					req.Header.Set("Authorization", basic)
					body := strings.NewReader(c.body)
					answer := &silence{header: http.Header{}}
					for pb.Next() {
						body.Reset(c.body)
						req.Body, req.ContentLength = io.NopCloser(body), int64(len(c.body))
						clear(answer.header)
						if door.ServeHTTP(answer, req); answer.status != http.StatusOK {
							b.Errorf("want 200, have %d", answer.status)
							return
						}
					}
				})
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.events), "ns/event")
			})
		}
	}
}

// BenchmarkServer is the whole way over HTTP on loopback, with 64 clients and a stream that takes 3 ms, as a disk may.
func BenchmarkServer(b *testing.B) {
	d := open(b, func(o *collect.Options) { o.Log = nowhere{after: 3 * time.Millisecond} })
	body := browserEvent(1)
	client := http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}
	b.SetParallelism(64)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+d.address+"/v1/t", strings.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			req.Header.Set("Authorization", basic)
			resp, err := client.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, err = io.Copy(io.Discard, resp.Body)
			if resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
				b.Errorf("want 200, have %d, %v", resp.StatusCode, err)
				return
			}
		}
	})
}
