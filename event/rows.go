package event

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Rows builds the Arrow record batch of events. It writes the buffers of Arrow's columnar format itself (validity bitmap,
// offsets, values): most of an event's columns are null, and arrow's own builders pay for each of these as for a value.
// It is for one goroutine.
type Rows struct {
	allocator memory.Allocator
	schema    *arrow.Schema
	columns   []columnBuilder
	rows      int
	room      int // rows that the columns have memory for
	jsonSize  int
	usual     int // rows of the last batch, or what NewRows was told
	long      int // see Judge
	holds     func(e *Event, column, text string) bool
}

// columnBuilder is one column's buffers, with memory for Rows.room rows.
type columnBuilder struct {
	eventColumn
	valid   []byte // a bit for each row; clear: null
	nulls   int
	offsets []int32 // Text and JSON: where each row's value begins, and the last one's end
	data    []byte  // Text and JSON: the values' memory
	used    int     // of data
	usual   int     // bytes of data in the last batch
	times   []int64 // Timestamp
	ints    []int32 // Int32
	flags   []byte  // Bool: a bit for each row
}

// NewRows makes a builder for batches of about capacity rows.
func NewRows(allocator memory.Allocator, capacity int) *Rows {
	r := &Rows{allocator: allocator, schema: Schema(Columns()), usual: capacity, long: math.MaxInt}
	for _, c := range eventColumns() {
		r.columns = append(r.columns, columnBuilder{eventColumn: c})
	}
	return r
}

// Judge has each text of over so many bytes judged before it goes into its column. One that is refused leaves it empty; the
// event may be marked meanwhile.
func (r *Rows) Judge(long int, holds func(e *Event, column, text string) bool) {
	r.long, r.holds = long, holds
}

// Append copies an event into the columns.
func (r *Rows) Append(e *Event) {
	if r.rows == r.room {
		r.grow()
	}
	row := r.rows
	at, bit := row>>3, byte(1)<<(row&7)
	for i := range r.columns {
		c := &r.columns[i]
		null := false
		switch c.Kind {
		case Text:
			s := c.text(e)
			if len(s) > r.long && !r.holds(e, c.Name, s) {
				s = ""
			}
			if s != "" {
				c.put(r.allocator, s)
			} else {
				null = !c.Required
			}
			c.offsets[row+1] = int32(c.used)
		case JSON:
			s := c.json(e)
			if null = s == nil; !null {
				c.put(r.allocator, view(s))
				r.jsonSize += len(s)
			}
			c.offsets[row+1] = int32(c.used)
		case Timestamp:
			t := c.time(e)
			null = t == NoTime
			c.times[row] = t
		case Bool:
			if c.bool(e) {
				c.flags[at] |= bit
			}
		case Int32:
			n := c.int32(e)
			null = n == 0
			c.ints[row] = n
		}
		if null {
			c.nulls++
		} else {
			c.valid[at] |= bit
		}
	}
	r.rows++
}

func (c *columnBuilder) put(allocator memory.Allocator, s string) {
	end := c.used + len(s)
	if end > len(c.data) {
		c.data = allocator.Reallocate(max(end, 2*len(c.data), c.usual+c.usual/8, 1024), c.data)
	}
	copy(c.data[c.used:end], s)
	c.used = end
}

// grow makes room for more rows: at first for a batch like the last one, for columns that grow by doubling copy all
// that they hold.
func (r *Rows) grow() {
	room := max(2*r.room, r.usual+r.usual/8, 64)
	bitmap := func(b []byte) []byte {
		old := len(b)
		b = r.allocator.Reallocate((room+7)/8, b)
		clear(b[old:])
		return b
	}
	for i := range r.columns {
		c := &r.columns[i]
		c.valid = bitmap(c.valid)
		switch c.Kind {
		case Text, JSON:
			c.offsets = resize(r.allocator, c.offsets, room+1, arrow.Int32Traits)
			c.offsets[0] = 0
		case Timestamp:
			c.times = resize(r.allocator, c.times, room, arrow.Int64Traits)
		case Bool:
			c.flags = bitmap(c.flags)
		case Int32:
			c.ints = resize(r.allocator, c.ints, room, arrow.Int32Traits)
		}
	}
	r.room = room
}

// traits is how arrow sees the bytes of a buffer as numbers, and the other way round.
type traits[T any] interface {
	BytesRequired(n int) int
	CastFromBytes(b []byte) []T
	CastToBytes(b []T) []byte
}

func resize[T any](allocator memory.Allocator, old []T, n int, t traits[T]) []T {
	return t.CastFromBytes(allocator.Reallocate(t.BytesRequired(n), t.CastToBytes(old)))
}

// Len is the number of rows so far; Bytes the size of their JSON, which is most of a row.
func (r *Rows) Len() int   { return r.rows }
func (r *Rows) Bytes() int { return r.jsonSize }

// Take gives the rows as a record batch, which the caller releases, and is empty afterwards: an idle builder holds
// nothing.
func (r *Rows) Take() arrow.RecordBatch {
	columns := make([]arrow.Array, len(r.columns))
	for i := range r.columns {
		columns[i] = r.columns[i].take(r.allocator, r.schema.Field(i).Type, r.rows)
	}
	batch := array.NewRecordBatch(r.schema, columns, int64(r.rows))
	for _, c := range columns {
		c.Release()
	}
	r.usual = r.rows
	r.rows, r.room, r.jsonSize = 0, 0, 0
	return batch
}

// take gives the column of so many rows, with its memory, and is empty afterwards.
func (c *columnBuilder) take(allocator memory.Allocator, kind arrow.DataType, rows int) arrow.Array {
	buffer := func(b []byte, used int) *memory.Buffer {
		whole := memory.NewBufferWithAllocator(b, allocator)
		whole.ResizeNoShrink(used)
		return whole
	}
	valid := buffer(c.valid, (rows+7)/8)
	var values []*memory.Buffer
	switch c.Kind {
	case Text, JSON:
		values = []*memory.Buffer{buffer(arrow.Int32Traits.CastToBytes(c.offsets), arrow.Int32Traits.BytesRequired(rows+1)), buffer(c.data, c.used)}
	case Timestamp:
		values = []*memory.Buffer{buffer(arrow.Int64Traits.CastToBytes(c.times), arrow.Int64Traits.BytesRequired(rows))}
	case Bool:
		values = []*memory.Buffer{buffer(c.flags, (rows+7)/8)}
	case Int32:
		values = []*memory.Buffer{buffer(arrow.Int32Traits.CastToBytes(c.ints), arrow.Int32Traits.BytesRequired(rows))}
	}
	buffers := append([]*memory.Buffer{valid}, values...)
	data := array.NewData(kind, rows, buffers, nil, c.nulls, 0)
	defer data.Release()
	for _, b := range buffers {
		b.Release()
	}
	*c = columnBuilder{eventColumn: c.eventColumn, usual: c.used}
	return array.MakeFromData(data)
}

// Release frees the builder's memory.
func (r *Rows) Release() { r.Take().Release() }
