package jetstream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"

	"github.com/spoorhq/spoor/stream"
)

const (
	// largestRecord is what the embedded server takes for a record.
	largestRecord = 8 << 20
	// account is the one that the server gives to whom it knows nothing about.
	account = "$G"
	// startWait bounds the server's start beyond the recovery of the stream, which takes the time it takes.
	startWait = 10 * time.Second
	// emptyBlock is the size of a block that only tells at which sequence the stream goes on.
	emptyBlock = 30
	// unlimited is more than any disk has. The limit is the stream's; the server's own would only be in its way.
	unlimited = 1 << 60
)

// OpenEmbedded opens the stream in options.Dir, with a server inside this process that listens on no port. One process
// at a time can have it open; another one is refused. Replicas has no meaning here.
func OpenEmbedded(ctx context.Context, options Options) (*Log, error) {
	options = options.withDefaults()
	if options.Dir == "" {
		return nil, errors.New("an embedded stream needs a directory")
	}
	options.Replicas = 0
	dir, err := filepath.Abs(options.Dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the directory of the stream: %w", err)
	}
	e := &embedded{dir: dir, name: options.Name, reserve: options.Reserve, pace: newPace(options.CacheBytes)}
	log, err := e.open(ctx, options)
	if err != nil {
		return nil, errors.Join(err, e.stop())
	}
	return log, nil
}

// embedded is the server inside the process. Its methods may be called on nil, which is a server that is not ours.
type embedded struct {
	dir     string
	name    string
	reserve int64
	pace    pace
	lock    *os.File
	server  *server.Server
	broken  atomic.Pointer[error]
}

func (e *embedded) open(ctx context.Context, options Options) (*Log, error) {
	var err error
	if e.lock, err = lock(filepath.Join(e.dir, "lock")); err != nil {
		return nil, fmt.Errorf("the stream in %s %w", e.dir, err)
	}
	held, err := e.holdsRecords()
	if err != nil {
		return nil, fmt.Errorf("looking at the stream in %s: %w", e.dir, err)
	}
	complaints := &complaints{warn: options.Warn}
	if err := e.start(complaints); err != nil {
		return nil, fmt.Errorf("starting the stream in %s: %w", e.dir, complaints.explain(err))
	}
	dial := func(more ...nats.Option) (*nats.Conn, error) {
		return nats.Connect("", append(more, nats.InProcessServer(e.server))...)
	}
	if err := e.check(ctx, dial, held); err != nil {
		return nil, complaints.explain(err)
	}
	log, err := open(ctx, dial, options)
	if err != nil {
		return nil, complaints.explain(err)
	}
	complaints.settle()
	log.embedded = e
	return log, nil
}

// start starts the server, which first recovers the stream.
func (e *embedded) start(log *complaints) error {
	s, err := server.NewServer(&server.Options{
		ServerName:             "spoor",
		DontListen:             true,
		NoSigs:                 true,
		JetStream:              true,
		StoreDir:               e.dir,
		SyncAlways:             true,
		JetStreamMaxStore:      unlimited,
		JetStreamMaxMemory:     unlimited,
		MaxPayload:             largestRecord,
		DisableJetStreamBanner: true,
	})
	if err != nil {
		return err
	}
	e.server = s
	s.SetLoggerV2(log, false, false, false)
	s.Start()
	if !s.JetStreamEnabled() || !s.ReadyForConnections(startWait) {
		return errors.New("the server did not come up")
	}
	return nil
}

func (e *embedded) streamDir() string {
	return filepath.Join(e.dir, "jetstream", account, "streams", e.name)
}

// holdsRecords tells whether there is anything in the stream that must not be lost from sight.
func (e *embedded) holdsRecords() (bool, error) {
	blocks, err := filepath.Glob(filepath.Join(e.streamDir(), "msgs", "*.blk"))
	for _, block := range blocks {
		about, err := os.Stat(block)
		if err != nil || about.Size() > emptyBlock {
			return err == nil, err
		}
	}
	return false, err
}

// check refuses a stream whose description the server could not make sense of. The server itself passes over such a
// stream, and a new one would be made in its place. Where there are no records yet, a crash while it was being made has
// left half a description, and that is swept away.
func (e *embedded) check(ctx context.Context, dial func(...nats.Option) (*nats.Conn, error), held bool) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	api, err := js.New(conn)
	if err != nil {
		return err
	}
	_, err = api.Stream(ctx, e.name)
	switch {
	case !errors.Is(err, js.ErrStreamNotFound):
		return err
	case held:
		return fmt.Errorf("the stream in %s is damaged: it holds records, and its description (meta.inf, meta.sum) is missing or wrong", e.streamDir())
	}
	return os.RemoveAll(e.streamDir())
}

// admit refuses records that the disk has no room for, and any when the store has failed. It holds up those that
// memory has no room for yet.
func (e *embedded) admit(ctx context.Context, size int64) error {
	if e == nil {
		return nil
	}
	if broken := e.broken.Load(); broken != nil {
		return *broken
	}
	free, err := freeBytes(e.dir)
	if err != nil {
		return fmt.Errorf("asking the disk of %s for its free bytes: %w", e.dir, err)
	}
	if free-size < e.reserve {
		return fmt.Errorf("%w: the disk of %s has %d bytes free, of which %d are not to be used", stream.ErrFull, e.dir, free, e.reserve)
	}
	return e.pace.wait(ctx, size)
}

// health tells whether the store has failed. The server says so here only: it never answers a record that it could not
// write, and takes no other one afterwards.
func (e *embedded) health() error {
	if e == nil {
		return nil
	}
	status := e.server.Healthz(&server.HealthzOptions{Account: account, Stream: e.name})
	if status.Error == "" {
		return nil
	}
	err := fmt.Errorf("the stream in %s has failed, and takes no records until it is opened again: %s", e.dir, status.Error)
	e.broken.Store(&err)
	return err
}

func (e *embedded) stop() error {
	if e == nil {
		return nil
	}
	if e.server != nil {
		e.server.Shutdown()
		e.server.WaitForShutdown()
	}
	if e.lock != nil {
		return e.lock.Close()
	}
	return nil
}

// complaints takes the server's log. Warnings and worse are passed on, and remembered until the stream is open, for
// the error if it does not open.
type complaints struct {
	warn    func(string)
	mu      sync.Mutex
	settled bool
	heard   []string
}

func (c *complaints) hear(format string, args []any) {
	complaint := strings.TrimSpace(fmt.Sprintf(format, args...))
	c.warn(complaint)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.settled {
		c.heard = append(c.heard, complaint)
	}
}

func (c *complaints) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settled, c.heard = true, nil
}

// explain adds what the server said to an error.
func (c *complaints) explain(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.heard) == 0 {
		return err
	}
	return fmt.Errorf("%w (%s)", err, strings.Join(c.heard, "; "))
}

func (c *complaints) Warnf(format string, args ...any)  { c.hear(format, args) }
func (c *complaints) Errorf(format string, args ...any) { c.hear(format, args) }
func (c *complaints) Fatalf(format string, args ...any) { c.hear(format, args) }
func (c *complaints) Noticef(string, ...any)            {}
func (c *complaints) Debugf(string, ...any)             {}
func (c *complaints) Tracef(string, ...any)             {}
