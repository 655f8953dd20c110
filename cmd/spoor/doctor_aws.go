package main

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/spoorhq/spoor/internal/awsconf"
	"github.com/spoorhq/spoor/internal/awsdoctor"
)

// awsWithin bounds what AWS may take for all its answers.
const awsWithin = time.Minute

// aws asks AWS about what the stream and the warehouse need of it. What is no AWS's is not asked about.
func (d *doctor) aws(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, awsWithin)
	defer cancel()
	asked := map[awsconf.Options]bool{}
	for _, part := range []struct {
		flag, location string
		check          func(context.Context, aws.Config, *url.URL) []awsdoctor.Finding
	}{
		{"--stream", d.c.Stream, checkStream},
		{"--warehouse", d.c.Warehouse, checkStaging},
		{"--leases", d.c.Leases, checkLeases},
	} {
		u, err := url.Parse(part.location)
		if err != nil || !onAWS(u.Scheme) {
			continue
		}
		options := awsOptions(u)
		config, err := awsconf.Load(ctx, options)
		if err != nil {
			d.add("aws", false, "mend the URL, or the configuration of AWS's tools", "%s: %v", part.flag, err)
			continue
		}
		var findings []awsdoctor.Finding
		if !asked[options] {
			asked[options] = true
			findings = append(findings, awsdoctor.Identity(ctx, config))
		}
		for _, f := range append(findings, part.check(ctx, config, u)...) {
			d.add(f.Check, f.OK, f.Do, "%s", f.Detail)
		}
	}
}

func onAWS(scheme string) bool {
	return slices.Contains([]string{"kinesis", "firehose", "redshift", "dynamodb"}, scheme)
}

// awsOptions gives how a URL's driver reaches AWS.
func awsOptions(u *url.URL) awsconf.Options {
	options := awsconf.FromQuery(u.Query())
	if parts := strings.Split(u.Opaque, ":"); options.Region == "" && len(parts) > 3 {
		options.Region = parts[3] // of an ARN
	}
	// A Redshift's host holds its region: NAME.….REGION.redshift.amazonaws.com
	labels := strings.Split(u.Hostname(), ".")
	if options.Region == "" && u.Scheme == "redshift" && len(labels) >= 6 && labels[4] == "amazonaws" {
		options.Region = labels[2]
	}
	return options
}

func checkStream(ctx context.Context, config aws.Config, u *url.URL) []awsdoctor.Finding {
	if u.Scheme == "kinesis" {
		return awsdoctor.Kinesis(ctx, config, u.Host, u.Opaque)
	}
	findings := awsdoctor.Firehose(ctx, config, u.Host)
	if dead := u.Query().Get(deadLettersName); dead != "" {
		findings = append(findings, awsdoctor.Firehose(ctx, config, dead)...)
	}
	return findings
}

// checkStaging checks the place for staged files; the database itself is checked as every warehouse is, by opening it.
func checkStaging(ctx context.Context, config aws.Config, u *url.URL) []awsdoctor.Finding {
	place, err := url.Parse(u.Query().Get("staging"))
	if err != nil || place.Scheme != "s3" {
		return nil // opening the warehouse says so
	}
	return []awsdoctor.Finding{awsdoctor.Staging(ctx, config, place.Host, strings.Trim(place.Path, "/"))}
}

// checkLeases checks what a loader may do to the table; what is in it is another finding.
func checkLeases(ctx context.Context, config aws.Config, u *url.URL) []awsdoctor.Finding {
	f := awsdoctor.Leases(ctx, config, u.Host)
	if !f.OK && strings.HasPrefix(f.Detail, "ResourceNotFoundException") {
		return nil // a loader makes it
	}
	return []awsdoctor.Finding{f}
}

// warehouseRemedy tells what helps when a warehouse cannot be opened or does not load.
func warehouseRemedy(location string, err error) string {
	api, asked := errors.AsType[smithy.APIError](err)
	switch {
	case !strings.HasPrefix(location, "redshift:"):
		return "see the message; a file that another process has open cannot be checked"
	case asked && strings.Contains(api.ErrorCode(), "AccessDenied"):
		return "allow this identity what the message names: redshift-serverless:GetCredentials on the workgroup or redshift:GetClusterCredentialsWithIAM " +
			"on the cluster's database to connect, s3:PutObject and s3:DeleteObject on the prefix of staging to load"
	case err != nil && strings.Contains(err.Error(), "copying "):
		return "attach the role of iam_role to the workgroup's namespace or the cluster, and allow it s3:GetObject and s3:ListBucket on the prefix of staging"
	default:
		return "see the message; to connect, the security group must let this machine reach port 5439, and the database user must exist and own the schema"
	}
}
