package spoor

import (
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"-3":                            0,
		"7":                             7 * time.Second,
		"99999999999999999":             maxRetryAfter, // no number of nanoseconds
		"Wed, 25 Nov 2026 12:00:30 GMT": 30 * time.Second,
		"Wed, 25 Nov 2026 11:59:30 GMT": 0,
		"soon":                          0,
	} {
		if have := retryAfter(text, now); have != want {
			t.Errorf("%q: want %v; have %v", text, want, have)
		}
	}
}
