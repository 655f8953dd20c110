package e2e

import (
	"testing"
	"time"
)

// TestDemoAgain: a demo that is started again on its data has its past already, and goes on with the present.
func TestDemoAgain(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	past := func(s *server) float64 {
		return s.sql(t, "select count(*) as n from events where timestamp < now() - interval 1 hour")[0]["n"].(float64)
	}
	live := func(s *server) bool {
		return s.sql(t, "select count(*) as n from events where timestamp > now() - interval 10 minute")[0]["n"].(float64) > 20
	}
	demo := func() *server {
		s := start(t, "demo", "--data", data, "--people", "100", "--days", "3", "--rate", "50")
		s.waitFor(t, "live traffic", time.Minute, func() bool { return live(s) })
		return s
	}
	first := demo()
	want := past(first)
	if code := first.stop(t); code != 0 || want == 0 {
		t.Fatalf("want a past and exit code 0; have %v and %d\n%s", want, code, first.Log())
	}
	again := start(t, "demo", "--data", data, "--people", "100", "--days", "3", "--rate", "50")
	before := again.sql(t, "select count(*) as n from events")[0]["n"].(float64)
	again.waitFor(t, "more live traffic", time.Minute, func() bool {
		return again.sql(t, "select count(*) as n from events")[0]["n"].(float64) > before+100
	})
	// Half an hour may have passed into the past meanwhile, not three days.
	if have := past(again); have > want*1.2 {
		t.Errorf("want the past once, %v events; have %v", want, have)
	}
}
