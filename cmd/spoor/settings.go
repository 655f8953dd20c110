package main

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spoorhq/spoor/enrich"
)

// The flags of the roles. Each role's command embeds those that it needs, and serve embeds all of them.

type dataFlags struct {
	Data string `help:"Where the embedded stream and warehouse keep their files." default:"${data}" env:"SPOOR_DATA" placeholder:"DIR" type:"path"`
}

type addrFlags struct {
	Addr string `help:"Listen here; port 0 picks a free one. The URL is the first line of standard output." default:"127.0.0.1:8080" env:"SPOOR_ADDR" placeholder:"HOST:PORT"`
}

type streamFlags struct {
	Stream      string        `help:"The stream: jetstream:DIR (embedded), nats://host:port/name or kinesis://NAME?region=R. Default: jetstream:DATA/stream." env:"SPOOR_STREAM" placeholder:"URL"`
	StreamLimit byteSize      `help:"The embedded stream's bound on disk. Full means 503 at the door." default:"10GiB" env:"SPOOR_STREAM_LIMIT" placeholder:"SIZE"`
	Retain      time.Duration `help:"How long loaded records stay in the stream." default:"24h" env:"SPOOR_RETAIN"`
}

type warehouseFlags struct {
	Warehouse        string   `help:"The warehouse: duckdb:FILE, postgres://user:password@host:port/database or redshift://user@host:5439/database?staging=s3://bucket/prefix&iam_role=ARN. Default: duckdb:DATA/spoor.duckdb." env:"SPOOR_WAREHOUSE" placeholder:"URL"`
	WarehouseMemory  byteSize `help:"The embedded warehouse's bound on memory." default:"1GiB" env:"SPOOR_WAREHOUSE_MEMORY" placeholder:"SIZE"`
	WarehouseThreads int      `help:"The embedded warehouse's threads for one question. 0: one for each processor, four at most. With 1 a load costs a fifth less processor time." default:"0" env:"SPOOR_WAREHOUSE_THREADS"`
}

type doorFlags struct {
	Source       []string      `help:"A source and its write key, NAME=KEY; give it once for each key. A number of events a second behind a comma bounds the source: web=KEY,500. On loopback the default is dev=dev." env:"SPOOR_SOURCE" placeholder:"NAME=KEY"`
	TrustedProxy []string      `help:"A proxy's address or prefix whose X-Forwarded-For is believed." env:"SPOOR_TRUSTED_PROXY" placeholder:"CIDR"`
	Collector    string        `help:"This collector's id, the same after a restart. Default: the host's name." env:"SPOOR_COLLECTOR" placeholder:"ID"`
	Connections  int           `help:"The most connections at a time; more wait." default:"10000" env:"SPOOR_CONNECTIONS"`
	StreamFormat string        `help:"How events are put on the stream: compact (Spoor's own), or for others who read it json (an event a record) or kpl (as the Kinesis Producer Library aggregates)." default:"compact" enum:"compact,json,kpl" env:"SPOOR_STREAM_FORMAT"`
	RecordWait   time.Duration `help:"How long a record that is not full waits for company, on a stream that bills by records' size, such as Kinesis. 0: not at all." default:"100ms" env:"SPOOR_RECORD_WAIT"`
	DoorMemory   byteSize      `help:"The bound on the bodies in flight. Full means 503." default:"64MiB" env:"SPOOR_DOOR_MEMORY" placeholder:"SIZE"`
}

type loadFlags struct {
	LoadEvery   time.Duration `help:"How long an event waits for company before it is committed. Default: 500ms; for Redshift 10s." env:"SPOOR_LOAD_EVERY"`
	LoadRows    int           `help:"The most rows in a commit." default:"100000" env:"SPOOR_LOAD_ROWS"`
	DedupWindow time.Duration `help:"How long a message id is remembered: a client's retry within it is a duplicate." default:"24h" env:"SPOOR_DEDUP_WINDOW"`
	DedupMemory byteSize      `help:"The bound on the memory of the message ids; the others are on disk." default:"128MiB" env:"SPOOR_DEDUP_MEMORY" placeholder:"SIZE"`
	enrichFlags
	StreamSource string `help:"The source that other producers' records on the stream are counted under." default:"stream" env:"SPOOR_STREAM_SOURCE" placeholder:"NAME"`
}

