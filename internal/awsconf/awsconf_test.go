package awsconf_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/spoorhq/spoor/internal/awsconf"
)

// alone takes away what the machine knows about AWS.
func alone(t *testing.T) context.Context {
	t.Helper()
	for _, name := range []string{
		"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		"AWS_MAX_ATTEMPTS",
	} {
		t.Setenv(name, "")
	}
	none := t.TempDir() + "/none"
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestEmulatorNeedsNoCredentials(t *testing.T) {
	ctx := alone(t)
	for _, endpoint := range []string{"http://127.0.0.1:4567", "http://localhost:4567", "http://[::1]:4567"} {
		conf, err := awsconf.Load(ctx, awsconf.FromQuery(url.Values{"endpoint": {endpoint}}))
		if err != nil {
			t.Fatal(err)
		}
		have, err := conf.Credentials.Retrieve(ctx)
		if err != nil || have.AccessKeyID != "test" || conf.Region != "us-east-1" || *conf.BaseEndpoint != endpoint {
			t.Errorf("%s: want made-up credentials and a region; have %+v in %q, %v", endpoint, have, conf.Region, err)
		}
	}
}

func TestConfiguredCredentialsAreUsed(t *testing.T) {
	ctx := alone(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDOURS")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	for _, endpoint := range []string{"", "http://127.0.0.1:4567"} {
		conf, err := awsconf.Load(ctx, awsconf.Options{Region: "eu-central-1", Endpoint: endpoint})
		if err != nil {
			t.Fatal(err)
		}
		have, err := conf.Credentials.Retrieve(ctx)
		if err != nil || have.AccessKeyID != "AKIDOURS" || conf.Region != "eu-central-1" {
			t.Errorf("%s: want AKIDOURS in eu-central-1; have %s in %s, %v", endpoint, have.AccessKeyID, conf.Region, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	ctx := alone(t)
	for _, c := range []struct {
		options awsconf.Options
		want    string
	}{
		{awsconf.Options{}, "no AWS region"},
		{awsconf.Options{Endpoint: "https://kinesis.internal"}, "no AWS region"},
		{awsconf.Options{Endpoint: "127.0.0.1:4567"}, `got "127.0.0.1:4567"`},
		{awsconf.Options{Endpoint: "ftp://127.0.0.1"}, `got "ftp://127.0.0.1"`},
		{awsconf.Options{Endpoint: "http://"}, `got "http://"`},
		{awsconf.Options{Region: "eu-central-1", Profile: "nobody"}, "nobody"},
	} {
		if _, err := awsconf.Load(ctx, c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: want an error with %q; have %v", c.options, c.want, err)
		}
	}
}

// A call that fails is not tried again below the driver, whatever the environment says.
func TestCallsAreTriedOnce(t *testing.T) {
	ctx := alone(t)
	t.Setenv("AWS_MAX_ATTEMPTS", "7")
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer server.Close()
	for attempts, want := range map[int]int32{0: 1, 1: 1, 2: 2} {
		calls.Store(0)
		conf, err := awsconf.Load(ctx, awsconf.Options{Endpoint: server.URL, Attempts: attempts})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := kinesis.NewFromConfig(conf).ListStreams(ctx, nil); err == nil {
			t.Error("want an error from a server that only fails; have none")
		}
		if have := calls.Load(); have != want {
			t.Errorf("%d attempts: want %d calls; have %d", attempts, want, have)
		}
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.8.8.8:80": true, "[::1]:80": true, "::1": true, "localhost:5439": true,
		"": false, "0.0.0.0": false, "10.0.0.1:80": false, "localhost.evil.example": false, "redshift.amazonaws.com": false,
	} {
		if have := awsconf.Loopback(host); have != want {
			t.Errorf("%q: want %t; have %t", host, want, have)
		}
	}
}
