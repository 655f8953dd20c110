package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// history is a quiet day long ago.
var history = Config{Seed: 8, Run: "send", People: 1_000, From: monday, To: monday.AddDate(0, 0, 1)}

func mustSend(t *testing.T, c Config, d Delivery) *Result {
	t.Helper()
	return mustSendFor(t, c, d, 2*time.Minute)
}

func mustSendFor(t *testing.T, c Config, d Delivery, longest time.Duration) *Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	r, err := Send(ctx, mustGenerate(t, c), d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// mustBeExact verifies a result against what the collector kept.
func mustBeExact(t *testing.T, c *collector, r *Result) {
	t.Helper()
	v, err := Verify(t.Context(), &HTTPReader{Server: c.URL}, r.Ledger, VerifyOptions{Source: "dev", Page: 700, Wait: -1})
	if err != nil {
		t.Fatal(err)
	}
	if !v.OK() || v.Acknowledged == 0 {
		t.Error(v)
	}
}

func TestSendPostsLikeTheSDKs(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	began := time.Now().Add(-time.Second)
	progress := 0
	r := mustSend(t, history, Delivery{Server: c.URL + "/", WriteKey: `key"1`, OnProgress: func(p Progress) { progress++ }})
	if r.Acknowledged != r.Events || r.Events < 3_000 || r.Rejected+r.Unclear+r.Duplicates+r.Retries != 0 || r.Run != "send" {
		t.Errorf("want all of some thousand events acknowledged, have %+v", r.Progress)
	}
	if progress == 0 || r.Done < .9 || r.Done > 1 || r.Latency.Requests != r.Requests || r.Latency.Scheduled || r.EventsPerSecond() <= 0 || r.BytesPerSecond() <= 0 {
		t.Errorf("want progress and latencies, have %d calls and %+v", progress, r.Progress)
	}
	alone, sizes, bytesSent := 0, make(map[int]bool), 0
	for _, p := range c.posts {
		bytesSent += len(p.body)
		if p.key != `key"1` || p.retry != "" {
			t.Fatalf("want the write key as user and no retry, have %q and %q", p.key, p.retry)
		}
		sent, err := time.Parse(time.RFC3339, p.sentAt)
		if err != nil || sent.Before(began) || sent.After(time.Now().Add(time.Second)) {
			t.Fatalf("want it sent now, have %q", p.sentAt)
		}
		var envelope map[string]any
		if err := json.Unmarshal(p.body, &envelope); err != nil || envelope["writeKey"] != `key"1` {
			t.Fatalf("want the write key in the body, have %v", envelope["writeKey"])
		}
		if p.path == "/v1/batch" {
			if p.contentType != "application/json" {
				t.Fatalf("want a batch as JSON, have %q", p.contentType)
			}
			sizes[len(p.events)] = true
			continue
		}
		alone++
		want := "/v1/" + strings.ToLower(text(p.events[0]["type"])[:1])
		if p.contentType != "text/plain" || p.path != want || envelope["messageId"] == nil {
			t.Fatalf("want one call as text at %s, have %q at %s: %s", want, p.contentType, p.path, p.body)
		}
	}
	if alone < 300 || !sizes[1] || !sizes[5] || !sizes[100] {
		t.Errorf("want hundreds sent alone and batches of many sizes, have %d and %v", alone, sizes)
	}
	if r.Bytes != uint64(bytesSent) || r.Requests != uint64(len(c.posts)) {
		t.Errorf("want %d bytes in %d requests, have %d in %d", bytesSent, len(c.posts), r.Bytes, r.Requests)
	}
	mustBeExact(t, c, r)
}

func TestFixedBatches(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	mustSend(t, history, Delivery{Server: c.URL, WriteKey: "dev", BatchSize: 100, Limit: 1_050, Concurrency: 1})
	var sizes []int
	for _, p := range c.posts {
		sizes = append(sizes, len(p.events))
	}
	if len(sizes) != 11 || sizes[0] != 100 || sizes[10] != 50 {
		t.Errorf("want ten batches of 100 and one of 50, have %v", sizes)
	}
}

func TestHugeBatchesStayBelowTheLimit(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	mustSend(t, history, Delivery{Server: c.URL, WriteKey: "dev", BatchSize: maxBatchEvents, Limit: 3_000})
	for _, p := range c.posts {
		if len(p.body) > 500_000 {
			t.Errorf("want at most 500 KB in a batch, have %d", len(p.body))
		}
	}
}

func TestDeliberateDuplicates(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	r := mustSend(t, history, Delivery{Server: c.URL, WriteKey: "dev", Duplicates: .2})
	times := make(map[string]int)
	twice := uint64(0)
	for _, p := range c.posts {
		for _, e := range p.events {
			id := text(e["messageId"])
			if times[id]++; times[id] == 2 {
				twice++
			}
		}
	}
	if r.Duplicates != twice || twice < r.Events/10 || twice > r.Events/3 {
		t.Errorf("want about a fifth of %d events twice and counted, have %d and counted %d", r.Events, twice, r.Duplicates)
	}
	if r.Acknowledged != r.Events {
		t.Errorf("want %d events acknowledged, each counted once, have %d", r.Events, r.Acknowledged)
	}
	mustBeExact(t, c, r)
}

// A server that refuses, fails, breaks connections and loses answers gets every event all the same, and keeps it once.
func TestRetriesUntilAcknowledged(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	var troubles atomic.Int32
	c.answer = func(n int, p *post, header http.Header) (bool, int) {
		if p.retry != "" || n%7 != 0 {
			return true, http.StatusOK
		}
		switch troubles.Add(1) % 6 {
		case 0:
			header.Set("Retry-After", "1")
			return false, http.StatusTooManyRequests
		case 1:
			header.Set("Retry-After", time.Now().Add(time.Second).UTC().Format(http.TimeFormat))
			return false, http.StatusServiceUnavailable
		case 2:
			return true, 0 // kept, but the answer is lost
		case 3:
			return false, 0
		case 4:
			return true, http.StatusBadGateway
		default:
			return false, http.StatusRequestTimeout
		}
	}
	r := mustSend(t, history, Delivery{Server: c.URL, WriteKey: "dev", Limit: 2_000, Concurrency: 32})
	if troubles.Load() < 6 {
		t.Fatalf("want troubles of all six kinds, have %d", troubles.Load())
	}
	if r.Acknowledged != 2_000 || r.Retries < uint64(troubles.Load()) || r.LastFailure == "" {
		t.Errorf("want 2000 events acknowledged with at least %d retries, have %+v", troubles.Load(), r.Progress)
	}
	for _, kind := range []string{"429", "503", "502", "408", "network"} {
		if r.Failures[kind] == 0 {
			t.Errorf("want failures of kind %s, have %v", kind, r.Failures)
		}
	}
	first := make(map[string]*post)
	for _, p := range c.posts {
		id := text(p.events[0]["messageId"])
		if before := first[id]; before == nil {
			first[id] = p
		} else if p.retry != "1" || len(p.events) != len(before.events) || bytes.Equal(p.body, before.body) {
			t.Errorf("want the same events again, sent at another time, as retry 1; have %d of %d events as retry %q", len(p.events), len(before.events), p.retry)
		}
	}
	mustBeExact(t, c, r)
}

func TestRejectedIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	c.answer = func(n int, p *post, _ http.Header) (bool, int) {
		if n%5 == 0 {
			return false, http.StatusBadRequest
		}
		return true, http.StatusOK
	}
	r := mustSend(t, history, Delivery{Server: c.URL, WriteKey: "dev", Limit: 500, BatchSize: 10})
	if r.Rejected != 100 || r.Acknowledged != 400 || r.Retries != 0 {
		t.Errorf("want 100 rejected of 500 and none repeated, have %+v", r.Progress)
	}
	mustBeExact(t, c, r)
}

