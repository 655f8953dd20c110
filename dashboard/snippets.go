package dashboard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// snippet is a way to send a first event, ready to be copied.
type snippet struct{ Title, Hint, Text string }

// base gives the address of this server as a request reached it. The pages' scripts put the browser's idea of it in the
// place of ours, which may be behind a proxy.
func base(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// snippets are written for one write key.
func snippets(base, key string) []snippet {
	return []snippet{
		{"From a terminal", "Any event, from anywhere that speaks HTTP.", fmt.Sprintf(`curl %s/v1/track -u %s \
  -H 'Content-Type: application/json' \
  -d '{"event": "Hello Spoor", "userId": "ada", "properties": {"from": "a terminal"}}'`, base, shellQuote(key+":"))},
		{"From a web page", "With Segment's SDK from npm, @segment/analytics-next.", fmt.Sprintf(`import { AnalyticsBrowser } from '@segment/analytics-next'

const analytics = AnalyticsBrowser.load({ writeKey: %s, cdnURL: '%s' })
analytics.page()
analytics.track('Hello Spoor', { from: 'a web page' })`, scriptQuote(key), base)},
		{"From a server", "With Segment's SDK from npm, @segment/analytics-node. The SDKs for other languages take the same two settings.", fmt.Sprintf(`import { Analytics } from '@segment/analytics-node'

const analytics = new Analytics({ writeKey: %s, host: '%s' })
analytics.track({ userId: 'ada', event: 'Hello Spoor', properties: { from: 'a server' } })`, scriptQuote(key), base)},
	}
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func scriptQuote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("a string cannot be JSON: %v", err))
	}
	return "'" + strings.ReplaceAll(string(text[1:len(text)-1]), "'", `\'`) + "'"
}
