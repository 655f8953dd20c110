package query

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"
)

// PersonQuestion asks for one person: who it is, and what they did, the newest first.
type PersonQuestion struct {
	Person string `json:"person"`
	// Event and Where leave out of the timeline what does not fit.
	Event Selection `json:"event,omitzero"`
	Where *Filter   `json:"where,omitempty"`
	// Before is where the page begins: Next of the page before. Empty: at the newest.
	Before string `json:"before,omitempty"`
	Limit  int    `json:"limit,omitempty"` // default 100, at most 1000
}

const (
	defaultTimeline = 100
	maxTimeline     = 1000
)

// Validate refuses what means nothing, with an *Invalid.
func (q PersonQuestion) Validate() error {
	if q.Person == "" || len(q.Person) > maxValueBytes {
		return invalid("person", q.Person, "must be 1 to %d bytes", maxValueBytes)
	}
	if q.Limit < 0 || q.Limit > maxTimeline {
		return invalid("limit", q.Limit, "must be 1 to %d", maxTimeline)
	}
	if q.Before != "" {
		if _, err := time.Parse(time.RFC3339Nano, q.Before); err != nil {
			return invalid("before", q.Before, "must be the next of a page before, such as 2026-03-01T12:00:00Z")
		}
	}
	if err := q.Event.validate("event"); err != nil {
		return err
	}
	if q.Where == nil {
		return nil
	}
	return q.Where.Validate("where")
}

// PersonAnswer is a person with a page of what they did.
type PersonAnswer struct {
	Person string `json:"person"`
	// Traits are the latest ones; FirstIdentified and LastIdentified when they were said. Absent: they never were.
	Traits          json.RawMessage `json:"traits,omitempty"`
	FirstIdentified *time.Time      `json:"first_identified,omitempty"`
	LastIdentified  *time.Time      `json:"last_identified,omitempty"`
	// Devices are those whose events are this person's.
	Devices []PersonDevice `json:"devices"`
	Events  []PersonEvent  `json:"events"`
	// Next is the Before of the next page. Empty: there is none.
	Next     string       `json:"next,omitempty"`
	Complete Completeness `json:"complete"`
}

// PersonDevice is an anonymous id that a login made this person's.
type PersonDevice struct {
	AnonymousID string    `json:"anonymous_id"`
	SeenAt      time.Time `json:"seen_at"` // when it was last seen with this person
}