// enrichFlags are the loader's; a door before a stream of rows makes rows as the loader does.
type enrichFlags struct {
	GeoFile    string        `help:"A city or country file in MaxMind's format, to know where events come from." env:"SPOOR_GEO_FILE" placeholder:"FILE" type:"path"`
	IP         string        `help:"What to keep of clients' addresses: truncate, drop or keep." default:"truncate" enum:"truncate,drop,keep" env:"SPOOR_IP"`
	SessionGap time.Duration `help:"How long a person is quiet before the next event begins a session, where the SDK names none." default:"30m" env:"SPOOR_SESSION_GAP"`
}

func (f *enrichFlags) options() enrich.Options {
	return enrich.Options{GeoFile: f.GeoFile, SessionGap: f.SessionGap, IP: enrich.IPPolicy(f.IP)}
}

type pageFlags struct {
	Password  string        `help:"The password of the pages and the API. Needed off loopback." env:"SPOOR_PASSWORD"`
	QueryFor  time.Duration `help:"The longest that a question or an SQL query may run." default:"1m" env:"SPOOR_QUERY_FOR"`
	SMTP      string        `help:"The server that sends the alerts' mails: smtp://user:password@host:587?from=ADDRESS, or smtps://." name:"smtp" env:"SPOOR_SMTP" placeholder:"URL"`
	PublicURL string        `help:"Where people reach the pages, for links in alerts." name:"public-url" env:"SPOOR_PUBLIC_URL" placeholder:"URL"`
}

func (f *dataFlags) path(name string) string { return filepath.Join(f.Data, name) }

// listen opens the address; loopback tells whether only this machine can reach it.
func (f *addrFlags) listen() (listener net.Listener, loopback bool, err error) {
	host, port, err := net.SplitHostPort(f.Addr)
	if err != nil {
		return nil, false, usagef("--addr must be HOST:PORT; got %q", f.Addr)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return nil, false, usagef("--addr needs a port from 0 to 65535; got %q", port)
	}
	ip, err := netip.ParseAddr(host)
	loopback = host == "localhost" || (err == nil && ip.IsLoopback())
	listener, err = net.Listen("tcp", f.Addr)
	if err != nil {
		return nil, false, fmt.Errorf("cannot listen on %s: %w", f.Addr, err)
	}
	return listener, loopback, nil
}

// closedByDefault refuses to be reached from other machines without keys and, where there are pages, a password.
func closedByDefault(addr string, loopback bool, sources []string, pages bool, password string) error {
	switch {
	case loopback:
		return nil
	case sources != nil && len(sources) == 0:
		return usagef("--addr %s can be reached from other machines: it needs --source NAME=KEY", addr)
	case pages && password == "":
		return usagef("--addr %s can be reached from other machines: it needs --password", addr)
	default:
		return nil
	}
}

// sourceSetting is one source as it is configured.
type sourceSetting struct {
	name string
	keys []string
	rate float64 // events a second; 0: unbounded
}

// devSource is the source that a server on loopback has when none is configured.
const devSource = "dev"

// parseSources reads --source NAME=KEY[,RATE], in any number for one name.
func parseSources(settings []string) ([]sourceSetting, error) {
	var sources []sourceSetting
	owner := map[string]string{}
	for _, setting := range settings {
		setting, bound, bounded := strings.Cut(setting, ",")
		name, key, ok := strings.Cut(setting, "=")
		if !ok || name == "" || key == "" {
			return nil, usagef("--source must be NAME=KEY; got %q", setting)
		}
		if other, taken := owner[key]; taken {
			return nil, usagef("--source: the write key of %q is also that of %q", name, other)
		}
		owner[key] = name
		i := slices.IndexFunc(sources, func(s sourceSetting) bool { return s.name == name })
		if i < 0 {
			sources = append(sources, sourceSetting{name: name})
			i = len(sources) - 1
		}
		sources[i].keys = append(sources[i].keys, key)
		if bounded {
			rate, err := strconv.ParseFloat(strings.TrimSpace(bound), 64)
			if err != nil || rate <= 0 {
				return nil, usagef("--source %s: the bound must be a number of events a second; got %q", name, bound)
			}
			sources[i].rate = rate
		}
	}
	return sources, nil
}

func parseProxies(settings []string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, s := range settings {
		if ip, err := netip.ParseAddr(s); err == nil {
			prefixes = append(prefixes, netip.PrefixFrom(ip, ip.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, usagef("--trusted-proxy must be an address or a prefix such as 10.0.0.0/8; got %q", s)
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}

// threads gives the embedded warehouse's threads: questions are asked seldom and should then have the machine, but for a
// large one, which has more to do than to answer one question.
func (f *warehouseFlags) threads() int {
	if f.WarehouseThreads > 0 {
		return f.WarehouseThreads
	}
	return min(runtime.NumCPU(), 4)
}
