package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/internal/fakedb"
)

// A trace tells at once what the warehouse knows, then what the stream holds, and what of it was looked at.
func TestTrace(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.accept(time.Now(), `{"type":"track","event":"Buy","userId":"ada","messageId":"m-1"}`, `{"type":"track","event":"Buy","userId":"ada","messageId":"m-2"}`)
	var kinds []string
	var last traceLine
	for line := range strings.Lines(get(h.open(), "/api/trace?id=m-1").Body.String()) {
		last = traceLine{}
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		switch {
		case last.Warehouse != nil:
			kinds = append(kinds, "warehouse")
		case last.Found != nil:
			kinds = append(kinds, "found "+last.Found.MessageID)
		case last.Searched != nil && last.Searched.Done:
			kinds = append(kinds, "done")
		}
	}
	if want := []string{"warehouse", "found m-1", "done"}; !slices.Equal(kinds, want) || last.Searched.Events != 2 {
		t.Errorf("want %q of 2 events; have %q, %+v", want, kinds, last.Searched)
	}
}

func TestTraceFaults(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	d := h.open()
	wants(t, "without an id", get(d, "/api/trace"), http.StatusBadRequest, `"field":"id"`)
	wants(t, "with a moment that is none", get(d, "/api/trace?id=x&at=noon"), http.StatusBadRequest, `"field":"at"`)
	h.set(func() {
		h.answer = func(context.Context, string, []any) (*fakedb.Answer, error) {
			return nil, errors.New("the warehouse is on fire")
		}
	})
	for _, path := range []string{"/api/trace?id=x", "/api/pipeline", "/api/dead-letters", "/api/sources", "/api/schema"} {
		wants(t, path, get(d, path), http.StatusInternalServerError, "on fire")
	}
	for path, want := range map[string]string{
		"/api/pipeline?from=yesterday": `"field":"from"`, "/api/pipeline?to=1": `"field":"to"`, "/api/dead-letters?limit=0": `"field":"limit"`,
		"/api/pipeline?from=2026-11-24T00:00:00Z&to=2026-11-23T00:00:00Z": "from must be before to",
	} {
		wants(t, path, get(d, path), http.StatusBadRequest, want)
	}
}
