package jetstream

import (
	"cmp"
	"net/url"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/stream"
)

// FuzzParse: no URL makes parse fall over, what it takes it takes whole, and what it refuses it refuses without telling
// the password.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"host/stream", "a:1,b:2/stream?replicas=3&max_bytes=1", "host", "/stream", "host:x/stream", "[::1]:4222/s",
		"host/stream?%zz", "host/a@b", "/ss@host/stream", "host/stream?creds=/x&creds=/y", "%/s", ",/s", "#000000/s", "a?b/s",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		const password = "hush-hush"
		var options Options
		servers, _, err := parse("nats://me:"+password+"@"+rest, &options)
		if err != nil {
			if strings.Contains(err.Error(), password) {
				t.Errorf("the error tells the password: %v", err)
			}
			return
		}
		if options.Name == "" {
			t.Error("want a stream's name")
		}
		for server := range strings.SplitSeq(servers, ",") {
			if u, err := url.Parse(server); err != nil || u.Hostname() == "" {
				t.Errorf("%q is no server: %v", server, err)
			}
		}
	})
}

// FuzzSequence: a position is a number written in the one way, and comparing two is comparing the numbers.
func FuzzSequence(f *testing.F) {
	for _, seed := range [][2]string{{"1", "10"}, {"9", "10"}, {"", "1"}, {"01", "1"}, {"+1", "1"}, {"18446744073709551615", "18446744073709551616"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, err := sequence(stream.Position(a))
		if err != nil {
			return
		}
		if position(x) != stream.Position(a) {
			t.Errorf("%q was read as %d", a, x)
		}
		y, err := sequence(stream.Position(b))
		if err != nil {
			return
		}
		var l *Log
		if have := l.Compare(stream.Position(a), stream.Position(b)); cmp.Compare(have, 0) != cmp.Compare(x, y) {
			t.Errorf("want Compare(%q, %q) to be as %d; have %d", a, b, cmp.Compare(x, y), have)
		}
	})
}
