// Command standin serves the stand-in for Redshift and S3 to other processes, until its standard input ends. Its first line
// is the warehouse's URL for spoor, the second where S3 is, the third where faults are ordered (see redshiftfake.Faults):
//
//	go run ./test/aws/standin -postgres postgres://spoor@127.0.0.1:5432/postgres -database spoor -rate commit-lost:0.02
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spoorhq/spoor/internal/redshiftfake"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdin, os.Stdout); err != nil {
		panic(err)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) (err error) {
	flags := flag.NewFlagSet("standin", flag.ContinueOnError)
	postgres := flags.String("postgres", "", "the URL of the PostgreSQL behind, whose user may do everything")
	addr := flags.String("addr", "127.0.0.1:0", "where the stand-in for Redshift listens")
	s3 := flags.String("s3", "127.0.0.1:0", "where S3 listens")
	faults := flags.String("faults", "127.0.0.1:0", "where faults are ordered")
	database := flags.String("database", "postgres", "the database, which must be there")
	bucket := flags.String("bucket", "staging", "the bucket for staged files, which is made")
	seed := flags.Uint64("seed", 1, "of the chances of the faults")
	rates := map[redshiftfake.Fault]float64{}
	flags.Func("rate", "FAULT:RATE, the part of the opportunities at which it happens; again for another", func(text string) error {
		fault, rate, err := redshiftfake.ParseRate(text)
		rates[fault] = rate
		return err
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	server, err := redshiftfake.Start(ctx, redshiftfake.Options{Postgres: *postgres, Addr: *addr, S3Addr: *s3})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	server.Faults.Seed(*seed)
	for fault, rate := range rates {
		server.Faults.Rate(fault, rate)
	}
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", *faults)
	if err != nil {
		return err
	}
	web := &http.Server{Handler: server.Faults, ReadHeaderTimeout: 10 * time.Second}
	defer web.Close()
	go func() { _ = web.Serve(listener) }()
	location, err := server.URL(*database, *bucket, "spoor")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n%s\nhttp://%s\n", location, server.S3(), listener.Addr())
	_, err = io.Copy(io.Discard, in)
	return err
}
