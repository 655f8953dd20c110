package query

import (
	"slices"
	"time"
)

// Funnel asks how many people go through steps, and how long they take. A person's best attempt counts: the one that
// comes farthest; of several, the one that got there first, begun as late as can be.
type Funnel struct {
	// Range is when an attempt may begin. Later steps may come after its end, within the window. It has no interval.
	Range Range  `json:"range"`
	Steps []Step `json:"steps"`
	Order Order  `json:"order,omitempty"`
	// Window is how long after the first step the others count; default 14 days.
	Window Span `json:"window,omitzero"`
	// Exclude are events that end an attempt when they happen between its steps.
	Exclude []Exclusion `json:"exclude,omitempty"`
	// Where is a condition on the events of all steps and exclusions.
	Where     *Filter    `json:"where,omitempty"`
	Breakdown *Breakdown `json:"breakdown,omitempty"`
	// BreakdownStep is the index of the step whose event says in which group an attempt is. Those that do not come so far
	// are in the group of missing values.
	BreakdownStep int  `json:"breakdown_step,omitempty"`
	Bots          bool `json:"bots,omitempty"`

	known time.Time // what happened from then on does not count; zero: all does
}

// Order is in what order steps are taken.
type Order string

// The orders.
const (
	Ordered  Order = "ordered" // one after the other, whatever else happens in between; the default
	Strict   Order = "strict"  // one directly after the other
	AnyOrder Order = "any"     // as they come: step 2 is the second of them to be done, whichever it is
)

// Orders gives them in the order of a menu.
func Orders() []Order { return []Order{Ordered, Strict, AnyOrder} }

// Exclusion is an event that ends an attempt between two steps.
type Exclusion struct {
	Event Selection `json:"event"`
	Where *Filter   `json:"where,omitempty"`
	// After and Before are the indexes of the steps between which it counts; without either, between the first and the last.
	After  int `json:"after,omitempty"`
	Before int `json:"before,omitempty"`
}

// between gives the numbers, from 1, of the steps between which it counts.
func (x Exclusion) between(steps int) (after, before int) {
	if x.After == 0 && x.Before == 0 {
		return 1, steps
	}
	return x.After + 1, x.Before + 1
}

// Bounds of a funnel.
const (
	MinSteps      = 2
	MaxSteps      = 20
	MaxExclusions = 10
)

func (f Funnel) order() Order {
	if f.Order == "" {
		return Ordered
	}
	return f.Order
}

func (f Funnel) window() Span { return f.Window.or(14, ByDay) }

// Validate refuses a funnel that means nothing, with an *Invalid.
func (f Funnel) Validate() error {
	if err := validateScope(f.Range, false, f.Where, f.Breakdown); err != nil {
		return err
	}
	if len(f.Steps) < MinSteps || len(f.Steps) > MaxSteps {
		return invalid("steps", len(f.Steps), "must be %d to %d", MinSteps, MaxSteps)
	}
	for i, s := range f.Steps {
		if err := s.Validate(nth("steps", i)); err != nil {
			return err
		}
	}
	if !slices.Contains(Orders(), f.order()) {
		return invalid("order", f.Order, "must be one of %s", join(Orders()))
	}
	if err := f.Window.Validate("window"); err != nil {
		return err
	}
	if len(f.Exclude) > MaxExclusions {
		return invalid("exclude", len(f.Exclude), "cannot be over %d", MaxExclusions)
	}
	if len(f.Exclude) > 0 && f.order() == Strict {
		return invalid("exclude", len(f.Exclude), "does not go with strict order, where nothing may come between steps")
	}
	for i, x := range f.Exclude {
		if err := x.validate(nth("exclude", i), f); err != nil {
			return err
		}
	}
	if f.BreakdownStep != 0 && f.Breakdown == nil {
		return invalid("breakdown_step", f.BreakdownStep, "goes with a breakdown")
	}
	if f.BreakdownStep < 0 || f.BreakdownStep >= len(f.Steps) {
		return invalid("breakdown_step", f.BreakdownStep, "must be the index of one of the %d steps", len(f.Steps))
	}
	return nil
}

func (x Exclusion) validate(path string, f Funnel) error {
	if err := (Step{Event: x.Event, Where: x.Where}).Validate(path); err != nil {
		return err
	}
	if x.After == 0 && x.Before == 0 {
		return nil
	}
	if f.order() == AnyOrder {
		return invalid(at(path, "after"), x.After, "does not go with any order, where an exclusion counts from the first step to the last")
	}
	if x.After < 0 || x.After > len(f.Steps)-2 {
		return invalid(at(path, "after"), x.After, "must be the index of a step that has one behind it, 0 to %d", len(f.Steps)-2)
	}
	if x.Before <= x.After || x.Before >= len(f.Steps) {
		return invalid(at(path, "before"), x.Before, "must be the index of a step behind after, %d to %d", x.After+1, len(f.Steps)-1)
	}
	return nil
}

// FunnelAnswer is a funnel's numbers.
type FunnelAnswer struct {
	Period Period `json:"period"`
	// Steps are of all people.
	Steps []FunnelStep `json:"steps"`
	// Groups are those of the breakdown: those with the most people at the first step, and the others together last.
	Groups []FunnelGroup `json:"groups,omitempty"`
	// Open: some who began may still go on, for their window ends after the moment up to which the answer is complete.
	Open     bool         `json:"open"`
	Complete Completeness `json:"complete"`

	closes time.Time // when the last window ends
}

// FunnelGroup is the numbers of one group.
type FunnelGroup struct {
	Group Group        `json:"group,omitempty"`
	Other bool         `json:"other,omitempty"` // all groups that are not shown, together
	Steps []FunnelStep `json:"steps"`
}

// FunnelStep is the numbers of a step. Times are in seconds.
type FunnelStep struct {
	People  int64 `json:"people"`  // whose best attempt came here
	Dropped int64 `json:"dropped"` // and no further; 0 at the last step
	// OfFirst and OfPrevious are People as a part (0 to 1) of those at the first step and at the one before; nil: there is
	// none of those.
	OfFirst    *float64 `json:"of_first"`
	OfPrevious *float64 `json:"of_previous"`
	// Median and Mean are the time since the step before; nil at the first step, and where nobody came.
	Median *float64 `json:"median"`
	Mean   *float64 `json:"mean"`
	// MedianOfAll and MeanOfAll are the time since the first step: at the last step, the time to convert.
	MedianOfAll *float64 `json:"median_of_all"`
	MeanOfAll   *float64 `json:"mean_of_all"`
}

// FunnelPoint is the people at a step of a funnel. In their list, Events is how many steps their attempt has, First when it
// began and Last when it came to its last one.
type FunnelPoint struct {
	Funnel Funnel `json:"funnel"`
	Step   int    `json:"step"` // its index
	// Dropped: those who came to the step and no further; else all who came to it.
	Dropped bool  `json:"dropped,omitempty"`
	Group   Group `json:"group,omitempty"` // without Group and Other, all people
	Other   bool  `json:"other,omitempty"`
}

func (p FunnelPoint) validate(path string) error {
	if err := p.Funnel.Validate(); err != nil {
		return within(at(path, "funnel"), err)
	}
	if p.Step < 0 || p.Step >= len(p.Funnel.Steps) {
		return invalid(at(path, "step"), p.Step, "must be the index of one of the %d steps", len(p.Funnel.Steps))
	}
	if p.Dropped && p.Step == len(p.Funnel.Steps)-1 {
		return invalid(at(path, "dropped"), true, "goes with a step that has one behind it")
	}
	return ofGroup(path, p.Funnel.Breakdown, p.Group, p.Other)
}
