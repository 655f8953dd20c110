package warehousetest

import (
	"context"
	"errors"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

func ledgerCases() []kase {
	return []kase{
		{"the ledger and the volumes add up over batches", counts},
		{"a sequence replaces the one before", sequences},
		{"the catalog keeps what was seen first", catalog},
	}
}

func counts(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	m := event.Minute(at(noon))
	batch := func(from, to string, counts []warehouse.Count, volumes []warehouse.Volume) *warehouse.Batch {
		b := s.batch(warehouse.Move{Shard: "0", From: from, To: to})
		b.Counts, b.Volumes = counts, volumes
		return b
	}
	err = load(ctx, w,
		batch("", "1", []warehouse.Count{{Source: "web", Minute: m, Accepted: 10, Loaded: 6, Duplicate: 3, Dead: 1}, {Source: "app", Minute: m, Accepted: 1, Loaded: 1}},
			[]warehouse.Volume{{Source: "web", Type: "track", Event: "Buy", Minute: m, Loaded: 5}, {Source: "web", Type: "page", Minute: m, Loaded: 1}}),
		batch("1", "2", []warehouse.Count{{Source: "web", Minute: m, Accepted: 5, Loaded: 2, Duplicate: 1, Dead: 2}, {Source: "web", Minute: m + 1, Accepted: 7, Loaded: 7}},
			[]warehouse.Volume{{Source: "web", Type: "track", Event: "Buy", Minute: m, Loaded: 2}, {Source: "web", Type: "track", Event: "buy", Minute: m, Loaded: 1},
				{Source: "web", Type: "track", Event: "Buy", Minute: m + 1, Loaded: 7}}),
		batch("2", "3", []warehouse.Count{{Source: "web", Minute: m, Accepted: 1, Loaded: 1}}, nil),
	)
	return errors.Join(err,
		expect(ctx, w, "select minute, source, accepted, loaded, duplicate, dead, erased from ledger order by 1, 2",
			"2026-11-23T12:00:00Z | app | 1 | 1 | 0 | 0 | 0", "2026-11-23T12:00:00Z | web | 16 | 9 | 4 | 3 | 0",
			"2026-11-23T12:01:00Z | web | 7 | 7 | 0 | 0 | 0"),
		expect(ctx, w, "select minute, type, event, loaded from volumes order by 1, 2, 3",
			"2026-11-23T12:00:00Z | page |  | 1", "2026-11-23T12:00:00Z | track | Buy | 7", "2026-11-23T12:00:00Z | track | buy | 1",
			"2026-11-23T12:01:00Z | track | Buy | 7"))
}

func sequences(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	batch := func(from, to string, sequences ...warehouse.Sequence) *warehouse.Batch {
		b := s.batch(warehouse.Move{Shard: "0", From: from, To: to})
		b.Sequences = sequences
		return b
	}
	err = load(ctx, w,
		batch("", "1", warehouse.Sequence{Shard: "0", Collector: "c1", Boot: "b1", Seen: "1-4,6-6", Void: "5-5", Settled: 3, Records: 5, SeenAt: at(noon)},
			warehouse.Sequence{Shard: "0", Collector: "c2", Boot: "b1", Seen: "1-1", Records: 1, SeenAt: at(noon)}),
		batch("1", "2", warehouse.Sequence{Shard: "0", Collector: "c1", Boot: "b1", Seen: "1-9", Settled: 8, Records: 10, Doubled: 1, SeenAt: at(noon) + 1e6},
			warehouse.Sequence{Shard: "0", Collector: "c1", Boot: "b2", Seen: "1-2", Records: 2, SeenAt: at(noon) + 1e6}),
	)
	return errors.Join(err, expect(ctx, w, "select stream, shard, collector, boot, seen, void, settled, records, doubled, seen_at from sequences order by 3, 4",
		"main | 0 | c1 | b1 | 1-9 |  | 8 | 10 | 1 | 2026-11-23T12:00:01Z", "main | 0 | c1 | b2 | 1-2 |  | 0 | 2 | 0 | 2026-11-23T12:00:01Z",
		"main | 0 | c2 | b1 | 1-1 |  | 0 | 1 | 0 | 2026-11-23T12:00:00Z"))
}

func catalog(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	property := func(name, kind string, seen int64) warehouse.Property {
		return warehouse.Property{Type: "track", Event: "It's", Name: name, Kind: kind, View: "event_it_s", SeenAt: at(noon) + seen*1e6}
	}
	batch := func(from, to string, properties ...warehouse.Property) *warehouse.Batch {
		b := s.batch(warehouse.Move{Shard: "0", From: from, To: to})
		b.Properties = properties
		return b
	}
	err = load(ctx, w,
		batch("", "1", property("", "", 0), property("a", "string", 0)),
		batch("1", "2", property("a", "string", 5), property("a", "integer", 5), property("ünï \"code\"", "array", 5)),
	)
	return errors.Join(err, expect(ctx, w, `select type, event, property, kind, "view", first_seen from catalog order by property, kind`,
		"track | It's |  |  | event_it_s | 2026-11-23T12:00:00Z", "track | It's | a | integer | event_it_s | 2026-11-23T12:00:05Z",
		"track | It's | a | string | event_it_s | 2026-11-23T12:00:00Z", `track | It's | ünï "code" | array | event_it_s | 2026-11-23T12:00:05Z`))
}
