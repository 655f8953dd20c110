package duckdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"
	"unsafe"

	duck "github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// connector makes connections whose answers are read while they are made. The binding's own hold an answer whole, outside
// of the memory limit: ten million rows of ids are gigabytes.
type connector struct{ *duck.Connector }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &connection{conn.(*duck.Conn)}, nil
}

// connection is the binding's but for QueryContext.
type connection struct{ *duck.Conn }

// QueryContext runs a query up to its first rows. The next statement on the connection ends the rows.
func (c *connection) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	conn, err := native(c)
	if err != nil {
		return nil, err
	}
	prepared, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	a := &answer{ctx: ctx, conn: conn, statement: prepared.(*duck.Stmt)}
	a.tell, _ = ctx.Value(tellKey{}).(func(done float64))
	if err := a.begin(args); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// The binding keeps to itself how it reads a chunk of DuckDB's and names its types; its version is pinned, and another
// one that lacks these does not link.
//
//go:linkname readChunk github.com/duckdb/duckdb-go/v2.(*DataChunk).initFromDuckDataChunk
func readChunk(into *duck.DataChunk, chunk mapping.DataChunk, writable bool) error

//go:linkname typeName github.com/duckdb/duckdb-go/v2.logicalTypeString
func typeName(mapping.LogicalType) string

const jsonType = "JSON"

// answer is a query's rows, of which one chunk of DuckDB's, 2048 rows, is held at a time, and about a megabyte in DuckDB.
type answer struct {
	ctx       context.Context //nolint:containedctx // it bounds the whole answer, and Next is given none
	conn      mapping.Connection
	statement *duck.Stmt
	tell      func(done float64) // hears how far the query is; nil: nobody does
	told      float64            // the percentage that it heard last
	result    mapping.Result
	names     []string
	types     []string

	native   mapping.DataChunk
	chunk    duck.DataChunk
	at, size int
}

func (a *answer) begin(args []driver.NamedValue) error {
	if err := a.statement.BindWithCtx(a.ctx, args); err != nil {
		return err
	}
	field := reflect.ValueOf(a.statement).Elem().FieldByName("preparedStmt")
	if !field.IsValid() || field.Kind() != reflect.Pointer || field.Elem().Kind() != reflect.Struct || !field.Elem().FieldByName("Ptr").IsValid() {
		return errors.New("this version of the DuckDB binding keeps its statement elsewhere")
	}
	statement := mapping.PreparedStatement{Ptr: field.Elem().FieldByName("Ptr").UnsafePointer()}
	var pending mapping.PendingResult
	state := bindings.PendingPreparedStreaming(statement, &pending)
	defer mapping.DestroyPending(&pending)
	if state == mapping.StateError {
		return errors.New(mapping.PendingError(pending))
	}
	if err := a.call(func() { state = mapping.ExecutePending(pending, &a.result) }); err != nil {
		return err
	}
	if state == mapping.StateError {
		return a.failure()
	}
	for i := range mapping.ColumnCount(&a.result) {
		typ := mapping.ColumnLogicalType(&a.result, i)
		a.names, a.types = append(a.names, mapping.ColumnName(&a.result, i)), append(a.types, typeName(typ))
		mapping.DestroyLogicalType(&typ)
	}
	return nil
}

// failure tells why the query failed, or why it was ended.
func (a *answer) failure() error {
	return reason(a.ctx.Err(), mapping.ResultError(&a.result))
}

// reason is what DuckDB said, where it does not mislead: a fault that one of its threads comes upon interrupts the others,
// and when it is busy that is now and then all that it tells.
func reason(over error, said string) error {
	if over == nil && strings.HasPrefix(said, "INTERRUPT Error") {
		return errors.New("the statement has failed at one of its rows, and DuckDB does not say why; ask again for fewer of them")
	}
	return errors.Join(over, errors.New(said))
}

// call does some of the query's work, and has DuckDB end it when ctx ends.
func (a *answer) call(work func()) error {
	if err := a.ctx.Err(); err != nil {
		return err
	}
	if a.tell != nil {
		defer a.follow()()
	}
	done, ended := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(a.ctx, func() {
		defer close(ended)
		for { // DuckDB may miss one
			mapping.Interrupt(a.conn)
			select {
			case <-done:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	work()
	close(done)
	if !stop() {
		<-ended
	}
	return nil
}

func (a *answer) Columns() []string { return a.names }

// ColumnTypeDatabaseTypeName implements driver.RowsColumnTypeDatabaseTypeName.
func (a *answer) ColumnTypeDatabaseTypeName(index int) string { return a.types[index] }

// Next reads a row. A JSON value is its text: to unmarshal it would change its numbers.
func (a *answer) Next(dest []driver.Value) error {
	for a.at == a.size {
		if err := a.fetch(); err != nil {
			return err
		}
	}
	for i := range dest {
		if a.types[i] == jsonType {
			dest[i] = a.text(i)
			continue
		}
		value, err := a.chunk.GetValue(i, a.at)
		if err != nil {
			return fmt.Errorf("column %s: %w", a.names[i], err)
		}
		if bit, ok := value.(duck.Bit); ok {
			value = bit.String()
		}
		dest[i] = value
	}
	a.at++
	return nil
}

// fetch reads the next chunk; io.EOF: there is none.
func (a *answer) fetch() error {
	mapping.DestroyDataChunk(&a.native)
	a.at, a.size = 0, 0
	if err := a.call(func() { a.native = mapping.FetchChunk(a.result) }); err != nil {
		return err
	}
	if a.native.Ptr == nil {
		if mapping.ResultError(&a.result) != "" {
			return a.failure()
		}
		return io.EOF
	}
	if err := readChunk(&a.chunk, a.native, false); err != nil {
		return err
	}
	a.size = a.chunk.GetSize()
	return nil
}

// text gives a column's value as it is stored; nil: NULL.
func (a *answer) text(column int) driver.Value {
	vector := mapping.DataChunkGetVector(a.native, mapping.IdxT(column))
	if valid := mapping.VectorGetValidity(vector); valid != nil && !mapping.ValidityRowIsValid(valid, mapping.IdxT(a.at)) {
		return nil
	}
	data := mapping.VectorGetData(vector)
	return mapping.StringTData((*mapping.StringT)(unsafe.Add(data, uintptr(a.at)*unsafe.Sizeof(mapping.StringT{}))))
}

func (a *answer) Close() error {
	mapping.DestroyDataChunk(&a.native)
	mapping.DestroyResult(&a.result)
	if a.statement == nil {
		return nil
	}
	statement := a.statement
	a.statement = nil
	return statement.Close()
}
