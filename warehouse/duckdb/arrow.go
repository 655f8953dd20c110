package duckdb

/*
#include <stdlib.h>

// Of DuckDB's stable C API (duckdb.h, since 1.5.6), which the Go binding's library holds and the binding shows only
// behind a build tag. A plain "go build" must do, so they are declared here, with their handles as plain pointers.
extern void *duckdb_schema_from_arrow(void *connection, void *schema, void **converted);
extern void *duckdb_data_chunk_from_arrow(void *connection, void *array, void *converted, void **chunk);
extern void duckdb_destroy_arrow_converted_schema(void **converted);

// The structures of the Arrow C data interface, by size.
struct spoor_arrow_schema { void *words[9]; };
struct spoor_arrow_array { void *words[10]; };
*/
import "C"

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/cdata"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// DuckDB takes rows in chunks of this size (STANDARD_VECTOR_SIZE). Every few chunks a statement is run over those
// gathered, so that a batch is never held twice.
const (
	chunkRows      = 2048
	chunksAtOnce   = 8
	appendedSource = "batch"
)

// native gives the C connection inside a connection of the binding, which keeps it to itself. The binding's version is
// pinned; Open fails when its struct has changed.
func native(conn any) (mapping.Connection, error) {
	c, ok := conn.(*connection)
	if !ok {
		return mapping.Connection{}, fmt.Errorf("the connection is a %T, not DuckDB's", conn)
	}
	field := reflect.ValueOf(c.Conn).Elem().FieldByName("conn")
	if !field.IsValid() || field.Kind() != reflect.Struct || !field.FieldByName("Ptr").IsValid() {
		return mapping.Connection{}, errors.New("this version of the DuckDB binding keeps its connection elsewhere")
	}
	pointer := field.FieldByName("Ptr").UnsafePointer()
	if pointer == nil {
		return mapping.Connection{}, errors.New("the DuckDB connection is closed")
	}
	return mapping.Connection{Ptr: pointer}, nil
}

// apply runs a statement over record batches of one schema, which it knows as the table batch. The columns are read in
// place; nothing of them is kept when apply returns. It runs once for every few thousand rows, in the order of the
// rows, and ends between two of these when ctx does.
func apply(ctx context.Context, conn *sql.Conn, statement string, batches ...arrow.RecordBatch) error {
	return conn.Raw(func(c any) error {
		connection, err := native(c)
		if err != nil {
			return err
		}
		a := applying{ctx: ctx, connection: connection, statement: statement}
		defer a.close()
		for _, batch := range batches {
			if err := a.batch(batch); err != nil {
				return err
			}
		}
		return a.flush()
	})
}

// applying is one apply.
type applying struct {
	ctx        context.Context
	connection mapping.Connection
	statement  string
	appender   mapping.Appender // of the statement; made with the first chunk, which tells the types
	chunks     int
}

func (a *applying) batch(batch arrow.RecordBatch) error {
	schema := C.calloc(1, C.sizeof_struct_spoor_arrow_schema)
	defer C.free(schema)
	cdata.ExportArrowSchema(batch.Schema(), (*cdata.CArrowSchema)(schema))
	defer cdata.ReleaseCArrowSchema((*cdata.CArrowSchema)(schema))
	var converted unsafe.Pointer
	if err := failure(C.duckdb_schema_from_arrow(a.connection.Ptr, schema, &converted)); err != nil {
		return fmt.Errorf("DuckDB refused an Arrow schema: %w", err)
	}
	defer C.duckdb_destroy_arrow_converted_schema(&converted)
	for from := int64(0); from < batch.NumRows(); from += chunkRows {
		if err := a.ctx.Err(); err != nil {
			return err
		}
		slice := batch.NewSlice(from, min(from+chunkRows, batch.NumRows()))
		err := a.chunk(slice, converted)
		slice.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *applying) chunk(slice arrow.RecordBatch, converted unsafe.Pointer) error {
	array := C.calloc(1, C.sizeof_struct_spoor_arrow_array)
	defer C.free(array)
	cdata.ExportArrowRecordBatch(slice, (*cdata.CArrowArray)(array), nil)
	defer cdata.ReleaseCArrowArray((*cdata.CArrowArray)(array)) // does nothing once the chunk has taken it over
	var chunk mapping.DataChunk
	if err := failure(C.duckdb_data_chunk_from_arrow(a.connection.Ptr, array, converted, &chunk.Ptr)); err != nil {
		return fmt.Errorf("DuckDB refused Arrow columns: %w", err)
	}
	defer mapping.DestroyDataChunk(&chunk)
	if a.appender.Ptr == nil {
		if err := a.open(slice.Schema(), chunk); err != nil {
			return err
		}
	}
	if mapping.AppendDataChunk(a.appender, chunk) == mapping.StateError {
		return a.failed()
	}
	if a.chunks++; a.chunks%chunksAtOnce == 0 {
		return a.flush()
	}
	return nil
}

func (a *applying) open(schema *arrow.Schema, chunk mapping.DataChunk) error {
	var types []mapping.LogicalType
	var names []string
	for i, field := range schema.Fields() {
		types = append(types, mapping.VectorGetColumnType(mapping.DataChunkGetVector(chunk, mapping.IdxT(i))))
		names = append(names, field.Name)
	}
	defer func() {
		for i := range types {
			mapping.DestroyLogicalType(&types[i])
		}
	}()
	if mapping.AppenderCreateQuery(a.connection, a.statement, types, appendedSource, names, &a.appender) == mapping.StateError {
		return a.failed()
	}
	return nil
}

// flush runs the statement over the chunks gathered.
func (a *applying) flush() error {
	if a.appender.Ptr != nil && mapping.AppenderFlush(a.appender) == mapping.StateError {
		return a.failed()
	}
	return nil
}

func (a *applying) failed() error { return errors.New(mapping.AppenderError(a.appender)) }

func (a *applying) close() {
	if a.appender.Ptr != nil {
		mapping.AppenderDestroy(&a.appender)
	}
}

// failure turns DuckDB's error data into an error, and frees it.
func failure(data unsafe.Pointer) error {
	if data == nil {
		return nil
	}
	e := mapping.ErrorData{Ptr: data}
	defer mapping.DestroyErrorData(&e)
	if mapping.ErrorDataHasError(e) {
		return errors.New(mapping.ErrorDataMessage(e))
	}
	return nil
}
