package warehouse

import (
	"bytes"
	"errors"
	"slices"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/internal/jsonscan"
)

// Named gives the subject without empty ids, for the empty text is nobody's; it refuses one that has no others. The
// lists are never nil.
func (s Subject) Named() (Subject, error) {
	named := func(ids []string) []string {
		return slices.DeleteFunc(append([]string{}, ids...), func(id string) bool { return id == "" })
	}
	s = Subject{UserIDs: named(s.UserIDs), AnonymousIDs: named(s.AnonymousIDs)}
	if len(s.UserIDs)+len(s.AnonymousIDs) == 0 {
		return s, errors.New("a subject needs at least one user id or anonymous id")
	}
	return s, nil
}

// Search finds the dead letters that are about a subject. It is for one goroutine.
type Search struct {
	subject Subject
	needles [][]byte
	parser  event.Parser
	event   event.Event
}

// NewSearch begins a search.
func NewSearch(subject Subject) *Search {
	s := &Search{subject: subject}
	for _, id := range slices.Concat(subject.UserIDs, subject.AnonymousIDs) {
		s.needles = append(s.needles, jsonscan.AppendQuoted(nil, id))
	}
	return s
}

// Hit tells whether a dead letter is about the subject: by its fields where it can be read, by its text otherwise.
func (s *Search) Hit(raw []byte) bool {
	for _, needle := range s.needles {
		if bytes.Contains(raw, needle) {
			return true
		}
	}
	s.parser.Reset()
	v, _, err := jsonscan.Scan(raw, event.MaxDepth)
	if err != nil {
		return false
	}
	s.parser.Inspect(v, "", &s.event)
	return slices.Contains(s.subject.UserIDs, s.event.UserID) || slices.Contains(s.subject.AnonymousIDs, s.event.AnonymousID)
}
