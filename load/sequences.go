package load

import (
	"context"
	"fmt"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// sequences knows which records of each collector have come.
type sequences struct {
	lines   map[sequenceKey]*sequenceLine
	changed []*sequenceLine
}

type sequenceKey struct{ shard, collector, boot string }

type sequenceLine struct {
	sequenceKey
	seen, void       ranges
	settled          int64 // as warehouse.Sequence.Settled
	records, doubled int64
	seenAt           event.Time
	dirty            bool
	parts            []uint64 // where each part begins; see parts.go
	touched          map[int]bool
}

func newSequenceLine(key sequenceKey) *sequenceLine {
	return &sequenceLine{sequenceKey: key, parts: []uint64{0}, touched: map[int]bool{}}
}

func newSequences() *sequences { return &sequences{lines: map[sequenceKey]*sequenceLine{}} }

// add takes note of a record; false: it came before.
func (s *sequences) add(shard string, h event.Header, at event.Time) bool {
	key := sequenceKey{shard, h.Collector, h.Boot}
	line := s.lines[key]
	if line == nil {
		line = newSequenceLine(key)
		s.lines[key] = line
	}
	line.seenAt = at
	if !line.dirty {
		line.dirty = true
		s.changed = append(s.changed, line)
	}
	for _, n := range h.Void {
		if line.void.add(n) {
			line.touch(n)
		}
	}
	line.settled = max(line.settled, int64(h.Settled))
	if !line.seen.add(h.Seq) {
		line.doubled++
		return false
	}
	line.touch(h.Seq)
	line.records++
	return true
}

func (s *sequences) settle(b *warehouse.Batch) {
	for _, line := range s.changed {
		line.dirty = false
		b.Sequences = append(b.Sequences, line.rows()...)
	}
	s.changed = nil
}

func (s *sequences) remember(ctx context.Context, w warehouse.Warehouse, stream string) error {
	err := each(ctx, w, func(rows warehouse.Rows) error {
		var row warehouse.Sequence
		var at time.Time
		err := rows.Scan(&row.Shard, &row.Collector, &row.Boot, &row.Seen, &row.Void, &row.Settled, &row.Records, &row.Doubled, &at)
		if err != nil {
			return err
		}
		row.SeenAt = event.TimeOf(at)
		shard, from, err := partOf(row.Shard)
		if err != nil {
			return err
		}
		key := sequenceKey{shard, row.Collector, row.Boot}
		line := s.lines[key]
		if line == nil {
			line = newSequenceLine(key)
			s.lines[key] = line
		}
		return line.take(row, from)
	}, "select shard, collector, boot, seen, void, settled, records, doubled, seen_at from sequences where stream = ?", stream)
	if err != nil {
		return fmt.Errorf("reading the collectors' sequences: %w", err)
	}
	return nil
}
