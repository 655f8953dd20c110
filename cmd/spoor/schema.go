package main

import (
	"io"
	"strings"
)

type schemaCommand struct {
	Kind string `arg:"" optional:"" help:"Which warehouse: duckdb or postgres." default:"duckdb"`
}

func (schemaCommand) Help() string {
	return `Prints SQL and asks nothing of a warehouse. Spoor makes its tables by itself: this is for those who want to see them
before.

Examples:
  spoor schema postgres`
}

// Run prints the statements.
func (c *schemaCommand) Run(p *process) error {
	statements, err := schemaOf(c.Kind)
	if err != nil {
		return err
	}
	return printStatements(p.stdout, statements)
}

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
