package event

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/internal/jsonscan"
)

// parse reads one event as the loader does.
func parse(t testing.TB, raw string, req *Request) (*Event, Verdict) {
	t.Helper()
	v, verdict := Scan([]byte(raw))
	if !verdict.OK() {
		return &Event{}, verdict
	}
	var p Parser
	e := &Event{}
	verdict = p.Parse(v, req, e)
	return e, verdict
}

func plain() *Request {
	return &Request{Source: "web", Protocol: "segment", ReceivedAt: 1_795_394_452_000_000}
}

func TestParseReadsEveryField(t *testing.T) {
	t.Parallel()
	e, verdict := parse(t, `{
		"messageId":"m1","type":"track","event":"Order Completed","userId":"u1","anonymousId":"a1","groupId":"g1",
		"previousId":"p1","category":"shop","timestamp":"2026-11-23T00:40:41.324Z","sentAt":"2026-11-23T00:40:41.328Z",
		"properties":{"revenue":39.95,"n":3,"ok":true,"tags":["a"],"o":{"x":1},"none":null,"s":"t"},
		"traits":{"plan":"pro"},
		"context":{"page":{"url":"https://shop.example/done?x=1","path":"/done","search":"?x=1","title":"Done","referrer":"https://a.example/"},
			"campaign":{"source":"s","medium":"m","name":"n","term":"t","content":"c"},
			"device":{"id":"d","type":"mobile","manufacturer":"ACME","model":"X","name":"phone"},
			"os":{"name":"iOS","version":"26.1"},"library":{"name":"analytics.js","version":"1"},
			"app":{"name":"shop","version":"2","build":"7","namespace":"example.shop"},
			"screen":{"width":390.5,"height":844,"density":3},"location":{"country":"DE","region":"BE","city":"Berlin"},
			"locale":"de-DE","timezone":"Europe/Berlin","ip":"203.0.113.7","userAgent":"UA","sessionId":1795394441,"groupId":"other"},
		"integrations":{"All":true},"channel":"web","writeKey":"secret"}`, plain())
	if !verdict.OK() {
		t.Fatal(verdict)
	}
	for _, field := range []struct{ name, want, have string }{
		{"messageId", "m1", e.MessageID}, {"type", "track", e.Type}, {"name", "Order Completed", e.Name},
		{"userId", "u1", e.UserID}, {"anonymousId", "a1", e.AnonymousID}, {"groupId", "g1", e.GroupID},
		{"previousId", "p1", e.PreviousID}, {"category", "shop", e.Category}, {"sessionId", "1795394441", e.SessionID},
		{"page", "{https://shop.example/done?x=1  /done ?x=1 Done https://a.example/}", fmt.Sprint(e.Page)},
		{"campaign", "{s m n t c}", fmt.Sprint(e.Campaign)}, {"device", "{d mobile ACME X phone}", fmt.Sprint(e.Device)},
		{"os", "{iOS 26.1}", fmt.Sprint(e.OS)}, {"library", "{analytics.js 1}", fmt.Sprint(e.Library)},
		{"app", "{shop 2 7 example.shop}", fmt.Sprint(e.App)}, {"geo", "{DE BE Berlin}", fmt.Sprint(e.Geo)},
		{"screen", "{390 844}", fmt.Sprint(e.Screen)}, {"locale", "de-DE", e.Locale}, {"timezone", "Europe/Berlin", e.Timezone},
		{"ip", "203.0.113.7", e.IP}, {"userAgent", "UA", e.UserAgent},
		{"original", "2026-11-23T00:40:41.324Z", GoTime(e.OriginalTimestamp).Format("2006-01-02T15:04:05.999999Z07:00")},
		{"sent", "2026-11-23T00:40:41.328Z", GoTime(e.SentAt).Format("2006-01-02T15:04:05.999999Z07:00")},
		{"timestamp", "unset", map[bool]string{true: "unset", false: "set"}[e.Timestamp == NoTime]},
		{"received", "1795394452000000", fmt.Sprint(e.ReceivedAt)},
		{"properties", `{"revenue":39.95,"n":3,"ok":true,"tags":["a"],"o":{"x":1},"none":null,"s":"t"}`, string(e.Properties)},
		{"traits", `{"plan":"pro"}`, string(e.Traits)},
		{"extra", `{"integrations":{"All":true},"channel":"web"}`, string(e.Extra)},
		{"marks", "", e.Marks()},
	} {
		if field.want != field.have {
			t.Errorf("%s: want %s, have %s", field.name, field.want, field.have)
		}
	}
	if strings.Contains(string(e.Extra), "secret") {
		t.Error("want no write key in a column")
	}
	if e.Shape == 0 {
		t.Error("want a shape")
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`[`, MaxDepth-1) + strings.Repeat(`]`, MaxDepth-1)
	event := func(more string) string { return `{"type":"track","event":"x","userId":"u"` + more + `}` }
	padded := func(bytes int) string {
		open := `{"type":"track","event":"x","userId":"u","properties":{"pad":"`
		return open + strings.Repeat("a", bytes-len(open)-3) + `"}}`
	}
	for name, c := range map[string]struct {
		raw  string
		want Reason
	}{
		"track":                    {event(``), OK},
		"identify":                 {`{"type":"identify","anonymousId":"a"}`, OK},
		"page without a name":      {`{"type":"page","anonymousId":"a"}`, OK},
		"screen":                   {`{"type":"screen","name":"Home","anonymousId":"a"}`, OK},
		"group":                    {`{"type":"group","groupId":"g","userId":"u"}`, OK},
		"alias":                    {`{"type":"alias","previousId":"a","userId":"u"}`, OK},
		"numbers for ids":          {`{"type":"track","event":7,"userId":42}`, OK},
		"white space":              {" \n\t" + event(``) + "\r\n ", OK},
		"largest":                  {padded(MaxEventBytes), OK},
		"too large":                {padded(MaxEventBytes + 1), TooLarge},
		"too large a string":       {`"` + strings.Repeat("a", MaxEventBytes) + `"`, TooLarge},
		"too large and no JSON":    {strings.Repeat("x", MaxEventBytes+1), TooLarge},
		"deepest":                  {event(`,"properties":` + deep), OK},
		"too deep":                 {event(`,"properties":[` + deep + `]`), TooDeep},
		"no JSON":                  {`{"type":"track",`, InvalidJSON},
		"text behind":              {event(``) + `x`, InvalidJSON},
		"two":                      {event(``) + event(``), InvalidJSON},
		"empty":                    {``, InvalidJSON},
		"null":                     {`null`, NotAnObject},
		"array":                    {`[` + event(``) + `]`, NotAnObject},
		"no type":                  {`{"event":"x","userId":"u"}`, MissingType},
		"null type":                {`{"type":null,"event":"x","userId":"u"}`, MissingType},
		"empty type":               {`{"type":"","event":"x","userId":"u"}`, MissingType},
		"unknown type":             {`{"type":"Track","event":"x","userId":"u"}`, UnknownType},
		"no name":                  {`{"type":"track","userId":"u"}`, MissingName},
		"empty name":               {`{"type":"track","event":"","userId":"u"}`, MissingName},
		"no id":                    {`{"type":"track","event":"x"}`, MissingID},
		"empty ids":                {`{"type":"track","event":"x","userId":"","anonymousId":null}`, MissingID},
		"id of a wrong kind":       {`{"type":"track","event":"x","userId":{"id":1}}`, WrongKind},
		"name of a wrong kind":     {`{"type":"track","event":["x"],"userId":"u"}`, WrongKind},
		"type of a wrong kind":     {`{"type":{},"event":"x","userId":"u"}`, WrongKind},
		"longest messageId":        {event(`,"messageId":"` + strings.Repeat("m", MaxMessageIDBytes) + `"`), OK},
		"messageId too long":       {event(`,"messageId":"` + strings.Repeat("m", MaxMessageIDBytes+1) + `"`), MessageIDTooLong},
		"properties of wrong kind": {event(`,"properties":"x","traits":[],"context":7,"timestamp":{}`), OK},
	} {
		e, have := parse(t, c.raw, plain())
		if have.Reason != c.want {
			t.Errorf("%s: want %q, have %q (%s)", name, c.want, have.Reason, have.Detail)
		}
		if !have.OK() && have.Detail == "" {
			t.Errorf("%s: want a detail", name)
		}
		if have.OK() && e.Request == nil {
			t.Errorf("%s: want its request", name)
		}
	}
}

