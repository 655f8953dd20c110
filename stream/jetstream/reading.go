package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"

	"github.com/spoorhq/spoor/stream"
)

const (
	// fetchRecords bounds one request for records, beside its bytes and its time (30 s); another follows it.
	fetchRecords = 512
	// idleReader is when the server forgets a reader that was never closed.
	idleReader = 5 * time.Minute
	// closeWait bounds how long Close tries to make it forget at once.
	closeWait = time.Second
)

// Read opens a reader with a connection of its own, so that neither a slow reader nor a fast one is felt by others or
// by Append.
func (l *Log) Read(ctx context.Context, shard stream.ShardID, after stream.Position) (stream.Reader, error) {
	if err := l.usable(ctx); err != nil {
		return nil, err
	}
	if shard != shardID {
		return nil, fmt.Errorf("%w: %q", stream.ErrUnknownShard, shard)
	}
	next, err := l.follow(ctx, after)
	if err != nil {
		return nil, err
	}
	conn, err := l.dial(nats.NoReconnect())
	if err != nil {
		return nil, fmt.Errorf("cannot connect a reader to stream %q: %w", l.name, err)
	}
	r := &reader{log: l, conn: conn, next: next, lost: conn.StatusChanged(nats.CLOSED)}
	r.life, r.end = context.WithCancel(context.Background())
	if err := r.begin(ctx); err != nil {
		r.end()
		conn.Close()
		return nil, fmt.Errorf("reading stream %q: %w", l.name, err)
	}
	return r, nil
}

// follow gives the sequence that comes after a position; 0: whichever is the oldest.
func (l *Log) follow(ctx context.Context, after stream.Position) (uint64, error) {
	if after == "" {
		return 0, nil
	}
	state, err := l.state(ctx)
	if err != nil {
		return 0, err
	}
	seq, err := sequence(after)
	switch {
	case err != nil:
		return 0, err
	case seq > state.LastSeq:
		return 0, fmt.Errorf("%w: %s, and the last is %d", stream.ErrUnknownPosition, after, state.LastSeq)
	case seq+1 < state.FirstSeq:
		return 0, fmt.Errorf("%w: %s, and the oldest record is %d", stream.ErrTrimmed, after, state.FirstSeq)
	}
	return seq + 1, nil
}

// sequence reads a position.
func sequence(p stream.Position) (uint64, error) {
	seq, err := strconv.ParseUint(string(p), 10, 64)
	if err != nil || position(seq) != p {
		return 0, fmt.Errorf("%w: %q", stream.ErrUnknownPosition, p)
	}
	return seq, nil
}

func position(seq uint64) stream.Position {
	return stream.Position(strconv.FormatUint(seq, 10))
}

// reader asks for records in requests of bounded size, one ahead of what the caller has taken.
type reader struct {
	log      *Log
	conn     *nats.Conn
	consumer js.Consumer
	batch    js.MessageBatch // the request under way; nil: none
	next     uint64          // the sequence that must come next; 0: any
	failed   error           // what Next is to say once the records before it are taken
	lost     <-chan nats.Status
	life     context.Context // of the requests: from Read to Close
	end      context.CancelFunc
}

// begin asks the server for a place to read from, that lives in its memory only, and for the first records.
func (r *reader) begin(ctx context.Context) error {
	api, err := js.New(r.conn)
	if err != nil {
		return err
	}
	config := js.ConsumerConfig{
		DeliverPolicy:     js.DeliverAllPolicy,
		AckPolicy:         js.AckNonePolicy,
		InactiveThreshold: idleReader,
		MemoryStorage:     true,
		Replicas:          1,
	}
	if r.next > 0 {
		config.DeliverPolicy, config.OptStartSeq = js.DeliverByStartSequencePolicy, r.next
	}
	if r.consumer, err = api.CreateConsumer(ctx, r.log.name, config); err != nil {
		return err
	}
	return r.fetch()
}

func (r *reader) fetch() (err error) {
	r.batch, err = r.consumer.Fetch(fetchRecords, js.FetchMaxBytes(r.log.ahead), js.FetchContext(r.life))
	return err
}

// Next returns the records that have arrived, up to about the bytes read ahead.
func (r *reader) Next(ctx context.Context) ([]stream.Record, error) {
	for {
		switch err := r.log.usable(ctx); {
		case err != nil:
			return nil, err
		case r.failed != nil:
			return nil, r.failed
		}
		select {
		case msg, more := <-r.batch.Messages():
			if records := r.gather(ctx, msg, more); len(records) > 0 {
				return records, nil
			}
		case <-ctx.Done():
		case <-r.log.closed:
		case <-r.lost:
			r.failed = fmt.Errorf("reading stream %q: the connection is lost", r.log.name)
		}
	}
}

// gather takes the messages that are there, from the one given on. At the end of a request it sends the next one, so
// that records come while the caller works. It sets failed when it meets what is no record.
func (r *reader) gather(ctx context.Context, msg js.Msg, more bool) (records []stream.Record) {
	for more {
		record, err := r.take(ctx, msg)
		if err != nil {
			r.failed = err
			return records
		}
		records = append(records, record)
		select {
		case msg, more = <-r.batch.Messages():
		default:
			return records
		}
	}
	err := r.batch.Error()
	if err == nil {
		err = r.fetch()
	}
	if err != nil {
		r.failed = fmt.Errorf("reading stream %q: %w", r.log.name, err)
	}
	return records
}

func (r *reader) take(ctx context.Context, msg js.Msg) (stream.Record, error) {
	about, err := msg.Metadata()
	if err != nil {
		return stream.Record{}, fmt.Errorf("reading stream %q: %w", r.log.name, err)
	}
	seq := about.Sequence.Stream
	if r.next > 0 && seq != r.next {
		return stream.Record{}, r.gap(ctx, seq)
	}
	r.next = seq + 1
	return stream.Record{Data: msg.Data(), Position: position(seq), Time: about.Timestamp}, nil
}

// gap tells why another record came than the next one: because that is gone, or because delivery went wrong, which a
// new reader does not.
func (r *reader) gap(ctx context.Context, came uint64) error {
	s, err := r.log.js.Stream(ctx, r.log.name)
	if err == nil {
		_, err = s.GetMsg(ctx, r.next)
	}
	if errors.Is(err, js.ErrMsgNotFound) {
		return fmt.Errorf("%w: %d was to come next, and %d came", stream.ErrTrimmed, r.next, came)
	}
	return errors.Join(fmt.Errorf("reading stream %q: record %d was to come next, and %d came", r.log.name, r.next, came), err)
}

func (r *reader) Close() error {
	if errors.Is(r.failed, stream.ErrClosed) {
		return nil
	}
	r.failed = stream.ErrClosed
	r.end()
	if r.log.usable(context.Background()) == nil && r.log.conn.IsConnected() {
		ctx, cancel := context.WithTimeout(context.Background(), closeWait)
		defer cancel()
		// Should it fail, the server forgets by itself in a while.
		_ = r.log.js.DeleteConsumer(ctx, r.log.name, r.consumer.CachedInfo().Name)
	}
	r.conn.Close()
	return nil
}
