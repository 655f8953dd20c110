// Package redshiftfake stands in for Amazon Redshift in tests: a proxy of PostgreSQL's wire protocol before a real
// PostgreSQL 15, and an S3 in the same process, from which COPY reads.
//
// What it does as Redshift does: COPY from S3 by prefix or manifest (a missing file is an error only where it is
// mandatory), JSON and CSV, plain, GZIP or ZSTD, MAXERROR, VARCHAR measured in bytes, 4 MB a row, 65,535 bytes a string
// and 16 MB an object in SUPER; the types SUPER and VARBYTE with their OIDs, navigation such as properties."price",
// json_parse, json_serialize, json_typeof, getdate, pg_last_copy_count; keys that are declared and not enforced; DISTKEY,
// SORTKEY and ENCODE; IDENTITY; backslashes that escape in every string; a snapshot that begins with the first statement
// behind LOCK; error 1023; no parameter standard_conforming_strings, and 8.0.2 as its version. It refuses what Redshift has not
// (see refusals). Faults can be ordered: see Fault.
//
// Its limits: the planner, the types' arithmetic, the locks of concurrent writers, the speed and the system tables are
// PostgreSQL's. A comparison sees trailing blanks, which Redshift does not. The bytes of a VARCHAR are measured where COPY
// writes it, elsewhere its characters are. A SUPER is the text that came: Redshift stores values, and may write a
// number differently; a SUPER object cast to VARCHAR is its text, on Redshift it is null. SUPER columns can be navigated by a quoted
// name behind a column that is a SUPER in some table. COPY reads no Parquet, and one that is pipelined behind the CREATE of its
// table does not know the table. IAM_ROLE is demanded and not looked at. It speaks no TLS. It proves how transactions, COPY
// and retries are put together, and nothing about Redshift's speed.
package redshiftfake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// Options say what stands behind, and where to listen. The zero addresses are free ports of loopback.
type Options struct {
	// Postgres is the URL of a server whose user may do everything.
	Postgres string
	Addr     string // of the stand-in
	S3Addr   string
	// Check, if given, judges who connects. Otherwise nobody is asked for a password.
	Check func(user, password string) error
}

// Server is a stand-in that runs. Use Start.
type Server struct {
	// Faults are what goes wrong on purpose.
	Faults *Faults

	options Options
	config  *pgconn.Config
	objects gofakes3.Backend
	sql     net.Listener
	s3      net.Listener
	web     *http.Server
	copies  atomic.Int64

	mu       sync.Mutex
	sessions map[*session]bool
	prepared map[string]bool // databases that have the functions
	closed   bool
	running  sync.WaitGroup
}

// Start begins to serve.
func Start(ctx context.Context, options Options) (*Server, error) {
	config, err := pgconn.ParseConfig(options.Postgres)
	if err != nil {
		return nil, fmt.Errorf("the URL of PostgreSQL: %w", err)
	}
	s := &Server{
		Faults: newFaults(), options: options, config: config, objects: s3mem.New(),
		sessions: map[*session]bool{}, prepared: map[string]bool{},
	}
	var listening net.ListenConfig
	if s.sql, err = listening.Listen(ctx, "tcp", orFree(options.Addr)); err != nil {
		return nil, err
	}
	if s.s3, err = listening.Listen(ctx, "tcp", orFree(options.S3Addr)); err != nil {
		return nil, errors.Join(err, s.sql.Close())
	}
	s.web = &http.Server{Handler: gofakes3.New(s.objects).Server(), ReadHeaderTimeout: 10 * time.Second}
	s.running.Go(func() { _ = s.web.Serve(s.s3) })
	s.running.Go(s.accept)
	return s, nil
}

func orFree(addr string) string {
	if addr == "" {
		return "127.0.0.1:0"
	}
	return addr
}

// Addr is where the stand-in listens, as host:port.
func (s *Server) Addr() string { return s.sql.Addr().String() }

// S3 is the URL of the S3 that COPY reads.
func (s *Server) S3() string { return "http://" + s.s3.Addr().String() }

// URL gives the URL of the warehouse in a database, staged below the bucket and prefix given; the bucket is made.
func (s *Server) URL(database, bucket, prefix string) (string, error) {
	if err := s.MakeBucket(bucket); err != nil {
		return "", err
	}
	query := url.Values{
		"staging": {"s3://" + bucket + "/" + prefix}, "iam_role": {"arn:aws:iam::123456789012:role/spoor"}, "endpoint": {s.S3()}, "sslmode": {"disable"},
	}
	u := url.URL{Scheme: "redshift", User: url.User(s.config.User), Host: s.Addr(), Path: "/" + database, RawQuery: query.Encode()}
	return u.String(), nil
}

// MakeBucket makes a bucket, unless it is there.
func (s *Server) MakeBucket(name string) error {
	if there, err := s.objects.BucketExists(name); err != nil || there {
		return err
	}
	return s.objects.CreateBucket(name)
}

// Objects lists a bucket's keys that begin with a prefix.
func (s *Server) Objects(bucket, prefix string) ([]string, error) {
	list, err := s.objects.ListBucket(bucket, &gofakes3.Prefix{HasPrefix: prefix != "", Prefix: prefix}, gofakes3.ListBucketPage{})
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, c := range list.Contents {
		keys = append(keys, c.Key)
	}
	return keys, nil
}

// Put stores an object.
func (s *Server) Put(bucket, key string, content []byte) error {
	_, err := s.objects.PutObject(bucket, key, map[string]string{}, bytes.NewReader(content), int64(len(content)), nil)
	return err
}

// Remove removes an object.
func (s *Server) Remove(bucket, key string) error {
	_, err := s.objects.DeleteObject(bucket, key)
	return err
}

// Copies is the number of COPY statements that went through.
func (s *Server) Copies() int64 { return s.copies.Load() }

func (s *Server) accept() {
	for {
		conn, err := s.sql.Accept()
		if err != nil {
			return
		}
		session := newSession(s, conn)
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			_ = conn.Close()
			return
		}
		s.sessions[session] = true
		s.running.Go(func() {
			session.serve()
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.sessions, session)
		})
		s.mu.Unlock()
	}
}

// Close ends all connections.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	for session := range s.sessions {
		session.cut()
	}
	s.mu.Unlock()
	err := errors.Join(s.sql.Close(), s.web.Close())
	s.running.Wait()
	return err
}
