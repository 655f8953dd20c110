package warehousetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

func loadCases() []kase {
	return []kase{
		{"migrating again changes nothing", migrateAgain},
		{"positions are where the loads left them", positions},
		{"a batch is loaded whole", loadWhole},
		{"a large batch is loaded to the row", loadLarge},
		{"a batch without rows moves the positions", loadEmpty},
		{"loaded twice is loaded once", loadTwice},
		{"a fenced batch changes nothing", loadFenced},
		{"of two loaders on one shard one is fenced", loadRace},
		{"loaders on their own shards do not disturb each other", loadSideBySide},
		{"suspects that are there are left out", suspects},
		{"all rows may be suspects", manySuspects},
	}
}

func migrateAgain(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	if err := load(ctx, w, s.full(warehouse.Move{Shard: "0", To: "1"}, "x")); err != nil {
		return err
	}
	if err := unchanged(ctx, w, func() error { return w.Migrate(ctx) }); err != nil {
		return err
	}
	want, err := dump(ctx, w)
	if err != nil {
		return err
	}
	if w, err = s.reopen(ctx, w); err != nil { // which migrates, too
		return err
	}
	have, err := dump(ctx, w)
	return errors.Join(err, same(want, have))
}

func positions(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	check := func(stream string, want map[string]string) error {
		have, err := w.Positions(ctx, stream)
		if err == nil && !maps.Equal(have, want) {
			err = fmt.Errorf("positions of %s: want %v; have %v", stream, want, have)
		}
		return err
	}
	if err := check("main", nil); err != nil {
		return err
	}
	first := s.batch(warehouse.Move{Shard: "0", To: "7"})
	first.Moves = append(first.Moves, warehouse.Move{Shard: "shard '1'", To: "seq-00001"})
	other := s.batch(warehouse.Move{Shard: "0", To: "900"})
	other.Stream = "other"
	if err := load(ctx, w, first, other, s.batch(warehouse.Move{Shard: "0", From: "7", To: "12"})); err != nil {
		return err
	}
	want := map[string]string{"0": "12", "shard '1'": "seq-00001"}
	if err := errors.Join(check("main", want), check("other", map[string]string{"0": "900"}), check("none", nil)); err != nil {
		return err
	}
	if w, err = s.reopen(ctx, w); err != nil {
		return err
	}
	return check("main", want)
}

