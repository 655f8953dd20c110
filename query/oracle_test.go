package query_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/spoorhq/spoor/internal/pgtest"
	"github.com/spoorhq/spoor/query/querytest"
	"github.com/spoorhq/spoor/warehouse"
	"github.com/spoorhq/spoor/warehouse/duckdb"
	"github.com/spoorhq/spoor/warehouse/postgres"
	"github.com/spoorhq/spoor/warehouse/redshift"
	"github.com/spoorhq/spoor/warehouse/warehousetest"
)

// questions is how many are asked in all: SPOOR_TEST_QUESTIONS, or a few.
func questions(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("SPOOR_TEST_QUESTIONS")
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("SPOOR_TEST_QUESTIONS must be a number; got %q", text)
	}
	return n
}

// TestOracleDuckDB: DuckDB says what the oracle says.
func TestOracleDuckDB(t *testing.T) {
	t.Parallel()
	querytest.Run(t, questions(t, 400), func(t *testing.T, _ string) warehouse.Warehouse {
		w, err := duckdb.Open(t.Context(), duckdb.Options{Path: filepath.Join(t.TempDir(), "spoor.duckdb"), MemoryLimit: 256 << 20, ClusterRows: 64})
		return warehousetest.Ready(t, w, err)
	})
}

// TestOraclePostgres: PostgreSQL says what the oracle says.
func TestOraclePostgres(t *testing.T) {
	t.Parallel()
	location := pgtest.Database(t)
	querytest.Run(t, min(questions(t, 400), 1000), func(t *testing.T, name string) warehouse.Warehouse {
		w, err := postgres.Open(t.Context(), postgres.Options{URL: location + "?sslmode=disable&schema=" + name})
		return warehousetest.Ready(t, w, err)
	})
}

// TestOracleRedshift: Redshift's words, on its stand-in, say what the oracle says.
func TestOracleRedshift(t *testing.T) {
	t.Parallel()
	_, location := pgtest.StandIn(t, "jit = off") // the stand-in's functions look costly, and compiling them is
	querytest.Run(t, min(questions(t, 100), 1000), func(t *testing.T, name string) warehouse.Warehouse {
		w, err := redshift.Open(t.Context(), redshift.Options{URL: location + "&schema=" + name})
		return warehousetest.Ready(t, w, err)
	})
}
