package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/warehouse"
)

// idsAtOnce bounds the memory of the comparison: a longer range is compared in several passes over the stream, each
// with its part of the ids.
const idsAtOnce = 4 << 20

// streamed compares the ids of the records that the stream still holds, up to the loaded positions, with the warehouse.
func (a *auditor) streamed(ctx context.Context) error {
	order, ok := stream.As[stream.Orderer](a.Log)
	if !ok {
		return nil
	}
	positions, err := a.Warehouse.Positions(ctx, a.Stream)
	if err != nil {
		return fmt.Errorf("auditing the stream: %w", err)
	}
	passes := uint64(a.report.Accepted/idsAtOnce) + 1
	var compared, missing int64
	for turn := range passes {
		p := &pass{auditor: a, turn: turn, passes: passes, ids: map[xxh3.Uint128]ID{}}
		for shard, loaded := range positions {
			if err := p.read(ctx, stream.ShardID(shard), stream.Position(loaded), order); err != nil {
				return fmt.Errorf("auditing shard %s of the stream: %w", shard, err)
			}
		}
		compared += int64(len(p.ids))
		if err := p.strike(ctx); err != nil {
			return err
		}
		for _, id := range p.ids {
			missing++
			if len(a.report.MissingIDs) < maxNamed {
				a.report.MissingIDs = append(a.report.MissingIDs, id)
			}
		}
	}
	// The stream keeps what it holds of an erased person until it forgets by itself.
	erased := min(missing, a.report.Erased)
	a.report.Missing = max(a.report.Missing, missing-erased)
	a.check("stream", missing == erased, "of %d ids that the stream still holds, %d are not in the warehouse, %d of them erased",
		compared, missing, erased)
	return nil
}

// pass is one pass over the stream: the ids whose hash falls to it.
type pass struct {
	*auditor
	turn, passes uint64
	ids          map[xxh3.Uint128]ID
}

func (p *pass) mine(source, id string) (xxh3.Uint128, bool) {
	key := xxh3.HashString128(source + "\x00" + id)
	return key, key.Lo%p.passes == p.turn
}

// quiet is how long a reader must have had nothing to give for the shard to be held for read: the records up to the
// position may be forgotten, and none may ever come behind it.
const quiet = 3 * time.Second

// read takes the ids of a shard's loaded records. What the stream forgets meanwhile is not compared.
func (p *pass) read(ctx context.Context, shard stream.ShardID, loaded stream.Position, order stream.Orderer) error {
	for {
		err := p.readOnce(ctx, shard, loaded, order)
		switch {
		case errors.Is(err, stream.ErrTrimmed):
			continue
		case errors.Is(err, stream.ErrUnknownShard):
			return nil
		}
		return err
	}
}

func (p *pass) readOnce(ctx context.Context, shard stream.ShardID, loaded stream.Position, order stream.Orderer) error {
	reader, err := p.Log.Read(ctx, shard, "")
	if err != nil {
		return err
	}
	defer reader.Close()
	decoder := event.NewRecordReader()
	for {
		waiting, cancel := context.WithTimeout(ctx, quiet)
		records, err := reader.Next(waiting)
		cancel()
		if errors.Is(err, io.EOF) || (errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, r := range records {
			if order.Compare(r.Position, loaded) > 0 {
				return nil
			}
			p.take(decoder, shard, r)
		}
		if order.Compare(records[len(records)-1].Position, loaded) >= 0 {
			return nil
		}
	}
}

// take notes the ids of a record's events that load.
func (p *pass) take(decoder *event.RecordReader, shard stream.ShardID, r stream.Record) {
	origin := event.Origin{Stream: p.Stream, Shard: string(shard), Position: string(r.Position), Source: p.Source, Time: event.TimeOf(r.Time)}
	if err := decoder.Open(r.Data, origin); err != nil {
		return // a dead letter: counted, without an id
	}
	from, to := event.TimeOf(p.report.From), event.TimeOf(p.end())
	var e event.Event
	for {
		verdict, ok := decoder.Next(&e)
		if !ok {
			return
		}
		if !verdict.OK() || e.ReceivedAt < from || e.ReceivedAt >= to {
			continue
		}
		if key, ok := p.mine(e.Request.Source, e.MessageID); ok {
			p.ids[key] = ID{Source: strings.Clone(e.Request.Source), MessageID: strings.Clone(e.MessageID)}
		}
	}
}

// strike takes out the ids that the warehouse has. A duplicate's first may have come before the range.
func (p *pass) strike(ctx context.Context) error {
	if len(p.ids) == 0 {
		return nil
	}
	return p.ask(ctx, "ids of the stream", func(rows warehouse.Rows) error {
		var source, id string
		if err := rows.Scan(&source, &id); err != nil {
			return err
		}
		if key, ok := p.mine(source, id); ok {
			delete(p.ids, key)
		}
		return nil
	}, "select source, message_id from events where received_at >= ?", p.report.From.AddDate(0, 0, -2))
}
