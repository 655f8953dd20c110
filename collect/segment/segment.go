// Package segment speaks the HTTP API of Segment, in the ways that its SDKs for browsers, servers and phones really use it,
// and those of RudderStack's that speak the same.
package segment

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
)

// maxDeep bounds the nesting of a text whose depth is not the batch's fault: it is passed over whole.
const maxDeep = 10_000

// maxMerged bounds what the envelope's context and integrations come to when each event has got its copy.
const maxMerged = 4 << 20

// Protocol is Segment's. It has no state.
type Protocol struct{}

// New gives the protocol.
func New() Protocol { return Protocol{} }

// Name is "segment".
func (Protocol) Name() string { return "segment" }

// MaxBody is Segment's limit of a batch.
func (Protocol) MaxBody() int { return event.MaxBatchBytes }

// typeOf is the type that a path gives to its event; "": the path takes batches. The short ones are what analytics.js calls.
func typeOf(p string) string {
	switch path.Base(p) {
	case "identify", "i":
		return event.TypeIdentify
	case "track", "t":
		return event.TypeTrack
	case "page", "p":
		return event.TypePage
	case "screen", "s":
		return event.TypeScreen
	case "group", "g":
		return event.TypeGroup
	case "alias", "a":
		return event.TypeAlias
	default:
		return ""
	}
}

// Routes are the paths that the SDKs call, and /v1 twice, which they call when it is a part of the host they are given.
// React Native's posts batches to the bare address.
func (Protocol) Routes() []string {
	routes := []string{"POST /{$}", "POST /b", "POST /v1", "POST /beacon/v1/batch"}
	for _, prefix := range []string{"/v1/", "/v1/v1/"} {
		for _, name := range []string{
			"identify", "track", "page", "screen", "group", "alias", "i", "t", "p", "s", "g", "a", "batch", "import", "b",
		} {
			routes = append(routes, "POST "+prefix+name)
		}
	}
	return routes
}

// Handlers are what the SDKs ask for beside sending events.
func (Protocol) Handlers() map[string]http.Handler {
	settings, measurements := http.HandlerFunc(settings), http.HandlerFunc(ignore)
	return map[string]http.Handler{
		"GET /v1/projects/{key}/settings": settings,
		"GET /projects/{key}/settings":    settings,
		"POST /v1/m":                      measurements,
		"POST /m":                         measurements,
	}
}

// Answer gives the report as JSON: analytics-java and -ruby send again what is answered with anything else.
func (Protocol) Answer(w http.ResponseWriter, status int, report []byte) {
	answer(w, status, report)
}

func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone cannot be told
}

// Decode reads one event or a batch, whatever the content type says.
func (Protocol) Decode(r *http.Request, body []byte, req *event.Request, events []jsonscan.Value) ([]byte, []jsonscan.Value, error) {
	if req.Type = typeOf(r.URL.Path); req.Type != "" {
		return single(body, events)
	}
	e := envelope{text: body, events: events}
	if err := e.read(req); err != nil {
		return nil, events, err
	}
	return e.key, e.events, nil
}

func single(body []byte, events []jsonscan.Value) ([]byte, []jsonscan.Value, error) {
	c := envelope{text: body, events: events}
	v, err := c.event()
	if err != nil {
		return nil, events, err
	}
	if err := c.end(); err != nil {
		return nil, events, err
	}
	var key []byte
	if v.Kind == jsonscan.Object {
		for m := jsonscan.ValidMembers(v.Raw); m.Next(); {
			if string(m.Key()) == "writeKey" {
				key = stringOf(m.Value())
			}
		}
	}
	return key, append(events, v), nil
}

// stringOf is the text of a string; nil for any other value.
func stringOf(v jsonscan.Value) []byte {
	if v.Kind == jsonscan.String && v.Flags&jsonscan.Escaped == 0 {
		return v.Raw[1 : len(v.Raw)-1]
	}
	return v.AppendString(nil)
}

// settings answers what analytics.js and the phones' SDKs ask before they send: where to. Without a plan and remote
// plugins they send all events and nothing else, and with a sample rate of 0 no measurements of themselves.
func settings(w http.ResponseWriter, r *http.Request) {
	type object = map[string]any
	enabled := object{"__default": object{"enabled": true}}
	body, err := json.Marshal(object{
		"integrations": object{"Segment.io": object{
			"apiKey":          r.PathValue("key"),
			"apiHost":         r.Host + "/v1",
			"protocol":        r.URL.Scheme,
			"versionSettings": object{"version": "4.4.7", "componentTypes": []string{"browser"}},
		}},
		"plan":                 object{"track": enabled, "identify": enabled, "group": enabled},
		"metrics":              object{"sampleRate": 0},
		"remotePlugins":        []string{},
		"analyticsNextEnabled": true,
	})
	if err != nil {
		http.Error(w, fmt.Sprintf("writing the settings: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=120")
	answer(w, http.StatusOK, body)
}

// ignore takes the SDKs' measurements of themselves.
func ignore(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, event.MaxBatchBytes)) // so that the connection can be used again
	answer(w, http.StatusOK, []byte("{\"success\":true}\n"))
}
