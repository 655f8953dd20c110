package browser

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// The alerts, with a post office for their mails. The address at which the mails can be read is SPOOR_MAILS.
func TestAlerts(t *testing.T) {
	t.Parallel()
	office := &postOffice{}
	server := smtp.NewServer(office)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close() })
	mails := httptest.NewServer(office)
	t.Cleanup(mails.Close)
	url := serve(t, "--source", "web=wkey", "--smtp", "smtp://"+listener.Addr().String()+"?from=spoor@example.com&tls=none")
	look(t, "alerts.test.mjs", url, "SPOOR_MAILS="+mails.URL)
}

// postOffice takes every mail, and shows them all to who asks.
type postOffice struct {
	mu    sync.Mutex
	mails []mail
}

type mail struct {
	To   string `json:"to"`
	Text string `json:"text"`
}

func (o *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return &counter{office: o}, nil }

func (o *postOffice) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = json.NewEncoder(w).Encode(append([]mail{}, o.mails...)) // the test is gone: there is nobody to tell
}

// counter takes one mail.
type counter struct {
	office *postOffice
	to     string
}

func (c *counter) Mail(string, *smtp.MailOptions) error { return nil }

func (c *counter) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.to = to
	return nil
}

func (c *counter) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	c.office.mu.Lock()
	defer c.office.mu.Unlock()
	c.office.mails = append(c.office.mails, mail{c.to, string(text)})
	return err
}

func (c *counter) Reset()        {}
func (c *counter) Logout() error { return nil }
