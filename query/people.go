package query

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// PeopleList asks who is behind a number: the list is as long as the number of people is great. Of what it can be about, one
// is given.
type PeopleList struct {
	Trend     *TrendPoint     `json:"trend,omitempty"`
	Funnel    *FunnelPoint    `json:"funnel,omitempty"`
	Retention *RetentionPoint `json:"retention,omitempty"`
	Paths     *PathsPoint     `json:"paths,omitempty"`
	// Events are people who did something.
	Events *Doers `json:"events,omitempty"`

	// Search keeps those whose id, devices or SearchedTraits hold the text, whatever the case.
	Search string `json:"search,omitempty"`
	// Limit is how many are given, those seen last first; default 100, at most 10,000. Skip is how many are passed over.
	Limit int `json:"limit,omitempty"`
	Skip  int `json:"skip,omitempty"`
}

// TrendPoint is one number of a trend.
type TrendPoint struct {
	Trend  Trend `json:"trend"`
	Series int   `json:"series"`
	// Bucket is the index of the bucket; nil: the whole range.
	Bucket   *int  `json:"bucket,omitempty"`
	Previous bool  `json:"previous,omitempty"` // of the previous period
	Group    Group `json:"group,omitempty"`
	Other    bool  `json:"other,omitempty"`
}

// Doers are the people with an event that fits. Without a range it may be of any time.
type Doers struct {
	Range *Range    `json:"range,omitempty"`
	Event Selection `json:"event,omitzero"`
	Where *Filter   `json:"where,omitempty"`
	Bots  bool      `json:"bots,omitempty"`
}

// Bounds of a list of people.
const (
	defaultPeople = 100
	maxPeople     = 10_000
	maxSkip       = 1_000_000
)

// Validate refuses a list that means nothing, with an *Invalid.
func (p PeopleList) Validate() error {
	given := 0
	for _, is := range []bool{p.Trend != nil, p.Funnel != nil, p.Retention != nil, p.Paths != nil, p.Events != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return invalid("people", nil, "must be of one of trend, funnel, retention, paths and events")
	}
	if p.Limit < 0 || p.Limit > maxPeople {
		return invalid("limit", p.Limit, "must be 1 to %d", maxPeople)
	}
	if p.Skip < 0 || p.Skip > maxSkip {
		return invalid("skip", p.Skip, "must be 0 to %d", maxSkip)
	}
	if len(p.Search) > maxRegexBytes {
		return invalid("search", len(p.Search), "cannot be over %d bytes", maxRegexBytes)
	}
	if p.Search != "" {
		if _, err := pattern(Contains, p.Search); err != nil {
			return invalid("search", p.Search, "%s", err)
		}
	}
	switch {
	case p.Trend != nil:
		return p.Trend.validate("trend")
	case p.Funnel != nil:
		return p.Funnel.validate("funnel")
	case p.Retention != nil:
		return p.Retention.validate("retention")
	case p.Paths != nil:
		return p.Paths.validate("paths")
	}
	return p.Events.validate("events")
}

func (p TrendPoint) validate(path string) error {
	if err := p.Trend.Validate(); err != nil {
		return within(at(path, "trend"), err)
	}
	if p.Series < 0 || p.Series >= len(p.Trend.Series) {
		return invalid(at(path, "series"), p.Series, "must be the index of one of the %d series", len(p.Trend.Series))
	}
	if p.Previous && !p.Trend.Compare {
		return invalid(at(path, "previous"), true, "goes with a trend that compares")
	}
	if p.Bucket != nil && *p.Bucket < 0 {
		return invalid(at(path, "bucket"), *p.Bucket, "cannot be under 0")
	}
	by := 0
	if p.Trend.Breakdown != nil {
		by = len(p.Trend.Breakdown.By)
	}
	if p.Other && (by == 0 || p.Group != nil) {
		return invalid(at(path, "other"), true, "goes with a breakdown, and with no group")
	}
	if !p.Other && len(p.Group) != by {
		return invalid(at(path, "group"), p.Group, "must have a value for each of the breakdown's %d fields", by)
	}
	return nil
}

