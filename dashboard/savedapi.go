package dashboard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spoorhq/spoor/alert"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/saved"
)

// savedKind is a kind of documents that the API keeps.
type savedKind struct {
	kind          saved.Kind
	name          string // of one
	draft         any    // draftOf the body
	document, all any    // documentOf and listOf it
	sample        any    // a draft
	reading       scope  // what looking at it needs
	// check refuses a body that means nothing; id is of the document that it is to be, empty for a new one.
	check func(ctx context.Context, id string, body json.RawMessage) error
}

type (
	// draftOf is what is to be kept.
	draftOf[B any] struct {
		Name string `json:"name" required:"true" minLength:"1" maxLength:"200"`
		Body B      `json:"body" required:"true"`
	}
	// documentOf is something that is kept, in its newest version.
	documentOf[B any] struct {
		ID      string    `json:"id" required:"true"`
		Name    string    `json:"name" required:"true"`
		Version int64     `json:"version" required:"true" description:"1 when it is created, one more with each change; also the ETag"`
		Created time.Time `json:"created" required:"true"`
		Changed time.Time `json:"changed" required:"true"`
		Body    B         `json:"body" required:"true"`
	}
	// listOf is all that is kept of a kind.
	listOf[B any] struct {
		Documents []documentOf[B] `json:"documents" required:"true" nullable:"false" description:"by name"`
	}
	savedParams struct {
		ID string `path:"id" description:"The document's id."`
	}
	changeParams struct {
		savedParams
		IfMatch     string `header:"If-Match" description:"The ETag of the version that the change was made from, or * for whichever it is."`
		IfNoneMatch string `header:"If-None-Match" enum:"*" description:"Instead of If-Match: create the document under this id, where there is none."`
	}
	tagged struct {
		ETag string `header:"ETag"`
	}
)

func kindOf[B any](kind saved.Kind, name string, sample B, check func(ctx context.Context, id string, body json.RawMessage) error) savedKind {
	return savedKind{kind, name, draftOf[B]{}, documentOf[B]{}, listOf[B]{}, draftOf[B]{"An example", sample}, scopeRead, check}
}

// savedKinds are the documents that people may keep by the API. Tokens are none: what is kept of them is not shown.
func (d *Dashboard) savedKinds() []savedKind {
	rules := kindOf(saved.Alerts, "alert", alert.Rule{Event: &alert.Volume{Event: "Order Completed"}, Usual: &alert.Usual{Side: "below"}, Notify: []alert.Receiver{{Webhook: "https://chat.example/hook"}}}, d.checkAlert)
	rules.reading = scopeAdmin // whoever knows a webhook's URL can often use it
	return []savedKind{
		rules,
		kindOf(saved.Reports, "report", saved.Report{Question: "trend", Params: json.RawMessage(`{"range":{"last":7,"unit":"day"},"series":[{"event":{"event":"Order Completed"}}]}`)},
			d.checkReport),
		kindOf(saved.Dashboards, "dashboard", saved.Dashboard{Tiles: []saved.Tile{{Report: "k3jq5x2m7pnv4wtd", Width: 2}}, Refresh: 60}, d.checkDashboard),
		kindOf(saved.Cohorts, "cohort", cohortBody{Filter: query.Filter{Did: &query.Did{Event: query.Selection{Event: "Order Completed"}, AtLeast: 3}}}, d.checkCohort),
	}
}

func (d *Dashboard) checkReport(_ context.Context, _ string, body json.RawMessage) error {
	report, err := saved.ReadReport(body)
	if err != nil {
		return err
	}
	_, err = d.questionOfReport(report)
	return err
}

// checkDashboard wants every report to be there. One that is removed later leaves an empty place, which the page names.
func (d *Dashboard) checkDashboard(_ context.Context, _ string, body json.RawMessage) error {
	dashboard, err := saved.ReadDashboard(body)
	if err != nil {
		return err
	}
	for i, t := range dashboard.Tiles {
		if _, err := d.options.Saved.Get(saved.Reports, t.Report); errors.Is(err, saved.ErrNotFound) {
			return &saved.FieldError{Field: fmt.Sprintf("body.tiles[%d].report", i), Value: strconv.Quote(t.Report), Why: "must be the id of a saved report"}
		} else if err != nil {
			return err
		}
	}
	return nil
}

// savedOperations are the routes of each kind.
func (d *Dashboard) savedOperations() []operation {
	var all []operation
	for _, k := range d.savedKinds() {
		path := "/api/saved/" + string(k.kind)
		id := capital(k.name)
		all = append(all,
			operation{
				route: "GET " + path, id: "list" + id + "s", group: groupSaved, title: "All " + string(k.kind), scope: k.reading, gives: k.all,
				handle: func(w http.ResponseWriter, r *http.Request) { d.listSaved(w, r, k.kind) },
			},
			operation{
				route: "POST " + path, id: "create" + id, group: groupSaved, title: "Keep a new " + k.name, scope: scopeAdmin,
				body: k.draft, gives: k.document, status: http.StatusCreated, heads: tagged{}, refuse: []int{400, 409, 413}, sample: map[string]any{k.name: k.sample},
				handle: func(w http.ResponseWriter, r *http.Request) { d.createSaved(w, r, k) },
			},
			operation{
				route: "GET " + path + "/{id}", id: "get" + id, group: groupSaved, title: "One " + k.name, scope: k.reading,
				params: savedParams{}, gives: k.document, heads: tagged{}, refuse: []int{404},
				handle: func(w http.ResponseWriter, r *http.Request) { d.getSaved(w, r, k.kind) },
			},
			operation{
				route: "PUT " + path + "/{id}", id: "change" + id, group: groupSaved, title: "Change a " + k.name, scope: scopeAdmin,
				about: "If-Match must name the version that the change was made from, so that of two who change it one is refused with 412 and not overwritten.",
				body:  k.draft, params: changeParams{}, gives: k.document, heads: tagged{}, refuse: []int{400, 404, 409, 412, 413, 428}, sample: map[string]any{k.name: k.sample},
				handle: func(w http.ResponseWriter, r *http.Request) { d.changeSaved(w, r, k) },
			},
			operation{
				route: "DELETE " + path + "/{id}", id: "remove" + id, group: groupSaved, title: "Remove a " + k.name, scope: scopeAdmin,
				about:  "With If-Match only that version is removed.",
				params: changeParams{}, status: http.StatusNoContent, refuse: []int{400, 404, 412},
				handle: func(w http.ResponseWriter, r *http.Request) { d.removeSaved(w, r, k.kind) },
			})
	}
	return all
}

