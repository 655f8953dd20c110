package duckdb

import (
	"fmt"
	"slices"

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
	tables := warehouse.Tables()
	i := slices.IndexFunc(tables, func(t warehouse.Table) bool { return t.Name == name })
	return &rowSet{loading: l, name: name, builder: array.NewRecordBuilder(memory.DefaultAllocator, event.Schema(tables[i].Columns))}
}

// add takes one row: strings and int64s, which are counts or event.Times by the column's type.
func (s *rowSet) add(values ...any) {
	for i, value := range values {
		switch b := s.builder.Field(i).(type) {
		case *array.StringBuilder:
			b.Append(value.(string))
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

// put inserts the rows; conflict says what becomes of those whose key is there. The set cannot be used afterwards.
func (s *rowSet) put(conflict string) error {
	defer s.builder.Release()
	if s.n == 0 {
		return nil
	}
	batch := s.builder.NewRecordBatch()
	defer batch.Release()
	return apply(s.loading.ctx, s.loading.writer, fmt.Sprintf("insert into %s select * from batch %s", s.name, conflict), batch)
}
