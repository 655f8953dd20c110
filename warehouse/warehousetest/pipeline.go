package warehousetest

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
)

func pipelineCases() []kase {
	return []kase{
		{"the pipeline page's questions are answered", pipeline},
		{"dead letters are chosen, and what was loaded since is known", chosenLetters},
		{"an event is traced", traced},
		{"sources are counted", sources},
		{"the schema is told, and can be asked", schema},
		{"the newest events come in one order", newestOrder},
	}
}

// line opens a warehouse with dead letters of two reasons, rows of two sources, one of an id that died before, and retries.
func (s *subject) line(ctx context.Context) (warehouse.Warehouse, error) {
	w, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	letter := func(after time.Duration, source, reason, id string) Letter {
		return Letter{
			ReceivedAt: noon.Add(after), Source: source, Protocol: "segment", Reason: reason, Detail: "why", MessageID: id, Type: "tracks",
			Raw: fmt.Sprintf("{%q}\x00\xff", id), Position: "7", Index: 2,
		}
	}
	dead := Letters("dead", "older", "", "7",
		letter(0, "web", "unknown_type", "d-1"), letter(minute, "web", "unknown_type", "d-2"), letter(2*time.Hour, "app", "wrong_kind", "d-3"),
		letter(-48*time.Hour, "web", "unknown_type", "old"), letter(-49*time.Hour, "web", "unknown_type", ""))
	s.batches = append(s.batches, dead)
	first, second := track("web", "d-1", "Buy"), track("app", "m-1", `O'Brien\ "x"`)
	second.ReceivedAt, second.Timestamp = at(noon.Add(2*time.Minute)), at(noon.Add(-time.Hour))
	rows := s.batch(warehouse.Move{Shard: "0", To: "1"}, first, second)
	for i := range rows.Counts {
		if rows.Counts[i].Source == "web" {
			rows.Counts[i].Accepted, rows.Counts[i].Duplicate = 3, 2
		}
	}
	return w, load(ctx, w, dead, rows)
}

func pipeline(ctx context.Context, s *subject) error {
	w, err := s.line(ctx)
	if err != nil {
		return err
	}
	have, err := query.AskPipeline(ctx, w, noon.Add(-time.Hour), noon.Add(23*time.Hour))
	if err != nil {
		return err
	}
	wantLedger := []query.LiveMinute{ // by the hour
		{Minute: noon, Source: "app", Accepted: 1, Loaded: 1},
		{Minute: noon, Source: "web", Accepted: 5, Loaded: 1, Duplicate: 2, Dead: 2},
		{Minute: noon.Add(2 * time.Hour), Source: "app", Accepted: 1, Dead: 1},
	}
	wantDead := []query.DeadReason{
		{Reason: "unknown_type", Source: "web", Letters: 2, First: noon, Latest: noon.Add(minute)},
		{Reason: "wrong_kind", Source: "app", Letters: 1, First: noon.Add(2 * time.Hour), Latest: noon.Add(2 * time.Hour)},
	}
	if have.Interval != query.ByHour || !reflect.DeepEqual(have.Ledger, wantLedger) || !reflect.DeepEqual(have.Dead, wantDead) {
		return fmt.Errorf("want hours %+v and letters %+v\nhave %s %+v, %+v", wantLedger, wantDead, have.Interval, have.Ledger, have.Dead)
	}
	if len(have.Loads) != 2 || have.Loads[0].Loaded != 2 || have.Loads[0].Duplicate != 2 || have.Loads[1].ID != "dead" || have.Loads[1].Dead != 5 {
		return fmt.Errorf("want both loads, the latest first; have %+v", have.Loads)
	}
	for span, want := range map[time.Duration]query.Interval{time.Hour: query.ByMinute, 24 * time.Hour: query.ByHour, 90 * 24 * time.Hour: query.ByDay} {
		have, err := query.AskPipeline(ctx, w, noon, noon.Add(span))
		if err != nil {
			return err
		}
		if have.Interval != want {
			return fmt.Errorf("%s: want by %s; have %s", span, want, have.Interval)
		}
	}
	return nil
}

