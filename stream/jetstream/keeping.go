package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	js "github.com/nats-io/nats.go/jetstream"

	"github.com/spoorhq/spoor/stream"
)

// state asks the server for the state of the stream.
func (l *Log) state(ctx context.Context) (js.StreamState, error) {
	s, err := l.js.Stream(ctx, l.name)
	if err != nil {
		return js.StreamState{}, l.explain("asking for the state of", err)
	}
	return s.CachedInfo().State, nil
}

// Trim forgets at once and to the record.
func (l *Log) Trim(ctx context.Context, shard stream.ShardID, through stream.Position, olderThan time.Time) error {
	if err := l.usable(ctx); err != nil {
		return err
	}
	if shard != shardID {
		return fmt.Errorf("%w: %q", stream.ErrUnknownShard, shard)
	}
	if through == "" {
		return nil
	}
	last, err := sequence(through)
	if err != nil {
		return err
	}
	s, err := l.js.Stream(ctx, l.name)
	if err != nil {
		return l.explain("trimming", err)
	}
	state := s.CachedInfo().State
	if state.Msgs == 0 || last < state.FirstSeq || !state.FirstTime.Before(olderThan) {
		return nil
	}
	if last > state.LastSeq {
		return fmt.Errorf("%w: %s, and the last is %d", stream.ErrUnknownPosition, through, state.LastSeq)
	}
	if !state.LastTime.Before(olderThan) {
		oldest, err := l.lastBefore(ctx, s, olderThan)
		if err != nil {
			return l.explain("trimming", err)
		}
		if last = min(last, oldest); last < state.FirstSeq {
			return nil
		}
	}
	if err := forget(ctx, s, last, state.LastSeq); err != nil {
		return l.explain(fmt.Sprintf("trimming through %d", last), err)
	}
	return nil
}

// forget removes the records up to and including last. The newest of the stream is removed by itself: a purge of
// everything that is cut short by a crash loses the newest and keeps some before it, while what a purge of a part leaves
// behind is always a tail without gaps.
func forget(ctx context.Context, s js.Stream, last, newest uint64) error {
	if last < newest {
		return s.Purge(ctx, js.WithPurgeSequence(last+1))
	}
	if err := s.Purge(ctx, js.WithPurgeSequence(last)); err != nil {
		return err
	}
	if err := s.DeleteMsg(ctx, last); err != nil && !errors.Is(err, js.ErrMsgNotFound) {
		return err
	}
	return nil
}

// lastBefore finds the last record that the stream took before t. It lets the server look, by asking where a reader
// from that time on would begin: the server has an index, and no record needs to travel.
func (l *Log) lastBefore(ctx context.Context, s js.Stream, t time.Time) (uint64, error) {
	probe, err := s.CreateConsumer(ctx, js.ConsumerConfig{
		DeliverPolicy:     js.DeliverByStartTimePolicy,
		OptStartTime:      &t,
		AckPolicy:         js.AckNonePolicy,
		InactiveThreshold: closeWait,
		MemoryStorage:     true,
		Replicas:          1,
	})
	if err != nil {
		return 0, err
	}
	about := probe.CachedInfo()
	return about.Delivered.Stream, s.DeleteConsumer(ctx, about.Name)
}

// Stat counts what the server stores for records, which is a little more than their data. Of a cluster it tells the
// size of one replica.
func (l *Log) Stat(ctx context.Context) (stream.Stat, error) {
	if err := l.usable(ctx); err != nil {
		return stream.Stat{}, err
	}
	s, err := l.js.Stream(ctx, l.name)
	if err != nil {
		return stream.Stat{}, l.explain("asking for the size of", err)
	}
	info := s.CachedInfo()
	stat := stream.Stat{
		Records: int64(info.State.Msgs),
		Bytes:   int64(info.State.Bytes),
		Limit:   max(info.Config.MaxBytes, 0),
	}
	if stat.Records > 0 {
		stat.Oldest = info.State.FirstTime
	}
	return stat, nil
}

// Compare orders decimal numbers without reading them: the longer one is the larger.
func (l *Log) Compare(a, b stream.Position) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(string(a), string(b))
}
