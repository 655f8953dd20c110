package collect

import (
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/kpl"
	"github.com/spoorhq/spoor/stream"
)

// Format is how events are put on the stream.
type Format string

// The formats. Compact is Spoor's own: it costs the least, and an audit sees the record that a stream loses. The others
// are for whoever reads the stream beside Spoor.
const (
	Compact Format = "compact" // docs/formats/record-v1.md: a batch is a record
	JSON    Format = "json"    // an event is a record of plain JSON
	KPL     Format = "kpl"     // the same, many in a record, as the Kinesis Producer Library aggregates
)

func (f Format) check() error {
	switch f {
	case Compact, JSON, KPL:
		return nil
	default:
		return fmt.Errorf("the stream's format must be compact, json or kpl; got %q", string(f))
	}
}

const (
	// kplUnit is how large aggregated records are made where the stream has no units.
	kplUnit = 25 << 10
	// kplKeyBytes is the length of an aggregated record's key, made at random so that records spread over shards.
	kplKeyBytes = 12
	// keyBytes is the longest key of a record: a person's id up to there.
	keyBytes = 256
)

// sealed makes a batch its records, the compact one in data's memory.
func (c *committer) sealed(w *event.RecordWriter, h event.Header, data []byte) []stream.Record {
	switch c.format {
	case JSON:
		var records []stream.Record
		w.Plain(h, func(e event.PlainEvent) {
			// All events of a person go to one shard, in their order.
			key := strings.ToValidUTF8(e.Person[:min(len(e.Person), keyBytes)], "")
			records = append(records, stream.Record{Key: strings.Clone(key), Data: e.AppendTo(nil, false)})
		})
		return records
	case KPL:
		return c.aggregated(w, h)
	default:
		text := w.Len()
		data = w.Seal(data, h)
		c.filling.learn(text, len(data))
		return []stream.Record{{Data: data}}
	}
}

// aggregated fills records to just under a multiple of the unit. An event that is larger than one has as many as it needs.
func (c *committer) aggregated(w *event.RecordWriter, h event.Header) []stream.Record {
	unit := kplUnit
	if c.filling.unit > 0 {
		unit = c.filling.unit + kplKeyBytes // the record is counted here with its key
	}
	var records []stream.Record
	var inner kpl.Writer
	var text []byte
	key, room, last := "", 0, 0
	seal := func() {
		if inner.Len() > 0 {
			records = append(records, stream.Record{Key: key, Data: inner.Seal(nil)})
		}
		key = rand.Text()[:kplKeyBytes]
		inner.Reset(key)
	}
	seal()
	w.Plain(h, func(e event.PlainEvent) {
		text = e.AppendTo(text[:0], inner.Len() > 0 && e.Request == last)
		if inner.Len() > 0 && inner.SizeWith(len(text)) > room {
			seal()
			text = e.AppendTo(text[:0], false)
		}
		last = e.Request
		if inner.Len() == 0 {
			room = (inner.SizeWith(len(text)) + unit - 1) / unit * unit
		}
		inner.Add(text)
	})
	seal()
	return records
}
