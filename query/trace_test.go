package query_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/query"
	"github.com/spoorhq/spoor/warehouse"
)

// An event is found however long ago it came, with its repeats, and the answer says which time was looked through.
func TestTraceLooksBack(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	// 019ab095-d200 and 1763899200000 are noon of the 23rd of November 2025, a year before.
	const v7, ajs, node = "019ab095-d200-7000-8000-000000000001", "ajs-next-1763899200000-65341ab3-3d6d-4bf6-b118-d7ef67e2e1e8", "node-next-1763899200000-x"
	const ulid, boot = "01KAR9BMG00000000000000000", "01KAR9BMG00000000000000000:7:0"
	made := noon.Add(-365 * day)
	rows := event.NewRows(memory.DefaultAllocator, 16)
	defer rows.Release()
	for _, e := range []struct {
		id, source string
		ago        time.Duration
	}{
		{"new", "web", time.Hour}, {"weeks", "web", 20 * day}, {"old", "web", 400 * day},
		{"twice", "web", 23 * time.Hour}, {"twice", "app", 30 * time.Hour}, {"twice", "old", 100 * day},
		{"future", "web", -2 * day},
		{v7, "web", 365*day - time.Minute}, {ajs, "web", 300 * day}, {node, "web", 365 * day}, {ulid, "web", 365 * day}, {boot, "web", 90 * day},
		{"edge", "web", day}, {"first", "web", 365*day + day}, {"first", "app", 365*day - 2*day},
	} {
		at := event.TimeOf(noon.Add(-e.ago))
		rows.Append(&event.Event{
			Request: &event.Request{Source: e.source, Protocol: "segment"}, MessageID: e.id, Type: "track", Name: "Buy", UserID: "ada",
			Timestamp: at, OriginalTimestamp: event.NoTime, SentAt: event.NoTime, ReceivedAt: at,
		})
	}
	batch := &warehouse.Batch{ID: "1", Stream: "main", Moves: []warehouse.Move{{Shard: "0", To: "1"}}, Events: rows.Take()}
	defer batch.Events.Release()
	w := openWarehouse(t, batch)
	for _, c := range []struct {
		q    query.TraceQuestion
		want string // the sources, and how long before noon the time begins and ends that was looked through
	}{
		{query.TraceQuestion{ID: "new"}, "[web] 25h0m0s -"},
		{query.TraceQuestion{ID: "weeks"}, "[web] 720h0m0s -"},
		{query.TraceQuestion{ID: "old"}, "[web] - -"},
		{query.TraceQuestion{ID: "none"}, "[] - -"},
		{query.TraceQuestion{ID: "twice"}, "[app web] 47h0m0s -"},
		{query.TraceQuestion{ID: "twice", All: true}, "[old app web] - -"},
		{query.TraceQuestion{ID: "twice", At: noon.Add(-100 * day)}, "[old] 2424h0m0s 2352h0m0s"},
		{query.TraceQuestion{ID: "old", At: noon.Add(-3 * day)}, "[web] - -"},
		{query.TraceQuestion{ID: "future"}, "[web] 24h0m0s -"},
		{query.TraceQuestion{ID: "edge"}, "[web] 48h0m0s -"},
		{query.TraceQuestion{ID: v7}, "[web] 8784h0m0s 8712h0m0s"},
		{query.TraceQuestion{ID: ajs}, "[web] 8784h0m0s -"}, // it was kept for two months before it was sent
		{query.TraceQuestion{ID: node}, "[web] 8784h0m0s 8712h0m0s"},
		{query.TraceQuestion{ID: strings.ToLower(ulid)}, "[] 8784h0m0s -"},
		{query.TraceQuestion{ID: ulid}, "[web] 8784h0m0s 8712h0m0s"},
		{query.TraceQuestion{ID: boot}, "[web] 2880h0m0s -"},
		{query.TraceQuestion{ID: strings.Replace(boot, ":0", ":9", 1)}, "[] 8760h1m0s -"},
		{query.TraceQuestion{ID: v7, At: noon.Add(-300 * day)}, "[web] 8784h0m0s -"},
		{query.TraceQuestion{ID: "first", At: made}, "[web] 8808h0m0s 8712h0m0s"},
		{query.TraceQuestion{ID: "ffffffff-ffff-7fff-8000-000000000001"}, "[] - -"}, // of a time that is to come
	} {
		have, err := query.AskTrace(t.Context(), w, c.q, noon)
		if err != nil {
			t.Fatal(err)
		}
		sources := []string{}
		for _, r := range have.Rows {
			sources = append(sources, r.Source)
		}
		ago := func(t *time.Time) string {
			if t == nil {
				return "-"
			}
			return noon.Sub(*t).String()
		}
		if text := fmt.Sprint(sources, " ", ago(have.LookedFrom), " ", ago(have.LookedTo)); text != c.want {
			t.Errorf("%+v: want %s; have %s", c.q, c.want, text)
		}
		tells := slices.Contains([]string{v7, ajs, node, ulid, strings.ToLower(ulid)}, c.q.ID)
		if (have.MadeAt != nil) != tells || tells && !have.MadeAt.Equal(made) {
			t.Errorf("%s: want an id that tells when it was made: %v; have %v", c.q.ID, tells, have.MadeAt)
		}
	}
}
