package alert

import (
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/query"
)

// A report is asked for its number, and what is usual is found by asking it about this time of other days, once an hour.
func TestReport(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	asked, value := 0, 100.0
	s.numbers = func(at time.Time) *float64 {
		asked++
		if at.Before(s.now.AddDate(0, 0, -1)) {
			return new(100.0)
		}
		return &value
	}
	s.keep("conversion", "Conversion", Rule{Report: "r", Usual: &Usual{Side: "above"}, For: 1, Notify: []Receiver{{Webhook: s.hook()}}})
	s.step(0)
	if a := s.alert("conversion"); a.State.Status != OK || a.State.Low != nil || *a.State.High != 140 || asked != 21 {
		t.Errorf("want up to 140 to be usual, after 21 questions; have %+v after %d", a.State, asked)
	}
	value = 150
	s.step(59 * time.Minute)
	if asked != 21 {
		t.Errorf("want nothing asked within the hour; have %d questions", asked)
	}
	s.step(time.Minute)
	s.wants("too much", "[FIRING] Conversion: conversion: 150; usual is 140 or less")
	s.numbers = func(time.Time) *float64 { return nil }
	s.step(time.Hour)
	a := s.alert("conversion")
	if a.State.Status != Firing || a.State.Value != nil || !a.State.NoData || a.State.Shown() != Firing {
		t.Errorf("want no number to change nothing; have %+v", a.State)
	}
	if h := a.State.History; len(h) != 1 || h[0].Until != nil || *h[0].Value != 150 || *h[0].High != 140 || !h[0].Since.Equal(s.now.Add(-time.Hour)) {
		t.Errorf("want it in the history since it began; have %+v", h)
	}
}

// A share is compared with a threshold and with what chance does to a share, and written in percent.
func TestShare(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	value := 0.25
	s.numbers = func(at time.Time) *float64 {
		if at.Before(s.now.AddDate(0, 0, -1)) {
			return new(0.25)
		}
		return &value
	}
	hook := s.hook()
	s.keep("low", "Low", Rule{Report: "r", Number: query.Number{Step: new(2)}, Below: new(0.2), For: 1, Notify: []Receiver{{Webhook: hook}}})
	s.keep("odd", "Odd", Rule{Report: "r", Number: query.Number{Step: new(2)}, Usual: &Usual{K: 4}, For: 1, Notify: []Receiver{{Webhook: hook}}})
	s.keep("gone", "Gone", Rule{Report: "gone", Below: new(0.2)})
	s.step(0)
	if a := s.alert("low"); a.State.Kind != query.Part || a.State.Shown() != OK {
		t.Errorf("want a share that is fine; have %+v", a.State)
	}
	if a := s.alert("odd"); *a.State.Low < 0.16 || *a.State.Low > 0.17 || *a.State.High > 0.34 {
		t.Errorf("want 16%% to 34%% to be usual of 25%% of 400; have %+v", a.State)
	}
	if a := s.alert("gone"); a.State.Shown() != Faulty || !strings.Contains(a.State.Fault, "it is gone") {
		t.Errorf("want to be told why it cannot be evaluated; have %+v", a.State)
	}
	value = 0.124
	s.step(time.Hour)
	s.wants("too few", "[FIRING] Low: conversion: 12.4%; fine is 20% or more", "[FIRING] Odd: conversion: 12.4%; usual is 16.")
	// A changed rule begins anew; that it fired stays in the history.
	s.keep("low", "Low", Rule{Report: "r", Number: query.Number{Step: new(2)}, Below: new(0.1), For: 1})
	a := s.alert("low")
	if a.State.Shown() != Learning || len(a.State.History) != 1 || a.State.History[0].Until == nil {
		t.Errorf("want it anew, with its history; have %+v", a.State)
	}
	s.step(5 * time.Minute)
	if a = s.alert("low"); a.State.Shown() != OK || len(a.State.History) != 1 || *a.State.History[0].Value != 0.124 {
		t.Errorf("want the history kept; have %+v", a.State)
	}
	s.numbers = func(time.Time) *float64 { return nil }
	s.step(5 * time.Minute)
	if a = s.alert("low"); a.State.Shown() != NoData {
		t.Errorf("want it said that there is no data; have %+v", a.State)
	}
}

// What a rule would see can be asked before it is kept.
func TestMeasure(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.fill("x", s.now.AddDate(0, 0, -30), s.now, func(time.Time) int64 { return 25 })
	m, err := s.Measure(t.Context(), &Rule{Event: &Volume{Event: "x"}, Usual: &Usual{Side: "below"}})
	if err != nil || *m.Value != 100 || *m.Low != 60 || m.High != nil || m.Kind != query.Counted || !m.Known {
		t.Errorf("want 100, usually 60 or more; have %+v, %v", m, err)
	}
	m, err = s.Measure(t.Context(), &Rule{Event: &Volume{Event: "y"}, Usual: &Usual{}})
	if err != nil || *m.Value != 0 || m.Known {
		t.Errorf("want what is usual not to be known; have %+v, %v", m, err)
	}
	if m, err = s.Measure(t.Context(), &Rule{Report: "gone", Above: new(1.0)}); err == nil {
		t.Errorf("want the fault; have %+v", m)
	}
}
