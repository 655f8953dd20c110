package query

// Paths asks what people do after an event, or before it, step by step.
type Paths struct {
	// Range is when it happens. It has no interval.
	Range Range `json:"range"`
	// From is the event that paths are followed from: in each stretch of time the first such event; for Before, the last.
	// The zero Step is any event: paths are followed from where stretches begin, or end.
	From Step `json:"from,omitzero"`
	// Before follows paths backwards: what came before the event.
	Before bool `json:"before,omitempty"`
	// Steps is how many events are followed; default 4, at most 10.
	Steps int `json:"steps,omitempty"`
	// A stretch ends where a person does nothing for longer than Gap; default 30 minutes. With Sessions it is a session
	// instead, and events without one are left out.
	Gap      Span `json:"gap,omitzero"`
	Sessions bool `json:"sessions,omitempty"`
	// Top is how many events are shown at each step; the rest are one, "other". Default 8, at most 50.
	Top int `json:"top,omitempty"`
	// Hide are events that paths pass over.
	Hide []Selection `json:"hide,omitempty"`
	// Where is a condition on all events of paths.
	Where *Filter `json:"where,omitempty"`
	Bots  bool    `json:"bots,omitempty"`
}

// Bounds of paths, and what stands where nothing is said.
const (
	MaxPathSteps     = 10
	defaultPathSteps = 4
	maxPathTop       = 50
	defaultPathTop   = 8
	maxHidden        = 50
	shownSequences   = 20
)

func (p Paths) steps() int {
	if p.Steps == 0 {
		return defaultPathSteps
	}
	return p.Steps
}

func (p Paths) top() int {
	if p.Top == 0 {
		return defaultPathTop
	}
	return p.Top
}

// Validate refuses paths that mean nothing, with an *Invalid.
func (p Paths) Validate() error {
	if err := validateScope(p.Range, false, p.Where, nil); err != nil {
		return err
	}
	if err := p.From.Validate("from"); err != nil {
		return err
	}
	if p.Steps < 0 || p.Steps > MaxPathSteps {
		return invalid("steps", p.Steps, "must be 1 to %d", MaxPathSteps)
	}
	if err := p.Gap.Validate("gap"); err != nil {
		return err
	}
	if p.Sessions && p.Gap != (Span{}) {
		return invalid("gap", p.Gap, "does not go with sessions")
	}
	if p.Top < 0 || p.Top > maxPathTop {
		return invalid("top", p.Top, "must be 1 to %d", maxPathTop)
	}
	if len(p.Hide) > maxHidden {
		return invalid("hide", len(p.Hide), "cannot be over %d", maxHidden)
	}
	for i, s := range p.Hide {
		if err := s.validate(nth("hide", i)); err != nil {
			return err
		}
	}
	return nil
}

// PathsAnswer is nodes and the links between them, as a sankey diagram has them.
type PathsAnswer struct {
	Period Period `json:"period"`
	// Nodes are in the order of their steps, at each step those with the most paths first, the others and the end last. Step
	// 0 is where paths are followed from.
	Nodes []PathNode `json:"nodes"`
	Links []PathLink `json:"links"`
	// Sequences are the most frequent ways, whole.
	Sequences []PathSequence `json:"sequences"`
	Complete  Completeness   `json:"complete"`
}

// PathEvent is what happened at a step: an event of a type and name, or another one, or none.
type PathEvent struct {
	Type  string `json:"type,omitempty"`
	Event string `json:"event,omitempty"`
	Other bool   `json:"other,omitempty"` // all events that are not shown at the step
	End   bool   `json:"end,omitempty"`   // nothing more: the stretch ended, or for Before began
}

// PathNode is one event at one step.
type PathNode struct {
	Step int `json:"step"`
	PathEvent
	Paths  int64 `json:"paths"`  // how many paths lead through it
	People int64 `json:"people"` // how many people's
}

// PathLink leads from a node to one of the next step. For Before the time goes the other way.
type PathLink struct {
	Step   int   `json:"step"` // of From
	From   int   `json:"from"` // the index of a node
	To     int   `json:"to"`   // the index of a node
	Paths  int64 `json:"paths"`
	People int64 `json:"people"`
}

// PathSequence is one whole way, from step 0 on as far as it goes or is followed.
type PathSequence struct {
	Events []PathEvent `json:"events"`
	Paths  int64       `json:"paths"`
	People int64       `json:"people"`
}

// PathsPoint is the people behind a node or a link. In their list, Events is how many of their paths lead through it, First
// and Last are when the first and the last of those were at step 0.
type PathsPoint struct {
	Paths Paths      `json:"paths"`
	Step  int        `json:"step"`
	Event PathEvent  `json:"event"`
	Next  *PathEvent `json:"next,omitempty"` // at the step behind: the link to it; nil: the node
}

func (p PathsPoint) validate(path string) error {
	if err := p.Paths.Validate(); err != nil {
		return within(at(path, "paths"), err)
	}
	if last := p.Paths.steps(); p.Step < 0 || p.Step > last {
		return invalid(at(path, "step"), p.Step, "must be 0 to %d", last)
	}
	if p.Next != nil && p.Step == p.Paths.steps() {
		return invalid(at(path, "next"), p.Next, "goes with a step that has one behind it")
	}
	if err := p.Event.validate(at(path, "event")); err != nil {
		return err
	}
	if p.Next == nil {
		return nil
	}
	return p.Next.validate(at(path, "next"))
}

func (e PathEvent) validate(path string) error {
	if e.Other && e.End || (e.Other || e.End) == (e.Type != "") || e.Type == "" && e.Event != "" {
		return invalid(path, e, "must be a type and a name, or other, or end")
	}
	return Selection{Event: e.Event, Type: e.Type}.validate(path)
}
