// Package memory is a stream driver that keeps its records in memory: for tests, and for trying Spoor out where losing
// everything at the end is fine. It has all powers that a stream can have, shards that split and merge among them.
//
// A Stream is what is kept, a Log is a handle on it. Closing a Log and opening another is to this driver what a restart
// is to one with a disk.
package memory

import (
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spoorhq/spoor/stream"
)

// batchBytes is where Next stops adding records to a batch.
const batchBytes = 16 << 20

// Options say how a Stream begins.
type Options struct {
	Shards   int   // default 1
	MaxBytes int64 // of keys and data, all shards together; 0: no limit
}

// Stream holds records, in shards that divide the hashes of the keys among them. Safe for concurrent use.
type Stream struct {
	limit int64
	seed  maphash.Seed

	mu     sync.Mutex
	shards []*shard // in the order of their making
	next   int      // the record without a key that comes next; they go round the open shards
	bytes  int64
	change chan struct{} // closed, and replaced, whenever a reader may have something new to see
}

// shard keeps records[i] at position gone+i+1.
type shard struct {
	stream.Shard
	low, high uint64 // the hashes of its keys, both inclusive
	gone      uint64 // records trimmed
	records   []stream.Record
}

// New makes an empty Stream.
func New(options Options) *Stream {
	s := &Stream{limit: options.MaxBytes, seed: maphash.MakeSeed(), change: make(chan struct{})}
	n := uint64(max(options.Shards, 1))
	width := math.MaxUint64 / n
	for i := range n {
		high := (i+1)*width - 1
		if i == n-1 {
			high = math.MaxUint64
		}
		s.add(i*width, high)
	}
	return s
}

// Open gives a Log on the stream. There may be several at a time.
func (s *Stream) Open() *Log {
	return &Log{stream: s, closed: make(chan struct{})}
}

// Split closes an open shard and opens two in its place, each for half of its keys.
func (s *Stream) Split(id stream.ShardID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	parent, err := s.open(id)
	if err != nil {
		return err
	}
	if parent.low == parent.high {
		return fmt.Errorf("shard %s has a single hash and cannot be split", id)
	}
	middle := parent.low + (parent.high-parent.low)/2
	parent.Closed = true
	s.add(parent.low, middle, id)
	s.add(middle+1, parent.high, id)
	s.wake()
	return nil
}

// Merge closes two open shards whose keys lie side by side and opens one in their place.
func (s *Stream) Merge(a, b stream.ShardID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	low, err := s.open(a)
	if err != nil {
		return err
	}
	high, err := s.open(b)
	if err != nil {
		return err
	}
	if high.low < low.low {
		low, high = high, low
	}
	if low == high || low.high+1 != high.low {
		return fmt.Errorf("shards %s and %s do not lie side by side", a, b)
	}
	low.Closed, high.Closed = true, true
	s.add(low.low, high.high, a, b)
	s.wake()
	return nil
}

// add opens a shard. The lock is held, or the stream is not yet shared.
func (s *Stream) add(low, high uint64, parents ...stream.ShardID) {
	id := stream.ShardID(strconv.Itoa(len(s.shards)))
	s.shards = append(s.shards, &shard{Shard: stream.Shard{ID: id, Parents: parents}, low: low, high: high})
}

func (s *Stream) find(id stream.ShardID) (*shard, error) {
	for _, shard := range s.shards {
		if shard.ID == id {
			return shard, nil
		}
	}
	return nil, fmt.Errorf("%w: %q", stream.ErrUnknownShard, id)
}

func (s *Stream) open(id stream.ShardID) (*shard, error) {
	shard, err := s.find(id)
	if err == nil && shard.Closed {
		return nil, fmt.Errorf("shard %s is closed already", id)
	}
	return shard, err
}

// home finds the open shard for a key.
func (s *Stream) home(key string) *shard {
	if key == "" {
		open := slices.DeleteFunc(slices.Clone(s.shards), func(sh *shard) bool { return sh.Closed })
		s.next++
		return open[s.next%len(open)]
	}
	hash := maphash.String(s.seed, key)
	i := slices.IndexFunc(s.shards, func(sh *shard) bool { return !sh.Closed && sh.low <= hash && hash <= sh.high })
	return s.shards[i]
}

func (s *Stream) wake() {
	close(s.change)
	s.change = make(chan struct{})
}

func (sh *shard) last() uint64 { return sh.gone + uint64(len(sh.records)) }

// place reads a position of the shard: how many records stand up to it.
func (sh *shard) place(p stream.Position) (uint64, error) {
	if p == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(string(p), 10, 64)
	if err != nil || n == 0 || n > sh.last() {
		return 0, fmt.Errorf("%w: %q in shard %s, whose last is %d", stream.ErrUnknownPosition, p, sh.ID, sh.last())
	}
	return n, nil
}

func weight(r stream.Record) int64 { return int64(len(r.Key) + len(r.Data)) }

