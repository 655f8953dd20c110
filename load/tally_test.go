package load

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

func with(id, name, properties string) string {
	return strings.TrimSuffix(track(id, name), "}") + `,"properties":` + properties + "}"
}

// columns gives a view's columns as text.
func columns(v warehouse.View) string {
	var out []string
	for _, c := range v.Columns {
		out = append(out, c.Name+":"+c.Kind.String())
	}
	return strings.Join(out, " ")
}

func TestViewsGrow(t *testing.T) {
	along(t, 1, func(p *pipe) {
		stop := p.start()
		p.send("web", with("a", "Search Used", `{"n":1,"q":"x"}`), `{"type":"page","name":"Home","userId":"u"}`)
		p.quiet()
		want(t, "columns", "n:integer q:string", columns(p.warehouse.views["event_search_used"]))
		p.send("web", with("b", "Search Used", `{"n":1.5,"q":null}`))
		p.quiet()
		want(t, "columns", "n:number q:string", columns(p.warehouse.views["event_search_used"]))
		views := 0
		for _, b := range p.warehouse.batches {
			views += len(b.Views)
		}
		p.send("web", with("c", "Search Used", `{"n":2,"q":"y"}`)) // nothing new
		p.quiet()
		stop()
		last := p.warehouse.batches[len(p.warehouse.batches)-1]
		want(t, "views made anew for nothing", 0, len(last.Views)+len(last.Properties))
		p.send("web", with("d", "Search Used", `{"q":7,"new":true}`))
		p.load()
		want(t, "columns after a restart", "n:number new:boolean q:", columns(p.warehouse.views["event_search_used"]))
		if _, ok := p.warehouse.views["pages"]; !ok || views != 3 {
			t.Errorf("want a view of pages, and 3 made in all; have %v, %d", p.warehouse.views, views)
		}
		want(t, "volume", 4, p.warehouse.volumes["track Search Used"])
	})
}

// TestViewsOfSeveralLoaders: another loader commits a property of the same name while this one's batch is on its way.
func TestViewsOfSeveralLoaders(t *testing.T) {
	along(t, 1, func(p *pipe) {
		p.warehouse.fault = func(load int, b *warehouse.Batch) fault {
			if load == 1 {
				other := b.Properties[0]
				other.Name, other.Kind = "theirs", "boolean"
				p.warehouse.properties = append(p.warehouse.properties, other)
			}
			return none
		}
		stop := p.start(func(o *Options) { o.Shared = true })
		p.send("web", with("a", "X", `{"ours":1}`))
		p.quiet()
		want(t, "columns", "ours:integer theirs:boolean", columns(p.warehouse.views["event_x"]))
		want(t, "loads", 2, p.warehouse.attempts)
		p.send("web", with("b", "X", `{"ours":1,"theirs":false}`))
		p.quiet()
		stop()
		want(t, "loads", 3, p.warehouse.attempts)
		want(t, "properties made known", 3, len(p.warehouse.properties))
	})
}

func TestViewNamesThatFallTogether(t *testing.T) {
	along(t, 1, func(p *pipe) {
		p.send("web", track("a", "Search Used"), track("b", "search_used"))
		p.load()
		p.send("web", track("c", "searchUsed"), with("d", "search_used", `{"q":"x"}`))
		p.load()
		for view, name := range map[string]string{
			"event_search_used": "Search Used", "event_search_used_2": "search_used", "event_search_used_3": "searchUsed",
		} {
			want(t, view, name, p.warehouse.views[view].Event)
		}
		want(t, "views", 3, len(p.warehouse.views))
		want(t, "columns", "q:string", columns(p.warehouse.views["event_search_used_2"]))
	})
}

func TestTooManyNames(t *testing.T) {
	along(t, 1, func(p *pipe) {
		for i := range maxNames {
			p.warehouse.properties = append(p.warehouse.properties, warehouse.Property{
				Type: event.TypeTrack, Event: fmt.Sprint("n", i), View: fmt.Sprint("event_n", i),
			})
		}
		p.send("web", track("a", "n7"), with("b", "one too many", `{"q":1}`), with("c", "and another", `{"r":1}`),
			`{"type":"page","name":"Home","userId":"u"}`)
		p.load()
		p.send("web", with("d", "one too many", `{"q":1}`))
		p.load()
		want(t, "volume of those past the limit", 3, p.warehouse.volumes["track "+otherName])
		want(t, "volume of one before it", 1, p.warehouse.volumes["track n7"])
		want(t, "volume of pages, which are no invented names", 1, p.warehouse.volumes["page "])
		want(t, "columns of what is no one name", "", columns(p.warehouse.views[warehouse.ViewName("track", otherName)]))
		want(t, "rows", 5, len(p.warehouse.rows))
	})
}

func TestPeopleSettle(t *testing.T) {
	along(t, 1, func(p *pipe) {
		stop := p.start()
		at := func(s int, fields string) string {
			return fmt.Sprintf(`{"timestamp":%q,%s}`, time.Now().Add(time.Duration(s-100)*time.Second).UTC().Format(time.RFC3339), fields)
		}
		seen := func(s int, anonymous, user string) string {
			return at(s, fmt.Sprintf(`"type":"track","event":"X","anonymousId":%q,"userId":%q`, anonymous, user))
		}
		p.send("web",
			seen(10, "d1", "ann"), seen(20, "d1", "bob"), seen(15, "d1", "ann"),
			seen(10, "d2", "ann"), seen(5, "d2", "bob"), seen(50, "d2", "bob"),
			seen(10, "d3", "ann"), seen(30, "d3", "ann"), seen(20, "d3", "bob"),
			at(10, `"type":"alias","previousId":"old","userId":"ann"`),
			at(20, `"type":"identify","userId":"ann","traits":{"plan":"pro","age":30}`),
			at(10, `"type":"identify","userId":"ann","traits":{"plan":"free","city":"Bonn"}`),
		)
		p.quiet()
		p.send("web", at(90, `"type":"identify","userId":"ann","traits":{"age":null}`))
		p.quiet()
		stop()
		var have []string
		for _, i := range p.warehouse.identities {
			have = append(have, i.AnonymousID+"="+i.UserID)
		}
		slices.Sort(have)
		wantSame(t, "identities", words("d1=bob d2=bob d3=ann old=ann"), have)
		want(t, "traits", `{"city":"Bonn","plan":"pro"}`, string(p.warehouse.users["ann"].Traits))
	})
}
