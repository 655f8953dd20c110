package enrich

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
)

func newPrivacy(t testing.TB, policy IPPolicy, memory *arena) privacy {
	t.Helper()
	addresses, err := openAddresses("")
	if err != nil {
		t.Fatal(err)
	}
	return privacy{policy, addresses, memory}
}

func TestPrivacyOfAddresses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ ip, want, mark string }{
		{"203.0.113.77", "203.0.113.0", ""},
		{"255.255.255.255", "255.255.255.0", ""},
		{"0.0.0.0", "0.0.0.0", ""},
		{"::ffff:203.0.113.77", "203.0.113.0", ""},
		{"2001:db8:1234:ffff:9abc:def0:1234:5678", "2001:db8:1234::", ""},
		{"fe80::1%eth0", "fe80::", ""},
		{"203.0.113.77, 10.0.0.1", "", "ip:unreadable"},
		{"203.0.113.77:443", "", "ip:unreadable"},
		{"unknown", "", "ip:unreadable"},
		{"", "", ""},
	} {
		for policy, want := range map[IPPolicy]struct{ ip, mark string }{
			TruncateIP: {test.want, test.mark}, DropIP: {"", ""}, KeepIP: {test.ip, ""},
		} {
			e := &event.Event{IP: test.ip}
			if err := (newPrivacy(t, policy, &arena{})).apply(e); err != nil || e.IP != want.ip || e.Marks() != want.mark {
				t.Errorf("%s %q: want %q %s; have %q %s %v", policy, test.ip, want.ip, want.mark, e.IP, e.Marks(), err)
			}
		}
	}
}

func TestPrivacyOfStoredJSON(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ object, truncated, dropped string }{
		{`{"a":1}`, `{"a":1}`, `{"a":1}`},
		{`{"ip":"203.0.113.77"}`, `{"ip":"203.0.113.0"}`, `{}`},
		{`{ "a" : {"x": [1, 2]} , "ip" : "203.0.113.77" , "b" : "c" }`, `{ "a" : {"x": [1, 2]} , "ip" : "203.0.113.0" , "b" : "c" }`, `{"a":{"x": [1, 2]},"b":"c"}`},
		{`{"ip":"203.0.113.77","ip":"203.0.113.78"}`, `{"ip":"203.0.113.0","ip":"203.0.113.0"}`, `{}`},
		{`{"\u0069p":"203.0.113.77","q\"":1}`, `{"\u0069p":"203.0.113.0","q\"":1}`, `{"q\"":1}`},
		{`{"ip":"203.0.113.7\u0037","a":1}`, `{"a":1}`, `{"a":1}`},
		{`{"ip":"2001:db8:1:2::3"}`, `{"ip":"2001:db8:1::"}`, `{}`},
		{`{"ip":["203.0.113.77"],"a":1}`, `{"a":1}`, `{"a":1}`},
		{`{"ip":{"v4":"203.0.113.77"}}`, `{}`, `{}`},
		{`{"ip":"behind a proxy","a":1}`, `{"a":1}`, `{"a":1}`},
		{`{"ip":null}`, `{}`, `{}`},
		{`{"ip":5}`, `{}`, `{}`},
		{`{"zip":"ip","ip":"203.0.113.77"}`, `{"zip":"ip","ip":"203.0.113.0"}`, `{"zip":"ip"}`},
		{`{"zip":"10115","trip":"x","title":"\u00e9","page":{"ip":"not the client's"}}`, `{"zip":"10115","trip":"x","title":"\u00e9","page":{"ip":"not the client's"}}`, ``},
		{`{}`, `{}`, `{}`},
	} {
		for policy, want := range map[IPPolicy]string{TruncateIP: test.truncated, DropIP: test.dropped, KeepIP: test.object} {
			if want == "" {
				want = test.object
			}
			context := []byte(test.object)
			e := &event.Event{Context: context}
			memory := &arena{b: []byte("before")}
			p := newPrivacy(t, policy, memory)
			for range 2 {
				if err := p.apply(e); err != nil || string(e.Context) != want {
					t.Errorf("%s %s: want %s; have %s %v", policy, test.object, want, e.Context, err)
				}
			}
			if string(context) != test.object || !bytes.HasPrefix(memory.b, []byte("before")) {
				t.Errorf("%s %s: what was there before was written over", policy, test.object)
			}
			if want == test.object && !strings.Contains(want, `"ip"`) && &e.Context[0] != &context[0] {
				t.Errorf("%s %s: copied for nothing", policy, test.object)
			}
		}
	}

	e := &event.Event{Context: []byte(`{"request_ip":"mine"}`), Extra: []byte(`{"request_ip":"203.0.113.77","ip":"203.0.113.77","x":1}`)}
	if err := (newPrivacy(t, TruncateIP, &arena{})).apply(e); err != nil {
		t.Fatal(err)
	}
	if want := `{"request_ip":"203.0.113.0","ip":"203.0.113.0","x":1}`; string(e.Extra) != want {
		t.Errorf("want %s; have %s", want, e.Extra)
	}
	if want := `{"request_ip":"mine"}`; string(e.Context) != want {
		t.Errorf("want %s; have %s", want, e.Context)
	}
	e = &event.Event{}
	if err := (newPrivacy(t, DropIP, &arena{})).apply(e); err != nil || e.Context != nil || e.Extra != nil {
		t.Errorf("want nothing; have %q %q %v", e.Context, e.Extra, err)
	}
}