func (d Doers) validate(path string) error {
	if d.Range != nil {
		if err := d.Range.validate(at(path, "range"), false); err != nil {
			return err
		}
	}
	if err := d.Event.validate(at(path, "event")); err != nil {
		return err
	}
	if d.Where == nil {
		return nil
	}
	return d.Where.Validate(at(path, "where"))
}

// PeopleAnswer is a page of the list, and how long the list is.
type PeopleAnswer struct {
	// People and Events are of all who are behind the number.
	People int64 `json:"people"`
	Events int64 `json:"events"`
	// Found is how many of them the search found.
	Found    int64        `json:"found"`
	List     []PersonLine `json:"list"`
	Complete Completeness `json:"complete"`
}

// PersonLine is one of them.
type PersonLine struct {
	Person string `json:"person"`
	// Events are those behind the number; First and Last are when the first and the last of them happened.
	Events int64           `json:"events"`
	First  time.Time       `json:"first"`
	Last   time.Time       `json:"last"`
	Traits json.RawMessage `json:"traits,omitempty"`
}

// AskPeople answers a list of people.
func AskPeople(ctx context.Context, w Source, p PeopleList, now time.Time) (PeopleAnswer, error) {
	if err := askable(p); err != nil {
		return PeopleAnswer{}, err
	}
	who, err := p.who(ctx, w, now)
	if err != nil {
		return PeopleAnswer{}, err
	}
	return p.page(ctx, w, who, now)
}

// who is the statement for the people behind the number: their person, events, first and last.
func (p PeopleList) who(ctx context.Context, w Source, now time.Time) (part, error) {
	switch {
	case p.Trend != nil:
		return p.Trend.people(ctx, w, now)
	case p.Funnel != nil:
		return p.Funnel.people(w, now)
	case p.Retention != nil:
		return p.Retention.people(w, now)
	case p.Paths != nil:
		return p.Paths.people(w, now)
	}
	return p.Events.people(w, now)
}

// SearchedTraits are the traits by which people are looked for: the names that Segment's spec has for them.
func SearchedTraits() []string {
	return []string{"email", "name", "firstName", "lastName", "username", "phone"}
}

// found is the statement for those of who that the search finds, with their traits.
func (p PeopleList) found(d warehouse.Dialect) (part, error) {
	search := part{}
	if p.Search != "" {
		spelled, err := pattern(Contains, p.Search)
		if err != nil {
			return part{}, err
		}
		matches := func(what string) part { return part{d.Matches(what, "?"), []any{spelled}} }
		search = say(" where $ or w.person in (select user_id from identities where $)", matches("w.person"), matches("anonymous_id"))
		for _, trait := range SearchedTraits() {
			search = say("$ or coalesce($, false)", search, matches(d.Property("u.traits", []string{trait}, event.KindNone)))
		}
	}
	return say("select w.person, w.events, w.first, w.last, $ as traits from who w left join users u on u.user_id = w.person$", d.JSONText("u.traits"), search), nil
}

