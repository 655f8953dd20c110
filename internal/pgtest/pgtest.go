// Package pgtest gives tests a PostgreSQL: databases of their own on the server that SPOOR_TEST_POSTGRES names, a URL
// whose user may create databases. Without it such a test is skipped; with SPOOR_TEST_REQUIRE set it fails.
package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Database makes an empty database for the length of a test, with settings of its own such as "timezone = 'Asia/Tokyo'",
// and gives its URL.
func Database(t testing.TB, settings ...string) string {
	t.Helper()
	location := os.Getenv("SPOOR_TEST_POSTGRES")
	if location == "" {
		if os.Getenv("SPOOR_TEST_REQUIRE") != "" {
			t.Fatal("SPOOR_TEST_POSTGRES names no PostgreSQL")
		}
		t.Skip("SPOOR_TEST_POSTGRES names no PostgreSQL")
	}
	name := "spoor_test_" + strings.ToLower(rand.Text())
	statements := []string{fmt.Sprintf("create database %s template template0 encoding 'UTF8'", name)}
	for _, s := range settings {
		statements = append(statements, fmt.Sprintf("alter database %s set %s", name, s))
	}
	if err := Exec(t.Context(), location, statements...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := Exec(ctx, location, fmt.Sprintf("drop database %s with (force)", name)); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// Exec runs statements on a connection of its own.
func Exec(ctx context.Context, location string, statements ...string) error {
	conn, err := pgx.Connect(ctx, location)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}