// TestMayHold: a name is found wherever it stands in the words that the search takes at once.
func TestMayHold(t *testing.T) {
	t.Parallel()
	for _, name := range []string{`ip"`, `\u00`} {
		for before := range 70 {
			for after := range 40 {
				object := strings.Repeat("i", before) + name + strings.Repeat("p", after)
				if !mayHold([]byte(object)) {
					t.Errorf("%s is not found in %s", name, object)
				}
				if without := strings.Replace(object, name, `ip'p"i`, 1); mayHold([]byte(without)) {
					t.Errorf("%s is found in %s", name, without)
				}
			}
		}
	}
}

// TestPrivacyFailsClosed: what the step has not come to when it fails is gone.
func TestPrivacyFailsClosed(t *testing.T) {
	t.Parallel()
	for broken, want := range map[privacy]string{
		{policy: TruncateIP, memory: &arena{}}: "",
		newPrivacy(t, TruncateIP, nil):         "203.0.113.0",
	} {
		p := newPipeline(&arena{}, newSessions(1e6, 1), &addresses{}, []step{{"privacy", broken.apply}})
		e := read(t, event.Request{}, `{"type":"page","userId":"u","request_ip":"203.0.113.77","context":{"ip":"203.0.113.77"}}`)
		p.Apply(e)
		if e.IP != want || e.Context != nil || e.Extra != nil || e.Marks() != "privacy:failed" {
			t.Errorf("want ip %q; have %q, context %s, extra %s, marks %s", want, e.IP, e.Context, e.Extra, e.Marks())
		}
	}
}

// FuzzScrub: of any context, what is left is JSON whose ip, read as the loader reads it, is a network's or none, and
// all else is as it was.
func FuzzScrub(f *testing.F) {
	f.Add(`{"a":[1,{"ip":2}],"ip":"203.0.113.77","b":"\u00e9"}`)
	f.Add(`{"\u0069\u0070":"::1","ip":null}`)
	f.Add(`{ "ip" : "10.1.2.3" }`)
	f.Fuzz(func(t *testing.T, context string) {
		v, rest, err := jsonscan.Scan([]byte(context), event.MaxDepth)
		if err != nil || v.Kind != jsonscan.Object || len(rest) > 0 || v.Flags&^(jsonscan.Escaped|jsonscan.NUL) != 0 {
			return
		}
		e := &event.Event{Context: v.Raw}
		if err := (newPrivacy(t, TruncateIP, &arena{})).apply(e); err != nil {
			t.Fatal(err)
		}
		if _, rest, err := jsonscan.Scan(e.Context, event.MaxDepth); err != nil || len(rest) > 0 {
			t.Fatalf("%s makes %s: %v", context, e.Context, err)
		}
		var want, have []string
		collect := func(object []byte) (others []string) {
			m := jsonscan.NewMembers(object)
			for m.Next() {
				if string(m.Key()) != "ip" {
					others = append(others, string(m.Key())+":"+string(m.Value().Raw))
					continue
				}
			}
			return others
		}
		want, have = collect(v.Raw), collect(e.Context)
		if strings.Join(want, "\n") != strings.Join(have, "\n") {
			t.Errorf("%s: want %q; have %q", context, want, have)
		}
		m := jsonscan.NewMembers(e.Context)
		for m.Next() {
			if ip := string(m.Value().AppendString(nil)); string(m.Key()) == "ip" && !strings.HasSuffix(ip, ".0") && !strings.HasSuffix(ip, "::") {
				t.Errorf("%s: have %s", context, m.Value().Raw)
			}
		}
	})
}
