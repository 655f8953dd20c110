package simulate

import (
	"math"
	"time"
)

// Event is one call of an SDK.
type Event struct {
	// Number is the event's place in the stream, from 0 on without a gap. It is part of the message id.
	Number uint64
	// Time is when it happened, to the millisecond, in UTC. Events come in the order of their times.
	Time time.Time
	// Type is the Segment call: track, page, screen, identify or group.
	Type string
	// Name is the event of a track call, and empty for the others.
	Name string
	// Browser: the call came from a page in a browser, and not from an app or a back end.
	Browser bool
	// JSON is the call as an SDK puts it into a batch: one object without a line break, without sentAt and writeKey.
	// The next call of Next with this Event writes it over.
	JSON []byte

	person    uint32
	user      bool // there is a user id, the person's
	anonymous dice // what the anonymous id is made of; 0 where there is none
}

// world is what there is before anybody comes. It does not change.
type world struct {
	crowd *crowd
	shop  *shop
	fleet *fleet
	door  *entrance
	ways  *ways
}

func newWorld(seed uint64) *world {
	crowd := newCrowd(seed)
	return &world{crowd: crowd, shop: newShop(seed), fleet: newFleet(), door: newEntrance(), ways: newWays(crowd.waits)}
}

// Generator plays the population of a Config. It is not safe for concurrent use.
type Generator struct {
	*world
	config Config
	comers arrivals

	begin  int64 // events before from are played, to have people on the site, but are not part of the stream
	from   int64
	to     int64
	steady bool    // visits come at the same pace at any hour
	pace   float64 // visits a millisecond where steady, and otherwise occasions for a visit a millisecond and person
	dice   dice    // for the times of visits, and for who comes

	returnIn float64   // milliseconds from begin to the next visit, or occasion for one, of somebody who was here before
	today    int64     // the day that arrivals lists
	people   int       // how many have come by the end of today
	arrivals []arrival // today's that have not come yet

	memories memories
	nobody   memory // of crawlers
	queue    queue
	number   uint64
	ink      ink
}

// warmUp is how long before From the simulation begins. Few visits are longer.
const warmUp = 6 * 60 * 1000

// NewGenerator returns a generator at the first event of c. It takes some milliseconds, and for a Rate of 10,000 some
// seconds more, as the visits that are under way at From must be found.
func NewGenerator(c Config) (*Generator, error) {
	c, err := c.Resolve()
	if err != nil {
		return nil, err
	}
	w := newWorld(c.Seed)
	events, visits := w.measure(c)
	played := c
	if c.Rate > 0 {
		// New people are at most three in ten, so that Rate is not exceeded by those alone.
		perDay := c.Rate * secondsPerDay / events
		played.Growth = min(c.Growth, .3*perDay*30/(float64(c.People)*c.enlarge()))
	}
	g := w.prepare(played)
	g.config = c
	if g.steady = c.Rate > 0; g.steady {
		g.pace = c.Rate/1000/events - g.comers.perDay/float64(day)
	} else {
		// First visits come anyway.
		people := float64(g.comers.already+g.comers.count(floorDiv(g.from+g.span(), day))) / 2
		returning := max(c.PerPersonDay-g.comers.perDay*events/people, c.PerPersonDay/10)
		g.pace = returning / float64(day) / events / visits
	}
	g.wait()
	var e Event
	g.upcoming(&e)
	return g, nil
}

// prepare returns a generator that lacks only its pace.
func (w *world) prepare(c Config) *Generator {
	g := &Generator{
		world: w, config: c, comers: newArrivals(c, w.crowd, int(float64(c.People)*c.enlarge())),
		begin: c.From.UnixMilli() - warmUp, from: c.From.UnixMilli(), to: math.MaxInt64,
		dice: throwFor(c.Seed, 0, forVisits),
	}
	if !c.To.IsZero() {
		g.to = c.To.UnixMilli()
	}
	g.ink = newInk(c.Run)
	g.turn(max(floorDiv(g.begin, day), g.comers.today))
	return g
}

// span returns how long the stream is, or a week where it has no end, in milliseconds.
func (g *Generator) span() int64 {
	if g.config.To.IsZero() {
		return 7 * day
	}
	return g.to - g.from
}

