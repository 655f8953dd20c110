package enrich

import (
	"math"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spoorhq/spoor/event"
)

func TestClient(t *testing.T) {
	t.Parallel()
	chrome := agents[0].ua
	libraries := newCache(8, 128, classify)
	for _, test := range []struct {
		name, protocol, userAgent, context, ip, ua string
	}{
		{"browser", "segment", chrome, `{"library":{"name":"analytics.js"}}`, "198.51.100.7", chrome},
		{"phone", "segment", "okhttp/4.12.0", `{"library":{"name":"analytics-kotlin"}}`, "198.51.100.7", "okhttp/4.12.0"},
		{"given", "segment", chrome, `{"library":{"name":"analytics.js"},"ip":"192.0.2.1","userAgent":"Mine"}`, "192.0.2.1", "Mine"},
		{"address given", "segment", chrome, `{"library":{"name":"analytics.js"},"ip":"192.0.2.1"}`, "192.0.2.1", chrome},
		{"server", "segment", "analytics-python/2.3.4", `{"library":{"name":"analytics-python"}}`, "", ""},
		{"server, agent given", "segment", "node", `{"library":{"name":"@segment/analytics-node"},"userAgent":"Theirs"}`, "", "Theirs"},
		{"server, direct", "segment", "Ruby", `{"library":{"name":"analytics-ruby"},"direct":true}`, "198.51.100.7", "Ruby"},
		{"server, not direct", "segment", "Ruby", `{"library":{"name":"analytics-ruby"},"direct":"no","x":{"direct":true}}`, "", ""},
		{"server behind a browser's name", "segment", chrome, `{"library":{"name":"analytics-node"}}`, "", ""},
		{"unknown, a browser", "ndjson", chrome, `{}`, "198.51.100.7", chrome},
		{"unknown, a program", "ndjson", "curl/8.5.0", `{}`, "", ""},
		{"both sides' library in Node", "segment", "node", `{"library":{"name":"@jitsu/js"}}`, "", ""},
		{"both sides' library in a browser", "segment", chrome, `{"library":{"name":"@jitsu/js"}}`, "198.51.100.7", chrome},
		{"pixel", "pixel", "Outlook", `{}`, "198.51.100.7", "Outlook"},
	} {
		e := read(t, event.Request{Protocol: test.protocol, IP: "198.51.100.7", UserAgent: test.userAgent}, `{"type":"page","userId":"u","context":`+test.context+`}`)
		if err := (client{libraries}).apply(e); err != nil || e.IP != test.ip || e.UserAgent != test.ua {
			t.Errorf("%s: want %q %q; have %q %q %v", test.name, test.ip, test.ua, e.IP, e.UserAgent, err)
		}
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	names := map[side]string{serverSide: "analytics-node @segment/analytics-node analytics-python analytics-go analytics-ruby analytics-java analytics-php " +
		"Analytics.NET analytics-clojure @rudderstack/rudder-sdk-node rudder-sdk-node-js posthog-node posthog-python posthog-go posthog-ruby posthog-php snowplow-golang",
		clientSide: "analytics.js @segment/analytics-next-browser RudderLabs_JavaScript_SDK analytics-ios analytics-android analytics-swift analytics-kotlin " +
			"@segment/analytics-react-native analytics_flutter com.rudderstack.android.sdk.core rudder-ios-library posthog-js posthog-android web",
		unknownSide: "@jitsu/js Analytics-CSharp mine"}
	for want, list := range names {
		for name := range strings.FieldsSeq(list) {
			if have := classify(name); have != want {
				t.Errorf("%s: want %d; have %d", name, want, have)
			}
		}
	}
	if have := classify(""); have != unknownSide {
		t.Errorf("no name: have %d", have)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, original, sent, want, mark string }{
		{"right", "2026-11-23T11:59:58Z", "2026-11-23T11:59:59.5Z", "2026-11-23T11:59:58Z", ""},
		{"nearly right: as it is", "2026-11-23T11:59:58Z", "2026-11-23T11:59:59.000001Z", "2026-11-23T11:59:58Z", ""},
		{"a second behind", "2026-11-23T11:59:58Z", "2026-11-23T11:59:59Z", "2026-11-23T11:59:59Z", ""},
		{"a second ahead", "2026-11-23T11:59:58Z", "2026-11-23T12:00:01Z", "2026-11-23T11:59:57Z", ""},
		{"two hours behind", "2026-11-23T09:59:50Z", "2026-11-23T10:00:00Z", "2026-11-23T11:59:50Z", ""},
		{"years ahead", "2031-01-01T00:00:00Z", "2031-01-01T00:10:00Z", "2026-11-23T11:50:00Z", ""},
		{"not sent", "2026-11-20T10:00:00Z", "", "2026-11-20T10:00:00Z", ""},
		{"nothing", "", "", noon, ""},
		{"only sent", "", "2026-11-23T10:00:00Z", noon, ""},
		{"not yet", "2026-11-23T12:01:00Z", "", "2026-11-23T12:01:00Z", ""},
		{"far ahead", "2026-11-23T12:01:00.000001Z", "", noon, "clock:future"},
		{"after it was sent", "2026-11-23T11:30:00Z", "2026-11-23T11:00:00Z", noon, "clock:future"},
		{"before 1970", "1969-12-31T23:59:59.999999Z", "", noon, "clock:past"},
		{"1970", "1970-01-01T00:00:00Z", "", "1970-01-01T00:00:00Z", ""},
		{"year 0", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", noon, "clock:past"},
		{"year 9999", "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", noon, "clock:future"},
		{"year 0 twice", "0000-01-01T00:00:00Z", "0000-01-01T00:00:01Z", "2026-11-23T11:59:59Z", ""},
	} {
		text := `{"type":"page","userId":"u"`
		if test.original != "" {
			text += `,"timestamp":"` + test.original + `"`
		}
		if test.sent != "" {
			text += `,"sentAt":"` + test.sent + `"`
		}
		e := read(t, event.Request{}, text+`}`)
		original, sent := e.OriginalTimestamp, e.SentAt
		if err := clock(e); err != nil {
			t.Error(err)
		}
		if want := instant(t, test.want); e.Timestamp != want || e.Marks() != test.mark {
			t.Errorf("%s: want %s %s; have %v %s", test.name, test.want, test.mark, event.GoTime(e.Timestamp), e.Marks())
		}
		if e.OriginalTimestamp != original || e.SentAt != sent {
			t.Errorf("%s: the client's own times were altered", test.name)
		}
	}
}

// FuzzClock: whatever the three clocks say within what can be read, the time is one that a warehouse can hold.
func FuzzClock(f *testing.F) {
	const year0, year9999 = -62167219200000000, 253402300799999999
	f.Add(int64(year0), int64(year9999), int64(year0))
	f.Add(int64(year9999), int64(year0), int64(year9999))
	f.Add(int64(math.MinInt64), int64(math.MinInt64), int64(0))
	f.Fuzz(func(t *testing.T, original, sent, received int64) {
		for _, at := range []*int64{&original, &sent, &received} {
			if *at != event.NoTime {
				*at = min(max(*at, year0), year9999)
			}
		}
		if received == event.NoTime {
			received = 0
		}
		e := &event.Event{OriginalTimestamp: original, SentAt: sent, ReceivedAt: received}
		if err := clock(e); err != nil {
			t.Error(err)
		}
		if e.Timestamp != received && (e.Timestamp < 0 || e.Timestamp > received+future) {
			t.Errorf("received at %d: have %d", received, e.Timestamp)
		}
	})
}

func TestUserAgentFillsWhatIsMissing(t *testing.T) {
	t.Parallel()
	phone := agents[19].ua
	for _, test := range []struct {
		name, context string
		device        event.Device
		os, browser   event.Software
		bot           bool
	}{
		{"all", `{"userAgent":"` + phone + `"}`, event.Device{Type: "mobile", Model: "iPhone"}, event.Software{Name: "iOS", Version: "18.6"}, event.Software{Name: "Safari", Version: "26.1"}, false},
		{"empty names", `{"userAgent":"` + phone + `","os":{"name":"","version":""}}`, event.Device{Type: "mobile", Model: "iPhone"}, event.Software{Name: "iOS", Version: "18.6"}, event.Software{Name: "Safari", Version: "26.1"}, false},
		{"system given", `{"userAgent":"` + phone + `","os":{"name":"iPadOS"},"device":{"type":"ios","model":"iPad14,1"}}`, event.Device{Type: "tablet", Model: "iPad14,1"}, event.Software{Name: "iPadOS"}, event.Software{Name: "Safari", Version: "26.1"}, false},
		{"app", `{"userAgent":"okhttp/4.12.0","os":{"name":"Android","version":"15"},"device":{"type":"android","model":"Pixel 9"}}`, event.Device{Type: "mobile", Model: "Pixel 9"}, event.Software{Name: "Android", Version: "15"}, event.Software{}, false},
		{"app without agent", `{"device":{"type":"Android"}}`, event.Device{Type: "mobile"}, event.Software{}, event.Software{}, false},
		{"odd type", `{"device":{"type":"fridge"}}`, event.Device{Type: "fridge"}, event.Software{}, event.Software{}, false},
		{"bot", `{"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36","device":{"type":"desktop"}}`, event.Device{Type: "bot"}, event.Software{Name: "Linux"}, event.Software{Name: "HeadlessChrome", Version: "156.0.0.0"}, true},
		{"server", `{"library":{"name":"analytics-go"}}`, event.Device{Type: "server"}, event.Software{}, event.Software{}, false},
		{"server for a client", `{"library":{"name":"analytics-go"},"ip":"192.0.2.1"}`, event.Device{}, event.Software{}, event.Software{}, false},
		{"server for an app", `{"library":{"name":"analytics-go"},"os":{"name":"iOS"}}`, event.Device{}, event.Software{Name: "iOS"}, event.Software{}, false},
		{"nothing", `{}`, event.Device{}, event.Software{}, event.Software{}, false},
	} {
		agents, libraries := newCache(8, 512, parseAgent), newCache(8, 128, classify)
		e := read(t, event.Request{}, `{"type":"page","userId":"u","context":`+test.context+`}`)
		for range 2 {
			if err := (userAgent{agents, libraries}).apply(e); err != nil {
				t.Error(err)
			}
			if err := (bot{agents}).apply(e); err != nil {
				t.Error(err)
			}
			if e.Device != test.device || e.OS != test.os || e.Browser != test.browser || e.IsBot != test.bot {
				t.Errorf("%s: want %+v %+v %+v %v\nhave %+v %+v %+v %v", test.name, test.device, test.os, test.browser, test.bot, e.Device, e.OS, e.Browser, e.IsBot)
			}
		}
	}
}

var urls = []struct{ url, host, path, search string }{
	{"https://example.com/a/b?c=d&e#f", "example.com", "/a/b", "?c=d&e"},
	{"https://example.com", "example.com", "/", ""},
	{"https://example.com?x=1", "example.com", "/", "?x=1"},
	{"https://example.com#x?y", "example.com", "/", ""},
	{"http://user:secret@WWW.Example.COM:8080/A?B", "WWW.Example.COM", "/A", "?B"},
	{"http://[2001:db8::1]:8080/x", "2001:db8::1", "/x", ""},
	{"http://[2001:db8::1", "2001:db8::1", "/", ""},
	{"//cdn.example.com/x", "cdn.example.com", "/x", ""},
	{"/only/a/path?next=https://example.com/", "", "/only/a/path", "?next=https://example.com/"},
	{"https://example.com/?", "example.com", "/", ""},
	{"android-app://com.google.android.gm/", "com.google.android.gm", "/", ""},
	{"file:///C:/x.html", "", "/C:/x.html", ""},
	{"about:blank", "", "", ""},
	{"mailto:a@example.com", "", "", ""},
	{"example.com/x", "", "", ""},
	{"1http://example.com", "", "", ""},
	{"a b://example.com", "", "", ""},
	{"https://\u00fcber.example/\u00e4?\u00f6", "\u00fcber.example", "/\u00e4", "?\u00f6"},
	{"://x", "", "", ""}, {"", "", "", ""}, {"?", "", "", ""}, {"https://", "", "/", ""},
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, test := range urls {
		if host, path, search := split(test.url); host != test.host || path != test.path || search != test.search {
			t.Errorf("%s: want %q %q %q; have %q %q %q", test.url, test.host, test.path, test.search, host, path, search)
		}
	}
}

// FuzzSplit compares with net/url wherever that takes the text for a URL with a host, and demands parts of the text.
func FuzzSplit(f *testing.F) {
	for _, test := range urls {
		f.Add(test.url)
	}
	f.Fuzz(func(t *testing.T, text string) {
		host, path, search := split(text)
		for _, part := range []string{host, path, search} {
			if part != "/" && !strings.Contains(text, part) || utf8.ValidString(text) && !utf8.ValidString(part) {
				t.Errorf("%q: have the part %q", text, part)
			}
		}
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme == "" || strings.ContainsAny(text, "%") {
			return
		}
		if want := u.Hostname(); host != want && !strings.ContainsAny(u.Host, "[]") && strings.Count(u.Host, ":") < 2 {
			t.Errorf("%q: want host %q; have %q", text, want, host)
		}
		if want := u.Path; path != want && (want != "" || path != "/") {
			t.Errorf("%q: want path %q; have %q", text, want, path)
		}
		if want := u.RawQuery; strings.TrimPrefix(search, "?") != want {
			t.Errorf("%q: want query %q; have %q", text, want, search)
		}
	})
}

func TestPageKeepsWhatWasGiven(t *testing.T) {
	t.Parallel()
	e := read(t, event.Request{}, `{"type":"page","userId":"u","context":{"page":{"url":"https://Example.com/real?x=1","path":"/canonical","search":"?y=2"}}}`)
	if err := (page{&arena{}}).apply(e); err != nil {
		t.Fatal(err)
	}
	if want := (event.Page{URL: "https://Example.com/real?x=1", Host: "example.com", Path: "/canonical", Search: "?y=2"}); e.Page != want {
		t.Errorf("want %+v; have %+v", want, e.Page)
	}
}

var searches = []struct {
	search string
	want   event.Campaign
}{
	{"?utm_source=google&utm_medium=cpc&utm_campaign=spring&utm_term=shoes&utm_content=a", event.Campaign{Source: "google", Medium: "cpc", Name: "spring", Term: "shoes", Content: "a"}},
	{"utm_source=x", event.Campaign{Source: "x"}},
	{"?a=b&utm_campaign=Spring+Sale%21&c", event.Campaign{Name: "Spring Sale!"}},
	{"?utm_source=first&utm_source=second", event.Campaign{Source: "first"}},
	{"?utm_source=&utm_source=second", event.Campaign{Source: "second"}},
	{"?utm_source=gr%C3%BCn", event.Campaign{Source: "gr\u00fcn"}},
	{"?utm_source=gr%FCn", event.Campaign{Source: "gr\uFFFDn"}},
	{"?utm_source=a%00b%0Ac%7F", event.Campaign{Source: "a%00b%0Ac%7F"}},
	{"?utm_source=100%&utm_medium=%zz%4", event.Campaign{Source: "100%", Medium: "%zz%4"}},
	{"?UTM_SOURCE=x&utm_sourcery=y&xutm_source=z", event.Campaign{}},
	{"?gclid=abc", event.Campaign{Source: "google", Medium: "cpc"}},
	{"?wbraid=abc", event.Campaign{Source: "google", Medium: "cpc"}},
	{"?msclkid=abc&x", event.Campaign{Source: "bing", Medium: "cpc"}},
	{"?fbclid=abc", event.Campaign{Source: "facebook", Medium: "social"}},
	{"?fbclid=abc&gclid=def", event.Campaign{Source: "google", Medium: "cpc"}},
	{"?gclid=abc&fbclid=def", event.Campaign{Source: "google", Medium: "cpc"}},
	{"?gclid=abc&utm_campaign=x", event.Campaign{Name: "x"}},
	{"?gclid=", event.Campaign{}},
	{"?", event.Campaign{}}, {"", event.Campaign{}}, {"?&&==&=", event.Campaign{}},
}

func TestCampaign(t *testing.T) {
	t.Parallel()
	for _, test := range searches {
		e := &event.Event{Page: event.Page{Search: test.search}}
		if err := (campaign{&arena{}}).apply(e); err != nil || e.Campaign != test.want {
			t.Errorf("%s: want %+v; have %+v %v", test.search, test.want, e.Campaign, err)
		}
	}
	given := event.Campaign{Name: "theirs"}
	e := &event.Event{Page: event.Page{Search: searches[0].search}, Campaign: given}
	if err := (campaign{&arena{}}).apply(e); err != nil || e.Campaign != given {
		t.Errorf("want %+v; have %+v %v", given, e.Campaign, err)
	}
}

// FuzzCampaign compares with net/url wherever that takes the text for a query, and demands texts that a warehouse
// takes.
func FuzzCampaign(f *testing.F) {
	for _, test := range searches {
		f.Add(test.search)
	}
	f.Fuzz(func(t *testing.T, search string) {
		if !utf8.ValidString(search) {
			return
		}
		e := &event.Event{Page: event.Page{Search: search}}
		if err := (campaign{&arena{}}).apply(e); err != nil {
			t.Fatal(err)
		}
		control := func(r rune) bool { return r < ' ' || r == 0x7f }
		values, err := url.ParseQuery(strings.TrimPrefix(search, "?"))
		for key, have := range map[string]string{"utm_source": e.Campaign.Source, "utm_campaign": e.Campaign.Name} {
			if !utf8.ValidString(have) || strings.ContainsFunc(have, control) && !strings.ContainsFunc(search, control) {
				t.Errorf("%q makes %q", search, have)
			}
			// net/url also decodes names, and counts a parameter that is empty as the first.
			if err != nil || strings.Contains(search, "clid") || strings.Contains(search, "braid") || !values.Has(key) || values.Get(key) == "" ||
				len(values[key]) > 1 || !utf8.ValidString(values.Get(key)) || strings.ContainsFunc(values.Get(key), control) || !strings.Contains(search, key+"=") {
				continue
			}
			if want := values.Get(key); have != want {
				t.Errorf("%q: want %s %q; have %q", search, key, want, have)
			}
		}
	})
}

func TestReferrer(t *testing.T) {
	t.Parallel()
	r := newReferrers(&arena{})
	for _, test := range []struct {
		referrer string
		want     event.Referrer
	}{
		{"", event.Referrer{Kind: "direct"}},
		{"$direct", event.Referrer{Kind: "direct"}},
		{"https://shop.example.com/cart", event.Referrer{Host: "shop.example.com", Kind: "internal"}},
		{"https://www.Shop.example.com/", event.Referrer{Host: "www.shop.example.com", Kind: "internal"}},
		{"https://blog.example.com/", event.Referrer{Host: "blog.example.com", Kind: "link"}},
		{"https://www.google.com/", event.Referrer{Host: "www.google.com", Kind: "search", Name: "Google"}},
		{"https://google.co.uk/", event.Referrer{Host: "google.co.uk", Kind: "search", Name: "Google"}},
		{"https://www.google.com.au/", event.Referrer{Host: "www.google.com.au", Kind: "search", Name: "Google"}},
		{"https://docs.google.com/document/1", event.Referrer{Host: "docs.google.com", Kind: "link"}},
		{"https://google.evil.com/", event.Referrer{Host: "google.evil.com", Kind: "link"}},
		{"https://google.example/", event.Referrer{Host: "google.example", Kind: "link"}},
		{"https://mail.google.com/", event.Referrer{Host: "mail.google.com", Kind: "email", Name: "Gmail"}},
		{"https://r.search.yahoo.com/x", event.Referrer{Host: "r.search.yahoo.com", Kind: "search", Name: "Yahoo"}},
		{"https://mail.yahoo.com/", event.Referrer{Host: "mail.yahoo.com", Kind: "email", Name: "Yahoo Mail"}},
		{"https://l.facebook.com/l.php", event.Referrer{Host: "l.facebook.com", Kind: "social", Name: "Facebook"}},
		{"https://notfacebook.com/", event.Referrer{Host: "notfacebook.com", Kind: "link"}},
		{"https://netflix.com/", event.Referrer{Host: "netflix.com", Kind: "link"}},
		{"https://t.co/abc", event.Referrer{Host: "t.co", Kind: "social", Name: "X"}},
		{"https://chatgpt.com/", event.Referrer{Host: "chatgpt.com", Kind: "search", Name: "ChatGPT"}},
		{"android-app://com.google.android.gm/", event.Referrer{Host: "com.google.android.gm", Kind: "email", Name: "Gmail"}},
		{"about:client", event.Referrer{}},
	} {
		e := &event.Event{Page: event.Page{URL: "https://shop.example.com/", Host: "shop.example.com", Referrer: test.referrer}}
		if err := r.apply(e); err != nil || e.Referrer != test.want {
			t.Errorf("%s: want %+v; have %+v %v", test.referrer, test.want, e.Referrer, err)
		}
	}
	e := &event.Event{}
	if err := r.apply(e); err != nil || e.Referrer != (event.Referrer{}) {
		t.Errorf("on no page: have %+v %v", e.Referrer, err)
	}
}

// TestSites: every host stands in the table once, and its kind is one that there is.
func TestSites(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, s := range sites {
		if s.kind != "search" && s.kind != "email" && s.kind != "social" {
			t.Errorf("%s is of no kind: %q", s.name, s.kind)
		}
		for host := range strings.FieldsSeq(s.hosts) {
			if other := seen[host]; other != "" {
				t.Errorf("%s stands for %s and for %s", host, other, s.name)
			}
			seen[host] = s.name
			if host != strings.ToLower(host) || strings.ContainsAny(host, "/:") {
				t.Errorf("%s is not how a host is written", host)
			}
		}
	}
}
