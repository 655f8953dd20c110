package redshiftfake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/spoorhq/spoor/internal/pgsql"
)

// session is one client's connection, and the one to PostgreSQL that belongs to it.
type session struct {
	server *Server
	conn   net.Conn
	client *pgproto3.Backend

	behind   net.Conn
	postgres *pgproto3.Frontend

	state
	status  byte // of the transaction, as PostgreSQL said last
	supers  map[string]bool
	copies  []*copyCommand
	refused *said // the error that the next one of PostgreSQL's is given as
	bytes   []int // the columns of the answer under way that are VARBYTE, as text
}

func newSession(s *Server, conn net.Conn) *session {
	return &session{server: s, conn: conn, client: pgproto3.NewBackend(conn, conn)}
}

// cut ends the connection.
func (s *session) cut() { _ = s.conn.Close() }

// lateness is how long a late commit comes after the connection broke.
const lateness = 200 * time.Millisecond

// errCut says that a fault has broken the connection.
var errCut = errors.New("the connection was cut on purpose")

func (s *session) serve() {
	defer s.cut()
	going, err := s.start()
	if s.behind != nil {
		defer s.behind.Close()
	}
	for going && err == nil {
		var message pgproto3.FrontendMessage
		if message, err = s.client.Receive(); err == nil {
			err = s.handle(message)
		}
	}
}

// start speaks the beginning of the protocol. false: the connection was for something else, or the client is refused.
func (s *session) start() (bool, error) {
	message, err := s.client.ReceiveStartupMessage()
	if err != nil {
		return false, err
	}
	switch m := message.(type) {
	case *pgproto3.SSLRequest, *pgproto3.GSSEncRequest:
		if _, err := s.conn.Write([]byte{'N'}); err != nil {
			return false, err
		}
		return s.start()
	case *pgproto3.CancelRequest:
		return false, s.server.cancel(m)
	case *pgproto3.StartupMessage:
		return s.login(m)
	}
	return false, fmt.Errorf("a startup message of type %T", message)
}

// cancel passes on that a question is to end.
func (s *Server) cancel(m *pgproto3.CancelRequest) error {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(s.config.Host, strconv.Itoa(int(s.config.Port))), 5*time.Second) //nolint:noctx // it is bounded
	if err != nil {
		return err
	}
	defer conn.Close()
	message, err := m.Encode(nil)
	if err != nil {
		return err
	}
	if _, err := conn.Write(message); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn) // it is closed when the server has taken it
	return err
}

