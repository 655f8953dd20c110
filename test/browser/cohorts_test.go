package browser

import "testing"

// Filters on what people did, and cohorts.
func TestCohorts(t *testing.T) {
	t.Parallel()
	look(t, "cohorts.test.mjs", serve(t, "--source", "web=wkey"))
}
