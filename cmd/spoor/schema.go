package main

import (
	"fmt"
	"io"
	"strings"
)

type schemaCommand struct {
	Kind     string `arg:"" optional:"" help:"Which warehouse: duckdb, postgres or redshift." default:"duckdb"`
	Firehose bool   `help:"Of redshift: only what Firehose delivery streams load, the view that has each event once, and the COPY options."`
}

func (schemaCommand) Help() string {
	return `Prints SQL and asks nothing of a warehouse. Spoor makes its tables by itself: this is for those who want to see them
before, and for a Redshift that Firehose loads.

Examples:
  spoor schema postgres
  spoor schema redshift --firehose`
}

// Run prints the statements.
func (c *schemaCommand) Run(p *process) error {
	if c.Firehose {
		if c.Kind != "redshift" {
			return usagef("--firehose is for redshift; got %q", c.Kind)
		}
		if err := printStatements(p.stdout, firehoseSchema()); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.stdout, firehoseSettings, copyOptions)
		return err
	}
	statements, err := schemaOf(c.Kind)
	if err != nil {
		return err
	}
	return printStatements(p.stdout, statements)
}

// firehoseSettings is what a delivery stream must be told.
const firehoseSettings = `-- A delivery stream for each table, with these settings:
--   source           Direct PUT
--   table            events, of the stream that --stream names; dead_letters, of the one in its dead_letters=
--   columns          none: the rows name them
--   S3 compression   GZIP
--   COPY options     %s
--   retry duration   7200
-- Firehose delivers at least once: ask events_once, which has the first copy of each event.
`

func printStatements(w io.Writer, statements []string) error {
	var b strings.Builder
	for _, statement := range statements {
		b.WriteString(spread(statement) + ";\n\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// spread puts each column of a create table on a line of its own.
func spread(statement string) string {
	begin := strings.IndexByte(statement, '(')
	if begin < 0 || !strings.HasPrefix(statement, "create table") {
		return statement
	}
	var b strings.Builder
	b.WriteString(statement[:begin] + "(\n  ")
	depth := 0
	for i, r := range statement[begin+1:] {
		switch {
		case r == ')' && depth == 0:
			return b.String() + "\n" + statement[begin+1+i:]
		case r == ',' && depth == 0:
			b.WriteString(",\n ")
			continue
		case r == '(':
			depth++
		case r == ')':
			depth--
		}
		b.WriteRune(r)
	}
	return statement
}
