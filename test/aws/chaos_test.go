// Package aws holds Spoor as it runs on AWS to what it promises: collectors, loaders and a dashboard in processes of their
// own, on emulators of Kinesis and DynamoDB that are not ours, and on stand-ins that misbehave on demand.
//
// SPOOR_TEST_KINESIS, SPOOR_TEST_DYNAMODB and SPOOR_TEST_POSTGRES name the services; scripts/test starts them. Without them
// the tests are skipped; with SPOOR_TEST_REQUIRE set they fail.
package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spoorhq/spoor/internal/kinesisfake"
	"github.com/spoorhq/spoor/internal/pgtest"
	"github.com/spoorhq/spoor/internal/redshiftfake"
	"github.com/spoorhq/spoor/test/aws/topology"
	"github.com/spoorhq/spoor/test/process"
)

// number gives an environment variable's number, or else the one given.
func number(t testing.TB, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s must be a number; got %q", name, text)
	}
	return n
}

// TestChaos runs two collectors, two loaders and a dashboard as they run on AWS, while clients write and everything goes
// wrong that can: shards are split and merged, collectors and loaders are killed with SIGKILL, a third loader without leases
// reads the same shards, a fifth of the records put is throttled, answers to puts are lost, iterators expire, COPY fails half-way, connections break at COMMIT, transactions
// conflict. Afterwards every event that got a 200 is in the warehouse once, with its value, and nothing else is, and the
// audit is equal.
//
// SPOOR_TEST_SEED runs one seed in place of three new ones; SPOOR_TEST_KILLS says how often something is killed.
func TestChaos(t *testing.T) {
	seeds := []uint64{rand.Uint64(), rand.Uint64(), rand.Uint64()}
	if one := number(t, "SPOOR_TEST_SEED", 0); one != 0 {
		seeds = []uint64{one}
	}
	fenced := 0
	for _, seed := range seeds {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { fenced += chaos(t, seed, int(number(t, "SPOOR_TEST_KILLS", 30))) })
	}
	if fenced == 0 {
		t.Error("no loader was ever fenced: the loader without leases was in nobody's way")
	}
}

const streamName = "events"

// stack is the topology with the services it stands on.
type stack struct {
	*topology.Topology
	kinesis  *kinesisfake.Service
	redshift *redshiftfake.Server
}

// chaos runs one seed, and gives how often the logs say that a loader was fenced.
func chaos(t *testing.T, seed uint64, kills int) (fenced int) {
	s := start(t, seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s.kinesis.SetFaults(kinesisfake.Faults{
		ThrottlePuts: 0.2, FailPuts: 0.01, FailCalls: 0.01, LoseAnswers: 0.01, ThrottleReads: 0.05, EmptyReads: 0.1, ExpireReads: 0.02,
	})
	s.redshift.Faults.Seed(seed)
	for _, fault := range []redshiftfake.Fault{
		redshiftfake.CopyFails, redshiftfake.CommitLost, redshiftfake.CommitUnheard, redshiftfake.CommitLate, redshiftfake.Conflict, redshiftfake.StatementCut,
	} {
		s.redshift.Faults.Rate(fault, 0.02)
	}

	book := &book{tried: map[string]string{}, acked: map[string]bool{}}
	writing, stop := context.WithCancel(t.Context())
	defer stop()
	var writers sync.WaitGroup
	for w := range 32 {
		writers.Go(func() { book.write(writing, s.Collectors, w) })
	}
	events := map[int]func(){kills / 6: s.split, kills / 3: s.split, kills / 2: s.merge, 2 * kills / 3: s.merge}
	// A loader that somebody has forgotten reads every shard in the midst of the others.
	events[kills/4] = func() { supervise(t, s.Intruder) }
	victims := append(append([]*process.Process{}, s.Collectors...), s.Loaders...)
	for n := range kills {
		if happen := events[n]; happen != nil {
			happen()
		}
		if n%5 == 4 {
			s.kinesis.ExpireIterators()
		}
		// From in the midst of starting, to long after a commit.
		pause(t.Context(), time.Duration(random.IntN(1500))*time.Millisecond)
		victim := victims[random.IntN(len(victims))]
		victim.Kill()
		supervise(t, victim)
	}
	s.Intruder.Kill()
	// Each fault happens for certain, too.
	s.redshift.Faults.Next(redshiftfake.CopyFails, redshiftfake.CommitLost, redshiftfake.CommitUnheard, redshiftfake.Conflict)
	pause(t.Context(), 5*time.Second)
	stop()
	writers.Wait()

	// What is under way when the writers stop must come through while everything still goes wrong.
	report := s.audited(t)
	have := book.compare(t, s.Dashboard)
	if loaded := report["loaded"].(float64); int(loaded) != have {
		t.Errorf("audit says %v events loaded; the table has %d", loaded, have)
	}
	if len(book.acked) < 10*kills {
		t.Errorf("only %d events were acknowledged over %d kills: the test says nothing", len(book.acked), kills)
	}
	counts := s.kinesis.Counts()
	told := fmt.Sprintf("%d kills: %d events sent, %d acknowledged, %d in the table, %v duplicates dropped; %d records on the stream, %d refused;",
		kills, len(book.tried), len(book.acked), have, report["duplicate"], counts.Records, counts.Refused)
	for _, fault := range []redshiftfake.Fault{redshiftfake.CopyFails, redshiftfake.CommitLost, redshiftfake.CommitUnheard, redshiftfake.Conflict} {
		n := s.redshift.Faults.Count(fault)
		told += fmt.Sprintf(" %s %d", fault, n)
		if n == 0 {
			t.Errorf("the fault %q never happened", fault)
		}
	}
	fenced = strings.Count(s.Logs(), "another loader has moved a position")
	t.Log(told, "fenced", fenced)
	return fenced
}

// start starts the services and the topology on them.
func start(t *testing.T, seed uint64) *stack {
	t.Helper()
	s := &stack{kinesis: kinesisfake.New(kinesisfake.Options{Seed: seed})}
	if err := s.kinesis.CreateStream(streamName, 4); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.kinesis)
	t.Cleanup(server.Close)
	var warehouse string
	s.redshift, warehouse = pgtest.StandIn(t)
	s.Topology = topology.Run(t, topology.Options{
		Stream: "kinesis://" + streamName + "?endpoint=" + server.URL, Warehouse: warehouse,
	})
	return s
}

