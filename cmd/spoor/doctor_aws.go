package main

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

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
	return scheme == "kinesis" || scheme == "firehose" || scheme == "redshift"
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