// TestNothingIsLost: what has no column, or the wrong kind for it, is in the extras, and a mark says so.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ raw, name, extra, marks string }{
		{`{"type":"track","event":"x","name":"n","userId":"u"}`, "x", `{"name":"n"}`, ""},
		{`{"name":"n","event":"x","type":"track","userId":"u"}`, "x", `{"name":"n"}`, ""},
		{`{"name":"n","type":"track","userId":"u"}`, "n", ``, ""},
		{`{"type":"page","event":"x","name":"n","userId":"u"}`, "n", `{"event":"x"}`, ""},
		{`{"name":"n","event":"x","type":"page","userId":"u"}`, "n", `{"event":"x"}`, ""},
		{`{"event":"x","type":"screen","userId":"u"}`, "x", ``, ""},
		{`{"type":"page","userId":"u","properties":[1],"traits":"t","context":false,"timestamp":"soon","sentAt":"later"}`, "",
			`{"properties":[1],"traits":"t","context":false,"timestamp":"soon","sentAt":"later"}`,
			"properties:not_an_object,traits:not_an_object,context:not_an_object,timestamp:unreadable,sent_at:unreadable"},
		{`{"type":"page","userId":"u","a":NaN,"b":"\ud800","c":null}`, "", "{\"a\":null,\"b\":\"\ufffd\"}", ""},
		{`{"type":"page","userId":"u","originalTimestamp":"2026-01-01","timestamp":"2026-01-02"}`, "", "", ""},
	} {
		e, verdict := parse(t, c.raw, plain())
		if !verdict.OK() {
			t.Errorf("%s: %v", c.raw, verdict)
			continue
		}
		if e.Name != c.name || string(e.Extra) != c.extra || e.Marks() != c.marks {
			t.Errorf("%s:\nwant %q %s %q\nhave %q %s %q", c.raw, c.name, c.extra, c.marks, e.Name, e.Extra, e.Marks())
		}
	}
}

