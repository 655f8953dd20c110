package redshiftfake

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// setup makes in a database what Redshift has built in, where every search path finds it. SUPER is the text of a JSON value, as
// PostgreSQL's json is.
const setup = `
create type super;
create function pg_catalog.super_in(cstring) returns super language internal immutable strict parallel safe as 'json_in';
create function pg_catalog.super_out(super) returns cstring language internal immutable strict parallel safe as 'json_out';
create type pg_catalog.super (input = pg_catalog.super_in, output = pg_catalog.super_out, internallength = variable, storage = extended, alignment = int4);
create cast (pg_catalog.super as json) without function;
create cast (json as pg_catalog.super) without function;
create function pg_catalog.super_varchar(super) returns varchar language sql immutable strict parallel safe as $$ select ($1::json #>> '{}')::varchar $$;
create cast (pg_catalog.super as varchar) with function pg_catalog.super_varchar(super);
create function pg_catalog.super_get(super, text) returns super language internal immutable strict parallel safe as 'json_object_field';
create function pg_catalog.json_typeof(super) returns text language internal immutable strict parallel safe as 'json_typeof';
create function pg_catalog.json_parse(text) returns super language sql immutable strict parallel safe as $$ select $1::json::super $$;
create function pg_catalog.redshift_error(said text, code text) returns integer language plpgsql as $$ begin raise exception using message = said, errcode = code; end $$;
create function pg_catalog.json_serialize(super) returns varchar language plpgsql immutable strict parallel safe as $$
begin
	if octet_length($1::json::text) > 65535 then
		raise exception using message = 'Result size exceeds VARCHAR limit', errcode = 'XX000';
	end if;
	return $1::json::text::varchar;
end $$;
create function pg_catalog.json_size(super) returns integer language sql immutable strict parallel safe as $$ select octet_length($1::json::text) $$;
create function pg_catalog.getdate() returns timestamp language sql as $$ select date_trunc('second', clock_timestamp() at time zone 'UTC') $$;
create function pg_catalog.from_hex(text) returns bytea language sql immutable strict parallel safe as $$ select decode($1, 'hex') $$;
create function pg_catalog.to_hex(bytea) returns text language sql immutable strict parallel safe as $$ select encode($1, 'hex') $$;
`

// settings make a connection's behaviour nearer to Redshift's, which joins by hash.
const settings = `set standard_conforming_strings = off; set escape_string_warning = off; set backslash_quote = on;
	set default_transaction_isolation = 'repeatable read'; set bytea_output = 'hex'; set enable_nestloop = off`

// setupKey is the key of the lock that keeps two stand-ins from making the functions at once: "redshift".
const setupKey = 0x7265647368696674

// connect opens a connection to the server behind, in a database that has all that Redshift has.
func (s *Server) connect(ctx context.Context, database string) (*pgconn.PgConn, error) {
	config := s.config.Copy()
	config.Database = database
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.prepared[database] {
		if err := prepare(ctx, conn); err != nil {
			_ = conn.Close(ctx)
			return nil, fmt.Errorf("preparing database %s: %w", database, err)
		}
		s.prepared[database] = true
	}
	if _, err := conn.Exec(ctx, settings).ReadAll(); err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

func prepare(ctx context.Context, conn *pgconn.PgConn) error {
	results, err := conn.Exec(ctx, fmt.Sprintf(`begin; set local allow_system_table_mods = on; set local search_path = pg_catalog; select pg_advisory_xact_lock(%d);
		select count(*) from pg_type where typname = 'super'`, setupKey)).ReadAll()
	if err != nil {
		return err
	}
	end := "commit"
	if string(results[len(results)-1].Rows[0][0]) == "0" {
		end = setup + ";commit"
	}
	_, err = conn.Exec(ctx, end).ReadAll()
	return err
}
