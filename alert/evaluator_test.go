package alert

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/saved"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
)

// scene is an evaluator over a real warehouse, with a clock that the test moves.
type scene struct {
	*Evaluator
	t     *testing.T
	store *saved.Store
	w     *duckdb.Warehouse
	load  int

	mu       sync.Mutex
	now      time.Time
	behind   time.Duration // how far the warehouse is behind
	numbers  func(at time.Time) *float64
	received []notification
	refuse   int // how many requests the webhook refuses
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	var err error
	if s.w, err = duckdb.Open(t.Context(), duckdb.Options{Path: filepath.Join(t.TempDir(), "spoor.duckdb")}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.w.Close() })
	if err := s.w.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.store, err = saved.Open(saved.Options{Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	s.Evaluator = s.again()
	return s
}

// again makes another evaluator on the same folder, as a restart does.
func (s *scene) again() *Evaluator {
	return New(Options{
		Saved: s.store, Warehouse: s.w, Pages: "https://spoor.example/",
		Now: func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now },
		CompleteTo: func() time.Time {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.now.Add(-s.behind)
		},
		Number: func(_ context.Context, report string, number query.Number, at time.Time) (Reading, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if report == "gone" {
				return Reading{}, errors.New("it is gone")
			}
			reading := Reading{Name: "conversion", NumberAnswer: query.NumberAnswer{Value: s.numbers(at), Kind: query.Counted}}
			if number.Step != nil {
				reading.Kind, reading.Of = query.Part, 400
			}
			return reading, nil
		},
	})
}

// fill adds rows of a name, so many in each minute that ends with the quarter of an hour.
func (s *scene) fill(event string, from, to time.Time, rows func(at time.Time) int64) {
	s.t.Helper()
	b := &warehouse.Batch{ID: fmt.Sprint("load", s.load), Stream: "main", Moves: []warehouse.Move{{Shard: fmt.Sprint("shard", s.load), To: "1"}}}
	s.load++
	for at := from; at.Before(to); at = at.Add(15 * time.Minute) {
		if n := rows(at); n > 0 {
			b.Volumes = append(b.Volumes, warehouse.Volume{Source: "web", Type: "track", Event: event, Minute: at.Unix() / 60, Loaded: n})
		}
	}
	if _, err := s.w.Load(s.t.Context(), b); err != nil {
		s.t.Fatal(err)
	}
}

// hook is a webhook that checks the signature and notes what it is told.
func (s *scene) hook() string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		key, err := Key(r.Context(), s.store)
		if err != nil {
			s.t.Error(err)
		}
		var at int64
		_, _ = fmt.Sscan(r.Header.Get("webhook-timestamp"), &at)
		if want, err := sign(key, r.Header.Get("webhook-id"), at, body); err != nil || r.Header.Get("webhook-signature") != want {
			s.t.Errorf("want the signature %s; have %s, %v", want, r.Header.Get("webhook-signature"), err)
		}
		var n notification
		if err := json.Unmarshal(body, &n); err != nil || n.ID != r.Header.Get("webhook-id") {
			s.t.Errorf("want a notification with the id in the header; have %s, %v", body, err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.refuse > 0 {
			s.refuse--
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		s.received = append(s.received, n)
	}))
	s.t.Cleanup(server.Close)
	return server.URL + "/secret-path"
}

