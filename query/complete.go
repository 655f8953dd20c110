package query

import "time"

// Completeness says how much of what has happened an answer knows of.
type Completeness struct {
	// UpTo: what the door took before this moment is in the answer. nil: it is not known; nothing has been loaded yet.
	UpTo *time.Time `json:"up_to"`
	// AskedAt is when the warehouse was asked: an answer may come out of the cache.
	AskedAt time.Time `json:"asked_at"`
}

// Mark marks the buckets that are not complete: those that end after what is known.
func (c Completeness) Mark(list []Bucket) {
	for i := range list {
		if c.UpTo == nil || c.UpTo.Before(list[i].To) {
			list[i].Incomplete = true
		}
	}
}
