package duckdb_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

// missing counts the days of ids, as the events have them, that id_days has not, and its lines that no event tells of.
const missing = `with had as (select distinct cast(timezone('UTC', "timestamp") as date) as day, md5_number_lower(id) as id
		from (select "timestamp", unnest(['user_id' || user_id, 'anonymous_id' || anonymous_id]) as id from events) where id is not null)
	select (select count(*) from had anti join id_days using (day, id)), (select count(*) from id_days anti join had using (day, id)),
		(select count(*) - count(distinct (day, id)) from id_days), (select count(*) > 100 from had)`

// TestDays: after each load, after an erasure, and in a file that had no such table, each event is found by its day.
func TestDays(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spoor.duckdb")
	w := open(t, duckdb.Options{Path: path})
	for n := 1; n <= 3; n++ {
		b := warehousetest.Realistic(n, 2000)
		if _, err := w.Load(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		b.Events.Release()
		if have := one(t, w, missing); have != "[0 0 0 true]" {
			t.Fatalf("after load %d: missing, too many, twice: %s", n, have)
		}
	}
	var who string
	if who = one(t, w, "select min(user_id) from events"); len(who) < 3 {
		t.Fatal("nobody is named")
	}
	who = who[1 : len(who)-1]
	if _, err := w.Erase(t.Context(), warehouse.Subject{UserIDs: []string{who}}); err != nil {
		t.Fatal(err)
	}
	if have := one(t, w, "select count(*) from id_days where id = md5_number_lower('user_id' || ?)", who); have != "[0]" {
		t.Errorf("%s is erased, and has %s days", who, have)
	}
	copied := crashed(t, path)
	db, err := sql.Open("duckdb", copied)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(context.Background(), "drop table id_days"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if have := one(t, open(t, duckdb.Options{Path: copied}), missing); have != "[0 0 0 true]" {
		t.Errorf("made anew: missing, too many, twice: %s", have)
	}
}
