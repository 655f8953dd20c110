package jetstream

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// dialTimeout bounds one attempt at a connection.
const dialTimeout = 5 * time.Second

// Connect opens a stream on a NATS server or cluster:
//
//	nats://[user:password@]host[:port][,host[:port]…]/stream[?replicas=3&max_bytes=10737418240&creds=/path/to/file.creds]
//
// Scheme tls asks for TLS. What the URL says goes before options. A stream that is not there is made. One that is
// there must not be set up to lose records (by age, or the oldest when full), and is changed only in what is asked
// for. Dir, Reserve and Warn have no meaning here.
func Connect(ctx context.Context, rawURL string, options Options) (*Log, error) {
	servers, dialing, err := parse(rawURL, &options)
	if err != nil {
		return nil, err
	}
	dial := func(more ...nats.Option) (*nats.Conn, error) {
		return nats.Connect(servers, append(more, dialing...)...)
	}
	return open(ctx, dial, options.withDefaults())
}

// parse splits a URL into the servers, as NATS wants them, and how to dial them, and sets what it says in options.
func parse(rawURL string, options *Options) (servers string, dialing []nats.Option, err error) {
	scheme, rest, _ := strings.Cut(rawURL, "://")
	authority, path, _ := strings.Cut(rest, "/")
	if scheme != "nats" && scheme != "tls" || authority == "" {
		return "", nil, fmt.Errorf("a stream URL is nats://host:port/stream; got %q", redact(rawURL))
	}
	user, hosts := "", authority
	if at := strings.LastIndex(authority, "@"); at >= 0 {
		user, hosts = authority[:at+1], authority[at+1:]
	}
	var each []string
	for host := range strings.SplitSeq(hosts, ",") {
		server := scheme + "://" + user + host
		if u, err := url.Parse(server); err != nil || u.Hostname() == "" || strings.ContainsAny(host, "?#") {
			return "", nil, fmt.Errorf("stream URL %q: %q is no host:port, or the user and password are not percent-encoded", redact(rawURL), host)
		}
		each = append(each, server)
	}

	tail, err := url.Parse("/" + path)
	if err != nil {
		return "", nil, fmt.Errorf("stream URL %q is not well-formed after the host", redact(rawURL))
	}
	if options.Name = strings.Trim(tail.Path, "/"); options.Name == "" || strings.Contains(options.Name, "@") {
		return "", nil, fmt.Errorf("stream URL %q does not name a stream: want nats://host:port/stream", redact(rawURL))
	}
	dialing = []nats.Option{nats.Name("spoor"), nats.Timeout(dialTimeout)}
	for key, values := range tail.Query() {
		value := values[len(values)-1]
		switch key {
		case "replicas":
			options.Replicas, err = strconv.Atoi(value)
		case "max_bytes":
			options.MaxBytes, err = strconv.ParseInt(value, 10, 64)
		case "creds":
			dialing = append(dialing, nats.UserCredentials(value))
		default:
			err = fmt.Errorf("want replicas, max_bytes or creds")
		}
		if err != nil {
			return "", nil, fmt.Errorf("stream URL: %s=%s: %w", key, value, err)
		}
	}
	return strings.Join(each, ","), dialing, nil
}

// redact hides who connects, and with which password, from an error.
func redact(rawURL string) string {
	scheme, rest, _ := strings.Cut(rawURL, "://")
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		rest = "…" + rest[at:]
	}
	return scheme + "://" + rest
}
