package enrich

import (
	"bytes"
	"strings"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
)

// side is where a library runs.
type side uint8

const (
	unknownSide side = iota
	clientSide       // in the client's hands: a browser, a phone
	serverSide       // on a server, which speaks for many clients
)

// client gives the event the address and the user agent of its request, where these are the client's and the SDK
// named none.
type client struct{ libraries *cache[side] }

func (c client) apply(e *event.Event) error {
	if (e.IP != "" && e.UserAgent != "") || !c.speaksForItself(e) {
		return nil
	}
	if e.IP == "" {
		e.IP = e.Request.IP
	}
	if e.UserAgent == "" {
		e.UserAgent = e.Request.UserAgent
	}
	return nil
}

// speaksForItself tells whether the request came from the client itself.
func (c client) speaksForItself(e *event.Event) bool {
	switch *c.libraries.get(e.Library.Name) {
	case clientSide:
		return true
	case unknownSide:
		if e.Request.Protocol == "pixel" || isBrowser(e.Request.UserAgent) {
			return true
		}
	}
	return direct(e.Context)
}

// direct tells whether the context has "direct": true, which is how Segment's spec has a client say that the address of
// its request is its own.
func direct(context []byte) bool {
	if !bytes.Contains(context, []byte(`"direct"`)) {
		return false
	}
	m := jsonscan.ValidMembers(context)
	for m.Next() {
		if string(m.Key()) == "direct" {
			return m.Value().Kind == jsonscan.True
		}
	}
	return false
}

// isBrowser tells whether a user agent begins as those of browsers and of the web views in apps do.
func isBrowser(userAgent string) bool {
	return strings.HasPrefix(userAgent, "Mozilla/5.0 (") || strings.HasPrefix(userAgent, "Mozilla/4.0 (") ||
		strings.HasPrefix(userAgent, "Opera/")
}

// classify tells by the words in its name where a library runs, as in @segment/analytics-node, analytics.js,
// com.rudderstack.android.sdk.core or posthog-js.
func classify(library string) side {
	words := strings.FieldsFunc(strings.ToLower(library), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	found := unknownSide
	for _, word := range words {
		switch word {
		case "node", "nodejs", "python", "py", "go", "golang", "ruby", "java", "php", "net", "dotnet", "rust", "elixir",
			"clojure", "scala", "perl", "server":
			return serverSide
		case "jitsu":
			return unknownSide // one library, one name, for browsers and for Node
		case "js", "javascript", "web", "browser", "ios", "android", "swift", "kotlin", "native", "flutter", "unity",
			"cordova", "capacitor", "xamarin", "roku", "pixel":
			found = clientSide
		}
	}
	return found
}
