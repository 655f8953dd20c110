package load

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

func TestEveryEventHasOneEnding(t *testing.T) {
	along(t, 1, func(p *pipe) {
		stop := p.start()
		p.send("web", track("a", "X"), track("b", "X"), track("a", "X"), `{"type":"track","messageId":"c"}`, `{"type":`)
		p.quiet()
		p.send("web", track("b", "X"), track("d", "X"))
		p.send("shop", track("a", "X")) // another source's id is another id
		p.quiet()
		stop()
		p.send("web", track("a", "X"), track("e", "X"))
		p.load()
		want(t, "web", [4]int64{9, 4, 3, 2}, p.totals("web"))
		want(t, "shop", [4]int64{1, 1, 0, 0}, p.totals("shop"))
		wantSame(t, "ids", words("a b d a e"), p.ids())
		wantSame(t, "reasons", []string{string(event.MissingName), string(event.InvalidJSON)}, p.reasons())
	})
}

func TestDeadLetter(t *testing.T) {
	along(t, 1, func(p *pipe) {
		p.send("web", track("a", "X"), `{"type":"trick","messageId":"m"}`)
		p.load()
		if len(p.warehouse.dead) != 1 {
			t.Fatalf("want one dead letter, have %v", p.warehouse.dead)
		}
		dead := p.warehouse.dead[0]
		for column, value := range map[string]string{
			"source": "web", "protocol": "segment", "reason": string(event.UnknownType), "message_id": "m", "shard": "0", "position": "1",
		} {
			want(t, column, value, dead.text(column))
		}
		want(t, "raw", `{"type":"trick","messageId":"m"}`, string(dead["raw"].([]byte)))
		want(t, "index", 1, dead["index"].(int32))
		request := dead.text("request")
		if strings.Contains(request, "203.0.113.77") || !strings.Contains(request, `"userAgent":"curl/8"`) {
			t.Errorf("want a request line without the client's full address, have %s", request)
		}
	})
}

