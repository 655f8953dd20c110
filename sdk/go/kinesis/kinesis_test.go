package kinesis

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	spoor "github.com/spoorhq/spoor/sdk/go"
)

// fakeStream keeps what is put. fail, where it is set, is asked about each call, counted from 1: it gives the records to
// refuse, or an error.
type fakeStream struct {
	fail  func(call, records int) ([]int, error)
	calls []kinesis.PutRecordsInput
	kept  []types.PutRecordsRequestEntry
}

func (s *fakeStream) PutRecords(_ context.Context, in *kinesis.PutRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
	s.calls = append(s.calls, *in)
	var refuse []int
	if s.fail != nil {
		var err error
		if refuse, err = s.fail(len(s.calls), len(in.Records)); err != nil {
			return nil, err
		}
	}
	out := &kinesis.PutRecordsOutput{FailedRecordCount: aws.Int32(int32(len(refuse)))}
	for i, r := range in.Records {
		if slices.Contains(refuse, i) {
			out.Records = append(out.Records, types.PutRecordsResultEntry{
				ErrorCode: aws.String("ProvisionedThroughputExceededException"), ErrorMessage: aws.String("slow down"),
			})
			continue
		}
		s.kept = append(s.kept, r)
		out.Records = append(out.Records, types.PutRecordsResultEntry{SequenceNumber: aws.String("1"), ShardId: aws.String("shard")})
	}
	return out, nil
}

// ids gives the message ids in the records kept, in their order.
func (s *fakeStream) ids(t *testing.T) []string {
	t.Helper()
	var ids []string
	for _, r := range s.kept {
		for line := range bytes.Lines(r.Data) {
			var e struct {
				MessageID string `json:"messageId"`
			}
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatalf("want one event a line; have %q: %v", line, err)
			}
			ids = append(ids, e.MessageID)
		}
	}
	return ids
}

func clientOn(t *testing.T, s *fakeStream) *spoor.Client {
	t.Helper()
	publisher, err := New(s, Options{Stream: "events"})
	if err != nil {
		t.Fatal(err)
	}
	client, err := spoor.New(spoor.Options{Publisher: publisher, BatchEvents: 1000, MinPause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// send sends n events of about the size, and gives their ids.
func send(t *testing.T, client *spoor.Client, n, size int) []string {
	t.Helper()
	var ids []string
	for i := range n {
		id := fmt.Sprintf("m%05d", i)
		ids = append(ids, id)
		err := client.Track(t.Context(), spoor.Event{
			UserID: "ada", Name: "Counted", MessageID: id, Properties: spoor.Map{"text": strings.Repeat("x", size-200)},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := client.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestRecordsAreFilledToUnits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ events, size, most int }{
		{2000, 500, 45},   // about 50 a unit
		{100, 10_000, 52}, // two a unit, and a batch is cut in the middle of one
		{10, 30_000, 20},  // two units each
	} {
		s := &fakeStream{}
		want := send(t, clientOn(t, s), test.events, test.size)
		if have := s.ids(t); !slices.Equal(have, want) {
			t.Errorf("%+v: want every event once and in order; have %d of %d", test, len(have), len(want))
		}
		units := 0
		for _, r := range s.kept {
			if have := len(*r.PartitionKey); have != keyBytes {
				t.Errorf("want a key of %d bytes; have %d", keyBytes, have)
			}
			units += (len(r.Data) + len(*r.PartitionKey) + unit - 1) / unit
		}
		if units > test.most {
			t.Errorf("%+v: want %d PUT units at most; have %d", test, test.most, units)
		}
	}
}

func TestOnlyWhatFailedIsPutAgain(t *testing.T) {
	t.Parallel()
	s := &fakeStream{fail: func(call, records int) ([]int, error) {
		switch call {
		case 1:
			return []int{0, 3}, nil
		case 2:
			return nil, errors.New("connection reset")
		default:
			return nil, nil
		}
	}}
	want := send(t, clientOn(t, s), 1000, 500)
	have := s.ids(t)
	slices.Sort(have)
	if !slices.Equal(have, want) {
		t.Errorf("want every event once; have %d of %d", len(have), len(want))
	}
	if first, second := len(s.calls[0].Records), len(s.calls[1].Records); first < 5 || second != 2 {
		t.Errorf("want the two records that failed put again; have %d of %d", second, first)
	}
	if have := aws.ToString(s.calls[0].StreamName); have != "events" || s.calls[0].StreamARN != nil {
		t.Errorf("want the stream by its name; have %q", have)
	}
}

func TestAShortAnswerIsNoAcknowledgement(t *testing.T) {
	t.Parallel()
	p, err := New(short{}, Options{ARN: "arn:aws:kinesis:eu-west-1:1:stream/events"})
	if err != nil {
		t.Fatal(err)
	}
	var unavailable *spoor.UnavailableError
	_, err = p.Publish(t.Context(), []spoor.Message{{Body: []byte("{}")}})
	if !errors.As(err, &unavailable) || len(unavailable.Messages) != 1 {
		t.Errorf("want the message sent again; have %v", err)
	}
}

type short struct{}

func (short) PutRecords(context.Context, *kinesis.PutRecordsInput, ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
	return &kinesis.PutRecordsOutput{}, nil
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{}, {Stream: "a", ARN: "b"}} {
		if _, err := New(&fakeStream{}, o); err == nil {
			t.Errorf("%+v: want an error", o)
		}
	}
}

// TestRecordIsAsKept holds the record to testdata/record.ndjson, which a test of Spoor reads as its loader does.
func TestRecordIsAsKept(t *testing.T) {
	t.Parallel()
	s := &fakeStream{}
	client := clientOn(t, s)
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	base := func(id string) spoor.Event {
		return spoor.Event{UserID: "ada", AnonymousID: "device-1", MessageID: id, Timestamp: at, Context: spoor.Map{"locale": "de-AT"}}
	}
	track, identify, page, screen, group, alias := base("m1"), base("m2"), base("m3"), base("m4"), base("m5"), base("m6")
	track.Name, track.Properties = "Order Completed", spoor.Map{"revenue": 39.95, "note": "Grüße,\n\"Ada\" 🦌"}
	identify.Traits = spoor.Map{"plan": "pro"}
	page.Name, page.Category = "Start", "Docs"
	screen.Name = "Settings"
	group.GroupID, group.Traits = "acme", spoor.Map{"seats": 3}
	alias.PreviousID = "device-1"
	ctx := t.Context()
	for _, err := range []error{
		client.Track(ctx, track), client.Identify(ctx, identify), client.Page(ctx, page),
		client.Screen(ctx, screen), client.Group(ctx, group), client.Alias(ctx, alias), client.Close(ctx),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join("testdata", "record.ndjson")
	if os.Getenv("SPOOR_UPDATE_DOCS") != "" {
		if err := os.WriteFile(path, s.kept[0].Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if have := s.kept[0].Data; len(s.kept) != 1 || !bytes.Equal(have, want) {
		t.Errorf("want %s\nhave %s", want, have)
	}
}
