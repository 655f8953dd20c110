package duckdb

/*
#include <stdint.h>
#include <stdlib.h>

// From DuckDB's C API (duckdb.h), which the Go binding links: it makes a temporary view over an Arrow stream.
extern int duckdb_arrow_scan(void *connection, const char *table_name, void *arrow_stream);

struct spoor_arrow_stream { void *members[5]; };
*/
import "C"

import (
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/cdata"
	duck "github.com/duckdb/duckdb-go/v2"
)

// The Go binding has its Arrow interface behind a build tag, and keeps the native connection to itself. A plain
// "go build" must do, so the one C function that is needed is declared here, and the connection is taken from the
// binding's struct by reflection; the binding's version is pinned, and open fails clearly if the struct has changed.

// native gives the C connection inside a connection of the binding.
func native(conn any) (unsafe.Pointer, error) {
	c, ok := conn.(*duck.Conn)
	if !ok {
		return nil, fmt.Errorf("the connection is a %T, not DuckDB's", conn)
	}
	field := reflect.ValueOf(c).Elem().FieldByName("conn")
	if !field.IsValid() || field.Kind() != reflect.Struct || !field.FieldByName("Ptr").IsValid() {
		return nil, errors.New("this version of the DuckDB binding keeps its connection elsewhere")
	}
	pointer := field.FieldByName("Ptr").UnsafePointer()
	if pointer == nil {
		return nil, errors.New("the DuckDB connection is closed")
	}
	return pointer, nil
}

// scan makes a temporary view over record batches of one schema, which are read in place and must stay until release.
// The view can be read once.
func scan(conn *sql.Conn, view string, batches ...arrow.RecordBatch) (release func(), err error) {
	reader, err := array.NewRecordReader(batches[0].Schema(), batches)
	if err != nil {
		return nil, err
	}
	defer reader.Release()
	stream := C.calloc(1, C.sizeof_struct_spoor_arrow_stream)
	cdata.ExportRecordReader(reader, (*cdata.CArrowArrayStream)(stream))
	free := func() {
		cdata.ReleaseCArrowArrayStream((*cdata.CArrowArrayStream)(stream))
		C.free(stream)
	}
	name := C.CString(view)
	defer C.free(unsafe.Pointer(name))
	err = conn.Raw(func(c any) error {
		pointer, err := native(c)
		if err != nil {
			return err
		}
		if C.duckdb_arrow_scan(pointer, name, stream) != 0 {
			return fmt.Errorf("DuckDB refused the Arrow stream for %s", view)
		}
		return nil
	})
	if err != nil {
		free()
		return nil, err
	}
	return free, nil
}
