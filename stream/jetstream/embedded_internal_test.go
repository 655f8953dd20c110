package jetstream

import "testing"

// TestNoPort: the embedded server can be reached from inside the process only.
func TestNoPort(t *testing.T) {
	t.Parallel()
	log, err := OpenEmbedded(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s := log.embedded.server
	if s.Addr() != nil || s.MonitorAddr() != nil || s.ClusterAddr() != nil || s.ProfilerAddr() != nil {
		t.Errorf("want no listener; have %v, %v, %v, %v", s.Addr(), s.MonitorAddr(), s.ClusterAddr(), s.ProfilerAddr())
	}
}
