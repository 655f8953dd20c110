package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

type sqlCommand struct {
	clientFlags
	SQL    string `arg:"" optional:"" help:"The statement; - or nothing reads it from standard input."`
	JSON   bool   `help:"Print an array of objects." xor:"format"`
	CSV    bool   `help:"Print CSV with a header line." xor:"format"`
	Output string `help:"Write to a file; its ending says how: .json, .csv or .parquet." short:"o" placeholder:"FILE" type:"path"`
	Limit  int    `help:"The most rows; 0: all. A table on the terminal shows 1000 unless told." default:"-1"`
}

func (sqlCommand) Help() string {
	return `Examples:
  spoor sql "select event, count(*) from events group by 1 order by 2 desc"
  spoor sql --json "select * from event_search_used limit 3"
  spoor sql -o events.parquet "select * from events"
  echo "select count(*) from users" | spoor sql --csv`
}

// tableRows is how many rows a table shows unless told.
const tableRows = 1000

func (c *sqlCommand) Run(ctx context.Context, p *process) error {
	text := c.SQL
	if text == "" || text == "-" {
		in, err := io.ReadAll(p.stdin)
		if err != nil {
			return fmt.Errorf("reading the statement: %w", err)
		}
		text = string(in)
	}
	format := "json"
	switch {
	case strings.HasSuffix(c.Output, ".parquet"):
		format = "parquet"
	case c.CSV, strings.HasSuffix(c.Output, ".csv"):
		format = "csv"
	case c.Output != "" && !strings.HasSuffix(c.Output, ".json"):
		return usagef("--output must end in .json, .csv or .parquet; got %q", c.Output)
	}
	table := c.Output == "" && !c.JSON && !c.CSV
	limit := c.Limit
	switch {
	case limit < -1:
		return usagef("--limit cannot be below 0; got %d", limit)
	case limit == -1 && table:
		limit = tableRows + 1
	case limit == -1:
		limit = 0
	}
	return c.file(ctx, p, map[string]any{"sql": text, "limit": limit, "format": format}, c.Output == "", func(content io.Reader) error {
		switch {
		case table:
			return printTable(p.stdout, content, c.Limit)
		case c.Output != "":
			return replaceFile(c.Output, func(w io.Writer) error {
				_, err := io.Copy(w, content)
				return err
			})
		}
		_, err := io.Copy(p.stdout, content)
		return err
	})
}

// printTable lays out an array of objects, whose members come in the columns' order.
func printTable(w io.Writer, from io.Reader, limit int) error {
	in := json.NewDecoder(bufio.NewReader(from))
	in.UseNumber()
	if _, err := in.Token(); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	rows, more := 0, false
	for in.More() {
		if limit == -1 && rows == tableRows {
			more = true
			break
		}
		names, values, err := decodeRow(in)
		if err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		if rows == 0 {
			fmt.Fprintln(out, strings.Join(names, "\t"))
		}
		rows++
		fmt.Fprintln(out, strings.Join(values, "\t"))
	}
	if rows == 0 {
		fmt.Fprintln(w, "no rows")
		return nil
	}
	err := out.Flush()
	if more {
		fmt.Fprintf(w, "… and more: the first %d rows are shown; --limit 0 shows all\n", tableRows)
	}
	return err
}

func decodeRow(in *json.Decoder) (names, values []string, err error) {
	if _, err := in.Token(); err != nil {
		return nil, nil, err
	}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return nil, nil, err
		}
		var value json.RawMessage
		if err := in.Decode(&value); err != nil {
			return nil, nil, err
		}
		names, values = append(names, fmt.Sprint(name)), append(values, cell(value))
	}
	_, err = in.Token()
	return names, values, err
}

// cell is a value as a table shows it: one line, not too wide.
func cell(value json.RawMessage) string {
	text := string(value)
	if text == "null" {
		return ""
	}
	var s string
	if json.Unmarshal(value, &s) == nil {
		text = s
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, text)
	const widest = 80
	if utf8.RuneCountInString(text) > widest {
		return string([]rune(text)[:widest-1]) + "…"
	}
	return text
}
