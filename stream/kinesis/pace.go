package kinesis

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/spoorhq/spoor/stream"
)

// pace spreads the calls that the readers of one shard make, since Kinesis counts them together.
type pace struct {
	mu   sync.Mutex
	next time.Time // when the next call may be made
}

// pace gives the one of a shard.
func (l *Log) pace(shard stream.ShardID) *pace {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.paces[shard] == nil {
		l.paces[shard] = &pace{}
	}
	return l.paces[shard]
}

// turn waits for a call's turn.
func (l *Log) turn(ctx context.Context, p *pace) error {
	every := time.Duration(float64(time.Second) / l.options.CallsPerSecond)
	now := time.Now()
	p.mu.Lock()
	if p.next.Before(now) {
		p.next = now
	}
	wait := p.next.Sub(now)
	p.next = p.next.Add(every)
	p.mu.Unlock()
	if wait <= 0 {
		return l.usable(ctx)
	}
	return l.sleep(ctx, wait)
}

// took puts the next call off for what a call gave: a shard gives so many bytes a second, and takes it ill when a full
// answer is followed by another call too soon.
func (l *Log) took(p *pace, bytes int) {
	until := time.Now().Add(time.Duration(float64(bytes) / l.options.BytesPerSecond * float64(time.Second)))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next.Before(until) {
		p.next = until
	}
}

const (
	// A reader that was told to slow down waits between half of this and the whole, then twice as long, up to the last.
	firstPause, lastPause = time.Second, 8 * time.Second
)

// backOff waits after the shard has told a reader to slow down, and gives how long to wait when it does so again.
func (l *Log) backOff(ctx context.Context, pause time.Duration) (time.Duration, error) {
	pause = min(max(pause, firstPause), lastPause)
	return 2 * pause, l.sleep(ctx, pause/2+rand.N(pause/2))
}

// lag is how far behind a reader is.
type lag struct {
	shard  stream.ShardID
	behind time.Duration
}

// Lag tells what Kinesis said at the last read of each reader.
func (l *Log) Lag() map[stream.ShardID]time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	lags := map[stream.ShardID]time.Duration{}
	for _, lag := range l.lags {
		lags[lag.shard] = max(lags[lag.shard], lag.behind)
	}
	return lags
}

func (l *Log) isBehind(r stream.Reader, shard stream.ShardID, millis int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lags[r] = lag{shard, time.Duration(millis) * time.Millisecond}
}

func (l *Log) left(r stream.Reader) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.lags, r)
}
