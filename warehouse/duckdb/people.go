package duckdb

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spoorhq/spoor/warehouse"
)

// putIdentities writes those of the batch that are news.
func (l *loading) putIdentities() error {
	latest := warehouse.LatestIdentities(l.b.Identities)
	var replaced []int64
	err := l.known("identities", "anonymous_id", "user_id, epoch_us(seen_at)", slices.Collect(maps.Keys(latest)), func(scan scan) error {
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
	return l.replace(replaced, warehouse.IdentityRows(latest))
}

// putUsers merges the batch's traits into those that are there.
func (l *loading) putUsers() error {
	crowd := warehouse.NewCrowd(l.b.Users)
	var replaced []int64
	err := l.known("users", "user_id", "cast(traits as varchar), epoch_us(first_seen), epoch_us(seen_at)", crowd.IDs(), func(scan scan) error {
		var row int64
		var old warehouse.User
		var traits string
		if err := scan(&row, &old.UserID, &traits, &old.FirstSeen, &old.SeenAt); err != nil {
			return err
		}
		old.Traits = []byte(traits)
		replaced = append(replaced, row)
		return crowd.Merge(old)
	})
	if err != nil {
		return err
	}
	rows, err := crowd.Rows()
	if err != nil {
		return err
	}
	return l.replace(replaced, rows)
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
func (l *loading) replace(places []int64, rows *warehouse.RowSet) error {
	l.replaced += len(places)
	if len(places) > 0 {
		if err := l.exec(l.ctx, "delete from "+rows.Table.Name+" where rowid in (select unnest(cast(? as bigint[])))", places); err != nil {
			rows.Release()
			return err
		}
	}
	return l.put(rows, "")
}
