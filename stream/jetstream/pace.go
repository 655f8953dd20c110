package jetstream

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/time/rate"
)

// keptFor is how long the embedded server holds a block of records in memory after it was last written to or read. The
// time is fixed there (10 s, looked at a little later), and so is that a block which was read as it was written is held
// for it in any case.
const keptFor = 11 * time.Second

// pace lets bytes through so that no more than a bound of them come within keptFor.
type pace struct {
	limiter *rate.Limiter
}

func newPace(bound int64) pace {
	burst := max(bound/4, 1)
	return pace{rate.NewLimiter(rate.Limit(float64(bound-burst)/keptFor.Seconds()), int(burst))}
}

// wait takes size bytes' worth of its turn. With a ctx that will have ended before, it does not wait.
func (p pace) wait(ctx context.Context, size int64) error {
	for left := int(size); left > 0; {
		n := min(left, p.limiter.Burst())
		if err := p.limiter.WaitN(ctx, n); err != nil {
			return fmt.Errorf("holding up %d bytes, that memory has no room for yet: %w", size, err)
		}
		left -= n
	}
	return nil
}
