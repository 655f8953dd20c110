package duckdb

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// Who hears that a statement was interrupted must have had it ended.
func TestReason(t *testing.T) {
	t.Parallel()
	const interrupted, fault = "INTERRUPT Error: Interrupted!", "Conversion Error: Could not convert string 'none' to INT32"
	if err := reason(nil, interrupted); strings.Contains(err.Error(), "nterrupted") || !strings.Contains(err.Error(), "does not say why") {
		t.Errorf("want it said that the reason is not known; have %v", err)
	}
	if err := reason(context.Canceled, interrupted); !errors.Is(err, context.Canceled) {
		t.Errorf("want what was ended to say so; have %v", err)
	}
	if err := reason(nil, fault); err.Error() != fault {
		t.Errorf("want %s; have %v", fault, err)
	}
}
