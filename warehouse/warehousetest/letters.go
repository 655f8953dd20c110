package warehousetest

import (
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// Letter is a dead letter to put into a warehouse, as an older loader may have left it there.
type Letter struct {
	ReceivedAt                                               time.Time
	Source, Protocol, Reason, Detail, MessageID, Type, Event string
	Request                                                  string // empty: the line of a request of the source, protocol and time
	Raw                                                      string
	Position                                                 string
	Index                                                    int32
}

// Letters gives a batch of dead letters, counted, that moves shard 0 of a stream.
func Letters(id, stream, from, to string, letters ...Letter) *warehouse.Batch {
	b := &warehouse.Batch{ID: id, Stream: stream, Moves: []warehouse.Move{{Shard: "0", From: from, To: to}}}
	builder := array.NewRecordBuilder(memory.DefaultAllocator, event.Schema(warehouse.DeadLetterColumns()))
	defer builder.Release()
	for _, l := range letters {
		at := event.TimeOf(l.ReceivedAt)
		if l.Request == "" {
			l.Request = string((&event.Request{Source: l.Source, Protocol: l.Protocol, ReceivedAt: at, Events: 1}).Line())
		}
		texts := map[string]string{
			"source": l.Source, "protocol": l.Protocol, "reason": l.Reason, "detail": l.Detail, "message_id": l.MessageID,
			"type": l.Type, "event": l.Event, "request": l.Request, "shard": "0", "position": l.Position,
		}
		for i, c := range warehouse.DeadLetterColumns() {
			switch f := builder.Field(i).(type) {
			case *array.TimestampBuilder:
				f.Append(arrow.Timestamp(at))
			case *array.BinaryBuilder:
				f.Append([]byte(l.Raw))
			case *array.Int32Builder:
				f.Append(l.Index)
			case *array.StringBuilder:
				if texts[c.Name] == "" && !c.Required {
					f.AppendNull()
				} else {
					f.Append(texts[c.Name])
				}
			}
		}
		i := slices.IndexFunc(b.Counts, func(c warehouse.Count) bool { return c.Source == l.Source && c.Minute == event.Minute(at) })
		if i < 0 {
			i = len(b.Counts)
			b.Counts = append(b.Counts, warehouse.Count{Source: l.Source, Minute: event.Minute(at)})
		}
		b.Counts[i].Accepted++
		b.Counts[i].Dead++
	}
	b.DeadLetters = builder.NewRecordBatch()
	return b
}
