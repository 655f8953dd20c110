package warehouse

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/spoorhq/spoor/event"
)

// Session is a transaction of a warehouse that speaks PostgreSQL's SQL over the wire. What stands here is in the words
// that PostgreSQL and Redshift both know: no arrays, no unique keys, no ON CONFLICT. It is therefore for one writer at
// a time, which the driver's lock sees to; and it compares texts with their length, for Redshift takes "a" and "a " to
// be equal.
type Session interface {
	// Exec runs a statement and gives the number of rows changed. ? stands for an argument.
	Exec(ctx context.Context, query string, args ...any) (int64, error)
	// Each runs a query and calls do for each row.
	Each(ctx context.Context, do func(scan func(dest ...any) error) error, query string, args ...any) error
	// Stage gives the name of a table like the rows' own, with these rows alone. It lasts until the next Stage for that
	// table, or the end of the transaction. The rows are released.
	Stage(ctx context.Context, rows *RowSet) (table string, err error)
}

// Step is one part of a load or an erasure.
type Step struct {
	Name string
	Do   func(context.Context) error
}

// RunSteps does them in their order, and asks fault before each and once more at the end; nil never fails.
func RunSteps(ctx context.Context, fault func(string) error, doing string, steps []Step) error {
	if fault == nil {
		fault = func(string) error { return nil }
	}
	for _, step := range steps {
		if err := fault(step.Name); err != nil {
			return err
		}
		if err := step.Do(ctx); err != nil {
			return fmt.Errorf("%s %s: %w", doing, step.Name, err)
		}
	}
	return fault("commit")
}

// SQLLoad puts into the tables what follows from a batch's rows. The rows themselves, and the dead letters, are the
// driver's to put.
type SQLLoad struct {
	Session Session
	Dialect Dialect
	Batch   *Batch
	Now     event.Time
	// Counts and Volumes are the settled ones, once the driver knows the duplicates.
	Counts  []Count
	Volumes []Volume
	// Limits are the warehouse's.
	Limits Limits
}

// Steps gives a load's steps: the positions, the driver's own, and the rest.
func (l *SQLLoad) Steps(rows ...Step) []Step {
	return slices.Concat([]Step{{"positions", l.move}}, rows, []Step{
		{"identities", l.putIdentities},
		{"users", l.putUsers},
		{"ledger", func(ctx context.Context) error {
			return l.add(ctx, CountRows(l.Counts), "accepted", "loaded", "duplicate", "dead")
		}},
		{"volumes", func(ctx context.Context) error { return l.add(ctx, VolumeRows(l.Volumes), "loaded") }},
		{"sequences", func(ctx context.Context) error {
			return l.replace(ctx, l.Batch.SequenceRows(), "seen", "void", "settled", "records", "doubled", "seen_at")
		}},
		{"catalog", func(ctx context.Context) error { return l.replace(ctx, l.Batch.PropertyRows()) }},
		{"views", l.makeViews},
		{"loads", l.putLoad},
	})
}

// move takes each shard's position on by compare-and-set.
func (l *SQLLoad) move(ctx context.Context) error {
	for _, m := range l.Batch.Moves {
		query := "update positions set position = ?, moved_at = ? where stream = ? and shard = ? and position = ?"
		args := []any{m.To, event.GoTime(l.Now), l.Batch.Stream, m.Shard, m.From}
		if m.From == "" {
			query = `insert into positions (position, moved_at, stream, shard) select ?, ?, ?, ?
				where not exists (select 1 from positions where stream = ? and shard = ?)`
			args = []any{m.To, event.GoTime(l.Now), l.Batch.Stream, m.Shard, l.Batch.Stream, m.Shard}
		}
		n, err := l.Session.Exec(ctx, query, args...)
		if err != nil {
			return err
		}
		if n != 1 {
			return fmt.Errorf("%w: shard %s of %s is not at %q", ErrFenced, m.Shard, l.Batch.Stream, m.From)
		}
	}
	return nil
}

// same compares the key columns of two tables.
func same(a, b string, key []string) string {
	conditions := make([]string, 0, len(key))
	for _, k := range key {
		x, y := a+"."+quoteKey(k), b+"."+quoteKey(k)
		condition := x + " = " + y
		if k != "minute" {
			condition += " and octet_length(" + x + ") = octet_length(" + y + ")"
		}
		conditions = append(conditions, condition)
	}
	return strings.Join(conditions, " and ")
}

func quoteKey(name string) string { return `"` + name + `"` }

// add adds the rows' columns named to those of the rows of the same key, and inserts the rows whose key is new.
func (l *SQLLoad) add(ctx context.Context, rows *RowSet, columns ...string) error {
	for i, c := range columns {
		columns[i] = fmt.Sprintf("%[1]s = %[2]s.%[1]s + s.%[1]s", c, rows.Table.Name)
	}
	return l.merge(ctx, rows, columns)
}

// replace puts the rows' columns named in the place of those of the rows of the same key, and inserts the rows whose
// key is new. Without columns the old row stays.
func (l *SQLLoad) replace(ctx context.Context, rows *RowSet, columns ...string) error {
	for i, c := range columns {
		columns[i] = fmt.Sprintf("%[1]s = s.%[1]s", c)
	}
	return l.merge(ctx, rows, columns)
}

