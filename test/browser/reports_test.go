package browser

import "testing"

// The reports and the dashboards.
func TestReports(t *testing.T) {
	t.Parallel()
	look(t, "reports.test.mjs", serve(t, "--source", "web=wkey"))
}

// What all pages owe whatever they show: a frame before the answer, a clean print, tables that sort and export, room at
// every width.
func TestLooks(t *testing.T) {
	t.Parallel()
	look(t, "looks.test.mjs", serve(t, "--source", "web=wkey"))
}
