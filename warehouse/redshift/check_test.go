package redshift_test

import (
	"strings"
	"testing"

	"github.com/spoorhq/spoor/internal/redshiftfake"
	"github.com/spoorhq/spoor/warehouse/redshift"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	server, location := standin(t)
	w, err := redshift.Open(t.Context(), redshift.Options{URL: location})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := server.Copies(); n != 1 {
		t.Errorf("want one COPY; have %d", n)
	}
	if left, err := server.Objects(bucket, ""); err != nil || len(left) > 0 {
		t.Errorf("want no staged file left; have %v, %v", left, err)
	}
	if positions, err := w.Positions(t.Context(), "spoor doctor"); err != nil || len(positions) > 0 {
		t.Errorf("want no position left; have %v, %v", positions, err)
	}
	server.Faults.Rate(redshiftfake.CopyFails, 1)
	if err := w.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "copying") {
		t.Errorf("want COPY's failure; have %v", err)
	}
}
