// Package query asks the warehouse the questions that people have. Each question is parameters in and a typed answer
// out, written once for all warehouses.
package query

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spoorhq/spoor/warehouse"
)

// Asker is the part of a warehouse that answers.
type Asker interface {
	Query(ctx context.Context, query string, args ...any) (warehouse.Rows, error)
}

// Result is an SQL statement's answer, read row by row. Close it.
type Result struct {
	Columns []ResultColumn
	rows    warehouse.Rows
	values  []any
	dest    []any
	made    map[int]func(any) any // of what a column's values are made, where it is not what the warehouse gives
	left    int
	read    atomic.Int64
	cut     bool
}

// ResultColumn is one column; Type is the warehouse's own name of its type. Columns of one name are told apart: a, a_2.
type ResultColumn struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// SQL runs one read-only statement; ? stands for an argument. limit is the most rows it gives; 0: all.
func SQL(ctx context.Context, w Asker, text string, limit int, args ...any) (*Result, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("sql cannot be empty")
	}
	rows, err := w.Query(ctx, bounded(text, limit), args...)
	if err != nil {
		return nil, err
	}
	r := &Result{rows: rows, left: limit}
	if limit == 0 {
		r.left = math.MaxInt
	}
	types, err := rows.ColumnTypes()
	if err != nil {
		rows.Close()
		return nil, fmt.Errorf("reading the answer's columns: %w", err)
	}
	taken := map[string]bool{}
	for _, t := range types {
		name := t.Name()
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s_%d", t.Name(), n)
		}
		taken[name] = true
		r.Columns = append(r.Columns, ResultColumn{name, t.DatabaseTypeName()})
	}
	r.values, r.dest = make([]any, len(types)), make([]any, len(types))
	for i := range r.values {
		r.dest[i] = &r.values[i]
	}
	return r, nil
}

// bounded has the warehouse stop behind the row that tells that there are more, so that it need not sort or gather what nobody reads.
func bounded(text string, limit int) string {
	trimmed := strings.TrimRight(strings.TrimSpace(text), "; \t\r\n")
	verb, _, _ := strings.Cut(trimmed, " ")
	if limit == 0 || !slices.Contains([]string{"select", "with", "from"}, strings.ToLower(strings.TrimSpace(verb))) {
		return text
	}
	return fmt.Sprintf("select * from (%s\n) as answer limit %d", trimmed, limit+1)
}

// Next gives the next row's values, valid until the next call; nil: there are no more, or Err tells why.
func (r *Result) Next() ([]any, error) {
	if !r.rows.Next() {
		return nil, r.rows.Err()
	}
	if r.left == 0 {
		r.cut = true
		return nil, nil
	}
	r.left--
	r.read.Add(1)
	if err := r.rows.Scan(r.dest...); err != nil {
		return nil, fmt.Errorf("reading a row: %w", err)
	}
	for i, c := range r.Columns {
		r.values[i] = plain(c.Type, r.values[i])
		if to := r.made[i]; to != nil {
			r.values[i] = to(r.values[i])
		}
	}
	return r.values, nil
}

// Day is a date without a time.
type Day time.Time

func (d Day) String() string { return time.Time(d).Format(time.DateOnly) }

