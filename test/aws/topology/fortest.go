package topology

import (
	"crypto/rand"
	"os"
	"strings"
	"testing"
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
