package dashboard

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/alert"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/saved"
)

// keepReport saves one under an id.
func keepReport(t *testing.T, store *saved.Store, id, name, body string) {
	t.Helper()
	if _, err := store.Put(t.Context(), saved.Reports, id, 0, saved.Draft{Name: name, Body: json.RawMessage(body)}); err != nil {
		t.Fatal(err)
	}
}

// keepReports saves one of each question.
func keepReports(t *testing.T, store *saved.Store) {
	t.Helper()
	for id, body := range map[string]string{
		"trend":  `{"question":"trend","params":{"range":{"last":7,"unit":"day"},"series":[{"event":{"event":"Look"}},{"event":{"event":"Buy"}}],"formulas":["B / A"]}}`,
		"weeks":  `{"question":"trend","params":{"range":{"last":8,"unit":"week","interval":"week"},"series":[{"event":{}}]}}`,
		"groups": `{"question":"trend","params":{"range":{"last":7,"unit":"day"},"series":[{"event":{"event":"Look"}}],"breakdown":{"by":["country"]}}}`,
		"funnel": `{"question":"funnel","params":{"range":{"last":7,"unit":"day"},"steps":[{"event":{"event":"Look"}},{"event":{"event":"Buy"}}]}}`,
		"return": `{"question":"retention","params":{"range":{"from":"2026-01-01","to":"2026-02-01"},"start":{"event":{}},"return":{"event":{}}}}`,
		"paths":  `{"question":"paths","params":{"range":{"last":7,"unit":"day"}}}`,
	} {
		keepReport(t, store, id, "Report "+id, body)
	}
}

// What cannot be watched is refused with its field, its value and the reason, when it is saved and when it is tried.
func TestAlertsThatAreRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	d := h.open()
	keepReports(t, h.options.Saved)
	for _, c := range []struct{ body, field, want string }{
		{`{"report":"gone","above":1}`, "body.report", `must be the id of a saved report; got \"gone\"`},
		{`{"report":"paths","above":1}`, "body.report", `must be a trend, a funnel or a retention; got \"paths\"`},
		{`{"report":"trend","number":{"series":2},"above":1}`, "body.number.series", "must be the index of one of the 2 series; got 2"},
		{`{"report":"trend","number":{"period":2},"above":1}`, "body.number.period", "does not go with a trend; got 2"},
		{`{"report":"funnel","number":{"step":2},"above":1}`, "body.number.step", "must be the index of one of the 2 steps; got 2"},
		{`{"report":"funnel","number":{"step":0},"above":1}`, "body.number.step", "of the first step only people can be watched"},
		{`{"report":"funnel","below":20}`, "body.below", "must be 0 to 1, for the number is a share: 0.25 is 25%; got 20"},
		{`{"report":"funnel","number":{"of":"total"},"below":0.2}`, "body.number.of", `must be one of of_first, of_previous, people; got \"total\"`},
		{`{"report":"return","usual":{}}`, "body.usual", `the number is the same at each hour; got \"2026-01-01 to 2026-02-01\"`},
		{`{"report":"weeks","usual":{}}`, "body.usual", `got \"the last 8 week\"`},
		{`{"report":"weeks","number":{"of":"last"},"usual":{}}`, "body.usual", "there is a new one only once a week; a threshold can be watched"},
		{`{"report":"trend","number":{"group":["AT"]},"above":1}`, "body.number.group", `needs a report with a breakdown; got [\"AT\"]`},
		{`{"report":"groups","number":{"group":["AT","pro"]},"above":1}`, "body.number.group", `must have a value for each of the breakdown's fields, country; got [\"AT\",\"pro\"]`},
		{`{"report":"groups","number":{"group":[null],"other":true},"above":1}`, "body.number.other", "goes with no group"},
		{`{"report":"groups","number":{"group":"AT"},"above":1}`, "body.number.group", "must be"},
		{`{"event":{},"number":{"group":[null]},"above":1}`, "body.number", "goes with report"},
		{`{"event":{},"number":{"of":"last"},"above":1}`, "body.number", "goes with report"},
		{`{"report":"trend","number":{"of":"last"}}`, "body", "must have a threshold, above or below, or usual"},
		{`{"report":"trend","number":{"first":1},"above":1}`, "", "first"},
	} {
		for path, body := range map[string]string{"/api/saved/alerts": `{"name":"x","body":` + c.body + `}`, "/api/alerts/measure": c.body} {
			w := do(d, http.MethodPost, path, body)
			wants(t, path+" "+c.body, w, http.StatusBadRequest, c.want)
			var f fault
			if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil || (c.field != "" && f.Field != c.field) {
				t.Errorf("%s %s: want the field %s; have %+v, %v", path, c.body, c.field, f, err)
			}
		}
	}
	for _, body := range []string{
		`{"report":"trend","number":{"formula":0,"of":"last"},"usual":{}}`, `{"report":"funnel","number":{"of":"of_previous"},"below":0.2}`, `{"report":"funnel","number":{"step":0,"of":"people"},"below":20}`,
		`{"report":"return","number":{"period":3},"below":0.1}`, `{"report":"weeks","above":20}`, `{"report":"groups","number":{"group":["AT"]},"above":20}`, `{"report":"groups","number":{"group":[null],"of":"last"},"usual":{}}`,
		`{"report":"groups","number":{"other":true},"below":20}`,
	} {
		wants(t, body, do(d, http.MethodPost, "/api/saved/alerts", `{"name":"x","body":`+body+`}`), http.StatusCreated, "")
	}
}

