package query

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spoorhq/spoor/event"
)

// CatalogQuestion asks which events there are.
type CatalogQuestion struct {
	// Range is what volumes are counted over, in its buckets.
	Range Range `json:"range"`
	By    Clock `json:"by,omitempty"`
}

// Clock is by which of an event's moments the catalog counts.
type Clock string

// The clocks.
const (
	ByReceived Clock = "received" // when the door took it, as the loader keeps it: no event is read; the default
	ByHappened Clock = "happened" // its timestamp: the events of the range are read
)

// Clocks gives them in the order of a menu.
func Clocks() []Clock { return []Clock{ByReceived, ByHappened} }

// Validate refuses what means nothing, with an *Invalid.
func (q CatalogQuestion) Validate() error {
	if q.By != "" && !slices.Contains(Clocks(), q.By) {
		return invalid("by", q.By, "must be one of %s", join(Clocks()))
	}
	return q.Range.Validate("range")
}

// span implements datable. What has been seen is of any time, so that whatever is loaded makes it another answer.
func (q CatalogQuestion) span(time.Time) (from, to time.Time) { return from, to }

// CatalogAnswer is the events seen, those with most rows first.
type CatalogAnswer struct {
	Period   Period         `json:"period"`
	Events   []CatalogEvent `json:"events"`
	Complete Completeness   `json:"complete"`
}

// CatalogEvent is one event name; types other than track have no names here.
type CatalogEvent struct {
	Type       string     `json:"type"`
	Event      string     `json:"event,omitempty"`
	View       string     `json:"view,omitempty"` // the view that shows it, for SQL
	FirstSeen  *time.Time `json:"first_seen,omitempty"`
	LastSeen   *time.Time `json:"last_seen,omitempty"` // the minute
	Properties int        `json:"properties"`          // how many have been seen
	Volume     int64      `json:"volume"`              // rows in the range
	Volumes    []int64    `json:"volumes"`             // rows in each bucket
}

// completed implements answer.
func (a CatalogAnswer) completed(c Completeness) CatalogAnswer {
	a.Complete = c
	a.Period = a.Period.marked(c)
	return a
}

// Catalog answers which events there are.
func (e *Engine) Catalog(ctx context.Context, q CatalogQuestion) (CatalogAnswer, error) {
	return ask(ctx, e, "catalog", q, AskCatalog)
}

// AskCatalog answers which events there are, from what the loader keeps; events are read only to count when they happened.
func AskCatalog(ctx context.Context, w Source, q CatalogQuestion, now time.Time) (CatalogAnswer, error) {
	if err := q.Validate(); err != nil {
		return CatalogAnswer{}, err
	}
	period, err := q.Range.Resolve(now)
	if err != nil {
		return CatalogAnswer{}, err
	}
	c := catalog{w: w, events: map[[2]string]*CatalogEvent{}, answer: CatalogAnswer{Period: period, Events: []CatalogEvent{}, Complete: Completeness{AskedAt: now}}}
	volumes := c.received
	if q.By == ByHappened {
		volumes = c.happened
	}
	// What may take long comes first: how far it is, is how far the question is.
	for _, read := range []func(context.Context) error{volumes, c.names, c.seen} {
		if err := read(ctx); err != nil {
			return CatalogAnswer{}, fmt.Errorf("reading the catalog: %w", err)
		}
	}
	for _, e := range c.events {
		c.answer.Events = append(c.answer.Events, *e)
	}
	slices.SortFunc(c.answer.Events, func(a, b CatalogEvent) int {
		return cmp.Or(cmp.Compare(b.Volume, a.Volume), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Event, b.Event))
	})
	return c.answer, nil
}

type catalog struct {
	w      Source
	events map[[2]string]*CatalogEvent
	answer CatalogAnswer
}

func (c *catalog) of(typ, name string) *CatalogEvent {
	key := [2]string{typ, name}
	if c.events[key] == nil {
		c.events[key] = &CatalogEvent{Type: typ, Event: name, Volumes: make([]int64, len(c.answer.Period.Buckets))}
	}
	return c.events[key]
}

func (c *catalog) names(ctx context.Context) error {
	rows, err := c.w.Query(ctx, `select type, event, min(view), min(first_seen), count(distinct case when property <> '' then property end) from catalog group by 1, 2`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var typ, name, view string
		var first time.Time
		var properties int
		if err := rows.Scan(&typ, &name, &view, &first, &properties); err != nil {
			return err
		}
		e := c.of(typ, name)
		e.View, e.FirstSeen, e.Properties = view, new(first.UTC()), properties
	}
	return rows.Err()
}

// seen reads when each was last seen, from the minutes of all time.
func (c *catalog) seen(ctx context.Context) error {
	rows, err := c.w.Query(ctx, "select type, event, min(minute), max(minute) from volumes where loaded > 0 group by 1, 2")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var typ, name string
		var first, last time.Time
		if err := rows.Scan(&typ, &name, &first, &last); err != nil {
			return err
		}
		e := c.of(typ, name)
		e.LastSeen = new(last.UTC())
		if e.FirstSeen == nil {
			e.FirstSeen = new(first.UTC())
		}
	}
	return rows.Err()
}

// received counts by the minute in which events were taken.
func (c *catalog) received(ctx context.Context) error {
	p := c.answer.Period
	return c.volumes(ctx, say("select $ as bucket, e.type, e.event, cast(sum(e.loaded) as bigint) from volumes e where e.minute >= $ and e.minute < $ group by 1, 2, 3",
		bucketOf(c.w.Dialect(), "e.minute", p), value(p.From.UTC()), value(p.To.UTC())))
}

// happened counts the events themselves, under the names of the table volumes.
func (c *catalog) happened(ctx context.Context) error {
	p := c.answer.Period
	return c.volumes(ctx, say("select $ as bucket, e.type, case when e.type = $ then coalesce(e.event, '') else '' end as name, count(*) from events e where $ group by 1, 2, 3",
		bucketSQL(c.w.Dialect(), p), value(event.TypeTrack), stretch{p.From, p.To}.condition(`e."timestamp"`)))
}

func (c *catalog) volumes(ctx context.Context, q part) error {
	rows, err := c.w.Query(ctx, q.text, q.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	begins := c.answer.Period.begins()
	for rows.Next() {
		var bucket, n int64
		var typ, name string
		if err := rows.Scan(&bucket, &typ, &name, &n); err != nil {
			return err
		}
		e := c.of(typ, name)
		e.Volume += n
		e.Volumes[begins[bucket]] += n
	}
	return rows.Err()
}
