package kinesis

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/spoorhq/spoor/internal/awsconf"
)

// location is what a URL says.
type location struct {
	name     string // of the stream
	arn      string // of the stream; empty when it was named by its name
	from     start
	consumer string // for enhanced fan-out, by name or ARN; empty: readers poll
	create   int    // make a stream that is not there, with so many shards; 0: do not
	aws      awsconf.Options
}

// start is where the reading of a shard begins that has no position yet.
type start struct {
	kind types.ShardIteratorType
	at   time.Time
}

var streamName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,128}$`)

// parse reads kinesis://NAME?option=… or kinesis:ARN?option=…
func parse(text string) (location, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "kinesis" {
		return location{}, fmt.Errorf("a Kinesis stream is kinesis://NAME or kinesis:ARN; got %q", text)
	}
	l := location{name: u.Host, arn: u.Opaque}
	if l.arn != "" {
		_, l.name, _ = strings.Cut(l.arn, ":stream/")
	}
	if !streamName.MatchString(l.name) || strings.Trim(u.Path, "/") != "" || u.User != nil || u.Port() != "" {
		return l, fmt.Errorf("a Kinesis stream is kinesis://NAME or kinesis:ARN, its name of letters, digits, _, . and -; got %q", text)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return l, fmt.Errorf("the options of stream %s: %w", l.name, err)
	}
	known := append([]string{"from", "consumer", "create"}, awsconf.Names()...)
	for name := range query {
		if !slices.Contains(known, name) {
			return l, fmt.Errorf("stream %s has no option %q; there are %s", l.name, name, strings.Join(known, ", "))
		}
	}
	l.aws = awsconf.FromQuery(query)
	if l.arn != "" && l.aws.Region == "" {
		if parts := strings.Split(l.arn, ":"); len(parts) > 3 {
			l.aws.Region = parts[3]
		}
	}
	l.consumer = query.Get("consumer")
	if l.from, err = parseStart(query.Get("from")); err != nil {
		return l, err
	}
	if text := query.Get("create"); text != "" {
		if l.create, err = strconv.Atoi(text); err != nil || l.create < 1 || l.create > 10_000 {
			return l, fmt.Errorf("create must be a number of shards; got %q", text)
		}
	}
	return l, nil
}

func parseStart(text string) (start, error) {
	switch strings.ToLower(text) {
	case "", "trim_horizon", "oldest":
		return start{kind: types.ShardIteratorTypeTrimHorizon}, nil
	case "latest":
		return start{kind: types.ShardIteratorTypeLatest}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return start{}, fmt.Errorf("from must be trim_horizon, latest or a time such as 2026-11-25T08:00:00Z; got %q", text)
	}
	if at.After(time.Now()) {
		return start{}, fmt.Errorf("from cannot be in the future; got %q", text)
	}
	return start{kind: types.ShardIteratorTypeAtTimestamp, at: at}, nil
}

// named is how calls name the stream: by its ARN where the URL did, for it may be another account's.
func (l location) named() (name, arn *string) {
	if l.arn != "" {
		return nil, aws.String(l.arn)
	}
	return aws.String(l.name), nil
}
