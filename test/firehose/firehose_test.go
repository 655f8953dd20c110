// Package firehose tests the way through a Firehose delivery stream: clients, the door, rows, delivery by a fake, and
// what a warehouse makes of the objects by the names of their members.
package firehose

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" //nolint:depguard // it reads the delivered objects as a warehouse that is not ours does
	"github.com/prometheus/client_golang/prometheus"

	"github.com/spoorhq/spoor/collect"
	"github.com/spoorhq/spoor/collect/segment"
	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/awsconf"
	"github.com/spoorhq/spoor/internal/firehosefake"
	"github.com/spoorhq/spoor/load"
	"github.com/spoorhq/spoor/rowlog"
	"github.com/spoorhq/spoor/simulate"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/firehose"
	"github.com/spoorhq/spoor/stream/memory"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
)

// tee appends to a stream that can be read what the stream of rows has taken, so that Spoor's loader tells what the rows
// must be.
type tee struct {
	stream.Log
	readable stream.Log
	mu       sync.Mutex
	events   int64 // in all records
}

func (l *tee) Append(ctx context.Context, records []stream.Record) error {
	// One at a time, so that both see the records in one order.
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.Log.Append(ctx, records); err != nil {
		return err
	}
	for _, r := range records {
		header, _, err := event.ReadHeader(r.Data)
		if err != nil {
			return err
		}
		l.events += int64(header.Events)
	}
	return l.readable.Append(ctx, records)
}

// line is a door before a Firehose, and before a stream that Spoor's loader reads.
type line struct {
	fake *firehosefake.Server
	url  string
	log  *tee
}

