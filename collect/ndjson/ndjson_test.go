package ndjson

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", event.MaxEventBytes+1)
	for body, want := range map[string][]string{
		"":                              nil,
		"\n \r\n\t\n":                   nil,
		`{"a":1}`:                       {`{"a":1}`},
		"{\"a\":1}\n":                   {`{"a":1}`},
		" {\"a\":1} \r\n\n[2]\nnull\n":  {`{"a":1}`, `[2]`, `null`},
		"{\"a\":1}{\"b\":2}\n{\"c\":3}": {`!{"a":1}{"b":2}`, `{"c":3}`},
		"{\"a\":\nhello\n{}":            {`!{"a":`, `!hello`, `{}`},
		long + "\n{}":                   {"!" + long, "{}"},
		strings.Repeat("[", 129) + strings.Repeat("]", 129) + "\n{}": {"!" + strings.Repeat("[", 129) + strings.Repeat("]", 129), "{}"},
	} {
		var req event.Request
		key, events, err := New().Decode(httptest.NewRequestWithContext(t.Context(), "POST", "/v1/ndjson", nil), []byte(body), &req, nil)
		var have []string
		for _, v := range events {
			text := string(v.Raw)
			if v.Kind == jsonscan.Invalid {
				text = "!" + text
			}
			have = append(have, text)
		}
		if err != nil || key != nil || !slices.Equal(have, want) {
			t.Errorf("%.60q: want %.60q, have %.60q, %v", body, want, have, err)
		}
	}
}
