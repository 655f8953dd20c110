package pgsql

import (
	"testing"
	"time"
)

func TestRead(t *testing.T) {
	t.Parallel()
	plain, slashed := Syntax{Text: "text"}, Syntax{Backslash: true, Text: "varchar"}
	for _, c := range []struct {
		text           string
		plain, slashed bool
	}{
		{"select 1", true, true}, {" -- c\n/* a /* b */ ; */ Select 1 ; -- x", true, true}, {"(select 1) union (select 2)", true, true}, {"with x as (select 1) table x", true, true},
		{"explain select 1", true, true}, {"show all", true, true}, {"values (1)", true, true},
		{"", false, false}, {";", false, false}, {"; select 1", false, false}, {"select 1; select 2", false, false}, {"delete from t", false, false}, {"selects", false, false},
		{"select ';'; drop", false, false}, {`select ";;"`, true, true}, {"select 'it''s;'", true, true}, {`select '\'; drop table t; --'`, false, true},
		{`select E'\'; drop table t; --'`, true, true}, {`select 'a\'; drop table t; --`, false, true}, {"select $$;$$", true, false}, {"select $x$ ; $$ $x$", true, false}, {"select $1; x", false, false},
		{"select 'open; x", true, true}, {"select /* open ; x", true, true},
	} {
		if have := plain.Read(c.text); have != c.plain {
			t.Errorf("%q: want %v; have %v", c.text, c.plain, have)
		}
		if have := slashed.Read(c.text); have != c.slashed {
			t.Errorf("%q with backslashes: want %v; have %v", c.text, c.slashed, have)
		}
	}
}

func TestBind(t *testing.T) {
	t.Parallel()
	s := Syntax{Text: "text"}
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.FixedZone("x", 3600))
	have, args, err := s.Bind(`select '?', "?", ? -- ?
		/* ? */ from t where a = ? and b=? and c > ?`, []any{"a\x00", 7, at, 1.5})
	want := `select '?', "?", cast($1 as text) -- ?
		/* ? */ from t where a = cast($2 as bigint) and b=cast($3 as timestamp with time zone) and c > cast($4 as double precision)`
	if err != nil || have != want {
		t.Errorf("want %s; have %s (%v)", want, have, err)
	}
	if args[0] != "a"+textNUL || args[1] != 7 || args[2] != "2026-01-02 02:04:05.000006+00" || args[3] != 1.5 {
		t.Errorf("have the arguments %q", args)
	}
	if have, _, err := s.Bind("select data ? 'key'", nil); err != nil || have != "select data ? 'key'" {
		t.Errorf("want ? left alone without arguments; have %s (%v)", have, err)
	}
	for _, wrong := range []struct {
		text string
		args []any
	}{{"select ?", []any{1, 2}}, {"select ?, ?", []any{1}}, {"select \x00", nil}, {"select \xff", nil}} {
		if _, _, err := s.Bind(wrong.text, wrong.args); err == nil {
			t.Errorf("%q with %d arguments: want an error; have none", wrong.text, len(wrong.args))
		}
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	for want, at := range map[string]time.Time{
		"0001-01-01 00:00:00+00 BC":     time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
		"0001-01-01 00:00:00+00":        time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
		"9999-12-31 23:59:59.999999+00": time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		"2026-11-23 12:00:00+00":        time.Date(2026, 11, 23, 13, 0, 0, 0, time.FixedZone("x", 3600)),
	} {
		if have := Time(at); have != want {
			t.Errorf("want %s; have %s", want, have)
		}
	}
}

// TestConfig: off loopback nothing is sent that is not encrypted.
func TestConfig(t *testing.T) {
	t.Parallel()
	for location, ok := range map[string]bool{
		"postgres://u:p@127.0.0.1:5432/db": true, "postgres://u:p@[::1]/db?sslmode=disable": true, "postgres://u@localhost/db": true, "postgres:///db?host=/var/run/postgresql": true,
		"postgres://u:p@db.example.com/db": true, "postgres://u:p@db.example.com/db?sslmode=require": true, "postgres://u:p@db.example.com/db?sslmode=verify-ca": true,
		"postgres://u:p@db.example.com/db?sslmode=disable": false, "postgres://u:p@db.example.com/db?sslmode=prefer": false, "postgres://u:p@db.example.com/db?sslmode=allow": false,
		"postgres://u:p@127.0.0.1,db.example.com/db?sslmode=disable": false, "postgres:///db?host=db.example.com&sslmode=disable": false, "postgres://%zz": false,
		"postgres://u:p@127.0.0.1/db?host=10.0.0.1": true, "postgres://u:p@127.0.0.1/db?hostaddr=10.0.0.1&host=10.0.0.1&sslmode=disable": false,
	} {
		config, err := Config(location)
		if (err == nil) != ok {
			t.Errorf("%s: want taken %v; have %v", location, ok, err)
		}
		if err != nil || isLoopback(config.Host) {
			continue
		}
		if config.TLSConfig == nil {
			t.Errorf("%s: want it encrypted", location)
		}
		for _, f := range config.Fallbacks {
			if f.TLSConfig == nil {
				t.Errorf("%s: want no way out of encryption", location)
			}
		}
	}
}
