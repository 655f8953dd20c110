package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/spoorhq/spoor/stream"
)

// pulled is what one read of a shard gave.
type pulled struct {
	shard   stream.ShardID
	records []stream.Record
	parting *parting // in place of records: they were the last
}

// lookAgain is how often the list of shards is read: new ones come by resharding.
const lookAgain = 10 * time.Second

// pull reads every shard of the share, a shard only after its parents are read to their end, and hands over what they
// give. It returns when a shard cannot be read, the share has grown or ctx ends.
func (l *Loader) pull(ctx context.Context, share *share, positions map[string]string, reached *reaches, out chan<- pulled) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		begun, done := map[stream.ShardID]bool{}, map[stream.ShardID]bool{}
		stops := map[stream.ShardID]context.CancelFunc{}
		ended := make(chan stream.ShardID)
		for {
			changed, err := share.look(func(shard stream.ShardID) bool {
				if stop := stops[shard]; stop != nil {
					stop()
				}
				return begun[shard]
			})
			if err != nil {
				return err
			}
			shards, err := l.options.Log.Shards(ctx)
			if err != nil {
				return fmt.Errorf("listing shards: %w", err)
			}
			shards = share.of(shards)
			reached.list(shards)
			for _, shard := range ripe(shards, begun, done) {
				begun[shard] = true
				var reading context.Context
				reading, stops[shard] = context.WithCancel(ctx)
				group.Go(func() error {
					err := l.pullShard(reading, shard, stream.Position(positions[string(shard)]), reached, out)
					left := reading.Err() != nil && ctx.Err() == nil
					if err != nil && !left {
						return err
					}
					if err == nil {
						reached.ended(shard)
					} else {
						reached.left(shard)
					}
					if share.owner != nil {
						select {
						case out <- pulled{shard: shard, parting: &parting{shard, err == nil}}:
						case <-ctx.Done():
						}
					}
					select {
					case ended <- shard:
					case <-ctx.Done():
					}
					return nil
				})
			}
			select {
			case shard := <-ended:
				stops[shard]()
				done[shard] = true
			case <-changed:
			case <-time.After(lookAgain):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	return group.Wait()
}

// ripe gives the shards to begin with now: those not begun whose parents are done, or no longer exist.
func ripe(shards []stream.Shard, begun, done map[stream.ShardID]bool) []stream.ShardID {
	waiting := map[stream.ShardID]bool{}
	for _, s := range shards {
		waiting[s.ID] = !done[s.ID]
	}
	var out []stream.ShardID
	for _, s := range shards {
		if !begun[s.ID] && !slices.ContainsFunc(s.Parents, func(p stream.ShardID) bool { return waiting[p] }) {
			out = append(out, s.ID)
		}
	}
	return out
}

// pullShard reads one shard to its end.
func (l *Loader) pullShard(ctx context.Context, shard stream.ShardID, after stream.Position, reached *reaches, out chan<- pulled) error {
	reader, err := l.options.Log.Read(ctx, shard, after)
	for {
		if gone(err) {
			// What is left is loaded. Whether records went that were never loaded, the audit tells, by the gaps in their
			// collectors' numbers: a shard in which nothing came for longer than the stream keeps records loses nothing.
			l.metrics.trimmed.Inc()
			l.log.Error("the stream does not hold what was loaded last any more, and may have lost records behind it; going on "+
				"with the oldest it has, and spoor audit names what is missing", "shard", shard, "after", after)
			if reader != nil {
				reader.Close()
			}
			reader, err = l.options.Log.Read(ctx, shard, "")
			if gone(err) {
				return fmt.Errorf("reading shard %s from its oldest record: %w", shard, err)
			}
		}
		if err != nil {
			return fmt.Errorf("reading shard %s after %q: %w", shard, after, err)
		}
		var records []stream.Record
		reached.waits(shard)
		records, err = reader.Next(ctx)
		if errors.Is(err, io.EOF) {
			return reader.Close()
		}
		if err != nil {
			if !gone(err) {
				reader.Close()
			}
			continue
		}
		reached.gave(shard, len(records))
		select {
		case out <- pulled{shard: shard, records: records}:
			after = records[len(records)-1].Position
		case <-ctx.Done():
			reader.Close()
			return ctx.Err()
		}
	}
}

// gone tells whether the position to read from is no longer, or not, in the stream: it forgot, or is another one.
func gone(err error) bool {
	return errors.Is(err, stream.ErrTrimmed) || errors.Is(err, stream.ErrUnknownPosition)
}

// trim lets the stream forget what is loaded and old enough, where it can.
func (l *Loader) trim(ctx context.Context, positions map[string]string) {
	trimmer, ok := stream.As[stream.Trimmer](l.options.Log)
	if !ok {
		return
	}
	older := time.Now().Add(-l.options.Retain)
	for _, shard := range slices.Sorted(maps.Keys(positions)) {
		if err := trimmer.Trim(ctx, stream.ShardID(shard), stream.Position(positions[shard]), older); err != nil {
			l.log.Warn("the stream could not forget what is loaded", "shard", shard, "err", err)
		}
	}
}
