package alert

import (
	"time"

	"github.com/spoorhq/spoor/query"
)

// Status is how an alert stands.
type Status string

// An alert is learning until there is enough of the past to know what is usual. The last two are shown and not kept: see
// State.Shown.
const (
	OK       Status = "ok"
	Firing   Status = "firing"
	Learning Status = "learning"
	Paused   Status = "paused"
	NoData   Status = "no_data" // the number has no value
	Faulty   Status = "fault"   // it cannot be evaluated
)

// verdict is what one evaluation says.
type verdict int

const (
	unknown verdict = iota // there is nothing new, or not enough of the past
	fine
	breach
)

// Phase is where something that is watched stands between ok and firing.
type Phase struct {
	Status Status    `json:"status" enum:"ok,firing,learning,paused,no_data,fault"`
	Since  time.Time `json:"since"`
	Streak int       `json:"streak,omitempty" description:"evaluations in a row that speak against the status"`
}

// next is the phase after an evaluation. Only so many in a row that agree change it, so that a number that trembles about
// its threshold is told once. changed tells that it began or ended to fire.
func (p Phase) next(v verdict, inARow int, at time.Time) (after Phase, changed bool) {
	if v == unknown {
		if p.Status == "" {
			p = Phase{Status: Learning, Since: at}
		}
		return p, false
	}
	if p.Status != Firing && p.Status != OK {
		p = Phase{Status: OK, Since: at}
	}
	if (v == breach) == (p.Status == Firing) {
		p.Streak = 0
		return p, false
	}
	if p.Streak++; p.Streak < inARow {
		return p, false
	}
	if v == breach {
		return Phase{Status: Firing, Since: at}, true
	}
	return Phase{Status: OK, Since: at}, true
}

// Name is an event as the volumes know it.
type Name struct {
	Source string `json:"source"`
	Type   string `json:"type"`
	Event  string `json:"event,omitempty"`
}

func (n Name) String() string {
	if n.Event == "" {
		return n.Type + " from " + n.Source
	}
	return n.Event + " from " + n.Source
}

// Silent is an event that has stopped coming, or may have.
type Silent struct {
	Name
	Phase
	Usual float64 `json:"usual" description:"how many usually come in the window"`
	Hours int     `json:"hours" description:"how long the window is"`
}

// State is what became of an alert.
type State struct {
	Phase
	// RuleVersion is the version of the rule that this is of: a changed rule begins anew.
	RuleVersion int64            `json:"rule_version"`
	Evaluated   time.Time        `json:"evaluated" description:"up to when what has happened was looked at"`
	Value       *float64         `json:"value,omitempty"`
	Low         *float64         `json:"low,omitempty" description:"the least that does not fire"`
	High        *float64         `json:"high,omitempty" description:"the most that does not fire"`
	Kind        query.NumberKind `json:"kind,omitempty" description:"of the number"`
	NoData      bool             `json:"no_data,omitempty" description:"the number had no value"`
	History     []Episode        `json:"history,omitempty" description:"when it fired, the newest first"`
	Silent      []Silent         `json:"silent,omitempty" description:"of tracking: the events that have stopped coming, and those that may have"`
	Fault       string           `json:"fault,omitempty" description:"why it could not be evaluated"`
	Outbox      []Letter         `json:"outbox,omitempty" description:"what is yet to be told"`
	Undelivered string           `json:"undelivered,omitempty" description:"what could not be told last, and why"`
}

// Shown is the status that people should see first: that it fires, or else why it cannot be told whether it should.
func (s *State) Shown() Status {
	switch {
	case s.Status == Firing || s.Status == Paused:
		return s.Status
	case s.Fault != "":
		return Faulty
	case s.NoData:
		return NoData
	case s.Status == "":
		return Learning
	}
	return s.Status
}