func chosenLetters(ctx context.Context, s *subject) error {
	w, err := s.line(ctx)
	if err != nil {
		return err
	}
	for _, c := range []struct {
		ask  query.DeadLetters
		want string
	}{
		{query.DeadLetters{Limit: 10}, "d-3 d-2 d-1 old -"}, {query.DeadLetters{Limit: 2}, "d-3 d-2"},
		{query.DeadLetters{Reason: "unknown_type", Limit: 10}, "d-2 d-1 old -"}, {query.DeadLetters{Source: "app", Limit: 10}, "d-3"},
		{query.DeadLetters{From: noon, To: noon.Add(minute), Limit: 10}, "d-1"}, {query.DeadLetters{MessageID: "d-2", Limit: 10}, "d-2"},
		{query.DeadLetters{Reason: "o'clock\\", Limit: 10}, ""},
	} {
		have, err := query.AskDeadLetters(ctx, w, c.ask)
		if err != nil {
			return err
		}
		var ids []string
		for _, l := range have {
			if l.MessageID == "" {
				l.MessageID = "-"
			}
			ids = append(ids, l.MessageID)
			if (l.LoadedAt != nil) != (l.MessageID == "d-1") {
				return fmt.Errorf("%s: want d-1 and no other loaded since; have %v", l.MessageID, l.LoadedAt)
			}
		}
		if strings.Join(ids, " ") != c.want {
			return fmt.Errorf("%+v: want %s; have %s", c.ask, c.want, ids)
		}
	}
	have, err := query.AskDeadLetters(ctx, w, query.DeadLetters{MessageID: "d-1", Limit: 1})
	if err != nil {
		return err
	}
	want := query.DeadLetter{
		ReceivedAt: noon, Source: "web", Protocol: "segment", Reason: "unknown_type", Detail: "why", MessageID: "d-1", Type: "tracks",
		Raw: "{\"d-1\"}\x00\uFFFD", Bytes: 9, Shard: "0", Position: "7", Index: 2, LoadID: "dead",
	}
	if len(have) == 1 {
		want.Request, want.LoadedAt = have[0].Request, have[0].LoadedAt
	}
	if !reflect.DeepEqual(have, []query.DeadLetter{want}) || !strings.Contains(want.Request, `"source":"web"`) {
		return fmt.Errorf("want the letter with its bytes as text, %+v; have %+v", want, have)
	}
	return nil
}

func traced(ctx context.Context, s *subject) error {
	w, err := s.line(ctx)
	if err != nil {
		return err
	}
	web := query.LiveMinute{Minute: noon, Source: "web", Accepted: 4, Loaded: 1, Duplicate: 2, Dead: 1}
	app := query.LiveMinute{Minute: noon.Add(2 * time.Minute), Source: "app", Accepted: 1, Loaded: 1}
	late := query.LiveMinute{Minute: noon.Add(2 * time.Hour), Source: "app", Accepted: 1, Dead: 1}
	for _, c := range []struct {
		id, loaded, dead string
		minutes          []query.LiveMinute
	}{
		{"d-1", "web Buy", "unknown_type", []query.LiveMinute{web}},           // died, was mended, was sent twice more
		{"m-1", `app O'Brien\ "x"`, "", []query.LiveMinute{app}},              // loaded
		{"d-3", "", "wrong_kind", []query.LiveMinute{late}},                   // dead
		{"nothing", "", "", []query.LiveMinute{}},                             // never came
		{"d-", "", "", []query.LiveMinute{}},                                  // another
		{"d-1 ", "", "", []query.LiveMinute{}},                                // another id, also where trailing blanks do not count
		{`x' or '1'='1`, "", "", []query.LiveMinute{}},                        // no part of the question
		{strings.Repeat("\U0001F600\x00", 100), "", "", []query.LiveMinute{}}, // nor what no column can hold
	} {
		have, err := query.AskTrace(ctx, w, query.TraceQuestion{ID: c.id}, noon.Add(time.Hour))
		if err != nil {
			return fmt.Errorf("%q: %w", c.id, err)
		}
		loaded, dead := []string{}, []string{}
		for _, r := range have.Rows {
			loaded = append(loaded, r.Source+" "+r.Event)
			if r.MessageID != c.id || r.LoadID == "" || r.LoadedAt == nil || r.Type != event.TypeTrack || r.AnonymousID != "a-"+c.id || r.Protocol != "segment" {
				return fmt.Errorf("%q: want the row, and when it was loaded; have %+v", c.id, r)
			}
		}
		for _, d := range have.Dead {
			dead = append(dead, d.Reason)
			if (d.LoadedAt != nil) != (c.loaded != "") {
				return fmt.Errorf("%q: want a letter that tells whether its event was loaded; have %v", c.id, d.LoadedAt)
			}
		}
		if strings.Join(loaded, ", ") != c.loaded || strings.Join(dead, ", ") != c.dead || !reflect.DeepEqual(have.Minutes, c.minutes) {
			return fmt.Errorf("%q: want loaded %q, dead %q in %+v; have %q, %q in %+v", c.id, c.loaded, c.dead, c.minutes, loaded, dead, have.Minutes)
		}
		if have.Rows == nil || have.Dead == nil || have.Minutes == nil {
			return fmt.Errorf("%q: want empty lists of what is not there; have %+v", c.id, have)
		}
	}
	return nil
}

