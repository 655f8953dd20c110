package simulate

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"testing"
	"time"
)

// census counts what happens in four weeks.
type census struct {
	people   int
	events   int
	days     [28]int
	hours    [24]int // by the people's own clocks
	active   [4]map[uint32]bool
	devices  map[uint32]map[platform]bool
	crawled  int
	funnel   map[platform]map[string]int
	buyers   map[string]map[string]int // by country
	names    map[string]int
	versions map[int]map[int]int // of the app, by week
	perHead  map[uint32]int
}

func takeCensus(t *testing.T) *census {
	t.Helper()
	const people = 12_000
	c := &census{
		people: people, devices: make(map[uint32]map[platform]bool), funnel: make(map[platform]map[string]int), perHead: make(map[uint32]int),
		buyers: make(map[string]map[string]int), names: make(map[string]int), versions: make(map[int]map[int]int),
	}
	for i := range c.active {
		c.active[i] = make(map[uint32]bool)
	}
	g := mustGenerate(t, Config{Seed: 11, Run: "census", People: people, PerPersonDay: 2, From: monday, To: monday.AddDate(0, 0, 28)})
	var e Event
	for v := g.upcoming(&e); v != nil; v = g.upcoming(&e) {
		on, who, late := v.on, v.who, v.who.late
		g.skip(&e)
		c.events++
		c.names[e.Name]++
		if on == crawler {
			c.crawled++
			continue
		}
		d := int(e.Time.Sub(monday) / (24 * time.Hour))
		c.days[d]++
		c.hours[e.Time.Add(time.Duration(who.zone)*time.Millisecond).Hour()]++
		if on == server {
			continue
		}
		c.active[d/7][who.number] = true
		c.perHead[who.number]++
		at := func(m map[string]map[string]int, key string) {
			if m[key] == nil {
				m[key] = make(map[string]int)
			}
			m[key][e.Name]++
		}
		at(c.buyers, countries[who.country].code)
		if c.funnel[on] == nil {
			c.funnel[on] = make(map[string]int)
		}
		c.funnel[on][e.Name]++
		if c.devices[who.number] == nil {
			c.devices[who.number] = make(map[platform]bool)
		}
		c.devices[who.number][on] = true
		if on.app() {
			if c.versions[d/7] == nil {
				c.versions[d/7] = make(map[int]int)
			}
			c.versions[d/7][shopApp.at(e.Time.UnixMilli(), late)]++
		}
	}
	return c
}

// within fails the test unless have lies in the band.
func within(t *testing.T, what string, have, low, high float64) {
	t.Helper()
	t.Logf("%s: %.4v", what, have)
	if !(have >= low && have <= high) {
		t.Errorf("%s: want %v to %v, have %v", what, low, high, have)
	}
}

func ratio(a, b int) float64 { return float64(a) / float64(b) }

