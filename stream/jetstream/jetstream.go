// Package jetstream is the stream driver on NATS JetStream, in two forms that share all code but the opening.
//
// OpenEmbedded runs a NATS server inside the process, without any open port: the default of a single machine. A record
// is acknowledged after fsync, so that it survives a crash of the process and of the machine. Connect uses the stream
// of a NATS server or cluster that somebody runs; there a record survives what that stream's replicas survive.
//
// A stream is one shard, "0". A position is the decimal sequence of a record. The first sequence of a new stream is the
// time of its making in microseconds, so that no two streams that ever stood in one place give the same position: one
// that was kept from an earlier stream is refused and never taken for a place in this one.
//
// Nothing is ever dropped by age or to make room: a stream that has reached its limit refuses what is new.
package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/semaphore"

	"github.com/spoorhq/spoor/stream"
)

const (
	// shardID is the one shard of every stream.
	shardID stream.ShardID = "0"
	// inFlightBytes bounds what one Log has sent and not seen acknowledged. It keeps the server's queue for a stream
	// under its limit (128 MiB), beyond which it refuses records.
	inFlightBytes = 64 << 20
	// healthEvery is how often a waiting Append asks whether there is still something to wait for.
	healthEvery = time.Second
)

// Options are for both openings, where nothing else is said. A zero field takes its default.
type Options struct {
	// Dir is where the embedded stream lives; it is made when it is not there. OpenEmbedded only.
	Dir string
	// Name of the stream; default "spoor". Connect takes it from the URL.
	Name string
	// MaxBytes is the size at which the stream refuses new records. Default: 8 GiB for a new stream, and for one that
	// exists the limit that it has. A limit below the present size drops nothing.
	MaxBytes int64
	// Reserve is how much of the disk is left free: with less, the stream is full whatever its size. A store that has
	// hit the end of the disk must be opened again, one that is full need not. Default 512 MiB. OpenEmbedded only.
	Reserve int64
	// Replicas of the stream in the cluster; default: 1 for a new stream, and for one that exists what it has.
	// Connect only.
	Replicas int
	// AckWait is how long an Append waits for a record to be acknowledged, after which its outcome is unknown.
	// Default 10 s.
	AckWait time.Duration
	// ReadAhead is about how many bytes a Reader holds that were not asked for yet. Default 16 MiB.
	ReadAhead int
	// CacheBytes bounds the memory in which the embedded server keeps records just written. It keeps them for some
	// ten seconds, however many they are; so an Append waits when more would come in that time. The default of 1 GiB
	// lets 70 MiB/s through for as long as you like. OpenEmbedded only.
	CacheBytes int64
	// Warn is told what the embedded server has to complain about, one line a call, from any goroutine. Default:
	// nobody is. OpenEmbedded only.
	Warn func(complaint string)
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "spoor"
	}
	if o.Reserve == 0 {
		o.Reserve = 512 << 20
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 1 << 30
	}
	if o.AckWait == 0 {
		o.AckWait = 10 * time.Second
	}
	if o.ReadAhead == 0 {
		o.ReadAhead = 16 << 20
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	return o
}

// Log is a stream.Log, Trimmer, Statter and Orderer.
type Log struct {
	name     string
	subject  string
	largest  int // bytes of a record
	ahead    int // bytes that a reader asks for at a time
	conn     *nats.Conn
	js       js.JetStream
	dial     func(...nats.Option) (*nats.Conn, error)
	publish  []js.PublishOpt
	inFlight *semaphore.Weighted
	embedded *embedded // nil: the server is not ours

	once   sync.Once
	closed chan struct{}
}

// open makes a Log of a server that dial reaches. The stream is made, or made to fit, when need be.
func open(ctx context.Context, dial func(...nats.Option) (*nats.Conn, error), options Options) (*Log, error) {
	conn, err := dial(nats.MaxReconnects(-1), nats.ReconnectWait(250*time.Millisecond), nats.ReconnectBufSize(-1))
	if err != nil {
		return nil, fmt.Errorf("cannot connect to the stream: %w", err)
	}
	api, err := js.New(conn, js.WithPublishAsyncTimeout(options.AckWait))
	if err != nil {
		conn.Close()
		return nil, err
	}
	config, err := ensure(ctx, api, options)
	if err != nil {
		conn.Close()
		return nil, err
	}
	largest := int(conn.MaxPayload())
	if config.MaxMsgSize > 0 {
		largest = min(largest, int(config.MaxMsgSize))
	}
	return &Log{
		name:    options.Name,
		subject: config.Subjects[0],
		largest: largest,
		// The largest record, with its subjects, must fit or it would never be delivered.
		ahead:    max(options.ReadAhead, largest+4096),
		conn:     conn,
		js:       api,
		dial:     dial,
		publish:  []js.PublishOpt{js.WithRetryAttempts(0), js.WithStallWait(options.AckWait)},
		inFlight: semaphore.NewWeighted(inFlightBytes),
		closed:   make(chan struct{}),
	}, nil
}

