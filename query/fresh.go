package query

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// about is what an answer depends on.
type about struct {
	// units are the units of the calendar that the question's relative ranges mean at the moment: the same question is
	// another one tomorrow.
	units string
	// from and to are the time that its events are of; zero: any time.
	from, to time.Time
	// people: it depends on who is who. past: on more than its own time, such as what people did before, or their traits.
	people, past bool
}

// datable is a question that knows the time that its events are of.
type datable interface {
	span(now time.Time) (from, to time.Time)
}

// lookInto finds out what a question's answer depends on.
func lookInto(q Question, now time.Time) about {
	a := about{people: true, past: true}
	walk(reflect.ValueOf(q), func(r Range) {
		if p, err := r.resolve("", now, false); err == nil && r.Last > 0 {
			a.units += " " + p.From.UTC().Format(time.RFC3339)
		}
	})
	d, ok := q.(datable)
	if !ok {
		return a
	}
	a.people, a.past = false, false
	a.from, a.to = d.span(now)
	walk(reflect.ValueOf(q), func(f Field) {
		names := f.names()
		a.people = a.people || names[0] == personField
		a.past = a.past || names[0] == personField && len(names) > 1
	})
	walk(reflect.ValueOf(q), func(m Measure) { a.people = a.people || m.Of == People })
	walk(reflect.ValueOf(q), func(Did) { a.people, a.past = true, true })
	return a
}

// walk calls do for each T in a question.
func walk[T any](v reflect.Value, do func(T)) {
	if found, ok := reflect.TypeAssert[T](v); ok {
		do(found)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walk(v.Elem(), do)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				walk(v.Field(i), do)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if v.Index(i).CanInterface() {
				walk(v.Index(i), do)
			}
		}
	}
}

// state is what is known of how far the warehouse has come.
type state struct {
	shards map[string]shardState
	erased int64
	people string // stands for who is who, where the question depends on it
	read   time.Time
}

type shardState struct {
	position string
	moved    time.Time
}

// readState reads it. Every load moves a position.
func readState(ctx context.Context, w Source, about about) (state, error) {
	s := state{shards: map[string]shardState{}, read: time.Now()}
	who := "''"
	if about.people {
		// Identities have no time of their loading. One that changes its user at the same microsecond, for a name of the
		// same length, would not show; maxAge ends that.
		who = "(select cast(count(*) as varchar) || ' ' || coalesce(cast(sum(length(user_id)) as varchar), '') || ' ' ||" +
			" coalesce(cast(sum(" + w.Dialect().Micros("seen_at") + ") as varchar), '') from identities)"
	}
	rows, err := w.Query(ctx, `select stream, shard, position, moved_at, cast(0 as bigint), '' from positions
		union all select '', '', '', cast(null as timestamp with time zone), (select cast(coalesce(sum(erased), 0) as bigint) from ledger), `+who)
	if err != nil {
		return s, fmt.Errorf("reading the positions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var stream, shard, position, people string
		var moved *time.Time
		var erased int64
		if err := rows.Scan(&stream, &shard, &position, &moved, &erased, &people); err != nil {
			return s, fmt.Errorf("reading the positions: %w", err)
		}
		if moved == nil {
			s.erased, s.people = erased, people
			continue
		}
		s.shards[stream+"\x00"+shard] = shardState{position, *moved}
	}
	return s, rows.Err()
}

// Bounds of what is taken from the cache when something has been loaded since.
const (
	// maxAge is how old an answer can become.
	maxAge = 10 * time.Minute
	// clocks is how far apart the clocks of loaders may be.
	clocks = 5 * time.Minute
)

// holds tells whether the answer is still what the warehouse would say.
func (e *entry) holds(ctx context.Context, w Asker, s state, about about, now time.Time) (bool, error) {
	if s.erased != e.state.erased || now.Sub(e.asked) > maxAge || s.people != e.state.people {
		return false, nil
	}
	since, changed := e.state.read, false
	for name, shard := range s.shards {
		old, ok := e.state.shards[name]
		if ok && old.position == shard.position {
			continue
		}
		changed = true
		if ok && old.moved.Before(since) {
			since = old.moved
		}
	}
	if !changed {
		return true, nil
	}
	if about.past || about.from.IsZero() || !about.to.Before(now) {
		return false, nil
	}
	// Something was loaded; the ledger of loads says what, and the events themselves of what time they are.
	rows, err := w.Query(ctx, `select count(*) from (select 1 as one from events e where e."timestamp" >= ? and e."timestamp" < ?
		and e.load_id in (select load_id from loads where loaded_at >= ?) limit 1) touched`, about.from.UTC(), about.to.UTC(), since.Add(-clocks).UTC())
	if err != nil {
		return false, fmt.Errorf("looking for late events: %w", err)
	}
	defer rows.Close()
	touched := int64(1)
	for rows.Next() {
		if err := rows.Scan(&touched); err != nil {
			return false, err
		}
	}
	return touched == 0, rows.Err()
}

// span implements datable.
func (t Trend) span(now time.Time) (from, to time.Time) {
	p, err := t.Range.Resolve(now)
	if err != nil {
		return from, to
	}
	if t.Compare {
		return p.Previous().From, p.To
	}
	return p.From, p.To
}

// completed implements answer.
func (a TrendAnswer) completed(c Completeness) TrendAnswer {
	a.Complete = c
	a.Period = a.Period.marked(c)
	if a.Previous != nil {
		a.Previous = new(a.Previous.marked(c))
	}
	return a
}

func (p Period) marked(c Completeness) Period {
	p.Buckets = slices.Clone(p.Buckets)
	c.Mark(p.Buckets)
	return p
}

// completed implements answer.
func (a PeopleAnswer) completed(c Completeness) PeopleAnswer {
	a.Complete = c
	return a
}
