package duckdb_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/warehouse/duckdb"
)

// TestAnswerThatFails: what goes wrong behind the first rows is an error, and not their end.
func TestAnswerThatFails(t *testing.T) {
	t.Parallel()
	w := open(t, duckdb.Options{})
	rows, err := w.Query(t.Context(), "select cast(if(i = 300000, 'x', '1') as integer) from range(1000000) r(i)")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		n++
	}
	if err := rows.Err(); n == 0 || n > 300_000 || err == nil || !strings.Contains(err.Error(), "Could not convert string 'x'") {
		t.Errorf("want rows and then an error; have %d and %v", n, err)
	}
}

// TestAnswerThatIsCutOff ends a query between its rows, and while DuckDB is at work on the next.
func TestAnswerThatIsCutOff(t *testing.T) {
	t.Parallel()
	w := open(t, duckdb.Options{})
	for _, query := range []string{
		"select i from range(1000000000) r(i)",
		// More rows at once than DuckDB holds ready, and none for a long time behind them.
		"select i from range(1000000000000) r(i) where i < 400000 or i > 999999999990",
	} {
		ctx, cancel := context.WithCancel(t.Context())
		rows, err := w.Query(ctx, query)
		if err != nil {
			t.Fatal(err)
		}
		if !rows.Next() {
			t.Fatalf("want a row; have %v", rows.Err())
		}
		time.AfterFunc(50*time.Millisecond, cancel)
		for rows.Next() {
		}
		if err := rows.Err(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: want %v; have %v", query, context.Canceled, err)
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}
	if have := one(t, w, "select 1"); have != "[1]" {
		t.Errorf("want the warehouse as before; have %s", have)
	}
}

// hungryReader, in the environment, makes this test binary a reader of a long answer, which tells how much memory it took.
const hungryReader = "SPOOR_TEST_HUNGRY_READER"

const hungryRows = 2_000_000

func readMuch() error {
	ctx := context.Background()
	w, err := duckdb.Open(ctx, duckdb.Options{Path: os.Getenv(hungryReader), MemoryLimit: 64 << 20})
	if err != nil {
		return err
	}
	rows, err := w.Query(ctx, "select i, 'an id that is as long as those of SDKs are, or so: ' || i from range(?) r(i)", hungryRows)
	if err != nil {
		return err
	}
	n := 0
	var i int64
	var text string
	for ; rows.Next(); n++ {
		if err := rows.Scan(&i, &text); err != nil {
			return err
		}
	}
	if err := errors.Join(rows.Err(), rows.Close(), w.Close()); err != nil || n != hungryRows {
		return errors.Join(err, errors.New("rows: "+strconv.Itoa(n)))
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	return errors.New("peak of kB " + strings.Fields(peak)[0])
}

// TestLongAnswerTakesLittleMemory: held whole, the rows would take 170 MB more.
func TestLongAnswerTakesLittleMemory(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/status"); err != nil {
		return // only Linux tells a process its peak
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self)
	child.Env = append(os.Environ(), hungryReader+"="+t.TempDir()+"/spoor.duckdb")
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, ok := strings.CutPrefix(strings.TrimSpace(string(out)), "peak of kB ")
	peak, err := strconv.Atoi(text)
	if !ok || err != nil {
		t.Fatalf("want a peak; have %s", out)
	}
	if t.Logf("peak of %d MB", peak>>10); peak > 150<<10 {
		t.Errorf("want a peak under 150 MB; have %d", peak>>10)
	}
}
