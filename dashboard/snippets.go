package dashboard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// snippet is a way to send a first event, ready to be copied.
type snippet struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Hint  string `json:"hint"`
	Text  string `json:"text"`
}

// base gives the address of this server as a request reached it. The pages' scripts put the browser's idea of it in the
// place of ours, which may be behind a proxy.
func base(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// firstSnippets is how many of the snippets the live page shows.
const firstSnippets = 3

// snippets are written for one write key, the simplest ways first.
func snippets(base, key string) []snippet {
	quoted, host := scriptQuote(key), strings.TrimPrefix(strings.TrimPrefix(base, "http://"), "https://")
	pixel := base + "/v1/pixel.gif?" + url.Values{"writeKey": {key}, "type": {"track"}, "event": {"Mail Opened"}, "userId": {"ada"}}.Encode()
	return []snippet{
		{"terminal", "From a terminal", "Any event, from anywhere that speaks HTTP.", fmt.Sprintf(`curl %s/v1/track -u %s \
  -H 'Content-Type: application/json' \
  -d '{"event": "Hello Spoor", "userId": "ada", "properties": {"from": "a terminal"}}'`, base, shellQuote(key+":"))},
		{"web", "From a web page", "With Segment's SDK from npm, @segment/analytics-next.", fmt.Sprintf(`import { AnalyticsBrowser } from '@segment/analytics-next'

const analytics = AnalyticsBrowser.load({ writeKey: %s, cdnURL: '%s' })
analytics.page()
analytics.track('Hello Spoor', { from: 'a web page' })`, quoted, base)},
		{"node", "From a server", "With Segment's SDK from npm, @segment/analytics-node. The SDKs for other languages take the same two settings.", fmt.Sprintf(`import { Analytics } from '@segment/analytics-node'

const analytics = new Analytics({ writeKey: %s, host: '%s' })
analytics.track({ userId: 'ada', event: 'Hello Spoor', properties: { from: 'a server' } })
await analytics.closeAndFlush()`, quoted, base)},
		{"go", "Go", "With Spoor's own SDK: go get github.com/spoorhq/spoor/sdk/go", fmt.Sprintf(`client, err := spoor.New(spoor.Options{URL: "%s", WriteKey: %s})
if err != nil {
	return err
}
err = client.Track(ctx, spoor.Event{UserID: "ada", Name: "Hello Spoor", Properties: spoor.Map{"from": "Go"}})
// … and at the end of the program:
err = client.Close(ctx)`, base, textQuote(key))},
		{"python", "Python", "With Segment's SDK: pip install segment-analytics-python", fmt.Sprintf(`import segment.analytics as analytics

analytics.write_key = %s
analytics.host = '%s'
analytics.track('ada', 'Hello Spoor', {'from': 'Python'})
analytics.flush()`, quoted, base)},
		{"ruby", "Ruby", "With Segment's SDK: gem install analytics-ruby. It always speaks https: put a certificate before this server.", fmt.Sprintf(`require 'segment/analytics'

address = URI('https://%s')
analytics = Segment::Analytics.new(write_key: %s, host: address.host, port: address.port)
analytics.track(user_id: 'ada', event: 'Hello Spoor', properties: { from: 'Ruby' })
analytics.flush`, host, quoted)},
		{"java", "Java", "With Segment's SDK: com.segment.analytics.java:analytics", fmt.Sprintf(`import com.segment.analytics.Analytics;
import com.segment.analytics.messages.TrackMessage;
import java.util.Map;

Analytics analytics = Analytics.builder(%s).endpoint("%s").build();
analytics.enqueue(TrackMessage.builder("Hello Spoor")
    .userId("ada")
    .properties(Map.of("from", "Java")));
analytics.flush();
// … and at the end of the program:
analytics.shutdown();`, textQuote(key), base)},
		{"swift", "iOS", "With Segment's SDK, analytics-swift. It always speaks https: put a certificate before this server.", fmt.Sprintf(`let configuration = Configuration(writeKey: %s)
    .apiHost("%s/v1")
    .cdnHost("%[2]s/v1")
let analytics = Analytics(configuration: configuration)
analytics.track(name: "Hello Spoor", properties: ["from": "iOS"])`, textQuote(key), host)},
		{"kotlin", "Android", "With Segment's SDK, analytics-kotlin. It always speaks https: put a certificate before this server.", fmt.Sprintf(`val analytics = Analytics(%s, applicationContext) {
    apiHost = "%s/v1"
    cdnHost = "%[2]s/v1"
}
analytics.track("Hello Spoor", buildJsonObject { put("from", "Android") })`, strings.ReplaceAll(textQuote(key), "$", `\$`), host)},
		{"pixel", "A picture", "Where no script runs, as in a mail: one picture of one point, one event.", `<img src="` + strings.ReplaceAll(pixel, "&", "&amp;") + `" width="1" height="1" alt="">`},
	}
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// textQuote writes a string between double quotes, as Go, Java and Swift all read it.
func textQuote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("a string cannot be JSON: %v", err))
	}
	return string(text)
}

func scriptQuote(s string) string {
	text := textQuote(s)
	return "'" + strings.ReplaceAll(text[1:len(text)-1], "'", `\'`) + "'"
}