func (l *SQLLoad) merge(ctx context.Context, rows *RowSet, set []string) error {
	if rows.Len() == 0 {
		rows.Release()
		return nil
	}
	table := rows.Table
	staged, err := l.Session.Stage(ctx, rows)
	if err != nil {
		return err
	}
	if len(set) > 0 {
		if _, err := l.Session.Exec(ctx, fmt.Sprintf("update %s set %s from %s s where %s",
			table.Name, strings.Join(set, ", "), staged, same(table.Name, "s", table.Key))); err != nil {
			return err
		}
	}
	_, err = l.Session.Exec(ctx, fmt.Sprintf("insert into %[1]s select s.* from %[2]s s where not exists (select 1 from %[1]s t where %[3]s)",
		table.Name, staged, same("t", "s", table.Key)))
	return err
}

// swap deletes the rows of a table that have the key of a staged one, and inserts the staged.
func (l *SQLLoad) swap(ctx context.Context, table Table, staged string) error {
	if _, err := l.Session.Exec(ctx, fmt.Sprintf("delete from %s using %s s where %s", table.Name, staged, same(table.Name, "s", table.Key))); err != nil {
		return err
	}
	_, err := l.Session.Exec(ctx, fmt.Sprintf("insert into %s select * from %s", table.Name, staged))
	return err
}

// putIdentities writes those of the batch that are news.
func (l *SQLLoad) putIdentities(ctx context.Context) error {
	latest := LatestIdentities(l.Batch.Identities)
	if len(latest) == 0 {
		return nil
	}
	rows := IdentityRows(latest)
	table := rows.Table
	staged, err := l.Session.Stage(ctx, rows)
	if err != nil {
		return err
	}
	if _, err := l.Session.Exec(ctx, fmt.Sprintf(`delete from %[1]s using identities i where %[2]s
		and (i.seen_at > %[1]s.seen_at or i.seen_at = %[1]s.seen_at and i.user_id >= %[1]s.user_id)`, staged, same("i", staged, table.Key))); err != nil {
		return err
	}
	return l.swap(ctx, table, staged)
}

// putUsers merges the batch's traits into those that are there.
func (l *SQLLoad) putUsers(ctx context.Context) error {
	if len(l.Batch.Users) == 0 {
		return nil
	}
	crowd := NewCrowd(l.Batch.Users)
	crowd.Limits = l.Limits
	rows := NewRowSet("users")
	for _, id := range crowd.IDs() {
		rows.Add(id, "{}", int64(0), int64(0))
	}
	table := rows.Table
	staged, err := l.Session.Stage(ctx, rows)
	if err != nil {
		return err
	}
	err = l.Session.Each(ctx, func(scan func(...any) error) error {
		var old User
		var traits string
		var first, last sql.NullTime
		if err := scan(&old.UserID, &traits, &first, &last); err != nil {
			return err
		}
		old.Traits, old.FirstSeen, old.SeenAt = []byte(traits), event.TimeOf(first.Time), event.TimeOf(last.Time)
		return crowd.Merge(old)
	}, fmt.Sprintf("select u.user_id, u.traits, u.first_seen, u.seen_at from users u join %s s on %s", staged, same("u", "s", table.Key)))
	if err != nil {
		return err
	}
	if rows, err = crowd.Rows(); err != nil {
		return err
	}
	if staged, err = l.Session.Stage(ctx, rows); err != nil {
		return err
	}
	return l.swap(ctx, table, staged)
}

// makeViews makes views anew, for a view's columns cannot change. One that views of somebody else's are built on stays
// as it is, and so does what is no view.
func (l *SQLLoad) makeViews(ctx context.Context) error {
	for _, v := range l.Batch.Views {
		var there, kept int64
		err := l.Session.Each(ctx, func(scan func(...any) error) error { return scan(&there, &kept) },
			`select count(*), coalesce(sum(case when c.relkind <> 'v' or d.objid is not null then 1 else 0 end), 0) from pg_class c
				join pg_namespace n on n.oid = c.relnamespace
				left join (select d.objid, d.refobjid from pg_depend d join pg_rewrite r on r.oid = d.objid where r.ev_class <> d.refobjid) d
					on d.refobjid = c.oid
				where n.nspname = current_schema() and c.relname = ?`, v.Name)
		if err != nil {
			return fmt.Errorf("view %s: %w", v.Name, err)
		}
		if kept > 0 {
			continue
		}
		statements := []string{v.SQL(l.Dialect)}
		if there > 0 {
			statements = []string{"drop view " + l.Dialect.Quote(v.Name), statements[0]}
		}
		for _, statement := range statements {
			if _, err := l.Session.Exec(ctx, statement); err != nil {
				return fmt.Errorf("view %s: %w", v.Name, err)
			}
		}
	}
	return nil
}

// putLoad writes the batch's line.
func (l *SQLLoad) putLoad(ctx context.Context) error {
	rows, err := l.Batch.LoadRows(l.Now, l.Counts)
	if err != nil {
		return err
	}
	staged, err := l.Session.Stage(ctx, rows)
	if err != nil {
		return err
	}
	_, err = l.Session.Exec(ctx, "insert into loads select * from "+staged)
	return err
}
