package units

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/collect"
	"github.com/spoorhq/spoor/collect/segment"
	"github.com/spoorhq/spoor/internal/kinesisfake"
	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/stream/kinesis"
)

// door opens a door on a fake of Kinesis, which is asked again for as long as patience says.
func door(t *testing.T, patience stream.Patience) (*collect.Collector, *kinesisfake.Service) {
	t.Helper()
	fake := kinesisfake.New(kinesisfake.Options{})
	if err := fake.CreateStream("door", 1); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	log, err := kinesis.Open(t.Context(), "kinesis://door?endpoint="+server.URL, kinesis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := collect.New(collect.Options{
		Log: stream.Retry(log, patience), ID: "door", Protocols: []collect.Protocol{segment.New()},
		Sources: []collect.Source{{Name: "web", Keys: []string{"k"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, fake
}

// send sends a batch of so many events.
func send(t *testing.T, c *collect.Collector, events int) *httptest.ResponseRecorder {
	t.Helper()
	var list []string
	for i := range events {
		list = append(list, fmt.Sprintf(`{"type":"track","event":"X","userId":"u","messageId":"%d"}`, i))
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/batch", strings.NewReader(`{"batch":[`+strings.Join(list, ",")+`]}`))
	r.SetBasicAuth("k", "")
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w
}

// TestFlaw16RefusingStreamIs503: while Kinesis takes nothing, the client is told to come again, after the bound; when it
// does and Kinesis takes records, it gets its 200.
func TestFlaw16RefusingStreamIs503(t *testing.T) {
	t.Parallel()
	c, fake := door(t, stream.Patience{First: 10 * time.Millisecond, Within: 300 * time.Millisecond})
	fake.SetFaults(kinesisfake.Faults{ThrottlePuts: 1})
	w := send(t, c, 3)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("want 503, and when to come again; have %d %v %s", w.Code, w.Header(), w.Body)
	}
	if counts := fake.Counts(); counts.Records != 0 || counts.Calls["PutRecords"] < 2 {
		t.Errorf("want it tried again, and nothing kept; have %+v", counts)
	}
	fake.SetFaults(kinesisfake.Faults{})
	// The client comes again when it was told to.
	for w.Code != http.StatusOK && t.Context().Err() == nil {
		seconds, err := strconv.Atoi(w.Header().Get("Retry-After"))
		if w.Code != http.StatusServiceUnavailable || err != nil || seconds > 10 {
			t.Fatalf("want 200, or 503 and when to come again; have %d %v %s", w.Code, w.Header(), w.Body)
		}
		select {
		case <-time.After(time.Duration(seconds) * time.Second):
		case <-t.Context().Done():
		}
		w = send(t, c, 3)
	}
	if counts := fake.Counts(); counts.Records != 1 {
		t.Errorf("want one record when there was a 200; have %+v", counts)
	}
}

// TestFlaw17ManyEventsToAUnit: a request's events share a record, and with it the unit that Kinesis bills. How many do under
// load is BenchmarkPayloadUnits' to say.
func TestFlaw17ManyEventsToAUnit(t *testing.T) {
	t.Parallel()
	c, fake := door(t, stream.Patience{})
	if w := send(t, c, 250); w.Code != http.StatusOK {
		t.Fatalf("want 200; have %d %s", w.Code, w.Body)
	}
	if counts := fake.Counts(); counts.Records != 1 || counts.Units != 1 {
		t.Errorf("want 250 events in one record of one unit; have %+v", counts)
	}
}
