// Command spoor is the whole product: a door for events, a stream, a loader, a warehouse and its pages, in one
// process or in several. This package wires the rooms together by hand, one file a subcommand; drivers.go is the only
// place that names drivers.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes, documented in docs/command-line.md.
const (
	exitOK       = 0
	exitFault    = 1 // it could not be done
	exitUsage    = 2 // the command line or the configuration is wrong
	exitMismatch = 3 // audit, doctor, alert or simulate --verify found something wrong
)

// cli is the command line. Every flag is also a SPOOR_* variable and a key of spoor.yaml, by the same name.
type cli struct {
	Config    string `help:"Read settings from this YAML file; ./spoor.yaml is read when it is there." placeholder:"FILE" env:"SPOOR_CONFIG" type:"path"`
	LogLevel  string `help:"How much to log: debug, info, warn or error." default:"info" enum:"debug,info,warn,error" env:"SPOOR_LOG_LEVEL"`
	LogFormat string `help:"How to log, on standard error: text or json." default:"text" enum:"text,json" env:"SPOOR_LOG_FORMAT"`

	Serve     serveCommand     `cmd:"" help:"Run everything in one process: door, stream, loader, warehouse and pages."`
	Demo      demoCommand      `cmd:"" help:"The same, with simulated people: 30 days of history and live traffic."`
	Collect   collectCommand   `cmd:"" help:"Run the door alone: accept events and put them on the stream."`
	Load      loadCommand      `cmd:"" help:"Run the loader alone: carry events from the stream to the warehouse."`
	Dashboard dashboardCommand `cmd:"" help:"Run the pages and the JSON API alone."`

	Tail     tailCommand     `cmd:"" help:"Show events as they are accepted by a running server."`
	SQL      sqlCommand      `cmd:"" help:"Ask the warehouse of a running server, read-only."`
	Audit    auditCommand    `cmd:"" help:"Prove that what was accepted is in the warehouse, once."`
	Query    queryCommand    `cmd:"" help:"Ask a running server: trends, people, the catalog; tables and charts."`
	Export   exportCommand   `cmd:"" help:"Write events to files, hour by hour or day by day; it goes on where it was interrupted."`
	Alert    alertCommand    `cmd:"" help:"Show, make and change the alerts, and try whether their receivers can be told."`
	Erase    eraseCommand    `cmd:"" help:"Erase a person's data from the warehouse of a running server."`
	Token    tokenCommand    `cmd:"" help:"Make, list and revoke the API's tokens."`
	Replay   replayCommand   `cmd:"" help:"Put dead letters on the stream again, to be judged anew."`
	Simulate simulateCommand `cmd:"" help:"Send the events of a simulated population to a server."`
	Bench    benchCommands   `cmd:"" help:"Measure this machine: the line from end to end, and questions of a large history."`
	Doctor   doctorCommand   `cmd:"" help:"Check configuration, disk, clock, ports, stream and warehouse."`
	Schema   schemaCommand   `cmd:"" help:"Print the tables of a warehouse as SQL."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
}

// process is what a subcommand may use of the operating system.
type process struct {
	stdout, stderr io.Writer
	stdin          io.Reader
}

// errMismatch ends a command with exitMismatch, after it has said what is wrong.
var errMismatch = errors.New("mismatch")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], process{os.Stdout, os.Stderr, os.Stdin})
	stop()
	os.Exit(code)
}

// run is main without the process: it can be called many times in one test.
func run(ctx context.Context, args []string, p process) int {
	var c cli
	exited := -1
	parser, err := newParser(&c, p, func(code int) { exited = code })
	if err != nil {
		fmt.Fprintln(p.stderr, "spoor:", err)
		return exitFault
	}
	if err := useConfigFile(parser, args); err != nil {
		fmt.Fprintln(p.stderr, "spoor:", err)
		return exitUsage
	}
	kctx, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(p.stderr, "spoor: %v\nRun \"spoor --help\" for what there is.\n", err)
		return exitUsage
	}
	logger := newLogger(p.stderr, c.LogLevel, c.LogFormat)
	kctx.BindTo(ctx, (*context.Context)(nil))
	err = kctx.Run(&p, logger)
	var usage usageError
	switch {
	case err == nil, errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitOK
	case errors.Is(err, errMismatch):
		return exitMismatch
	case errors.As(err, &usage):
		fmt.Fprintln(p.stderr, "spoor:", err)
		return exitUsage
	default:
		fmt.Fprintln(p.stderr, "spoor:", err)
		return exitFault
	}
}

func newParser(c *cli, p process, exit func(code int)) (*kong.Kong, error) {
	return kong.New(c,
		kong.Name("spoor"),
		kong.Description("A product-event pipeline: every event on disk before its 200, in the warehouse once, a second later."),
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(exit),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.Vars{"data": "./spoor-data", "server": "http://127.0.0.1:8080"},
	)
}

// usageError is a setting that cannot be: its message names the setting and the value.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }
