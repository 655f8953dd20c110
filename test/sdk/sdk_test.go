// Package sdk points the official SDK packages at Spoor and counts the rows. The packages are unmodified and pinned in
// package-lock.json, and nothing of them is set but where to send to.
//
// The tests need the packages (npm ci), Node and, for the browser, Chromium, named by SPOOR_CHROMIUM or in PATH; SPOOR_TEST_PYTHON
// and SPOOR_TEST_JAVA name folders with Segment's packages for these (need_segment in scripts/machine). Without them they are skipped; with SPOOR_TEST_REQUIRE set they fail. SPOOR_BIN names a spoor that is built already.
package sdk

import (
	"fmt"
	"testing"
	"time"
)

// library is what the SDK of a test calls itself.
type library struct{ name, version string }

var (
	nodeSDK    = library{"@segment/analytics-node", "3.1.0"}
	browserSDK = library{"analytics.js", "npm:next-1.84.3"}
)

// message is an event as an SDK says that it has sent it.
type message struct {
	MessageID string    `json:"messageId"`
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
}

func TestNodeEveryCall(t *testing.T) {
	t.Parallel()
	spoor := startSpoor(t)
	wire := startWire(t, spoor.url)
	sent := serverSends(t, wire, "every")

	rows := spoor.rowsOf(wire)
	wantSent(t, rows, sent)
	wantRows(t, rows, nodeSDK, everyCall())
}

// everyCall is what the scenario "every" of the SDKs of servers becomes. A server's own address and user agent are not
// the user's. What it passes on of them is, cut as the default says.
func everyCall() []row {
	return []row{
		{"type": "track", "event": "Product Viewed", "user_id": nil, "anonymous_id": "device-1", "ip": nil, "user_agent": nil, "properties": `{"sku": "A-1", "price": 39.95, "tags": ["a", "b"]}`},
		{"type": "identify", "event": nil, "user_id": "ada", "anonymous_id": "device-1", "traits": `{"email": "ada@example.com", "plan": "pro"}`},
		{"type": "track", "event": "Order Completed", "user_id": "ada", "anonymous_id": nil,
			"properties":         `{"revenue": 12, "note": "Grüße, \"Ada\" 🦌", "nested": {"deep": [1, {"x": null}]}}`,
			"original_timestamp": time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
			"locale":             "de-AT", "timezone": "Europe/Vienna", "user_agent": "Shop/1.0", "ip": "203.0.113.0",
			"page_url": "https://shop.example/pay?x=1", "page_path": "/pay", "page_title": "Pay", "page_referrer": "https://shop.example/cart"},
		{"type": "page", "event": "Start", "user_id": "ada", "category": "Docs",
			"page_url": "https://shop.example/docs", "page_path": "/docs", "page_title": "Documents"},
		{"type": "screen", "event": "Settings", "user_id": "ada", "properties": `{"dark": true}`},
		{"type": "group", "event": nil, "user_id": "ada", "group_id": "acme", "traits": `{"seats": 3}`},
		{"type": "alias", "event": nil, "user_id": "ada", "previous_id": "device-1"},
	}
}

func TestNodeManyEvents(t *testing.T) {
	t.Parallel()
	spoor := startSpoor(t)
	wire := startWire(t, spoor.url)
	sent := serverSends(t, wire, "many")

	rows := spoor.rowsOf(wire)
	wantSent(t, rows, sent)
	wantRows(t, rows, nodeSDK, counted())
}

// counted is what the scenario "many" becomes.
func counted() []row {
	want := make([]row, 500)
	for i := range want {
		want[i] = row{"type": "track", "event": "Counted", "user_id": fmt.Sprintf("user-%d", i%7), "properties": fmt.Sprintf(`{"i": %d}`, i)}
	}
	return want
}

// serverSends lets segment-node.mjs send, and gives what the SDK says of it.
func serverSends(t *testing.T, wire *wire, scenario string) []message {
	t.Helper()
	var sent []message
	node(t, "segment-node.mjs", wire.url, scenario).say(&sent, func() {})
	return sent
}

// The connection breaks after Spoor has stored the events and before the SDK has heard so. The SDK sends them again.
func TestNodeAnswerLost(t *testing.T) {
	t.Parallel()
	spoor := startSpoor(t)
	wire := startWire(t, spoor.url)
	wire.loseAnswers(2)
	sent := serverSends(t, wire, "every")

	rows := spoor.rowsOf(wire)
	wantSent(t, rows, sent)
	if want, have := 3*len(sent), wire.delivered(); have != want {
		t.Errorf("want %d events over the wire, the %d of them three times; have %d", want, len(sent), have)
	}
	last := wire.posts()[2]
	if have := last.header.Get("X-Retry-Count"); have != "2" {
		t.Errorf("want the third request to be the second retry; have X-Retry-Count %q", have)
	}
}

