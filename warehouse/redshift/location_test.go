package redshift_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/spoorhq/spoor/internal/pgtest"
	"github.com/spoorhq/spoor/internal/redshiftfake"
	"github.com/spoorhq/spoor/warehouse/redshift"
)

// TestURL: what a URL must say, and what is wrong with one.
func TestURL(t *testing.T) {
	t.Parallel()
	const good = "redshift://u:p@127.0.0.1:1/db?sslmode=disable&region=eu-west-1&iam_role=default&staging=s3://bucket/x"
	for location, want := range map[string]string{
		"postgres://u@h/db": "must be redshift://user@host", "redshift://u:secret@%zz/db": "must be redshift://user@host", "redshift://u@h:5439/": "must be redshift://user@host",
		"redshift://u@127.0.0.1/db?iam_role=default":                              `staging must be s3://bucket/prefix; got ""`,
		"redshift://u@127.0.0.1/db?iam_role=default&staging=http://x/y":           `staging must be s3://bucket/prefix; got "http://x/y"`,
		"redshift://u@127.0.0.1/db?iam_role=default&staging=s3://b/it's":          `staging must be`,
		"redshift://u@127.0.0.1/db?staging=s3://b/x":                              `iam_role must be the ARN`,
		"redshift://u@127.0.0.1/db?staging=s3://b/x&iam_role=x'%20manifest":       `iam_role must be the ARN`,
		strings.Replace(good, "iam_role", "keep=forever&iam_role", 1):             `keep must be archive or absent; got "forever"`,
		strings.Replace(good, "iam_role", "auth=kerberos&iam_role", 1):            `auth must be password or iam; got "kerberos"`,
		strings.Replace(good, "iam_role", "auth=iam&iam_role", 1):                 "auth=iam needs cluster=NAME or workgroup=NAME",
		strings.Replace(good, "iam_role", "auth=iam&cluster=c&iam_role", 1):       "auth=iam takes no password",
		strings.Replace(good, "127.0.0.1", "db.example.com", 1):                   "sslmode off loopback must be",
		strings.Replace(good, "region=eu-west-1", "endpoint=ftp://127.0.0.1/", 1): "endpoint must be",
		good: "refused",
	} {
		_, err := redshift.Open(t.Context(), redshift.Options{URL: location})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: want the error %q; have %v", location, want, err)
		}
	}
}

// TestIAM: each connection asks AWS for a password of its own, a cluster's and a workgroup's in their ways.
func TestIAM(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	var last atomic.Value
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		password := fmt.Sprint("secret-", asked.Add(1))
		if !strings.Contains(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256") {
			t.Error("want a signed request")
		}
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetCredentials") {
			var input struct{ WorkgroupName, DbName string }
			if err := json.NewDecoder(r.Body).Decode(&input); err != nil || input.WorkgroupName != "team" || input.DbName == "" {
				t.Errorf("want workgroup team and a database; have %+v (%v)", input, err)
			}
			last.Store("IAM:serverless " + password)
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			fmt.Fprintf(w, `{"dbUser":"IAM:serverless","dbPassword":%q}`, password)
			return
		}
		if err := r.ParseForm(); err != nil || r.Form.Get("ClusterIdentifier") != "main" || r.Form.Get("DbName") == "" || r.Form.Get("DurationSeconds") != "900" {
			t.Errorf("want cluster main and a database; have %v (%v)", r.Form, err)
		}
		user := map[string]string{"GetClusterCredentials": "IAM:" + r.Form.Get("DbUser"), "GetClusterCredentialsWithIAM": "IAMR:role"}[r.Form.Get("Action")]
		last.Store(user + " " + password)
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprintf(w, `<%[1]sResponse xmlns="http://redshift.amazonaws.com/doc/2012-12-01/"><%[1]sResult><DbUser>%s</DbUser><DbPassword>%s</DbPassword></%[1]sResult></%[1]sResponse>`,
			r.Form.Get("Action"), user, password)
	}))
	t.Cleanup(aws.Close)
	database := pgtest.Database(t)
	var logins atomic.Value
	server, err := redshiftfake.Start(t.Context(), redshiftfake.Options{Postgres: database, Check: func(user, password string) error {
		logins.Store(user)
		if last.Load() != user+" "+password {
			return errors.New("password authentication failed")
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	location, err := server.URL(database[strings.LastIndex(database, "/")+1:], bucket, "x")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ user, parameter, want string }{
		{"ada", "cluster=main", "IAM:ada"}, {"", "cluster=main", "IAMR:role"}, {"", "workgroup=team", "IAM:serverless"},
	} {
		u.User = url.User(c.user)
		if c.user == "" {
			u.User = nil
		}
		before := asked.Load()
		w, err := redshift.Open(t.Context(), redshift.Options{URL: u.String() + "&auth=iam&region=eu-west-1&auth_endpoint=" + url.QueryEscape(aws.URL) + "&" + c.parameter})
		if err != nil {
			t.Errorf("%s: %v", c.want, err)
			continue
		}
		if logins.Load() != c.want || asked.Load() != before+1 {
			t.Errorf("want one login as %s; have %v and %d", c.want, logins.Load(), asked.Load()-before)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	// A password that AWS did not give does not get in.
	u.User = url.UserPassword("ada", "guess")
	if _, err := redshift.Open(t.Context(), redshift.Options{URL: u.String()}); err == nil || !strings.Contains(err.Error(), "password authentication failed") {
		t.Errorf("want a refusal; have %v", err)
	}
}
