package browser

import "testing"

// The reports and the dashboards.
func TestReports(t *testing.T) {
	look(t, "reports.test.mjs", serve(t, "--source", "web=wkey"))
}