// Log is a handle on a Stream. It is a stream.Log, Trimmer, Statter and Orderer.
type Log struct {
	stream *Stream
	once   sync.Once
	closed chan struct{}
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

func (l *Log) Append(ctx context.Context, records []stream.Record) error {
	if err := l.usable(ctx); err != nil {
		return err
	}
	s := l.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	var failed map[int]error
	for i, r := range records {
		if s.limit > 0 && s.bytes+weight(r) > s.limit {
			if failed == nil {
				failed = map[int]error{}
			}
			failed[i] = fmt.Errorf("%w: %d of %d bytes are taken, and the record has %d", stream.ErrFull, s.bytes, s.limit, weight(r))
			continue
		}
		home := s.home(r.Key)
		s.bytes += weight(r)
		home.records = append(home.records, stream.Record{
			Key:      r.Key,
			Data:     slices.Clone(r.Data),
			Position: stream.Position(strconv.FormatUint(home.last()+1, 10)),
			Time:     time.Now(),
		})
	}
	s.wake()
	if failed != nil {
		return &stream.PartialError{Failed: failed}
	}
	return nil
}

func (l *Log) Shards(ctx context.Context) ([]stream.Shard, error) {
	if err := l.usable(ctx); err != nil {
		return nil, err
	}
	s := l.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	var shards []stream.Shard
	for _, shard := range s.shards {
		if !shard.Closed || len(shard.records) > 0 {
			shards = append(shards, shard.Shard)
		}
	}
	return shards, nil
}

func (l *Log) Read(ctx context.Context, id stream.ShardID, after stream.Position) (stream.Reader, error) {
	if err := l.usable(ctx); err != nil {
		return nil, err
	}
	s := l.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	shard, err := s.find(id)
	if err != nil {
		return nil, err
	}
	at, err := shard.place(after)
	if err != nil {
		return nil, err
	}
	if after == "" {
		at = shard.gone
	}
	return &reader{log: l, shard: shard, at: at}, nil
}

// Trim forgets records of the shard from its oldest on, as long as they stand at or before through and are older.
func (l *Log) Trim(ctx context.Context, id stream.ShardID, through stream.Position, olderThan time.Time) error {
	if err := l.usable(ctx); err != nil {
		return err
	}
	s := l.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	shard, err := s.find(id)
	if err != nil {
		return err
	}
	end, err := shard.place(through)
	if err != nil {
		return err
	}
	for shard.gone < end && shard.records[0].Time.Before(olderThan) {
		s.bytes -= weight(shard.records[0])
		shard.records[0] = stream.Record{}
		shard.records = shard.records[1:]
		shard.gone++
	}
	return nil
}

// Stat counts keys and data.
func (l *Log) Stat(ctx context.Context) (stream.Stat, error) {
	if err := l.usable(ctx); err != nil {
		return stream.Stat{}, err
	}
	s := l.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	stat := stream.Stat{Bytes: s.bytes, Limit: s.limit}
	for _, shard := range s.shards {
		stat.Records += int64(len(shard.records))
		if len(shard.records) > 0 && (stat.Oldest.IsZero() || shard.records[0].Time.Before(stat.Oldest)) {
			stat.Oldest = shard.records[0].Time
		}
	}
	return stat, nil
}

// Compare orders decimal numbers without reading them: the longer one is the larger.
func (l *Log) Compare(a, b stream.Position) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(string(a), string(b))
}

// Close ends the handle and its readers. The records stay in the Stream.
func (l *Log) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

type reader struct {
	log    *Log
	shard  *shard
	at     uint64 // the position read last
	closed bool
}

func (r *reader) Next(ctx context.Context) ([]stream.Record, error) {
	for {
		if err := r.log.usable(ctx); err != nil {
			return nil, err
		}
		if r.closed {
			return nil, stream.ErrClosed
		}
		records, change, err := r.ready()
		if records != nil || err != nil {
			return records, err
		}
		select {
		case <-change:
		case <-ctx.Done():
		case <-r.log.closed:
		}
	}
}

// ready gives copies of the records there are, or the channel that will be closed when there may be some.
func (r *reader) ready() ([]stream.Record, <-chan struct{}, error) {
	r.log.stream.mu.Lock()
	defer r.log.stream.mu.Unlock()
	if r.at < r.shard.gone {
		return nil, nil, fmt.Errorf("%w: %d in shard %s, which now begins after %d", stream.ErrTrimmed, r.at, r.shard.ID, r.shard.gone)
	}
	var records []stream.Record
	bytes := int64(0)
	for _, record := range r.shard.records[r.at-r.shard.gone:] {
		bytes += weight(record)
		if len(records) > 0 && bytes > batchBytes {
			break
		}
		record.Data = slices.Clone(record.Data)
		records = append(records, record)
	}
	r.at += uint64(len(records))
	if records == nil && r.shard.Closed {
		return nil, nil, io.EOF
	}
	return records, r.log.stream.change, nil
}

func (r *reader) Close() error {
	r.closed = true
	return nil
}
