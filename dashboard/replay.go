package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/spoorhq/spoor/replay"
)

// replaying lets one replay run at a time.
type replaying struct{ sync.Mutex }

// replay answers {"reason", "source", "from", "to", "dry_run"}: reports, one a line, the last of which is done; or a fault.
func (d *Dashboard) replay(w http.ResponseWriter, r *http.Request) {
	var ask replay.Ask
	if !read(w, r, maxSQLBytes, &ask) {
		return
	}
	if !ask.From.IsZero() && !ask.To.IsZero() && !ask.From.Before(ask.To) {
		refuse(w, http.StatusBadRequest, codeBadRequest, fmt.Errorf("from must be before to; got %s and %s", ask.From, ask.To))
		return
	}
	if d.options.Replay == nil {
		refuse(w, http.StatusNotImplemented, codeNoReplay, errors.New("this server has no stream that dead letters could be put on"))
		return
	}
	if !ask.DryRun {
		if !d.replaying.TryLock() {
			refuse(w, http.StatusConflict, codeBusy, errors.New("another replay is under way; wait until it is done"))
			return
		}
		defer d.replaying.Unlock()
	}
	out := newNDJSON(w)
	tell := func(report replay.Report) error {
		if err := sendJSON(out, "", report); err != nil {
			return err
		}
		return out.flush()
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	report, err := d.options.Replay(ctx, ask, func(report replay.Report) {
		if tell(report) != nil {
			cancel() // nobody listens any more: what is sent is sent
		}
	})
	if r.Context().Err() != nil {
		return
	}
	if err != nil {
		d.options.Logger.Error("a replay failed", "sent", report.Sent, "err", err)
		_ = sendJSON(out, "", fault{Error: fmt.Sprintf("%v (%d events were put on the stream before)", err, report.Sent), Code: codeFailed})
		return
	}
	if !ask.DryRun {
		d.options.Logger.Info("dead letters were replayed", "reason", ask.Reason, "source", ask.Source, "sent", report.Sent)
	}
	_ = tell(report)
}
