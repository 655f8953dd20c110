package sdk

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/internal/pgtest"
	"github.com/spoorhq/spoor/test/aws/topology"
	"github.com/spoorhq/spoor/test/process"
)

// onAWS is Spoor as it runs on AWS: what an SDK sends goes to one of two collectors, over kinesalite and through one of two
// loaders, and the dashboard reads the stand-in for Redshift.
func onAWS(t *testing.T) (collector string, dashboard *spoor) {
	t.Helper()
	kinesis := topology.Service(t, "SPOOR_TEST_KINESIS")
	_, warehouse := pgtest.StandIn(t)
	top := topology.Run(t, topology.Options{
		Stream: "kinesis://sdk-" + strings.ToLower(rand.Text()) + "?create=2&endpoint=" + kinesis, Warehouse: warehouse,
	})
	path, err := process.Binary()
	if err != nil {
		t.Fatal(err)
	}
	return top.Collectors[0].URL(), &spoor{t: t, binary: path, url: top.Dashboard.URL()}
}

func TestNodeOnAWS(t *testing.T) {
	for scenario, want := range map[string][]row{"every": everyCall(), "many": counted()} {
		t.Run(scenario, func(t *testing.T) {
			collector, dashboard := onAWS(t)
			wire := startWire(t, collector)
			// An answer that is lost has the SDK send the same events again.
			wire.loseAnswers(1)
			sent := serverSends(t, wire, scenario)

			rows := dashboard.rowsOf(wire)
			wantSent(t, rows, sent)
			wantRows(t, rows, nodeSDK, want)
		})
	}
}
