// Package pixel takes an event by the address of a picture, for where no program runs: mails, feeds, pages without scripts.
package pixel

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/oklog/ulid/v2"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
)

// Protocol is a GET of a picture. It has no state.
type Protocol struct{}

// New gives the protocol.
func New() Protocol { return Protocol{} }

// Name is "pixel".
func (Protocol) Name() string { return "pixel" }

// MaxBody is an event's, though a picture is asked for without a body.
func (Protocol) MaxBody() int { return event.MaxEventBytes }

// Routes are Spoor's picture and RudderStack's two.
func (Protocol) Routes() []string {
	return []string{"GET /v1/pixel.gif", "GET /pixel/v1/track", "GET /pixel/v1/page"}
}

// Decode makes an event of the query, or takes the one that is in data.
func (Protocol) Decode(r *http.Request, _ []byte, req *event.Request, events []jsonscan.Value) ([]byte, []jsonscan.Value, error) {
	if r.Method == http.MethodHead {
		return nil, events, nil // whoever asks whether the picture is there has not seen it
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, events, &malformed{"the query cannot be read: " + err.Error()}
	}
	req.Type = event.TypePage
	if strings.HasSuffix(strings.TrimRight(r.URL.Path, "/"), "/track") || query.Has("event") {
		req.Type = event.TypeTrack
	}
	var text []byte
	if data := query.Get("data"); data == "" {
		text = write(r, query)
	} else {
		// With or without padding, and in either alphabet, since many tools know only the one of mails.
		data = strings.NewReplacer("+", "-", "/", "_", " ", "-").Replace(strings.TrimRight(data, "="))
		if text, err = base64.RawURLEncoding.DecodeString(data); err != nil {
			return nil, events, &malformed{"data is not an event in base64: " + err.Error()}
		}
	}
	v, _ := event.Scan(text)
	return nil, append(events, v), nil
}

type malformed struct{ message string }

func (e *malformed) Error() string { return e.message }

// Code names the fault to programs.
func (e *malformed) Code() string { return "invalid_query" }

// fields are the parameters that become members of the event as they are.
func fields() []string {
	return []string{"type", "event", "name", "category", "userId", "anonymousId", "groupId", "previousId", "messageId", "timestamp", "sentAt"}
}

// write makes the event that the parameters tell of. Someone without any id gets an anonymousId that nobody else has, and
// the context says so, for such a person cannot be recognised when they come again.
func write(r *http.Request, query url.Values) []byte {
	var properties, context, text object
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if property, ok := strings.CutPrefix(name, "properties."); ok && property != "" {
			properties.text(property, query.Get(name))
		}
	}
	for _, name := range fields() {
		if value := query.Get(name); value != "" {
			text.text(name, value)
		}
	}
	if query.Get("userId") == "" && query.Get("anonymousId") == "" {
		text.text("anonymousId", ulid.Make().String())
		context.raw("anonymousIdGenerated", []byte("true"))
	}
	if url := r.Referer(); url != "" {
		var page object
		page.text("url", url)
		context.raw("page", page.end())
	}
	if properties != nil {
		text.raw("properties", properties.end())
	}
	if context != nil {
		text.raw("context", context.end())
	}
	return text.end()
}

// object is a JSON object being written.
type object []byte

func (o *object) raw(name string, value []byte) {
	separator := byte(',')
	if *o == nil {
		separator = '{'
	}
	*o = append(append(jsonscan.AppendQuoted(append(*o, separator), name), ':'), value...)
}

func (o *object) text(name, value string) { o.raw(name, jsonscan.AppendQuoted(nil, value)) }

func (o *object) end() []byte { return append(*o, '}') }

// Answer gives the picture, whatever the status: a page that shows it is no place for errors.
func (Protocol) Answer(w http.ResponseWriter, status int, _ []byte) {
	h := w.Header()
	h.Set("Content-Type", "image/gif")
	h.Set("Cache-Control", "no-store, no-cache, must-revalidate, private, max-age=0")
	h.Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_, _ = w.Write(picture()) // a client that has gone cannot be told
}

// picture is one transparent point in 43 bytes: GIF89a, a palette of two colours, the first of which is not drawn.
func picture() []byte {
	return []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff" +
		"\x21\xf9\x04\x01\x00\x00\x00\x00" +
		"\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00" +
		"\x02\x02\x44\x01\x00\x3b")
}
