package awsdoctor_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/spoorhq/spoor/internal/awsconf"
	"github.com/spoorhq/spoor/internal/awsdoctor"
)

// script answers AWS's JSON calls, by the operation's name: a body, or a refusal where it begins with an error's code.
type script struct {
	mu     sync.Mutex
	calls  []string
	answer map[string]string
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var in struct{ DryRun bool }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || operation == "PutRecords" && !in.DryRun {
		operation = "a record that stays"
	}
	s.mu.Lock()
	s.calls = append(s.calls, operation)
	answer, ok := s.answer[operation]
	s.mu.Unlock()
	if !ok {
		answer = "AccessDeniedException"
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if !strings.HasPrefix(answer, "{") {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": answer, "message": "User: arn:aws:iam::1:user/x said " + operation})
		return
	}
	_, _ = w.Write([]byte(answer))
}

func (s *script) called(operation string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.calls, operation)
}

func emulated(t *testing.T, handler http.Handler) aws.Config {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	config, err := awsconf.Load(t.Context(), awsconf.Options{Region: "us-east-1", Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// authentic is a configuration that looks as AWS's own does, whose calls go to the script all the same.
func authentic(t *testing.T, handler http.Handler) aws.Config {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		HTTPClient: redirect(server.Listener.Addr().String()), Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
}

type redirect string

func (r redirect) Do(request *http.Request) (*http.Response, error) {
	request.URL.Scheme, request.URL.Host = "http", string(r)
	return http.DefaultClient.Do(request)
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// healthy is a stream and a table that are well.
func healthy() map[string]string {
	return map[string]string{
		"DescribeStreamSummary": `{"StreamDescriptionSummary":{"StreamName":"events","StreamARN":"arn:aws:kinesis:us-east-1:1:stream/events","StreamStatus":"ACTIVE","OpenShardCount":2,"RetentionPeriodHours":72,"EnhancedMonitoring":[],"StreamCreationTimestamp":1}}`,
		"ListShards":            `{"Shards":[{"ShardId":"shardId-000000000000","HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"1"},"SequenceNumberRange":{"StartingSequenceNumber":"1"}}]}`,
		"GetShardIterator":      `{"ShardIterator":"it"}`,
		"GetRecords":            `{"Records":[],"NextShardIterator":"it","MillisBehindLatest":0}`,
		"PutRecords":            "DryRunOperationException",
		"DescribeTable":         `{"Table":{"TableName":"leases","TableArn":"arn:aws:dynamodb:us-east-1:1:table/leases","TableStatus":"ACTIVE","KeySchema":[{"AttributeName":"leaseKey","KeyType":"HASH"}]}}`,
		"Scan":                  `{"Count":1,"Items":[]}`,
		"PutItem":               "ConditionalCheckFailedException", "UpdateItem": "ConditionalCheckFailedException", "DeleteItem": "ConditionalCheckFailedException",
	}
}

func TestKinesisWell(t *testing.T) {
	t.Parallel()
	s := &script{answer: healthy()}
	for _, f := range awsdoctor.Kinesis(within(t), authentic(t, s), "events", "") {
		if !f.OK || f.Do != "" {
			t.Errorf("want all well; have %+v", f)
		}
	}
	if !s.called("PutRecords") || !s.called("GetRecords") || s.called("a record that stays") {
		t.Errorf("want putting, by a dry run, and reading tried; have %v", s.calls)
	}
}

// TestNoRecordIsPutWhereADryRunMayNotBeHeeded: an emulator would keep the record.
func TestNoRecordIsPutWhereADryRunMayNotBeHeeded(t *testing.T) {
	t.Parallel()
	s := &script{answer: healthy()}
	findings := awsdoctor.Kinesis(within(t), emulated(t, s), "events", "")
	if s.called("PutRecords") {
		t.Error("want no record put")
	}
	for _, f := range findings {
		if f.Check == "kinesis put" && !strings.Contains(f.Detail, "not tried") {
			t.Errorf("want it said that putting was not tried; have %+v", f)
		}
	}
}

// TestEachMissingPermissionIsNamed takes away one permission at a time.
func TestEachMissingPermissionIsNamed(t *testing.T) {
	t.Parallel()
	for operation, want := range map[string]string{
		"DescribeStreamSummary": "kinesis:DescribeStreamSummary on stream events",
		"ListShards":            "kinesis:ListShards on arn:aws:kinesis:us-east-1:1:stream/events",
		"GetShardIterator":      "kinesis:GetShardIterator on arn:", "GetRecords": "kinesis:GetRecords on arn:", "PutRecords": "kinesis:PutRecords on arn:",
		"DescribeTable": "dynamodb:DescribeTable on table leases", "Scan": "dynamodb:Scan on arn:aws:dynamodb:us-east-1:1:table/leases",
		"PutItem": "dynamodb:PutItem on arn:", "UpdateItem": "dynamodb:UpdateItem on arn:", "DeleteItem": "dynamodb:DeleteItem on arn:",
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			s := &script{answer: healthy()}
			delete(s.answer, operation)
			config := authentic(t, s)
			findings := append(awsdoctor.Kinesis(within(t), config, "events", ""), awsdoctor.Leases(within(t), config, "leases"))
			var bad []awsdoctor.Finding
			for _, f := range findings {
				if !f.OK {
					bad = append(bad, f)
				}
			}
			if len(bad) != 1 || !strings.Contains(bad[0].Do, "allow "+want) || !strings.Contains(bad[0].Detail, "AccessDenied") {
				t.Errorf("want one finding that says to allow %s; have %+v", want, bad)
			}
		})
	}
}

func TestWhatElseCanBeWrong(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ operation, answer, want string }{
		{"DescribeStreamSummary", "ResourceNotFoundException", "make stream events"},
		{"DescribeStreamSummary", "ExpiredTokenException", "sign in again"},
		{"DescribeStreamSummary", strings.Replace(healthy()["DescribeStreamSummary"], "ACTIVE", "DELETING", 1), "ACTIVE"},
		{"ListShards", `{"Shards":[]}`, "state"},
		{"DescribeTable", strings.Replace(healthy()["DescribeTable"], "leaseKey", "id", 1), "a table of its own"},
		{"DescribeTable", strings.Replace(healthy()["DescribeTable"], "ACTIVE", "CREATING", 1), "ACTIVE"},
	} {
		s := &script{answer: healthy()}
		s.answer[test.operation] = test.answer
		config := authentic(t, s)
		said := false
		for _, f := range append(awsdoctor.Kinesis(within(t), config, "events", ""), awsdoctor.Leases(within(t), config, "leases")) {
			said = said || !f.OK && strings.Contains(f.Do, test.want)
		}
		if !said {
			t.Errorf("%s answers %.60s: want a finding that says %q", test.operation, test.answer, test.want)
		}
	}
}

// TestAShortRetentionIsNoFault: it is Kinesis's default, and worth a word.
func TestAShortRetentionIsNoFault(t *testing.T) {
	t.Parallel()
	s := &script{answer: healthy()}
	s.answer["DescribeStreamSummary"] = strings.Replace(s.answer["DescribeStreamSummary"], "72", "24", 1)
	said := false
	for _, f := range awsdoctor.Kinesis(within(t), authentic(t, s), "events", "") {
		said = said || f.OK && strings.Contains(f.Detail, "increase-stream-retention-period --stream-name events")
		if !f.OK {
			t.Errorf("want all well; have %+v", f)
		}
	}
	if !said {
		t.Error("want it said how to keep records for longer")
	}
}

func TestFirehose(t *testing.T) {
	t.Parallel()
	description := func(status, kind string) string {
		return `{"DeliveryStreamDescription":{"DeliveryStreamName":"d","DeliveryStreamARN":"arn:x","DeliveryStreamStatus":"` + status + `","DeliveryStreamType":"` + kind + `","VersionId":"1","Destinations":[],"HasMoreDestinations":false}}`
	}
	for _, test := range []struct{ answer, want string }{
		{description("ACTIVE", "DirectPut"), ""},
		{description("CREATING", "DirectPut"), "ACTIVE"},
		{description("ACTIVE", "KinesisStreamAsSource"), "Direct PUT"},
		{"ResourceNotFoundException", "make delivery stream d"},
		{"AccessDeniedException", "firehose:DescribeDeliveryStream"},
	} {
		s := &script{answer: map[string]string{"DescribeDeliveryStream": test.answer}}
		do := ""
		for _, f := range awsdoctor.Firehose(within(t), emulated(t, s), "d") {
			do += f.Do
		}
		if test.want == "" && do != "" || !strings.Contains(do, test.want) {
			t.Errorf("%.80s: want %q; have %q", test.answer, test.want, do)
		}
	}
}

func TestStaging(t *testing.T) {
	t.Parallel()
	backend := s3mem.New()
	if err := backend.CreateBucket("staging"); err != nil {
		t.Fatal(err)
	}
	inner := gofakes3.New(backend).Server()
	for refused, want := range map[string]string{"": "", http.MethodPut: "s3:PutObject", http.MethodGet: "s3:GetObject", http.MethodDelete: "s3:DeleteObject"} {
		config := emulated(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == refused {
				w.WriteHeader(http.StatusForbidden)
				_, _ = w.Write([]byte(`<Error><Code>AccessDenied</Code><Message>no</Message></Error>`))
				return
			}
			inner.ServeHTTP(w, r)
		}))
		f := awsdoctor.Staging(within(t), config, "staging", "spoor/a")
		if f.OK != (want == "") || want != "" && !strings.Contains(f.Do, "allow "+want+" on arn:aws:s3:::staging/spoor/a/*") {
			t.Errorf("%q refused: want %q; have %+v", refused, want, f)
		}
		if refused == http.MethodDelete && !strings.Contains(f.Do, "and remove s3://staging/spoor/a/spoor-doctor-") {
			t.Errorf("want the object named that is left; have %q", f.Do)
		}
	}
	config := emulated(t, inner)
	if f := awsdoctor.Staging(within(t), config, "nothing-there", ""); f.OK || !strings.Contains(f.Do, "make arn:aws:s3:::nothing-there") {
		t.Errorf("want the bucket said to be missing; have %+v", f)
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		_, _ = w.Write([]byte(`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:sts::1:assumed-role/spoor-loader/x</Arn><UserId>u</UserId><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`))
	})
	if f := awsdoctor.Identity(within(t), authentic(t, answer)); !f.OK || !strings.Contains(f.Detail, "assumed-role/spoor-loader") {
		t.Errorf("want the role named; have %+v", f)
	}
	if f := awsdoctor.Identity(within(t), emulated(t, answer)); !f.OK || !strings.Contains(f.Detail, "not AWS's") {
		t.Errorf("want it said that the endpoint is not AWS's; have %+v", f)
	}
	none := authentic(t, answer)
	none.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, context.DeadlineExceeded })
	if f := awsdoctor.Identity(within(t), none); f.OK || !strings.Contains(f.Do, "AWS_PROFILE") {
		t.Errorf("want it said how to get credentials; have %+v", f)
	}
}
