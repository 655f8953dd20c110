// Package kinesisfake is a Kinesis in memory, for tests: an http.Handler that speaks Kinesis's JSON 1.1, and misbehaves on
// demand as the real one does by itself. It throttles, fails records of a call, loses answers, expires iterators, hands out
// lists of shards in pages, reshards, forgets what is too old, and serves enhanced fan-out. It takes a stream by name or
// by ARN, and counts calls and what Kinesis would bill.
//
// It checks no signatures, keeps nothing over its end, and has one region and one account.
package kinesisfake

import (
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options say how a Service behaves. A zero field takes its default.
type Options struct {
	Retention    time.Duration // default 24 h
	IteratorLife time.Duration // default 5 min, as Kinesis has it
	// SubscriptionLife and ResubscribeAfter are of enhanced fan-out: how long a subscription lasts, and how soon after it
	// began another for the same shard is refused. Defaults 5 min and 5 s, as Kinesis has it.
	SubscriptionLife, ResubscribeAfter time.Duration
	// Limits: each shard takes 1 MiB and 1000 records, and gives 2 MiB in 5 calls a second; more is throttled.
	Limits   bool
	PageSize int    // shards in a page of ListShards; default 1000
	Seed     uint64 // of the faults' dice
	Now      func() time.Time
}

// Service is the fake. Safe for concurrent use.
type Service struct {
	options Options

	mu      sync.Mutex
	dice    *rand.Rand
	faults  Faults
	counts  Counts
	epoch   int // iterators of an earlier one have expired
	streams map[string]*stream
	change  chan struct{} // closed, and replaced, whenever a subscriber may have something new to see
}

// New makes a Service without streams.
func New(o Options) *Service {
	set := func(d *time.Duration, standard time.Duration) {
		if *d == 0 {
			*d = standard
		}
	}
	set(&o.Retention, 24*time.Hour)
	set(&o.IteratorLife, 5*time.Minute)
	set(&o.SubscriptionLife, 5*time.Minute)
	set(&o.ResubscribeAfter, 5*time.Second)
	if o.PageSize == 0 {
		o.PageSize = 1000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{
		options: o, dice: rand.New(rand.NewPCG(o.Seed, 1)), streams: map[string]*stream{}, change: make(chan struct{}),
		counts: Counts{Calls: map[string]int{}},
	}
}

// failure is an error as Kinesis answers it.
type failure struct {
	status  int
	code    string
	message string
}

func (f *failure) Error() string { return f.code + ": " + f.message }

func refuse(code, format string, args ...any) *failure {
	return &failure{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

const (
	throttled  = "ProvisionedThroughputExceededException"
	invalid    = "InvalidArgumentException"
	notFound   = "ResourceNotFoundException"
	inUse      = "ResourceInUseException"
	validation = "ValidationException"
	expired    = "ExpiredIteratorException"
	internal   = "InternalFailure"
)

// operation answers a call. It is called with the lock held.
type operation func(s *Service, body []byte) (any, error)

// typed makes an operation of a function of its input.
func typed[In any](f func(*Service, In) (any, error)) operation {
	return func(s *Service, body []byte) (any, error) {
		var in In
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, refuse("SerializationException", "%v", err)
		}
		return f(s, in)
	}
}

func (s *Service) operation(name string) operation {
	switch name {
	case "CreateStream":
		return typed((*Service).createStream)
	case "DeleteStream":
		return typed((*Service).deleteStream)
	case "DescribeStream":
		return typed((*Service).describeStream)
	case "DescribeStreamSummary":
		return typed((*Service).describeStreamSummary)
	case "ListStreams":
		return typed((*Service).listStreams)
	case "ListShards":
		return typed((*Service).listShards)
	case "SplitShard":
		return typed((*Service).splitShard)
	case "MergeShards":
		return typed((*Service).mergeShards)
	case "UpdateShardCount":
		return typed((*Service).updateShardCount)
	case "PutRecord":
		return typed((*Service).putRecord)
	case "PutRecords":
		return typed((*Service).putRecords)
	case "GetShardIterator":
		return typed((*Service).getShardIterator)
	case "GetRecords":
		return typed((*Service).getRecords)
	case "RegisterStreamConsumer":
		return typed((*Service).registerStreamConsumer)
	case "DescribeStreamConsumer":
		return typed((*Service).describeStreamConsumer)
	case "DeregisterStreamConsumer":
		return typed((*Service).deregisterStreamConsumer)
	default:
		return nil
	}
}

// maxBody bounds a request: 10 MiB of records, in base64, and their frame.
const maxBody = 16 << 20

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	w.Header().Set("Date", s.options.Now().UTC().Format(http.TimeFormat))
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return // the client has gone
	}
	if len(body) > maxBody {
		answer(w, nil, refuse(validation, "the request is over %d bytes", maxBody))
		return
	}
	if name == "SubscribeToShard" {
		s.subscribeToShard(w, r, body)
		return
	}
	out, err := s.call(name, body)
	answer(w, out, err)
}

func (s *Service) call(name string, body []byte) (out any, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Calls[name]++
	operation := s.operation(name)
	if operation == nil {
		return nil, refuse("UnknownOperationException", "the fake has no operation %q", name)
	}
	if s.rolled(s.faults.FailCalls) {
		return nil, &failure{http.StatusInternalServerError, internal, "a fault before the call"}
	}
	out, err = operation(s, body)
	if err == nil && s.rolled(s.faults.LoseAnswers) {
		return nil, &failure{http.StatusInternalServerError, internal, "a fault after the call"}
	}
	return out, err
}

// rolled throws the dice. The lock is held.
func (s *Service) rolled(share float64) bool { return share > 0 && s.dice.Float64() < share }

// answer writes what an operation gave.
func answer(w http.ResponseWriter, out any, err error) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err != nil {
		f, ok := err.(*failure) //nolint:errorlint // what an operation returns is not wrapped
		if !ok {
			f = &failure{http.StatusInternalServerError, internal, err.Error()}
		}
		w.WriteHeader(f.status)
		out = map[string]string{"__type": f.code, "message": f.message}
	}
	if out == nil {
		return // an empty body, as Kinesis answers where there is nothing to say
	}
	_ = json.NewEncoder(w).Encode(out)
}

// wake tells subscribers to look again. The lock is held.
func (s *Service) wake() {
	close(s.change)
	s.change = make(chan struct{})
}

// seconds is a time as JSON 1.1 has it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// hashes is how many hash keys there are.
func hashes() *big.Int { return new(big.Int).Lsh(big.NewInt(1), 128) }