// usable tells why a call cannot be taken, if so.
func (l *Log) usable(ctx context.Context) error {
	select {
	case <-l.closed:
		return stream.ErrClosed
	default:
		return ctx.Err()
	}
}

// Append sends all records and then waits for their acknowledgements, so that the server writes one while the next is
// on its way. Each record has its own outcome.
func (l *Log) Append(ctx context.Context, records []stream.Record) error {
	if err := l.usable(ctx); err != nil || len(records) == 0 {
		return err
	}
	size := int64(0)
	for _, r := range records {
		size += int64(len(r.Data))
	}
	if err := l.embedded.admit(ctx, size); err != nil {
		return err
	}
	weight := min(size, inFlightBytes)
	if err := l.inFlight.Acquire(ctx, weight); err != nil {
		return err
	}
	defer l.inFlight.Release(weight)

	failed := map[int]error{}
	acks := make([]js.PubAckFuture, len(records))
	for i, r := range records {
		if len(r.Data) > l.largest {
			failed[i] = fmt.Errorf("%w: it has %d bytes, and %d is the most", stream.ErrTooLarge, len(r.Data), l.largest)
			continue
		}
		var err error
		if acks[i], err = l.js.PublishMsgAsync(&nats.Msg{Subject: l.subject, Data: r.Data}, l.publish...); err != nil {
			failed[i] = l.explain("appending to", err)
		}
	}
	health := time.NewTicker(healthEvery)
	defer health.Stop()
	for i, ack := range acks {
		if failed[i] == nil {
			if err := l.await(ctx, ack, health.C); err != nil {
				failed[i] = err
			}
		}
	}
	if len(failed) > 0 {
		return &stream.PartialError{Failed: failed}
	}
	return nil
}

// await waits for one acknowledgement. One that is there already counts, even when ctx has ended.
func (l *Log) await(ctx context.Context, ack js.PubAckFuture, health <-chan time.Time) error {
	stored, failed := ack.Ok(), ack.Err()
	select {
	case <-stored:
		return nil
	case err := <-failed:
		return l.explain("appending to", err)
	default:
	}
	for {
		select {
		case <-stored:
			return nil
		case err := <-failed:
			return l.explain("appending to", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-l.closed:
			return stream.ErrClosed
		case <-health:
			if err := l.embedded.health(); err != nil {
				return err
			}
		}
	}
}

// The server's error codes for a record that it has no room for, or that is too large for the stream.
const (
	codeAccountExceeded  js.ErrorCode = 10002
	codeInsufficient     js.ErrorCode = 10023
	codeStorageExceeded  js.ErrorCode = 10047
	codeMessageTooLarge  js.ErrorCode = 10054
	codeStreamStoreError js.ErrorCode = 10077 // of any kind; the kind is told in words
)

// explain turns what NATS says into what the contract says.
func (l *Log) explain(doing string, err error) error {
	if l.usable(context.Background()) != nil {
		return stream.ErrClosed
	}
	if api, ok := errors.AsType[*js.APIError](err); ok {
		switch api.ErrorCode {
		case codeAccountExceeded, codeInsufficient, codeStorageExceeded:
			return fmt.Errorf("%w: %w", stream.ErrFull, err)
		case codeStreamStoreError:
			if strings.HasPrefix(api.Description, "maximum ") { // bytes exceeded, messages exceeded
				return fmt.Errorf("%w: %w", stream.ErrFull, err)
			}
		case codeMessageTooLarge:
			return fmt.Errorf("%w: %w", stream.ErrTooLarge, err)
		}
	}
	return fmt.Errorf("%s stream %q: %w", doing, l.name, err)
}

// Shards is the one shard.
func (l *Log) Shards(ctx context.Context) ([]stream.Shard, error) {
	if err := l.usable(ctx); err != nil {
		return nil, err
	}
	return []stream.Shard{{ID: shardID}}, nil
}

// Close ends the Log and its readers, and the embedded server with them.
func (l *Log) Close() error {
	var err error
	l.once.Do(func() {
		close(l.closed)
		l.conn.Close()
		err = l.embedded.stop()
	})
	return err
}
