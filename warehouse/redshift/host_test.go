package redshift

import "testing"

// TestHost: the name of a host tells the region, and the cluster or workgroup.
func TestHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]location{
		"main.cabc123.eu-west-1.redshift.amazonaws.com":                    {cluster: "main"},
		"team.123456789012.eu-west-1.redshift-serverless.amazonaws.com":    {workgroup: "team"},
		"team.123456789012.eu-west-1.redshift-serverless.amazonaws.com.cn": {workgroup: "team"},
	} {
		have, err := parseLocation("redshift://u@" + host + "/db?iam_role=default&staging=s3://b/p/&auth=iam")
		if err != nil || have.cluster != want.cluster || have.workgroup != want.workgroup || have.aws.Region != "eu-west-1" || have.prefix != "p/" {
			t.Errorf("%s: want %+v in eu-west-1; have %+v (%v)", host, want, have, err)
		}
		if want := "postgres://u@" + host + ":5439/db"; have.server != want {
			t.Errorf("want %s; have %s", want, have.server)
		}
	}
}

// TestMarks: which numbers a SUPER gets as they are.
func TestMarks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a":1,"b":-2.5,"c":[9223372036854775807,0.8444218515250481,1e21,1e-7]}`: "",
		`9223372036854775808`: `"` + "\U0010FFFDn" + `9223372036854775808"`, `[1e400,-1E400]`: "[\"\U0010FFFDx1e400\",\"\U0010FFFDx-1E400\"]", `{"a":1e-400}`: "{\"a\":\"\U0010FFFDz1e-400\"}",
		`{"1e400":"1e400 \" 1e400"}`: "", `"\\"`: "", `{"a":"\u0000"}`: "{\"a\":\"\U0010FFFDu\"}",
	} {
		if want == "" {
			want = text
		}
		if have := string(appendSuper(nil, text)); have != want {
			t.Errorf("%s: want %s; have %s", text, want, have)
		}
	}
}
