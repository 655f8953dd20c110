package redshiftfake_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/spoorhq/spoor/internal/pgsql"
	"github.com/spoorhq/spoor/internal/pgtest"
	"github.com/spoorhq/spoor/internal/redshiftfake"
)

const bucket = "staging"

// begin starts a stand-in before a database of its own.
func begin(t *testing.T) (*redshiftfake.Server, string) {
	t.Helper()
	database := pgtest.Database(t)
	server, err := redshiftfake.Start(t.Context(), redshiftfake.Options{Postgres: database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := server.MakeBucket(bucket); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = server.Addr()
	u.RawQuery = "sslmode=disable"
	return server, u.String()
}

func connect(t *testing.T, location string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(location)
	if err != nil {
		t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := conn.Exec(t.Context(), s); err != nil {
			said, _ := errors.AsType[*pgconn.PgError](err)
			t.Fatalf("%s: %v %+v", s, err, said)
		}
	}
}

// expect asks for one text.
func expect(t *testing.T, conn *pgx.Conn, want, query string) {
	t.Helper()
	have := ""
	if err := conn.QueryRow(t.Context(), query).Scan(&have); err != nil || have != want {
		t.Errorf("%s: want %q; have %q (%v)", query, want, have, err)
	}
}

// fails runs what must fail, and gives how.
func fails(t *testing.T, conn *pgx.Conn, want, statement string, args ...any) pgconn.PgError {
	t.Helper()
	_, err := conn.Exec(t.Context(), statement, args...)
	said, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || !strings.Contains(said.Message+" "+said.Detail, want) {
		t.Errorf("%s: want the error %q; have %v", statement, want, err)
		return pgconn.PgError{}
	}
	return *said
}

func put(t *testing.T, server *redshiftfake.Server, key string, content string, pack bool) {
	t.Helper()
	text := []byte(content)
	if pack {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		text = b.Bytes()
	}
	if err := server.Put(bucket, key, text); err != nil {
		t.Fatal(err)
	}
}

func copyOf(path, options string) string {
	return fmt.Sprintf("copy t from 's3://%s/%s' iam_role 'arn:aws:iam::1:role/r' %s", bucket, path, options)
}

const table = `create table t (id bigint identity(0, 1), name varchar(8) encode zstd, at timestamptz encode raw, props super, n int,
	primary key (id), unique (name)) diststyle key distkey (name) compound sortkey (at, name)`

func TestCopy(t *testing.T) {
	t.Parallel()
	server, location := begin(t)
	conn := connect(t, location)
	exec(t, conn, table)
	put(t, server, "a/1.gz", `{"name":"x","at":"2026-11-23 12:00:00.000001+00","props":{"A":1,"b":"it's \\ \"q\""},"unknown":1}{"name":"x"}`, true)
	put(t, server, "a/2.gz", `{"name":"","n":7}`+"\n", true)
	manifest := func(mandatory bool, files ...string) string {
		var entries []string
		for _, f := range files {
			entries = append(entries, fmt.Sprintf(`{"url":"s3://%s/%s","mandatory":%v}`, bucket, f, mandatory))
		}
		return `{"entries":[` + strings.Join(entries, ",") + `]}`
	}
	put(t, server, "a/manifest", manifest(true, "a/1.gz", "a/2.gz"), false)
	put(t, server, "a/optional", manifest(false, "a/1.gz", "a/none.gz"), false)
	put(t, server, "a/strict", manifest(true, "a/1.gz", "a/none.gz"), false)

	columns := strings.Replace(copyOf("a/manifest", "manifest gzip format as json 'auto' timeformat 'auto' maxerror 0 compupdate off statupdate off"), "copy t", "copy t (name, at, props, n)", 1)
	tag, err := conn.Exec(t.Context(), columns)
	if err != nil || tag.String() != "COPY" {
		t.Fatalf("want the tag COPY; have %s (%v)", tag, err)
	}
	expect(t, conn, "3", "select pg_last_copy_count()")
	expect(t, conn, "2,1,0", "select count(*) || ',' || count(at) || ',' || sum(case when name is null then 1 else 0 end) from t where name = 'x'")
	expect(t, conn, "7", "select n from t where name = ''")
	expect(t, conn, "it's \\ \"q\"", `select t.props."b"::varchar from t where at is not null`)

	// Without a manifest the path is a prefix.
	put(t, server, "b/x.json", `{"n":1}`, false)
	put(t, server, "b/x.json.bak", `{"n":2}`, false)
	exec(t, conn, strings.Replace(copyOf("b/x.json", "json 'auto'"), "copy t", "copy t (n)", 1))
	expect(t, conn, "2", "select pg_last_copy_count()")

	// By prepared statement and in a transaction, where the table is the transaction's own.
	exec(t, conn, "begin", "create temp table s (name varchar(8), at timestamptz, props super, n int)")
	if _, err := conn.Exec(t.Context(), strings.Replace(columns, "copy t", "copy s", 1), pgx.QueryExecModeDescribeExec); err != nil {
		t.Fatal(err)
	}
	expect(t, conn, "3", "select count(*) from s")
	exec(t, conn, "rollback")

	exec(t, conn, strings.Replace(copyOf("a/optional", "manifest gzip json 'auto' timeformat 'auto'"), "copy t", "copy t (name)", 1))
	expect(t, conn, "2", "select pg_last_copy_count()")
	for path, c := range map[string]struct{ options, content, want string }{
		"a/strict":   {"manifest gzip json 'auto'", "", "NoSuchKey"},
		"none":       {"json 'auto'", "", "does not exist"},
		"c/long":     {"json 'auto'", `{"name":"ééééé"}`, "String length exceeds DDL length"},
		"c/row":      {"json 'auto'", `{"unknown":"` + strings.Repeat("x", 4<<20) + `"}`, "over 4 MB"},
		"c/string":   {"json 'auto'", `{"props":{"x":"` + strings.Repeat("x", 65536) + `"}}`, "in a SUPER is over 65535"},
		"c/utf8":     {"json 'auto'", "{\"name\":\"\\u0000\"}", "null byte"},
		"c/broken":   {"json 'auto'", `{"name":`, "Invalid JSON"},
		"c/int":      {"json 'auto'", `{"n":"x"}`, "invalid input syntax"},
		"c/time":     {"json 'auto'", `{"at":"2026-11-23T12:00:00Z"}`, "Invalid timestamp format"},
		"c/number":   {"json 'auto'", `{"props":{"x":1e400}}`, "number 1e400"},
		"c/maxerror": {"json 'auto' maxerror 1", `{"name":"123456789"}{"name":"123456789"}`, "exceeds DDL"},
		"c/role":     {"", "", "JSON 'auto' or CSV"},
	} {
		if c.content != "" {
			put(t, server, path, c.content, false)
		}
		said := fails(t, conn, c.want, strings.Replace(copyOf(path, c.options), "copy t", "copy t (name, at, props, n)", 1))
		if said.Code != "XX000" && said.Code != "42601" {
			t.Errorf("%s: want XX000; have %s", path, said.Code)
		}
	}
	put(t, server, "c/some", `{"name":"123456789"}{"name":"12345678"}`, false)
	exec(t, conn, strings.Replace(copyOf("c/some", "json 'auto' maxerror 1"), "copy t", "copy t (name)", 1))
	expect(t, conn, "1", "select pg_last_copy_count()")
	fails(t, conn, "IAM_ROLE", "copy t from 's3://staging/c/some' json 'auto'")
}

func TestCSV(t *testing.T) {
	t.Parallel()
	server, location := begin(t)
	conn := connect(t, location)
	exec(t, conn, "create table t (raw varbyte(16777216) not null, name varchar(max), n int)")
	put(t, server, "x", "00ff,\"a\"\"b\nc,\\\",7\n,,\n", false)
	exec(t, conn, copyOf("x", "csv"))
	expect(t, conn, "a\"b\nc,\\", "select name from t where n = 7")
	expect(t, conn, "1", "select count(*) from t where n is null and name = '' and raw = from_hex('')")
	rows, err := conn.Query(t.Context(), "select raw from t where n = 7")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		if have := string(rows.RawValues()[0]); have != "00ff" || rows.FieldDescriptions()[0].DataTypeOID != pgsql.VarbyteOID {
			t.Errorf("want 00ff as a VARBYTE; have %q of type %d", have, rows.FieldDescriptions()[0].DataTypeOID)
		}
	}
	if rows.Err() != nil {
		t.Error(rows.Err())
	}
}

// TestNotEnforced: what is declared a key holds nothing back, as on Redshift.
func TestNotEnforced(t *testing.T) {
	t.Parallel()
	_, location := begin(t)
	conn := connect(t, location)
	exec(t, conn, table, "insert into t (name) values ('a')", "insert into t (name) values ('a')", "create table u (id int primary key, x int unique)", "insert into u values (1, 1)", "insert into u values (1, 1)")
	expect(t, conn, "0,1", "select min(id) || ',' || max(id) from t")
	fails(t, conn, "too long", "create table v (a varchar, b text); insert into v values ('x', repeat('x', 257))")
}

func TestSuper(t *testing.T) {
	t.Parallel()
	_, location := begin(t)
	conn := connect(t, location)
	exec(t, conn, table, `insert into t (name, props) select 'a', json_parse('{"Price": 1.50, "price": {"x": [1]}, "it''s \\"": "v", "s": "q\\"r"}')`)
	expect(t, conn, `{"x": [1]}`, `select json_serialize(props."Price") from t`) // without the setting names are in lower case
	exec(t, conn, "set enable_case_sensitive_identifier to true")
	expect(t, conn, "1.50", `select json_serialize(t.props."Price") from t`)
	expect(t, conn, "[1]", `select json_serialize(props."price"."x") from t`)
	expect(t, conn, "v", `select props."it's """::varchar from t`)
	expect(t, conn, `q"r`, `select cast(props."s" as varchar) from t`)
	expect(t, conn, "number string object", `select json_typeof(props."Price") || ' ' || json_typeof(props."s") || ' ' || json_typeof(props."price") from t`)
	expect(t, conn, "none", `select coalesce(json_typeof(props."nothing"), 'none') from t`)
	exec(t, conn, `create view w as select props."Price" as price from t`)
	rows, err := conn.Query(t.Context(), "select price from w")
	if err != nil {
		t.Fatal(err)
	}
	if rows.Next(); rows.FieldDescriptions()[0].DataTypeOID != pgsql.SuperOID {
		t.Errorf("want a SUPER; have the type %d", rows.FieldDescriptions()[0].DataTypeOID)
	}
	rows.Close()
	fails(t, conn, "exceeds VARCHAR", `select json_serialize(json_parse('"' || repeat('x', 65535) || '"'))`)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	_, location := begin(t)
	conn := connect(t, location)
	exec(t, conn, table)
	if conn.PgConn().ParameterStatus("standard_conforming_strings") != "" || conn.PgConn().ParameterStatus("server_version") != "8.0.2" {
		t.Error("want no standard_conforming_strings, and version 8.0.2")
	}
	for _, statement := range []string{
		"insert into t (name) values ('a') on conflict do nothing", "insert into t (name) values ('a') returning id", "copy t from stdin", "create index on t (name)", "savepoint s",
		"create table v (id serial)", "create table v (x jsonb)", "select '{}'::json", "select generate_series(1, 2)", "select pg_advisory_xact_lock(1)", "select array[1]", "select '{1}'::int[]",
		"select string_agg(name, ',') from t", "select * from unnest(null)", "select 1 is distinct from 2", "select E'x'", "select $$x$$", "select props -> 'x' from t",
		"create temp table v (x int) on commit drop", "lock table t in share mode", "select distinct on (name) * from t", "select clock_timestamp()", "truncate t",
	} {
		exec(t, conn, "begin")
		if said := fails(t, conn, "Redshift", statement); said.Code != "0A000" {
			t.Errorf("%s: want 0A000; have %s", statement, said.Code)
		}
		if _, err := conn.Exec(t.Context(), "select 1"); pgsql.Code(err) != "25P02" {
			t.Errorf("%s: want the transaction aborted; have %v", statement, err)
		}
		exec(t, conn, "rollback")
	}
	exec(t, conn, "begin")
	fails(t, conn, "RETURNING", strings.ToUpper("insert into t (name) select cast($1 as varchar(10)) returning id"), "x")
	exec(t, conn, "rollback", "truncate t", `select 'on conflict returning -- generate_series(1)', "name" from t -- jsonb`)
	expect(t, conn, `a'b\c`, `select 'a\'b\\c'`) // backslashes escape in every string
	expect(t, conn, "O'Brien\\", `select 'O''Brien\\'`)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	server, location := begin(t)
	watcher := connect(t, location)
	exec(t, watcher, table)
	put(t, server, "x", strings.Repeat(`{"n":1}`, 100), false)
	load := strings.Replace(copyOf("x", "json 'auto'"), "copy t", "copy t (n)", 1)
	count := func(want string) { t.Helper(); expect(t, watcher, want, "select count(*) from t") }

	conn := connect(t, location)
	exec(t, conn, "begin")
	server.Faults.Next(redshiftfake.CopyFails)
	if said := fails(t, conn, "half-way", load); said.Code != "XX000" {
		t.Errorf("want XX000; have %s", said.Code)
	}
	exec(t, conn, "rollback", "begin", load)
	server.Faults.Next(redshiftfake.Conflict)
	if said := fails(t, conn, "Serializable isolation violation", "commit"); said.Message != "1023" {
		t.Errorf("want error 1023; have %s", said.Message)
	}
	if conn.PgConn().TxStatus() != 'I' {
		t.Errorf("want the transaction over; have %c", conn.PgConn().TxStatus())
	}
	count("0")
	for _, c := range []struct {
		fault redshiftfake.Fault
		want  string
	}{{redshiftfake.CommitLost, "0"}, {redshiftfake.CommitUnheard, "100"}, {redshiftfake.CommitLate, "200"}} {
		conn := connect(t, location)
		exec(t, conn, "begin", "lock t", load)
		server.Faults.Next(c.fault)
		_, err := conn.Exec(t.Context(), "commit")
		if said, ok := errors.AsType[*pgconn.PgError](err); err == nil || ok {
			t.Errorf("%s: want the connection broken; have %v", c.fault, said)
		}
		exec(t, watcher, "begin", "lock t")
		count(c.want)
		exec(t, watcher, "commit")
	}
	server.Faults.Next(redshiftfake.StatementCut)
	if _, err := conn.Exec(t.Context(), load); err == nil || !conn.IsClosed() {
		t.Errorf("want the connection broken; have %v", err)
	}

	web := httptest.NewServer(server.Faults)
	defer web.Close()
	for query, want := range map[string]int{"next=conflict": 200, "rate=copy:1&seed=7": 200, "next=rain": 400, "rate=copy:2": 400, "seed=x": 400} {
		answer, err := http.Post(web.URL+"/?"+query, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: want %d; have %s", query, want, answer.Status)
		}
	}
	fails(t, watcher, "half-way", load)
	if n := server.Faults.Count(redshiftfake.CopyFails); n != 2 {
		t.Errorf("want 2 failed COPYs counted; have %d", n)
	}
}

// TestSnapshot: LOCK takes no snapshot; what was committed while it waited is seen.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	_, location := begin(t)
	one, other := connect(t, location), connect(t, location)
	exec(t, one, table, "begin", "lock t", "insert into t (n) values (1)")
	done := make(chan error, 1)
	go func() {
		if _, err := other.Exec(t.Context(), "begin"); err != nil {
			done <- err
			return
		}
		_, err := other.Exec(t.Context(), "lock t")
		done <- err
	}()
	exec(t, one, "commit")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	expect(t, other, "1", "select count(*) from t")
	exec(t, one, "begin", "select 1")
	exec(t, other, "commit")
	expect(t, one, "1", "select count(*) from t")
	exec(t, other, "update t set n = 2")
	expect(t, one, "1", "select n from t")
	if said := fails(t, one, "Serializable isolation violation", "update t set n = 3"); said.Message != "1023" {
		t.Errorf("want error 1023; have %s", said.Message)
	}
}

