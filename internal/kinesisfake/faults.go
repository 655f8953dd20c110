package kinesisfake

import (
	"maps"
	"time"
)

// Faults are what goes wrong, as shares of one.
type Faults struct {
	ThrottlePuts  float64 // of records put: refused for the shard's throughput
	FailPuts      float64 // of records put: refused with an internal failure
	FailCalls     float64 // of calls: answered 500, and nothing done
	LoseAnswers   float64 // of calls: answered 500 though done, so that a put tried again is a duplicate
	ThrottleReads float64 // of GetRecords: refused for the shard's throughput
	EmptyReads    float64 // of GetRecords: answered without records though there are some
	ExpireReads   float64 // of GetRecords: the iterator has expired
}

// Counts are what was asked and what was taken since the start.
type Counts struct {
	Calls   map[string]int // by operation
	Records int64          // taken
	Bytes   int64          // of their data and keys
	Units   int64          // PUT payload units of 25 KiB that they are billed as
	Refused int64          // records refused within a call
	Given   int64          // records given to readers, those given again too
}

// SetFaults sets what goes wrong from now on.
func (s *Service) SetFaults(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

// Counts gives what was counted.
func (s *Service) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	c.Calls = maps.Clone(c.Calls)
	return c
}

// ExpireIterators lets every iterator given so far expire.
func (s *Service) ExpireIterators() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch++
}

// CreateStream makes a stream, which is ready at once.
func (s *Service) CreateStream(name string, shards int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.createStream(createInput{StreamName: name, ShardCount: shards})
	return err
}

// Split closes an open shard and opens two in its place.
func (s *Service) Split(name, shard string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.stream(named{StreamName: name})
	if err != nil {
		return err
	}
	parent, err := st.open(shard)
	if err != nil {
		return err
	}
	s.split(st, parent, nil)
	return nil
}

// Merge closes two open shards that lie side by side and opens one in their place.
func (s *Service) Merge(name, a, b string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.mergeShards(mergeInput{named: named{StreamName: name}, ShardToMerge: a, AdjacentShardToMerge: b})
	return err
}

// OpenShards gives the names of a stream's open shards, in the order of their hash keys.
func (s *Service) OpenShards(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.stream(named{StreamName: name})
	if err != nil {
		return nil
	}
	var ids []string
	for _, sh := range st.openShards() {
		ids = append(ids, sh.id)
	}
	return ids
}

// Trim forgets the records that came before a time, and the closed shards that are left without any, as time itself does.
func (s *Service) Trim(name string, before time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.stream(named{StreamName: name})
	if err != nil {
		return err
	}
	st.trim(before)
	return nil
}
