package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/pgsql"
	"github.com/spoorhq/spoor/warehouse"
)

// The binary format of COPY, as PostgreSQL's manual describes it under COPY, "Binary Format".
const (
	copyHeader = "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000"
	// epoch is that of PostgreSQL's timestamps, 2000-01-01, in microseconds of Unix's.
	epoch = 946_684_800_000_000
)

// copyIn appends record batches to a table. constant is a text for the columns behind the batches' own.
func (s *session) copyIn(ctx context.Context, table string, columns []event.Column, constant []string, batches ...arrow.RecordBatch) error {
	rows := int64(0)
	for _, b := range batches {
		rows += b.NumRows()
	}
	if rows == 0 {
		return nil
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = pgsql.Quote(c.Name)
	}
	in := newCopying(ctx, columns, constant, batches)
	tag, err := s.Conn.PgConn().CopyFrom(ctx, in, fmt.Sprintf("copy %s (%s) from stdin binary", table, strings.Join(names, ", ")))
	if err != nil {
		return err
	}
	if tag.RowsAffected() != rows {
		return fmt.Errorf("%d of %d rows were copied to %s", tag.RowsAffected(), rows, table)
	}
	return nil
}

// copying writes Arrow columns as COPY reads them, row by row, while it is read itself.
type copying struct {
	ctx      context.Context
	columns  []event.Column
	constant []string
	batches  []arrow.RecordBatch
	values   []arrow.Array // of the batch under way
	row      int
	buffer   []byte
	from     int // of the buffer, what is not read yet
	ended    bool
}

// chunk is about how much is written ahead.
const chunk = 128 << 10

func newCopying(ctx context.Context, columns []event.Column, constant []string, batches []arrow.RecordBatch) *copying {
	c := &copying{ctx: ctx, columns: columns, constant: constant, batches: batches, buffer: make([]byte, 0, chunk+chunk/4)}
	c.buffer = append(c.buffer, copyHeader...)
	return c
}

// Read is an io.Reader's.
func (c *copying) Read(p []byte) (int, error) {
	if c.from == len(c.buffer) {
		if c.ended {
			return 0, io.EOF
		}
		if err := c.ctx.Err(); err != nil {
			return 0, err
		}
		c.buffer, c.from = c.buffer[:0], 0
		c.fill()
	}
	n := copy(p, c.buffer[c.from:])
	c.from += n
	return n, nil
}

func (c *copying) fill() {
	for len(c.buffer) < chunk {
		if len(c.batches) == 0 {
			c.buffer = binary.BigEndian.AppendUint16(c.buffer, 0xffff)
			c.ended = true
			return
		}
		if c.row == 0 {
			c.values = c.batches[0].Columns()
		}
		if c.row == int(c.batches[0].NumRows()) {
			c.batches, c.row = c.batches[1:], 0
			continue
		}
		c.append(c.row)
		c.row++
	}
}

// append writes one row: how many fields, and each with its length in front.
func (c *copying) append(row int) {
	b := binary.BigEndian.AppendUint16(c.buffer, uint16(len(c.columns)))
	for i, column := range c.values {
		if column.IsNull(row) {
			b = binary.BigEndian.AppendUint32(b, 0xffffffff)
			continue
		}
		switch column := column.(type) {
		case *array.String:
			text := column.Value(row)
			if c.columns[i].Kind == event.JSON {
				text = pgsql.EncodeJSON(text)
			} else {
				text = pgsql.Encode(text)
			}
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
		case *array.Timestamp:
			b = binary.BigEndian.AppendUint32(b, 8)
			b = binary.BigEndian.AppendUint64(b, uint64(int64(column.Value(row))-epoch))
		case *array.Boolean:
			b = append(b, 0, 0, 0, 1, 0)
			if column.Value(row) {
				b[len(b)-1] = 1
			}
		case *array.Int32:
			b = binary.BigEndian.AppendUint32(b, 4)
			b = binary.BigEndian.AppendUint32(b, uint32(column.Value(row)))
		case *array.Int64:
			b = binary.BigEndian.AppendUint32(b, 8)
			b = binary.BigEndian.AppendUint64(b, uint64(column.Value(row)))
		case *array.Binary:
			value := column.Value(row)
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(value))), value...)
		default:
			panic(fmt.Sprintf("no column of events is a %T", column))
		}
	}
	for _, text := range c.constant {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
	}
	c.buffer = b
}

// session is a transaction of Load or Erase.
type session struct {
	*pgsql.Tx
	staged map[string]bool // tables that have rows by now
}

func newSession(tx *pgsql.Tx) *session { return &session{Tx: tx, staged: map[string]bool{}} }

// Stage copies rows into a temporary table, which its connection keeps, empty between the transactions.
func (s *session) Stage(ctx context.Context, rows *warehouse.RowSet) (string, error) {
	defer rows.Release()
	table, name := rows.Table, "stage_"+rows.Table.Name
	statement := fmt.Sprintf("create temporary table if not exists %s (like %s) on commit delete rows", name, table.Name)
	if s.staged[name] {
		statement = "truncate " + name
	}
	if _, err := s.Exec(ctx, statement); err != nil {
		return "", err
	}
	s.staged[name] = true
	batch := rows.Take()
	defer batch.Release()
	return name, s.copyIn(ctx, name, table.Columns, nil, batch)
}