// page reads a page of the people that a statement gives: their person, events, first and last.
func (p PeopleList) page(ctx context.Context, w Source, who part, now time.Time) (PeopleAnswer, error) {
	d := w.Dialect()
	a := PeopleAnswer{List: []PersonLine{}, Complete: Completeness{AskedAt: now}}
	found, err := p.found(d)
	if err != nil {
		return a, err
	}
	limit := p.Limit
	if limit == 0 {
		limit = defaultPeople
	}
	q := say(`with who as ($), found as ($),
			page as (select * from found order by last desc, $ limit $ offset $)
		select c.people, c.events, c.found, page.person, page.events, page.first, page.last, page.traits
			from (select (select count(*) from who) as people, (select cast(coalesce(sum(events), 0) as bigint) from who) as events, (select count(*) from found) as found) c
			left join page on 1 = 1 order by page.last desc, $`,
		who, found, d.Bytewise("person"), value(int64(limit)), value(int64(p.Skip)), d.Bytewise("page.person"))
	rows, err := w.Query(ctx, q.text, q.args...)
	if err != nil {
		return a, fmt.Errorf("reading people: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var person, traits *string
		var events, first, last *int64
		if err := rows.Scan(&a.People, &a.Events, &a.Found, &person, &events, &first, &last, &traits); err != nil {
			return a, fmt.Errorf("reading people: %w", err)
		}
		if person == nil {
			continue
		}
		line := PersonLine{Person: *person, Events: *events, First: time.UnixMicro(*first).UTC(), Last: time.UnixMicro(*last).UTC()}
		if traits != nil {
			line.Traits = json.RawMessage(*traits)
		}
		a.List = append(a.List, line)
	}
	return a, rows.Err()
}

// doers is the statement for the people with an event that fits a condition; r was asked all that it must know.
func doers(r *reading, condition part) part {
	at := r.dialect.Micros(`e."timestamp"`)
	if r.eachRow() {
		return say("select $ as person, count(*) as events, min($) as first, max($) as last$$ group by 1", r.person(), at, at, r.from(), clause(" where", condition))
	}
	ids := r.ids(true)
	inner := say("select $, count(*) as n, min($) as first, max($) as last$$ group by 1, 2", ids.columns, at, at, r.from(), clause(" where", condition))
	return say("select $ as person, cast(sum(e.n) as bigint) as events, min(e.first) as first, max(e.last) as last from ($) e$ group by 1", idsPerson, inner, ids.join)
}

func (d Doers) people(w Source, now time.Time) (part, error) {
	r := &reading{dialect: w.Dialect(), now: now, bots: d.Bots}
	condition := all(r.selected(d.Event), r.where(d.Where))
	if d.Range == nil {
		if !d.Bots {
			condition = all(part{text: "not e.is_bot"}, condition)
		}
		return doers(r, condition), nil
	}
	p, err := d.Range.resolve("events.range", now, false)
	return doers(r, all(r.within(p.From, p.To), condition)), err
}

func (p TrendPoint) people(ctx context.Context, w Source, now time.Time) (part, error) {
	period, err := p.Trend.Range.Resolve(now)
	if err != nil {
		return part{}, err
	}
	asking := trendAsking{ctx: ctx, w: w, trend: &p.Trend, now: now}
	if p.Other {
		// Who is in no group that is shown depends on which are.
		if _, err := asking.series(&p.Trend.Series[0], period); err != nil {
			return part{}, err
		}
	}
	if p.Previous {
		period = period.Previous()
	}
	from, to := period.From, period.To
	if p.Bucket != nil {
		if *p.Bucket >= len(period.Buckets) {
			return part{}, invalid("trend.bucket", *p.Bucket, "must be under %d, the number of buckets", len(period.Buckets))
		}
		from, to = period.Buckets[*p.Bucket].From, period.Buckets[*p.Bucket].To
	}
	s := &p.Trend.Series[p.Series]
	r := &reading{dialect: w.Dialect(), now: now, bots: p.Trend.Bots}
	condition := all(r.within(from, to), r.selected(s.Event), r.where(p.Trend.Where), r.where(s.Where))
	switch m := s.Measure; {
	case m.Aggregate() == Sessions:
		condition = all(condition, part{text: "e.session_id is not null"})
	case m.OfField():
		condition = all(condition, part{text: r.column(m.Field, event.KindNumber) + " is not null"})
	}
	if p.Group != nil {
		condition = all(condition, r.inGroup(p.Trend.Breakdown, p.Group))
	}
	if p.Other {
		for _, g := range asking.groups {
			condition = all(condition, say("not ($)", r.inGroup(p.Trend.Breakdown, g)))
		}
	}
	return doers(r, condition), nil
}

// inGroup is the condition that an event's values are a group's; it is never NULL.
func (r *reading) inGroup(b *Breakdown, g Group) part {
	var conditions []part
	for i, f := range b.By {
		if g[i] == nil {
			conditions = append(conditions, part{text: r.group(f) + " is null"})
		} else {
			conditions = append(conditions, say("coalesce($ = $, false)", r.group(f), text(*g[i])))
		}
	}
	return all(conditions...)
}
