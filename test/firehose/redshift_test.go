package firehose

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/spoorhq/spoor/internal/pgtest"
	"github.com/spoorhq/spoor/internal/redshiftfake"
	"github.com/spoorhq/spoor/simulate"
	"github.com/spoorhq/spoor/test/process"
)

// printed is what "spoor schema redshift --firehose" tells an operator: the SQL, and the COPY options.
func printed(t *testing.T) (statements []string, options string) {
	t.Helper()
	binary, err := process.Binary()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), binary, "schema", "redshift", "--firehose").Output()
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^--   COPY options +(.+)$`).FindSubmatch(out)
	if found == nil {
		t.Fatalf("want the COPY options in\n%s", out)
	}
	sql, _, _ := strings.Cut(string(out), "\n-- ")
	for statement := range strings.SplitSeq(sql, ";\n") {
		if statement = strings.TrimSpace(statement); statement != "" {
			statements = append(statements, statement)
		}
	}
	return statements, string(found[1])
}

// TestDeliveryIntoRedshift does with the objects what Firehose does: it puts them on S3, packed, with a manifest, and COPYs that
// with the options that spoor prints into the tables that spoor prints. Redshift is the stand-in.
func TestDeliveryIntoRedshift(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	standin, err := redshiftfake.Start(t.Context(), redshiftfake.Options{Postgres: database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standin.Close(); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.Host, u.RawQuery = standin.Addr(), "sslmode=disable"
	config, err := pgx.ParseConfig(u.String())
	if err != nil {
		t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	db, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(context.Background()) })
	statements, options := printed(t)
	for _, s := range statements {
		if _, err := db.Exec(ctx, s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}

	l := begin(t)
	l.fake.LoseAnswers(func(call int) bool { return call%7 == 3 })
	now := time.Now()
	generator, err := simulate.NewGenerator(simulate.Config{Seed: 11, People: 200, PerPersonDay: 8, From: now.Add(-24 * time.Hour), To: now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = simulate.Send(ctx, generator, simulate.Delivery{Server: l.url, WriteKey: "wk", BatchSize: 20, Concurrency: 4}); err != nil {
		t.Fatal(err)
	}
	post(t, l.url, `{"batch":[
		{"type":"track","userId":"u","event":"Odd","messageId":"odd","properties":{"nul":"a\u0000b","huge":1e400,"long":"`+strings.Repeat("é", 9000)+`"}},
		{"type":"dance","userId":"u","messageId":"bad"}]}`)
	l.log.mu.Lock()
	accepted := l.log.events
	l.log.mu.Unlock()

	if err := standin.MakeBucket("delivery"); err != nil {
		t.Fatal(err)
	}
	for table, name := range map[string]string{"events": "events", "dead_letters": "events-dead"} {
		n := 0
		err := l.fake.Deliver(name, 1<<20, func(object []byte) error {
			n++
			return deliver(ctx, standin, db, fmt.Sprintf("%s/%04d", table, n), table, options, object)
		})
		if err != nil || n == 0 {
			t.Fatalf("%s: %d objects delivered, %v", table, n, err)
		}
	}

	var rows, once, dead, ids int64
	err = db.QueryRow(ctx, `select (select count(*) from events), (select count(*) from events_once),
		(select count(distinct message_id) from events), (select count(distinct position || '/' || cast("index" as varchar)) from dead_letters)`).Scan(&rows, &once, &ids, &dead)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events accepted; %d rows delivered, %d in events_once, %d dead letters", accepted, rows, once, dead)
	if once != ids || once+dead != accepted || rows <= once {
		t.Errorf("want each of the %d events once, and some rows twice; have %d rows, %d once, %d ids, %d dead", accepted, rows, once, ids, dead)
	}
	var text string
	err = db.QueryRow(ctx, `select cast(properties."nul" as varchar) || cast(properties."huge" as varchar) from events_once where message_id = 'odd'`).Scan(&text)
	if err != nil || text != "a\ufffdb1e400" {
		t.Errorf("want what Redshift would fail on as text; have %q, %v", text, err)
	}
}

// deliver puts an object on S3 and copies it, by a manifest, as Firehose does.
func deliver(ctx context.Context, standin *redshiftfake.Server, db *pgx.Conn, key, table, options string, object []byte) error {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(object); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := standin.Put("delivery", key+".gz", packed.Bytes()); err != nil {
		return err
	}
	manifest := fmt.Sprintf(`{"entries":[{"url":"s3://delivery/%s.gz","mandatory":true}]}`, key)
	if err := standin.Put("delivery", key+".manifest", []byte(manifest)); err != nil {
		return err
	}
	_, err := db.Exec(ctx, fmt.Sprintf("copy %s from 's3://delivery/%s.manifest' iam_role 'arn:aws:iam::123456789012:role/firehose' manifest %s", table, key, options))
	return err
}
