package main

import (
	"strings"
	"testing"

	"github.com/spoorhq/spoor/event"
)

func TestSchema(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"duckdb", "postgres"} {
		out, stderr, code := runIn(t, "", "schema", kind)
		if code != exitOK {
			t.Fatalf("%s: %d: %s", kind, code, stderr)
		}
		for _, c := range event.Columns() {
			if !strings.Contains(out, "\n  \""+c.Name+`" `) {
				t.Errorf("%s: want the column %s on a line of its own", kind, c.Name)
			}
		}
		for _, table := range []string{"create table events (\n", "create table ledger (\n"} {
			if !strings.Contains(out, table) {
				t.Errorf("%s: want %q", kind, table)
			}
		}
	}
	if _, stderr, code := runIn(t, "", "schema", "shed"); code != exitUsage || !strings.Contains(stderr, `"shed"`) {
		t.Errorf("want the kind refused; have %d: %s", code, stderr)
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	have := spread("create table t (a varchar(3), b decimal(3, 1), primary key (a, b)) sortkey (a, b)")
	want := "create table t (\n  a varchar(3),\n  b decimal(3, 1),\n  primary key (a, b)\n) sortkey (a, b)"
	if have != want {
		t.Errorf("want %q; have %q", want, have)
	}
}