func (s *session) login(m *pgproto3.StartupMessage) (bool, error) {
	fatal := func(code, text string) (bool, error) {
		s.client.Send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: code, Message: text})
		return false, s.client.Flush()
	}
	user := m.Parameters["user"]
	if check := s.server.options.Check; check != nil {
		s.client.Send(&pgproto3.AuthenticationCleartextPassword{})
		if err := s.client.Flush(); err != nil {
			return false, err
		}
		if err := s.client.SetAuthType(pgproto3.AuthTypeCleartextPassword); err != nil {
			return false, err
		}
		answer, err := s.client.Receive()
		if err != nil {
			return false, err
		}
		password, ok := answer.(*pgproto3.PasswordMessage)
		if !ok {
			return fatal("08P01", "a password was expected")
		}
		if err := check(user, password.Password); err != nil {
			return fatal("28000", err.Error())
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	database := m.Parameters["database"]
	if database == "" {
		database = user
	}
	conn, err := s.server.connect(ctx, database)
	if err != nil {
		return fatal("3D000", err.Error())
	}
	hijacked, err := conn.Hijack()
	if err != nil {
		return false, err
	}
	s.behind, s.postgres, s.status = hijacked.Conn, hijacked.Frontend, 'I'
	s.client.Send(&pgproto3.AuthenticationOk{})
	for name, value := range hijacked.ParameterStatuses {
		s.parameter(&pgproto3.ParameterStatus{Name: name, Value: value})
	}
	s.client.Send(&pgproto3.BackendKeyData{ProcessID: hijacked.PID, SecretKey: hijacked.SecretKey})
	s.client.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	return true, s.client.Flush()
}

// parameter tells the client of a setting, as Redshift would.
func (s *session) parameter(p *pgproto3.ParameterStatus) {
	switch p.Name {
	case "standard_conforming_strings":
		return
	case "server_version":
		p.Value = "8.0.2"
	}
	s.client.Send(p)
}

// handle carries one message of the client to PostgreSQL, and what PostgreSQL says back. Messages of the extended
// protocol wait for the client's Sync.
func (s *session) handle(message pgproto3.FrontendMessage) error {
	switch m := message.(type) {
	case *pgproto3.Terminate:
		return io.EOF
	case *pgproto3.Query:
		return s.simple(m)
	case *pgproto3.Parse:
		words := statements(m.Query)
		if len(words) > 1 {
			s.refused = &said{code: "42601", message: "cannot insert multiple commands into a prepared statement"}
			s.postgres.Send(&pgproto3.Parse{Name: m.Name, Query: "refused"})
			return nil
		}
		r, err := s.rewrite(words[0])
		if err != nil {
			return err
		}
		s.postgres.Send(&pgproto3.Parse{Name: m.Name, Query: r.text, ParameterOIDs: m.ParameterOIDs})
	case *pgproto3.Sync:
		s.postgres.Send(m)
		if err := s.postgres.Flush(); err != nil {
			return err
		}
		return s.relay(true, "")
	case *pgproto3.Bind, *pgproto3.Describe, *pgproto3.Execute, *pgproto3.Close:
		s.postgres.Send(m)
	default:
		return fmt.Errorf("the stand-in does not take messages of type %T", message)
	}
	return nil
}

// simple carries a Query.
func (s *session) simple(m *pgproto3.Query) error {
	var texts []string
	commit := false
	for _, words := range statements(m.String) {
		r, err := s.rewrite(words)
		if err != nil {
			return err
		}
		texts = append(texts, r.text)
		commit = commit || r.commit
	}
	fault := Fault("")
	if commit && s.status == 'T' {
		fault = s.server.Faults.pick(CommitLost, CommitUnheard, CommitLate, Conflict)
	}
	switch fault {
	case CommitLost:
		return errCut
	case CommitLate:
		s.cut()
		<-time.After(lateness)
	case Conflict:
		texts = []string{"rollback"}
	}
	s.postgres.Send(&pgproto3.Query{String: strings.Join(texts, ";")})
	if err := s.postgres.Flush(); err != nil {
		return err
	}
	return s.relay(false, fault)
}

// rewrite gives a statement as PostgreSQL takes it, with what the session knows.
func (s *session) rewrite(words []word) (rewritten, error) {
	s.inside, s.supers = s.status == 'T', nil
	s.superColumn = func(name string) bool {
		if s.supers == nil {
			s.supers = map[string]bool{}
			_ = s.ask("select distinct attname from pg_attribute where atttypid = 'pg_catalog.super'::regtype", func(values [][]byte) {
				s.supers[string(values[0])] = true
			})
		}
		return s.supers[name]
	}
	r := rewrite(words, &s.state)
	if r.copy == nil {
		if r.refused != nil {
			s.refused = r.refused
		}
		return r, nil
	}
	if s.server.Faults.pick(StatementCut) != "" {
		return r, errCut
	}
	text, err := s.prepareCopy(r.copy)
	if err != nil {
		s.refused = &said{code: "XX000", message: err.Error()}
		text = "refused"
	}
	r.text = text
	return r, nil
}

// prepareCopy looks at the table, and gives the statement for PostgreSQL.
func (s *session) prepareCopy(c *copyCommand) (string, error) {
	var table []column
	err := s.ask(fmt.Sprintf(`select a.attname, t.typname, case when t.typname = 'varchar' then greatest(a.atttypmod - 4, 1) else 0 end, a.attnotnull from pg_attribute a
		join pg_type t on t.oid = a.atttypid where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum`, quote(c.table)),
		func(values [][]byte) {
			size, _ := strconv.Atoi(string(values[2]))
			table = append(table, column{string(values[0]), string(values[1]), size, string(values[3]) == "t"})
		})
	if err != nil {
		return "", err
	}
	text, columns, err := c.into(table)
	if err != nil {
		return "", err
	}
	c.target = columns
	s.copies = append(s.copies, c)
	return text, nil
}

// ask asks PostgreSQL something for the session itself, between the client's statements.
func (s *session) ask(query string, each func([][]byte)) error {
	s.postgres.Send(&pgproto3.Query{String: query})
	if err := s.postgres.Flush(); err != nil {
		return err
	}
	var failed error
	for {
		message, err := s.postgres.Receive()
		if err != nil {
			return err
		}
		switch m := message.(type) {
		case *pgproto3.DataRow:
			each(m.Values)
		case *pgproto3.ErrorResponse:
			failed = errors.New(m.Message)
		case *pgproto3.ReadyForQuery:
			return failed
		}
	}
}

// relay carries what PostgreSQL says to the client, until it is ready for more.
func (s *session) relay(extended bool, fault Fault) error {
	copied, copying := int64(-1), ""
	silent := fault == CommitUnheard || fault == CommitLate
	for {
		message, err := s.postgres.Receive()
		if err != nil {
			return err
		}
		switch m := message.(type) {
		case *pgproto3.ParameterStatus:
			s.parameter(m)
			continue
		case *pgproto3.CopyInResponse:
			command := s.copies[0]
			s.copies = s.copies[1:]
			copying = command.table
			if copied, err = s.stream(command); err != nil {
				return err
			}
			if extended { // PostgreSQL has swallowed the client's while it waited for rows
				s.postgres.Send(&pgproto3.Sync{})
			}
			if err := s.postgres.Flush(); err != nil {
				return err
			}
			continue
		case *pgproto3.RowDescription:
			s.describe(m)
		case *pgproto3.DataRow:
			for _, i := range s.bytes {
				if m.Values[i] != nil {
					m.Values[i] = m.Values[i][2:] // without \x
				}
			}
		case *pgproto3.CommandComplete:
			switch {
			case fault == Conflict:
				s.client.Send(&pgproto3.ErrorResponse{
					Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "XX000", Message: "1023",
					Detail: "Serializable isolation violation on table - 100123, transactions forming the cycle are: 1, 2",
				})
				continue
			case copied >= 0:
				s.copied = copied
				s.server.copies.Add(1)
				s.client.Send(&pgproto3.NoticeResponse{
					Severity: "INFO", Code: "00000", Message: fmt.Sprintf("Load into table '%s' completed, %d record(s) loaded successfully.", copying, copied),
				})
				m.CommandTag, copied = []byte("COPY"), -1
			}
		case *pgproto3.ErrorResponse:
			s.explain(m, copied >= 0)
			copied = -1
		case *pgproto3.ReadyForQuery:
			s.status, s.copies, s.refused = m.TxStatus, nil, nil
			if silent {
				return errCut
			}
			s.client.Send(m)
			return s.client.Flush()
		}
		if !silent {
			s.client.Send(message)
			if _, row := message.(*pgproto3.DataRow); !row {
				if err := s.client.Flush(); err != nil {
					return err
				}
			}
		}
	}
}

// describe gives the types their OIDs on Redshift.
func (s *session) describe(m *pgproto3.RowDescription) {
	s.bytes = nil
	for i := range m.Fields {
		switch field := &m.Fields[i]; {
		case field.DataTypeOID == byteaOID:
			field.DataTypeOID = pgsql.VarbyteOID
			if field.Format == 0 {
				s.bytes = append(s.bytes, i)
			}
		case field.DataTypeOID >= firstOwnOID:
			field.DataTypeOID = pgsql.SuperOID
		}
	}
}

// The OIDs of bytea, and from which on they are of types that were made here.
const (
	byteaOID    = 17
	firstOwnOID = 16384
)

// explain gives an error as Redshift has it.
func (s *session) explain(m *pgproto3.ErrorResponse, copying bool) {
	switch {
	case s.refused != nil:
		m.Code, m.Message, m.Detail = s.refused.code, s.refused.message, s.refused.detail
		s.refused = nil
	case copying:
		m.Code, m.Detail = "XX000", m.Message
		m.Message = "Load into table failed.  Check 'sys_load_error_detail' system table for details."
	case m.Code == "40001":
		m.Code, m.Detail, m.Message = "XX000", "Serializable isolation violation on table: "+m.Message, "1023"
	}
}

// stream sends a COPY's rows to PostgreSQL, or that there is an error; the answer follows.
func (s *session) stream(c *copyCommand) (int64, error) {
	fail := func(err error) (int64, error) {
		s.postgres.Send(&pgproto3.CopyFail{Message: err.Error()})
		return 0, nil
	}
	files, err := c.files(s.server.objects)
	if err != nil {
		return fail(err)
	}
	rows, err := c.rows(files, c.target)
	if err != nil {
		return fail(err)
	}
	half := len(rows) + 1
	if s.server.Faults.pick(CopyFails) != "" {
		half = len(rows) / 2
	}
	for i, row := range rows {
		if i == half {
			break
		}
		s.postgres.Send(&pgproto3.CopyData{Data: row})
		if i%1000 == 999 {
			if err := s.postgres.Flush(); err != nil {
				return 0, err
			}
		}
	}
	if half <= len(rows) {
		return fail(errors.New("a fault for the test, half-way"))
	}
	s.postgres.Send(&pgproto3.CopyDone{})
	return int64(len(rows)), nil
}
