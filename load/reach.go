package load

import (
	"sync"
	"time"

	"github.com/spoorhq/spoor/stream"
)

// late is how much older than what came before it an event may be, by clocks that differ and by waiting at the door;
// and how long a shard must have given nothing to count as read to its end. What is later still costs more, and is no
// less exact: see builder.sure.
const late = time.Hour

// reaches is how far each shard of the stream has been read: the ids that nothing still to come can be a duplicate of
// may be forgotten, and the shard that is furthest behind decides.
type reaches struct {
	mu     sync.Mutex
	shards map[stream.ShardID]*reach
}

type reach struct {
	taken time.Time // when the stream took the last record that is in a batch; zero: there is none yet
	given int       // records that were read and are in no batch yet
	quiet time.Time // since when the shard has had nothing to give; zero: it gives
	ended bool
}

func newReaches() *reaches { return &reaches{shards: map[stream.ShardID]*reach{}} }

func (r *reaches) update(shard stream.ShardID, do func(*reach)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shards[shard] == nil {
		r.shards[shard] = &reach{}
	}
	do(r.shards[shard])
}

// list makes the shards known that can be read, now or once their parents are; others, that are gone, hold nothing back.
func (r *reaches) list(shards []stream.Shard) {
	r.mu.Lock()
	defer r.mu.Unlock()
	listed := make(map[stream.ShardID]*reach, len(shards))
	for _, s := range shards {
		if listed[s.ID] = r.shards[s.ID]; listed[s.ID] == nil {
			listed[s.ID] = &reach{}
		}
	}
	for id, known := range r.shards {
		if known.given > 0 {
			listed[id] = known
		}
	}
	r.shards = listed
}

// waits says that the shard is being asked for more; gave, that it gave so many records.
func (r *reaches) waits(shard stream.ShardID) {
	r.update(shard, func(at *reach) { at.quiet = time.Now() })
}

func (r *reaches) gave(shard stream.ShardID, records int) {
	r.update(shard, func(at *reach) { at.quiet, at.given = time.Time{}, at.given+records })
}

// took says that a record is in a batch, and when the stream took it.
func (r *reaches) took(shard stream.ShardID, taken time.Time) {
	r.update(shard, func(at *reach) { at.taken, at.given = taken, at.given-1 })
}

// ended says that the shard is closed and read to its end.
func (r *reaches) ended(shard stream.ShardID) {
	r.update(shard, func(at *reach) { at.ended = true })
}

// left says that the shard is read no more, and what it gave last is dropped.
func (r *reaches) left(shard stream.ShardID) {
	r.update(shard, func(at *reach) { at.given = 0 })
}

// behind gives the time before which no shard brings anything more, but for what is late; false: some shard has not been
// read at all.
func (r *reaches) behind(now time.Time) (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	behind := now
	for _, at := range r.shards {
		atEnd := at.ended || (!at.quiet.IsZero() && now.Sub(at.quiet) >= late)
		switch {
		case at.given <= 0 && atEnd:
		case at.taken.IsZero():
			return time.Time{}, false
		case at.taken.Before(behind):
			behind = at.taken
		}
	}
	return behind, len(r.shards) > 0
}