func loadWhole(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	b := s.full(warehouse.Move{Shard: "0", To: "9"}, "x")
	if err := load(ctx, w, b); err != nil {
		return err
	}
	for range 2 {
		err := errors.Join(
			expect(ctx, w, "select message_id, event, anonymous_id, user_id, source, protocol, type, load_id from events order by 1",
				"x0 | Song Played | a-x0 | u-x | web | segment | track | load-1", "x1 | Song Played | a-x1 | u-x | web | segment | track | load-1",
				"x2 | Song Played | a-x2 | u-x | web | segment | track | load-1", "x3 | Song Played | a-x3 | u-x | web | segment | track | load-1",
				"x4 | Song Played | a-x4 | u-x | web | segment | track | load-1"),
			expect(ctx, w, `select received_at, source, protocol, reason, detail, message_id, request, raw, shard, position, "index", load_id from dead_letters`,
				`2026-11-23T12:00:00Z | web | segment | wrong kind | event: 7 | <nil> | <nil> | {"event":7} | 0 | 9 | 3 | load-1`),
			expect(ctx, w, "select anonymous_id, user_id, seen_at from identities", "a-x | u-x | 2026-11-23T12:00:00Z"),
			expect(ctx, w, "select user_id, cast(traits as varchar), first_seen, seen_at from users",
				`u-x | {"plan":"free"} | 2026-11-23T12:00:00Z | 2026-11-23T12:00:00Z`),
			expect(ctx, w, "select minute, source, accepted, loaded, duplicate, dead, erased from ledger", "2026-11-23T12:00:00Z | web | 6 | 5 | 0 | 1 | 0"),
			expect(ctx, w, "select minute, source, type, event, loaded from volumes", "2026-11-23T12:00:00Z | web | track | Song Played | 5"),
			expect(ctx, w, "select stream, shard, collector, boot, seen, void, settled, records, doubled, seen_at from sequences",
				"main | 0 | c1 | b1 | 1-9 |  | 0 | 4 | 0 | 2026-11-23T12:00:00Z"),
			expect(ctx, w, `select type, event, property, kind, "view" from catalog order by property`,
				"track | Song Played |  |  | event_song_played", "track | Song Played | seconds | integer | event_song_played",
				"track | Song Played | song | string | event_song_played"),
			expect(ctx, w, "select load_id, stream, cast(moves as varchar), loaded, duplicate, dead from loads",
				`load-1 | main | [{"shard":"0","from":"","to":"9"}] | 5 | 0 | 1`),
			expect(ctx, w, "select stream, shard, position from positions", "main | 0 | 9"),
			expect(ctx, w, "select song, seconds from event_song_played", "x | 7", "x | 7", "x | 7", "x | 7", "x | 7"),
		)
		if err != nil {
			return err
		}
		if w, err = s.reopen(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// loadLarge crosses the sizes at which drivers cut: vectors, pages, statements.
func loadLarge(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	const n = 20_011
	events := tracks("web", "m", "Step", n)
	for i := range events {
		events[i].Screen.Width = int32(i + 1)
		events[i].Timestamp = at(noon) + event.Time(i)
		if i%3 == 0 {
			events[i].Properties = fmt.Appendf(nil, `{"i":%d}`, i)
		}
		events[i].IsBot = i%7 == 0
	}
	if err := load(ctx, w, s.batch(warehouse.Move{Shard: "0", To: "1"}, events...)); err != nil {
		return err
	}
	return errors.Join(
		expect(ctx, w, "select count(*), count(distinct message_id), cast(sum(cast(screen_width as bigint)) as bigint), count(properties) from events",
			fmt.Sprintf("%d | %d | %d | %d", n, n, n*(n+1)/2, (n+2)/3)),
		// Columns must not slip against each other.
		expect(ctx, w, `select count(*) from events where message_id <> concat('m', cast(screen_width - 1 as varchar))
			or is_bot <> ((screen_width - 1) % 7 = 0) or (properties is null) <> ((screen_width - 1) % 3 <> 0)`, "0"),
		expect(ctx, w, "select count(distinct \"timestamp\") from events", fmt.Sprint(n)),
	)
}

func loadEmpty(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	if err := load(ctx, w, s.batch(warehouse.Move{Shard: "0", To: "1"}), s.batch(warehouse.Move{Shard: "0", From: "1", To: "2"})); err != nil {
		return err
	}
	return errors.Join(expect(ctx, w, "select position from positions", "2"), expect(ctx, w, "select count(*) from loads", "2"))
}

func loadTwice(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	batches := []*warehouse.Batch{
		s.full(warehouse.Move{Shard: "0", To: "1"}, "x"), s.full(warehouse.Move{Shard: "0", From: "1", To: "2"}, "y"),
	}
	if err := load(ctx, w, batches...); err != nil {
		return err
	}
	return unchanged(ctx, w, func() error {
		for _, b := range batches {
			if _, err := w.Load(ctx, b); !errors.Is(err, warehouse.ErrFenced) {
				return fmt.Errorf("loading batch %s again: want %v; have %v", b.ID, warehouse.ErrFenced, err)
			}
		}
		return nil
	})
}

func loadFenced(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	if err := load(ctx, w, s.full(warehouse.Move{Shard: "0", To: "5"}, "x")); err != nil {
		return err
	}
	wrong := [][]warehouse.Move{
		{{Shard: "0", From: "4", To: "6"}},
		{{Shard: "0", From: "", To: "6"}},
		{{Shard: "1", From: "5", To: "6"}}, // never loaded
		{{Shard: "1", From: "", To: "1"}, {Shard: "0", From: "4", To: "6"}},
		{{Shard: "0", From: "5", To: "6"}, {Shard: "1", From: "1", To: "2"}},
	}
	return unchanged(ctx, w, func() error {
		for i, moves := range wrong {
			b := s.full(moves[0], fmt.Sprint("y", i))
			b.Moves = moves
			if _, err := w.Load(ctx, b); !errors.Is(err, warehouse.ErrFenced) {
				return fmt.Errorf("moves %v after 0 at 5: want %v; have %v", moves, warehouse.ErrFenced, err)
			}
		}
		return nil
	})
}

func loadRace(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	const loaders, rounds = 4, 5
	var want []string
	for round := range rounds {
		move := warehouse.Move{Shard: "0", To: fmt.Sprint(round + 1)}
		if round > 0 {
			move.From = fmt.Sprint(round)
		}
		won, err := race(ctx, s, w, move, round, loaders)
		if err != nil {
			return err
		}
		want = append(want, fmt.Sprintf("r%d-%d-", round, won))
	}
	return expect(ctx, w, "select substr(message_id, 1, 5), count(*) from events group by 1 order by 1",
		apply(want, func(prefix string) string { return prefix + " | 10" })...)
}

// race lets several loaders make the same move, and tells which one won.
func race(ctx context.Context, s *subject, w warehouse.Warehouse, move warehouse.Move, round, loaders int) (won int, err error) {
	errs := make([]error, loaders)
	var wg sync.WaitGroup
	for i := range loaders {
		b := s.batch(move, tracks("web", fmt.Sprintf("r%d-%d-", round, i), "Race", 10)...)
		wg.Go(func() { _, errs[i] = w.Load(ctx, b) })
	}
	wg.Wait()
	won = -1
	for i, err := range errs {
		switch {
		case err == nil && won < 0:
			won = i
		case err == nil:
			return 0, fmt.Errorf("loaders %d and %d both made the move %v", won, i, move)
		case !errors.Is(err, warehouse.ErrFenced):
			return 0, fmt.Errorf("a loader that lost: want %v; have %w", warehouse.ErrFenced, err)
		}
	}
	if won < 0 {
		return 0, fmt.Errorf("no loader made the move %v", move)
	}
	return won, nil
}

func loadSideBySide(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	const loaders, rounds = 4, 5
	errs := make([]error, loaders)
	var wg sync.WaitGroup
	for i := range loaders {
		wg.Go(func() {
			for round := range rounds {
				move := warehouse.Move{Shard: fmt.Sprint(i), To: fmt.Sprint(round + 1)}
				if round > 0 {
					move.From = fmt.Sprint(round)
				}
				if _, err := w.Load(ctx, s.full(move, fmt.Sprintf("s%d-%d-", i, round))); err != nil {
					errs[i] = fmt.Errorf("shard %d, round %d: %w", i, round, err)
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errors.Join(errs...),
		expect(ctx, w, "select count(*), count(distinct message_id) from events", "100 | 100"),
		expect(ctx, w, "select accepted, loaded, dead from ledger", "120 | 100 | 20"))
}

func suspects(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	old := track("web", "old", "Buy")
	old.ReceivedAt = at(noon.Add(-25 * time.Hour))
	if err := load(ctx, w, s.batch(warehouse.Move{Shard: "0", To: "1"}, old, track("web", "a", "Buy"), track("web", "b", "Buy"))); err != nil {
		return err
	}
	again := track("web", "a", "Buy")
	again.ReceivedAt = at(noon.Add(90 * time.Second))
	b := s.batch(warehouse.Move{Shard: "0", From: "1", To: "2"},
		again,                      // there, within the window
		track("web", "c", "Buy"),   // not there
		track("app", "a", "Buy"),   // of another source
		track("web", "old", "Buy"), // there, outside the window
		track("web", "b", "Buy"),   // there, but the loader knows better
		track("web", "b2", "Buy"),
	)
	b.Suspects = []int32{0, 1, 2, 3}
	receipt, err := w.Load(ctx, b)
	if err != nil {
		return err
	}
	if receipt.Loaded != 5 || receipt.Duplicate != 1 || receipt.Dead != 0 {
		return fmt.Errorf("want 5 loaded, 1 duplicate, 0 dead; have %+v", receipt)
	}
	return errors.Join(
		expect(ctx, w, "select source, message_id, received_at from events where load_id = 'load-2' order by 1, 2",
			"app | a | 2026-11-23T12:00:00Z", "web | b | 2026-11-23T12:00:00Z", "web | b2 | 2026-11-23T12:00:00Z",
			"web | c | 2026-11-23T12:00:00Z", "web | old | 2026-11-23T12:00:00Z"),
		expect(ctx, w, "select minute, source, accepted, loaded, duplicate from ledger order by 1, 2",
			"2026-11-22T11:00:00Z | web | 1 | 1 | 0", "2026-11-23T12:00:00Z | app | 1 | 1 | 0",
			"2026-11-23T12:00:00Z | web | 6 | 6 | 0", "2026-11-23T12:01:00Z | web | 1 | 0 | 1"),
		expect(ctx, w, "select minute, source, loaded from volumes where loaded <> 0 order by 1, 2",
			"2026-11-22T11:00:00Z | web | 1", "2026-11-23T12:00:00Z | app | 1", "2026-11-23T12:00:00Z | web | 6"),
		expect(ctx, w, "select load_id, loaded, duplicate from loads order by 1", "load-1 | 3 | 0", "load-2 | 5 | 1"),
	)
}

func manySuspects(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	const n = 5000
	if err := load(ctx, w, s.batch(warehouse.Move{Shard: "0", To: "1"}, tracks("web", "m", "Buy", n)...)); err != nil {
		return err
	}
	// Every other one is new.
	events := slices.Concat(tracks("web", "m", "Buy", n), tracks("web", "x", "Buy", n))
	slices.SortStableFunc(events, func(a, b event.Event) int {
		return len(a.MessageID) - len(b.MessageID) // mixes the two, in runs
	})
	b := s.batch(warehouse.Move{Shard: "0", From: "1", To: "2"}, events...)
	for i := range events {
		b.Suspects = append(b.Suspects, int32(i))
	}
	receipt, err := w.Load(ctx, b)
	if err != nil {
		return err
	}
	if receipt.Loaded != n || receipt.Duplicate != n {
		return fmt.Errorf("want %d loaded and as many duplicates; have %+v", n, receipt)
	}
	return expect(ctx, w, "select count(*), count(distinct message_id) from events", fmt.Sprintf("%d | %d", 2*n, 2*n))
}

func apply[A, B any](list []A, f func(A) B) []B {
	out := make([]B, len(list))
	for i, v := range list {
		out[i] = f(v)
	}
	return out
}
