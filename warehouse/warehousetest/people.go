package warehousetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/spoorhq/spoor/warehouse"
)

func peopleCases() []kase {
	return []kase{
		{"the identity seen last holds", identities},
		{"traits are merged in the order of time", users},
		{"many people at once", crowd},
	}
}

// people is a batch of identities and users.
func (s *subject) people(step int, identities []warehouse.Identity, users []warehouse.User) *warehouse.Batch {
	move := warehouse.Move{Shard: "0", To: fmt.Sprint(step)}
	if step > 1 {
		move.From = fmt.Sprint(step - 1)
	}
	b := s.batch(move)
	b.Identities, b.Users = identities, users
	return b
}

func identities(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	seen := func(anonymous, user string, second int64) warehouse.Identity {
		return warehouse.Identity{AnonymousID: anonymous, UserID: user, SeenAt: at(noon) + second*1e6}
	}
	err = load(ctx, w,
		s.people(1, []warehouse.Identity{seen("later", "u1", 0), seen("earlier", "u1", 10), seen("tie up", "u1", 5), seen("tie down", "u5", 5), seen("same", "u1", 5), seen("alone", "u1", 0)}, nil),
		s.people(2, []warehouse.Identity{seen("later", "u2", 1), seen("earlier", "u2", 9), seen("tie up", "u2", 5), seen("tie down", "u2", 5), seen("same", "u1", 6), seen("new", "u'2", 1)}, nil),
		s.people(3, []warehouse.Identity{seen("twice", "u1", 1), seen("twice", "u3", 3), seen("twice", "u2", 2), seen("later", "u3", 7)}, nil),
	)
	return errors.Join(err, expect(ctx, w, "select anonymous_id, user_id, seen_at from identities order by 1",
		"alone | u1 | 2026-11-23T12:00:00Z", "earlier | u1 | 2026-11-23T12:00:10Z", "later | u3 | 2026-11-23T12:00:07Z", "new | u'2 | 2026-11-23T12:00:01Z",
		"same | u1 | 2026-11-23T12:00:06Z", "tie down | u5 | 2026-11-23T12:00:05Z", "tie up | u2 | 2026-11-23T12:00:05Z", "twice | u3 | 2026-11-23T12:00:03Z"))
}

func users(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	seen := func(user, traits string, first, last int64) warehouse.User {
		return warehouse.User{UserID: user, Traits: []byte(traits), FirstSeen: at(noon) + first*1e6, SeenAt: at(noon) + last*1e6}
	}
	err = load(ctx, w,
		s.people(1, nil, []warehouse.User{
			seen("u1", `{"plan":"free","email":"a@example.com","n":9223372036854775808}`, 0, 5), seen("u2", `{"a":{"x":1,"y":2},"gone":null}`, 3, 3), seen("u3", `{}`, 1, 1),
		}),
		s.people(2, nil, []warehouse.User{
			seen("u1", `{"plan":"pro","email":null,"z":"it's \"q\" \\ 😀"}`, 7, 9), // newer: replaces, removes, adds
			seen("u2", `{"a":{"x":9},"b":[1,null]}`, 1, 2),                        // older: only adds
		}),
		s.people(3, nil, []warehouse.User{seen("u1", `{"email":"late@example.com","plan":"old","old":1}`, -5, 1), seen("u4", ``, 2, 2)}),
	)
	if err != nil {
		return err
	}
	for range 2 {
		err := expect(ctx, w, "select user_id, cast(traits as varchar), first_seen, seen_at from users order by 1",
			`u1 | {"email":"late@example.com","n":9223372036854775808,"old":1,"plan":"pro","z":"it's \"q\" \\ 😀"} | 2026-11-23T11:59:55Z | 2026-11-23T12:00:09Z`,
			`u2 | {"a":{"x":1,"y":2},"b":[1,null]} | 2026-11-23T12:00:01Z | 2026-11-23T12:00:03Z`,
			`u3 | {} | 2026-11-23T12:00:01Z | 2026-11-23T12:00:01Z`,
			`u4 | {} | 2026-11-23T12:00:02Z | 2026-11-23T12:00:02Z`)
		if err != nil {
			return err
		}
		if w, err = s.reopen(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// crowd loads overlapping batches of people, so that each brings rows to replace and rows to add.
func crowd(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	const n, rounds = 3000, 4
	for round := range rounds {
		var identities []warehouse.Identity
		var users []warehouse.User
		for i := range n {
			id := round*n/2 + i
			seen := at(noon) + int64(round)*1e6
			identities = append(identities, warehouse.Identity{AnonymousID: fmt.Sprint("a", id), UserID: fmt.Sprintf("u%d-%d", id, round), SeenAt: seen})
			users = append(users, warehouse.User{UserID: fmt.Sprint("u", id), Traits: fmt.Appendf(nil, `{"r%d":true,"last":%d}`, round, round), FirstSeen: seen, SeenAt: seen})
		}
		if err := load(ctx, w, s.people(round+1, identities, users)); err != nil {
			return err
		}
	}
	const total = n + (rounds-1)*n/2
	return errors.Join(
		expect(ctx, w, "select count(*), count(distinct anonymous_id) from identities", fmt.Sprintf("%d | %d", total, total)),
		expect(ctx, w, "select count(*), count(distinct user_id) from users", fmt.Sprintf("%d | %d", total, total)),
		expect(ctx, w, "select user_id from identities where anonymous_id in ('a0', 'a1500', 'a7499') order by 1", "u0-0", "u1500-1", "u7499-3"),
		expect(ctx, w, "select user_id, cast(traits as varchar) from users where user_id in ('u0', 'u1500', 'u7499') order by 1",
			`u0 | {"last":0,"r0":true}`, `u1500 | {"last":1,"r0":true,"r1":true}`, `u7499 | {"last":3,"r3":true}`),
	)
}
