package kinesisfake

import (
	"cmp"
	"crypto/md5"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// stream is one stream. All of its fields are guarded by the Service's lock.
type stream struct {
	name      string
	created   time.Time
	made      int // shards made so far
	shards    []*shard
	consumers map[string]*consumer // by name
}

// shard keeps its records in the order of their numbers, which count from 1 over the whole shard.
type shard struct {
	id        string
	index     int
	parents   []string // none, the parent, or it and the adjacent one
	low, high *big.Int // hash keys, both inclusive
	closed    time.Time
	last      uint64 // number of the newest record
	records   []record
	puts      *rate.Limiter // records
	putBytes  *rate.Limiter
	gets      *rate.Limiter // calls
	getBytes  *rate.Limiter
}

type record struct {
	number  uint64
	key     string
	data    []byte
	arrived time.Time
}

// named is how a call names a stream.
type named struct{ StreamName, StreamARN string }

const arnPrefix = "arn:aws:kinesis:us-east-1:000000000000:stream/"

func (st *stream) arn() string { return arnPrefix + st.name }

func (s *Service) stream(n named) (*stream, error) {
	name := n.StreamName
	if n.StreamARN != "" {
		of, ok := strings.CutPrefix(n.StreamARN, arnPrefix)
		if !ok || name != "" && name != of {
			return nil, refuse(invalid, "StreamARN %q is not of stream %q here", n.StreamARN, name)
		}
		name = of
	}
	if name == "" {
		return nil, refuse(invalid, "either StreamName or StreamARN must be given")
	}
	st := s.streams[name]
	if st == nil {
		return nil, refuse(notFound, "Stream %s under account 000000000000 not found.", name)
	}
	st.trim(s.options.Now().Add(-s.options.Retention))
	return st, nil
}

type createInput struct {
	StreamName string
	ShardCount int
}

func (s *Service) createStream(in createInput) (any, error) {
	if !regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,128}$`).MatchString(in.StreamName) {
		return nil, refuse(validation, "StreamName %q is not one", in.StreamName)
	}
	if s.streams[in.StreamName] != nil {
		return nil, refuse(inUse, "Stream %s under account 000000000000 already exists.", in.StreamName)
	}
	st := &stream{name: in.StreamName, created: s.options.Now(), consumers: map[string]*consumer{}}
	n := max(in.ShardCount, 1)
	width := new(big.Int).Div(hashes(), big.NewInt(int64(n)))
	for i := range n {
		low := new(big.Int).Mul(width, big.NewInt(int64(i)))
		high := new(big.Int).Sub(new(big.Int).Add(low, width), big.NewInt(1))
		if i == n-1 {
			high = new(big.Int).Sub(hashes(), big.NewInt(1))
		}
		s.add(st, low, high)
	}
	s.streams[in.StreamName] = st
	return nil, nil
}

func (s *Service) add(st *stream, low, high *big.Int, parents ...string) {
	sh := &shard{id: fmt.Sprintf("shardId-%012d", st.made), index: st.made, parents: parents, low: low, high: high}
	if s.options.Limits {
		sh.puts, sh.putBytes = rate.NewLimiter(1000, 1000), rate.NewLimiter(1<<20, 1<<20)
		sh.gets, sh.getBytes = rate.NewLimiter(5, 5), rate.NewLimiter(2<<20, 10<<20)
	}
	st.made++
	st.shards = append(st.shards, sh)
}

func (s *Service) deleteStream(in named) (any, error) {
	st, err := s.stream(in)
	if err != nil {
		return nil, err
	}
	delete(s.streams, st.name)
	s.wake()
	return nil, nil
}

func (s *Service) describeStreamSummary(in named) (any, error) {
	st, err := s.stream(in)
	if err != nil {
		return nil, err
	}
	return map[string]any{"StreamDescriptionSummary": map[string]any{
		"StreamName": st.name, "StreamARN": st.arn(), "StreamStatus": "ACTIVE", "OpenShardCount": len(st.openShards()),
		"RetentionPeriodHours": int(s.options.Retention.Hours()), "StreamCreationTimestamp": seconds(st.created),
		"EnhancedMonitoring": []any{}, "ConsumerCount": len(st.consumers), "MaxRecordSizeInKiB": maxRecord >> 10,
		"StreamModeDetails": map[string]string{"StreamMode": "PROVISIONED"},
	}}, nil
}

func (s *Service) describeStream(in named) (any, error) {
	st, err := s.stream(in)
	if err != nil {
		return nil, err
	}
	shards := []any{}
	for _, sh := range st.shards {
		shards = append(shards, st.describe(sh))
	}
	return map[string]any{"StreamDescription": map[string]any{
		"StreamName": st.name, "StreamARN": st.arn(), "StreamStatus": "ACTIVE", "Shards": shards, "HasMoreShards": false,
		"RetentionPeriodHours": int(s.options.Retention.Hours()), "StreamCreationTimestamp": seconds(st.created), "EnhancedMonitoring": []any{},
	}}, nil
}

func (s *Service) listStreams(struct{}) (any, error) {
	names := []string{}
	for name := range s.streams {
		names = append(names, name)
	}
	slices.Sort(names)
	return map[string]any{"StreamNames": names, "HasMoreStreams": false}, nil
}

type listInput struct {
	named
	NextToken             string
	ExclusiveStartShardId string
	MaxResults            int
}

// listShards gives pages. A token names the stream by itself; with a name beside it Kinesis refuses, and so does this.
func (s *Service) listShards(in listInput) (any, error) {
	after := in.ExclusiveStartShardId
	if in.NextToken != "" {
		if in.StreamName != "" || in.StreamARN != "" || after != "" {
			return nil, refuse(invalid, "NextToken and StreamName cannot be provided together.")
		}
		name, shard, ok := strings.Cut(in.NextToken, "/")
		if !ok {
			return nil, refuse(invalid, "NextToken %q was not given here", in.NextToken)
		}
		in.StreamName, after = name, shard
	}
	st, err := s.stream(in.named)
	if err != nil {
		return nil, err
	}
	page := s.options.PageSize
	if in.MaxResults > 0 {
		page = min(page, in.MaxResults)
	}
	out := map[string]any{}
	shards := []any{}
	for _, sh := range st.shards {
		if sh.id <= after {
			continue
		}
		if len(shards) == page {
			out["NextToken"] = st.name + "/" + after
			break
		}
		shards, after = append(shards, st.describe(sh)), sh.id
	}
	out["Shards"] = shards
	return out, nil
}

// describe gives a shard as the API does.
func (st *stream) describe(sh *shard) map[string]any {
	sequence := map[string]string{"StartingSequenceNumber": st.sequence(sh, 0)}
	if !sh.closed.IsZero() {
		sequence["EndingSequenceNumber"] = st.sequence(sh, sh.last)
	}
	d := map[string]any{
		"ShardId": sh.id, "SequenceNumberRange": sequence,
		"HashKeyRange": map[string]string{"StartingHashKey": sh.low.String(), "EndingHashKey": sh.high.String()},
	}
	for i, name := range []string{"ParentShardId", "AdjacentParentShardId"} {
		if i < len(sh.parents) {
			d[name] = sh.parents[i]
		}
	}
	return d
}

// sequence makes a record's number one of 56 digits, which says of which stream and shard it is.
func (st *stream) sequence(sh *shard, number uint64) string {
	return fmt.Sprintf("4957%020d%012d%020d", st.created.UnixNano(), sh.index, number)
}

func (st *stream) number(sh *shard, sequence string) (uint64, error) {
	zero := st.sequence(sh, 0)
	if len(sequence) == len(zero) && sequence[:36] == zero[:36] {
		if n, err := strconv.ParseUint(sequence[36:], 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, refuse(invalid, "StartingSequenceNumber %s used in GetShardIterator on shard %s in stream %s is invalid because it did not come from this stream.",
		sequence, sh.id, st.name)
}

func (st *stream) find(id string) (*shard, error) {
	for _, sh := range st.shards {
		if sh.id == id {
			return sh, nil
		}
	}
	return nil, refuse(notFound, "Shard %s in stream %s under account 000000000000 does not exist", id, st.name)
}

func (st *stream) open(id string) (*shard, error) {
	sh, err := st.find(id)
	if err == nil && !sh.closed.IsZero() {
		return nil, refuse(invalid, "shard %s is closed", id)
	}
	return sh, err
}

// openShards gives the open shards in the order of their hash keys.
func (st *stream) openShards() []*shard {
	open := slices.DeleteFunc(slices.Clone(st.shards), func(sh *shard) bool { return !sh.closed.IsZero() })
	slices.SortFunc(open, func(a, b *shard) int { return a.low.Cmp(b.low) })
	return open
}

// home finds the open shard of a hash key.
func (st *stream) home(hash *big.Int) *shard {
	for _, sh := range st.shards {
		if sh.closed.IsZero() && sh.low.Cmp(hash) <= 0 && hash.Cmp(sh.high) <= 0 {
			return sh
		}
	}
	return nil
}

// hashOf gives the hash key of a partition key.
func hashOf(key string) *big.Int {
	sum := md5.Sum([]byte(key))
	return new(big.Int).SetBytes(sum[:])
}

// trim forgets what came before a time: records, and closed shards that hold none any more.
func (st *stream) trim(before time.Time) {
	for _, sh := range st.shards {
		n, _ := slices.BinarySearchFunc(sh.records, before, func(r record, t time.Time) int { return cmp.Compare(r.arrived.UnixNano(), t.UnixNano()) })
		sh.records = sh.records[n:]
	}
	st.shards = slices.DeleteFunc(st.shards, func(sh *shard) bool { return !sh.closed.IsZero() && sh.closed.Before(before) })
}

type splitInput struct {
	named
	ShardToSplit, NewStartingHashKey string
}

func (s *Service) splitShard(in splitInput) (any, error) {
	st, err := s.stream(in.named)
	if err != nil {
		return nil, err
	}
	parent, err := st.open(in.ShardToSplit)
	if err != nil {
		return nil, err
	}
	at, ok := new(big.Int).SetString(in.NewStartingHashKey, 10)
	if !ok || at.Cmp(parent.low) <= 0 || at.Cmp(parent.high) > 0 {
		return nil, refuse(invalid, "NewStartingHashKey %q is not within shard %s", in.NewStartingHashKey, parent.id)
	}
	s.split(st, parent, at)
	return nil, nil
}

// split divides a shard at a hash key; nil: in its middle.
func (s *Service) split(st *stream, parent *shard, at *big.Int) {
	if at == nil {
		at = new(big.Int).Add(parent.low, parent.high)
		at.Add(at.Rsh(at, 1), big.NewInt(1))
	}
	parent.closed = s.options.Now()
	s.add(st, parent.low, new(big.Int).Sub(at, big.NewInt(1)), parent.id)
	s.add(st, at, parent.high, parent.id)
	s.wake()
}

type mergeInput struct {
	named
	ShardToMerge, AdjacentShardToMerge string
}

func (s *Service) mergeShards(in mergeInput) (any, error) {
	st, err := s.stream(in.named)
	if err != nil {
		return nil, err
	}
	a, err := st.open(in.ShardToMerge)
	if err != nil {
		return nil, err
	}
	b, err := st.open(in.AdjacentShardToMerge)
	if err != nil {
		return nil, err
	}
	low, high := a, b
	if high.low.Cmp(low.low) < 0 {
		low, high = high, low
	}
	if new(big.Int).Add(low.high, big.NewInt(1)).Cmp(high.low) != 0 {
		return nil, refuse(invalid, "Shards %s and %s in stream %s are not an adjacent pair of shards eligible for merging", a.id, b.id, st.name)
	}
	a.closed, b.closed = s.options.Now(), s.options.Now()
	s.add(st, low.low, high.high, a.id, b.id)
	s.wake()
	return nil, nil
}

type updateInput struct {
	named
	TargetShardCount int
}

// updateShardCount splits the widest shards or merges the narrowest pairs until there are as many as asked.
func (s *Service) updateShardCount(in updateInput) (any, error) {
	st, err := s.stream(in.named)
	if err != nil {
		return nil, err
	}
	open := st.openShards()
	current := len(open)
	if in.TargetShardCount > 2*current || 2*in.TargetShardCount < current || in.TargetShardCount < 1 {
		return nil, refuse(invalid, "TargetShardCount of %d is not between half and twice the %d open shards", in.TargetShardCount, current)
	}
	width := func(from, to *shard) *big.Int { return new(big.Int).Sub(to.high, from.low) }
	for ; len(open) < in.TargetShardCount; open = st.openShards() {
		s.split(st, slices.MaxFunc(open, func(a, b *shard) int { return width(a, a).Cmp(width(b, b)) }), nil)
	}
	for ; len(open) > in.TargetShardCount; open = st.openShards() {
		best := 0
		for i := range open[:len(open)-1] {
			if width(open[i], open[i+1]).Cmp(width(open[best], open[best+1])) < 0 {
				best = i
			}
		}
		if _, err := s.mergeShards(mergeInput{in.named, open[best].id, open[best+1].id}); err != nil {
			return nil, err
		}
	}
	return map[string]any{"StreamName": st.name, "StreamARN": st.arn(), "CurrentShardCount": current, "TargetShardCount": in.TargetShardCount}, nil
}
