package streamtest

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spoorhq/spoor/stream"
)

func shardCases() []kase {
	return []kase{
		{"one shard", nil, oneShard},
		{"split", func(h Harness) bool { return h.Split != nil }, split},
	}
}

func oneShard(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	var before stream.ShardID
	for i := range 3 {
		shards, err := log.Shards(ctx)
		if err != nil {
			return err
		}
		if len(shards) != 1 || shards[0].ID == "" || shards[0].Closed || len(shards[0].Parents) > 0 {
			return fmt.Errorf("want one open shard with a name and no parents; have %+v", shards)
		}
		if i > 0 && shards[0].ID != before {
			return fmt.Errorf("the shard was %q; now it is %q", before, shards[0].ID)
		}
		before = shards[0].ID
		if err := log.Append(ctx, numbered(0, 5)); err != nil {
			return err
		}
	}
	return nil
}

// split: the closed shard can be read to its end, its children name it, and a key's records keep their order over it.
func split(ctx context.Context, s *subject) error {
	log, err := s.open(ctx, 0)
	if err != nil {
		return err
	}
	parent, err := onlyShard(ctx, log)
	if err != nil {
		return err
	}
	const rounds = 10
	order := make(keyOrder, 20)
	for round := range rounds {
		if err := log.Append(ctx, order.round(round)); err != nil {
			return err
		}
		if round == rounds/2 {
			if err := s.Split(ctx, log, parent); err != nil {
				return fmt.Errorf("splitting: %w", err)
			}
		}
	}
	shards, err := log.Shards(ctx)
	if err != nil {
		return err
	}
	if len(shards) < 3 || shards[0].ID != parent || !shards[0].Closed {
		return fmt.Errorf("want the closed shard %q first, then its children; have %+v", parent, shards)
	}
	reader, err := log.Read(ctx, parent, "")
	if err != nil {
		return err
	}
	defer reader.Close()
	for {
		records, err := reader.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err := errors.Join(err, order.take(records)); err != nil {
			return fmt.Errorf("reading the closed shard: %w", err)
		}
	}

	reading, stop := context.WithCancel(ctx)
	defer stop()
	batches, failed := make(chan []stream.Record), make(chan error, len(shards))
	for _, shard := range shards[1:] {
		if shard.Closed || len(shard.Parents) != 1 || shard.Parents[0] != parent {
			return fmt.Errorf("want an open child of %q; have %+v", parent, shard)
		}
		go func() {
			failed <- follow(reading, log, shard.ID, batches)
		}()
	}
	for order.total() < rounds*len(order) {
		select {
		case records := <-batches:
			if err := order.take(records); err != nil {
				return err
			}
		case err := <-failed:
			return fmt.Errorf("reading the children, with %d of %d records read: %w", order.total(), rounds*len(order), err)
		}
	}
	return nil
}

// follow sends all that a shard has, and will have, until ctx ends.
func follow(ctx context.Context, log stream.Log, shard stream.ShardID, batches chan<- []stream.Record) error {
	reader, err := log.Read(ctx, shard, "")
	if err != nil {
		return err
	}
	defer reader.Close()
	for {
		records, err := next(ctx, reader)
		if err != nil {
			return err
		}
		select {
		case batches <- records:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// keyOrder counts, for each of its keys, the records that were read in order.
type keyOrder []int

// round makes one record of each key.
func (o keyOrder) round(n int) []stream.Record {
	var records []stream.Record
	for key := range o {
		record := text("%d %d", key, n)
		record.Key = fmt.Sprintf("key %d", key)
		records = append(records, record)
	}
	return records
}

func (o keyOrder) take(records []stream.Record) error {
	for _, record := range records {
		var key, n int
		if _, err := fmt.Sscanf(string(record.Data), "%d %d", &key, &n); err != nil || key < 0 || key >= len(o) {
			return fmt.Errorf("a record is none of those appended: %s", brief(record.Data))
		}
		if n != o[key] {
			return fmt.Errorf("key %d: want its record %d next; have %d", key, o[key], n)
		}
		o[key]++
	}
	return nil
}

func (o keyOrder) total() int {
	total := 0
	for _, n := range o {
		total += n
	}
	return total
}
