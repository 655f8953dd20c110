package duckdb_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
)

// missing counts the lines that id_days should have, as the events are, and has not, those that no event tells of, and those that are there twice.
const missing = `with had as (select distinct cast(timezone('UTC', "timestamp") as date) as day, case when user_id is null then 0 else md5_number_lower(user_id) end as user_id,
		case when anonymous_id is null then 0 else md5_number_lower(anonymous_id) end as anonymous_id, is_bot from events)
	select (select count(*) from had anti join id_days using (day, user_id, anonymous_id, is_bot)), (select count(*) from id_days anti join had using (day, user_id, anonymous_id, is_bot)),
		(select count(*) - count(distinct (day, user_id, anonymous_id, is_bot)) from id_days), (select count(*) > 100 and count(distinct is_bot) = 2 from had)`

// TestDays: after each load, after an erasure, and in a file that had no such table, each event is found by its day.
func TestDays(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spoor.duckdb")
	w := open(t, duckdb.Options{Path: path})
	for n := 1; n <= 3; n++ {
		if err := loadMixed(t.Context(), w, n, 2000); err != nil {
			t.Fatal(err)
		}
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
	if have := one(t, w, "select count(*) from id_days where user_id = md5_number_lower(?)", who); have != "[0]" {
		t.Errorf("%s is erased, and has %s days", who, have)
	}
	if have := one(t, w, missing); have != "[0 0 0 true]" {
		t.Errorf("after %s was erased: missing, too many, twice: %s", who, have)
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