// supervise starts a process, and again when a fault has it end before it is ready.
func supervise(t *testing.T, p *process.Process) {
	t.Helper()
	var err error
	for range 5 {
		if err = p.Start(t.Context()); err == nil {
			return
		}
	}
	t.Fatal(err)
}

// split splits a shard, and merge merges two.
func (s *stack) split() {
	open := s.kinesis.OpenShards(streamName)
	if err := s.kinesis.Split(streamName, open[len(open)/2]); err != nil {
		panic(err)
	}
}

func (s *stack) merge() {
	open := s.kinesis.OpenShards(streamName)
	for i := range open {
		for j := range open {
			if i != j && s.kinesis.Merge(streamName, open[i], open[j]) == nil {
				return
			}
		}
	}
	panic("no two shards can be merged")
}

// audited holds the topology to an equal audit, and gives the report.
func (s *stack) audited(t *testing.T) map[string]any {
	t.Helper()
	return audited(t, s.Topology)
}

func audited(t *testing.T, top *topology.Topology) map[string]any {
	t.Helper()
	var out, errs string
	var report map[string]any
	// A loader that was fenced or cut off begins again in some seconds.
	for deadline := time.Now().Add(2 * time.Minute); ; pause(t.Context(), 500*time.Millisecond) {
		var code int
		var err error
		if out, errs, code, err = top.Dashboard.Run(t.Context(), "audit", "--json", "--wait", "60s"); err != nil {
			t.Fatal(err)
		}
		if code == 0 || time.Now().After(deadline) {
			break
		}
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("audit printed no report: %v\n%s\n%s", err, out, errs)
	}
	if report["equal"] != true {
		t.Errorf("want an equal audit; have\n%s", out)
	}
	return report
}

// book keeps what clients sent and what was acknowledged.
type book struct {
	mu    sync.Mutex
	tried map[string]string // message id → the value that its event carries
	acked map[string]bool
}

// write sends batches, and each batch again, to whichever collector, until it is acknowledged, as SDKs behind a load
// balancer do.
func (b *book) write(ctx context.Context, collectors []*process.Process, writer int) {
	for n := 0; ctx.Err() == nil; n++ {
		events := make([]map[string]any, 1+n%20)
		ids := make([]string, len(events))
		b.mu.Lock()
		for i := range events {
			ids[i] = fmt.Sprintf("w%d-%d-%d", writer, n, i)
			value := strconv.Itoa(n*1000 + i)
			b.tried[ids[i]] = value
			events[i] = map[string]any{
				"type": "track", "event": "Chaos", "userId": fmt.Sprintf("u%d", n%50), "messageId": ids[i],
				"timestamp": time.Now().UTC().Format(time.RFC3339Nano), "properties": map[string]any{"value": value},
			}
		}
		b.mu.Unlock()
		body, err := json.Marshal(map[string]any{"batch": events, "sentAt": time.Now().UTC().Format(time.RFC3339Nano)})
		if err != nil {
			panic(err)
		}
		// Now and then an answer gets lost, and the same is sent again, to the other collector.
		left := 1 + n%8/7
		for try := 0; ctx.Err() == nil && left > 0; try++ {
			trying, cancel := context.WithTimeout(ctx, 5*time.Second)
			status, _, err := collectors[(writer+n+try)%len(collectors)].Post(trying, "/v1/batch", body)
			cancel()
			if err == nil && status == http.StatusOK {
				left--
				b.acknowledge(ids)
				continue
			}
			pause(ctx, 20*time.Millisecond)
		}
	}
}

func (b *book) acknowledge(ids []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		b.acked[id] = true
	}
}

// compare holds the table to the book, and gives how many ids it has.
func (b *book) compare(t *testing.T, dashboard *process.Process) int {
	t.Helper()
	rows, err := dashboard.SQL(t.Context(), `select message_id, json_serialize(properties) as properties from events`)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]int{}
	for _, row := range rows {
		id := row["message_id"].(string)
		have[id]++
		want, ok := b.tried[id]
		if !ok {
			t.Errorf("event %s is in the table, and nobody sent it", id)
		}
		if text := fmt.Sprint(row["properties"]); !strings.Contains(text, `"`+want+`"`) {
			t.Errorf("event %s: want value %s, have %s", id, want, text)
		}
	}
	lost, doubled := 0, 0
	for id := range b.acked {
		if have[id] == 0 {
			lost++
		}
	}
	for _, times := range have {
		if times > 1 {
			doubled++
		}
	}
	if lost > 0 || doubled > 0 {
		t.Errorf("%d events that got a 200 are lost, %d are there more than once", lost, doubled)
	}
	return len(have)
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
