package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/replay"
)

// reports reads a replay's answer: its lines, the last of which may be a fault.
func reports(t *testing.T, body string) (all []replay.Report, fault fault) {
	t.Helper()
	for line := range strings.Lines(body) {
		var r struct {
			replay.Report
			Error string    `json:"error"`
			Code  faultCode `json:"code"`
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if r.Error != "" {
			fault.Error, fault.Code = r.Error, r.Code
			continue
		}
		all = append(all, r.Report)
	}
	return all, fault
}

func TestReplay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	d := h.open()
	w := do(d, http.MethodPost, "/api/replay", `{"reason":"unknown_type","source":"web","from":"2026-11-01T00:00:00Z","dry_run":true}`)
	wants(t, "a dry run", w, http.StatusOK, `"dry_run":true`)
	all, _ := reports(t, w.Body.String())
	if len(all) != 2 || all[0].Done || !all[1].Done || all[1].Loads != 2 || all[1].Total != 3 {
		t.Errorf("want progress, and a report that is done; have %+v", all)
	}
	if have := h.replayed[0]; have.Reason != "unknown_type" || have.Source != "web" || have.From.IsZero() || !have.To.IsZero() || !have.DryRun {
		t.Errorf("want it asked as it was sent; have %+v", have)
	}
	wants(t, "an unknown member", do(d, http.MethodPost, "/api/replay", `{"dryrun":true}`), http.StatusBadRequest, "dryrun")
	if len(h.replayed) != 1 {
		t.Error("what is misspelt must not run: it could have been the dry run")
	}
	wants(t, "by GET", get(d, "/api/replay"), http.StatusMethodNotAllowed, "method_not_allowed")
	wants(t, "from another site", do(d, http.MethodPost, "/api/replay", `{}`, "Origin: https://evil.example"), http.StatusForbidden, "cross_site")

	h.set(func() { h.full = errors.New("the stream is full") })
	_, fault := reports(t, do(d, http.MethodPost, "/api/replay", `{"dry_run":false}`).Body.String())
	if fault.Code != "failed" || !strings.Contains(fault.Error, "the stream is full (0 events were put on the stream before)") {
		t.Errorf("want the fault on the last line; have %+v", fault)
	}
}

// Of two replays at a time the second is told to wait; a dry run need not.
func TestReplayOneAtATime(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	begun, end := make(chan struct{}), make(chan struct{})
	h.options.Replay = func(_ context.Context, ask replay.Ask, _ func(replay.Report)) (replay.Report, error) {
		if !ask.DryRun {
			close(begun)
			<-end
		}
		return replay.Report{DryRun: ask.DryRun, Done: true, Reasons: []replay.Outcome{}}, nil
	}
	d := h.open()
	first := make(chan int, 1)
	go func() { first <- do(d, http.MethodPost, "/api/replay", `{}`).Code }()
	within(t, "the first replay", func() { <-begun })
	wants(t, "a second one", do(d, http.MethodPost, "/api/replay", `{}`), http.StatusConflict, "busy")
	wants(t, "a dry run", do(d, http.MethodPost, "/api/replay", `{"dry_run":true}`), http.StatusOK, `"done":true`)
	close(end)
	if have := <-first; have != http.StatusOK {
		t.Errorf("want the first one answered; have %d", have)
	}
	h.options.Replay = nil
	wants(t, "a server without a stream", do(h.open(), http.MethodPost, "/api/replay", `{}`), http.StatusNotImplemented, "no_replay")
}
