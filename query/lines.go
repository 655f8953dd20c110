package query

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"time"
)

// linesEnd is the last line that WriteLines writes.
type linesEnd struct {
	Rows  int   `json:"rows"`
	Cut   bool  `json:"cut"` // there were more rows than the limit
	Milli int64 `json:"ms"`  // since the question was asked
}

// WriteLines writes the rows for a page, which shows them while they come: a line {"columns": […]}, a line for each row,
// an array of its values in the columns' order, and last {"rows": n, "cut": …, "ms": …}. Whole numbers that a browser
// would round are text. flush, if given, is called now and then.
func (r *Result) WriteLines(w io.Writer, asked time.Time, flush func() error) error {
	line := func(v any) error {
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		_, err = w.Write(append(text, '\n'))
		return err
	}
	if err := line(map[string]any{"columns": r.Columns}); err != nil {
		return err
	}
	rows, flushed := 0, time.Now()
	err := r.each(func(row []any) error {
		values := make([]any, len(row))
		for i, v := range row {
			values[i] = exact(portable(v))
		}
		if err := line(values); err != nil {
			return fmt.Errorf("row %d: %w", rows+1, err)
		}
		rows++
		if flush == nil || time.Since(flushed) < 100*time.Millisecond {
			return nil
		}
		flushed = time.Now()
		return flush()
	})
	if err != nil {
		return err
	}
	return line(linesEnd{Rows: rows, Cut: r.cut, Milli: time.Since(asked).Milliseconds()})
}

// exact turns a whole number that a float64 cannot hold into text.
func exact(v any) any {
	const most = 1<<53 - 1
	switch v := v.(type) {
	case int64:
		if v > most || v < -most {
			return fmt.Sprint(v)
		}
	case uint64:
		if v > most {
			return fmt.Sprint(v)
		}
	case *big.Int:
		if !v.IsInt64() || math.Abs(float64(v.Int64())) > most {
			return v.String()
		}
	}
	return v
}
