package topology

import (
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/internal/pgtest"
	"github.com/spoorhq/spoor/internal/redshiftfake"
)

// Service gives the URL of a service that a test needs.
func Service(t testing.TB, name string) string {
	t.Helper()
	location := os.Getenv(name)
	if location == "" {
		if os.Getenv("SPOOR_TEST_REQUIRE") != "" {
			t.Fatalf("%s names no service", name)
		}
		t.Skipf("%s names no service", name)
	}
	return location
}

// Redshift starts the stand-in on a database of its own, and gives the warehouse's URL.
func Redshift(t testing.TB) (*redshiftfake.Server, string) {
	t.Helper()
	database, err := url.Parse(pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	server, err := redshiftfake.Start(t.Context(), redshiftfake.Options{Postgres: os.Getenv("SPOOR_TEST_POSTGRES")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	location, err := server.URL(strings.TrimPrefix(database.Path, "/"), "staging", "spoor/")
	if err != nil {
		t.Fatal(err)
	}
	return server, location
}

// Run runs two collectors, two loaders and a dashboard on a stream and a warehouse for the length of a test. The loaders
// commit often, unless LoadArgs says otherwise.
func Run(t testing.TB, o Options) *Topology {
	t.Helper()
	o.Leases = "dynamodb://leases-" + strings.ToLower(rand.Text()) + "?endpoint=" + Service(t, "SPOOR_TEST_DYNAMODB")
	o.Collectors, o.Loaders, o.Dir = 2, 2, t.TempDir()
	if o.LoadArgs == nil {
		o.LoadArgs = []string{"--load-every", "300ms", "--failover", "3s"}
	}
	top, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		top.Kill()
		if t.Failed() {
			t.Logf("the processes' logs:\n%s", top.Logs())
		}
	})
	return top
}