// measure plays some thousands of visits from all of the span and returns the mean number of events in one, and the
// share of occasions for a visit that become one. It takes a population large enough for both to be more than chance.
func (w *world) measure(c Config) (events, visits float64) {
	c.People = max(c.People, 50_000)
	c.Rate = 0
	g := w.prepare(c)
	g.dice = throwFor(c.Seed, 0, forCalibration)
	span := g.span()
	everybody := g.comers.count(floorDiv(g.from+span, day) + 1)
	const enough = 5_000
	occasions := 0
	var e Event
	for count := 0; count < enough; {
		// Occasions are as many as the people who have come.
		now := g.from + int64(g.dice.unit()*float64(span))
		g.people = g.comers.count(floorDiv(now, day) + 1)
		if g.dice.below(everybody) >= g.people {
			continue
		}
		g.begin = now // what was before is past
		occasions++
		if !g.visit(now) {
			continue
		}
		count++
		for v := g.queue.first(); v != nil; v = g.queue.first() {
			g.play(v, &e)
		}
	}
	return float64(g.number) / enough, enough / float64(occasions)
}

// Config returns what the generator plays, with all that NewGenerator filled in: a generator made from it gives the
// same events.
func (g *Generator) Config() Config { return g.config }

// Next puts the next event into e. It returns false when the stream has ended, which happens only where Config.To is
// set.
func (g *Generator) Next(e *Event) bool {
	v := g.upcoming(e)
	if v == nil {
		return false
	}
	m := g.remembered(v)
	g.act(v, m)
	g.describe(e, v, *m)
	w := pen{e.JSON[:0]}
	g.write(&w, e, v, *m)
	e.JSON = w.b
	g.proceed(v, m)
	return true
}

// skip is Next without the JSON.
func (g *Generator) skip(e *Event) bool {
	v := g.upcoming(e)
	if v == nil {
		return false
	}
	g.play(v, e)
	return true
}

// upcoming returns the visit that has the next event of the stream, or nil at its end.
func (g *Generator) upcoming(e *Event) *visit {
	for {
		v := g.queue.first()
		switch start := g.nextStart(); {
		case v != nil && v.at <= start:
			if v.at >= g.to {
				return nil
			}
			if v.at >= g.from {
				return v
			}
			g.play(v, e)
			g.number = 0
		case start >= g.to:
			return nil
		default:
			g.admit()
		}
	}
}

// play lets a visit go on by one action.
func (g *Generator) play(v *visit, e *Event) {
	m := g.remembered(v)
	g.act(v, m)
	g.describe(e, v, *m)
	g.proceed(v, m)
}

// describe puts into e all but the JSON.
func (g *Generator) describe(e *Event, v *visit, m memory) {
	d := &deeds[v.next]
	*e = Event{Number: g.number, Time: time.UnixMilli(v.at).UTC(), Type: d.kind, Name: d.name, Browser: v.on.browsing(), JSON: e.JSON, person: v.who.number}
	g.number++
	if v.next == look && v.on.app() {
		e.Type = "screen"
	}
	switch v.on {
	case server:
		e.user = true
	case crawler:
		e.anonymous = throwFor(g.config.Seed, uint64(v.who.number), forBot)
	default:
		e.user = m.signedIn(v.device)
		e.anonymous = throwFor(g.config.Seed, uint64(v.who.number)<<8|uint64(v.device)<<4|uint64(m.epoch(v.device)), forAnonymous)
	}
}

// remembered returns what to remember of a visit's person.
func (g *Generator) remembered(v *visit) *memory {
	if v.on == crawler {
		return &g.nobody
	}
	return g.memories.of(v.who.number)
}

// nextStart returns when to admit next.
func (g *Generator) nextStart() int64 {
	return min(g.begin+int64(g.returnIn), g.nextArrival())
}

// nextArrival returns when the next new person comes, or the end of today if nobody more does today.
func (g *Generator) nextArrival() int64 {
	if len(g.arrivals) == 0 {
		return (g.today + 1) * day
	}
	return g.arrivals[0].at
}

// admit begins the next visit, if one comes of it, and sets when the one after it is.
func (g *Generator) admit() {
	now := g.begin + int64(g.returnIn)
	if next := g.nextArrival(); next <= now {
		if len(g.arrivals) == 0 {
			g.turn(g.today + 1)
			return
		}
		p := g.crowd.person(g.arrivals[0].person)
		g.arrivals = g.arrivals[1:]
		g.open(&p, next, true)
		return
	}
	// Where the pace is steady somebody must come, unless there is really nobody.
	for tries := 1; !g.visit(now) && g.steady && tries < 5_000; tries++ {
	}
	g.wait()
}

// wait sets when somebody next returns.
func (g *Generator) wait() {
	pace := g.pace
	if !g.steady {
		pace *= float64(g.people)
	}
	g.returnIn += g.ways.waits.draw(&g.dice, 1/pace)
}

