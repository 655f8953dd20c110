package query

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// parquetRows is how many rows are gathered before they are written as a row group.
const parquetRows = 50_000

// WriteParquet writes the rows as a Parquet file, zstd-compressed. Columns of booleans, dates, times and of numbers of up
// to 64 bits keep their type; all others are text, to the digit.
func (r *Result) WriteParquet(w io.Writer) error {
	columns := make([]*parquetColumn, len(r.Columns))
	fields := make(schema.FieldList, len(r.Columns))
	for i, c := range r.Columns {
		columns[i] = newParquetColumn(c)
		node, err := columns[i].node()
		if err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		fields[i] = node
	}
	root, err := schema.NewGroupNode("row", parquet.Repetitions.Required, fields, -1)
	if err != nil {
		return fmt.Errorf("beginning a Parquet file: %w", err)
	}
	out := file.NewParquetWriter(w, root, file.WithWriterProps(parquet.NewWriterProperties(
		parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCreatedBy("spoor"))))
	rows := 0
	err = r.each(func(row []any) error {
		for i, v := range row {
			if err := columns[i].add(v); err != nil {
				return fmt.Errorf("column %s: %w", r.Columns[i].Name, err)
			}
		}
		if rows++; rows < parquetRows {
			return nil
		}
		rows = 0
		return writeRowGroup(out, columns)
	})
	if err == nil && rows > 0 {
		err = writeRowGroup(out, columns)
	}
	if err != nil {
		return err
	}
	return out.Close()
}

func writeRowGroup(out *file.Writer, columns []*parquetColumn) error {
	group, err := out.AppendRowGroupChecked()
	if err != nil {
		return err
	}
	for _, c := range columns {
		chunk, err := group.NextColumn()
		if err != nil {
			return err
		}
		if err := c.write(chunk); err != nil {
			return err
		}
		if err := chunk.Close(); err != nil {
			return err
		}
	}
	return group.Close()
}

// parquetColumn gathers one column's values; exactly one of its slices is in use.
type parquetColumn struct {
	name     string
	physical parquet.Type
	instant  bool
	ints     []int64
	days     []int32
	floats   []float64
	truths   []bool
	texts    []parquet.ByteArray
	defined  []int16 // 1: there is a value
}

func newParquetColumn(c ResultColumn) *parquetColumn {
	out := &parquetColumn{name: c.Name, physical: parquet.Types.ByteArray}
	switch strings.ToUpper(c.Type) {
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "INT2", "INT4", "INT8":
		out.physical = parquet.Types.Int64
	case "FLOAT", "DOUBLE", "FLOAT4", "FLOAT8":
		out.physical = parquet.Types.Double
	case "BOOLEAN", "BOOL":
		out.physical = parquet.Types.Boolean
	case "DATE":
		out.physical = parquet.Types.Int32
	case "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE":
		out.physical, out.instant = parquet.Types.Int64, true
	}
	return out
}

func (c *parquetColumn) node() (schema.Node, error) {
	var logical schema.LogicalType = schema.NoLogicalType{}
	switch {
	case c.instant:
		logical = schema.NewTimestampLogicalType(true, schema.TimeUnitMicros)
	case c.physical == parquet.Types.Int32:
		logical = schema.DateLogicalType{}
	case c.physical == parquet.Types.ByteArray:
		logical = schema.StringLogicalType{}
	}
	return schema.NewPrimitiveNodeLogical(c.name, parquet.Repetitions.Optional, logical, c.physical, -1, -1)
}

func (c *parquetColumn) add(v any) error {
	if v == nil {
		c.defined = append(c.defined, 0)
		return nil
	}
	c.defined = append(c.defined, 1)
	switch c.physical {
	case parquet.Types.Int64:
		n, ok := integer(v)
		if !ok {
			return fmt.Errorf("an integer or a time was expected; got %T", v)
		}
		c.ints = append(c.ints, n)
	case parquet.Types.Int32:
		day, ok := v.(Day)
		if !ok {
			return fmt.Errorf("a date was expected; got %T", v)
		}
		c.days = append(c.days, int32(math.Floor(float64(time.Time(day).Unix())/86400)))
	case parquet.Types.Double:
		switch v := v.(type) {
		case float64:
			c.floats = append(c.floats, v)
		case float32:
			c.floats = append(c.floats, float64(v))
		default:
			return fmt.Errorf("a number was expected; got %T", v)
		}
	case parquet.Types.Boolean:
		truth, ok := v.(bool)
		if !ok {
			return fmt.Errorf("a boolean was expected; got %T", v)
		}
		c.truths = append(c.truths, truth)
	default:
		c.texts = append(c.texts, parquet.ByteArray(Text(v)))
	}
	return nil
}

// write moves what was gathered into the file.
func (c *parquetColumn) write(chunk file.ColumnChunkWriter) error {
	var err error
	switch chunk := chunk.(type) {
	case *file.Int64ColumnChunkWriter:
		_, err = chunk.WriteBatch(c.ints, c.defined, nil)
	case *file.Int32ColumnChunkWriter:
		_, err = chunk.WriteBatch(c.days, c.defined, nil)
	case *file.Float64ColumnChunkWriter:
		_, err = chunk.WriteBatch(c.floats, c.defined, nil)
	case *file.BooleanColumnChunkWriter:
		_, err = chunk.WriteBatch(c.truths, c.defined, nil)
	case *file.ByteArrayColumnChunkWriter:
		_, err = chunk.WriteBatch(c.texts, c.defined, nil)
	default:
		err = fmt.Errorf("no writer for %T", chunk)
	}
	c.ints, c.days, c.floats, c.truths = c.ints[:0], c.days[:0], c.floats[:0], c.truths[:0]
	c.texts, c.defined = c.texts[:0], c.defined[:0]
	return err
}

func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case int32:
		return int64(v), true
	case int16:
		return int64(v), true
	case int8:
		return int64(v), true
	case uint32:
		return int64(v), true
	case uint16:
		return int64(v), true
	case uint8:
		return int64(v), true
	case int:
		return int64(v), true
	case time.Time:
		return v.UnixMicro(), true
	default:
		return 0, false
	}
}
