// Package pgsql has what the warehouses that speak PostgreSQL's protocol share: connections that are encrypted off
// loopback, statements with ? for an argument, text that may hold NUL, transactions whose end is known, and queries
// that can only read. It knows no tables.
package pgsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// Types that Redshift has and PostgreSQL has not, by their OIDs.
const (
	SuperOID   = 4000
	VarbyteOID = 6551
)

// Config reads a connection URL. Off loopback the connection is encrypted: sslmode is verify-full unless the URL says
// require or verify-ca, and one that would do without is refused.
func Config(location string) (*pgx.ConnConfig, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, errors.New("the URL cannot be read") // url.Error would show the password
	}
	query := u.Query()
	mode := query.Get("sslmode")
	loopback := true
	for host := range strings.SplitSeq(u.Host, ",") {
		loopback = loopback && isLoopback(host)
	}
	if host := query.Get("host"); host != "" {
		loopback = loopback && isLoopback(host)
	}
	switch {
	case loopback:
	case mode == "":
		query.Set("sslmode", "verify-full")
		u.RawQuery = query.Encode()
	case mode != "require" && mode != "verify-ca" && mode != "verify-full":
		return nil, fmt.Errorf("sslmode off loopback must be require, verify-ca or verify-full; got %q", mode)
	}
	config, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, err
	}
	for _, fallback := range append([]*pgconn.FallbackConfig{{Host: config.Host, TLSConfig: config.TLSConfig}}, config.Fallbacks...) {
		if fallback.TLSConfig == nil && !isLoopback(fallback.Host) {
			return nil, fmt.Errorf("the connection to %s would not be encrypted", fallback.Host)
		}
	}
	// Parameters and answers go as text, with types that the statement says: what a pool or a server kept of a
	// statement never matters, and Redshift knows no other way.
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	config.StatementCacheCapacity, config.DescriptionCacheCapacity = 0, 0
	return config, nil
}

// isLoopback tells whether a host, with or without a port, is this machine. A folder is a Unix socket's.
func isLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	return host == "" || host == "localhost" || strings.HasPrefix(host, "/") || net.ParseIP(host).IsLoopback()
}

// Open makes a pool. Each connection begins with the statement given, if any. schema, where it is not empty, is where
// names without one are looked for.
func Open(config *pgx.ConnConfig, statement, schema string, before func(context.Context, *pgx.ConnConfig) error) *sql.DB {
	if before == nil {
		before = func(context.Context, *pgx.ConnConfig) error { return nil }
	}
	return stdlib.OpenDB(*config, stdlib.OptionBeforeConnect(before), stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{Name: "super", OID: SuperOID, Codec: &pgtype.TextFormatOnlyCodec{Codec: pgtype.TextCodec{}}})
		conn.TypeMap().RegisterType(&pgtype.Type{Name: "varbyte", OID: VarbyteOID, Codec: &pgtype.TextFormatOnlyCodec{Codec: pgtype.TextCodec{}}})
		statements := "set timezone to 'UTC'"
		if statement != "" {
			statements += "; " + statement
		}
		if schema != "" {
			statements += "; set search_path to " + Quote(schema)
		}
		_, err := conn.Exec(ctx, statements)
		return err
	}))
}

// Quote quotes an identifier.
func Quote(identifier string) string { return `"` + strings.ReplaceAll(identifier, `"`, `""`) + `"` }

// Code gives the SQLSTATE of an error that the server sent; "" for any other.
func Code(err error) string {
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		return said.Code
	}
	return ""
}
