package warehouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spoorhq/spoor/event"
)

// MigrateSQL makes the tables, each by the statements that create gives, unless they are there. warehouse names the
// place, for the error.
func MigrateSQL(ctx context.Context, s Session, warehouse string, create func(Table) []string) error {
	if _, err := s.Exec(ctx, "create table if not exists schema_version (version integer not null)"); err != nil {
		return err
	}
	version := 0
	err := s.Each(ctx, func(scan func(...any) error) error { return scan(&version) }, "select coalesce(max(version), 0) from schema_version")
	if err != nil {
		return err
	}
	if version > SchemaVersion {
		return &NewerError{Warehouse: warehouse, Version: version}
	}
	if version > 0 {
		return nil
	}
	for _, t := range Tables() {
		for _, statement := range create(t) {
			if _, err := s.Exec(ctx, statement); err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
		}
	}
	_, err = s.Exec(ctx, "insert into schema_version values (?)", SchemaVersion)
	return err
}

// ColumnsSQL gives a table's columns for CREATE TABLE. with adds to the definition of each.
func (t Table) ColumnsSQL(d Dialect, with func(event.Column) string) string {
	list := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		list[i] = d.Quote(c.Name) + " " + d.Type(c.Kind) + with(c)
		if c.Required {
			list[i] += " not null"
		}
	}
	return strings.Join(list, ", ")
}

// EraseSQL removes a person in a transaction. Dead letters keep their line, so that the ledger still adds up, and lose
// what they held; blank is an expression for no bytes.
func EraseSQL(ctx context.Context, s Session, d Dialect, fault func(string) error, subject Subject, blank string) (Erasure, error) {
	subject, err := subject.Named()
	if err != nil {
		return nil, err
	}
	// Behind a full stop trailing blanks count, on Redshift too.
	in := func(column string, ids []string) (string, []any) {
		if len(ids) == 0 {
			return "1 = 0", nil
		}
		args := make([]any, len(ids))
		for i, id := range ids {
			args[i] = id + "."
		}
		return column + " || '.' in (" + strings.TrimSuffix(strings.Repeat("?, ", len(ids)), ", ") + ")", args
	}
	user, users := in("user_id", subject.UserIDs)
	device, devices := in("anonymous_id", subject.AnonymousIDs)
	previous, both := in("previous_id", slices.Concat(subject.UserIDs, subject.AnonymousIDs))
	person, personArgs := "("+user+" or "+device+")", slices.Concat(users, devices)
	anywhere, anywhereArgs := "("+person+" or "+previous+")", slices.Concat(personArgs, both)

	erased := Erasure{}
	remove := func(table, where string, args []any) Step {
		return Step{table, func(ctx context.Context) (err error) {
			erased[table], err = s.Exec(ctx, "delete from "+table+" where "+where, args...)
			return err
		}}
	}
	err = RunSteps(ctx, fault, "erasing from", []Step{
		{"ledger", func(ctx context.Context) error {
			rows := NewRowSet("ledger")
			err := s.Each(ctx, func(scan func(...any) error) error {
				var minute time.Time
				var source string
				var n int64
				if err := scan(&minute, &source, &n); err != nil {
					return err
				}
				rows.Add(event.TimeOf(minute), source, int64(0), int64(0), int64(0), int64(0), n)
				return nil
			}, "select date_trunc('minute', received_at), source, count(*) from events where "+anywhere+" group by 1, 2", anywhereArgs...)
			if err != nil {
				rows.Release()
				return err
			}
			return (&SQLLoad{Session: s}).add(ctx, rows, "erased")
		}},
		remove("events", anywhere, anywhereArgs),
		remove("identities", person, personArgs),
		remove("users", user, users),
		{"dead_letters", func(ctx context.Context) (err error) {
			erased["dead_letters"], err = blankLetters(ctx, s, d, subject, blank)
			return err
		}},
	})
	if err != nil {
		return nil, err
	}
	return erased, nil
}

// blankLetters empties the dead letters that are about the subject.
func blankLetters(ctx context.Context, s Session, d Dialect, subject Subject, blank string) (int64, error) {
	search := NewSearch(subject)
	type place struct {
		load, shard, position string
		index                 int64
	}
	var hits []place
	index := d.Quote("index")
	err := s.Each(ctx, func(scan func(...any) error) error {
		var p place
		var raw []byte
		if err := scan(&p.load, &p.shard, &p.position, &p.index, &raw); err != nil {
			return err
		}
		if search.Hit(raw) {
			hits = append(hits, p)
		}
		return nil
	}, "select load_id, shard, position, "+index+", raw from dead_letters")
	if err != nil {
		return 0, err
	}
	changed := int64(0)
	for _, p := range slices.Compact(hits) {
		n, err := s.Exec(ctx, "update dead_letters set raw = "+blank+", detail = 'erased', request = null, message_id = null where load_id = ? and shard = ? and position = ? and "+
			index+" = ?", p.load, p.shard, p.position, p.index)
		if err != nil {
			return 0, err
		}
		changed += n
	}
	return changed, nil
}
