package redshift

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/pgsql"
	"github.com/spoorhq/spoor/warehouse"
)

// session is a transaction of a writer.
type session struct {
	*pgsql.Tx
	staging *staging
	place   location
	tables  map[string]bool // temporary tables that were made
	files   []string        // keys that were staged within the transaction
}

// few is how many rows go as arguments; more are worth a COPY, which costs S3's and Redshift's fixed price.
const few = 100

// long is how long a text may be to go as an argument.
const long = 32 << 10

// Stage puts rows into a temporary table.
func (s *session) Stage(ctx context.Context, rows *warehouse.RowSet) (string, error) {
	defer rows.Release()
	table, name := rows.Table, "stage_"+rows.Table.Name
	statement := fmt.Sprintf("create temporary table %s (like %s)", name, table.Name)
	if s.tables[name] {
		statement = "delete from " + name
	}
	if _, err := s.Exec(ctx, statement); err != nil {
		return "", err
	}
	s.tables[name] = true
	batch := rows.Take()
	defer batch.Release()
	if batch.NumRows() <= few && !hasLong(batch) {
		return name, s.insertRows(ctx, name, table.Columns, batch)
	}
	set := s.staging.newFileSet("tx", table.Name)
	err := s.staging.putRows(ctx, set, table.Columns, nil, batch)
	s.files = append(s.files, set.all()...)
	if err != nil {
		return "", err
	}
	raw, err := s.copyIn(ctx, set, table.Columns, nil)
	if err != nil {
		return "", err
	}
	_, err = s.Exec(ctx, fmt.Sprintf("insert into %s select %s from %s", name, selectList("", table.Columns), raw))
	return name, err
}

func hasLong(batch arrow.RecordBatch) bool {
	return slices.ContainsFunc(batch.Columns(), func(column arrow.Array) bool {
		texts, ok := column.(*array.String)
		for i := 0; ok && i < texts.Len(); i++ {
			if len(texts.Value(i)) > long {
				return true
			}
		}
		return false
	})
}

// insertRows inserts rows as arguments. Several VALUES take no functions on Redshift, so each row is a SELECT.
func (s *session) insertRows(ctx context.Context, table string, columns []event.Column, batch arrow.RecordBatch) error {
	if batch.NumRows() == 0 {
		return nil
	}
	var selects []string
	var args []any
	for row := range int(batch.NumRows()) {
		list := make([]string, len(columns))
		for i, c := range columns {
			list[i] = "?"
			switch column := batch.Column(i).(type) {
			case *array.String:
				if c.Kind == event.JSON {
					list[i] = "json_parse(?)"
					args = append(args, pgtype.Text{String: string(appendSuper(nil, column.Value(row))), Valid: true})
					continue
				}
				args = append(args, column.Value(row))
			case *array.Timestamp:
				args = append(args, event.GoTime(event.Time(column.Value(row))))
			case *array.Int64:
				args = append(args, column.Value(row))
			default:
				panic(fmt.Sprintf("no column of %s is a %T", table, column))
			}
		}
		selects = append(selects, "select "+strings.Join(list, ", "))
	}
	_, err := s.Exec(ctx, fmt.Sprintf("insert into %s %s", table, strings.Join(selects, " union all ")), args...)
	return err
}

// copyIn makes a temporary table for staged rows, copies them there, and gives its name. further are the definitions of
// columns behind the others.
func (s *session) copyIn(ctx context.Context, set *fileSet, columns []event.Column, further []string) (string, error) {
	table := "copied_" + set.name[strings.LastIndex(set.name, "/")+1:]
	definitions := make([]string, len(columns), len(columns)+len(further))
	for i, c := range columns {
		typ := dialect{}.Type(c.Kind)
		if c.Kind == event.Timestamp {
			typ = "varchar(64)"
		}
		definitions[i] = pgsql.Quote(c.Name) + " " + typ
	}
	distribution := "diststyle even"
	if table == "copied_events" {
		distribution = "distkey (message_id)" // as events have it, so that duplicates are found where they are
	}
	if s.tables[table] {
		if _, err := s.Exec(ctx, "drop table "+table); err != nil {
			return "", err
		}
	}
	if _, err := s.Exec(ctx, fmt.Sprintf("create temporary table %s (%s) %s", table, strings.Join(append(definitions, further...), ", "), distribution)); err != nil {
		return "", err
	}
	s.tables[table] = true
	format := "format as json 'auto'"
	if set.csv {
		format = "format as csv"
	}
	role := literal(s.place.role)
	if s.place.role == "default" {
		role = "default"
	}
	_, err := s.Exec(ctx, fmt.Sprintf("copy %s from %s iam_role %s manifest zstd %s maxerror 0 compupdate off statupdate off",
		table, literal("s3://"+s.staging.bucket+"/"+set.manifest), role, format))
	if err != nil {
		return "", fmt.Errorf("copying %d rows of %s: %w", set.rows, set.name, err)
	}
	copied := int64(0)
	if err := s.Each(ctx, func(scan func(...any) error) error { return scan(&copied) }, "select pg_last_copy_count()"); err != nil {
		return "", err
	}
	if copied != set.rows {
		return "", fmt.Errorf("COPY took %d of %d rows of %s", copied, set.rows, set.name)
	}
	return table, nil
}

// selectList reads columns out of a table of staged rows. prefix goes in front of each name.
func selectList(prefix string, columns []event.Column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = prefix + pgsql.Quote(c.Name)
		if c.Kind == event.Timestamp {
			list[i] = "cast(" + list[i] + " as timestamp with time zone)"
		}
	}
	return strings.Join(list, ", ")
}

// dropStaged drops the temporary tables, which would live as long as the connection.
func (s *session) dropStaged(ctx context.Context) error {
	if len(s.tables) == 0 {
		return nil
	}
	var names []string
	for name := range s.tables {
		names = append(names, name)
	}
	slices.Sort(names)
	_, err := s.Exec(ctx, "drop table "+strings.Join(names, ", "))
	return err
}

// removeFiles removes what was staged within the transaction.
func (s *session) removeFiles(ctx context.Context) {
	if len(s.files) > 0 {
		s.staging.remove(ctx, s.files)
	}
}
