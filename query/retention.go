package query

import (
	"slices"
	"time"
)

// Retention asks how many people come back. Those who start in the same interval of the range are a cohort; it is counted
// how many of them return in that period (0), in the next (1), and so on to the end of the range.
type Retention struct {
	// Range is when people start and return; its interval is day, week or month.
	Range  Range `json:"range"`
	Start  Step  `json:"start"`
	Return Step  `json:"return"`
	// OrAfter counts for each period those who return in it or later; without it those who return in it.
	OrAfter bool `json:"or_after,omitempty"`
	// Ever takes those only whose start in the range is their first one ever; without it a person starts with the first one
	// in the range.
	Ever bool `json:"ever,omitempty"`
	// Rolling counts periods of 24 hours (7 or 30 times as long for weeks and months) from the person's own start; without
	// it they are those of the calendar in the range's zone.
	Rolling bool `json:"rolling,omitempty"`
	// Where is a condition on the events of both.
	Where *Filter `json:"where,omitempty"`
	// Breakdown is by the event that a person starts with.
	Breakdown *Breakdown `json:"breakdown,omitempty"`
	Bots      bool       `json:"bots,omitempty"`
}

// MaxCohorts bounds how many intervals a retention's range may have.
const MaxCohorts = 60

// Validate refuses a retention that means nothing, with an *Invalid.
func (r Retention) Validate() error {
	if err := validateScope(r.Range, true, r.Where, r.Breakdown); err != nil {
		return err
	}
	if units := []Interval{ByDay, ByWeek, ByMonth}; !slices.Contains(units, r.Range.interval()) {
		return invalid("range.interval", r.Range.Interval, "must be one of %s", join(units))
	}
	if err := r.Start.Validate("start"); err != nil {
		return err
	}
	return r.Return.Validate("return")
}

// RetentionAnswer is a retention's numbers.
type RetentionAnswer struct {
	Period Period `json:"period"`
	// All is of all people.
	All RetentionTable `json:"all"`
	// Groups are those of the breakdown: those in which the most people start, and the others together last.
	Groups   []RetentionTable `json:"groups,omitempty"`
	Complete Completeness     `json:"complete"`

	length time.Duration // of periods that roll; 0: they do not
}

// RetentionTable is a triangle of numbers: a row for each of the period's buckets, in their order.
type RetentionTable struct {
	Group Group          `json:"group,omitempty"`
	Other bool           `json:"other,omitempty"` // all groups that are not shown, together
	Rows  []RetentionRow `json:"rows"`
	// Curve is all rows together: for each period the cells that are complete.
	Curve []RetentionCell `json:"curve"`
}

// RetentionRow is a cohort: the people who start in one bucket of the period.
type RetentionRow struct {
	Bucket
	Size int64 `json:"size"` // how many they are
	// Cells are the periods 0, 1 and so on, as far as the range goes.
	Cells []RetentionCell `json:"cells"`
}

// RetentionCell is who returned in a period.
type RetentionCell struct {
	People int64 `json:"people"`
	// Of is how many could have; in a row, its size.
	Of int64 `json:"of"`
	// Share is People as a part (0 to 1) of them; nil: there are none.
	Share *float64 `json:"share"`
	// Incomplete: the period is not over for all of them, or not all of its events are known.
	Incomplete bool `json:"incomplete,omitempty"`
}

// RetentionPoint is the people behind a cell, or a cohort. In their list, Events is how many of their events are returns,
// First is when they started, and Last is their last return, or again the start where they did not return after it.
type RetentionPoint struct {
	Retention Retention `json:"retention"`
	Row       int       `json:"row"`            // the index of the cohort's bucket
	Cell      *int      `json:"cell,omitempty"` // the period; nil: the whole cohort
	// Lost: those who did not return in the period; else those who did.
	Lost  bool  `json:"lost,omitempty"`
	Group Group `json:"group,omitempty"` // without Group and Other, all people
	Other bool  `json:"other,omitempty"`
}

func (p RetentionPoint) validate(path string) error {
	if err := p.Retention.Validate(); err != nil {
		return within(at(path, "retention"), err)
	}
	if p.Row < 0 || p.Row >= MaxCohorts {
		return invalid(at(path, "row"), p.Row, "must be 0 to %d", MaxCohorts-1)
	}
	if p.Cell != nil && (*p.Cell < 0 || *p.Cell >= MaxCohorts) {
		return invalid(at(path, "cell"), *p.Cell, "must be 0 to %d", MaxCohorts-1)
	}
	if p.Lost && p.Cell == nil {
		return invalid(at(path, "lost"), true, "goes with a cell")
	}
	return ofGroup(path, p.Retention.Breakdown, p.Group, p.Other)
}