func (d *Dashboard) listSaved(w http.ResponseWriter, r *http.Request, kind saved.Kind) {
	documents, err := d.options.Saved.List(kind)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	answer(w, map[string]any{"documents": documents})
}

func (d *Dashboard) getSaved(w http.ResponseWriter, r *http.Request, kind saved.Kind) {
	document, err := d.options.Saved.Get(kind, r.PathValue("id"))
	if err != nil {
		d.notSaved(w, r, err)
		return
	}
	if r.Header.Get("If-None-Match") == etag(document) {
		w.Header().Set("ETag", etag(document))
		w.WriteHeader(http.StatusNotModified)
		return
	}
	answerSaved(w, http.StatusOK, document)
}

func (d *Dashboard) createSaved(w http.ResponseWriter, r *http.Request, k savedKind) {
	draft, ok := d.readDraft(w, r, k)
	if !ok {
		return
	}
	document, err := d.options.Saved.Create(r.Context(), k.kind, draft)
	if err != nil {
		d.notSaved(w, r, err)
		return
	}
	w.Header().Set("Location", r.URL.Path+"/"+document.ID)
	answerSaved(w, http.StatusCreated, document)
}

func (d *Dashboard) changeSaved(w http.ResponseWriter, r *http.Request, k savedKind) {
	id := r.PathValue("id")
	version, ok := d.versionOf(w, r, k.kind, id)
	if !ok {
		return
	}
	if version == 0 && r.Header.Get("If-None-Match") != "*" {
		refuse(w, http.StatusPreconditionRequired, codeNoVersion, errors.New(
			"If-Match must name the version that the change was made from: send the ETag that GET gave"))
		return
	}
	draft, ok := d.readDraft(w, r, k)
	if !ok {
		return
	}
	document, err := d.options.Saved.Put(r.Context(), k.kind, id, version, draft)
	if err != nil {
		d.notSaved(w, r, err)
		return
	}
	answerSaved(w, http.StatusOK, document)
}

func (d *Dashboard) removeSaved(w http.ResponseWriter, r *http.Request, kind saved.Kind) {
	version, ok := d.versionOf(w, r, kind, r.PathValue("id"))
	if !ok {
		return
	}
	if err := d.options.Saved.Remove(r.Context(), kind, r.PathValue("id"), version); err != nil {
		d.notSaved(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// versionOf gives the version that If-Match names, 0 where it is not sent. When it gives false it has answered.
func (d *Dashboard) versionOf(w http.ResponseWriter, r *http.Request, kind saved.Kind, id string) (int64, bool) {
	sent := r.Header.Get("If-Match")
	switch sent {
	case "":
		return 0, true
	case "*":
		document, err := d.options.Saved.Get(kind, id)
		if err != nil {
			d.notSaved(w, r, err)
		}
		return document.Version, err == nil
	}
	// A proxy that packs answers may weaken the tag.
	version, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(sent, "W/"), `"`), 10, 64)
	if err != nil || version < 1 {
		refuseField(w, "If-Match", sent, fmt.Errorf("If-Match must be * or an ETag such as \"3\"; got %q", sent))
		return 0, false
	}
	return version, true
}

// savedOverhead is what a request may hold beside a document's body.
const savedOverhead = 8 << 10

func (d *Dashboard) readDraft(w http.ResponseWriter, r *http.Request, k savedKind) (saved.Draft, bool) {
	var draft saved.Draft
	if !read(w, r, saved.MaxBytes+savedOverhead, &draft) {
		return draft, false
	}
	if err := k.check(r.Context(), r.PathValue("id"), draft.Body); err != nil {
		d.notSaved(w, r, err)
		return draft, false
	}
	return draft, true
}

// notSaved answers what the store refused.
func (d *Dashboard) notSaved(w http.ResponseWriter, r *http.Request, err error) {
	conflict, isConflict := errors.AsType[*saved.ConflictError](err)
	field, isField := errors.AsType[*saved.FieldError](err)
	switch {
	case isConflict:
		w.Header().Set("ETag", strconv.Quote(fmt.Sprint(conflict.Have)))
		refuse(w, http.StatusPreconditionFailed, codeConflict, err)
	case isField:
		refuseField(w, field.Field, field.Value, err)
	case errors.Is(err, saved.ErrNotFound):
		refuse(w, http.StatusNotFound, codeNotFound, fmt.Errorf("%w: %s", err, cmp.Or(r.PathValue("id"), r.URL.Path)))
	case errors.Is(err, saved.ErrFull):
		refuse(w, http.StatusConflict, codeFull, err)
	default:
		d.failed(w, r, err)
	}
}

func etag(document saved.Document) string { return strconv.Quote(fmt.Sprint(document.Version)) }

func answerSaved(w http.ResponseWriter, status int, document saved.Document) {
	h := w.Header()
	h.Set("ETag", etag(document))
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(document) // the client is gone: there is nobody to tell
}
