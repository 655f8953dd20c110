package dashboard

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Subject is a person whose data is to be erased: all of these ids.
type Subject struct {
	UserIDs      []string `json:"user_ids,omitempty" description:"user ids of the person"`
	AnonymousIDs []string `json:"anonymous_ids,omitempty" description:"anonymous ids of the person, such as of devices"`
}

// Erase removes what is kept of a person and counts it by table; with dry it only counts.
type Erase func(ctx context.Context, subject Subject, dry bool) (map[string]int64, error)

type (
	// eraseAsk says whose data is to go.
	eraseAsk struct {
		Subject
		DryRun bool `json:"dry_run,omitempty" description:"only count what would be removed"`
	}
	// Receipt says what an erasure has removed.
	Receipt struct {
		Subject
		DryRun bool             `json:"dry_run" required:"true"`
		Erased map[string]int64 `json:"erased" required:"true" nullable:"false" description:"rows by table; of dead letters, those that were blanked"`
		At     time.Time        `json:"at" required:"true"`
	}
)

// maxSubjects bounds how many ids one request may name.
const maxSubjects = 1000

func (d *Dashboard) eraseOperations() []operation {
	return []operation{{
		route: "POST /api/erase", id: "erase", group: groupRun, title: "Erase a person", scope: scopeAdmin,
		about: "Removes every event, identity and trait of these ids from the warehouse in one transaction, and blanks the dead letters about them. " +
			"The ledger counts the rows as erased. Records that are still in the stream are not touched: they go when --retain is over.",
		body: eraseAsk{}, gives: Receipt{}, refuse: []int{400, 413},
		sample: map[string]any{"what would go": eraseAsk{Subject: Subject{UserIDs: []string{"u-4711"}}, DryRun: true}}, handle: d.erase,
	}}
}

func (d *Dashboard) erase(w http.ResponseWriter, r *http.Request) {
	var ask eraseAsk
	if !read(w, r, maxSQLBytes, &ask) {
		return
	}
	n := 0
	for _, id := range append(append([]string{}, ask.UserIDs...), ask.AnonymousIDs...) {
		if n++; id == "" {
			refuseField(w, "user_ids", "", errors.New("an id cannot be empty"))
			return
		}
	}
	if n == 0 || n > maxSubjects {
		refuseField(w, "user_ids", n, errors.New("user_ids and anonymous_ids must name 1 to 1000 ids together"))
		return
	}
	erased, err := d.options.Erase(r.Context(), ask.Subject, ask.DryRun)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	if !ask.DryRun {
		d.options.Logger.Info("a person was erased", "ids", n, "events", erased["events"])
	}
	answer(w, Receipt{Subject: ask.Subject, DryRun: ask.DryRun, Erased: erased, At: d.options.Now().UTC()})
}
