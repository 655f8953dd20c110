package alert

import "time"

// Episode is a time in which an alert fired, with what was seen when that began.
type Episode struct {
	Since time.Time  `json:"since"`
	Until *time.Time `json:"until,omitempty" description:"without it, it still fires"`
	Event *Name      `json:"event,omitempty" description:"of tracking: the event that had stopped coming"`
	Value *float64   `json:"value,omitempty"`
	Low   *float64   `json:"low,omitempty"`
	High  *float64   `json:"high,omitempty"`
}

// mostEpisodes bounds the history of an alert.
const mostEpisodes = 50

// begin notes that something began to fire.
func (s *State) begin(e Episode) {
	s.History = append([]Episode{e}, s.History...)
	if len(s.History) > mostEpisodes {
		s.History = s.History[:mostEpisodes]
	}
}

// end notes that whatever fires does so no more, but for the events that still tells of.
func (s *State) end(at time.Time, still func(Name) bool) {
	for i := range s.History {
		e := &s.History[i]
		if e.Until == nil && (e.Event == nil || !still(*e.Event)) {
			e.Until = &at
		}
	}
}

// none is for when nothing fires any more.
func none(Name) bool { return false }
