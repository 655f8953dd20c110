package pgsql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Reader answers questions, each in a read-only transaction of its own.
type Reader struct {
	DB     *sql.DB
	Syntax Syntax
	// NotReadOnly is the error for what would do more than read.
	NotReadOnly error
}

// Rows are an answer, which comes as it is read. JSON scanned into an any is a json.RawMessage and a decimal a
// json.Number, both to the digit.
type Rows struct {
	*sql.Rows
	reader Reader
	conn   *sql.Conn
	types  []string
}

// Query asks. ? stands for an argument. The question ends when ctx does.
func (r Reader) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	if !r.Syntax.Read(query) {
		return nil, r.NotReadOnly
	}
	query, args, err := r.Syntax.Bind(query, args)
	if err != nil {
		return nil, err
	}
	conn, err := r.DB.Conn(ctx)
	if err != nil {
		return nil, err
	}
	rows := &Rows{reader: r, conn: conn}
	if err := rows.run(ctx, query, args); err != nil {
		return nil, errors.Join(r.explain(err), rows.Close())
	}
	return rows, nil
}

// Pairs asks for rows of two texts each, and gives the second of each by the first.
func (r Reader) Pairs(ctx context.Context, query string, args ...any) (map[string]string, error) {
	rows, err := r.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	pairs := map[string]string{}
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return nil, err
		}
		pairs[key] = value
	}
	return pairs, rows.Err()
}

// afterDeadline is how much longer the server may take than who asks: the server is told of the deadline so that it ends the
// question of somebody who was cut off; who is still there ends it himself, and is told of his deadline.
const afterDeadline = time.Second

func (r *Rows) run(ctx context.Context, query string, args []any) error {
	begin := "begin read only"
	if deadline, ok := ctx.Deadline(); ok {
		limit := max(time.Until(deadline), 0) + afterDeadline
		begin += "; set local statement_timeout = " + strconv.FormatInt(limit.Milliseconds(), 10)
	}
	if _, err := r.conn.ExecContext(ctx, begin); err != nil {
		return err
	}
	rows, err := r.conn.QueryContext(ctx, query, args...) //nolint:rowserrcheck // the caller reads them, and asks for Err //nolint:gocritic // whoever asked closes them
	if err != nil {
		return err
	}
	r.Rows = rows
	types, err := r.ColumnTypes()
	for _, t := range types {
		r.types = append(r.types, t.DatabaseTypeName())
	}
	return err
}

// readOnlyCode is SQLSTATE read_only_sql_transaction.
const readOnlyCode = "25006"

func (r Reader) explain(err error) error {
	if Code(err) == readOnlyCode {
		return fmt.Errorf("%w: %w", r.NotReadOnly, err)
	}
	return err
}

// Err is that of sql.Rows.
func (r *Rows) Err() error { return r.reader.explain(r.Rows.Err()) }

// Scan is that of sql.Rows; see Rows for what an any gets.
func (r *Rows) Scan(dest ...any) error {
	if err := r.Rows.Scan(dest...); err != nil {
		return err
	}
	for i, d := range dest {
		if value, ok := d.(*any); ok && i < len(r.types) {
			*value = typed(r.types[i], *value)
			continue
		}
		if bytes, ok := d.(*[]byte); ok && i < len(r.types) && r.types[i] == "VARBYTE" {
			*bytes = fromHex(*bytes)
		}
		decode(d)
	}
	return nil
}

// typed gives a value that the driver has as text, or as bytes of text, as what it is.
func typed(typ string, value any) any {
	text, ok := value.(string)
	if bytes, is := value.([]byte); is && (typ == "JSON" || typ == "JSONB") {
		text, ok = string(bytes), true
	}
	if !ok {
		return value
	}
	switch typ {
	case "JSON", "JSONB", "SUPER":
		return json.RawMessage(Decode(text))
	case "NUMERIC":
		if json.Valid([]byte(text)) { // not NaN
			return json.Number(text)
		}
	case "VARBYTE":
		return fromHex([]byte(text))
	}
	return Decode(text)
}

// fromHex gives the bytes of a VARBYTE, which comes as hexadecimal digits.
func fromHex(digits []byte) []byte {
	bytes := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(bytes, digits); err != nil {
		return digits
	}
	return bytes
}

// decode puts what was stored as text into what was scanned.
func decode(dest any) {
	switch d := dest.(type) {
	case *string:
		*d = Decode(*d)
	case **string:
		if *d != nil {
			**d = Decode(**d)
		}
	case *sql.NullString:
		d.String = Decode(d.String)
	case *any:
		if text, ok := (*d).(string); ok {
			*d = Decode(text)
		}
	}
}

// Close ends the transaction and gives the connection back.
func (r *Rows) Close() error {
	var errs []error
	if r.Rows != nil {
		errs = append(errs, r.Rows.Close())
	}
	// The question's ctx may be over; the transaction must end all the same, or its connection with it.
	if _, err := r.conn.ExecContext(context.Background(), "rollback"); err != nil {
		_ = r.conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	if err := r.conn.Close(); err != nil && !errors.Is(err, sql.ErrConnDone) && !strings.Contains(err.Error(), "closed") {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
