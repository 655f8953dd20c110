package load

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/spoorhq/spoor/event"
	"github.com/spoorhq/spoor/warehouse"
)

// people gathers what a batch says about who is who: identities and traits.
type people struct {
	// known remembers, by anonymous id, the user it was last seen with and when, so that the same pair is not written
	// with every event. A slot holds hashes of both; another id in it only has a pair written once more.
	known []knownPair

	identities map[string]warehouse.Identity
	users      map[string]warehouse.User
}

type knownPair struct {
	anonymous, user uint64
	at              event.Time
}

const knownPairs = 1 << 16

func newPeople() *people {
	return &people{
		known:      make([]knownPair, knownPairs),
		identities: map[string]warehouse.Identity{}, users: map[string]warehouse.User{},
	}
}

// meet takes note of an event that is loaded.
func (p *people) meet(e *event.Event) error {
	if e.UserID == "" {
		return nil
	}
	at := e.Timestamp
	if e.AnonymousID != "" {
		p.identity(e.AnonymousID, e.UserID, at)
	}
	if e.Type == event.TypeAlias && e.PreviousID != "" {
		p.identity(e.PreviousID, e.UserID, at)
	}
	if e.Type != event.TypeIdentify {
		return nil
	}
	seen := warehouse.User{UserID: e.UserID, Traits: e.Traits, FirstSeen: at, SeenAt: at}
	if row, ok := p.users[e.UserID]; ok {
		merged, err := warehouse.MergeUser(row, seen)
		if err != nil {
			return fmt.Errorf("merging the traits of user %q: %w", e.UserID, err)
		}
		p.users[merged.UserID] = merged
		return nil
	}
	seen.UserID, seen.Traits = strings.Clone(e.UserID), slices.Clone(e.Traits)
	p.users[seen.UserID] = seen
	return nil
}

func (p *people) identity(anonymous, user string, at event.Time) {
	pair := knownPair{xxh3.HashString(anonymous), xxh3.HashString(user), at}
	slot := &p.known[pair.anonymous%knownPairs]
	if slot.anonymous == pair.anonymous {
		if slot.user == pair.user {
			slot.at = max(slot.at, at)
			return
		}
		if at < slot.at {
			return // a late event: it was seen with the other user since
		}
	}
	*slot = pair
	next := warehouse.Identity{AnonymousID: anonymous, UserID: user, SeenAt: at}
	if row, ok := p.identities[anonymous]; ok && !row.Later(next) {
		return
	}
	next.AnonymousID, next.UserID = strings.Clone(anonymous), strings.Clone(user)
	p.identities[next.AnonymousID] = next
}

// settle writes what was gathered into the batch, and begins the next.
func (p *people) settle(b *warehouse.Batch) {
	for _, identity := range p.identities {
		b.Identities = append(b.Identities, identity)
	}
	for _, user := range p.users {
		b.Users = append(b.Users, user)
	}
	clear(p.identities)
	clear(p.users)
}
