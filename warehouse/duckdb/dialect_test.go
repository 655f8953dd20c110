package duckdb

import (
	"fmt"
	"strings"
	"testing"
)

// Keys stand for texts: ids that differ little have different ones, and NULL has one of its own.
func TestKeys(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w, err := Open(ctx, Options{Path: t.TempDir() + "/keys.duckdb"})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	d := w.Dialect()
	for _, id := range []string{"cast(i as varchar)", "'u-' || i", "printf('%012x-%04x', i, i % 7)", "repeat('a', i % 300) || i", "cast(uuid() as varchar)"} {
		var texts, keys int64
		query := fmt.Sprintf("select count(distinct id), count(distinct %s) from (select %s as id from range(200000) r(i))", d.Key("id"), id)
		if err := w.db.QueryRowContext(ctx, query).Scan(&texts, &keys); err != nil {
			t.Fatal(err)
		}
		if texts != 200_000 || keys != texts {
			t.Errorf("%s: %d texts have %d keys", id, texts, keys)
		}
	}
	var of, same, other bool
	values := strings.Split("'a','b''c','ä'", ",")
	query := fmt.Sprintf("select %s <> %s, %s and not coalesce(%s, false), %s = 3 and coalesce(%s, 0) = 0", d.Key("cast(null as varchar)"), d.Key("''"),
		d.OneOf("'b''c'", values), d.OneOf("cast(null as varchar)", values), d.Place("'ä'", values), d.Place("'z'", values))
	if err := w.db.QueryRowContext(ctx, query).Scan(&of, &same, &other); err != nil {
		t.Fatal(err)
	}
	if !of || !same || !other {
		t.Errorf("NULL has a key of its own: %t; one of: %t; place: %t", !of, same, other)
	}
}
