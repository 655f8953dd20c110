package duckdb

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// rowSet gathers a few rows for one of the small tables as Arrow columns.
type rowSet struct {
	loading *loading
	name    string
	columns []event.Column
	builder *array.RecordBuilder
	n       int
}

// rows begins rows for a table of the warehouse, whose columns add takes in their order.
func (l *loading) rows(name string) *rowSet {
	for _, t := range warehouse.Tables() {
		if t.Name == name {
			set := l.table(t.Columns)
			set.name = name
			return set
		}
	}
	panic("there is no table " + name)
}

// table begins rows of any columns.
func (l *loading) table(columns []event.Column) *rowSet {
	return &rowSet{loading: l, columns: columns, builder: array.NewRecordBuilder(memory.DefaultAllocator, event.Schema(columns))}
}

// add takes one row: strings, int32s, and int64s, which are counts or event.Times by the column's type.
func (s *rowSet) add(values ...any) {
	for i, value := range values {
		switch b := s.builder.Field(i).(type) {
		case *array.StringBuilder:
			b.Append(value.(string))
		case *array.Int32Builder:
			b.Append(value.(int32))
		case *array.Int64Builder:
			b.Append(value.(int64))
		case *array.TimestampBuilder:
			b.Append(arrow.Timestamp(value.(int64)))
		default:
			panic(fmt.Sprintf("no column of %s is a %T", s.name, b))
		}
	}
	s.n++
}

// temporary puts the rows into a temporary table, which drop removes.
func (s *rowSet) temporary(table string) (drop func() error, err error) {
	fields := make([]string, len(s.columns))
	for i, c := range s.columns {
		fields[i] = dialect{}.Quote(c.Name) + " " + dialect{}.Type(c.Kind)
	}
	l := s.loading
	if err := l.exec(l.ctx, fmt.Sprintf("create or replace temporary table %s (%s)", table, strings.Join(fields, ", "))); err != nil {
		return nil, err
	}
	return func() error { return l.exec(l.ctx, "drop table "+table) }, s.apply("insert into " + table + " from batch")
}

// put inserts the rows; conflict says what becomes of those whose key is there.
func (s *rowSet) put(conflict string) error {
	return s.apply(fmt.Sprintf("insert into %s select * from batch %s", s.name, conflict))
}

// apply runs a statement over the rows; the set is empty afterwards.
func (s *rowSet) apply(statement string) error {
	defer s.builder.Release()
	if s.n == 0 {
		return nil
	}
	batch := s.builder.NewRecordBatch()
	defer batch.Release()
	return apply(s.loading.writer, statement, batch)
}