// step moves the clock and lets the evaluator look.
func (s *scene) step(d time.Duration) {
	s.t.Helper()
	s.mu.Lock()
	s.now = s.now.Add(d)
	s.mu.Unlock()
	if err := s.Step(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// told gives what the webhook was told since the last time.
func (s *scene) told() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var told []string
	for _, n := range s.received {
		told = append(told, n.Text)
	}
	s.received = nil
	return told
}

func (s *scene) keep(id, name string, rule Rule) {
	s.t.Helper()
	body, err := json.Marshal(rule)
	if err != nil {
		s.t.Fatal(err)
	}
	old, err := s.store.Get(saved.Alerts, id)
	if err != nil && !errors.Is(err, saved.ErrNotFound) {
		s.t.Fatal(err)
	}
	if _, err := s.store.Put(s.t.Context(), saved.Alerts, id, old.Version, saved.Draft{Name: name, Body: body}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) alert(id string) Alert {
	s.t.Helper()
	all, err := Alerts(s.store)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, a := range all {
		if a.ID == id {
			return a
		}
	}
	s.t.Fatalf("there is no alert %s", id)
	return Alert{}
}

func (s *scene) wants(what string, told ...string) {
	s.t.Helper()
	have := s.told()
	if len(have) != len(told) {
		s.t.Errorf("%s: want %q told; have %q", what, told, have)
		return
	}
	for i, want := range told {
		if !strings.Contains(have[i], want) {
			s.t.Errorf("%s: want %q told; have %q", what, want, have[i])
		}
	}
}

// A threshold is told when it is passed twice in a row, once, and again when the number is back; over a restart too.
func TestThreshold(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	n := int64(10)
	begin := s.now
	s.fill("Order Completed", begin.Add(-2*time.Hour), begin, func(time.Time) int64 { return n })
	least := 30.0
	s.keep("orders", "Few orders", Rule{Event: &Volume{Event: "Order Completed"}, Below: &least, Notify: []Receiver{{Webhook: s.hook()}}})
	s.step(0)
	s.wants("40 in the hour")
	if a := s.alert("orders"); a.State.Status != OK || *a.State.Value != 40 || *a.State.Low != 30 || !a.State.Evaluated.Equal(begin) {
		t.Errorf("want ok at 40; have %+v", a.State)
	}
	s.step(29 * time.Minute) // 11:29 to 12:29 has the quarters from 11:30 on: 20
	s.wants("once under it")
	s.step(0)
	s.step(10 * time.Second)
	s.wants("nothing new to look at")
	s.step(time.Minute)
	s.wants("twice", "[FIRING] Few orders: Order Completed in the hour to 2026-11-25 12:30 UTC: 20; fine is 30 or more")
	leave := s.leave
	leave()
	s.Evaluator = s.again()
	s.step(time.Minute)
	s.step(5 * time.Minute)
	s.wants("it still fires")
	s.fill("Order Completed", begin.Add(30*time.Minute), begin.Add(2*time.Hour), func(time.Time) int64 { return 50 })
	s.step(time.Minute)
	s.wants("once over it")
	s.step(time.Minute)
	s.wants("back", "[ok again] Few orders")
	// A rule that was changed begins anew, and one that is gone is forgotten.
	s.keep("orders", "Few orders", Rule{Event: &Volume{Event: "Order Completed"}, Below: &least, Paused: true})
	s.step(time.Minute)
	if a := s.alert("orders"); a.State.Status != Paused || a.State.Value != nil {
		t.Errorf("want it paused; have %+v", a.State)
	}
	if err := s.store.Remove(t.Context(), saved.Alerts, "orders", 0); err != nil {
		t.Fatal(err)
	}
	s.step(time.Minute)
	if _, err := s.store.Get(saved.States, "orders"); !errors.Is(err, saved.ErrNotFound) {
		t.Errorf("want its state forgotten; have %v", err)
	}
}

// What is usual is that of the same hour of days of the same kind.
func TestUsualVolume(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	// 100 in a quarter of an hour at noon, 2 at night.
	byHour := func(at time.Time) int64 {
		if at.Hour() >= 8 && at.Hour() < 20 {
			return 100
		}
		return 2
	}
	s.fill("Page Viewed", s.now.AddDate(0, 0, -30), s.now, byHour)
	s.keep("views", "Views", Rule{Event: &Volume{}, Usual: &Usual{}, For: 1, Notify: []Receiver{{Webhook: s.hook()}}})
	s.step(0)
	a := s.alert("views")
	if *a.State.Value != 400 || *a.State.Low != 320 || *a.State.High != 480 || a.State.Status != OK {
		t.Errorf("want 400 to be usual, and 320 to 480; have %+v", a.State)
	}
	s.step(5 * time.Hour) // nothing came since
	s.wants("silence by day", "[FIRING] Views: events in the hour to 2026-11-25 17:00 UTC: 0; usual is 320 to 480")
	s.step(9 * time.Hour)
	s.wants("silence at night, when eight are too few to miss", "[ok again] Views")
	s.keep("young", "Young", Rule{Event: &Volume{Event: "New"}, Usual: &Usual{}})
	s.step(time.Minute)
	if a := s.alert("young"); a.State.Status != Learning {
		t.Errorf("want it to learn; have %+v", a.State)
	}
}

// Tracking is watched without anybody having asked for it. What the warehouse does not have yet is not missed.
func TestTrackingBroke(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	broke := s.now.Add(-20 * time.Minute)
	s.fill("Page Viewed", s.now.AddDate(0, 0, -20), s.now.AddDate(0, 0, 1), func(time.Time) int64 { return 30 })
	s.fill("Order Completed", s.now.AddDate(0, 0, -20), broke, func(time.Time) int64 { return 5 })
	s.fill("Rare", s.now.AddDate(0, 0, -20), broke, func(at time.Time) int64 {
		if at.Hour() == 3 && at.Minute() == 0 {
			return 1
		}
		return 0
	})
	s.step(0)
	if a := s.alert(TrackingID); a.State.Status != OK || len(a.State.Silent) != 0 || a.Version != 0 {
		t.Errorf("want tracking watched and ok; have %+v", a)
	}
	s.behind = 3 * time.Hour
	s.step(2 * time.Hour)
	if a := s.alert(TrackingID); a.State.Status != OK || !a.State.Evaluated.Equal(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("want nothing missed that the warehouse may yet get; have %+v", a.State)
	}
	s.behind = 0
	s.step(0)
	s.step(15 * time.Minute)
	a := s.alert(TrackingID)
	if a.State.Status != Firing || len(a.State.Silent) != 1 || a.State.Silent[0].Event != "Order Completed" || a.State.Silent[0].Usual != 20 {
		t.Errorf("want it to be known without a receiver; have %+v", a.State)
	}
	if h := a.State.History; len(h) != 1 || h[0].Event.Event != "Order Completed" || h[0].Until != nil || *h[0].Low != 20 {
		t.Errorf("want it in the history; have %+v", h)
	}
	// Somebody wants to be told; the rule begins anew.
	s.keep(TrackingID, "Tracking", Rule{Tracking: true, Notify: []Receiver{{Webhook: s.hook()}}})
	s.step(15 * time.Minute)
	s.wants("once more from the beginning")
	s.step(15 * time.Minute)
	s.wants("twice", "[FIRING] Tracking: Order Completed from web (usually 20 in this hour) stopped coming")
	s.fill("Order Completed", s.now, s.now.AddDate(0, 0, 1), func(time.Time) int64 { return 5 })
	s.step(30 * time.Minute)
	s.step(15 * time.Minute)
	s.wants("it came back", "[ok again] Tracking: Order Completed from web came again")
	if a := s.alert(TrackingID); a.State.Status != OK || len(a.State.Silent) != 0 || len(a.State.History) != 2 || a.State.History[0].Until == nil || a.State.History[1].Until == nil {
		t.Errorf("want it ok, and twice in the history; have %+v", a.State)
	}
}

// What cannot be delivered waits, longer each time, in its order, over a restart; and is given up at last.
func TestDelivery(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.fill("x", s.now.Add(-time.Hour), s.now, func(time.Time) int64 { return 1 })
	above := 0.0
	hook := s.hook()
	s.keep("x", "X", Rule{Event: &Volume{Event: "x"}, Above: &above, For: 1, Notify: []Receiver{{Webhook: hook}}})
	s.refuse = 2
	s.step(0)
	a := s.alert("x")
	if len(a.State.Outbox) != 1 || !strings.Contains(a.State.Undelivered, "503 Service Unavailable not now") || strings.Contains(a.State.Undelivered, "secret-path") {
		t.Fatalf("want it to wait, and why without the URL's path; have %+v", a.State)
	}
	id := a.State.Outbox[0].What.ID
	s.leave()
	s.Evaluator = s.again()
	s.step(10 * time.Second)
	s.wants("not due yet")
	s.step(5 * time.Second)
	s.step(59 * time.Second)
	s.wants("not due yet after the second one")
	s.step(time.Second)
	if s.mu.Lock(); len(s.received) != 1 || s.received[0].ID != id || s.received[0].URL != "https://spoor.example/alerts?id=x" {
		t.Errorf("want the same notification, with a link; have %+v", s.received)
	}
	s.mu.Unlock()
	if a := s.alert("x"); len(a.State.Outbox) != 0 || a.State.Undelivered != "" {
		t.Errorf("want nothing left; have %+v", a.State)
	}
	s.told()
	s.refuse = 1000
	s.step(2 * time.Hour) // back to ok
	for range 10 {
		s.step(3 * time.Hour)
	}
	if a := s.alert("x"); len(a.State.Outbox) != 0 || s.refuse != 1000-1-len(waits()) {
		t.Errorf("want it given up after %d attempts; have %d, %+v", 1+len(waits()), 1000-s.refuse, a.State)
	}
	s.refuse = 0
	results, err := s.Test(t.Context(), "x", nil)
	if err != nil || len(results) != 1 || !results[0].OK || !strings.HasPrefix(results[0].To, "webhook to 127.0.0.1") {
		t.Errorf("want the test delivered; have %+v, %v", results, err)
	}
	s.wants("a test", "[test] X: this is a test")
	s.refuse = 1
	if results, err = s.Test(t.Context(), "x", nil); err != nil || results[0].OK || !strings.Contains(results[0].Error, "503") {
		t.Errorf("want to be told that it failed; have %+v, %v", results, err)
	}
	if results, err = s.Test(t.Context(), "x", new(0)); err != nil || len(results) != 1 || !results[0].OK {
		t.Errorf("want one of them told; have %+v, %v", results, err)
	}
	if _, err := s.Test(t.Context(), "x", new(1)); err == nil || err.Error() != "receiver must be the index of one of the 1 receivers; got 1" {
		t.Errorf("want to be told how many there are; have %v", err)
	}
	if result, err := s.Try(t.Context(), "Y", Receiver{Webhook: hook}); err != nil || !result.OK {
		t.Errorf("want a receiver tried that is not kept; have %+v, %v", result, err)
	}
	if _, err := s.Try(t.Context(), "Y", Receiver{Email: "nobody"}); err == nil || !strings.HasPrefix(err.Error(), `to.email must be an address such as ops@example.com; got "nobody"`) {
		t.Errorf("want it refused with its field; have %v", err)
	}
	if _, err := s.Test(t.Context(), "nothing", nil); !errors.Is(err, saved.ErrNotFound) {
		t.Errorf("want ErrNotFound; have %v", err)
	}
}

// Of two on one folder one evaluates; when it goes the other one does.
func TestOneEvaluates(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.step(0)
	other := s.again()
	if err := other.Step(t.Context()); err != nil || other.leave != nil {
		t.Errorf("want the other one to wait; have %v", err)
	}
	s.leave()
	if err := other.Step(t.Context()); err != nil || other.leave == nil {
		t.Errorf("want the other one to take over; have %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := other.Run(ctx); err != nil {
		t.Error(err)
	}
}

// A test vector of standardwebhooks.com's scheme, computed by hand with openssl.
func TestSignature(t *testing.T) {
	t.Parallel()
	key := keyPrefix + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef01234567"))
	have, err := sign(key, "msg_1", 1700000000, []byte(`{"a":1}`))
	if want := "v1,WUgAXU8H0NQ1/7M+TtMwKma2b74a3/TCgekiM3YUdN8="; err != nil || have != want {
		t.Errorf("want %s; have %s, %v", want, have, err)
	}
}
