package redshift_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/redshiftfake"
	"github.com/spoorhq/spoor/warehouse"
)

// What a consumer that was written in an afternoon does wrong at the warehouse, by the numbers of the list of 17 that issue 3
// speaks of, and what this one does instead. Those that a test is named after are TestFlaw and their number; the others are the
// stream's (stream/kinesis) and the door's (test/aws/units).
//
//	 2  no fencing: two instances both load everything             TestFlaw02TwoLoadersOnOneShard
//	 9  one statement for everything, which grows with the rows    load.TestFlaw09ABusyShardIsCommittedAllTheTime, TestFlaw12LargeBatchIsOneCopy
//	10  SQL by formatting; one bad value fails all; NULL, '', null  TestFlaw10ValuesAreNeverSQL, TestFlaw10NullAndEmpty, TestFlaw10Limits
//	11  a list of one value, or none, makes a broken statement     TestFlaw11BatchOfOneAndOfNone
//	12  INSERT of many rows in place of COPY                       TestFlaw12LargeBatchIsOneCopy
//	13  no transaction with the progress: a retry doubles          TestFlaw13CommitThenRetry, TestFaults, TestCommitUnheard
//	15  retries of the producer double; Redshift enforces no key   TestFlaw15ProducersRetry
//	16  no dead letters: what cannot be loaded is lost             TestLongLetter, and load.TestOversizeValues