func TestForeignRecords(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write([]byte(track("zipped", "X"))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	along(t, 1, func(p *pipe) {
		nameless := `{"type":"track","event":"X","userId":"u"}`
		for _, data := range []string{
			track("plain", "X"),
			nameless + "\n{bad\n" + nameless,
			zipped.String(),
			"[" + track("first", "X") + "," + track("second", "X") + "]",
			"garbage", "SPR\x01", "SPR\x09 of tomorrow", "\x1f\x8b broken", "",
		} {
			p.put("", []byte(data))
		}
		p.send("web", track("last", "X"))
		p.load()
		ids := words("plain test:0:2:0 test:0:2:2 zipped first second last")
		wantSame(t, "ids", ids, p.ids())
		unreadable := string(event.UnreadableRecord)
		wantSame(t, "reasons", []string{string(event.InvalidJSON), unreadable, unreadable, unreadable, unreadable, unreadable}, p.reasons())
		want(t, "raw of garbage", "garbage", string(p.warehouse.dead[1]["raw"].([]byte)))
		want(t, "stream", [4]int64{12, 6, 0, 6}, p.totals("stream"))

		// Another warehouse gets the same ids.
		p.audit()
		p.warehouse = newWarehouse()
		p.load()
		wantSame(t, "ids read again", ids, p.ids())
	})
}

func TestDoubledRecordsAndSequences(t *testing.T) {
	along(t, 1, func(p *pipe) {
		first := p.seal(event.Header{Seq: 1}, "web", track("a", "X"))
		third := p.seal(event.Header{Seq: 3, Void: []uint64{2}}, "web", track("c", "X"))
		p.put("", first)
		p.put("", first)
		p.put("", third)
		stop := p.start()
		p.quiet()
		p.put("", third)
		p.quiet()
		want(t, "doubled, by the metric", 2, testutil.ToFloat64(p.loader.metrics.doubled))
		stop()
		p.put("", first)
		p.put("", p.seal(event.Header{Seq: 7}, "web", track("g", "X")))
		p.load()
		want(t, "web", [4]int64{3, 3, 0, 0}, p.totals("web"))
		s := p.warehouse.sequences[sequenceKey{"0", "door", "boot"}]
		want(t, "sequence", "1-1,3-3,7-7 2-2 3 3", fmt.Sprint(s.Seen, " ", s.Void, " ", s.Records, " ", s.Doubled))
		want(t, "position", "6", p.warehouse.positions["0"])
	})
}

func TestBatchesAreCut(t *testing.T) {
	for kind, same := range map[string]string{"rows": "", "dead letters": "{}"} {
		t.Run(kind, func(t *testing.T) {
			along(t, 1, func(p *pipe) {
				for i := range 10 {
					events := tracks(fmt.Sprintf("%d-", i), 10)
					if same != "" {
						events = slices.Repeat([]string{same}, 10)
					}
					p.send("web", events...)
				}
				p.load(func(o *Options) { o.MaxRows = 25 })
				wantSame(t, "sizes", []int64{30, 30, 30, 10}, p.warehouse.sizes)
				want(t, "accepted", 100, p.totals("web")[0])
			})
		})
	}
}

func TestWarehouseThatFails(t *testing.T) {
	for name, failing := range map[string]fault{"refused": refused, "lost after": lostAfter, "lost before": lostBefore} {
		t.Run(name, func(t *testing.T) {
			along(t, 1, func(p *pipe) {
				p.warehouse.fault = func(load int, _ *warehouse.Batch) fault {
					if load <= 5 {
						return failing
					}
					return none
				}
				stop := p.start()
				for i := range 8 {
					p.send("web", track(fmt.Sprint(i), "X"))
					time.Sleep(time.Second)
				}
				p.quiet()
				wantSame(t, "ids", words("0 1 2 3 4 5 6 7"), p.ids())
				if retries := testutil.ToFloat64(p.loader.metrics.retries); (retries == 5) != (failing != lostAfter) {
					t.Errorf("have %v retries", retries)
				}
				want(t, "fenced", 0, testutil.ToFloat64(p.loader.metrics.fenced))
				want(t, "loaded, by the metric", 8, testutil.ToFloat64(p.loader.metrics.events.WithLabelValues("loaded")))
				stop()
			})
		})
	}
}

// TestFenced: another loader takes the same records while this one's batch is on its way.
func TestFenced(t *testing.T) {
	along(t, 1, func(p *pipe) {
		p.warehouse.fault = func(load int, b *warehouse.Batch) fault {
			if load == 1 {
				if _, err := p.warehouse.commit(b); err != nil {
					t.Error(err)
				}
			}
			return none
		}
		stop := p.start()
		p.send("web", tracks("a", 3)...)
		p.quiet()
		p.send("web", append(tracks("a", 3), track("b", "X"))...)
		p.quiet()
		stop()
		want(t, "fenced", 1, testutil.ToFloat64(p.loader.metrics.fenced))
		want(t, "web", [4]int64{7, 4, 3, 0}, p.totals("web"))
	})
}

func TestTwoLoadersOnOneShard(t *testing.T) {
	along(t, 1, func(p *pipe) {
		one, two := p.start(), p.start()
		for i := range 20 {
			p.send("web", tracks(fmt.Sprint(i, "-"), 5)...)
			time.Sleep(400 * time.Millisecond)
		}
		p.quiet()
		one()
		two()
		want(t, "web", [4]int64{100, 100, 0, 0}, p.totals("web"))
	})
}

// TestSuspects: a loader of another shard brings the same events at the same time.
func TestSuspects(t *testing.T) {
	along(t, 1, func(p *pipe) {
		p.warehouse.fault = func(_ int, b *warehouse.Batch) fault {
			want(t, "suspects", 8, len(b.Suspects))
			other := *b
			other.Moves = nil
			if _, err := p.warehouse.commit(&other); err != nil {
				t.Error(err)
			}
			return none
		}
		p.send("web", tracks("a", 8)...)
		p.load(func(o *Options) { o.Shared = true })
		want(t, "web", [4]int64{16, 8, 8, 0}, p.totals("web"))
	})
}

func TestEndCommitsWhatWasRead(t *testing.T) {
	along(t, 1, func(p *pipe) {
		stop := p.start(func(o *Options) { o.Interval = time.Hour })
		p.send("web", tracks("a", 3)...)
		synctest.Wait()
		want(t, "loads before the end", 0, p.warehouse.attempts)
		stop()
		want(t, "web", [4]int64{3, 3, 0, 0}, p.totals("web"))
	})
}

// TestEndWhileCommitting ends the loader at the very moment at which a commit is done and the next batch waits.
func TestEndWhileCommitting(t *testing.T) {
	for range 20 {
		t.Run("", func(t *testing.T) {
			along(t, 1, func(p *pipe) {
				p.warehouse.fault = func(int, *warehouse.Batch) fault {
					p.warehouse.mu.Unlock()
					time.Sleep(time.Second)
					p.warehouse.mu.Lock()
					return none
				}
				stop := p.start()
				p.send("web", tracks("a", 3)...)
				time.Sleep(time.Second)
				p.send("web", tracks("b", 3)...)
				time.Sleep(500 * time.Millisecond)
				stop()
				want(t, "loaded", 6, p.totals("web")[1])
			})
		})
	}
}

// TestEndWithoutWarehouse: one batch is being tried and the next is built when the end comes.
func TestEndWithoutWarehouse(t *testing.T) {
	for name, f := range map[string]fault{"refused": refused, "hung": hung} {
		t.Run(name, func(t *testing.T) {
			along(t, 1, func(p *pipe) {
				p.warehouse.fault = func(int, *warehouse.Batch) fault { return f }
				stop := p.start()
				p.send("web", tracks("a", 3)...)
				p.quiet()
				p.send("web", tracks("b", 3)...)
				p.quiet()
				stop()
				want(t, "loads", 0, len(p.warehouse.batches))
				p.warehouse.fault = nil
				p.load()
				want(t, "web", [4]int64{6, 6, 0, 0}, p.totals("web"))
			})
		})
	}
}

// TestFlaw09ABusyShardIsCommittedAllTheTime: a shard that always has more is not waited out: what came is committed at every
// interval, so that a crash loses no more than that, and no batch grows with the time that the loader runs.
func TestFlaw09ABusyShardIsCommittedAllTheTime(t *testing.T) {
	along(t, 1, func(p *pipe) {
		stop := p.start(func(o *Options) { o.Interval = time.Second })
		for i := range 100 {
			p.send("web", track(fmt.Sprint(i), "X"))
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait() // nobody writes while it is looked at
		if have := len(p.ids()); have < 80 {
			t.Errorf("want most of 100 rows in while more come; have %d", have)
		}
		for _, size := range p.warehouse.sizes {
			if size > 20 {
				t.Errorf("want batches of a second; have sizes of %v", p.warehouse.sizes)
			}
		}
		stop()
		want(t, "rows", 100, len(p.ids()))
	})
}

func TestIdleLoaderLoadsNothing(t *testing.T) {
	along(t, 2, func(p *pipe) {
		stop := p.start()
		for range 10 {
			p.quiet()
		}
		stop()
		want(t, "loads", 0, p.warehouse.attempts)
	})
}

func TestSessionsGoOnAfterARestart(t *testing.T) {
	along(t, 1, func(p *pipe) {
		p.send("web", track("a", "X"))
		p.load()
		p.send("web", track("b", "X"))
		p.load()
		first, second := p.warehouse.rows[0].text("session_id"), p.warehouse.rows[1].text("session_id")
		if first == "" || first != second {
			t.Errorf("want one session, have %q and %q", first, second)
		}
	})
}
