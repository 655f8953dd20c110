package kinesisfake

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"
)

// The limits of a read.
const (
	maxGet      = 10_000
	maxGetBytes = 10 << 20
)

// place is where to begin in a shard.
type place struct {
	ShardIteratorType      string // of GetShardIterator
	Type                   string // the same, of SubscribeToShard
	StartingSequenceNumber string // of GetShardIterator
	SequenceNumber         string // the same, of SubscribeToShard
	Timestamp              float64
}

// after gives the number of the record to begin behind.
func (s *Service) after(st *stream, sh *shard, p place) (uint64, error) {
	kind, sequence := cmp.Or(p.ShardIteratorType, p.Type), cmp.Or(p.StartingSequenceNumber, p.SequenceNumber)
	switch kind {
	case "TRIM_HORIZON":
		return 0, nil
	case "LATEST":
		return sh.last, nil
	case "AT_TIMESTAMP":
		at := time.UnixMilli(int64(p.Timestamp * 1000))
		if at.After(s.options.Now()) {
			return 0, refuse(invalid, "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis.")
		}
		for _, r := range sh.records {
			if !r.arrived.Before(at) {
				return r.number - 1, nil
			}
		}
		return sh.last, nil
	case "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER":
		number, err := st.number(sh, sequence)
		if err == nil && kind == "AT_SEQUENCE_NUMBER" && number > 0 {
			number--
		}
		return number, err
	}
	return 0, refuse(validation, "%q is no type of iterator", kind)
}

// iterator is what the token of a shard iterator says.
type iterator struct {
	Stream  string
	Created time.Time // of the stream
	Shard   string
	After   uint64
	Issued  time.Time
	Epoch   int
}

func (i iterator) token() string {
	text, err := json.Marshal(i)
	if err != nil {
		panic(err) // of strings, numbers and times
	}
	return base64.StdEncoding.EncodeToString(text)
}

type iteratorInput struct {
	named
	place
	ShardId string
}

func (s *Service) getShardIterator(in iteratorInput) (any, error) {
	st, err := s.stream(in.named)
	if err != nil {
		return nil, err
	}
	sh, err := st.find(in.ShardId)
	if err != nil {
		return nil, err
	}
	after, err := s.after(st, sh, in.place)
	if err != nil {
		return nil, err
	}
	token := iterator{st.name, st.created, sh.id, after, s.options.Now(), s.epoch}.token()
	return map[string]string{"ShardIterator": token}, nil
}

type getInput struct {
	ShardIterator string
	Limit         int
}

func (s *Service) getRecords(in getInput) (any, error) {
	var at iterator
	text, err := base64.StdEncoding.DecodeString(in.ShardIterator)
	if err != nil || json.Unmarshal(text, &at) != nil {
		return nil, refuse(invalid, "Invalid ShardIterator.")
	}
	now := s.options.Now()
	if at.Epoch != s.epoch || now.Sub(at.Issued) > s.options.IteratorLife || s.rolled(s.faults.ExpireReads) {
		return nil, refuse(expired, "Iterator expired. The iterator was created at time %s", at.Issued)
	}
	st, err := s.stream(named{StreamName: at.Stream})
	if err != nil {
		return nil, err
	}
	if !st.created.Equal(at.Created) {
		return nil, refuse(notFound, "the stream of the iterator was deleted")
	}
	sh, err := st.find(at.Shard)
	if err != nil {
		return nil, err
	}
	if s.rolled(s.faults.ThrottleReads) || sh.gets != nil && (sh.getBytes.TokensAt(now) <= 0 || !sh.gets.AllowN(now, 1)) {
		return nil, refuse(throttled, "Rate exceeded for shard %s in stream %s", sh.id, st.name)
	}
	limit := maxGet
	if in.Limit > 0 {
		limit = min(limit, in.Limit)
	}
	if s.rolled(s.faults.EmptyReads) {
		limit = 0
	}
	found := s.from(st, sh, at.After, limit)
	if sh.getBytes != nil {
		sh.getBytes.ReserveN(now, min(found.bytes, maxGetBytes))
	}
	out := map[string]any{"Records": found.records, "MillisBehindLatest": found.behind}
	if found.children != nil && limit > 0 {
		out["ChildShards"] = found.children
	} else {
		at.After, at.Issued = found.after, now
		out["NextShardIterator"] = at.token()
	}
	return out, nil
}

// found is what is behind a place in a shard.
type found struct {
	records  []map[string]any
	bytes    int
	after    uint64
	behind   int64
	children []any // not nil: the shard is closed, and this was its end
}

func (s *Service) from(st *stream, sh *shard, after uint64, limit int) found {
	f := found{records: []map[string]any{}, after: after}
	i, _ := slices.BinarySearchFunc(sh.records, after+1, func(r record, n uint64) int { return cmp.Compare(r.number, n) })
	for _, r := range sh.records[i:] {
		if len(f.records) == limit || len(f.records) > 0 && f.bytes+len(r.data) > maxGetBytes {
			f.behind = max(s.options.Now().Sub(r.arrived).Milliseconds(), 1)
			return f
		}
		f.records = append(f.records, map[string]any{
			"SequenceNumber": st.sequence(sh, r.number), "PartitionKey": r.key, "Data": r.data,
			"ApproximateArrivalTimestamp": seconds(r.arrived),
		})
		f.after = r.number
		f.bytes += len(r.data)
		s.counts.Given++
	}
	if !sh.closed.IsZero() {
		f.children = []any{}
		for _, child := range st.shards {
			if slices.Contains(child.parents, sh.id) {
				f.children = append(f.children, map[string]any{
					"ShardId": child.id, "ParentShards": child.parents,
					"HashKeyRange": map[string]string{"StartingHashKey": child.low.String(), "EndingHashKey": child.high.String()},
				})
			}
		}
	}
	return f
}