// PersonEvent is one thing that the person did.
type PersonEvent struct {
	MessageID   string          `json:"message_id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Event       string          `json:"event,omitempty"`
	UserID      string          `json:"user_id,omitempty"`
	AnonymousID string          `json:"anonymous_id,omitempty"`
	SessionID   string          `json:"session_id,omitempty"`
	Timestamp   time.Time       `json:"timestamp"`
	ReceivedAt  time.Time       `json:"received_at"`
	PageURL     string          `json:"page_url,omitempty"`
	Country     string          `json:"country,omitempty"`
	Device      string          `json:"device,omitempty"`
	OS          string          `json:"os,omitempty"`
	Browser     string          `json:"browser,omitempty"`
	IsBot       bool            `json:"is_bot,omitempty"`
	Properties  json.RawMessage `json:"properties,omitempty"`
	Traits      json.RawMessage `json:"traits,omitempty"`
	Context     json.RawMessage `json:"context,omitempty"`
}

// completed implements answer.
func (a PersonAnswer) completed(c Completeness) PersonAnswer {
	a.Complete = c
	return a
}

// AskPerson answers who a person is and what they did.
func AskPerson(ctx context.Context, w Source, q PersonQuestion, now time.Time) (PersonAnswer, error) {
	a := PersonAnswer{Person: q.Person, Devices: []PersonDevice{}, Events: []PersonEvent{}, Complete: Completeness{AskedAt: now}}
	if err := q.Validate(); err != nil {
		return a, err
	}
	if err := a.known(ctx, w); err != nil {
		return a, fmt.Errorf("reading who %q is: %w", q.Person, err)
	}
	if err := a.timeline(ctx, w, q, now); err != nil {
		return a, fmt.Errorf("reading what %q did: %w", q.Person, err)
	}
	return a, nil
}

// known reads the person's devices and traits.
func (a *PersonAnswer) known(ctx context.Context, w Source) error {
	rows, err := w.Query(ctx, "select anonymous_id, seen_at from identities where user_id = ? order by 2 desc, 1", a.Person)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var d PersonDevice
		if err := rows.Scan(&d.AnonymousID, &d.SeenAt); err != nil {
			return err
		}
		d.SeenAt = d.SeenAt.UTC()
		a.Devices = append(a.Devices, d)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	traits, err := w.Query(ctx, "select "+w.Dialect().JSONText("traits")+", first_seen, seen_at from users where user_id = ?", a.Person)
	if err != nil {
		return err
	}
	defer traits.Close()
	for traits.Next() {
		var text string
		var first, last time.Time
		if err := traits.Scan(&text, &first, &last); err != nil {
			return err
		}
		a.Traits, a.FirstIdentified, a.LastIdentified = json.RawMessage(text), new(first.UTC()), new(last.UTC())
	}
	return traits.Err()
}

// timeline reads a page of events.
func (a *PersonAnswer) timeline(ctx context.Context, w Source, q PersonQuestion, now time.Time) error {
	limit := q.Limit
	if limit == 0 {
		limit = defaultTimeline
	}
	var before time.Time
	if q.Before != "" {
		var err error
		if before, err = time.Parse(time.RFC3339Nano, q.Before); err != nil {
			return err
		}
	}
	ids, stretches, err := a.seen(ctx, w, before, now, limit)
	if err != nil {
		return err
	}
	for s := range stretches {
		if err := a.read(ctx, w, q, now, a.near(ids, s), limit); err != nil || a.Next != "" {
			return err
		}
	}
	return nil
}

// personID is an id that the person's events have in a column, and the days on which some have, the newest first; nil: any day.
type personID struct {
	column, id string
	days       []time.Time
}

// seen gives the person's ids, and when their events may have happened before a moment, the newest first, as it is looked for more
// than a number of them.
func (a *PersonAnswer) seen(ctx context.Context, w Source, before, now time.Time, number int) ([]personID, iter.Seq[stretch], error) {
	ids := []personID{{column: "user_id", id: a.Person}, {column: "anonymous_id", id: a.Person}}
	for _, device := range a.Devices {
		if device.AnonymousID != a.Person {
			ids = append(ids, personID{column: "anonymous_id", id: device.AnonymousID})
		}
	}
	var devices []string
	for _, id := range ids[1:] {
		devices = append(devices, id.id)
	}
	statement := w.Dialect().Days([]string{a.Person}, devices)
	if statement == "" {
		return ids, slices.Values(lately(before, now)), nil
	}
	rows, err := w.Query(ctx, statement)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	var days []time.Time
	for i := range ids {
		ids[i].days = []time.Time{}
	}
	for rows.Next() {
		var day time.Time
		var which int64
		if err := rows.Scan(&day, &which); err != nil {
			return nil, nil, err
		}
		day = day.UTC()
		ids[which-1].days = append(ids[which-1].days, day)
		if len(days) == 0 || !days[len(days)-1].Equal(day) {
			days = append(days, day)
		}
	}
	return ids, onDays(days, before, number+1, func() int { return len(a.Events) }), rows.Err()
}

// read adds the newest events of a stretch. A page ends between moments, so that the next one can begin where it ended: it is
// longer than the limit where several events are of one.
func (a *PersonAnswer) read(ctx context.Context, w Source, q PersonQuestion, now time.Time, near part, limit int) error {
	d := w.Dialect()
	r := reading{dialect: d, now: now, bots: true, table: near}
	condition := all(say("$ = $", r.person(), text(q.Person)), r.selected(q.Event), r.where(q.Where))
	const fields = `e.message_id, e.source, e.type, coalesce(e.event, ''), coalesce(e.user_id, ''), coalesce(e.anonymous_id, ''), coalesce(e.session_id, ''), e."timestamp",
		e.received_at, coalesce(e.page_url, ''), coalesce(e.country, ''), coalesce(e.device_type, ''), coalesce(e.os_name, ''), coalesce(e.browser_name, ''), e.is_bot,
		e.properties, e.traits, e.context`
	statement := say(`select $$ where $ order by e."timestamp" desc, $, $ limit $`, fields, r.from(), condition, d.Bytewise("e.source"), d.Bytewise("e.message_id"), value(int64(limit+maxTies-len(a.Events))))
	rows, err := w.Query(ctx, statement.text, statement.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var e PersonEvent
		var properties, traits, about any
		if err := rows.Scan(&e.MessageID, &e.Source, &e.Type, &e.Event, &e.UserID, &e.AnonymousID, &e.SessionID, &e.Timestamp, &e.ReceivedAt, &e.PageURL, &e.Country,
			&e.Device, &e.OS, &e.Browser, &e.IsBot, &properties, &traits, &about); err != nil {
			return err
		}
		e.Timestamp, e.ReceivedAt = e.Timestamp.UTC(), e.ReceivedAt.UTC()
		e.Properties, e.Traits, e.Context = object(properties), object(traits), object(about)
		a.Events = append(a.Events, e)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if len(a.Events) <= limit {
		return nil
	}
	end := limit
	for end < len(a.Events) && a.Events[end].Timestamp.Equal(a.Events[limit-1].Timestamp) {
		end++
	}
	if end == len(a.Events) && end == limit+maxTies {
		return fmt.Errorf("over %d events are of one moment, %s", maxTies, a.Events[limit-1].Timestamp.Format(time.RFC3339Nano))
	}
	if end < len(a.Events) {
		a.Next = a.Events[end-1].Timestamp.Format(time.RFC3339Nano)
	}
	a.Events = slices.Clip(a.Events[:end])
	return nil
}

// near is the events of a stretch that may be the person's: theirs by name, and their devices'. Each part compares one column with
// one id, which a columnar warehouse does before it reads the other columns: asked for all of it at once, it reads whole rows.
func (a *PersonAnswer) near(ids []personID, s stretch) part {
	others := say("(e.user_id is null or e.user_id <> $)", text(a.Person))
	var parts []part
	var rest []part // are looked for together
	for _, id := range ids {
		during, some := s.on(id.days)
		if !some {
			continue
		}
		if len(parts) == maxParts {
			rest = append(rest, text(id.id))
			continue
		}
		condition := all(say("e.$ = $", id.column, text(id.id)), during.condition(`e."timestamp"`))
		if id.column == "anonymous_id" {
			condition = all(condition, others)
		}
		parts = append(parts, say("select * from events e where $", condition))
	}
	if len(rest) > 0 {
		parts = append(parts, say("select * from events e where $", all(say("e.anonymous_id in ($)", joined(", ", rest...)), others, s.condition(`e."timestamp"`))))
	}
	return joined(" union all ", parts...)
}

// maxParts is how many ids a person is looked for by one by one; whoever has more devices has them looked for together.
const maxParts = 16

// maxTies is how many events more than wanted a page may get because they are of one moment.
const maxTies = 500

// Person answers who a person is and what they did.
func (e *Engine) Person(ctx context.Context, q PersonQuestion) (PersonAnswer, error) {
	return ask(ctx, e, "person", q, AskPerson)
}
