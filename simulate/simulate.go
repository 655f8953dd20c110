// Package simulate plays a believable population of users against a collector and proves what became of their events.
//
// It has three parts that can be used alone. A [Generator] turns a seed into a stream of events in time order: people
// with countries, devices and habits, sessions that follow the day and the week, funnels that leak, visitors who sign
// up. [Send] posts that stream over the Segment protocol the way the official SDKs do, on an open-loop schedule, and keeps
// a [Ledger] of what was acknowledged. [Verify] reads the warehouse back, plays the same stream again from
// its seed beside the rows and compares every one of them.
//
// Nothing is drawn from a clock or a global source of randomness, so the same [Config] always gives the same bytes. A
// person is not stored but derived from seed and number whenever needed; what is kept is four bytes for each person
// who has come by (signed up, signed in where, plan) and the visits that are under way.
package simulate

import (
	"crypto/rand"
	"fmt"
	"math"
	"time"
)

// Config describes a population and the span of time in which it is watched. The zero value is 400,000 people from now
// on, without an end.
type Config struct {
	// Seed chooses the population and everything it does.
	Seed uint64
	// Run is put into every message id, sim-<run>-<number>, so that two runs never collide: 1 to 32 characters of
	// a-z and 0-9. Empty: chosen at random.
	Run string
	// People is how many people have come by when To is reached, or at From where there is no To. Default 400,000.
	People int
	// From is when the stream begins, cut to the millisecond. Zero: now. Visits under way at From are part of it.
	From time.Time
	// To ends the stream; no event is at To or later. Zero: the stream has no end.
	To time.Time
	// PerPersonDay is the mean number of events a day over all people who ever came, however long ago. Default 5,
	// which makes 400,000 people two million events a day. It is a mean: weekends, nights and the people's own
	// habits lie around it.
	PerPersonDay float64
	// Rate, when above 0, is the mean of events a second in simulated time, at any hour of the day. More people
	// become active, each up to eight times as often as PerPersonDay says; beyond that the population is enlarged.
	Rate float64
	// Growth is how many new people come in 30 days, as a share of People. Default 0.15. Negative: none.
	Growth float64
}

// mostBusy is how many times more often than usual a person comes by for the sake of Config.Rate.
const mostBusy = 8

// mostPeople keeps the number of a person within 32 bits with room for growth.
const mostPeople = 2_000_000_000

// Resolve checks c and fills in its defaults, the random ones included: the result describes one exact stream.
func (c Config) Resolve() (Config, error) {
	if c.Run == "" {
		c.Run = NewRun()
	}
	if err := checkRun(c.Run); err != nil {
		return c, err
	}
	if c.People == 0 {
		c.People = 400_000
	}
	if c.PerPersonDay == 0 {
		c.PerPersonDay = 5
	}
	if c.Growth == 0 {
		c.Growth = 0.15
	}
	c.Growth = max(c.Growth, 0)
	if c.From.IsZero() {
		c.From = time.Now()
	}
	c.From = time.UnixMilli(c.From.UnixMilli()).UTC()
	switch {
	case c.People < 1 || c.People > mostPeople:
		return c, fmt.Errorf("people must be between 1 and %d; got %d", mostPeople, c.People)
	case !(c.PerPersonDay > 0 && c.PerPersonDay <= 10_000):
		return c, fmt.Errorf("events per person and day must be above 0 and at most 10000; got %v", c.PerPersonDay)
	case !(c.Rate >= 0) || math.IsInf(c.Rate, 1):
		return c, fmt.Errorf("rate cannot be %v", c.Rate)
	case !(c.Growth <= 10):
		return c, fmt.Errorf("growth in 30 days cannot be above 10; got %v", c.Growth)
	case c.From.Year() < 1971 || c.From.Year() > 2200:
		return c, fmt.Errorf("the stream must begin between 1971 and 2200; got %v", c.From)
	case !c.To.IsZero() && !c.To.After(c.From):
		return c, fmt.Errorf("the stream must end after it begins; got from %v to %v", c.From, c.To)
	}
	if people := float64(c.People) * c.enlarge(); people > mostPeople {
		return c, fmt.Errorf("rate %v needs %.0f people; at most %d can be simulated", c.Rate, people, mostPeople)
	}
	return c, nil
}

// enlarge returns by how much the population must be multiplied for c.Rate; at least 1.
func (c Config) enlarge() float64 {
	return max(1, c.Rate*secondsPerDay/(float64(c.People)*c.PerPersonDay*mostBusy))
}

// NewRun returns a random name for a run: ten characters of a-z and 0-9.
func NewRun() string {
	const letters = "0123456789abcdefghijklmnopqrstuvwxyz"
	name := make([]byte, 10)
	rand.Read(name) // never fails: crypto/rand ends the process instead
	for i, b := range name {
		name[i] = letters[int(b)%len(letters)]
	}
	return string(name)
}

func checkRun(run string) error {
	if len(run) < 1 || len(run) > 32 {
		return fmt.Errorf("the name of a run must have 1 to 32 characters; got %d", len(run))
	}
	for _, r := range run {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return fmt.Errorf("the name of a run may only have a-z and 0-9; got %q", run)
		}
	}
	return nil
}

// messageIDDigits is how wide the number in a message id is written, zeros in front, so that ids sort as numbers do.
const messageIDDigits = 10

// MessageID returns the message id of the event with this number in a run.
func MessageID(run string, number uint64) string {
	return string(appendMessageID(nil, run, number))
}

func appendMessageID(b []byte, run string, number uint64) []byte {
	b = append(b, "sim-"...)
	b = append(b, run...)
	b = append(b, '-')
	return appendPadded(b, number, messageIDDigits)
}
