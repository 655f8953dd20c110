package kinesisfake

import (
	"math/big"
	"unicode/utf8"
)

// The limits of a put. Kinesis allows more today, where a stream is told to; emulators do not.
const (
	maxRecords = 500
	maxRequest = 5 << 20
	maxRecord  = 1 << 20
	// unit is what is billed at once.
	unit = 25 << 10
)

// entry is a record to be put.
type entry struct {
	Data            []byte
	PartitionKey    string
	ExplicitHashKey string
}

func (e entry) size() int { return len(e.Data) + len(e.PartitionKey) }

// hash gives the hash key, or why the entry cannot be taken.
func (e entry) hash() (*big.Int, error) {
	switch n := utf8.RuneCountInString(e.PartitionKey); {
	case n < 1 || n > 256:
		return nil, refuse(validation, "PartitionKey must have 1 to 256 characters; it has %d", n)
	case e.Data == nil:
		return nil, refuse(validation, "Data must not be null")
	case e.size() > maxRecord:
		return nil, refuse(validation, "a record has %d bytes at most; got %d", maxRecord, e.size())
	}
	if e.ExplicitHashKey == "" {
		return hashOf(e.PartitionKey), nil
	}
	hash, ok := new(big.Int).SetString(e.ExplicitHashKey, 10)
	if !ok || hash.Sign() < 0 || hash.Cmp(hashes()) >= 0 {
		return nil, refuse(invalid, "ExplicitHashKey must be in the range: [0, 2^128-1]; got %q", e.ExplicitHashKey)
	}
	return hash, nil
}

type putInput struct {
	named
	entry
}

func (s *Service) putRecord(in putInput) (any, error) {
	st, err := s.stream(in.named)
	if err != nil {
		return nil, err
	}
	hash, err := in.hash()
	if err != nil {
		return nil, err
	}
	sh := st.home(hash)
	if code := s.refusal(sh, in.entry); code != "" {
		return nil, refuse(code, "the record was not taken")
	}
	return map[string]string{"ShardId": sh.id, "SequenceNumber": s.take(st, sh, in.entry)}, nil
}

type putAllInput struct {
	named
	Records []entry
}

func (s *Service) putRecords(in putAllInput) (any, error) {
	st, err := s.stream(in.named)
	if err != nil {
		return nil, err
	}
	if len(in.Records) < 1 || len(in.Records) > maxRecords {
		return nil, refuse(validation, "a call takes 1 to %d records; got %d", maxRecords, len(in.Records))
	}
	size := 0
	homes := make([]*shard, len(in.Records))
	for i, e := range in.Records {
		hash, err := e.hash()
		if err != nil {
			return nil, err
		}
		homes[i] = st.home(hash)
		size += e.size()
	}
	if size > maxRequest {
		return nil, refuse(invalid, "Records size exceeds 5 MB limit: %d bytes", size)
	}
	failed := 0
	results := make([]map[string]string, len(in.Records))
	for i, e := range in.Records {
		if code := s.refusal(homes[i], e); code != "" {
			failed++
			results[i] = map[string]string{"ErrorCode": code, "ErrorMessage": "Rate exceeded for shard " + homes[i].id}
			if code == internal {
				results[i]["ErrorMessage"] = "Internal Service Failure"
			}
			continue
		}
		results[i] = map[string]string{"ShardId": homes[i].id, "SequenceNumber": s.take(st, homes[i], e)}
	}
	return map[string]any{"FailedRecordCount": failed, "Records": results}, nil
}

// refusal tells with which code a record is refused; none: it is taken.
func (s *Service) refusal(sh *shard, e entry) string {
	now := s.options.Now()
	code := ""
	switch {
	case s.rolled(s.faults.ThrottlePuts):
		code = throttled
	case s.rolled(s.faults.FailPuts):
		code = internal
	case sh.puts != nil && (!sh.puts.AllowN(now, 1) || !sh.putBytes.AllowN(now, e.size())):
		code = throttled
	}
	if code != "" {
		s.counts.Refused++
	}
	return code
}

// take keeps a record and gives its sequence number.
func (s *Service) take(st *stream, sh *shard, e entry) string {
	sh.last++
	sh.records = append(sh.records, record{number: sh.last, key: e.PartitionKey, data: e.Data, arrived: s.options.Now()})
	s.counts.Records++
	s.counts.Bytes += int64(e.size())
	s.counts.Units += int64(max((e.size()+unit-1)/unit, 1))
	s.wake()
	return st.sequence(sh, sh.last)
}
