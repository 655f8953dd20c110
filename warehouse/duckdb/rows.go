package duckdb

import (
	"fmt"

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
	return &rowSet{loading: l, builder: array.NewRecordBuilder(memory.DefaultAllocator, event.Schema(columns))}
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

// scan makes a view over the rows; the set is empty afterwards.
func (s *rowSet) scan(view string) (release func(), err error) {
	batch := s.builder.NewRecordBatch()
	s.builder.Release()
	free, err := scan(s.loading.writer, view, batch)
	if err != nil {
		batch.Release()
		return nil, err
	}
	return func() { free(); batch.Release() }, nil
}

// put inserts the rows; conflict says what becomes of those whose key is there.
func (s *rowSet) put(conflict string) error {
	if s.n == 0 {
		s.builder.Release()
		return nil
	}
	release, err := s.scan("batch_" + s.name)
	if err != nil {
		return err
	}
	defer release()
	return s.loading.exec(s.loading.ctx, fmt.Sprintf("insert into %s select * from batch_%s %s", s.name, s.name, conflict))
}
