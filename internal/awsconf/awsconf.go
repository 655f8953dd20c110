// Package awsconf reads from a URL's query how to reach an AWS service, so that every driver that speaks to AWS takes the
// same options and behaves alike: it looks for credentials where the AWS SDK does, needs none for an emulator on this
// machine, and tries a call once, since trying again is for the wrappers around drivers.
package awsconf

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Options say how to reach AWS. What is empty comes from where the SDK looks: the environment, the shared
// configuration files, the role of the machine or container.
type Options struct {
	Region   string
	Endpoint string // http(s)://host:port in place of AWS's own
	Profile  string // of the shared configuration files
	// Attempts is how often a call is tried. Default 1: drivers do not try again.
	Attempts int
}

// Names are the options in a URL's query that FromQuery reads.
func Names() []string { return []string{"region", "endpoint", "profile"} }

// FromQuery takes the options out of a URL's query.
func FromQuery(query url.Values) Options {
	return Options{Region: query.Get("region"), Endpoint: query.Get("endpoint"), Profile: query.Get("profile")}
}

// localRegion is what emulators are told when no region is configured.
const localRegion = "us-east-1"

// Load makes the configuration that clients are made of. It refuses an endpoint that is no http or https URL, and a
// region that is configured nowhere, unless the endpoint is on loopback. On loopback, where no environment variable and
// no profile names credentials, it uses made-up ones: an emulator takes any.
func Load(ctx context.Context, o Options) (aws.Config, error) {
	loopback, err := onLoopback(o.Endpoint)
	if err != nil {
		return aws.Config{}, err
	}
	var with []func(*config.LoadOptions) error
	if o.Region != "" {
		with = append(with, config.WithRegion(o.Region))
	}
	if o.Profile != "" {
		with = append(with, config.WithSharedConfigProfile(o.Profile))
	}
	if loopback && o.Profile == "" {
		named, err := namesCredentials()
		if err != nil {
			return aws.Config{}, err
		}
		if !named {
			with = append(with, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
		}
	}
	conf, err := config.LoadDefaultConfig(ctx, with...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("configuring AWS: %w", err)
	}
	if conf.Region == "" {
		if !loopback {
			return aws.Config{}, errors.New("no AWS region is configured: put region=… into the URL, or set AWS_REGION")
		}
		conf.Region = localRegion
	}
	if o.Endpoint != "" {
		conf.BaseEndpoint = aws.String(o.Endpoint)
	}
	// The SDK's own source of credentials keeps its retries: only the calls of clients made of this configuration have none.
	conf.RetryMaxAttempts = max(o.Attempts, 1)
	if conf.RetryMaxAttempts == 1 {
		conf.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	}
	return conf, nil
}

// onLoopback tells whether only this machine is meant. No endpoint is AWS.
func onLoopback(endpoint string) (bool, error) {
	if endpoint == "" {
		return false, nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return false, fmt.Errorf("endpoint must be http://host:port or https://host:port; got %q", endpoint)
	}
	return Loopback(u.Hostname()), nil
}

// Loopback tells whether a host, with or without a port, is this machine and can be reached from no other.
func Loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// namesCredentials tells whether the environment says where credentials are.
func namesCredentials() (bool, error) {
	env, err := config.NewEnvConfig()
	if err != nil {
		return false, fmt.Errorf("reading the environment for AWS: %w", err)
	}
	return env.Credentials.HasKeys() || env.SharedConfigProfile != "" || env.WebIdentityTokenFilePath != "" ||
		env.ContainerCredentialsEndpoint != "" || env.ContainerCredentialsRelativePath != "", nil
}
