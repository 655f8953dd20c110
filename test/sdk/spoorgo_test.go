package sdk

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/spoorhq/spoor/event"
)

// goSDK is Spoor's own package for Go. Its version stands in its source.
func goSDK(t *testing.T) library {
	t.Helper()
	source, err := os.ReadFile("../../sdk/go/client.go")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`const Version = "(.*)"`).FindSubmatch(source)
	if version == nil {
		t.Fatal("want the version of the package for Go in sdk/go/client.go")
	}
	return library{"spoor-go", string(version[1])}
}

// goSender builds spoor-go once for all the tests. The program is left in bin, where spoor is built too.
var goSender = sync.OnceValues(func() (string, error) {
	path, err := filepath.Abs("../../bin/spoor-go")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-buildvcs=false", "-o", path, ".")
	build.Dir = "spoor-go"
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./test/sdk/spoor-go: %w\n%s", err, out)
	}
	return path, nil
})

// goSends lets spoor-go send, and gives what the package says of it.
func goSends(t *testing.T, wire *wire, scenario string) []message {
	t.Helper()
	path, err := goSender()
	if err != nil {
		t.Fatal(err)
	}
	var sent []message
	start(t, path, wire.url, scenario).say(&sent, func() {})
	return sent
}

func TestGoEveryCall(t *testing.T) {
	t.Parallel()
	for _, scenario := range []string{"every", "sync"} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			spoor := startSpoor(t)
			wire := startWire(t, spoor.url)
			sent := goSends(t, wire, scenario)

			rows := spoor.rowsOf(wire)
			wantSent(t, rows, sent)
			wantRows(t, rows, goSDK(t), everyCall())
			want := map[string]int{"every": 1, "sync": 7}[scenario]
			if have := len(wire.posts()); have != want {
				t.Errorf("want %d requests; have %d", want, have)
			}
		})
	}
}

func TestGoManyEvents(t *testing.T) {
	t.Parallel()
	spoor := startSpoor(t)
	wire := startWire(t, spoor.url)
	sent := goSends(t, wire, "many")

	rows := spoor.rowsOf(wire)
	wantSent(t, rows, sent)
	wantRows(t, rows, goSDK(t), counted())
	if have := len(wire.posts()); have < 5 || have > 50 {
		t.Errorf("want the 500 events in batches; have %d requests", have)
	}
}

// The connection breaks after Spoor has stored the events and before the package has heard so. It sends them again.
func TestGoAnswerLost(t *testing.T) {
	t.Parallel()
	spoor := startSpoor(t)
	wire := startWire(t, spoor.url)
	wire.loseAnswers(2)
	sent := goSends(t, wire, "every")

	rows := spoor.rowsOf(wire)
	wantSent(t, rows, sent)
	wantRows(t, rows, goSDK(t), everyCall())
	if want, have := 3*len(sent), wire.delivered(); have != want {
		t.Errorf("want %d events over the wire, the %d of them three times; have %d", want, len(sent), have)
	}
}

// What the package writes to a Kinesis stream is what the loader reads there.
func TestGoKinesisRecord(t *testing.T) {
	t.Parallel()
	record, err := os.ReadFile("../../sdk/go/kinesis/testdata/record.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	reader := event.NewRecordReader()
	if err := reader.Open(record, event.Origin{Stream: "events", Shard: "0", Position: "1", Source: "backend"}); err != nil {
		t.Fatal(err)
	}
	var have []string
	var e event.Event
	for {
		verdict, more := reader.Next(&e)
		if !more {
			break
		}
		if !verdict.OK() {
			t.Errorf("want every event good; have %s: %s: %s", verdict.Reason, verdict.Detail, e.Raw)
		}
		if want := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC).UnixMicro(); e.OriginalTimestamp != want {
			t.Errorf("%s: want the time %d; have %d", e.MessageID, want, e.OriginalTimestamp)
		}
		if e.UserID != "ada" || e.Locale != "de-AT" || e.Library.Name != goSDK(t).name || e.Request.Source != "backend" {
			t.Errorf("%s: want ada, de-AT, the library and the loader's source; have %s", e.MessageID, e.Raw)
		}
		have = append(have, fmt.Sprint(e.MessageID, " ", e.Type, " ", e.Name, e.GroupID, e.PreviousID))
	}
	want := []string{
		"m1 track Order Completed", "m2 identify ", "m3 page Start", "m4 screen Settings", "m5 group acme", "m6 alias device-1",
	}
	if !slices.Equal(have, want) {
		t.Errorf("want %q; have %q", want, have)
	}
}
