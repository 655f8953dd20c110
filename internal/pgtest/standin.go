package pgtest

import (
	"strings"
	"testing"

	"github.com/spoorhq/spoor/internal/redshiftfake"
)

// StandIn starts a stand-in for Redshift before a database of its own, for the length of a test, and gives it with the
// warehouse's URL. Settings are those of Database.
func StandIn(t testing.TB, settings ...string) (*redshiftfake.Server, string) {
	t.Helper()
	database := Database(t, settings...)
	server, err := redshiftfake.Start(t.Context(), redshiftfake.Options{Postgres: database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	location, err := server.URL(database[strings.LastIndex(database, "/")+1:], StagingBucket, "spoor/staged")
	if err != nil {
		t.Fatal(err)
	}
	return server, location
}

// StagingBucket is where a StandIn's files are staged.
const StagingBucket = "staging"