// plain gives a value whose type a driver cannot say in Go in its usual form: a day, a time of day, a UUID.
func plain(typ string, v any) any {
	switch v := v.(type) {
	case time.Time:
		switch typ {
		case "DATE":
			return Day(v)
		case "TIME", "TIMETZ":
			return v.Format("15:04:05.999999")
		}
	case []byte:
		if typ == "UUID" && len(v) == 16 {
			return fmt.Sprintf("%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:])
		}
	}
	return v
}

// convert has a column's values be others, of another type.
func (r *Result) convert(column int, typ string, to func(any) any) {
	if r.made == nil {
		r.made = map[int]func(any) any{}
	}
	r.Columns[column].Type, r.made[column] = typ, to
}

// Read tells how many rows have been given; it may be asked at any time.
func (r *Result) Read() int64 { return r.read.Load() }

// Cut tells, at the end, whether there were more rows than the limit.
func (r *Result) Cut() bool { return r.cut }

// Close ends the query.
func (r *Result) Close() error { return r.rows.Close() }

// each runs do for every row.
func (r *Result) each(do func([]any) error) error {
	for {
		row, err := r.Next()
		if row == nil || err != nil {
			return err
		}
		if err := do(row); err != nil {
			return err
		}
	}
}

// WriteJSON writes the rows as an array of objects, one a line, with the columns in their order.
func (r *Result) WriteJSON(w io.Writer) error { return r.writeObjects(w, "[", ",", "]") }

// WriteNDJSON writes the rows as objects, one a line.
func (r *Result) WriteNDJSON(w io.Writer) error { return r.writeObjects(w, "", "", "") }

// writeObjects writes an object a line, with something before the first, between them, and behind the last.
func (r *Result) writeObjects(w io.Writer, before, between, behind string) error {
	names := make([][]byte, len(r.Columns))
	for i, c := range r.Columns {
		name, err := json.Marshal(c.Name)
		if err != nil {
			return err
		}
		names[i] = append(name, ':')
	}
	line, first := []byte(before), true
	err := r.each(func(row []any) error {
		if !first {
			line = append(line, between...)
		}
		if !first || before != "" {
			line = append(line, '\n')
		}
		first = false
		line = append(line, '{')
		for i, v := range row {
			if i > 0 {
				line = append(line, ',')
			}
			line = append(line, names[i]...)
			text, err := json.Marshal(portable(v))
			if err != nil {
				return fmt.Errorf("column %s: %w", r.Columns[i].Name, err)
			}
			line = append(line, text...)
		}
		line = append(line, '}')
		_, err := w.Write(line)
		line = line[:0]
		return err
	})
	if err != nil {
		return err
	}
	switch {
	case first && before != "":
		_, err = io.WriteString(w, before+behind+"\n")
	case !first && behind != "":
		_, err = io.WriteString(w, "\n"+behind+"\n")
	case !first:
		_, err = io.WriteString(w, "\n")
	}
	return err
}

// WriteCSV writes the rows with a header line, as RFC 4180 has it; a null is an empty field.
func (r *Result) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	fields := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		fields[i] = c.Name
	}
	if err := out.Write(fields); err != nil {
		return err
	}
	err := r.each(func(row []any) error {
		for i, v := range row {
			fields[i] = Text(v)
		}
		return out.Write(fields)
	})
	out.Flush()
	return errors.Join(err, out.Error())
}

// Text writes a value for a person or a CSV field; a null is empty.
func Text(v any) string {
	switch v := portable(v).(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		return strings.Trim(string(text), `"`)
	}
}

// portable turns a driver's value into one that JSON can hold.
func portable(v any) any {
	switch v := v.(type) {
	case nil, bool, string, int64, int32:
		return v
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.999999Z07:00")
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return v
	case float32:
		return portable(float64(v))
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case sql.NullString:
		if v.Valid {
			return v.String
		}
		return nil
	case json.Marshaler:
		return v
	case interface {
		fmt.Stringer
		Float64() float64
	}:
		return json.Number(v.String()) // a decimal, to the digit
	case fmt.Stringer:
		return v.String()
	}
	switch in := reflect.ValueOf(v); in.Kind() {
	case reflect.Map:
		out := make(map[string]any, in.Len())
		for m := in.MapRange(); m.Next(); {
			out[Text(m.Key().Interface())] = portable(m.Value().Interface())
		}
		return out
	case reflect.Slice:
		out := make([]any, in.Len())
		for i := range out {
			out[i] = portable(in.Index(i).Interface())
		}
		return out
	}
	return v
}