// turn begins a day.
func (g *Generator) turn(today int64) {
	g.today = today
	g.people = g.comers.count(today + 1)
	g.arrivals = g.comers.on(today)
	for len(g.arrivals) > 0 && g.arrivals[0].at < g.begin {
		g.arrivals = g.arrivals[1:]
	}
}

// botShare is the share of visits that are a crawler's.
const botShare = .005

// crawlerCount is how many crawlers there are.
const crawlerCount = 40

// visit gives somebody an occasion for a visit and returns whether it is taken. That depends on the time of day where
// the person is, on the person's habit, and on whether they still come at all.
func (g *Generator) visit(now int64) bool {
	number := uint32(g.dice.below(g.people))
	if habit, _ := g.crowd.habit(number); !g.dice.chance(habits[habit].often) {
		return false // most people, so the rest of them need not be known
	}
	p := g.crowd.person(number)
	if !g.dice.chance(busy(now + int64(p.zone))) {
		return false
	}
	since := g.comers.at(&p)
	if since > now || since+p.life < now || *g.memories.of(p.number)&visiting != 0 {
		return false
	}
	if g.dice.chance(botShare) {
		g.queue.push(visit{at: now, dice: dice(g.dice.next()), who: g.crowd.crawler(uint32(g.dice.below(crawlerCount))), next: look, on: crawler})
		return true
	}
	g.open(&p, now, false)
	return true
}

// open begins a visit.
func (g *Generator) open(p *person, now int64, first bool) {
	m := g.memories.of(p.number)
	if *m&known == 0 {
		*m |= g.past(p)
	}
	v := visit{at: now, dice: dice(g.dice.next()), who: *p, next: appStarted}
	if *m&signedUp != 0 && v.dice.chance(.3) {
		// The back end tells of something; the person is not there.
		v.on, v.next = server, emailDelivered
		if m.plan() != free && v.dice.chance(.08) {
			v.next = invoicePaid
		}
		g.queue.push(v)
		return
	}
	if !first && p.devices > 1 && v.dice.chance(.3) {
		v.device = uint8(1 + v.dice.below(int(p.devices)-1))
	}
	v.on = p.on[v.device]
	if v.on.browsing() {
		v.next = look
		v.channel = g.door.draw(&v.dice, first)
		v.here, v.landed = g.shop.landing(&v.dice), true
	}
	*m |= visiting
	g.queue.push(v)
}

// past returns what to remember of somebody who comes by for the first time since the simulation began.
func (g *Generator) past(p *person) memory {
	m := known
	since := g.comers.at(p)
	d := dice(p.taste)
	if since >= g.begin || !p.member || !d.chance(min(1, .75+float64(g.begin-since)/float64(90*day)*.25)) {
		return m
	}
	m |= signedUp
	m.setPlan(p.plan)
	for i := range p.devices {
		if d.chance(.8) {
			m.signIn(i)
		}
	}
	if d.chance(.5) {
		m |= ordered
	}
	return m
}

// act changes what an event is about to tell.
func (g *Generator) act(v *visit, m *memory) {
	v.steps++
	g.shop.walk(v)
	switch v.next {
	case productAdded:
		v.cart[int(v.inCart)%len(v.cart)] = v.product
		v.inCart = min(v.inCart+1, uint8(len(v.cart)))
	case signUpIdentify:
		*m |= signedUp
		m.setPlan(v.who.plan)
		m.signIn(v.device)
	case signInIdentify:
		m.signIn(v.device)
	case checkoutStarted:
		v.order = uint32(v.dice.next())
	}
}

// proceed changes what the event has changed, and sets v's next action or ends it.
func (g *Generator) proceed(v *visit, m *memory) {
	shipped := visit{}
	switch v.next {
	case productRemoved:
		v.inCart--
	case orderCompleted:
		*m |= ordered
		v.inCart = 0
		if m.signedIn(v.device) {
			shipped = visit{
				at: v.at + 6*day/24 + int64(v.dice.unit()*float64(2*day)), dice: dice(v.dice.next()), who: v.who,
				order: v.order, next: orderShipped, on: server,
			}
		}
	case signedOut:
		m.signOut(v.device)
	case planUpgraded:
		m.setPlan(m.plan() + 1)
	case planCancelled:
		m.setPlan(free)
	}
	if g.ways.choose(v, *m) {
		g.queue.moved()
	} else {
		if v.on != server {
			*m &^= visiting
		}
		g.queue.pop()
	}
	if shipped.on == server {
		g.queue.push(shipped)
	}
}