func sources(ctx context.Context, s *subject) error {
	w, err := s.line(ctx)
	if err != nil {
		return err
	}
	have, err := query.AskSources(ctx, w, noon.Add(-time.Hour))
	if err != nil {
		return err
	}
	want := []query.SourceState{
		{Source: "app", First: noon.Add(2 * minute), Latest: noon.Add(2 * time.Hour), Accepted: 2, Loaded: 1, Dead: 1},
		{Source: "web", First: noon.Add(-49 * time.Hour), Latest: noon.Add(minute), Accepted: 5, Loaded: 1, Duplicate: 2, Dead: 2},
	}
	if !reflect.DeepEqual(have, want) {
		return fmt.Errorf("want %+v\nhave %+v", want, have)
	}
	return nil
}

// schema wants every column that is told to be there: each can be selected.
func schema(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	if err := load(ctx, w, s.full(warehouse.Move{Shard: "0", To: "1"}, "x")); err != nil {
		return err
	}
	have, err := query.AskSchema(ctx, w)
	if err != nil {
		return err
	}
	if len(have) != len(warehouse.Tables())+1 || have[len(have)-1].Name != "event_song_played" || !have[len(have)-1].View {
		return fmt.Errorf("want all tables, and the view event_song_played; have %+v", have)
	}
	for _, table := range have {
		var names []string
		for _, c := range table.Columns {
			if c.Kind == "" {
				return fmt.Errorf("%s.%s has no kind", table.Name, c.Name)
			}
			names = append(names, w.Dialect().Quote(c.Name))
		}
		rows, err := w.Query(ctx, "select "+strings.Join(names, ", ")+" from "+table.Name+" limit 1")
		if err != nil {
			return fmt.Errorf("%s: %w", table.Name, err)
		}
		if err := rows.Close(); err != nil {
			return err
		}
	}
	return nil
}

// newestOrder wants events of one moment in one order, also where only some say when their client made them.
func newestOrder(ctx context.Context, s *subject) error {
	w, err := s.open(ctx)
	if err != nil {
		return err
	}
	events := tracks("web", "n", "Buy", 4)
	events[1].OriginalTimestamp, events[2].OriginalTimestamp = at(noon.Add(-time.Second)), at(noon)
	if err := load(ctx, w, s.batch(warehouse.Move{Shard: "0", To: "1"}, events...)); err != nil {
		return err
	}
	newest, err := query.AskNewest(ctx, w, noon.Add(-time.Hour), "", "", 10)
	if err != nil {
		return err
	}
	var have []string
	for _, e := range newest {
		have = append(have, e.MessageID)
	}
	if want := "n2 n1 n3 n0"; strings.Join(have, " ") != want {
		return fmt.Errorf("want %s; have %s", want, have)
	}
	return nil
}
