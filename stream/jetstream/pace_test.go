package jetstream

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestPace: whatever comes, and in whatever portions, no more than the bound passes in the time that the server keeps
// it, and that much does pass.
func TestPace(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{7_001, 40_000, 250_000, 700_000, 1_500_000} {
		synctest.Test(t, func(t *testing.T) {
			const bound = 1_000_000
			type portion struct {
				at   time.Time
				size int64
			}
			var passed []portion
			p := newPace(bound)
			start, total := time.Now(), int64(0)
			for time.Since(start) < 3*time.Minute {
				if err := p.wait(t.Context(), size); err != nil {
					t.Fatal(err)
				}
				passed = append(passed, portion{time.Now(), size})
				total += size
				kept := int64(0)
				for i := len(passed) - 1; i >= 0 && time.Since(passed[i].at) < keptFor; i-- {
					kept += passed[i].size
				}
				if kept > bound+size {
					t.Fatalf("portions of %d: want at most %d kept; have %d", size, bound, kept)
				}
			}
			if most := int64(float64(bound) * 3 / 4 * float64(3*time.Minute/keptFor)); total < most {
				t.Errorf("portions of %d: want at least %d through in 3 minutes; have %d", size, most, total)
			}
		})
	}
}

func TestPaceHeedsCtx(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPace(1000)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.wait(ctx, 1_000_000); err == nil {
			t.Error("want an error from what takes longer than its ctx")
		}
	})
}
