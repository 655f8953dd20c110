package duckdb

import (
	"errors"
	"fmt"

	"github.com/spoorhq/spoor/warehouse"
)

// putIdentities writes those of the batch that are news.
func (l *loading) putIdentities() error {
	latest := make(map[string]warehouse.Identity, len(l.b.Identities))
	for _, i := range l.b.Identities {
		if other, ok := latest[i.AnonymousID]; !ok || other.Later(i) {
			latest[i.AnonymousID] = i
		}
	}
	var replaced []int64
	err := l.known("identities", "anonymous_id", "user_id, epoch_us(seen_at)", keys(latest), func(scan scan) error {
		var row int64
		var old warehouse.Identity
		if err := scan(&row, &old.AnonymousID, &old.UserID, &old.SeenAt); err != nil {
			return err
		}
		if old.Later(latest[old.AnonymousID]) {
			replaced = append(replaced, row)
		} else {
			delete(latest, old.AnonymousID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	rows := l.rows("identities")
	for _, i := range latest {
		rows.add(i.AnonymousID, i.UserID, i.SeenAt)
	}
	return l.replace(replaced, rows)
}

// putUsers merges the batch's traits into those that are there.
func (l *loading) putUsers() error {
	users := make(map[string]warehouse.User, len(l.b.Users))
	for _, u := range l.b.Users {
		users[u.UserID] = u
	}
	merge := func(row warehouse.User) error {
		merged, err := warehouse.MergeUser(row, users[row.UserID])
		if err != nil {
			return fmt.Errorf("traits of user %q: %w", row.UserID, err)
		}
		users[row.UserID] = merged
		return nil
	}
	var replaced []int64
	found := map[string]bool{}
	err := l.known("users", "user_id", "cast(traits as varchar), epoch_us(first_seen), epoch_us(seen_at)", keys(users), func(scan scan) error {
		var row int64
		var old warehouse.User
		var traits string
		if err := scan(&row, &old.UserID, &traits, &old.FirstSeen, &old.SeenAt); err != nil {
			return err
		}
		old.Traits = []byte(traits)
		replaced, found[old.UserID] = append(replaced, row), true
		return merge(old)
	})
	if err != nil {
		return err
	}
	rows := l.rows("users")
	for id, u := range users {
		if !found[id] {
			// Merged with nothing, new traits lose their nulls and stand in the same order as those merged later.
			if err := merge(warehouse.User{UserID: id, FirstSeen: u.FirstSeen, SeenAt: u.SeenAt}); err != nil {
				return err
			}
		}
		u = users[id]
		rows.add(u.UserID, string(u.Traits), u.FirstSeen, u.SeenAt)
	}
	return l.replace(replaced, rows)
}

func keys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for key := range m {
		list = append(list, key)
	}
	return list
}

type scan func(dest ...any) error

// known reads, of the rows that have one of the keys, the place, the key and the columns.
func (l *loading) known(table, key, columns string, keys []string, each func(scan) error) error {
	if len(keys) == 0 {
		return nil
	}
	rows, err := l.writer.QueryContext(l.ctx, fmt.Sprintf("select rowid, %s, %s from %s where %s in (select unnest(cast(? as varchar[])))",
		key, columns, table, key), keys)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// replace inserts the rows and deletes those of their table that stood at the places given.
func (l *loading) replace(places []int64, rows *rowSet) error {
	l.replaced += len(places)
	if len(places) > 0 {
		if err := l.exec(l.ctx, "delete from "+rows.name+" where rowid in (select unnest(cast(? as bigint[])))", places); err != nil {
			rows.builder.Release()
			return err
		}
	}
	return rows.put("")
}
