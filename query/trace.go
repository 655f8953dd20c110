package query

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// TraceQuestion asks what the warehouse has of an event. An index over the ids of all events would be as large as they are;
// an event is found by when it came, and its id among those: see stretches.
type TraceQuestion struct {
	ID string
	// At is about when it came, where that is known: it is looked for around then first.
	At time.Time
	// All has all of time looked through, instead of stopping where it was found.
	All bool
}

// Trace is where the warehouse has an event, by its message id.
type Trace struct {
	MessageID string       `json:"message_id"`
	Rows      []TraceRow   `json:"rows" required:"true" nullable:"false" description:"in the table events; one for each source that used the id"`
	Dead      []DeadLetter `json:"dead" required:"true" nullable:"false"`
	// Minutes are the lines of the ledger that the rows and the letters are counted in.
	Minutes []LiveMinute `json:"minutes" required:"true" nullable:"false"`
	// MadeAt is when the id was made, where it tells: nothing of it came before.
	MadeAt     *time.Time `json:"made_at" description:"when the id was made, where it tells"`
	LookedFrom *time.Time `json:"looked_from" description:"events that came before were not looked at; null: all were"`
	LookedTo   *time.Time `json:"looked_to" description:"nor were those that came from then on; null: all were"`
}

// TraceRow is a row of the table events, and when it was committed.
type TraceRow struct {
	NewestEvent
	Timestamp time.Time  `json:"timestamp"`
	LoadID    string     `json:"load_id"`
	LoadedAt  *time.Time `json:"loaded_at"`
	Marks     string     `json:"marks,omitempty"`
}

const (
	// traceMost bounds what a trace gives of each kind.
	traceMost = 100
	// repeats is how far apart by receipt two events of one source and id are duplicates, of which the first is the row:
	// the loader's window, if nobody has changed it. What is further apart is another event.
	repeats = 24 * time.Hour
	// wrongClock is how wrong the clock of a client may be.
	wrongClock = 24 * time.Hour
)

// stretches gives when an event may have come, most likely first; each begins or ends where those before it end. Rows lie about as
// they came, so that a warehouse reads the ids of a stretch and passes over the rest. Where it is known when the event came,
// or when its id was made, that is where it is looked for first, and nothing came before its id was made. Otherwise the
// newest days come first: who asks for an event has mostly just sent it.
func (q TraceQuestion) stretches(now time.Time) []stretch {
	if q.All {
		return []stretch{{}}
	}
	made, hint := madeAt(q.ID, now), q.At
	earliest := time.Time{}
	if !made.IsZero() {
		earliest, hint = made.Add(-wrongClock), cmp.Or(hint, made)
	}
	if !hint.IsZero() {
		around := stretch{hint.Add(-wrongClock), hint.Add(2 * repeats)}
		list := []stretch{around, {from: around.to}}
		if earliest.Before(around.from) && (made.IsZero() || !q.At.IsZero()) {
			list = append(list, stretch{earliest, around.from})
		}
		return list
	}
	earliest = bootOf(q.ID)
	var list []stretch
	to := time.Time{}
	for _, days := range []int{1, 7, 30, 120} {
		from := now.AddDate(0, 0, -days)
		if from.Before(earliest) {
			break
		}
		list, to = append(list, stretch{from, to}), from
	}
	return append(list, stretch{earliest, to})
}

// AskTrace looks an event up in the warehouse: until it is found, and around that as far as a repeat of it would be.
func AskTrace(ctx context.Context, w Asker, q TraceQuestion, now time.Time) (Trace, error) {
	t := Trace{MessageID: q.ID, Rows: []TraceRow{}, Minutes: []LiveMinute{}}
	if made := madeAt(q.ID, now); !made.IsZero() {
		t.MadeAt = &made
	}
	if err := t.look(ctx, w, q.stretches(now)); err != nil {
		return t, fmt.Errorf("looking for the event: %w", err)
	}
	var err error
	if t.Dead, err = AskDeadLetters(ctx, w, DeadLetters{MessageID: q.ID, Limit: traceMost}); err != nil {
		return t, err
	}
	if err := t.minutes(ctx, w); err != nil {
		return t, fmt.Errorf("reading the ledger: %w", err)
	}
	return t, nil
}

// look reads the rows of one stretch after the other.
func (t *Trace) look(ctx context.Context, w Asker, list []stretch) error {
	looked := list[0]
	for i, s := range list {
		if err := t.read(ctx, w, s); err != nil {
			return err
		}
		if i > 0 && s.to.Equal(looked.from) {
			looked.from = s.from
		} else if i > 0 {
			looked.to = s.to
		}
		if len(t.Rows) > 0 {
			break
		}
	}
	if n := len(t.Rows); n > 0 {
		before := stretch{t.Rows[0].ReceivedAt.Add(-repeats), looked.from}
		after := stretch{looked.to, t.Rows[n-1].ReceivedAt.Add(repeats)}
		if !looked.from.IsZero() && before.from.Before(before.to) {
			if err := t.read(ctx, w, before); err != nil {
				return err
			}
			looked.from = before.from
		}
		if !looked.to.IsZero() && after.from.Before(after.to) {
			if err := t.read(ctx, w, after); err != nil {
				return err
			}
			looked.to = after.to
		}
	}
	slices.SortStableFunc(t.Rows, func(a, b TraceRow) int {
		return cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), cmp.Compare(a.Source, b.Source))
	})
	if !looked.from.IsZero() {
		t.LookedFrom = new(looked.from.UTC())
	}
	if !looked.to.IsZero() {
		t.LookedTo = new(looked.to.UTC())
	}
	return nil
}

