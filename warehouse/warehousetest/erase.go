package warehousetest

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

func eraseCases() []kase {
	return []kase{
		{"an erasure removes a person everywhere, and nobody else", erase},
		{"an erasure that fails at any step changes nothing", eraseFaults},
		{"an erasure of nobody is refused", eraseNobody},
	}
}

// city is a warehouse with ada, who is user ada on devices d1 and d2, and with others.
func city(ctx context.Context, s *subject) (warehouse.Warehouse, error) {
	w, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	by := func(id, user, anonymous string) event.Event {
		e := track("web", id, "Buy")
		e.UserID, e.AnonymousID = user, anonymous
		return e
	}
	alias := by("alias", "eve", "d9")
	alias.Type, alias.PreviousID = event.TypeAlias, "d2"
	later := by("later", "ada", "d1")
	later.ReceivedAt += minute.Microseconds()
	b := s.batch(warehouse.Move{Shard: "0", To: "1"},
		by("1", "ada", "d1"), by("2", "", "d1"), by("3", "ada", ""), by("4", "", "d2"), later, alias,
		by("5", "bob", "d3"), by("6", "", "d3"), by("7", "adam", "d11"), by("8", "", ""), by("9", "d1", "ada"))
	s.bury(b,
		deadLetter{source: "web", reason: "wrong kind", detail: "userId: ada", messageID: "m1", raw: []byte(`{"userId":"ada","event":7}`), index: 1},
		deadLetter{source: "web", reason: "wrong kind", detail: "event: 7", raw: []byte(`{"anonymousId":"d2","event":7}`), index: 2},
		deadLetter{source: "web", reason: "wrong kind", detail: "event: 7", raw: []byte(`{"userId":"bob","event":7}`), index: 3})
	seen := at(noon)
	b.Identities = []warehouse.Identity{{AnonymousID: "d1", UserID: "ada", SeenAt: seen}, {AnonymousID: "d2", UserID: "x", SeenAt: seen}, {AnonymousID: "d3", UserID: "bob", SeenAt: seen}, {AnonymousID: "d4", UserID: "ada", SeenAt: seen}}
	for _, user := range []string{"ada", "bob", "adam", "d1"} {
		b.Users = append(b.Users, warehouse.User{UserID: user, Traits: []byte(`{"name":"` + user + `"}`), FirstSeen: seen, SeenAt: seen})
	}
	return w, load(ctx, w, b)
}

var ada = warehouse.Subject{UserIDs: []string{"ada"}, AnonymousIDs: []string{"d1", "d2"}}

func erase(ctx context.Context, s *subject) error {
	w, err := city(ctx, s)
	if err != nil {
		return err
	}
	counted, err := ada.Count(ctx, w)
	if err != nil {
		return err
	}
	have, err := w.Erase(ctx, ada)
	if err != nil {
		return err
	}
	if !maps.Equal(have, counted) {
		return fmt.Errorf("want what was counted before, %v; have %v", counted, have)
	}
	// 1, 2, 3, 4 and later; alias, which names d2 as the id before; d1 of ada, d2, and d4 of ada.
	want := warehouse.Erasure{"events": 6, "identities": 3, "users": 1, "dead_letters": 2}
	if !maps.Equal(have, want) {
		return fmt.Errorf("want %v; have %v", want, have)
	}
	for range 2 {
		err := errors.Join(
			expect(ctx, w, "select message_id from events order by 1", "5", "6", "7", "8", "9"),
			expect(ctx, w, "select anonymous_id from identities order by 1", "d3"),
			expect(ctx, w, "select user_id from users order by 1", "adam", "bob", "d1"),
			expect(ctx, w, `select "index", raw, message_id, detail <> '' from dead_letters order by 1`,
				`1 |  | <nil> | true`, `2 |  | <nil> | true`, `3 | {"userId":"bob","event":7} | <nil> | true`),
			expect(ctx, w, "select count(*) from dead_letters where detail like '%ada%'", "0"),
			expect(ctx, w, "select minute, accepted, loaded, duplicate, dead, erased from ledger order by 1",
				"2026-11-23T12:00:00Z | 13 | 10 | 0 | 3 | 5", "2026-11-23T12:01:00Z | 1 | 1 | 0 | 0 | 1"),
			expect(ctx, w, "select stream, position from positions", "main | 1"),
		)
		if err != nil {
			return err
		}
		if w, err = s.reopen(ctx, w); err != nil {
			return err
		}
	}
	return unchanged(ctx, w, func() error {
		have, err := w.Erase(ctx, ada)
		if err != nil {
			return err
		}
		for table, n := range have {
			if n != 0 {
				return fmt.Errorf("erasing again: want nothing; have %d of %s", n, table)
			}
		}
		return nil
	})
}

func eraseFaults(ctx context.Context, s *subject) error {
	names := []string{}
	w, err := city(ctx, s)
	if err != nil {
		return err
	}
	for step := 0; ; step++ {
		through := false
		err := unchanged(ctx, w, func() error {
			n := 0
			s.fault = func(name string) error {
				if n++; n > step {
					names = append(names, name)
					return errFault
				}
				return nil
			}
			defer func() { s.fault = nil }()
			if step == 100 {
				return errors.New("an erasure has no end of steps")
			}
			_, err := w.Erase(ctx, ada)
			if through = err == nil; through || errors.Is(err, errFault) {
				return nil
			}
			return fmt.Errorf("want the fault; have %v", err)
		})
		if through {
			break
		}
		if err != nil {
			return fmt.Errorf("a fault before step %d of %q: %w", step, names, err)
		}
	}
	if len(names) < 3 {
		return fmt.Errorf("want a fault before each step of an erasure; have steps %q", names)
	}
	return nil
}

func eraseNobody(ctx context.Context, s *subject) error {
	w, err := city(ctx, s)
	if err != nil {
		return err
	}
	return unchanged(ctx, w, func() error {
		if _, err := w.Erase(ctx, warehouse.Subject{}); err == nil {
			return errors.New("a subject without ids was taken")
		}
		_, err := w.Erase(ctx, warehouse.Subject{UserIDs: []string{"nobody", "", "'); drop table users; --"}})
		return err
	})
}
