package simulate

// plan is what a member pays for.
type plan uint8

const (
	free plan = iota
	plus
	pro
	business
)

var plans = [...]struct {
	name   string
	people float64
	buyers float64 // how readily its members take a step of a funnel
	cents  int     // a month
}{
	free: {"free", 70, .8, 0}, plus: {"plus", 18, 1, 900}, pro: {"pro", 9, 1.08, 1900}, business: {"business", 3, 1.12, 4900},
}

// habit is how a person comes back.
type habit struct {
	people float64
	often  float64 // chance to follow an occasion for a visit, 1 for those who always do
	stays  float64 // mean days until the person never comes again
	joins  float64 // share who sign up at some time
}

var habits = [...]habit{
	{45, .05, 3, .12},  // looks in and leaves
	{34, .10, 60, .45}, // comes now and then
	{16, .32, 240, .8}, // a regular
	{5, 1, 900, .97},   // cannot do without
}

// maxDevices is how many devices one person can have.
const maxDevices = 3

// person is what is known of one of the people before they do anything. Times are in milliseconds.
type person struct {
	number  uint32
	habit   uint8
	country uint8
	city    uint8
	place   uint8 // number of the city among all
	member  bool  // signs up, or has signed up, at some time
	plan    plan
	devices uint8
	on      [maxDevices]platform
	zone    int32   // what the clocks show minus UTC
	readily float32 // how readily they take a step of a funnel
	life    int64   // from the first visit to the last
	late    int64   // how long this person waits with updates
	taste   uint64  // for all the rest
}

// crowd derives people from their numbers.
type crowd struct {
	seed      uint64
	habits    weighted
	countries weighted
	cities    []weighted
	places    []int // number of a country's first city among all
	plans     weighted
	waits     *waits
}

func newCrowd(seed uint64) *crowd {
	c := &crowd{
		seed:      seed,
		habits:    newWeighted(habits[:], func(h habit) float64 { return h.people }),
		countries: newWeighted(countries[:], func(c country) float64 { return c.people }),
		plans: newWeighted(plans[:], func(p struct {
			name   string
			people float64
			buyers float64
			cents  int
		}) float64 {
			return p.people
		}),
		waits: newWaits(),
	}
	places := 0
	for _, from := range countries {
		c.cities = append(c.cities, newWeighted(from.cities, func(at city) float64 { return at.people }))
		c.places = append(c.places, places)
		places += len(from.cities)
	}
	return c
}

// habit returns the habit of person number n, and the dice for the rest.
func (c *crowd) habit(n uint32) (uint8, dice) {
	d := throwFor(c.seed, uint64(n), forPerson)
	habit := uint8(c.habits.draw(&d))
	return habit, d
}

// person derives person number n.
func (c *crowd) person(n uint32) person {
	habit, d := c.habit(n)
	p := person{number: n, habit: habit}
	p.country = uint8(c.countries.draw(&d))
	from := &countries[p.country]
	p.city = uint8(c.cities[p.country].draw(&d))
	p.place = uint8(c.places[p.country]) + p.city
	p.zone = int32(from.cities[p.city].offset) * 60_000
	p.life = int64(c.waits.draw(&d, habits[habit].stays) * float64(day))
	p.member = d.chance(habits[habit].joins)
	p.plan = plan(c.plans.draw(&d))
	p.late = int64(c.waits.draw(&d, 6) * float64(day))
	p.devices = 1
	if u := d.unit(); u < .04 {
		p.devices = 3
	} else if u < .22 {
		p.devices = 2
	}
	u := d.unit()
	for i := range p.devices {
		// A second device is of another kind: the platforms lie on a circle, a third of it apart.
		p.on[i] = platformAt(u)
		if u += 1. / 3; u >= 1 {
			u--
		}
	}
	p.taste = d.next()
	p.readily = float32(from.buyers * plans[p.plan].buyers)
	return p
}

// crawler derives crawler number n.
func (c *crowd) crawler(n uint32) person {
	d := throwFor(c.seed, uint64(n), forBot)
	return person{number: n, devices: 1, on: [maxDevices]platform{crawler}, readily: 1, taste: d.next()}
}

// platformAt cuts [0, 1) into the shares of the platforms.
func platformAt(u float64) platform {
	switch {
	case u < .42:
		return desktop
	case u < .60:
		return iosApp
	case u < .80:
		return mobileWeb
	default:
		return androidApp
	}
}

// memory is what a person's past leaves: four bytes that are kept for everyone who has come by.
type memory uint32

const (
	known    memory = 1 << iota // the past before the stream is already in here
	signedUp                    // has an account
	ordered                     // has bought something
	visiting                    // is in a visit
)

const (
	signedInBit = 4  // and the next two: signed in on device 0, 1, 2
	epochBit    = 8  // three bits for each device: how often it began again with a new anonymous id
	planBit     = 20 // two bits: the plan
)

func (m memory) signedIn(device uint8) bool { return m>>(signedInBit+device)&1 == 1 }

func (m *memory) signIn(device uint8) { *m |= 1 << (signedInBit + device) }

// signOut also gives the device a new anonymous id, as the SDKs' reset does, as long as there are any.
func (m *memory) signOut(device uint8) {
	*m &^= 1 << (signedInBit + device)
	if m.epoch(device) < 7 {
		*m += 1 << (epochBit + 3*device)
	}
}

func (m memory) epoch(device uint8) uint8 { return uint8(m >> (epochBit + 3*device) & 7) }

func (m memory) plan() plan { return plan(m >> planBit & 3) }

func (m *memory) setPlan(p plan) { *m = *m&^(3<<planBit) | memory(p)<<planBit }

// memories keeps them in pages, so that a population of millions of which few come by costs little.
type memories [][]memory

const pageBits = 12

func (m *memories) of(person uint32) *memory {
	page := int(person >> pageBits)
	for page >= len(*m) {
		*m = append(*m, nil)
	}
	if (*m)[page] == nil {
		(*m)[page] = make([]memory, 1<<pageBits)
	}
	return &(*m)[page][person&(1<<pageBits-1)]
}