// TestCancel: a question whose asker has gone ends.
func TestCancel(t *testing.T) {
	t.Parallel()
	_, location := begin(t)
	conn := connect(t, location)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := conn.Exec(ctx, "select count(*) from pg_attribute a, pg_attribute b, pg_attribute c, pg_attribute d")
	if err == nil {
		t.Error("want the query ended; have an answer")
	}
	watcher := connect(t, location)
	for range 100 {
		n := 0
		if err := watcher.QueryRow(t.Context(), "select count(*) from pg_stat_activity where state = 'active' and query like '%pg_attribute d' and pid <> pg_backend_pid()").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("want the query ended at the server; it runs")
}

// TestPassword: who may connect can be asked.
func TestPassword(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	server, err := redshiftfake.Start(t.Context(), redshiftfake.Options{Postgres: database, Check: func(user, password string) error {
		if user != "IAM:ada" || password != "secret" {
			return errors.New("password authentication failed")
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	name := database[strings.LastIndex(database, "/"):]
	conn := connect(t, "postgres://IAM%3Aada:secret@"+server.Addr()+name+"?sslmode=disable")
	expect(t, conn, "1", "select 1")
	if _, err := pgx.Connect(t.Context(), "postgres://IAM%3Aada:guess@"+server.Addr()+name+"?sslmode=disable"); pgsql.Code(err) != "28000" {
		t.Errorf("want a refusal; have %v", err)
	}
}
