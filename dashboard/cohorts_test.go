package dashboard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/query"
)

// TestSavedCohorts: reports, the API and alerts name a saved cohort by its id, and follow it; a cohort comes to name
// itself in no way.
func TestSavedCohorts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.options.Warehouse = filled(t)
	d := h.open()
	made := func(w *httptest.ResponseRecorder) (id string) {
		t.Helper()
		wants(t, "kept", w, http.StatusCreated, `"id"`)
		var document struct{ ID string }
		if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil {
			t.Fatal(err)
		}
		return document.ID
	}
	cohort := func(name, filter string) string {
		return fmt.Sprintf(`{"name":%q,"body":{"filter":%s}}`, name, filter)
	}
	const somebody, nobody = `{"field":"person","op":"set"}`, `{"field":"person","op":"not set"}`
	id := made(do(d, http.MethodPost, "/api/saved/cohorts", cohort("Chosen", somebody)))
	trend := func(where string) string {
		return `{"range":{"from":"2020-01-01","to":"2030-01-01","interval":"month"},"bots":true,"series":[{"event":{}}],"where":` + where + `}`
	}
	named := fmt.Sprintf(`{"cohort":{"id":%q,"name":"Chosen"}}`, id)
	report := made(do(d, http.MethodPost, "/api/saved/reports", `{"name":"Of the chosen","body":{"question":"trend","params":`+trend(named)+`}}`))

	number := func() float64 {
		t.Helper()
		n, err := d.ReportNumber(t.Context(), report, query.Number{}, time.Now())
		if err != nil || n.Value == nil {
			t.Fatalf("want a number; have %v, %v", n, err)
		}
		w := do(d, http.MethodPost, "/api/query/trend", trend(named))
		var a query.TrendAnswer
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK {
			t.Fatalf("want an answer; have %d %s", w.Code, w.Body)
		}
		if have := *a.Lines[0].Total; have != *n.Value {
			t.Errorf("want alerts and the API agree; have %v and %v", *n.Value, have)
		}
		return *n.Value
	}
	if n := number(); n < 100 {
		t.Errorf("want all that people did; have %v", n)
	}
	change := func(to string) *httptest.ResponseRecorder {
		return do(d, http.MethodPut, "/api/saved/cohorts/"+id, cohort("Chosen", to), "If-Match: *")
	}
	wants(t, "changed", change(nobody), http.StatusOK, `"version":2`)
	if n := number(); n != 0 {
		t.Errorf("want the report to follow its cohort; have %v", n)
	}

	outer := made(do(d, http.MethodPost, "/api/saved/cohorts", cohort("Outer", named)))
	wants(t, "a ring", change(fmt.Sprintf(`{"all":[{"cohort":{"id":%q}}]}`, outer)), http.StatusBadRequest, `makes a cohort name itself: \"Chosen\" → \"Outer\" → \"Chosen\"`)
	wants(t, "itself", change(named), http.StatusBadRequest, `"field":"body.filter.cohort.id"`)
	wants(t, "one that is not there", do(d, http.MethodPost, "/api/saved/cohorts", cohort("x", `{"cohort":{"id":"gone"}}`)), http.StatusBadRequest, `"field":"body.filter.cohort.id","value":"gone"`)
	lost := strings.ReplaceAll(named, id, "gone")
	wants(t, "a report of one that is not there", do(d, http.MethodPost, "/api/saved/reports", `{"name":"x","body":{"question":"trend","params":`+trend(lost)+`}}`),
		http.StatusBadRequest, `"field":"body.params.where.cohort.id","value":"gone"`)

	wants(t, "removed", do(d, http.MethodDelete, "/api/saved/cohorts/"+id, ""), http.StatusNoContent, "")
	w := do(d, http.MethodPost, "/api/query/trend", trend(named))
	wants(t, "a question of one that is gone", w, http.StatusBadRequest, `\"Chosen\" is not saved, or not any more`)
	wants(t, "its field", w, http.StatusBadRequest, fmt.Sprintf(`"code":"invalid","field":"where.cohort.id","value":%q`, id))
	wants(t, "one that names it", do(d, http.MethodPost, "/api/query/people", fmt.Sprintf(`{"events":{"where":{"cohort":{"id":%q}}}}`, outer)),
		http.StatusBadRequest, `\"Outer\" names it`)
	if _, err := d.ReportNumber(t.Context(), report, query.Number{}, time.Now()); err == nil || !strings.Contains(err.Error(), `"Chosen" is not saved`) {
		t.Errorf("want an alert told that the cohort is gone; have %v", err)
	}
}
