package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/spoorhq/spoor/simulate"
	"github.com/spoorhq/spoor/stream"
)

// History is a past of simulated people, to be loaded: a stream with one shard, whose records are made when they are
// read. The same history gives the same records, so that loading can be interrupted and go on.
//
// The door, the network and the disk of a stream are left out, which nobody asks a question of; all else is the
// loader's own work. Records are plain NDJSON, as another producer writes them, for what the door adds is of no use here.
type History struct {
	Rows uint64    `json:"rows"`
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Seed uint64    `json:"seed"`

	made atomic.Uint64 // events in the records that were read
	read chan struct{} // gets a value when a reader has given its last record and is asked for more
}

const (
	historyFile  = "history.json"
	historyShard = stream.ShardID("0")
	recordEvents = 256
	// historySeed makes the people of every history the same, so that runs can be compared.
	historySeed = 2017
)

// NewHistory describes the history of a number of events in the days before now.
func NewHistory(rows uint64, days int, now time.Time) (*History, error) {
	if rows < 100_000 || days < 1 || days > mostDays {
		return nil, fmt.Errorf("a history has at least 100,000 events and 1 to %d days; got %d and %d", mostDays, rows, days)
	}
	to := now.UTC().Truncate(time.Minute)
	return &History{Rows: rows, From: to.AddDate(0, 0, -days), To: to, Seed: historySeed}, nil
}

// OpenHistory reads the description in a folder; os.ErrNotExist: there is none.
func OpenHistory(dir string) (*History, error) {
	text, err := os.ReadFile(filepath.Join(dir, historyFile))
	if err != nil {
		return nil, err
	}
	h := &History{}
	if err := json.Unmarshal(text, h); err != nil {
		return nil, fmt.Errorf("%s: %w", historyFile, err)
	}
	return h, nil
}

// Save writes the description into a folder.
func (h *History) Save(dir string) error {
	text, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, historyFile), append(text, '\n'), 0o600)
}

// Made is how many events have been read so far.
func (h *History) Made() uint64 { return h.made.Load() }

// End is the position of the last record.
func (h *History) End() stream.Position { return position((h.Rows + recordEvents - 1) / recordEvents) }

func position(record uint64) stream.Position { return stream.Position(strconv.FormatUint(record, 10)) }

const (
	// perPersonDay is how many events a day a person of this population does, in the mean over all who ever came.
	perPersonDay = 5
	// growth is how many new people come in 30 days, as a share of those who have come by the end of the population.
	growth = 0.15
	// spareDays is how much longer the population is there than the history: which ends with its last event, and not
	// with its last day, for how many events there are by then is known to a hundredth only.
	spareDays = 30
	mostDays  = 240
)

func (h *History) generator() (*simulate.Generator, error) {
	days := h.To.Sub(h.From).Hours() / 24
	people := float64(h.Rows) / days / perPersonDay / (1 - growth*(days/2+spareDays)/30)
	people *= 1.03 // of 100 million events in 90 days the last was two days late without
	return simulate.NewGenerator(simulate.Config{
		Seed: h.Seed, Run: "history", People: int(people), Growth: growth, PerPersonDay: perPersonDay,
		From: h.From, To: h.To.AddDate(0, 0, spareDays),
	})
}

// Append is refused: the past is made.
func (h *History) Append(context.Context, []stream.Record) error {
	return errors.New("nothing can be added to a history")
}

// Shards gives the one shard.
func (h *History) Shards(context.Context) ([]stream.Shard, error) {
	return []stream.Shard{{ID: historyShard}}, nil
}

// Read plays the population from its beginning and passes over what comes before the position.
func (h *History) Read(_ context.Context, shard stream.ShardID, after stream.Position) (stream.Reader, error) {
	if shard != historyShard {
		return nil, fmt.Errorf("%w: %s", stream.ErrUnknownShard, shard)
	}
	done := uint64(0)
	if after != "" {
		n, err := strconv.ParseUint(string(after), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: %s", stream.ErrUnknownPosition, after)
		}
		done = n
	}
	g, err := h.generator()
	if err != nil {
		return nil, err
	}
	r := &historyReader{history: h, generator: g}
	for range done {
		if _, err := r.record(); err != nil {
			return nil, fmt.Errorf("%w: %s", stream.ErrUnknownPosition, after)
		}
	}
	return r, nil
}

// Close does nothing.
func (h *History) Close() error { return nil }

type historyReader struct {
	history   *History
	generator *simulate.Generator
	records   uint64
	events    uint64
	event     simulate.Event
}

// Next makes the next record. After the last it waits until ctx ends, as a stream does that is not closed.
func (r *historyReader) Next(ctx context.Context) ([]stream.Record, error) {
	record, err := r.record()
	if errors.Is(err, io.EOF) {
		select {
		case r.history.read <- struct{}{}:
		default:
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return []stream.Record{record}, err
}

// record gives io.EOF when there are no more.
func (r *historyReader) record() (stream.Record, error) {
	left := r.history.Rows - r.events
	if left == 0 {
		return stream.Record{}, io.EOF
	}
	var last time.Time
	data := make([]byte, 0, recordEvents*1200)
	for range min(left, recordEvents) {
		if !r.generator.Next(&r.event) {
			return stream.Record{}, fmt.Errorf("the population did %d events; %d are wanted", r.events, r.history.Rows)
		}
		data = append(append(data, r.event.JSON...), '\n')
		last = r.event.Time
		r.events++
	}
	r.records++
	r.history.made.Store(r.events)
	return stream.Record{Data: data, Position: position(r.records), Time: last}, nil
}

func (r *historyReader) Close() error { return nil }
