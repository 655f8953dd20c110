package alert

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// postOffice takes mails, from those who know the password where there is one.
type postOffice struct {
	password string

	mu    sync.Mutex
	mails []string
	tls   bool // the last mail came encrypted
}

func (o *postOffice) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, encrypted := c.TLSConnectionState()
	return &counter{office: o, tls: encrypted, known: o.password == ""}, nil
}

type counter struct {
	office     *postOffice
	tls, known bool
	to         string
}

func (c *counter) AuthMechanisms() []string { return []string{sasl.Plain} }

func (c *counter) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if c.known = user == "spoor" && password == c.office.password; !c.known {
			return errors.New("who are you?")
		}
		return nil
	}), nil
}

func (c *counter) Mail(string, *smtp.MailOptions) error {
	if !c.known {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (c *counter) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody@") {
		return &smtp.SMTPError{Code: 550, Message: "there is no such mailbox"}
	}
	c.to = to
	return nil
}

func (c *counter) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	c.office.mu.Lock()
	defer c.office.mu.Unlock()
	c.office.mails, c.office.tls = append(c.office.mails, "to "+c.to+"\r\n"+string(text)), c.tls
	return err
}

func (c *counter) Reset()        {}
func (c *counter) Logout() error { return nil }

// open serves the post office, with STARTTLS where there is a certificate.
func (o *postOffice) open(t *testing.T, certificate *tls.Certificate) string {
	t.Helper()
	server := smtp.NewServer(o)
	server.AllowInsecureAuth = true
	if certificate != nil {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*certificate}}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close() })
	return listener.Addr().String()
}

func TestMail(t *testing.T) {
	t.Parallel()
	office := &postOffice{password: "secret"}
	address := office.open(t, nil)
	server, err := ParseSMTP("smtp://spoor:secret@" + address + "?from=Spoor%20%3Cspoor@example.com%3E&tls=none")
	if err != nil {
		t.Fatal(err)
	}
	e := New(Options{Mail: server})
	n := notification{Text: "[FIRING] Orders: ü", Summary: "Order Completed stopped coming", Events: []Silent{{Name: Name{"web", "track", "Order Completed"}}}, URL: "https://spoor.example/alerts"}
	if err := e.send(t.Context(), Receiver{Email: "ops@example.com"}, n); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"to ops@example.com", `From: "Spoor" <spoor@example.com>`, "Subject: =?UTF-8?q?[FIRING]_Orders:_=C3=BC?=", "Order Completed stopped coming", "Order Completed from web", "https://spoor.example/alerts", "Message-ID: "} {
		if !strings.Contains(office.mails[0], want) {
			t.Errorf("want %q in the mail; have\n%s", want, office.mails[0])
		}
	}
	if err := e.send(t.Context(), Receiver{Email: "nobody@example.com"}, n); err == nil || !strings.Contains(err.Error(), "there is no such mailbox") {
		t.Errorf("want what the server said; have %v", err)
	}
	stranger, err := ParseSMTP("smtp://spoor:wrong@" + address + "?from=spoor@example.com&tls=none")
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Send(t.Context(), "ops@example.com", "x", "y"); err == nil {
		t.Error("want a wrong password refused")
	}
	if err := New(Options{}).send(t.Context(), Receiver{Email: "ops@example.com"}, n); err == nil || !strings.Contains(err.Error(), "--smtp") {
		t.Errorf("want to be told what is missing; have %v", err)
	}
	if len(office.mails) != 1 {
		t.Errorf("want one mail; have %d", len(office.mails))
	}
}

// Without tls=none a mail to another machine does not go unencrypted, and a certificate that nobody vouches for is refused.
func TestMailIsEncrypted(t *testing.T) {
	t.Parallel()
	plain := &postOffice{}
	address := plain.open(t, nil)
	server := &SMTP{host: "127.0.0.1", from: "spoor@example.com"}
	_, server.port = hostPort(t, address)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := server.Send(ctx, "ops@example.com", "x", "y"); err == nil || len(plain.mails) > 0 {
		t.Errorf("want a server without STARTTLS refused; have %v", err)
	}
	certificate := selfSigned(t)
	sealed := &postOffice{}
	_, server.port = hostPort(t, sealed.open(t, certificate))
	if err := server.Send(ctx, "ops@example.com", "x", "y"); err == nil || len(sealed.mails) > 0 {
		t.Errorf("want a certificate of nobody's refused; have %v", err)
	}
	root := x509.NewCertPool()
	root.AddCert(certificate.Leaf)
	server.roots = root
	if err := server.Send(ctx, "ops@example.com", "x", "y"); err != nil || len(sealed.mails) != 1 || !sealed.tls {
		t.Errorf("want the mail encrypted; have %v, %d mails, TLS %v", err, len(sealed.mails), sealed.tls)
	}
}

func TestParseSMTP(t *testing.T) {
	t.Parallel()
	s, err := ParseSMTP("smtps://u:p%40ss@mail.example.com?from=a@b.example")
	if err != nil || s.port != 465 || s.password != "p@ss" || !s.implicit || s.localhost {
		t.Errorf("want TLS from the beginning on port 465; have %+v, %v", s, err)
	}
	for location, want := range map[string]string{
		"mail.example.com": "must be smtp://", "http://x?from=a@b.example": "must be smtp://", "smtp://x": "needs ?from= with an address",
		"smtp://x?from=a": `got "a"`, "smtp://x?from=a@b.example&tls=maybe": `got "maybe"`, "smtp://x:port?from=a@b.example": "must be smtp://",
	} {
		if _, err := ParseSMTP(location); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want %q; have %v", location, want, err)
		}
	}
}

func hostPort(t *testing.T, address string) (host string, port int) {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return a.IP.String(), a.Port
}

func selfSigned(t *testing.T) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "post office"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