func begin(t *testing.T) *line {
	t.Helper()
	l := &line{fake: firehosefake.New(t)}
	config, err := awsconf.Load(t.Context(), awsconf.Options{Endpoint: l.fake.URL})
	if err != nil {
		t.Fatal(err)
	}
	open := func(name string) stream.Log {
		log, err := firehose.Open(name, config)
		if err != nil {
			t.Fatal(err)
		}
		return stream.Retry(log, stream.Patience{First: time.Millisecond, Longest: 5 * time.Millisecond})
	}
	rows, err := rowlog.New(rowlog.Options{
		Rows: open("events"), DeadLetters: open("events-dead"), RecordBytes: firehose.MaxRecordBytes, TextBytes: 65535,
	})
	if err != nil {
		t.Fatal(err)
	}
	l.log = &tee{Log: rows, readable: memory.New(memory.Options{}).Open()}
	door, err := collect.New(collect.Options{
		Log: l.log, ID: "door", Sources: []collect.Source{{Name: "web", Keys: []string{"wk"}}},
		Protocols: []collect.Protocol{segment.New()}, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(door)
	t.Cleanup(func() {
		server.Close()
		if err := errors.Join(door.Close(), rows.Close()); err != nil {
			t.Error(err)
		}
	})
	l.url = server.URL
	return l
}

// objects delivers a stream to files and gives the pattern of their names.
func (l *line) objects(t *testing.T, name string) string {
	t.Helper()
	dir, n := t.TempDir(), 0
	err := l.fake.Deliver(name, 1<<20, func(object []byte) error {
		n++
		return os.WriteFile(filepath.Join(dir, fmt.Sprintf("%06d.json", n)), object, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "*.json")
}

// loaded lets Spoor's loader load the stream into a file, and gives that.
func (l *line) loaded(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "loaded.duckdb")
	w, err := duckdb.Open(t.Context(), duckdb.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	loader, err := load.New(load.Options{
		Log: l.log.readable, Stream: "test", Warehouse: w, SeenDir: t.TempDir(), Interval: 50 * time.Millisecond,
		Metrics: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- loader.Run(ctx) }()
	l.log.mu.Lock()
	events := l.log.events
	l.log.mu.Unlock()
	for n := int64(0); n < events; {
		rows, err := w.Query(ctx, "select coalesce(sum(accepted), 0)::bigint from ledger")
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			if err := rows.Scan(&n); err != nil {
				t.Fatal(err)
			}
		}
		_ = rows.Close()
	}
	cancel()
	if err := errors.Join(<-done, w.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// delivered makes a database with the tables of the warehouse, and loads objects into them by the names of members.
func delivered(t *testing.T, objects map[string]string) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	w, err := duckdb.Open(t.Context(), duckdb.Options{Path: filepath.Join(t.TempDir(), "dialect.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	d := w.Dialect()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, s := range append(duckdb.Schema(), warehouse.EventsOnce(d), "set timezone = 'UTC'") {
		execute(t, db, s)
	}
	for table, pattern := range objects {
		var columns, values []string
		for _, c := range warehouse.TableNamed(table).Columns {
			kind, value := d.Type(c.Kind), d.Quote(c.Name)
			if c.Kind == event.Bytes {
				kind, value = "varchar", fmt.Sprintf("unhex(%s)", value)
			}
			columns, values = append(columns, fmt.Sprintf("'%s': '%s'", c.Name, kind)), append(values, value)
		}
		execute(t, db, fmt.Sprintf("insert into %s select %s from read_json('%s', format = 'newline_delimited', columns = {%s})",
			table, strings.Join(values, ", "), pattern, strings.Join(columns, ", ")))
	}
	return db
}

func execute(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func count(t *testing.T, db *sql.DB, query string) (n int64) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// TestRowsAreTheLoaders sends a population's traffic through a Firehose that refuses a fifth of the records, loses answers,
// and so holds copies; what the view shows of it is what Spoor's loader makes of the same records, row by row.
func TestRowsAreTheLoaders(t *testing.T) {
	t.Parallel()
	l := begin(t)
	var mu sync.Mutex
	dice := rand.New(rand.NewPCG(1, 2))
	chance := func(share float64) bool {
		mu.Lock()
		defer mu.Unlock()
		return dice.Float64() < share
	}
	l.fake.FailRecords(func(int, int, []byte) string {
		if chance(0.2) {
			return "ServiceUnavailableException"
		}
		return ""
	})
	l.fake.LoseAnswers(func(int) bool { return chance(0.1) })

	now := time.Now()
	generator, err := simulate.NewGenerator(simulate.Config{Seed: 7, People: 300, PerPersonDay: 8, From: now.Add(-24 * time.Hour), To: now})
	if err != nil {
		t.Fatal(err)
	}
	_, err = simulate.Send(t.Context(), generator, simulate.Delivery{
		Server: l.url, WriteKey: "wk", BatchSize: 20, Concurrency: 4,
	})
	if err != nil {
		t.Fatal(err)
	}
	bad := `{"batch":[{"type":"track","userId":"u","event":"Good","messageId":"good","properties":{"price":1.50}},
		{"type":"dance","userId":"u","messageId":"bad"}]}`
	post(t, l.url, bad)
	post(t, l.url, bad) // a client that got no answer

	path := l.loaded(t)
	db := delivered(t, map[string]string{"events": l.objects(t, "events"), "dead_letters": l.objects(t, "events-dead")})
	all, once := count(t, db, "select count(*) from events"), count(t, db, "select count(*) from events_once")
	t.Logf("%d rows delivered, %d events", all, once)
	if all <= once || once < 1000 {
		t.Errorf("want copies among over 1000 events; have %d rows of %d events", all, once)
	}

	execute(t, db, fmt.Sprintf("attach '%s' as loaded (read_only)", path))
	for _, table := range []struct{ name, have, columns, but string }{
		// Numbers that Redshift would fail on are texts in a delivered row, on purpose.
		{"events", "events_once", columns("events", "load_id"), "properties is null or properties::varchar not like '%e300%'"},
		{"dead_letters", "dead_letters", columns("dead_letters", "load_id", "shard", "position", "index"), "true"},
	} {
		want := fmt.Sprintf("select %s from loaded.%s where %s", table.columns, table.name, table.but)
		have := fmt.Sprintf("select distinct %s from %s where %s", table.columns, table.have, table.but)
		for _, side := range []struct{ what, query string }{
			{"missing", want + " except all " + have}, {"other", have + " except all " + want},
		} {
			if n := count(t, db, "select count(*) from ("+side.query+")"); n > 0 {
				t.Errorf("%s: %d rows are %s, such as %s", table.name, n, side.what, example(t, db, side.query))
			}
		}
	}
	if n := count(t, db, "select count(*) from dead_letters where reason = 'unknown_type' and message_id = 'bad' and decode(raw) like '%dance%'"); n < 1 {
		t.Error("want the refused event among the dead letters")
	}
}

// columns lists a table's columns but some. JSON is parsed and written anew, for DuckDB's reader does so with what it reads.
func columns(table string, but ...string) string {
	var names []string
	for _, c := range warehouse.TableNamed(table).Columns {
		switch {
		case slices.Contains(but, c.Name):
		case c.Kind == event.JSON:
			names = append(names, fmt.Sprintf("json_merge_patch('{}', %[1]s) as %[1]s", c.Name))
		default:
			names = append(names, `"`+c.Name+`"`)
		}
	}
	return strings.Join(names, ", ")
}

// example gives one row of a query as JSON.
func example(t *testing.T, db *sql.DB, query string) (row string) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "select to_json(r)::varchar from ("+query+" limit 1) r").Scan(&row); err != nil {
		t.Fatal(err)
	}
	return row
}

func post(t *testing.T, url, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/batch", bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("wk", "")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		t.Fatalf("want 200; have %s: %s", response.Status, text)
	}
}
