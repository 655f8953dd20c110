package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	neturl "net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/parquet/file"
)

// An export that is interrupted goes on where it was, fetches what was damaged again, and nothing twice.
func TestExport(t *testing.T) {
	t.Parallel()
	url, _ := running(t)
	for _, name := range []string{"Buy", "Search", "Buy"} {
		sendOne(t, url, `{"event":"`+name+`","userId":"ada","properties":{"n":1}}`)
	}
	// A proxy counts what is asked, and fails where the test says.
	target, err := neturl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	var asked, failing atomic.Int64
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/export" && asked.Add(1) == failing.Load() {
			http.Error(w, "gone", http.StatusBadGateway)
			return
		}
		r.Host = target.Host
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)

	dir := filepath.Join(t.TempDir(), "export")
	to := time.Now().UTC().Add(time.Second).Truncate(time.Second)
	deadline := time.Now().Add(30 * time.Second)
	for { // until the warehouse is complete beyond the events
		if out, _, code := runIn(t, "", "export", "--server", url, "-o", t.TempDir(), "--from", "1h", "--to", to.Format(time.RFC3339), "--by", "hour"); code == exitOK {
			if !strings.Contains(out, "3 rows") {
				t.Fatalf("want 3 rows; have %s", out)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the warehouse is not complete")
		}
		<-time.After(100 * time.Millisecond)
	}
	args := []string{"export", "--server", front.URL, "-o", dir, "--from", to.Add(-72 * time.Hour).Format(time.RFC3339), "--to", to.Format(time.RFC3339)}
	failing.Store(3)
	if _, said := client(t, exitFault, args...); !strings.Contains(said, "start the same command again") || !strings.Contains(said, "gone") {
		t.Errorf("want to be told how to go on; have %s", said)
	}
	parts := int64(4) // days, the first and the last not whole
	if to.Truncate(24 * time.Hour).Equal(to) {
		parts = 3
	}
	failing.Store(0)
	asked.Store(0)
	out, _ := client(t, exitOK, args...)
	if asked.Load() != parts-2 || !strings.Contains(out, "3 rows") {
		t.Errorf("want the two parts that were there not fetched again; have %d fetched, %s", asked.Load(), out)
	}
	var m manifest
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil || json.Unmarshal(text, &m) != nil || int64(len(m.Files)) != parts {
		t.Fatalf("want %d files in the manifest; have %s, %v", parts, text, err)
	}
	// All three are in the last part, unless a day has ended since they came.
	rows, last := int64(0), ""
	for _, part := range m.Files {
		if part.Rows == 0 {
			continue
		}
		last = filepath.Join(dir, part.File)
		reader, err := file.OpenParquetFile(last, false)
		if err != nil {
			t.Fatal(err)
		}
		if reader.NumRows() != part.Rows {
			t.Errorf("want as many rows in the file as in the manifest; have %d and %+v", reader.NumRows(), part)
		}
		rows += part.Rows
		reader.Close()
	}
	if rows != 3 {
		t.Fatalf("want 3 rows in all; have %d in %+v", rows, m.Files)
	}
	if err := os.WriteFile(last, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	asked.Store(0)
	if client(t, exitOK, args...); asked.Load() != 1 {
		t.Errorf("want the damaged part fetched again, alone; have %d", asked.Load())
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.part")); err != nil || len(left) > 0 {
		t.Errorf("want nothing left that is not whole; have %v, %v", left, err)
	}
	lines := filepath.Join(t.TempDir(), "lines")
	client(t, exitOK, "export", "--server", url, "-o", lines, "--from", "1h", "--to", to.Format(time.RFC3339), "--format", "ndjson", "--event", "Search", "--by", "hour")
	hours, err := filepath.Glob(filepath.Join(lines, "events-????-??-??T??.ndjson")) // it came in the last one, or in one that has just ended
	if err != nil {
		t.Fatal(err)
	}
	text = nil
	for _, hour := range hours {
		part, err := os.ReadFile(hour)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, part...)
	}
	if strings.Count(string(text), "\n") != 1 || !strings.Contains(string(text), `"event":"Search"`) {
		t.Errorf("want one line; have %q", text)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-o", dir, "--from", "yesterday"}, `--from must be a time`},
		{[]string{"-o", dir, "--from", "1h", "--to", "2h"}, "--from must be before --to"},
		{[]string{"-o", dir, "--from", "1h", "--to", "2100-01-01"}, "--to cannot be after"},
		{[]string{"-o", dir, "--from", "1h", "--format", "csv"}, "has another export"},
	} {
		if _, said := client(t, exitUsage, append([]string{"export", "--server", url}, c.args...)...); !strings.Contains(said, c.want) {
			t.Errorf("%v: want %q; have %s", c.args, c.want, said)
		}
	}
}