func TestPopulationIsBelievable(t *testing.T) {
	t.Parallel()
	c := takeCensus(t)

	t.Run("volume", func(t *testing.T) {
		within(t, "events per person and day", ratio(c.events, c.people)/28, 1.6, 2.2)
	})
	t.Run("week", func(t *testing.T) {
		workdays, weekends := 0, 0
		for d, n := range c.days {
			if d%7 >= 5 {
				weekends += n
			} else {
				workdays += n
			}
		}
		within(t, "a weekend's day against a workday", ratio(weekends*5, workdays*2), .55, .8)
	})
	t.Run("day", func(t *testing.T) {
		night, evening := c.hours[2]+c.hours[3]+c.hours[4], c.hours[18]+c.hours[19]+c.hours[20]
		within(t, "the night against the evening", ratio(night, evening), .01, .15)
	})
	t.Run("growth", func(t *testing.T) {
		within(t, "people in the last week against the first", ratio(len(c.active[3]), len(c.active[0])), 1.01, 1.4)
		kept := 0
		for p := range c.active[0] {
			if c.active[3][p] {
				kept++
			}
		}
		within(t, "people of the first week who come in the last", ratio(kept, len(c.active[0])), .5, .9)
	})
	t.Run("power", func(t *testing.T) {
		counts := slices.Sorted(maps.Values(c.perHead))
		most := 0
		for _, n := range counts[len(counts)*9/10:] {
			most += n
		}
		within(t, "share of events by the busiest tenth", ratio(most, c.events), .2, .6)
		within(t, "share of people seen at all", ratio(len(counts), c.people), .1, .6)
		several := 0
		for _, on := range c.devices {
			if len(on) > 1 {
				several++
			}
		}
		within(t, "share of people on several devices", ratio(several, len(c.devices)), .02, .35)
	})
	t.Run("bots", func(t *testing.T) {
		within(t, "share of events by crawlers", ratio(c.crawled, c.events), .01, .07)
	})
	t.Run("funnel", func(t *testing.T) {
		steps := []string{"App Started", "Product Viewed", "Product Added", "Checkout Started", "Order Completed"}
		for on := desktop; on <= androidApp; on++ {
			f := c.funnel[on]
			for i := 2; i < len(steps); i++ {
				within(t, steps[i]+" of "+steps[i-1], ratio(f[steps[i]], f[steps[i-1]]), .03, .85)
			}
		}
		bought := func(f map[string]int) float64 { return ratio(f["Order Completed"], f["App Started"]) }
		within(t, "orders a visit on a desktop", bought(c.funnel[desktop]), .01, .06)
		within(t, "phones' browsers against desktops", bought(c.funnel[mobileWeb])/bought(c.funnel[desktop]), .1, .7)
		within(t, "India against the United States", bought(c.buyers["IN"])/bought(c.buyers["US"]), .05, .6)
	})
	t.Run("names", func(t *testing.T) {
		within(t, "share of passwords changed", ratio(c.names["Password Changed"], c.events), .0003, .01)
		within(t, "share of searches", ratio(c.names["Search Used"], c.events), .04, .25)
	})
	t.Run("versions", func(t *testing.T) {
		newest := func(week int) (version int) {
			for v := range c.versions[week] {
				version = max(version, v)
			}
			return version
		}
		if newest(3) <= newest(0) {
			t.Errorf("want a newer app in the last week than %d, have %d", newest(0), newest(3))
		}
		if len(c.versions[3]) < 3 {
			t.Errorf("want some who are late with updates, have versions %v", c.versions[3])
		}
	})
}

// Nobody has a user id before signing up or in; from then on the device tells both ids until the person signs out.
func TestAnonymousUntilSignedIn(t *testing.T) {
	t.Parallel()
	g := mustGenerate(t, Config{Seed: 5, Run: "who", People: 4_000, PerPersonDay: 1.5, Growth: .6, From: monday, To: monday.AddDate(0, 0, 8)})
	user := make(map[string]string)     // by anonymous id, once known
	gone := make(map[string]bool)       // anonymous ids of those who signed out
	anonymous := make(map[string]bool)  // anonymous ids seen without a user
	signedUp := make(map[string]uint32) // user ids of those who signed up within the span
	stitched, shipped, resets, inSteps := 0, 0, 0, 0
	var e Event
	newcomers := uint32(g.comers.count(g.comers.today + 1))
	for g.Next(&e) {
		var c call
		if err := json.Unmarshal(e.JSON, &c); err != nil {
			t.Fatal(err)
		}
		if gone[c.AnonymousID] {
			t.Fatalf("want a new anonymous id after signing out, have %s", e.JSON)
		}
		switch {
		case c.AnonymousID == "":
			if c.UserID == "" || c.Context.Library.Name != "@segment/analytics-node" {
				t.Fatalf("want only the back end to know no anonymous id, have %s", e.JSON)
			}
			if e.Name == "Order Shipped" {
				shipped++
			}
			continue
		case c.UserID == "":
			if user[c.AnonymousID] != "" {
				t.Fatalf("%s was %s before, and nobody now: %s", c.AnonymousID, user[c.AnonymousID], e.JSON)
			}
			anonymous[c.AnonymousID] = true
		case user[c.AnonymousID] == "":
			user[c.AnonymousID] = c.UserID
			if anonymous[c.AnonymousID] {
				stitched++
				if e.Type != "identify" {
					t.Fatalf("want an identify call first, have %s", e.JSON)
				}
			}
		case user[c.AnonymousID] != c.UserID:
			t.Fatalf("%s is %s and %s", c.AnonymousID, user[c.AnonymousID], c.UserID)
		}
		if e.Name == "Signed Up" {
			signedUp[c.UserID] = e.person
		}
		if e.person >= newcomers && c.UserID != "" && signedUp[c.UserID] == 0 && e.Type != "identify" {
			t.Fatalf("%s came in the span and has not signed up: %s", c.UserID, e.JSON)
		}
		if e.Type == "identify" && (c.Traits["plan"] == nil || c.UserID == "") {
			t.Fatalf("want a plan and a user with an identify call, have %s", e.JSON)
		}
		if e.Name == "Signed Out" {
			gone[c.AnonymousID] = true
			resets++
		}
		if e.Name == "Checkout Started" && c.UserID == "" {
			inSteps++
		}
	}
	if stitched < 100 || len(signedUp) < 100 || shipped < 10 || resets < 10 || inSteps < 10 {
		t.Errorf("want hundreds who sign up and in, have %d in and %d up; want some orders shipped, have %d; some who sign out, have %d; "+
			"some checkouts by nobody known, have %d", stitched, len(signedUp), shipped, resets, inSteps)
	}
}

