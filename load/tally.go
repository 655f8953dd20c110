package load

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
	"github.com/spoorhq/spoor/warehouse"
)

// Bounds on what a stream of invented names can make the loader keep. Past them events are loaded all the same: only
// their volume is counted under otherName, or their properties have no column in a view.
const (
	maxNames      = 5_000
	maxProperties = 5_000 // of one name
	maxShapes     = 4_096 // of one name
	otherName     = "(other)"
)

// tally counts what becomes of a batch's events, and knows the names and properties seen so far.
type tally struct {
	names map[nameKey]*name
	views map[string]bool // names of views taken, to tell apart those of names that fall together

	// of the batch that is being built
	counts   []*warehouse.Count
	volumes  []*warehouse.Volume
	seen     []warehouse.Property
	changed  []*name
	again    bool // views must be made anew, whether events come or not
	last     *event.Request
	lastHere *warehouse.Count
}

type nameKey struct{ typ, event string }

type name struct {
	nameKey
	view   string
	kinds  map[string][]event.PropertyKind
	shapes map[uint64]struct{}
	dirty  bool
	made   bool // its view was made since the catalog was last read
	full   bool // of properties: nothing more is learnt
	volume *warehouse.Volume
	count  *warehouse.Count // whose volume that is
}

func newTally() *tally { return &tally{names: map[nameKey]*name{}, views: map[string]bool{}} }

// count gives the line of the ledger that an event of the request belongs to.
func (t *tally) count(r *event.Request) *warehouse.Count {
	if r != t.last {
		t.last, t.lastHere = r, t.line(r.Source, event.Minute(r.ReceivedAt))
	}
	return t.lastHere
}

func (t *tally) line(source string, minute int64) *warehouse.Count {
	for _, c := range slices.Backward(t.counts) {
		if c.Minute == minute && c.Source == source {
			return c
		}
	}
	c := &warehouse.Count{Source: strings.Clone(source), Minute: minute}
	t.counts = append(t.counts, c)
	return c
}

// loaded counts an event that goes into the table, and learns its name and properties.
func (t *tally) loaded(e *event.Event) {
	count := t.count(e.Request)
	count.Loaded++
	n := t.name(e)
	if n.count != count {
		n.count = count
		n.volume = &warehouse.Volume{Source: count.Source, Type: n.typ, Event: n.event, Minute: count.Minute}
		t.volumes = append(t.volumes, n.volume)
	}
	n.volume.Loaded++
	if e.Shape == 0 || n.full {
		return
	}
	if _, known := n.shapes[e.Shape]; !known {
		t.learn(n, e)
	}
}

func (t *tally) name(e *event.Event) *name {
	key := nameKey{e.Type, warehouse.VolumeName(e.Type, e.Name)}
	if n := t.names[key]; n != nil {
		return n
	}
	if len(t.names) >= maxNames && key.event != "" {
		key.event = otherName
		if n := t.names[key]; n != nil {
			return n
		}
	}
	key = nameKey{strings.Clone(key.typ), strings.Clone(key.event)}
	return t.meet(key, e.ReceivedAt)
}

// meet makes a new name known: it gets a view of its own and a line in the catalog.
func (t *tally) meet(key nameKey, at event.Time) *name {
	n := t.add(key, warehouse.ViewName(key.typ, key.event))
	t.seen = append(t.seen, warehouse.Property{Type: n.typ, Event: n.event, View: n.view, SeenAt: at})
	t.change(n)
	return n
}

func (t *tally) add(key nameKey, view string) *name {
	n := &name{nameKey: key, view: view, kinds: map[string][]event.PropertyKind{}, shapes: map[uint64]struct{}{}}
	n.full = key.event == otherName
	for i := 2; t.views[n.view]; i++ {
		n.view = fmt.Sprintf("%s_%d", view, i)
	}
	t.views[n.view] = true
	t.names[key] = n
	return n
}

func (t *tally) change(n *name) {
	if !n.dirty {
		n.dirty = true
		t.changed = append(t.changed, n)
	}
}

// learn takes note of the kinds of an event's properties.
func (t *tally) learn(n *name, e *event.Event) {
	if len(n.shapes) >= maxShapes {
		clear(n.shapes)
	}
	n.shapes[e.Shape] = struct{}{}
	m := jsonscan.ValidMembers(e.PropertySet())
	for m.Next() {
		kind := event.KindOf(m.Value())
		if kind == event.KindNone || slices.Contains(n.kinds[string(m.Key())], kind) {
			continue
		}
		if len(n.kinds) >= maxProperties {
			n.full = true
			return
		}
		property := string(m.Key())
		n.kinds[property] = append(n.kinds[property], kind)
		t.seen = append(t.seen, warehouse.Property{
			Type: n.typ, Event: n.event, Name: property, Kind: kind.String(), View: n.view, SeenAt: e.ReceivedAt,
		})
		t.change(n)
	}
}

// settle writes the batch's counts into it, and begins the next.
func (t *tally) settle(b *warehouse.Batch) {
	for _, c := range t.counts {
		b.Counts = append(b.Counts, *c)
	}
	for _, v := range t.volumes {
		b.Volumes = append(b.Volumes, *v)
	}
	b.Properties = t.seen
	for _, n := range t.changed {
		n.dirty, n.made = false, true
		b.Views = append(b.Views, warehouse.NewView(n.view, n.typ, n.event, n.kinds))
	}
	for _, n := range t.names {
		n.count, n.volume = nil, nil
	}
	t.counts, t.volumes, t.seen, t.changed, t.again, t.last, t.lastHere = nil, nil, nil, nil, false, nil, nil
}

// remember reads the names and properties that the warehouse knows.
func (t *tally) remember(ctx context.Context, w warehouse.Warehouse) error {
	return t.catalog(ctx, w, func(*name) {})
}

// compare reads them again. Where another loader has added to a name whose view was made here meanwhile, this one's may
// stand in the place of one with more columns, and is made anew. Whoever wrote last finds what both have added.
func (t *tally) compare(ctx context.Context, w warehouse.Warehouse) error {
	err := t.catalog(ctx, w, func(n *name) {
		if n.made {
			t.change(n)
			t.again = true
		}
	})
	for _, n := range t.names {
		n.made = false
	}
	return err
}

// catalog reads the catalog, and says which names have something that was not known.
func (t *tally) catalog(ctx context.Context, w warehouse.Warehouse, news func(*name)) error {
	err := each(ctx, w, func(rows warehouse.Rows) error {
		var key nameKey
		var property, kind, view string
		if err := rows.Scan(&key.typ, &key.event, &property, &kind, &view); err != nil {
			return err
		}
		n := t.names[key]
		if n == nil {
			n = t.add(key, view)
		}
		if k := event.ParsePropertyKind(kind); k != event.KindNone && !slices.Contains(n.kinds[property], k) {
			n.kinds[property] = append(n.kinds[property], k)
			news(n)
		}
		return nil
	}, "select type, event, property, kind, view from catalog")
	if err != nil {
		return fmt.Errorf("reading the catalog: %w", err)
	}
	return nil
}