func TestVerdictsByEvent(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	c.body = `{"success":true,"rejected":[{"index":1,"messageId":"m","reason":"no name"},{"index":3,"reason":"too big"}]}`
	c.answer = func(_ int, p *post, _ http.Header) (bool, int) {
		p.events = []map[string]any{p.events[0], p.events[2], p.events[4]}
		return true, http.StatusOK
	}
	r := mustSend(t, history, Delivery{Server: c.URL, WriteKey: "dev", Limit: 100, BatchSize: 5})
	if r.Rejected != 40 || r.Acknowledged != 60 {
		t.Errorf("want 40 rejected of 100, have %+v", r.Progress)
	}
	mustBeExact(t, c, r)
}

// A success that does not say for which events is not repeated, but nothing is concluded from it either.
func TestUnreadableVerdictLeavesTheFateOpen(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	c.body = `{"success":true,"rejected":3}`
	r := mustSend(t, history, Delivery{Server: c.URL, WriteKey: "dev", Limit: 100, BatchSize: 10})
	if r.Unclear != 100 || r.Acknowledged+r.Rejected != 0 || r.Retries != 0 || r.Failures["answer"] != 10 {
		t.Errorf("want 100 events unclear after ten requests, have %+v", r.Progress)
	}
}

// An event that a lost answer may have acknowledged is not rejected because a later try is.
func TestRefusedAfterALostAnswerIsUnclear(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	c.answer = func(n int, p *post, _ http.Header) (bool, int) {
		if p.retry == "" {
			return true, 0
		}
		return false, http.StatusBadRequest
	}
	r := mustSend(t, history, Delivery{Server: c.URL, WriteKey: "dev", Limit: 20, BatchSize: 10})
	acknowledged, unclear := r.Ledger.Counts()
	if r.Unclear != 20 || r.Rejected != 0 || acknowledged != 0 || unclear != 20 {
		t.Errorf("want 20 events unclear, have %d and %d and %+v", acknowledged, unclear, r.Progress)
	}
	v, err := Verify(t.Context(), &c.table, r.Ledger, VerifyOptions{Wait: -1})
	if err != nil || !v.OK() || v.UnclearFound != 20 {
		t.Errorf("want 20 unclear events found and nothing wrong, have %v, %v", v, err)
	}
}