func (t *Trace) read(ctx context.Context, w Asker, s stretch) error {
	statement := say(`select e.message_id, e.source, coalesce(e.type, ''), coalesce(e.event, ''), coalesce(e.user_id, ''), coalesce(e.anonymous_id, ''),
			e.received_at, e.original_timestamp, coalesce(e.protocol, ''), e.properties, e.traits, e.context, e.timestamp, e.load_id, l.loaded_at, coalesce(e.marks, '')
		from events e left join loads l on l.load_id = e.load_id where $ order by e.received_at, e.source limit $`,
		all(say("e.message_id = $", value(t.MessageID)), s.condition("e.received_at")), value(traceMost))
	return eachRow(ctx, w, func(scan func(...any) error) error {
		var r TraceRow
		var properties, traits, about any
		if err := scan(&r.MessageID, &r.Source, &r.Type, &r.Event, &r.UserID, &r.AnonymousID, &r.ReceivedAt, &r.OriginalTimestamp, &r.Protocol,
			&properties, &traits, &about, &r.Timestamp, &r.LoadID, &r.LoadedAt, &r.Marks); err != nil {
			return err
		}
		if r.MessageID != t.MessageID { // to Redshift, texts are alike that differ in trailing blanks
			return nil
		}
		r.ReceivedAt, r.Timestamp = r.ReceivedAt.UTC(), r.Timestamp.UTC()
		r.Properties, r.Traits, r.Context = object(properties), object(traits), object(about)
		t.Rows = append(t.Rows, r)
		return nil
	}, statement.text, statement.args...)
}

// minutes reads the lines of the ledger that what was found is counted in.
func (t *Trace) minutes(ctx context.Context, w Asker) error {
	found := map[time.Time]bool{}
	var args []any
	add := func(at time.Time) {
		if m := at.Truncate(time.Minute); !found[m] {
			found[m] = true
			args = append(args, m)
		}
	}
	for _, r := range t.Rows {
		add(r.ReceivedAt)
	}
	for _, d := range t.Dead {
		add(d.ReceivedAt)
	}
	if len(args) == 0 {
		return nil
	}
	return eachRow(ctx, w, func(scan func(...any) error) error {
		var m LiveMinute
		err := scan(&m.Minute, &m.Source, &m.Accepted, &m.Loaded, &m.Duplicate, &m.Dead)
		m.Minute = m.Minute.UTC()
		t.Minutes = append(t.Minutes, m)
		return err
	}, `select minute, source, accepted, loaded, duplicate, dead from ledger where minute in (?`+strings.Repeat(", ?", len(args)-1)+`) order by 1, 2`, args...)
}

// loadedSince notes on letters when an event of their id was loaded. One that is replayed keeps when it first came, and a
// client's repeat of it comes within the window of repeats, so that it is looked for around each letter's receipt.
func loadedSince(ctx context.Context, w Asker, letters []DeadLetter) error {
	var some []*DeadLetter
	for i := range letters {
		if letters[i].MessageID != "" {
			some = append(some, &letters[i])
		}
	}
	slices.SortFunc(some, func(a, b *DeadLetter) int { return a.ReceivedAt.Compare(b.ReceivedAt) })
	for len(some) > 0 {
		// Those whose times touch are looked for together.
		n := 1
		for n < len(some) && some[n].ReceivedAt.Sub(some[n-1].ReceivedAt) <= 2*repeats {
			n++
		}
		if err := loadedAround(ctx, w, some[:n]); err != nil {
			return err
		}
		some = some[n:]
	}
	return nil
}

// loadedAround is loadedSince for letters in the order of their receipt.
func loadedAround(ctx context.Context, w Asker, letters []*DeadLetter) error {
	ids := make([]part, len(letters))
	for i, l := range letters {
		ids[i] = value(l.MessageID)
	}
	around := stretch{letters[0].ReceivedAt.Add(-repeats), letters[len(letters)-1].ReceivedAt.Add(repeats)}
	statement := say("select e.source, e.message_id, min(l.loaded_at) from events e join loads l on l.load_id = e.load_id where e.message_id in ($) and $ group by 1, 2",
		joined(", ", ids...), around.condition("e.received_at"))
	return eachRow(ctx, w, func(scan func(...any) error) error {
		var source, id string
		var at *time.Time
		err := scan(&source, &id, &at)
		for _, l := range letters {
			if l.Source == source && l.MessageID == id {
				l.LoadedAt = at
			}
		}
		return err
	}, statement.text, statement.args...)
}
