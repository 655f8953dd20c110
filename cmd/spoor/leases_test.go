package main

import (
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/lease"
)

// leasesURL names a table that is not there yet, on the DynamoDB of the tests.
func leasesURL(t *testing.T) string {
	t.Helper()
	endpoint := os.Getenv("SPOOR_TEST_DYNAMODB")
	if endpoint == "" {
		if os.Getenv("SPOOR_TEST_REQUIRE") != "" {
			t.Fatal("SPOOR_TEST_DYNAMODB names no DynamoDB")
		}
		t.Skip("SPOOR_TEST_DYNAMODB names no DynamoDB")
	}
	return "dynamodb://doctor-" + rand.Text() + "?region=us-east-1&endpoint=" + url.QueryEscape(endpoint)
}

func TestDoctorLooksAtLeases(t *testing.T) {
	t.Parallel()
	location := leasesURL(t)
	diagnose := func(want ...string) {
		t.Helper()
		d := &doctor{c: &doctorCommand{leaseFlags: leaseFlags{Leases: location}}}
		d.leases(t.Context())
		if len(d.findings) != 1 || !d.findings[0].OK {
			t.Fatalf("want one finding that is well; have %+v", d.findings)
		}
		for _, text := range want {
			if !strings.Contains(d.findings[0].Detail, text) {
				t.Errorf("want %q in %q", text, d.findings[0].Detail)
			}
		}
	}
	diagnose("does not exist yet")
	table, err := openLeases(t.Context(), location, true)
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	for _, l := range []lease.Lease{
		{Shard: "a", Checkpoint: lease.End}, {Shard: "b", Owner: "one"}, {Shard: "c", Owner: "two"}, {Shard: "d", Owner: "one"}, {Shard: "e"},
	} {
		if err := table.Add(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	diagnose("5 shards", "1 of them loaded to their end", "1 without an owner", "one has 2", "two has 1")
	leases, err := table.List(t.Context())
	if err != nil || len(leases) != 5 {
		t.Errorf("want the table as it was; have %+v, %v", leases, err)
	}
}

func TestDoctorCannotReachLeases(t *testing.T) {
	t.Parallel()
	d := &doctor{c: &doctorCommand{leaseFlags: leaseFlags{Leases: "dynamodb://t?region=us-east-1&endpoint=http://127.0.0.1:1"}}}
	d.leases(t.Context())
	if len(d.findings) != 1 || d.findings[0].OK || d.findings[0].Do == "" {
		t.Errorf("want one finding that says what to do; have %+v", d.findings)
	}
}