// TestPathGivesTheType: an event without a type has its path's; one with a type keeps it.
func TestPathGivesTheType(t *testing.T) {
	t.Parallel()
	req := plain()
	req.Type = TypePage
	for raw, want := range map[string]string{
		`{"name":"Home","userId":"u"}`:                                            "page Home",
		`{"event":"x","name":"Home","userId":"u"}`:                                "page Home",
		`{"event":"x","name":"Home","userId":"u","type":"track"}`:                 "track x",
		`{"type":null,"event":"x","userId":"u"}`:                                  "page x",
		`{"type":"screen","name":"Home","properties":{"name":"no"},"userId":"u"}`: "screen Home",
	} {
		e, verdict := parse(t, raw, req)
		if have := e.Type + " " + e.Name; !verdict.OK() || have != want {
			t.Errorf("%s: want %s, have %s %v", raw, want, have, verdict)
		}
	}
}

func TestTextIsClean(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`"a\u0000b"`:     "a\ufffdb",
		`"\u0000"`:       "\ufffd",
		`"\ud800x"`:      "\ufffdx",
		"\"\xff\"":       "\ufffd",
		`"caf\u00e9 \n"`: "café \n",
		`12.50`:          "12.50",
		`true`:           "true",
	} {
		e, verdict := parse(t, `{"type":"track","event":`+raw+`,"userId":`+raw+`}`, plain())
		if !verdict.OK() || e.Name != want || e.UserID != want {
			t.Errorf("%s: want %q twice, have %q and %q %v", raw, want, e.Name, e.UserID, verdict)
		}
	}
	e, _ := parse(t, `{"type":"track","event":"x","userId":"u","properties":{ "a" : NaN, "b":"\udfff" }}`, plain())
	if want := "{\"a\":null,\"b\":\"\ufffd\"}"; string(e.Properties) != want {
		t.Errorf("want %s, have %s", want, e.Properties)
	}
}

// TestEnvelope: the request's context, integrations and sentAt hold where the event has none of its own.
func TestEnvelope(t *testing.T) {
	t.Parallel()
	req := plain()
	req.SentAt = []byte(`"2026-11-23T00:40:52Z"`)
	req.Context = []byte(`{"library":{"name":"go"},"ip":"203.0.113.9","locale":"en"}`)
	req.Integrations = []byte(`{"All":false,"S3":true}`)
	e, verdict := parse(t, `{"type":"track","event":"x","userId":"u","context":{"locale":"de","l":1},"integrations":{"All":true}}`, req)
	if !verdict.OK() {
		t.Fatal(verdict)
	}
	if want := `{"locale":"de","l":1,"library":{"name":"go"},"ip":"203.0.113.9"}`; string(e.Context) != want {
		t.Errorf("want %s, have %s", want, e.Context)
	}
	if e.Locale != "de" || e.Library.Name != "go" || e.IP != "203.0.113.9" {
		t.Errorf("want de, go and the address; have %q, %q, %q", e.Locale, e.Library.Name, e.IP)
	}
	if want := `{"integrations":{"All":true}}`; string(e.Extra) != want {
		t.Errorf("want %s, have %s", want, e.Extra)
	}
	if want := int64(1_795_394_452_000_000); e.SentAt != want {
		t.Errorf("want %d, have %d", want, e.SentAt)
	}
	if e, _ = parse(t, `{"type":"track","event":"x","userId":"u","sentAt":"2026-11-23T00:40:51Z"}`, req); e.SentAt != 1_795_394_451_000_000 {
		t.Errorf("want the event's own sentAt, have %d", e.SentAt)
	}
	if want := `{"integrations":{"All":false,"S3":true}}`; string(e.Extra) != want {
		t.Errorf("want %s, have %s", want, e.Extra)
	}
}

