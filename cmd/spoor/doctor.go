package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/spoorhq/spoor/stream"
	"github.com/spoorhq/spoor/warehouse"
)

type doctorCommand struct {
	serveCommand
	leaseFlags `group:"Several loaders"`
	Server     string `help:"Also ask this running server, if one answers." env:"SPOOR_SERVER" placeholder:"URL" default:"${server}"`
	JSON       bool   `help:"Print an array of findings."`
}

func (doctorCommand) Help() string {
	return `Takes the flags of serve and those of several loaders, and checks what serve would use. Where a server is running with the same data, its
stream and warehouse are asked through it. Exit code 0: all is well; 3: something must be done.

Examples:
  spoor doctor
  spoor doctor --stream 'kinesis://events?region=eu-central-1'    # what AWS allows this identity, too
  spoor doctor --config /etc/spoor/spoor.yaml`
}

// finding is one thing that was checked.
type finding struct {
	Check  string `json:"check"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Do     string `json:"do,omitempty"` // what to do about it
}

// Thresholds of what doctor minds.
const (
	fewBytes   = 2 << 30
	smallClock = 2 * time.Second
	slowSync   = 50 * time.Millisecond
)

func (c *doctorCommand) Run(ctx context.Context, p *process) error {
	d := &doctor{c: c}
	running := d.server(ctx)
	d.configuration()
	d.disk()
	d.fsync()
	if running {
		d.add("address", true, "", "%s answers: a server is running", c.Server)
	} else {
		d.address()
		d.aws(ctx)
		d.open(ctx, slog.New(slog.DiscardHandler))
	}
	d.leases(ctx)
	if c.JSON {
		out := json.NewEncoder(p.stdout)
		out.SetIndent("", "  ")
		_ = out.Encode(d.findings)
	} else {
		d.print(p.stdout)
	}
	for _, f := range d.findings {
		if !f.OK {
			return errMismatch
		}
	}
	return nil
}

type doctor struct {
	c        *doctorCommand
	findings []finding
}

func (d *doctor) add(check string, ok bool, do, format string, args ...any) {
	if ok {
		do = ""
	}
	d.findings = append(d.findings, finding{check, ok, fmt.Sprintf(format, args...), do})
}

func (d *doctor) print(w io.Writer) {
	bad := 0
	for _, f := range d.findings {
		mark := "ok   "
		if !f.OK {
			mark = "WRONG"
			bad++
		}
		fmt.Fprintf(w, "%s  %-14s %s\n", mark, f.Check, f.Detail)
		if f.Do != "" {
			fmt.Fprintf(w, "       %-14s → %s\n", "", f.Do)
		}
	}
	if bad > 0 {
		fmt.Fprintf(w, "\n%d of %d checks found something\n", bad, len(d.findings))
		return
	}
	fmt.Fprintln(w, "\nall is well")
}

func (d *doctor) configuration() {
	c := d.c
	_, err := parseSources(c.Source)
	if err == nil {
		_, err = parseProxies(c.TrustedProxy)
	}
	if err == nil && c.GeoFile != "" {
		_, err = os.Stat(c.GeoFile)
	}
	if err != nil {
		d.add("configuration", false, "mend the setting", "%v", err)
		return
	}
	host, _, err := net.SplitHostPort(c.Addr)
	loopback := host == "localhost" || net.ParseIP(host).IsLoopback()
	if err == nil {
		err = closedByDefault(c.Addr, loopback, append([]string{}, c.Source...), true, c.Password)
	}
	d.add("configuration", err == nil, "set what is missing; the README's \"Reach it from outside\" shows how", "%s", told(err, "complete"))
	if c.GeoFile == "" {
		d.add("geo", true, "", "no --geo-file: country, region and city stay empty where the SDK does not send them")
	}
}

func told(err error, otherwise string) string {
	if err != nil {
		return err.Error()
	}
	return otherwise
}

// existing is the nearest folder that exists: the data's own may not be made yet.
func existing(path string) string {
	for {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return path
		}
		parent := filepath.Dir(path)
		if parent == path {
			return path
		}
		path = parent
	}
}

func (d *doctor) disk() {
	var fs unix.Statfs_t
	folder := existing(d.c.Data)
	if err := unix.Statfs(folder, &fs); err != nil {
		d.add("disk", false, "check the path of --data", "%s: %v", folder, err)
		return
	}
	free := byteSize(int64(fs.Bavail) * int64(fs.Bsize)) //nolint:unconvert // other systems have other types here
	d.add("disk", free > fewBytes, "free some space, or put --data on a larger disk", "%s free in %s", free, folder)
	d.add("stream limit", int64(free) > int64(d.c.StreamLimit)/4, "lower --stream-limit, so that the stream is full before the disk is",
		"the stream may grow to %s", d.c.StreamLimit)
}

// fsync times what the door waits for.
func (d *doctor) fsync() {
	f, err := os.CreateTemp(existing(d.c.Data), ".spoor-doctor-")
	if err != nil {
		d.add("data folder", false, "let this user write to the folder of --data", "%v", err)
		return
	}
	defer os.Remove(f.Name())
	defer f.Close()
	const times = 20
	began := time.Now()
	for range times {
		if _, err = f.Write(make([]byte, 4096)); err == nil {
			err = f.Sync()
		}
		if err != nil {
			d.add("fsync", false, "check the disk", "%v", err)
			return
		}
	}
	each := time.Since(began) / times
	d.add("fsync", each < slowSync, "a 200 waits for an fsync: use a faster disk", "%v for 4 KiB", each.Round(10*time.Microsecond))
}

func (d *doctor) address() {
	listener, err := net.Listen("tcp", d.c.Addr)
	if err == nil {
		listener.Close()
	}
	d.add("address", err == nil, "end the other program, or choose another --addr", "%s", told(err, d.c.Addr+" is free"))
}

// open opens the stream and the warehouse, as serve would.
func (d *doctor) open(ctx context.Context, logger *slog.Logger) {
	if _, err := os.Stat(d.c.Data); errors.Is(err, os.ErrNotExist) && d.c.Stream == "" && d.c.Warehouse == "" {
		d.add("stream", true, "", "%s does not exist yet: serve makes it", d.c.Data)
		return
	}
	if isFirehose(d.c.Stream) {
		d.add("warehouse", true, "", "Firehose loads it, and says itself what it could not load")
		return
	}
	log, name, err := openStream(ctx, &d.c.streamFlags, &d.c.dataFlags, newRegistry(), logger)
	if err != nil {
		d.add("stream", false, "see the message; the files are as they were", "%v", err)
		return
	}
	defer log.Close()
	if statter, ok := stream.As[stream.Statter](log); ok {
		stat, err := statter.Stat(ctx)
		d.add("stream", err == nil && (stat.Limit == 0 || stat.Bytes < stat.Limit*9/10), "the warehouse is behind: see its finding; or raise --stream-limit",
			"%s", told(err, fmt.Sprintf("%d records, %s of %s", stat.Records, byteSize(stat.Bytes), byteSize(stat.Limit))))
	}
	w, err := openWarehouse(ctx, &d.c.warehouseFlags, &d.c.dataFlags, logger)
	if err != nil {
		d.add("warehouse", false, warehouseRemedy(d.c.Warehouse, err), "%v", err)
		return
	}
	defer w.Close()
	var positions map[string]string
	if err = w.Migrate(ctx); err == nil {
		positions, err = w.Positions(ctx, name)
	}
	d.add("warehouse", err == nil, "see the message", "%s", told(err, fmt.Sprintf("%d shards have been loaded from", len(positions))))
	if checker, ok := w.(warehouse.Checker); ok {
		err := checker.Check(ctx)
		d.add("warehouse load", err == nil, warehouseRemedy(d.c.Warehouse, err), "%s", told(err, "a row was staged and copied, and taken back"))
	}
}

// server asks a running server; false: none answers.
func (d *doctor) server(ctx context.Context) bool {
	client := clientFlags{Server: d.c.Server, Password: d.c.Password}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	response, err := client.request(ctx, http.MethodGet, "/api/live", nil, nil, "application/json")
	if err != nil {
		return false
	}
	defer response.Body.Close()
	var live struct {
		Now        time.Time  `json:"now"`
		CompleteTo *time.Time `json:"complete_to"`
		InFlight   struct {
			Events int64 `json:"events"`
		} `json:"in_flight"`
		Stream struct{ Used, Limit int64 } `json:"stream"`
		Ready  bool                        `json:"ready"`
		Why    string                      `json:"not_ready"`
	}
	if err := json.NewDecoder(response.Body).Decode(&live); err != nil {
		return false
	}
	skew := time.Since(live.Now).Abs()
	d.add("clock", skew < smallClock, "synchronise the clocks (NTP)", "the server's differs by %v", skew.Round(time.Millisecond))
	d.add("readiness", live.Ready, "see the reason", "%s", map[bool]string{true: "an event would be stored", false: live.Why}[live.Ready])
	d.add("stream", live.Stream.Limit == 0 || live.Stream.Used < live.Stream.Limit*9/10, "the warehouse is behind; or raise --stream-limit",
		"%s of %s", byteSize(live.Stream.Used), byteSize(live.Stream.Limit))
	behind := time.Duration(0)
	if live.CompleteTo != nil {
		behind = max(live.Now.Sub(*live.CompleteTo), 0)
	}
	d.add("warehouse", behind < time.Minute, "see the server's log for why loading fails",
		"%d events on their way, complete up to %v ago", live.InFlight.Events, behind.Round(time.Second))
	return true
}
