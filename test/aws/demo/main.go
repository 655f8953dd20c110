// Command demo runs Spoor as it runs on AWS, on this machine: two collectors, kinesalite in Kinesis's place, two loaders that
// share its shards by leases in dynalite, the stand-in for Redshift and S3 on a real PostgreSQL, a dashboard, and simulated
// users at both collectors. scripts/demo-aws starts the services and this. At its end it audits.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/spoorhq/spoor/internal/pgtest"
	"github.com/spoorhq/spoor/internal/redshiftfake"
	"github.com/spoorhq/spoor/test/aws/topology"
	"github.com/spoorhq/spoor/test/process"
)

type options struct {
	addr      string
	rate      float64
	length    time.Duration
	loadEvery time.Duration
	quiet     bool
}

func main() {
	var o options
	flags := flag.NewFlagSet("demo-aws", flag.ContinueOnError)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080", "where the dashboard listens")
	flags.Float64Var(&o.rate, "rate", 100, "simulated events a second, over both collectors")
	flags.DurationVar(&o.length, "for", 0, "end after this time; 0: when interrupted")
	flags.DurationVar(&o.loadEvery, "load-every", 10*time.Second, "how long an event waits for company before it is committed")
	flags.BoolVar(&o.quiet, "quiet", false, "do not print what the processes log")
	if err := flags.Parse(os.Args[1:]); err != nil {
		os.Exit(2) // it has said why
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, o options) (err error) {
	dir, err := os.MkdirTemp("", "spoor-aws-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	redshift, warehouse, err := standIn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redshift.Close()) }()
	meet := topology.Options{
		Stream:    "kinesis://events?create=4&endpoint=" + os.Getenv("SPOOR_TEST_KINESIS"),
		Leases:    "dynamodb://spoor-leases?endpoint=" + os.Getenv("SPOOR_TEST_DYNAMODB"),
		Warehouse: warehouse, Collectors: 2, Loaders: 2, Dir: dir, Addr: o.addr, Apart: true, LoadArgs: []string{"--load-every", o.loadEvery.String()},
	}
	if !o.quiet {
		meet.Log = os.Stderr
	}
	top, err := topology.Start(ctx, meet)
	if err != nil {
		return err
	}
	defer top.Kill()
	for _, p := range append(append([]*process.Process{top.Dashboard}, top.Collectors...), top.Loaders...) {
		fmt.Fprintf(out, "%-12s %s\n", p.Name(), p.URL())
	}
	fmt.Fprintf(out, "%-12s %s\n%-12s %s\n", "kinesis", os.Getenv("SPOOR_TEST_KINESIS"), "warehouse", warehouse)
	if err := simulate(ctx, o, top.Collectors); err != nil {
		return err
	}
	return audit(context.WithoutCancel(ctx), out, top)
}

// standIn starts the stand-in for Redshift on a new database.
func standIn(ctx context.Context) (*redshiftfake.Server, string, error) {
	postgres := os.Getenv("SPOOR_TEST_POSTGRES")
	if postgres == "" || os.Getenv("SPOOR_TEST_KINESIS") == "" || os.Getenv("SPOOR_TEST_DYNAMODB") == "" {
		return nil, "", errors.New("the services are not there; use scripts/demo-aws, which starts them")
	}
	database := "spoor_" + strings.ToLower(rand.Text())
	if err := pgtest.Exec(ctx, postgres, "create database "+database+" template template0 encoding 'UTF8'"); err != nil {
		return nil, "", fmt.Errorf("making a database: %w", err)
	}
	server, err := redshiftfake.Start(ctx, redshiftfake.Options{Postgres: postgres})
	if err != nil {
		return nil, "", err
	}
	location, err := server.URL(database, "staging", "spoor/")
	return server, location, err
}

// simulate has simulated users at every collector until ctx or the time ends.
func simulate(ctx context.Context, o options, collectors []*process.Process) error {
	binary, err := process.Binary()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, c := range collectors {
		args := []string{"simulate", "--server", c.URL(), "--rate", strconv.FormatFloat(o.rate/float64(len(collectors)), 'f', -1, 64)}
		if o.length > 0 {
			args = append(args, "--for", o.length.String())
		}
		group.Go(func() error {
			cmd := exec.CommandContext(ctx, binary, args...)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the interrupt comes from here, once
			cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
			cmd.WaitDelay = 30 * time.Second
			cmd.Stdout, cmd.Stderr = os.Stdout, io.Discard
			if err := cmd.Run(); err != nil && ctx.Err() == nil {
				return fmt.Errorf("simulating users at %s: %w", c.Name(), err)
			}
			return nil
		})
	}
	return group.Wait()
}

// audit ends the collectors, and then holds what they accepted against the warehouse.
func audit(ctx context.Context, w io.Writer, top *topology.Topology) error {
	for _, c := range top.Collectors {
		if _, err := c.Stop(); err != nil {
			return err
		}
	}
	fmt.Fprintln(w, "\nauditing …")
	out, errs, code, err := top.Dashboard.Run(ctx, "audit", "--wait", "2m")
	fmt.Fprint(w, out, errs)
	if err == nil && code != 0 {
		err = fmt.Errorf("the audit is not equal: exit code %d", code)
	}
	return errors.Join(err, top.Stop())
}