func TestBrowserDefault(t *testing.T) {
	t.Parallel()
	wire := visitShop(t, "default")
	for _, path := range []string{"/v1/p", "/v1/t", "/v1/i", "/v1/g", "/v1/s", "/v1/a"} {
		if !wire.saw("POST", path) {
			t.Errorf("want a POST to %s", path)
		}
	}
}

func TestBrowserBatching(t *testing.T) {
	t.Parallel()
	wire := visitShop(t, "batching")
	for _, post := range wire.posts() {
		if post.path != "/v1/b" {
			t.Errorf("want batches only; have a POST to %s", post.path)
		}
	}
	if once, twice := wire.distinct(), wire.delivered(); twice < once+7 {
		t.Errorf("want the seven events that were held while the page was hidden to be sent twice; have %d events sent for %d", twice, once)
	}
}

// visitShop lets a visitor through the pages of segment-browser.mjs and wants a row for everything that was done there.
func visitShop(t *testing.T, delivery string) *wire {
	t.Helper()
	spoor := startSpoor(t)
	wire := startWire(t, spoor.url)
	var visit struct {
		Shop, AnonymousID, UserAgent string
		Complaints, Strays           []string
	}
	node(t, "segment-browser.mjs", wire.url, delivery, browser(t)).say(&visit, func() {
		if len(visit.Complaints) > 0 {
			t.Errorf("want a quiet console; have %q", visit.Complaints)
		}
		if len(visit.Strays) > 0 {
			t.Errorf("want the SDK to speak to Spoor alone; have requests to %q", visit.Strays)
		}
		await(t, "what the visitor did last", func() bool { return wire.distinct() == 11 })
	})

	rows := spoor.rowsOf(wire)
	shop := row{
		"anonymous_id": visit.AnonymousID, "user_agent": visit.UserAgent, "ip": "127.0.0.0", "locale": "de-AT", "timezone": "Europe/Vienna",
		"page_url": visit.Shop + "/shop?utm_source=newsletter&utm_campaign=spring", "page_path": "/shop", "page_title": "The shop", "page_referrer": nil,
		"campaign_source": "newsletter", "campaign_name": "spring",
	}
	thanks := shop.with(row{
		"page_url": visit.Shop + "/thanks", "page_path": "/thanks", "page_title": "Thanks", "page_referrer": shop["page_url"],
		"campaign_source": nil, "campaign_name": nil,
	})
	wantRows(t, rows, browserSDK, []row{
		shop.with(row{"type": "page", "event": "Shoes", "category": "Catalog", "user_id": nil}),
		shop.with(row{"type": "track", "event": "Product Viewed", "user_id": nil, "properties": `{"sku": "A-1", "price": 39.95, "tags": ["a", "b"]}`}),
		shop.with(row{"type": "alias", "event": nil, "user_id": "ada", "previous_id": visit.AnonymousID}),
		shop.with(row{"type": "identify", "event": nil, "user_id": "ada", "traits": `{"email": "ada@example.com", "plan": "pro"}`}),
		shop.with(row{"type": "group", "event": nil, "user_id": "ada", "group_id": "acme", "traits": `{"seats": 3}`}),
		shop.with(row{"type": "screen", "event": "Settings", "user_id": "ada", "properties": `{"dark": true}`}),
		shop.with(row{"type": "track", "event": "Order Completed", "user_id": "ada", "properties": `{"revenue": 12, "note": "Grüße 🦌", "nested": {"deep": [1, {"x": null}]}}`}),
		shop.with(row{"type": "track", "event": "Left", "user_id": "ada", "properties": `{"i": 1}`}),
		shop.with(row{"type": "track", "event": "Left", "user_id": "ada", "properties": `{"i": 2}`}),
		shop.with(row{"type": "track", "event": "Left", "user_id": "ada", "properties": `{"i": 3}`}),
		thanks.with(row{"type": "page", "event": "Thanks", "user_id": "ada"}),
	})

	if !wire.saw("GET", "/v1/projects/dev/settings") {
		t.Error("want the SDK to have fetched its settings")
	}
	for _, post := range wire.posts() {
		if !wire.saw("OPTIONS", post.path) {
			t.Errorf("want the browser to have asked before it sent to %s", post.path)
		}
	}
	return wire
}