// The mean holds for a week as for a year, in which most of the people come first.
func TestVolume(t *testing.T) {
	t.Parallel()
	for _, days := range []int{7, 90, 400} {
		g := mustGenerate(t, Config{Seed: 4, Run: "volume", People: 10_000, PerPersonDay: .3, From: monday, To: monday.AddDate(0, 0, days)})
		var e Event
		events, personDays := 0, 0
		for g.skip(&e) {
			events++
		}
		for d := range int64(days) {
			personDays += g.comers.count(g.comers.today + d)
		}
		within(t, "events a person and day", ratio(events, personDays)/g.config.PerPersonDay, .9, 1.1)
	}
}

func TestRateIsMetAtAnyHour(t *testing.T) {
	t.Parallel()
	for _, hour := range []int{3, 20} {
		for _, rate := range []float64{.5, 50, 150} {
			from := monday.Add(time.Duration(hour) * time.Hour)
			span := time.Duration(max(15, 1500/rate)) * time.Minute
			g := mustGenerate(t, Config{Seed: 9, Run: "rate", People: 20_000, Rate: rate, From: from})
			var e Event
			count, early := 0, 0
			for g.skip(&e) && e.Time.Before(from.Add(span)) {
				count++
				if e.Time.Before(from.Add(span / 5)) {
					early++
				}
			}
			have := float64(count) / span.Seconds()
			within(t, "events a second", have/rate, .85, 1.15)
			// Visits are under way from the start.
			within(t, "the first fifth", float64(early)*5/float64(count), .75, 1.25)
		}
	}
}

func TestEnlargedForRate(t *testing.T) {
	t.Parallel()
	c := Config{People: 1_000, PerPersonDay: 5, Rate: 1_000}
	if have, want := float64(c.People)*c.enlarge()*5*mostBusy/secondsPerDay, 1_000.; math.Abs(have-want) > 1e-6 {
		t.Errorf("want people enough for %v events a second, have for %v", want, have)
	}
}

func TestArrivalsAgree(t *testing.T) {
	t.Parallel()
	crowd := newCrowd(1)
	a := newArrivals(Config{From: monday, To: monday.AddDate(0, 0, 60), Growth: .3}, crowd, 10_000)
	if have := a.count(a.today + 60); have < 9_990 || have > 10_000 {
		t.Errorf("want 10000 people at the end, have %d", have)
	}
	for days := a.today; days < a.today+60; days++ {
		list := a.on(days)
		if len(list) != a.count(days+1)-a.count(days) {
			t.Fatalf("day %d: want %d arrivals, have %d", days, a.count(days+1)-a.count(days), len(list))
		}
		for i, one := range list {
			p := crowd.person(one.person)
			if have := a.at(&p); have != one.at || floorDiv(have, day) != days {
				t.Fatalf("person %d: want to arrive at %d on day %d, have %d", one.person, one.at, days, have)
			}
			if i > 0 && list[i-1].at > one.at {
				t.Fatalf("day %d: arrivals are not in order", days)
			}
		}
	}
	first := crowd.person(0)
	if a.at(&first) >= a.today*day {
		t.Error("the first of all came after the beginning")
	}
}