// How an alert stands is told in words, with what it watches, its bounds and its history.
func TestAlertsStand(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	d := h.open()
	keepReports(t, h.options.Saved)
	keep := func(kind saved.Kind, id, body string) {
		if _, err := h.options.Saved.Put(t.Context(), kind, id, 0, saved.Draft{Name: "Alert " + id, Body: json.RawMessage(body)}); err != nil {
			t.Fatal(err)
		}
	}
	keep(saved.Alerts, "low", `{"report":"funnel","below":0.25,"notify":[{"webhook":"https://chat.example/secret"},{"email":"ops@example.com"}]}`)
	keep(saved.States, "low", `{"status":"firing","since":"2026-11-25T12:00:00Z","rule_version":1,"evaluated":"2026-11-25T12:05:00Z","value":0.2,"low":0.25,"kind":"share",
		"history":[{"since":"2026-11-25T12:00:00Z","value":0.2,"low":0.25}]}`)
	keep(saved.Alerts, "empty", `{"report":"trend","number":{"formula":0,"of":"last"},"above":2}`)
	keep(saved.States, "empty", `{"status":"ok","since":"2026-11-25T12:00:00Z","rule_version":1,"evaluated":"2026-11-25T12:05:00Z","no_data":true}`)
	keep(saved.Alerts, "off", `{"report":"return","number":{"period":2},"usual":{"side":"below"},"paused":true}`)
	keep(saved.Alerts, "at", `{"report":"groups","number":{"group":["AT"]},"above":20,"paused":true}`)
	keep(saved.Alerts, "lost", `{"report":"gone","above":2}`)
	keep(saved.States, "lost", `{"status":"learning","since":"2026-11-25T12:00:00Z","rule_version":1,"evaluated":"2026-11-25T12:05:00Z","fault":"there is no such document"}`)
	keep(saved.Alerts, "odd", `{"no such":1}`)
	w := get(d, "/api/alerts")
	wants(t, "the alerts", w, http.StatusOK, "")
	var list alertList
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	byID := map[string]AlertStanding{}
	for _, a := range list.Alerts {
		byID[a.ID] = a
	}
	for id, want := range map[string]struct {
		status  alert.Status
		kind    query.NumberKind
		watches string
	}{
		"tracking": {alert.Learning, query.Counted, "events that normally come and have stopped coming"},
		"low":      {alert.Firing, query.Part, "Report funnel: conversion from Look to Buy in the last 7 days under 25%"},
		"empty":    {alert.NoData, query.Other, "Report trend: B / A in the last full day over 2"},
		"off":      {alert.Paused, query.Part, "Report return: share of people who come back in day 2 from 2026-01-01 to 2026-02-01 under what is usual at this hour"},
		"at":       {alert.Paused, query.Counted, `Report groups: Look in the last 7 days, where country is "AT" over 20`},
		"lost":     {alert.Faulty, query.Other, "the report gone over 2"},
		"odd":      {alert.Faulty, query.Counted, ""},
	} {
		if have := byID[id]; have.Status != want.status || have.Kind != want.kind || have.Watches != want.watches {
			t.Errorf("%s: want %+v; have %+v", id, want, have)
		}
	}
	low := byID["low"]
	if len(low.History) != 1 || !low.History[0].Since.Equal(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)) || low.Report != "funnel" || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("want the history and no secret; have %+v", low)
	}
}
