package main

import (
	"strings"
	"testing"

	"github.com/spoorhq/spoor/event"
)

func TestSchema(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"duckdb", "postgres", "redshift"} {
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

func TestSchemaForFirehose(t *testing.T) {
	t.Parallel()
	out, stderr, code := runIn(t, "", "schema", "redshift", "--firehose")
	if code != exitOK {
		t.Fatalf("%d: %s", code, stderr)
	}
	for _, want := range []string{"create table events (\n", "create table dead_letters (\n", "create view events_once as", "FORMAT AS JSON 'auto' GZIP"} {
		if !strings.Contains(out, want) {
			t.Errorf("want %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "varbyte") || strings.Contains(out, "create table ledger") {
		t.Errorf("want no bytes, which COPY reads from no JSON, and no table that Firehose does not load; have\n%s", out)
	}
	if _, stderr, code := runIn(t, "", "schema", "postgres", "--firehose"); code != exitUsage || !strings.Contains(stderr, `"postgres"`) {
		t.Errorf("want it refused for another warehouse; have %d: %s", code, stderr)
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