// TestFlaw02TwoLoadersOnOneShard: a loader that does not know that it has lost its shard cannot load; whoever comes later goes on
// from where the warehouse stands.
func TestFlaw02TwoLoadersOnOneShard(t *testing.T) {
	t.Parallel()
	server, location := standin(t)
	zombie, heir := open(t, location, nil), open(t, location, nil)
	const batches, rows = 4, 300
	var wg sync.WaitGroup
	won := make([]int, 2)
	for i, w := range []warehouse.Warehouse{zombie, heir} {
		wg.Go(func() {
			for n := 1; n <= batches; {
				b := batch(t, n, rows)
				b.ID += fmt.Sprint("-", i)
				switch _, err := w.Load(t.Context(), b); {
				case err == nil:
					won[i]++
					n++
				case errors.Is(err, warehouse.ErrFenced):
					positions, err := w.Positions(t.Context(), "main")
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := fmt.Sscan(positions["0"], &n); err != nil {
						t.Error(err)
						return
					}
					n++
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if won[0]+won[1] != batches {
		t.Errorf("want each of %d batches loaded once; have %v", batches, won)
	}
	expect(t, heir, "select count(*), count(distinct message_id), (select count(*) from loads), (select position from positions) from events",
		fmt.Sprintf("%[1]d | %[1]d | %d | %d", batches*rows, batches, batches))
	nothingStaged(t, server)
}

// TestFlaw12LargeBatchIsOneCopy: one COPY of several files, never a statement that grows with the rows.
func TestFlaw12LargeBatchIsOneCopy(t *testing.T) {
	t.Parallel()
	server, location := standin(t)
	w := open(t, location, nil)
	b := batch(t, 1, 25_000)
	b.Users, b.Identities = b.Users[:50], b.Identities[:50]
	load(t, w, b)
	if n := server.Copies(); n != 1 {
		t.Errorf("want one COPY for 25,000 rows; have %d", n)
	}
	expect(t, w, "select count(*), count(distinct message_id), (select count(*) from users) from events", "25000 | 25000 | 50")
}

// TestFlaw10ValuesAreNeverSQL: quotes, backslashes and statements in every place where a client's text goes are text.
func TestFlaw10ValuesAreNeverSQL(t *testing.T) {
	t.Parallel()
	_, location := standin(t)
	w := open(t, location, nil)
	nasty := []string{`O'Brien`, `\'); drop table events; --`, `\`, `a\'b`, `''`, `' or 1=1 --`, "it's\x00\\", `$1 ? {"}`, `'\\'`, "null", "", "a\xffb"}
	var list []event.Event
	for i := range nasty {
		nasty[i] = strings.ToValidUTF8(nasty[i], "\ufffd") // as the loader does
		text := nasty[i]
		list = append(list, event.Event{MessageID: fmt.Sprintf("%02d%s", i, text), Name: text, UserID: text, UserAgent: text})
	}
	b := events(t, list...)
	for i, e := range list {
		name := fmt.Sprintf("event_%d", i)
		b.Views = append(b.Views, warehouse.NewView(name, event.TypeTrack, e.Name, map[string][]event.PropertyKind{e.Name: {event.KindString}}))
		b.Properties = append(b.Properties, warehouse.Property{Type: event.TypeTrack, Event: e.Name, Name: e.Name, Kind: "string", View: name})
		if e.UserID != "" {
			b.Users = append(b.Users, warehouse.User{UserID: e.UserID, Traits: []byte(`{"a\\'b":"O'Brien \\'"}`)})
			b.Identities = append(b.Identities, warehouse.Identity{AnonymousID: e.UserID, UserID: e.UserID})
		}
	}
	b.ID, b.Stream, b.Moves[0] = nasty[1], nasty[3], warehouse.Move{Shard: nasty[1], To: nasty[3]}
	load(t, w, b)
	for i, e := range list {
		have := lines(t, w, "select message_id, user_agent, load_id from events where message_id = ?", e.MessageID)
		agent := e.UserAgent
		if agent == "" {
			agent = "<nil>"
		}
		if want := e.MessageID + " | " + agent + " | " + nasty[1]; len(have) != 1 || have[0] != want {
			t.Errorf("want %q; have %q", want, have)
		}
		if e.Name != "" {
			expect(t, w, fmt.Sprintf("select message_id from event_%d", i), e.MessageID)
		}
	}
	if positions, err := w.Positions(t.Context(), nasty[3]); err != nil || positions[nasty[1]] != nasty[3] {
		t.Errorf("want the position %q; have %q (%v)", nasty[3], positions, err)
	}
	if _, err := w.Erase(t.Context(), warehouse.Subject{UserIDs: nasty}); err != nil {
		t.Error(err)
	}
	expect(t, w, `select count(*), (select count(*) from users), (select count(*) from identities) from events`, "1 | 0 | 0") // the one without a user
}

// TestFlaw11BatchOfOneAndOfNone: one row goes in, and none.
func TestFlaw11BatchOfOneAndOfNone(t *testing.T) {
	t.Parallel()
	_, location := standin(t)
	w := open(t, location, nil)
	load(t, w, events(t, event.Event{MessageID: "only", Name: "X"}))
	load(t, w, &warehouse.Batch{ID: "none", Stream: "main", Moves: []warehouse.Move{{Shard: "0", From: "1", To: "2"}}})
	expect(t, w, "select message_id, (select position from positions), (select count(*) from loads) from events", "only | 2 | 2")
}

// TestFlaw10NullAndEmpty: what is absent, what is empty and what says null stay apart.
func TestFlaw10NullAndEmpty(t *testing.T) {
	t.Parallel()
	_, location := standin(t)
	w := open(t, location, nil)
	load(t, w, events(t,
		event.Event{MessageID: "absent", Properties: []byte(`{}`)}, event.Event{MessageID: "null", UserAgent: "null", Properties: []byte(`{"x":null}`)},
		event.Event{MessageID: "empty", Properties: []byte(`{"x":""}`)}, event.Event{MessageID: "text", UserAgent: `\N`, Properties: []byte(`{"x":"null"}`)}))
	expect(t, w, "select message_id, user_agent, "+w.Dialect().Property("properties", []string{"x"}, event.KindNone)+", properties from events order by 1",
		`absent | <nil> | <nil> | {}`, `empty | <nil> |  | {"x":""}`, `null | null | <nil> | {"x":null}`, `text | \N | null | {"x":"null"}`)
}

// TestFlaw13CommitThenRetry: a batch whose commit was done and whose answer was lost is not loaded again, whoever tries.
func TestFlaw13CommitThenRetry(t *testing.T) {
	t.Parallel()
	server, location := standin(t)
	one, other := open(t, location, nil), open(t, location, nil)
	b := batch(t, 1, 100)
	server.Faults.Next(redshiftfake.CommitUnheard)
	load(t, one, b)
	again := *b
	again.ID = "of another loader"
	if _, err := other.Load(t.Context(), &again); !errors.Is(err, warehouse.ErrFenced) {
		t.Errorf("want %v; have %v", warehouse.ErrFenced, err)
	}
	expect(t, one, "select count(*) from events", "100")
}

// TestFlaw15ProducersRetry: the copies that a producer's retries make are left out, across batches, by their ids alone: Redshift
// enforces no key.
func TestFlaw15ProducersRetry(t *testing.T) {
	t.Parallel()
	_, location := standin(t)
	w := open(t, location, nil)
	load(t, w, batch(t, 1, 1000))
	again := batch(t, 1, 1000)
	again.ID, again.Moves[0], again.Window = "again", warehouse.Move{Shard: "0", From: "1", To: "2"}, 24*time.Hour
	for row := range 1000 {
		again.Suspects = append(again.Suspects, int32(row))
	}
	receipt, err := w.Load(t.Context(), again)
	if err != nil || receipt.Loaded != 0 || receipt.Duplicate != 1000 {
		t.Errorf("want 1000 duplicates; have %+v (%v)", receipt, err)
	}
	expect(t, w, "select count(*), count(distinct message_id) from events", "1000 | 1000")
}

// TestFlaw10Limits: a text as long as a VARCHAR goes in, to the byte; a longer one is refused before it is staged.
func TestFlaw10Limits(t *testing.T) {
	t.Parallel()
	server, location := standin(t)
	w := open(t, location, nil)
	longest := strings.Repeat("é", 32767) + "x"
	deep := `{"x":"` + strings.Repeat("y", 65535) + `"}`
	load(t, w, events(t, event.Event{MessageID: "1", UserAgent: longest, Properties: []byte(deep)}))
	expect(t, w, "select octet_length(user_agent), "+w.Dialect().Property("properties", []string{"x"}, event.KindString)+" = '"+strings.Repeat("y", 65535)+"' from events", "65535 | true")
	over := events(t, event.Event{MessageID: "2", UserAgent: longest + "é"})
	if _, err := w.Load(t.Context(), over); err == nil || !strings.Contains(err.Error(), "column user_agent: a text of 65537 bytes is over 65535") {
		t.Errorf("want it refused; have %v", err)
	}
	nothingStaged(t, server)
	limits := w.Limits()
	if limits.HoldsText(longest+"é") || !limits.HoldsText(longest) || limits.HoldsText(strings.Repeat("\x00", 20_000)) || limits.Holds([]byte(`{"x":"`+longest+`y"}`)) {
		t.Error("want the driver to say what it holds")
	}
}