// TestMergeOfLargeObjects: an event and an envelope with thousands of members each must not cost their product.
func TestMergeOfLargeObjects(t *testing.T) {
	t.Parallel()
	object := func(from, to int) []byte {
		b := []byte{'{'}
		for i := from; i < to; i++ {
			b = fmt.Appendf(b, `"k%d":%d,`, i, i)
		}
		b[len(b)-1] = '}'
		return b
	}
	var p Parser
	over, under := object(0, 3000), object(2000, 5000)
	merged := p.merge(over, under)
	n := 0
	for m := jsonscan.ValidMembers(merged); m.Next(); n++ {
		if want := fmt.Sprintf("k%d", n); string(m.Key()) != want {
			t.Fatalf("want %s, have %s", want, m.Key())
		}
	}
	if n != 5000 {
		t.Fatalf("want 5000 members, have %d", n)
	}
}

func TestPageOfServerSDKs(t *testing.T) {
	t.Parallel()
	e, _ := parse(t, `{"type":"page","userId":"u","properties":{"url":"https://a.example/","path":"/","title":"A","search":"","referrer":"r"}}`, plain())
	if have := fmt.Sprint(e.Page); have != "{https://a.example/  /  A r}" {
		t.Errorf("want the properties' page, have %s", have)
	}
	e, _ = parse(t, `{"type":"page","userId":"u","properties":{"url":"no"},"context":{"page":{"url":"yes"}}}`, plain())
	if e.Page.URL != "yes" {
		t.Errorf("want the context's page, have %s", e.Page.URL)
	}
}

func TestTraitsInTheContext(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"type":"identify","userId":"u","context":{"traits":{"plan":"pro"}}}`:                      `{"plan":"pro"}`,
		`{"type":"identify","userId":"u","context":{"traits":{"plan":"pro"}},"traits":{"plan":""}}`: `{"plan":""}`,
		`{"type":"page","userId":"u","context":{"traits":{"plan":"pro"}}}`:                          ``,
	} {
		if e, verdict := parse(t, raw, plain()); !verdict.OK() || string(e.Traits) != want {
			t.Errorf("%s: want %s, have %s %v", raw, want, e.Traits, verdict)
		}
	}
}

func TestShape(t *testing.T) {
	t.Parallel()
	shape := func(set string) uint64 {
		e, verdict := parse(t, `{"type":"track","event":"x","userId":"u","properties":`+set+`,"traits":{"no":1}}`, plain())
		if !verdict.OK() {
			t.Fatal(verdict)
		}
		return e.Shape
	}
	same := [][2]string{
		{`{"a":1,"b":"x"}`, `{"a":2,"b":"y"}`}, {`{"a":1,"n":null}`, `{"a":7}`}, {`{}`, `{"n":null}`}, {`{"a":1}`, `{"a":1.0}`},
	}
	for _, s := range same {
		if shape(s[0]) != shape(s[1]) {
			t.Errorf("want the same shape of %s and %s", s[0], s[1])
		}
	}
	other := []string{`{}`, `{"a":1}`, `{"a":1.5}`, `{"a":"1"}`, `{"a":true}`, `{"a":[]}`, `{"a":{}}`, `{"b":1}`, `{"a":1,"b":1}`, `{"a":1,"b":"1"}`}
	seen := map[uint64]string{}
	for _, s := range other {
		if before, twice := seen[shape(s)]; twice {
			t.Errorf("want other shapes of %s and %s", before, s)
		}
		seen[shape(s)] = s
	}
	e, _ := parse(t, `{"type":"identify","userId":"u","properties":{"p":1},"traits":{"t":1}}`, plain())
	if string(e.PropertySet()) != `{"t":1}` {
		t.Errorf("want the traits of an identify, have %s", e.PropertySet())
	}
}

func TestPropertyKinds(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`"x"`: "string", `1`: "integer", `-0`: "integer", `1.0`: "integer", `1.5`: "number", `1e400`: "number", `99999999999999999999`: "number",
		`true`: "boolean", `false`: "boolean", `{}`: "object", `[]`: "array", `null`: "",
	} {
		v, _, err := jsonscan.Scan([]byte(raw), 1)
		if err != nil {
			t.Fatal(err)
		}
		if have := KindOf(v).String(); have != want {
			t.Errorf("%s: want %q, have %q", raw, want, have)
		}
		if have := ParsePropertyKind(want); have != KindOf(v) {
			t.Errorf("%s: want the kind back by its name, have %q", raw, have)
		}
	}
	if ParsePropertyKind("text") != KindNone {
		t.Error("want no kind of an unknown name")
	}
}

func TestDetailsAreShortText(t *testing.T) {
	t.Parallel()
	_, verdict := parse(t, `{"type":"`+strings.Repeat("漢", 100)+`","userId":"u"}`, plain())
	if len(verdict.Detail) > 200 || !strings.HasSuffix(verdict.Detail, "漢…") {
		t.Errorf("want a short text that ends in a whole character, have %q", verdict.Detail)
	}
}