func TestRejections(t *testing.T) {
	t.Parallel()
	p := &parcel{numbers: make([]uint64, 3)}
	for _, c := range []struct {
		answer string
		want   int // -1: an error
	}{
		{`{"success":true}`, 0}, {`ok`, 0}, {`{"rejected":0}`, 0}, {`{"rejected":null}`, 0}, {`{"rejected":[]}`, 0}, {`{"rejected":[{"index":2}]}`, 1},
		{`{"rejected":2}`, -1}, {`{"rejected":[{"index":3}]}`, -1}, {`{"rejected":[{}]}`, -1}, {`{"rejected":`, -1},
		{`{"rejected":[{"index":2}],"rejectedTotal":2}`, -1}, {`{"rejected":[{"index":2}],"rejectedTotal":3}`, 3}, {`{"rejected":[{"index":2}],"rejectedTotal":1}`, 1},
	} {
		have, err := rejections([]byte(c.answer), p)
		if len(have) != max(c.want, 0) || (err != nil) != (c.want < 0) {
			t.Errorf("%s: want %d, have %v, %v", c.answer, c.want, have, err)
		}
	}
}

func TestUnknownKeyStopsAtOnce(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusNotFound, http.StatusFound} {
		c := newCollector(t)
		c.answer = func(int, *post, http.Header) (bool, int) { return false, status }
		r, err := Send(t.Context(), mustGenerate(t, history), Delivery{Server: c.URL, WriteKey: "wrong", Concurrency: 2})
		if err == nil || r == nil || r.Acknowledged != 0 || len(c.posts) > 10 {
			t.Errorf("status %d: want an error after few requests, have %v after %d", status, err, len(c.posts))
		}
	}
}

func TestEndOfContextWaitsForAnswers(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	ctx, cancel := context.WithCancel(t.Context())
	c.answer = func(n int, _ *post, _ http.Header) (bool, int) {
		if n == 50 {
			cancel()
		}
		return true, http.StatusOK
	}
	r, err := Send(ctx, mustGenerate(t, history), Delivery{Server: c.URL, WriteKey: "dev"})
	if err != nil || r.Acknowledged == 0 || r.Acknowledged > r.Events || r.Unclear != 0 {
		t.Errorf("want some events acknowledged and none in doubt, have %v, %+v", err, r.Progress)
	}
	if have := len(c.posts); have > 100 {
		t.Errorf("want an end soon after request 50, have %d", have)
	}
	mustBeExact(t, c, r)
}

func TestDeliveryIsChecked(t *testing.T) {
	t.Parallel()
	g := mustGenerate(t, history)
	for _, d := range []Delivery{
		{}, {Server: "127.0.0.1:8080", WriteKey: "k"}, {Server: "http://h"}, {Server: "http://h", WriteKey: "k", Speed: -1},
		{Server: "http://h", WriteKey: "k", BatchSize: 2501}, {Server: "http://h", WriteKey: "k", BatchSize: -1},
		{Server: "http://h", WriteKey: "k", Batches: []BatchSize{{0, 1}}}, {Server: "http://h", WriteKey: "k", Duplicates: 2},
		{Server: "http://h", WriteKey: "k", Alone: 2}, {Server: "http://h", WriteKey: "k", Concurrency: -1},
		{Server: "http://h", WriteKey: "k", Live: true, Speed: 2},
	} {
		if _, err := Send(t.Context(), g, d); err == nil {
			t.Errorf("want an error for %+v", d)
		}
	}
}
