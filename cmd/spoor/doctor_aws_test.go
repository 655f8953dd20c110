package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/spoorhq/spoor/internal/firehosefake"
)

// diagnose runs doctor and gives its findings by check.
func diagnose(t *testing.T, args ...string) (findings map[string][]finding, code int) {
	t.Helper()
	out, stderr, code := runIn(t, "", append([]string{
		"doctor", "--json", "--data", t.TempDir(), "--addr", "127.0.0.1:0", "--server", "http://127.0.0.1:9",
	}, args...)...)
	var list []finding
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatalf("%v: %s%s", err, out, stderr)
	}
	findings = map[string][]finding{}
	for _, f := range list {
		findings[f.Check] = append(findings[f.Check], f)
	}
	return findings, code
}

func TestDoctorOfFirehose(t *testing.T) {
	t.Parallel()
	fake := firehosefake.New(t)
	have, code := diagnose(t, "--stream", "firehose://events?dead_letters=missing-dead&endpoint="+url.QueryEscape(fake.URL))
	if code != exitMismatch {
		t.Errorf("want code %d; have %d", exitMismatch, code)
	}
	if len(have["aws identity"]) != 1 || len(have["firehose"]) != 2 {
		t.Fatalf("want an identity and two delivery streams; have %+v", have)
	}
	if f := have["firehose"][0]; !f.OK || !strings.Contains(f.Detail, "events is ACTIVE") {
		t.Errorf("want the delivery stream well; have %+v", f)
	}
	if f := have["firehose"][1]; f.OK || !strings.Contains(f.Do, "missing-dead") {
		t.Errorf("want it said what to make; have %+v", f)
	}
}

func TestDoctorOfKinesisNamesThePermission(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type":"AccessDeniedException","message":"no"}`))
	}))
	t.Cleanup(server.Close)
	have, code := diagnose(t, "--stream", "kinesis://events?endpoint="+url.QueryEscape(server.URL))
	if f := have["kinesis stream"]; code != exitMismatch || len(f) != 1 || !strings.Contains(f[0].Do, "kinesis:DescribeStreamSummary") {
		t.Errorf("want the missing permission named; have %d %+v", code, f)
	}
}
