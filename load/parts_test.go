package load

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// TestSequencesOnManyShards: however full of gaps the numbers on a shard are, no list grows long, little is written with a
// batch, and what was written is all that came.
func TestSequencesOnManyShards(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	s, kept := newSequences(), map[string]warehouse.Sequence{}
	came := map[string]map[uint64]bool{"a": {}, "b": {}, "c": {}, "d": {}}
	names := []string{"a", "b", "c", "d"}
	most, written := 0, 0
	const records, each = 60_000, 200
	late := []uint64{}
	take := func(shard string, n uint64) {
		came[shard][n] = true
		if !s.add(shard, event.Header{Collector: "c", Boot: "b", Seq: n, Settled: n - 1, Void: []uint64{1_000_000 + n/1000}}, event.TimeOf(time.Unix(int64(n), 0))) {
			t.Fatalf("number %d of shard %s came once", n, shard)
		}
	}
	for n := uint64(1); n <= records; n++ {
		if random.IntN(500) == 0 { // comes much later
			late = append(late, n)
		} else {
			take(names[random.IntN(4)], n)
		}
		if len(late) > 20 {
			take("a", late[0])
			late = late[1:]
		}
		if n%each > 0 {
			continue
		}
		batch := &warehouse.Batch{}
		s.settle(batch)
		for _, row := range batch.Sequences {
			most = max(most, len(row.Seen), len(row.Void))
			written += len(row.Seen)
			kept[row.Shard] = row
		}
	}
	if most > 2*partBytes {
		t.Errorf("want no list of over %d bytes; have %d", 2*partBytes, most)
	}
	if least := records / each * 4 * 100; written < least || written > 40*1024*records/each {
		t.Errorf("want some kilobytes a batch written; have %d bytes in %d batches", written, records/each)
	}
	again := newSequences()
	for name, row := range kept {
		shard, from, err := partOf(name)
		if err != nil {
			t.Fatal(err)
		}
		key := sequenceKey{shard, row.Collector, row.Boot}
		if again.lines[key] == nil {
			again.lines[key] = newSequenceLine(key)
		}
		if err := again.lines[key].take(row, from); err != nil {
			t.Fatal(err)
		}
	}
	for shard, numbers := range came {
		key := sequenceKey{shard, "c", "b"}
		have, want := again.lines[key], s.lines[key]
		n := 0
		for _, span := range have.seen {
			for i := span.from; i <= span.to; i++ {
				if n++; !numbers[i] {
					t.Fatalf("shard %s: %d never came", shard, i)
				}
			}
		}
		if n != len(numbers) || have.records != int64(n) || have.seen.String() != want.seen.String() || have.void.String() != want.void.String() ||
			have.settled != want.settled || fmt.Sprint(have.parts) != fmt.Sprint(want.parts[:len(have.parts)]) {
			t.Errorf("shard %s: want %d numbers; have %d and %d records, in parts %v of %v", shard, len(numbers), n, have.records, have.parts, want.parts)
		}
		if again.add(shard, event.Header{Collector: "c", Boot: "b", Seq: have.seen[0].from}, 0) {
			t.Errorf("shard %s: want the first number known", shard)
		}
	}
}
