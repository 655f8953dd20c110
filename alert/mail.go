package alert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	mailer "github.com/wneessen/go-mail"
)

// Mailer sends one mail of plain text.
type Mailer interface {
	Send(ctx context.Context, to, subject, text string) error
}

// mail sends a notification to a mailbox.
func (e *Evaluator) mail(ctx context.Context, to string, n notification) error {
	if e.options.Mail == nil {
		return errors.New("no mail can be sent: --smtp names no server")
	}
	lines := []string{n.Summary, ""}
	for _, s := range n.Events {
		lines = append(lines, "  "+s.Name.String())
	}
	if len(n.Events) > 0 {
		lines = append(lines, "")
	}
	lines = append(lines, "At "+n.At.Format(time.RFC1123)+".")
	if n.URL != "" {
		lines = append(lines, "", n.URL)
	}
	return e.options.Mail.Send(ctx, to, strings.SplitN(n.Text, "\n", 2)[0], strings.Join(lines, "\n")+"\n")
}

// SMTP sends mails by a server.
type SMTP struct {
	host      string
	port      int
	user      string
	password  string
	from      string
	implicit  bool // TLS from the beginning
	plain     bool // no TLS
	localhost bool
	roots     *x509.CertPool // nil: the machine's
}

// mailFor is how long a mail may take.
const mailFor = 20 * time.Second

// ParseSMTP reads smtp://user:password@host:port?from=address, where STARTTLS is a must unless the host is this machine or
// tls=none says that it is not; or smtps:// with TLS from the beginning.
func ParseSMTP(location string) (*SMTP, error) {
	u, err := url.Parse(location)
	if err != nil || (u.Scheme != "smtp" && u.Scheme != "smtps") || u.Hostname() == "" {
		return nil, errors.New("must be smtp://user:password@host:port?from=address or smtps://…")
	}
	s := &SMTP{host: u.Hostname(), port: 587, user: u.User.Username(), from: u.Query().Get("from"), implicit: u.Scheme == "smtps"}
	s.password, _ = u.User.Password()
	if s.implicit {
		s.port = 465
	}
	if u.Port() != "" {
		if s.port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, fmt.Errorf("needs a port; got %q", u.Port())
		}
	}
	switch encrypted := u.Query().Get("tls"); encrypted {
	case "":
	case "none":
		s.plain = true
	default:
		return nil, fmt.Errorf("tls can be none only; got %q", encrypted)
	}
	if _, err := mail.ParseAddress(s.from); err != nil {
		return nil, fmt.Errorf("needs ?from= with an address; got %q", s.from)
	}
	ip := net.ParseIP(s.host)
	s.localhost = s.host == "localhost" || (ip != nil && ip.IsLoopback())
	return s, nil
}

// Send sends one mail.
func (s *SMTP) Send(ctx context.Context, to, subject, text string) error {
	m := mailer.NewMsg()
	if err := m.From(s.from); err != nil {
		return err
	}
	if err := m.To(to); err != nil {
		return err
	}
	m.Subject(subject)
	m.SetDate()
	m.SetMessageID()
	m.SetBodyString(mailer.TypeTextPlain, text)
	policy := mailer.TLSMandatory
	switch {
	case s.plain:
		policy = mailer.NoTLS
	case s.localhost:
		policy = mailer.TLSOpportunistic
	}
	options := []mailer.Option{mailer.WithPort(s.port), mailer.WithTimeout(mailFor), mailer.WithTLSPolicy(policy)}
	if s.implicit {
		options = append(options, mailer.WithSSL())
	}
	if s.roots != nil {
		options = append(options, mailer.WithTLSConfig(&tls.Config{ServerName: s.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12}))
	}
	if s.user != "" {
		how := mailer.SMTPAuthAutoDiscover // which shows no password to who listens
		if s.plain {
			how = mailer.SMTPAuthPlainNoEnc
		}
		options = append(options, mailer.WithSMTPAuth(how), mailer.WithUsername(s.user), mailer.WithPassword(s.password))
	}
	client, err := mailer.NewClient(s.host, options...)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, mailFor)
	defer cancel()
	return client.DialAndSendWithContext(ctx, m)
}
